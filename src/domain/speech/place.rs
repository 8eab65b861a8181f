//! An environment as it stands, for whoever asks from outside: what is there, who holds it and why, what to type.

use super::command::tick;
use super::environment::{because, rolls_out, spell, until};
use super::way_out::way_out;
use crate::domain::ask::Ask;
use crate::domain::decide::{Closed, Ended, EnvState};
use crate::domain::ids::short;
use crate::domain::release::Version;
use crate::domain::rollout::Rollout;
use crate::domain::run::escape_md;

/// What is live: a commit and its pull request.
pub fn version(version: Option<&Version>) -> String {
    let Some(version) = version else { return "nothing".to_owned() };
    let whose = version.pull.map_or_else(String::new, |number| format!(" of #{number}"));
    format!("`{}`{whose}", short(&version.sha))
}

/// Who holds it and why: what rolls out, what was taken back, who locked or froze it. Empty when nobody does.
pub fn holders(state: &EnvState, now: i64) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(going) = &state.going {
        let by = match going.ask.by.as_str() {
            "" => "asked for by a merge".to_owned(),
            by => format!("asked for by {}", escape_md(by)),
        };
        all.push(format!("{}, {by} {} ago", rolls_out(&state.name, going, now), spell(now - going.ask.at)));
    }
    if let Some(held) = &state.held {
        let by = if held.by.is_empty() { "Fairway".to_owned() } else { escape_md(&held.by) };
        let whose = held.pull.map_or_else(String::new, |number| format!(" of #{number}"));
        let rule = if held.exact {
            "that commit does not go there again"
        } else {
            "nothing that has it goes there again before it is reverted or mended"
        };
        all.push(format!("{by} took back `{}`{whose} {} ago; {rule}", short(&held.bad), spell(now - held.at)));
    }
    for (word, closed) in [("locked", &state.lock), ("froze", &state.freeze)] {
        let Some(closed) = closed.as_ref().filter(|closed| lasts(closed, now)) else { continue };
        all.push(format!("{} {word} it{}{}", escape_md(&closed.by), because(&closed.reason), until(closed, now)));
    }
    all
}

fn lasts(closed: &Closed, now: i64) -> bool {
    closed.until.is_none_or(|until| until > now)
}

/// The next line to type there, with what it does; `rollout` is the one that is on its way.
pub fn next(state: &EnvState, rollout: Option<&Rollout>, now: i64) -> String {
    let name = &state.name;
    if state.going.is_some() {
        let waits = rollout.map(|rollout| super::rollout::waits(rollout, name)).unwrap_or_default();
        // Some of these only tell how it stands.
        if waits.contains('/') {
            return waits;
        }
        return format!(
            "`/rollout {name} promote` goes on at once, `/rollout {name} pause` stops it where it is, `/rollout {name} abort` takes it back."
        );
    }
    if state.lock.as_ref().is_some_and(|lock| lasts(lock, now)) {
        return format!("`/unlock {name}` opens it.");
    }
    if let Some(held) = &state.held {
        return format!("{}; `/unlock {name}` lets it in again as it is.", way_out(name, held));
    }
    if state.freeze.as_ref().is_some_and(|freeze| lasts(freeze, now)) {
        return format!("`/unfreeze {name}` ends it, `/deploy {name} --hotfix reason` passes it.");
    }
    match (&state.live, state.good.is_empty()) {
        (Some(_), false) => {
            format!("`/deploy {name}` brings the pull request you type it in, `/rollback {name}` goes back.")
        }
        _ => format!("`/deploy {name}` brings the pull request you type it in."),
    }
}

/// Who waits: whose, what they typed, and who.
pub fn asked(ask: &Ask) -> String {
    let what = match ask.pull {
        Some(number) => format!("#{number}"),
        None => format!("`{}`", short(&ask.sha)),
    };
    if ask.by.is_empty() {
        return format!("{what}, by a merge");
    }
    format!("{what}, `{}` by {}", tick(&ask.line), escape_md(&ask.by))
}

/// How the last rollout ended.
pub fn verdict(last: &Ended) -> String {
    let sha = short(&last.sha);
    if last.stayed { format!("`{sha}` stayed") } else { format!("`{sha}`: {}", last.words) }
}

/// An environment in one line of an answer.
pub fn line(state: &EnvState, now: i64) -> String {
    let mut parts = holders(state, now);
    match state.queue.len() {
        0 => {}
        1 => parts.push("1 waits".to_owned()),
        n => parts.push(format!("{n} wait")),
    }
    let held = if parts.is_empty() { "nobody holds it".to_owned() } else { parts.join("; ") };
    format!("- `{}` runs {}; {held}.", state.name, version(state.live.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::decide::Held;
    use crate::domain::ids::Repo;

    fn state() -> EnvState {
        let repo =
            Repo { installation: 1, id: 1, owner: "acme".into(), name: "shop".into(), default_branch: "main".into() };
        EnvState::new(&repo, "staging")
    }

    #[test]
    fn who_holds_it_is_told_with_why_and_until_when() {
        let closed = |until| Closed { by: "al_ice".to_owned(), reason: "database moves".to_owned(), at: 0, until };
        let mut state = state();
        assert_eq!(line(&state, 0), "- `staging` runs nothing; nobody holds it.");
        assert_eq!(next(&state, None, 0), "`/deploy staging` brings the pull request you type it in.");
        state.held = Some(Held {
            bad: "abcdef0123".to_owned(),
            pull: Some(7),
            by: String::new(),
            at: 0,
            exact: false,
            merged: true,
            revert: Some(9),
        });
        state.lock = Some(closed(Some(7_200_000)));
        assert_eq!(
            line(&state, 60_000),
            "- `staging` runs nothing; Fairway took back `abcdef0` of #7 1 min ago; nothing that has it goes there again before it is reverted or mended; al\\_ice locked it (database moves) for another 1 h 59 min."
        );
        assert_eq!(next(&state, None, 60_000), "`/unlock staging` opens it.");
        // A lock that is over holds nobody.
        assert_eq!(holders(&state, 7_200_000).len(), 1);
        assert_eq!(
            next(&state, None, 7_200_000),
            "Merge #9, its revert, or type `/deploy staging --fixes #7` in the pull request that mends it; `/unlock staging` lets it in again as it is."
        );
        (state.held, state.lock, state.freeze) = (None, None, Some(closed(None)));
        assert_eq!(next(&state, None, 0), "`/unfreeze staging` ends it, `/deploy staging --hotfix reason` passes it.");
    }
}
