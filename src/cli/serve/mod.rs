//! `fairway serve`: the App itself.

mod wait;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::{local_config, open};
use crate::app::{self, App};
use crate::clock::Clock;
use crate::context::{Context, LiveRuns, Policy};
use crate::engine::Engine;
use crate::engine::dagger::{self, Dagger};
use crate::engine::local::Local;
use crate::host;
use crate::registry;
use crate::registry::databases::{Database, Databases};
use crate::registry::here::Here;
use crate::settings::{self, Ambient, AppIdentity, EngineChoice, IntakeChoice, LogStyle, Settings, SignIn};
use crate::store::{Seal, Store};
use crate::telemetry::{self, LogFormat, Masker, Metrics};
use crate::web::login::cookie::CookieKey;
use crate::worker::Pools;

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    /// List every setting with its default and meaning
    #[arg(long)]
    settings: bool,
    /// Serve a playground: run its pipelines without isolation where this machine cannot isolate
    #[arg(long, hide = true)]
    playground: bool,
}

/// Serves until SIGTERM or Ctrl-C.
pub async fn serve(args: Args) -> anyhow::Result<ExitCode> {
    if args.settings {
        print!("{}", settings::help());
        return Ok(ExitCode::SUCCESS);
    }
    let settings = open::settings()?;
    let given = settings.serving().map_err(open::problems)?;
    let masker = Masker::new().with(settings.secrets());
    telemetry::init(&format!("{},octocrab=off", settings.log), log_format(settings.log_format), &masker)?;
    let metrics = Metrics::install()?;
    let (store, clock, _alone) = store(&settings).await?;
    let engine = engine(&settings, args.playground)?;
    let (public, private, token) = doors(&settings).await?;
    masker.register(&token);
    let mut stop = std::pin::pin!(interrupted()?);
    let identity = match given {
        Some(identity) => Some(identity),
        None => wait::identity(&settings, (&clock, &masker), (&public, &private), stop.as_mut()).await?,
    };
    let Some(identity) = identity else {
        store.close().await;
        return Ok(ExitCode::SUCCESS);
    };
    let settings = settings.with_app(&identity);
    let sign_in = sign_in(&settings)?;
    let secret = identity.webhook_secret.as_ref().filter(|_| settings.intake == IntakeChoice::Webhook);
    let webhook_secret = secret.map(|secret| secret.reveal().as_bytes().into());
    let here = here(&settings);
    let databases = settings.advisories.iter().map(|text| Database::parse(text)).collect();
    let databases = Databases::new(databases, settings.data_dir.join("advisories"));
    let registries = here.registries(|_| true, (false, clock.now())).await.context("registries cannot be asked")?;
    let packages = registry::Live::new(registries, databases);
    let ctx = Context {
        github: open::github(&settings, &identity, &clock)?,
        store,
        engine,
        host: settings.host.clone().map(|socket| Arc::new(host::Client::new(socket)) as Arc<dyn host::Target>),
        packages: Some(Arc::new(packages)),
        clients: Arc::new(here.clients()),
        policy: Arc::new(policy(&settings, &identity, &clock)),
        clock,
        masker,
        seal: Arc::new(Seal::new(settings.secrets_key()?.reveal())),
        live: LiveRuns::default(),
    };
    let app = App {
        ctx,
        webhook_secret,
        private_token: token,
        sign_in,
        pools: Pools { short: settings.workers, long: settings.runs },
        grace: settings.grace,
        metrics,
    };
    app::serve(app, public, private, stop).await?;
    Ok(ExitCode::SUCCESS)
}

/// What package clients read on this machine; answers are kept below the data directory.
fn here(settings: &Settings) -> Here {
    let ambient = Ambient::read();
    let forge = Some(crate::github::web_url(&settings.github_url));
    let cache = Some(settings.data_dir.join("registries"));
    Here { env: ambient.clients, home: ambient.home, forge, cache, guarded: true }
}

/// The store and the time; on SQLite also the lock that says that nobody else has it, and then what a killed process left
/// goes on.
async fn store(settings: &Settings) -> anyhow::Result<(Store, Clock, Option<std::fs::File>)> {
    let (store, clock) = open::store().await?;
    open::agree_on_time(&store, &clock).await?;
    let alone = only_one(settings, &store)?;
    if alone.is_some() {
        let orphans = store.release_leases(clock.now()).await?;
        if orphans > 0 {
            tracing::info!("{orphans} jobs were left behind by the last process and go on");
        }
    }
    Ok((store, clock, alone))
}

/// Both listeners, told to whoever reads along, and the token of the private one.
async fn doors(settings: &Settings) -> anyhow::Result<(TcpListener, TcpListener, String)> {
    let public = listen(settings.listen, "FAIRWAY_LISTEN").await?;
    let private = listen(settings.private_listen, "FAIRWAY_PRIVATE_LISTEN").await?;
    let token = settings.private_token.as_ref().map_or_else(fresh_token, |t| t.reveal().to_owned());
    eprintln!("fairway {} takes webhooks at http://{}/hook", env!("CARGO_PKG_VERSION"), public.local_addr()?);
    // Only a token that was made just now has to be told; a chosen one would end up in whatever keeps these lines.
    let asked = if settings.private_token.is_none() { format!("?token={token}") } else { String::new() };
    eprintln!("its pages, for you alone: http://{}/{asked}", private.local_addr()?);
    Ok((public, private, token))
}

/// A SQLite database belongs to one process, which holds this lock for as long as it lives; it can then take over at once
/// what a killed one left. On PostgreSQL there may be others, and leases run out by themselves.
fn only_one(settings: &Settings, store: &Store) -> anyhow::Result<Option<std::fs::File>> {
    if store.is_postgres() {
        return Ok(None);
    }
    let path = settings.data_dir.join("serve.lock");
    let file = std::fs::File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).map_err(|_| {
        anyhow::anyhow!("another `fairway serve` uses {}; stop it, or set FAIRWAY_DATABASE_URL to a PostgreSQL that several can share", settings.data_dir.display())
    })?;
    Ok(Some(file))
}

/// `serve` takes the engine that was chosen, and no other.
fn engine(settings: &Settings, playground: bool) -> anyhow::Result<Arc<dyn Engine>> {
    match settings.engine {
        EngineChoice::Local if playground => {
            Ok(Arc::new(Local::for_playing(local_config(&settings.data_dir, &settings.tool_path)?)))
        }
        EngineChoice::Local => {
            Ok(Arc::new(Local::for_serving(local_config(&settings.data_dir, &settings.tool_path)?)?))
        }
        EngineChoice::Dagger => Ok(Arc::new(Dagger::new(dagger_config(settings)?))),
    }
}

fn dagger_config(settings: &Settings) -> anyhow::Result<dagger::Config> {
    use sha2::Digest as _;
    // A key of its own, so that what an engine sees of it says nothing about stored secrets.
    let own = sha2::Sha256::new().chain_update("names of secrets on Dagger engines");
    let seal = own.chain_update(settings.secrets_key()?.reveal()).finalize();
    Ok(dagger::Config {
        cli: settings.dagger_cli.clone(),
        runners: settings.engines.clone(),
        modules: settings.module_engines.clone(),
        limit: settings.engine_runs,
        data: settings.data_dir.clone(),
        owner: dagger::session_owner(&settings.engines),
        path: settings.tool_path.clone(),
        env: settings.engine_env.clone(),
        image: settings.image.clone(),
        seal: seal.into(),
    })
}

/// How people sign in with GitHub, or why nobody can; told to whoever reads along.
fn sign_in(settings: &Settings) -> anyhow::Result<Result<(SignIn, CookieKey), &'static str>> {
    Ok(match settings.sign_in() {
        Ok(sign_in) => {
            eprintln!("people sign in with GitHub at {}", sign_in.url);
            Ok((sign_in, CookieKey::new(settings.secrets_key()?.reveal())))
        }
        Err(why) => {
            eprintln!("nobody signs in with GitHub: {why}; docs/login.md says how");
            Err(why)
        }
    })
}

fn policy(settings: &Settings, identity: &AppIdentity, clock: &Clock) -> Policy {
    Policy {
        floor: settings.floor.clone(),
        onboarding: settings.onboarding,
        orgs: identity.orgs.clone(),
        app_id: identity.app_id as i64,
        polls: settings.intake == IntakeChoice::Poll,
        admins: settings.admins.clone(),
        // Check runs link to pages that people can get into, or to GitHub alone.
        pages_url: settings.sign_in().ok().map(|sign_in| sign_in.url),
        node: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        started_at: clock.now(),
        lease_ms: 60_000,
        max_failures: 8,
        progress_ms: 10_000,
        log_bytes: 64 * 1024 * 1024,
        watch_looks: 100,
    }
}

async fn listen(address: std::net::SocketAddr, name: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("{name}={address} cannot be listened on; is another Fairway running? Set {name} to another address")
    })
}

fn log_format(style: LogStyle) -> LogFormat {
    match style {
        LogStyle::Text => LogFormat::Text,
        LogStyle::Json => LogFormat::Json,
    }
}

fn fresh_token() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// Ends with SIGTERM or Ctrl-C.
pub(super) fn interrupted() -> anyhow::Result<impl Future<Output = ()>> {
    let mut term = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    })
}
