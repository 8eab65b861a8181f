//! From an engine's trouble to how the run ends: whose fault it is, and what to do about it.

use super::client::Trouble;
use crate::domain::project::Service;
use crate::engine::{Outcome, RunSpec};

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
        _ if has(&words, &["unauthorized", "denied", "forbidden", "authorization failed"]) => {
            Outcome::Impossible(format!(
                "the engine may not pull `{image}`; Fairway has no way yet to give it a login for that registry, so take an image that it may pull ({words})"
            ))
        }
        _ => Outcome::Broken(format!("the image `{image}` could not be pulled: {words}")),
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
        _ if has(&words, &["authentication failed", "repository not found"]) => Outcome::Broken(format!(
            "the engine has no access to the repository, or it is gone ({words}); look whether the App is still installed there"
        )),
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
