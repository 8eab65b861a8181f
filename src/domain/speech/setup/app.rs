//! The ticks about the App at GitHub.

use super::Source;
use crate::domain::tick::Tick;

const APP: &str = "app";
const CREDENTIALS: &str = "credentials";
const INSTALLATION: &str = "installation";
const REPOSITORY: &str = "repository";
const WEBHOOK: &str = "webhook";

/// Ticks that need the one before: nothing was asked.
pub fn not_looked_at(why: &str) -> Vec<Tick> {
    [INSTALLATION, "permissions", "events", WEBHOOK, REPOSITORY].iter().map(|name| Tick::skip(*name, why)).collect()
}

/// Why nothing was asked.
pub const NO_APP: &str = "not looked at, because there is no App yet";
/// Why nothing was asked.
pub const NOT_INSTALLED: &str = "not looked at, because the App is installed nowhere";
/// Why nothing was asked.
pub const NO_ANSWER: &str = "not looked at, because GitHub did not let the App in";

/// Credentials that can be used; `open` says that others can read the file.
pub fn credentials(app: u64, source: Source<'_>, open: bool) -> Tick {
    match source {
        Source::Environment => Tick::ok(CREDENTIALS, format!("App {app}, from the environment")),
        Source::Printed => Tick::ok(CREDENTIALS, format!("App {app}, as printed")),
        Source::File(path) if open => Tick::warn(
            CREDENTIALS,
            format!("App {app}, from {path}, which others on this machine can read"),
            format!("Type: chmod 600 {path}"),
        ),
        Source::File(path) => Tick::ok(CREDENTIALS, format!("App {app}, from {path}")),
    }
}

/// No credentials at all.
pub fn no_credentials(path: &str) -> Tick {
    Tick::fail(
        CREDENTIALS,
        format!("there is no App yet: neither in the environment nor in {path}"),
        "Type: fairway setup",
    )
}

/// Credentials that cannot be used, with all that is wrong.
pub fn bad_credentials((why, fix): (String, String)) -> Tick {
    Tick::fail(CREDENTIALS, why, fix)
}

/// GitHub let the App in.
pub fn app(name: &str, owner: &str) -> Tick {
    Tick::ok(APP, format!("GitHub knows it as {name}, owned by {owner}"))
}

/// GitHub did not let it in; `known` says that GitHub answered at all.
pub fn no_app(error: &str, known: bool, source: Source<'_>) -> Tick {
    let fix = match (known, source) {
        (false, _) => {
            "Check that this machine reaches FAIRWAY_GITHUB_URL; GitHub's own state is on its status page.".to_owned()
        }
        (true, Source::Environment | Source::Printed) => {
            "Check FAIRWAY_APP_ID, FAIRWAY_PRIVATE_KEY and this machine's time; the App may have been deleted."
                .to_owned()
        }
        (true, Source::File(path)) => {
            format!("Check this machine's time. If the App was deleted at GitHub, type: rm {path} && fairway setup")
        }
    };
    Tick::fail(APP, error, fix)
}

/// The accounts where it is installed.
pub fn installation(accounts: &[&str]) -> Tick {
    Tick::ok(INSTALLATION, format!("installed on {}", few(accounts)))
}

fn few(names: &[&str]) -> String {
    match names.len() {
        0..=3 => names.join(", "),
        n => format!("{} and {} more", names.iter().take(3).copied().collect::<Vec<_>>().join(", "), n - 3),
    }
}

/// It is installed nowhere; `page` is the App's page.
pub fn no_installation(page: &str) -> Tick {
    Tick::fail(
        INSTALLATION,
        "installed nowhere yet",
        format!("Open {page}/installations/new, choose the account and its repositories, and press Install."),
    )
}

/// An account that is not served.
pub fn not_served(account: &str) -> Tick {
    Tick::warn(
        format!("{INSTALLATION} on {account}"),
        format!("{account} installed the App and is not served"),
        format!("Add {account} to FAIRWAY_ORGS, or let its owner remove the App."),
    )
}

/// An account that suspended it.
pub fn suspended(account: &str, page: &str) -> Tick {
    Tick::fail(
        format!("{INSTALLATION} on {account}"),
        format!("{account} suspended the App"),
        format!("An owner of {account} resumes it at {page}"),
    )
}

/// Everything is granted.
pub fn permissions() -> Tick {
    Tick::ok("permissions", "all that Fairway needs is granted")
}

/// A permission that an account did not grant.
pub struct Lack<'a> {
    /// Its name at GitHub.
    pub permission: &'a str,
    /// `read` or `write`.
    pub level: &'a str,
    /// Whose.
    pub account: &'a str,
    /// What cannot be done, after "Fairway cannot".
    pub cannot: &'a [&'a str],
    /// Whether the App asks for it at all.
    pub asked: bool,
    /// Where the account's owner accepts it.
    pub accept_at: &'a str,
}

/// It switches features off.
pub fn lacks(lack: &Lack<'_>, settings: &str) -> Tick {
    let Lack { permission, level, account, cannot, asked, accept_at } = lack;
    let accept = format!("an owner of {account} accepts it at {accept_at}");
    let fix = if *asked { capital(&accept) } else { format!("Add it at {settings}/permissions; then {accept}") };
    Tick::fail(
        format!("permission {permission}: {level}, {account}"),
        format!("not granted, so Fairway cannot {}", cannot.join(", nor ")),
        fix,
    )
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// All events are subscribed.
pub fn events() -> Tick {
    Tick::ok("events", "all that Fairway listens for are subscribed")
}

/// An event that the App is not told of.
pub fn unheard(event: &str, cannot: &[&str], settings: &str) -> Tick {
    Tick::fail(
        format!("event {event}"),
        format!("not subscribed, so Fairway cannot {}", cannot.join(", nor ")),
        format!("Tick it at {settings}/permissions, under \"Subscribe to events\"."),
    )
}

/// What GitHub says of the App's webhook.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hook<'a> {
    /// Where it leads; empty when there is none.
    pub url: &'a str,
    /// `json` or `form`.
    pub content_type: &'a str,
    /// The newest delivery: its event, and what went wrong with it, if something did.
    pub newest: Option<(&'a str, Option<&'a str>)>,
    /// Where its App's settings are.
    pub settings: &'a str,
    /// Where the secret stands that has to be typed there.
    pub secret: &'a str,
}

/// Whether GitHub reaches Fairway, by GitHub's own word.
pub fn webhook(hook: &Hook<'_>) -> Tick {
    let Hook { url, content_type, newest, settings, secret } = hook;
    if url.is_empty() {
        let fix = format!(
            "Type the address https://HOST/hook and the secret of {secret} into {settings}; or, behind a firewall, type: export FAIRWAY_INTAKE=poll"
        );
        return Tick::fail(WEBHOOK, "the App has none, so Fairway hears of nothing", fix);
    }
    if *content_type == "form" {
        return Tick::fail(WEBHOOK, "GitHub delivers as a form", format!("Choose application/json at {settings}"));
    }
    match newest {
        None => Tick::warn(
            WEBHOOK,
            format!("nothing was delivered to {url} yet"),
            "The next event shows whether GitHub reaches it; installing the App is one.",
        ),
        Some((event, None)) => Tick::ok(WEBHOOK, format!("GitHub reaches {url}; `{event}` arrived last")),
        Some((event, Some(why))) => {
            let fix = match why.contains("401") {
                true => format!("The secrets differ: type that of {secret} into {settings}"),
                false => format!("Start `fairway serve` where that address leads, or change it at {settings}"),
            };
            Tick::fail(WEBHOOK, format!("GitHub could not deliver `{event}` to {url}: {why}"), fix)
        }
    }
}

/// The same where deliveries are read instead.
pub fn polled(hook: &Hook<'_>) -> Tick {
    match (hook.newest, hook.url.is_empty()) {
        (Some((event, _)), _) => Tick::ok(
            WEBHOOK,
            format!("not needed: FAIRWAY_INTAKE=poll reads GitHub's list; `{event}` stands there last"),
        ),
        (None, false) => Tick::warn(
            WEBHOOK,
            "GitHub's list of deliveries is empty yet",
            "The next event shows whether GitHub lists any; installing the App is one.",
        ),
        (None, true) => Tick::warn(
            WEBHOOK,
            "the App has none, and GitHub's list of deliveries is empty",
            format!(
                "Whether GitHub lists any for such an App is not known: give it an https address at {}, which need not answer.",
                hook.settings
            ),
        ),
    }
}

/// Repositories that the App sees: one of them, and how many.
pub fn repository(name: &str, count: i64) -> Tick {
    let more = if count > 1 { format!(", one of {count}") } else { String::new() };
    Tick::ok(REPOSITORY, format!("{name} is seen{more}"))
}

/// None yet; `page` is an installation's.
pub fn no_repository(page: &str) -> Tick {
    Tick::fail(REPOSITORY, "none is seen yet", format!("Create one, or choose some at {page}"))
}

/// Something that GitHub did not answer.
pub fn unanswered(name: &str, error: &str) -> Tick {
    Tick::fail(name, error, "Type `fairway doctor` again in a minute.")
}
