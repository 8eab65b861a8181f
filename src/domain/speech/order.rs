//! What is said to a command about an environment that cannot be read.

use crate::domain::command::Command;
use crate::domain::project::nearest;

/// The file has none.
pub fn no_environments() -> String {
    "Not done: the default branch's `fairway.toml` has no environment. Add an `[environment.staging]` there, with a `release`, a `start` and a `port`, and merge it.".to_owned()
}

/// A word where an environment or an action belongs.
pub fn no_such(row: &Command, words: &[&str], environments: &[&str]) -> String {
    let word = words.first().copied().unwrap_or_default();
    let shown: String = super::command::tick(word).chars().take(40).collect();
    if !word.is_empty() && !word.starts_with('-') {
        if let Some(near) = nearest(word, environments) {
            return format!(
                "Not done: `{shown}` is no environment. Did you mean `{near}`? Type `/{} {near}`.",
                row.name
            );
        }
        if words.len() == 1 {
            // What can follow an environment is told too: the word may have been meant for that.
            let usage =
                if row.usage().contains('|') { format!(" All of it: `{}`.", row.usage()) } else { String::new() };
            return format!(
                "Not done: `{shown}` is no environment here. Type one of: {}.{usage}",
                lines(row, &[], environments)
            );
        }
    }
    extra(row, word)
}

/// A word that the command does nothing with.
pub fn extra(row: &Command, word: &str) -> String {
    let shown: String = super::command::tick(word).chars().take(40).collect();
    format!(
        "Not done: `/{}` does not understand `{shown}`. Type `{}`, for example `{}`.",
        row.name,
        row.usage(),
        row.example
    )
}

/// There are several, and none was named.
pub fn which(row: &Command, words: &[String], environments: &[&str]) -> String {
    match words.first().filter(|_| matches!(row.name, "lock" | "unlock")) {
        Some(word) => no_such(row, &[word.as_str()], environments),
        None => format!("Not done: there are several environments. Type one of: {}.", lines(row, words, environments)),
    }
}

fn lines(row: &Command, words: &[String], environments: &[&str]) -> String {
    let rest: String = words.iter().map(|word| format!(" {}", super::command::tick(word))).collect();
    let lines: Vec<String> = environments.iter().map(|name| format!("`/{} {name}{rest}`", row.name)).collect();
    lines.join(", ")
}
