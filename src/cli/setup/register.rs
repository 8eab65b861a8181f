//! The App does not exist yet: a page on this machine leads to GitHub and takes its answer.

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::super::doctor::app::{From, Known};
use super::{Args, Teller};
use crate::clock::Clock;
use crate::domain::manifest::{self, Manifest, Place};
use crate::domain::speech::setup as speech;
use crate::github::{self, Registered, permissions};
use crate::settings::{Credentials, IntakeChoice, Orgs, Secret, Settings};
use crate::web::setup::{CALLBACK, Desk, Keep, Plan};

/// The page, which answers that it is closed for as long as this lives.
pub type Page = JoinSet<std::io::Result<()>>;

/// Shows the link and waits for GitHub's answer. The credentials are kept, or printed, when this returns.
///
/// # Errors
/// When there is no port, or the credentials could not be kept.
pub async fn register(
    settings: &Settings,
    args: &Args,
    (clock, teller): (&Clock, Teller),
) -> anyhow::Result<(Known, Page)> {
    let path = settings.credentials_file();
    if !args.print_env {
        Credentials::can_be_kept(&path)?;
    }
    let listener = TcpListener::bind(("127.0.0.1", args.port))
        .await
        .with_context(|| format!("port {} cannot be listened on; add for example --port 8099", args.port))?;
    let port = listener.local_addr()?.port();
    let (file, print_env) = (path.clone(), args.print_env);
    let keep = move |new: &Registered| {
        let credentials = credentials(new);
        if !print_env {
            return credentials.keep(&file);
        }
        print!("{}", credentials.env_lines());
        Ok(())
    };
    let here = format!("http://127.0.0.1:{port}");
    let desk = Desk::new(plan((settings, args), here, clock, Box::new(keep)));
    let mut page = JoinSet::new();
    let router = desk.router();
    page.spawn(axum::serve(listener, router).into_future());
    if settings.public_url.is_none() {
        teller.say(speech::no_webhook(settings.intake == IntakeChoice::Poll));
    }
    if let Some(org) = settings.orgs.as_ref().and_then(one).filter(|_| args.org.is_none()) {
        teller.say(&speech::whose(org));
    }
    teller.say(&speech::open(&desk.link(), port));
    let new = desk.registered().await;
    let shown = path.display().to_string();
    teller.say(&speech::registered(&new.name, new.id, (!print_env).then_some(shown.as_str())));
    let from = if print_env { From::Printed } else { From::File(path) };
    Ok((Known { identity: settings.identity(&credentials(&new)), from }, page))
}

fn plan((settings, args): (&Settings, &Args), here: String, clock: &Clock, keep: Box<Keep>) -> Plan {
    let (permissions, events) = permissions::left_out(&args.with);
    let web = github::web_url(&settings.github_url);
    let node = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let home = match (&settings.public_url, &args.org) {
        (Some(url), _) => url.clone(),
        (None, Some(org)) => format!("{web}/{org}"),
        (None, None) => web,
    };
    let owner = args.org.as_deref().map(str::to_lowercase);
    Plan {
        manifest: Manifest::whole().without(&permissions, &events),
        place: Place {
            name: manifest::name(args.org.as_deref().unwrap_or(&node)),
            home,
            hook: settings.public_url.as_ref().map(|url| format!("{url}/hook")),
            redirect: format!("{here}{CALLBACK}"),
            callback: settings.sign_in_callback(),
            // A private App can be installed by its owner alone.
            public: settings.orgs.as_ref().is_some_and(|orgs| one(orgs) != owner.as_deref()),
        },
        org: args.org.clone(),
        github: github::Config {
            api_url: settings.github_url.clone(),
            user_agent: format!("fairway/{}", env!("CARGO_PKG_VERSION")),
            ..github::Config::default()
        },
        here,
        clock: clock.clone(),
        keep,
    }
}

/// The one account that is served.
fn one(orgs: &Orgs) -> Option<&str> {
    match orgs {
        Orgs::Only(names) if names.len() == 1 => names.first().map(String::as_str),
        _ => None,
    }
}

fn credentials(new: &Registered) -> Credentials {
    Credentials {
        app_id: new.id,
        name: new.name.clone(),
        owner: new.owner.clone(),
        html_url: new.html_url.clone(),
        private_key: Secret::new(&*new.pem),
        webhook_secret: Secret::new(&*new.webhook_secret),
        client_id: new.client_id.clone(),
        client_secret: Secret::new(&*new.client_secret),
    }
}
