//! Answers to commands.

use crate::domain::command::{self, Role};
use crate::domain::decide::{Checks, Item, Phase, PullState, Why};
use crate::domain::facts::ProjectAt;
use crate::domain::ids::short;
use crate::domain::run::{Conclusion, escape_md};

/// A word after a slash that is no command, but near one.
pub fn unknown(word: &str, near: &str) -> String {
    let later = command::LATER.contains(&near);
    match (word == near, later) {
        (true, _) => format!(
            "Nothing was done: this version of Fairway does not have `/{near}` yet. `/help` lists what you may do here."
        ),
        (false, true) => format!(
            "Nothing was done: there is no `/{word}`. Did you mean `/{near}`? This version does not have that yet; `/help` lists what you may do here."
        ),
        (false, false) => format!(
            "Nothing was done: there is no `/{word}`. Did you mean `/{near}`? Type it as the first line of a new comment."
        ),
    }
}

/// A command that reached Fairway long after it was typed.
pub fn stale(line: &str) -> String {
    format!(
        "Not executed: this was typed more than 10 minutes before Fairway saw it, and things may have changed since. Type it again if you still mean it: `{}`",
        tick(line)
    )
}

/// Too little permission. `named`: the check of this commit that was meant.
pub fn not_allowed(row: &command::Command, named: Option<&str>, (author, role): (&str, Role)) -> String {
    let line = [row.name].into_iter().chain(named).collect::<Vec<_>>().join(" ");
    format!(
        "Not done: `/{}` needs {} permission in this repository and {} has {}. Ask somebody who has it to type `/{line}`; `/help` lists what you may do.",
        row.name,
        row.role.as_str(),
        escape_md(author),
        role.as_str(),
    )
}

/// Where the reasons for a refusal stand.
pub fn see_reply() -> String {
    "It came to nothing; the reply to it says why.".to_owned()
}

/// The pull request is closed.
pub fn closed(row: &command::Command) -> String {
    format!(
        "Not done: this pull request is closed, so there is nothing to run. Reopen it and type `/{}` again.",
        row.name
    )
}

/// A fork's code waits, or is not run here at all.
pub fn held(why: &Why) -> String {
    match why {
        Why::Refused { sentence } => sentence.clone(),
        _ => "Not done: this pull request comes from a fork, and nobody has allowed this commit to run. Look at its changes, then type `/run`.".to_owned(),
    }
}

/// The head moved between what was seen and what is.
pub fn head_moved(head: &str) -> String {
    format!(
        "Not run: the head is now `{}`, which arrived after your comment or is new to Fairway. Look at it, then type `/run` again.",
        short(head)
    )
}

/// Fairway has not planned anything yet.
pub fn no_checks() -> String {
    "Not done: this commit has no checks of Fairway. `/run` starts them.".to_owned()
}

/// `fairway.toml` is missing or broken.
pub fn no_project(project: Option<&ProjectAt>) -> String {
    match project {
        Some(ProjectAt::Broken(problems)) => format!(
            "Not run: `fairway.toml` at this commit cannot be used ({} problem{}; the check `fairway / fairway.toml` shows each line). Mend it and push.",
            problems.len(),
            if problems.len() == 1 { "" } else { "s" }
        ),
        _ => {
            "Not run: there is no `fairway.toml` at this commit. Add one with a `[pipeline.test]` and push.".to_owned()
        }
    }
}

/// No check of that name.
pub fn no_such_check(name: &str, known: &[String], verb: &str) -> String {
    let known: Vec<String> = known.iter().map(|n| format!("`/{verb} {n}`")).collect();
    format!("Not done: there is no check `{}` on this commit. Type one of: {}.", tick(name), known.join(", "))
}

/// It has not ended yet.
pub fn still_running(name: &str) -> String {
    format!("Not done: `{}` is still running. `/cancel` stops it; then type `/retry {}`.", tick(name), tick(name))
}

/// Everything is green.
pub fn nothing_failed(known: &[String]) -> String {
    match known.first() {
        Some(name) => format!(
            "Not done: no check of this commit failed. To run one all the same, name it: `/retry {}`.",
            tick(name)
        ),
        None => no_checks(),
    }
}

/// Nothing to cancel.
pub fn nothing_runs() -> String {
    "Not done: no check of this pull request is running.".to_owned()
}

/// They run already.
pub fn already_running() -> String {
    "Not done: the checks of this commit are running already. `/status` shows them.".to_owned()
}

/// Accepted: these run now.
pub fn running(names: &[String], sha: &str) -> String {
    let names: Vec<String> = names.iter().map(|n| format!("`{}`", tick(n))).collect();
    format!("Running {} at `{}`.", names.join(", "), short(sha))
}

/// Accepted: these were stopped.
pub fn cancelled(count: usize) -> String {
    format!(
        "Cancelled {count} check{}. `/retry` runs {} again.",
        if count == 1 { "" } else { "s" },
        if count == 1 { "it" } else { "them" }
    )
}

/// Accepted: nothing of it waits any more.
pub fn withdrawn(checks: usize, environments: &[String]) -> String {
    let stopped = if checks > 0 { format!(" {}", cancelled(checks)) } else { String::new() };
    let names: Vec<String> = environments.iter().map(|name| format!("`/rollout {name} abort`")).collect();
    format!("Took back what waits.{stopped} What is being rolled out already is stopped by {}.", names.join(" or "))
}

/// What this person may do here.
pub fn help(role: Role) -> String {
    command::help_for(role)
}

/// Where the pull request stands, in one line; the table is the sticky comment itself. Below it the repository's
/// environments, a line each: also those that this pull request had nothing to do with yet.
pub fn status(state: &PullState, environments: &[String]) -> String {
    let checks = state.checks.as_ref().map_or_else(no_checks, verdict);
    if environments.is_empty() { checks } else { format!("{checks}\n\n{}", environments.join("\n")) }
}

/// The first line of everything that speaks of a commit's checks.
pub fn verdict(checks: &Checks) -> String {
    let sha = short(&checks.sha);
    let live = checks.items.iter().filter(|i| i.live()).count();
    let failed: Vec<&str> = checks.items.iter().filter(|i| i.failed()).map(|i| i.pipeline.as_str()).collect();
    let total = checks.items.len();
    if !failed.is_empty() {
        format!("{} of {total} checks did not pass at `{sha}`: {}.", failed.len(), list(&failed))
    } else if live > 0 {
        format!("{live} of {total} checks still running at `{sha}`.")
    } else if checks.items.iter().all(|i| matches!(i.phase, Phase::Done(Conclusion::Neutral))) {
        format!("Nothing ran at `{sha}`: see the check `fairway / fairway.toml`.")
    } else if total == 1 {
        format!("The check passed at `{sha}`.")
    } else if total == 2 {
        format!("Both checks passed at `{sha}`.")
    } else {
        format!("All {total} checks passed at `{sha}`.")
    }
}

/// One word for a check's cell in a table.
pub fn phase(item: &Item) -> &'static str {
    match item.phase {
        Phase::Waiting => "waiting",
        Phase::Started => "running",
        Phase::NotRun => "not run",
        Phase::Done(conclusion) => match conclusion {
            Conclusion::Success => "passed",
            Conclusion::Failure => "failed",
            Conclusion::Neutral => "nothing to run",
            Conclusion::Cancelled => "cancelled",
            Conclusion::TimedOut => "timed out",
            Conclusion::ActionRequired => "needs `/run`",
            Conclusion::Skipped => "skipped",
        },
    }
}

fn list(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|n| format!("`{}`", tick(n))).collect();
    names.join(", ")
}

/// Text for the inside of a code span: a back-tick would end it.
pub(super) fn tick(text: &str) -> String {
    text.replace('`', "'")
}

/// As the beginning of a sentence.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
