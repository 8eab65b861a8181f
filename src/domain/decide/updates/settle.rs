//! A candidate whose pipelines have ended: it passed, or its halves are next.

use super::state::{Stage, UpdatesState};
use super::{Change, make, sync};
use crate::domain::decide::Item;
use crate::domain::speech::updates::course as words;
use crate::domain::task::Task;
use crate::domain::update::course::{Candidate, Next};

/// Goes on once all checks of a group's candidate have ended.
pub fn look(state: &mut UpdatesState, at: usize, changes: &mut Vec<Change>) {
    let group = &state.groups[at];
    let Some(candidate) = group.candidate.clone().filter(|_| group.stage == Stage::Testing) else { return };
    let items: &[Item] = group.checks.as_ref().map_or(&[], |checks| &checks.items);
    if items.iter().any(Item::live) {
        return;
    }
    let red: Vec<&str> = items.iter().filter(|item| item.failed()).map(|item| item.pipeline.as_str()).collect();
    if red.is_empty() {
        return passed(state, at, candidate, changes);
    }
    let why = words::red(&red);
    failed(state, at, (&why, Some(&candidate.sha)), changes);
}

fn passed(state: &mut UpdatesState, at: usize, candidate: Candidate, changes: &mut Vec<Change>) {
    let next = state.groups[at].trial.passed(candidate);
    go(state, at, next, changes);
}

/// What was tried does not work.
pub fn failed(state: &mut UpdatesState, at: usize, (why, sha): (&str, Option<&str>), changes: &mut Vec<Change>) {
    let next = state.groups[at].trial.failed(why, sha);
    go(state, at, next, changes);
}

fn go(state: &mut UpdatesState, at: usize, next: Next, changes: &mut Vec<Change>) {
    let group = &mut state.groups[at];
    match next {
        Next::Try => make(state, at, changes),
        Next::Passed(proven) => {
            group.candidate = None;
            group.proven = Some(proven);
            group.stage = Stage::Proven;
            if group.batch() {
                group.stage = Stage::Merging;
                let (repo, group) = (state.repo.clone(), group.wanted.id.clone());
                changes.push(Change::Do(Task::Land { repo, group }));
            } else {
                sync(state, at, changes);
            }
        }
        Next::Nothing => {
            group.candidate = None;
            let why = group.trial.culprits.first().map(|culprit| culprit.why.clone()).unwrap_or_default();
            group.stage = Stage::Failed(why);
            // The candidates' refs go, and an open pull request says so.
            sync(state, at, changes);
        }
    }
}
