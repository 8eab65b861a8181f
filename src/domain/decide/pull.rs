//! A pull request: its heads in the order Fairway saw them, the checks of the newest, and what people typed.

use super::branch::rerun_pressed;
use super::checks::{Ask, plan};
use super::commands;
use super::state::{Head, PullState, hold};
use super::{Change, Why};
use crate::domain::command::Role;
use crate::domain::event::Pull;
use crate::domain::facts::Facts;
use crate::domain::ids::Repo;
use crate::domain::onboard;
use crate::domain::plan;
use crate::domain::project::Trigger;
use crate::domain::task::{Event, Key, Task};
use crate::domain::update::course;

/// The most heads remembered for a pull request; older ones cannot be meant by a new comment.
const HEADS: usize = 100;

/// Decides for a pull request. Gives the new state and what to commit; `None` when there is nothing to remember.
pub fn pull(state: Option<PullState>, event: &Event, facts: &Facts) -> (Option<PullState>, Vec<Change>) {
    let mut changes = Vec::new();
    let state = match event {
        Event::Pull { repo, pull, seen } => {
            // The payload may be old news; what was read just now is not.
            let live = facts.pull.clone().unwrap_or_else(|| pull.clone());
            Some(seen_pull(state, (repo, live), *seen, facts, &mut changes))
        }
        Event::Comment { repo, comment } => {
            let known = match (state, &facts.pull) {
                (Some(mut state), Some(live)) => {
                    state.repo = repo.clone();
                    catch_up(&mut state, live.clone(), facts, &mut changes);
                    Some(state)
                }
                (None, Some(live)) => Some(seen_pull(None, (repo, live.clone()), facts.now, facts, &mut changes)),
                (state, None) => state,
            };
            known.map(|mut state| {
                commands::comment(&mut state, comment, facts, &mut changes);
                state
            })
        }
        Event::RunFinished { run, conclusion, found } => state.map(|mut state| {
            let ours = state.checks.as_mut().is_some_and(|c| c.finished(run, (*conclusion, found), &mut changes));
            if ours {
                state.tell(&mut changes);
            }
            state
        }),
        Event::Rerun { sha, pipeline, .. } => state.map(|mut state| {
            let may = facts.role.is_some_and(|role| role >= Role::Write);
            // A fork's code runs for one commit, after `/run`, and not because a button was pressed.
            let allowed = !state.pull.fork || state.approved.as_deref() == Some(sha.as_str());
            if may && allowed && state.pull.open {
                let checks = state.checks.as_mut().filter(|c| c.sha == *sha);
                if checks.is_some_and(|c| !rerun_pressed(c, pipeline.as_deref(), facts, &mut changes).is_empty()) {
                    state.tell(&mut changes);
                }
            }
            state
        }),
        Event::Answered(said) => state.map(|mut state| {
            commands::answered(&mut state, said, &mut changes);
            state
        }),
        Event::Follows { environment } => state.map(|mut state| {
            state.meets(environment);
            state.tell(&mut changes);
            state
        }),
        Event::Head { .. }
        | Event::Gone
        | Event::Ask(_)
        | Event::Rollout { .. }
        | Event::Due
        | Event::Consider { .. }
        | Event::Begin { .. }
        | Event::Plan(_)
        | Event::Updates(_)
        | Event::Opened { .. }
        | Event::Blocked { .. } => state,
    };
    (state, changes)
}

fn seen_pull(
    state: Option<PullState>,
    (repo, live): (&Repo, Pull),
    seen: i64,
    facts: &Facts,
    changes: &mut Vec<Change>,
) -> PullState {
    let mut state = state.unwrap_or_else(|| PullState::new(repo, live.clone()));
    state.repo = repo.clone();
    let reopened = live.open && !state.pull.open;
    let moved = live.head_sha != state.pull.head_sha || live.open != state.pull.open;
    note_head(&mut state, &live.head_sha, seen);
    state.pull = live;
    if moved && onboard::is_ours(&state.pull) {
        let told = Event::Pull { repo: state.repo.clone(), pull: state.pull.clone(), seen };
        changes.push(Change::Do(Task::tell(Key::Onboard(state.repo.id), told)));
    }
    if moved && plan::is_ours(&state.pull) {
        changes.push(Change::Do(Task::SyncUpgrade { repo: state.repo.clone(), plan: String::new() }));
    }
    if moved && course::is_ours(&state.pull) {
        let news = course::News::Pull { pull: Box::new(state.pull.clone()) };
        let told = Event::Updates(Box::new(news));
        changes.push(Change::Do(Task::tell(Key::Updates(state.repo.id), told)));
    }
    if moved {
        // Whatever waits for the old head will not go on.
        for name in &state.environments {
            let key = Key::Env(state.repo.id, name.clone());
            changes.push(Change::Do(Task::tell(key, Event::Due)));
        }
    }
    if reopened && state.checks.as_ref().is_some_and(|c| c.items.iter().any(cancelled)) {
        leave_checks(&mut state);
    }
    bring_checks(&mut state, facts, changes);
    state
}

fn cancelled(item: &super::Item) -> bool {
    item.phase == super::Phase::Done(crate::domain::run::Conclusion::Cancelled)
}

/// A comment can overtake the push that it speaks of: what was read with it counts from now on.
fn catch_up(state: &mut PullState, live: Pull, facts: &Facts, changes: &mut Vec<Change>) {
    note_head(state, &live.head_sha, facts.now);
    state.pull = live;
    bring_checks(state, facts, changes);
}

fn note_head(state: &mut PullState, sha: &str, seen: i64) {
    if state.heads.last().is_some_and(|head| head.sha == sha) {
        return;
    }
    state.heads.push(Head { sha: sha.to_owned(), seen, tries: 0 });
    if state.heads.len() > HEADS {
        state.heads.remove(0);
    }
}

/// Brings the checks to the live head: the old ones stop, the new ones are planned, a closed pull request has none running.
fn bring_checks(state: &mut PullState, facts: &Facts, changes: &mut Vec<Change>) {
    let sha = state.pull.head_sha.clone();
    if !state.pull.open {
        if let Some(checks) = state.checks.as_mut() {
            checks.drop_live(&Why::Closed, changes);
        }
        return;
    }
    if state.checks.as_ref().is_some_and(|c| c.sha == sha) {
        return;
    }
    if facts.project.is_none() {
        return;
    }
    if let Some(old) = state.checks.as_mut() {
        old.drop_live(&Why::Superseded { by: sha.clone() }, changes);
    }
    leave_checks(state);
    let tries = state.heads.iter().filter(|h| h.sha == sha).map(|h| h.tries).max().unwrap_or(0);
    state.approved = state.approved.take().filter(|approved| *approved == sha);
    let hold = hold(state, facts);
    let ask = Ask { sha: &sha, trust: state.trust(), trigger: Trigger::PullRequest, tries, hold };
    state.checks = Some(plan(&ask, facts, changes));
    state.tell(changes);
}

/// Forgets the checks but not how often they were tried.
fn leave_checks(state: &mut PullState) {
    if let Some(old) = state.checks.take() {
        let tries = old.tries();
        state.heads.iter_mut().filter(|h| h.sha == old.sha).for_each(|h| h.tries = h.tries.max(tries));
    }
}
