//! The box under a conversation: how the checks stand, and what one may do with the pull request now.

use crate::playground::world::{CheckRun, Pull, Repo, Role};

use super::pull::{kind, latest, note, state, together};

/// The merge box.
pub struct MergeBox {
    /// `good`, `bad`, `wait` or nothing.
    pub tone: &'static str,
    /// The drawing.
    pub icon: &'static str,
    /// The verdict.
    pub title: &'static str,
    /// Like `1 failing, 2 successful`.
    pub counts: String,
    /// The newest check runs on the head.
    pub checks: Vec<Check>,
    /// What the buttons are about; nothing when there are none.
    pub how: &'static str,
    /// Buttons.
    pub acts: Vec<Act>,
}

/// A check run in the box.
pub struct Check {
    /// The drawing.
    pub kind: &'static str,
    /// For example `fairway / test`.
    pub name: String,
    /// How it went.
    pub note: String,
    /// Where its page is.
    pub href: String,
}

/// A button.
pub struct Act {
    /// Last part of the address that it posts to.
    pub verb: &'static str,
    /// On the button.
    pub label: &'static str,
    /// The one that is meant to be pressed.
    pub go: bool,
    /// This person is allowed to.
    pub may: bool,
}

/// The merge box as somebody with `role` sees it; `href` is the pull request's address.
pub fn merge_box(role: Option<Role>, repo: &Repo, pull: &Pull, href: &str) -> MergeBox {
    let checks = latest(repo, &pull.head_sha);
    let kinds: Vec<&str> = checks.iter().map(|check| kind(check)).collect();
    let (tone, icon, title) = verdict(pull, together(&checks), &kinds);
    let line = |check: &&CheckRun| Check {
        kind: kind(check),
        name: check.name.clone(),
        note: note(check),
        href: format!("{href}/checks?check={}", check.id),
    };
    let may = role.is_some_and(|role| role >= Role::Write);
    let (how, acts) = buttons(pull);
    let act = |(verb, label, go)| Act { verb, label, go, may };
    MergeBox {
        tone,
        icon,
        title,
        counts: counts(&kinds),
        checks: checks.iter().map(line).collect(),
        how: if pull.open && !pull.draft && !may { "Merging needs write access." } else { how },
        acts: acts.into_iter().map(act).collect(),
    }
}

fn verdict(pull: &Pull, together: &str, kinds: &[&str]) -> (&'static str, &'static str, &'static str) {
    let unfinished = kinds.iter().any(|kind| ["running", "queued"].contains(kind));
    match (state(pull), together) {
        ("merged", _) => ("", "merged", "Merged"),
        ("closed", _) => ("", "closed", "Closed without a merge"),
        _ if !pull.size.mergeable => ("bad", "failure", "This branch has conflicts with its base"),
        _ if unfinished => ("wait", "running", "Some checks haven\u{2019}t completed yet"),
        (_, "failure") => ("bad", "failure", "Some checks were not successful"),
        (_, "success") => ("good", "success", "All checks have passed"),
        _ => ("", "neutral", "No checks on this commit yet"),
    }
}

type Button = (&'static str, &'static str, bool);

fn buttons(pull: &Pull) -> (&'static str, Vec<Button>) {
    let close = ("close", "Close", false);
    let approve = ("approve", "Approve", false);
    let merge = ("merge", "Merge pull request", pull.size.mergeable);
    match state(pull) {
        "draft" => ("This pull request is a draft.", vec![close, ("ready", "Ready for review", true)]),
        "open" => ("", vec![close, approve, merge]),
        "closed" => ("It can be opened again.", vec![("reopen", "Reopen", true)]),
        _ => ("", Vec::new()),
    }
}

fn counts(kinds: &[&str]) -> String {
    let words = [
        ("failure", "failing"),
        ("action", "waiting for action"),
        ("running", "in progress"),
        ("queued", "queued"),
        ("cancelled", "cancelled"),
        ("skipped", "skipped"),
        ("neutral", "neutral"),
        ("success", "successful"),
    ];
    let parts = words.iter().filter_map(|(kind, word)| {
        let count = kinds.iter().filter(|k| *k == kind).count();
        (count > 0).then(|| format!("{count} {word}"))
    });
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_name_the_worst_first() {
        assert_eq!(counts(&["success", "failure", "success", "skipped"]), "1 failing, 1 skipped, 2 successful");
        assert_eq!(counts(&[]), "");
    }
}
