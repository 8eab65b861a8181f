//! Setting Fairway up: what `fairway setup` says while it goes, what `fairway serve` says while it waits for that, and
//! the ticks of both and of `fairway doctor`.

pub mod app;
pub mod engines;
pub mod page;

use crate::domain::tick::{State, Tick, wrong};

/// Where the App's credentials are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source<'a> {
    /// `FAIRWAY_APP_ID` and the like.
    Environment,
    /// The file at this path.
    File(&'a str),
    /// Printed a moment ago, and kept nowhere.
    Printed,
}

/// A credentials file that is there and cannot be used.
pub fn damaged(path: &str, why: &str) -> String {
    format!("{path} cannot be used: {why}")
}

/// What to do about that.
pub fn mend(path: &str) -> String {
    format!("Put a good copy back; or, for a new App, type: rm {path} && fairway setup")
}

/// What `serve` says when it has no credentials.
pub fn waits_for(path: &str) -> String {
    format!(
        "Fairway is not set up yet. Type `fairway setup` on this machine; it makes {path}, and Fairway begins by itself."
    )
}

/// The same to whoever delivers or asks whether Fairway is ready.
pub const NOT_YET: &str = "Fairway is not set up yet: type `fairway setup` where it runs";

/// The credentials are there.
pub fn begins(app: u64, path: &str) -> String {
    format!("Fairway is set up: it works as App {app}, by {path}.")
}

/// What a delivery reads that comes to a Fairway which polls.
pub const POLLS: &str = "this Fairway reads GitHub's list of deliveries (FAIRWAY_INTAKE=poll) and takes no webhooks";

/// The way in: what to open, from here and from elsewhere.
pub fn open(link: &str, port: u16) -> String {
    format!(
        "Fairway gets its GitHub App now. Open this where you are signed in to GitHub:\n\n  {link}\n\n\
         GitHub's page asks for a name and nothing else. If your browser is on another machine, type there first:\n\n  \
         ssh -L {port}:127.0.0.1:{port} THIS-HOST\n\n\
         Ctrl-C is harmless; type `fairway setup` again to go on.\n"
    )
}

/// There is nowhere for GitHub to deliver to.
pub fn no_webhook(polls: bool) -> &'static str {
    if polls {
        "FAIRWAY_PUBLIC_URL is not set, so the App gets no webhook. Whether GitHub lists deliveries of such an App is not \
         known; to be sure, set it to an https address of yours, which need not answer, and type `fairway setup` again.\n"
    } else {
        "FAIRWAY_PUBLIC_URL is not set, so the App gets no webhook and hears of nothing. Set it to the address where GitHub \
         reaches Fairway, or, behind a firewall, type: export FAIRWAY_INTAKE=poll. Then type `fairway setup` again.\n"
    }
}

/// The App belongs to whoever is signed in, and only one organisation is to be served.
pub fn whose(org: &str) -> String {
    format!("The App will belong to you. For one that belongs to {org}: fairway setup --org {org}\n")
}

/// The credentials are there, so nobody is asked for anything.
pub fn known(app: u64, source: Source<'_>) -> String {
    match source {
        Source::Environment | Source::Printed => {
            format!("App {app}: its credentials come from the environment.\n")
        }
        Source::File(path) => format!(
            "App {app}: its credentials are in {path}. To begin anew, delete the App at GitHub and type: rm {path} && fairway setup\n"
        ),
    }
}

/// The App is registered; `path` is where its credentials are, unless they were printed.
pub fn registered(name: &str, app: u64, path: Option<&str>) -> String {
    match path {
        Some(path) => format!(
            "App {app}, {name}, is registered. Its credentials are in {path}, for you alone; `fairway serve` takes them within a second.\n"
        ),
        None => format!(
            "App {app}, {name}, is registered. Its credentials were printed and are kept nowhere; give them to `fairway serve`.\n"
        ),
    }
}

/// Ctrl-C.
pub const STOPPED: &str = "Stopped. Nothing is lost: `fairway setup` goes on from here.";

/// A tick on one line, and its fix on the next.
pub fn line(tick: &Tick) -> String {
    let mark = match tick.state {
        State::Ok => "ok",
        State::Warn => "warn",
        State::Fail => "FAIL",
        State::Skip => "skip",
    };
    let fix = if tick.fix.is_empty() { String::new() } else { format!("\n      {}", tick.fix) };
    format!("{mark:<5} {}: {}{fix}", tick.name, tick.said)
}

/// The last line.
pub fn verdict(ticks: &[Tick]) -> String {
    match wrong(ticks) {
        0 => "All is well.".to_owned(),
        1 => "1 thing to mend; `fairway doctor` looks again.".to_owned(),
        n => format!("{n} things to mend; `fairway doctor` looks again."),
    }
}

#[cfg(test)]
mod tests;
