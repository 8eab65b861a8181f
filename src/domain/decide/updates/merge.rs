//! What begins next, and what is merged: green ones together, tested as one.

use super::state::{Group, Stage, UpdatesState};
use super::{Change, find, make, sync};
use crate::domain::speech::updates::course as words;
use crate::domain::task::Task;
use crate::domain::update::course::{Kind, Unit, Wanted};

/// Candidates of one repository under way at once.
const AT_ONCE: usize = 2;
/// The name of the batch: there is one at a time.
const BATCH: &str = "batch";

/// Begins what may begin, and merges what may be merged.
pub fn go_on(state: &mut UpdatesState, now: i64, changes: &mut Vec<Change>) {
    for at in 0..state.groups.len() {
        if !matches!(state.groups[at].stage, Stage::Waiting(_)) {
            continue;
        }
        match waits(state, at, now) {
            Some(why) => state.groups[at].stage = Stage::Waiting(why),
            None => make(state, at, changes),
        }
    }
    merge(state, now, changes);
}

/// What it waits for, in words.
fn waits(state: &UpdatesState, at: usize, now: i64) -> Option<String> {
    let busy = state.groups.iter().filter(|group| group.busy()).count();
    if busy >= AT_ONCE {
        return Some(words::turn());
    }
    let group = &state.groups[at];
    // An open pull request is brought up to date whatever the day.
    if matches!(group.wanted.kind, Kind::Security(_) | Kind::Batch) || group.pull.is_some() {
        return None;
    }
    if !state.course.due(now) {
        return Some(words::schedule(state.course.schedule));
    }
    let spent = state.spent_in(now);
    (spent >= state.course.minutes_ms).then(|| words::minutes(spent, state.course.minutes_ms))
}

fn merge(state: &mut UpdatesState, now: i64, changes: &mut Vec<Change>) {
    state.groups.retain(|group| !group.batch() || group.busy() || matches!(group.stage, Stage::Waiting(_)));
    if state.groups.iter().any(|group| group.batch() || group.stage == Stage::Merging) {
        return;
    }
    let held = !state.look.follows.is_empty() && !state.course.deploys;
    let course = state.course.clone();
    let ready = |group: &Group| {
        group.stage == Stage::Open && !group.batch() && course.merges(&group.wanted.kind) && group.trouble.is_empty()
    };
    if held {
        let follows = words::deploys(&state.look.follows);
        state.groups.iter_mut().filter(|group| ready(group)).for_each(|group| group.trouble.clone_from(&follows));
        return;
    }
    let ready: Vec<usize> = (0..state.groups.len()).filter(|at| ready(&state.groups[*at])).collect();
    let fresh = |group: &Group| group.proven.as_ref().is_some_and(|p| p.candidate.base == state.look.sha);
    match ready.as_slice() {
        [] => {}
        // A merge queue tests everything together by itself, and on the newest base.
        all if state.queue => all.iter().for_each(|at| land(state, *at, changes)),
        [one] if fresh(&state.groups[*one]) => land(state, *one, changes),
        several => {
            let units: Vec<Unit> = several.iter().map(|at| together(&state.groups[*at])).collect();
            let round = u32::try_from(now / 1000 % 1_000_000_000).unwrap_or(1);
            state.groups.push(batch(units, round, now));
            make(state, state.groups.len() - 1, changes);
        }
    }
}

/// A pull request as a unit: what of it was proven.
fn together(group: &Group) -> Unit {
    let proven: &[usize] = group.proven.as_ref().map_or(&[], |proven| &proven.units);
    let items =
        proven.iter().filter_map(|at| group.wanted.units.get(*at)).flat_map(|unit| unit.items.clone()).collect();
    Unit { items, group: Some(group.wanted.id.clone()) }
}

fn batch(units: Vec<Unit>, round: u32, now: i64) -> Group {
    let (id, kind) = (BATCH.to_owned(), Kind::Batch);
    let wanted = Wanted { id, kind, units, fixed: Vec::new(), proof: None, left: Vec::new() };
    Group::new(wanted, (Stage::Making, round), now)
}

fn land(state: &mut UpdatesState, at: usize, changes: &mut Vec<Change>) {
    state.groups[at].stage = Stage::Merging;
    let (repo, group) = (state.repo.clone(), state.groups[at].wanted.id.clone());
    changes.push(Change::Do(Task::Land { repo, group }));
}

/// It could not be opened or merged. What is open stays so, and says why nothing more happens.
pub fn stuck(state: &mut UpdatesState, (id, why): (&str, &str), changes: &mut Vec<Change>) {
    for member in members(state, id, false) {
        troubled(state, &member, why, changes);
    }
    if let Some(group) = find(state, id) {
        group.stage = match (group.batch(), group.pull) {
            (true, _) => Stage::Over(why.to_owned()),
            (false, Some(_)) => Stage::Open,
            (false, None) => Stage::Failed(why.to_owned()),
        };
    }
    troubled(state, id, why, changes);
}

/// Remembers why it does not get on by itself, and lets its pull request say so.
fn troubled(state: &mut UpdatesState, id: &str, why: &str, changes: &mut Vec<Change>) {
    let Some(at) = state.groups.iter().position(|group| group.wanted.id == id) else { return };
    let group = &mut state.groups[at];
    if group.trouble != why {
        why.clone_into(&mut group.trouble);
        if group.pull.is_some() {
            sync(state, at, changes);
        }
    }
}

/// The default branch has it. What of a batch did not pass stays open and says why.
pub fn landed(state: &mut UpdatesState, id: &str, changes: &mut Vec<Change>) {
    left_out(state, id, changes);
    for member in members(state, id, true) {
        if let Some(group) = find(state, &member) {
            group.stage = Stage::Merged;
        }
    }
    if let Some(group) = find(state, id) {
        group.stage = Stage::Merged;
    }
}

/// A rule let nobody push, so that each member of a batch went its own way.
pub fn apart(state: &mut UpdatesState, id: &str, changes: &mut Vec<Change>) {
    left_out(state, id, changes);
    if let Some(group) = find(state, id) {
        group.stage = Stage::Over(String::new());
    }
}

fn left_out(state: &mut UpdatesState, id: &str, changes: &mut Vec<Change>) {
    let out = state.group(id).map(|group| group.trial.culprits.clone()).unwrap_or_default();
    let units = state.group(id).map(|group| group.wanted.units.clone()).unwrap_or_default();
    for culprit in out {
        if let Some(name) = units.get(culprit.unit).and_then(|unit| unit.group.clone()) {
            troubled(state, &name, &words::not_in_batch(&culprit.why), changes);
        }
    }
}

/// GitHub merges it when its turn comes.
pub fn queued(state: &mut UpdatesState, id: &str, changes: &mut Vec<Change>) {
    state.queue = true;
    let Some(at) = state.groups.iter().position(|group| group.wanted.id == id) else { return };
    let group = &mut state.groups[at];
    // Its merge may have been heard of before.
    if matches!(group.stage, Stage::Merging | Stage::Open) {
        group.stage = Stage::Queued;
        group.trouble.clear();
        sync(state, at, changes);
    }
}

/// The merge queue took it out, and the next try would end the same way.
pub fn dequeued(state: &mut UpdatesState, (pull, reason): (i64, &str), changes: &mut Vec<Change>) {
    let Some(at) = state.groups.iter().position(|group| group.pull == Some(pull)) else { return };
    if words::merged_anyway(reason) || !matches!(state.groups[at].stage, Stage::Queued | Stage::Merging) {
        return;
    }
    let group = &mut state.groups[at];
    (group.stage, group.out, group.trouble) = (Stage::Open, true, words::dequeued(reason));
    sync(state, at, changes);
}

/// The groups of a batch; all, or those that passed.
fn members(state: &UpdatesState, id: &str, passed: bool) -> Vec<String> {
    let Some(group) = state.group(id).filter(|group| group.batch()) else { return Vec::new() };
    let within = |at: &usize| !passed || group.proven.as_ref().is_some_and(|proven| proven.units.contains(at));
    let units = group.wanted.units.iter().enumerate().filter(|(at, _)| within(at));
    units.filter_map(|(_, unit)| unit.group.clone()).collect()
}
