//! From an engine's trouble to how the run ends: whose fault it is, and what to do about it.

use super::client::Trouble;
use crate::domain::project::Service;
use crate::engine::{Outcome, RunSpec, no_access};

/// The engine or its session failed; the run may be tried on another one.
pub fn engine(trouble: &Trouble) -> Outcome {
    match trouble {
        Trouble::Gone(_) => {
            Outcome::Broken(format!("the Dagger engine went away while it worked: {}", trouble.words()))
        }
        Trouble::Strange(_) => {
            Outcome::Broken(format!("the Dagger engine gave an answer that Fairway does not know: {}", trouble.words()))
        }
        Trouble::Said(_) | Trouble::Exec { .. } => {
            Outcome::Impossible(format!("the engine refused: {}", trouble.words()))
        }
    }
}

/// No engine is marked for a repository's own module.
pub fn no_module_engine(repo: &str) -> String {
    format!(
        "this calls the repository's own Dagger module, whose code could read what others have on a shared engine; \
         whoever runs Fairway gives it an engine of its own: FAIRWAY_MODULE_ENGINES=\"{repo}=unix:///run/dagger-modules/engine.sock\""
    )
}

/// The container's image.
pub fn image(image: &str, trouble: &Trouble) -> Outcome {
    let words = trouble.words();
    match trouble {
        Trouble::Gone(_) | Trouble::Strange(_) => engine(trouble),
        _ if has(
            &words,
            &["not found", "invalid reference", "manifest unknown", "no match for platform", "failed to parse"],
        ) =>
        {
            Outcome::Impossible(format!(
                "there is no image `{image}` for this engine; mend `image` in fairway.toml ({words})"
            ))
        }
        _ if has(&words, &REFUSED) => {
            Outcome::Impossible(format!("the engine may not pull `{image}`; {LOGIN_HINT} ({words})"))
        }
        _ => Outcome::Broken(format!("the image `{image}` could not be pulled: {words}")),
    }
}

/// What registries say to strangers.
const REFUSED: [&str; 4] = ["unauthorized", "denied", "forbidden", "authorization failed"];
const LOGIN_HINT: &str =
    "store REGISTRY_USERNAME and REGISTRY_PASSWORD with `fairway secrets set`, and name both in `secrets`";

/// A push.
pub fn publish(name: &str, trouble: &Trouble) -> Outcome {
    let words = trouble.words();
    match trouble {
        Trouble::Gone(_) | Trouble::Strange(_) => engine(trouble),
        _ if has(&words, &REFUSED) => {
            Outcome::Impossible(format!("the registry refused `{name}`; {LOGIN_HINT} ({words})"))
        }
        _ if has(&words, &["invalid reference", "failed to parse"]) => {
            Outcome::Impossible(format!("`{name}` is no image name; mend `publish` in fairway.toml ({words})"))
        }
        _ => Outcome::Broken(format!("`{name}` could not be pushed: {words}")),
    }
}

/// The commit.
pub fn source(trouble: &Trouble) -> Outcome {
    let words = trouble.words();
    let gone = [
        "sha fetch unsupported",
        "not our ref",
        "couldn't find remote ref",
        "does not contain ref",
        "reference not found",
        "unadvertised object",
    ];
    match trouble {
        Trouble::Gone(_) | Trouble::Strange(_) => engine(trouble),
        _ if has(&words, &gone) => {
            Outcome::Impossible(format!("the commit is not in the repository any more ({words})"))
        }
        _ if has(&words, &["failed to update submodules"]) && has(&words, &["authentication failed", "not found"]) => {
            Outcome::Impossible(format!(
                "the engine fetches submodules too, and may not read one of them ({words}); let the App read it, or remove it"
            ))
        }
        _ if has(&words, &["invalid commit sha"]) => {
            Outcome::Impossible(format!("what is to be run is no commit ({words})"))
        }
        _ if has(&words, &["authentication failed", "repository not found", "error: 403"]) => no_access(&words),
        _ => Outcome::Broken(format!("the engine could not fetch the commit: {words}")),
    }
}

/// A container beside the steps.
pub fn service((name, service): (&str, &Service), trouble: &Trouble) -> Outcome {
    let words = trouble.words();
    match trouble {
        Trouble::Gone(_) | Trouble::Strange(_) => engine(trouble),
        Trouble::Exec { exit, stderr, .. } => {
            let last = stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it printed nothing");
            let last: String = last.chars().take(300).collect();
            Outcome::Impossible(format!("the service `{name}` ended with exit code {exit} before it answered: {last}"))
        }
        Trouble::Said(_) if words.contains("failed to resolve image") => image(&service.image, trouble),
        Trouble::Said(_) => match service.port {
            Some(port) => {
                Outcome::Impossible(format!("the service `{name}` never answered on its port {port}: {words}"))
            }
            None => Outcome::Impossible(format!("the service `{name}` could not be started: {words}")),
        },
    }
}

/// A step that could not even be started.
pub fn start((line, spec): (&str, &RunSpec), trouble: &Trouble) -> Outcome {
    let words = trouble.words();
    let shell = matches!(trouble, Trouble::Exec { stderr, .. } if stderr.contains("/bin/sh"));
    if shell || words.contains("/bin/sh") {
        let image = spec.image.as_deref().unwrap_or("the default image");
        return Outcome::Impossible(format!("{image} has no /bin/sh, which every step needs"));
    }
    let line: String = line.chars().take(80).collect();
    match trouble {
        Trouble::Exec { .. } => Outcome::Impossible(format!("`{line}` could not be started: {words}")),
        _ => engine(trouble),
    }
}

fn has(words: &str, any: &[&str]) -> bool {
    let words = words.to_lowercase();
    any.iter().any(|word| words.contains(word))
}
