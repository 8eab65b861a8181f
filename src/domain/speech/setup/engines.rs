//! The ticks about everything that runs pipelines.

use crate::domain::tick::Tick;

/// The tick of the Dagger CLI; others look for it.
pub const CLI: &str = "Dagger CLI";

/// Something that pipelines need, or would need: without it a chosen engine does not work, and another one is not missed.
fn tick(name: String, seen: Result<String, String>, (needed, fix): (bool, &str)) -> Tick {
    match (seen, needed) {
        (Ok(seen), _) => Tick::ok(name, seen),
        (Err(why), true) => Tick::fail(name, why, fix),
        (Err(why), false) => Tick::skip(name, format!("not needed here ({why})")),
    }
}

/// Git.
pub fn git(seen: Result<String, String>) -> Tick {
    tick("git".to_owned(), seen, (true, "Type: apt-get install git"))
}

/// Dagger's CLI.
pub fn cli(seen: Result<String, String>, needed: bool) -> Tick {
    let fix = "Install Dagger's CLI of your engines' version, or type: export FAIRWAY_DAGGER_CLI=path/to/dagger";
    tick(CLI.to_owned(), seen, (needed, fix))
}

/// A name that stands for several engines.
pub fn name(word: &str, seen: Result<String, String>, needed: bool) -> Tick {
    let fix = "Look whether engines run there and are ready: a headless Service names ready pods alone. This machine must \
               be able to look the name up: getent ahosts HOST";
    tick(format!("name {word}"), seen, (needed, fix))
}

/// Why a socket cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shut {
    /// There is none.
    Missing,
    /// It is there for this group.
    Denied(u32),
    /// It is there and nobody listens.
    Silent,
}

/// An engine's socket.
pub fn socket(address: &str, seen: Result<(), (String, Shut)>, needed: bool) -> Tick {
    let (seen, fix) = match seen {
        Ok(()) => (Ok("can be opened".to_owned()), String::new()),
        Err((why, shut)) => (Err(why), opens(shut)),
    };
    tick(format!("socket {address}"), seen, (needed, &fix))
}

fn opens(shut: Shut) -> String {
    match shut {
        Shut::Missing => {
            "Start the engine, or name its address: export FAIRWAY_ENGINES=unix:///path/to/engine.sock".to_owned()
        }
        Shut::Denied(group) => format!(
            "The socket belongs to group {group}; type: usermod -aG {group} USER, for the user that runs Fairway, and log in again"
        ),
        Shut::Silent => "Nobody listens there: start the engine.".to_owned(),
    }
}

/// An engine: its version, or why it does not answer. `modules` names the repositories whose modules it runs.
pub fn engine(address: &str, modules: Option<&str>, (seen, needed): (Result<String, String>, bool)) -> Tick {
    let name =
        modules.map_or_else(|| format!("engine {address}"), |repos| format!("modules of {repos}, engine {address}"));
    let fix = "Look at the engine's own log; `fairway doctor` above says whether its socket can be opened.";
    tick(name, seen, (needed, fix))
}

/// The CLI and an engine have different versions.
pub fn versions(cli: &str, engine: &str) -> Tick {
    let fix = "Take the CLI of the engines' version; strange answers come from the difference.";
    Tick::warn("versions", format!("the CLI is {cli}, an engine is {engine}"), fix)
}

/// The sandbox of the local engine.
pub fn sandbox(seen: Result<(), String>, needed: bool) -> Tick {
    let name = "bubblewrap, for the local engine".to_owned();
    tick(name, seen.map(|()| "works".to_owned()), (needed, "Type: apt-get install bubblewrap"))
}

/// Why releases run without their CPU limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unlimited {
    /// The machine does not let the host make the groups that it takes: the reason.
    Refused(String),
    /// The host does not know of them.
    OldHost,
    /// The host gives no answer: the reason.
    Away(String),
}

/// Whether the host holds releases to their CPU limits, below this cgroup. Pipelines run without it.
pub fn limits(seen: Result<String, Unlimited>) -> Tick {
    let name = "CPU limits of releases";
    match seen {
        Ok(at) => Tick::ok(name, format!("applied below {at}")),
        Err(Unlimited::Refused(why)) => Tick::warn(
            name,
            format!("not applied: {why}"),
            "Releases run without them; docs/host.md says what it takes.",
        ),
        Err(Unlimited::OldHost) => Tick::warn(
            name,
            "not applied: the host is older than Fairway",
            "Start this version of it: fairway host --take-over, with the options of the one that runs.",
        ),
        Err(Unlimited::Away(why)) => {
            Tick::fail(name, why, "Start `fairway host`; its --admin and FAIRWAY_HOST name the same socket.")
        }
    }
}
