//! What a look asks for, held against what is there.

use super::state::{Group, Stage, UpdatesState};
use super::{Change, drop_checks, sync};
use crate::domain::speech::updates::course as words;
use crate::domain::update::course::{Ended, Kind, Trial, Wanted};

/// Brings the groups to what a look asks for. What is on its way and still right goes on; what is right and open stays.
pub fn reconcile(state: &mut UpdatesState, wanted: &[Wanted], now: i64, changes: &mut Vec<Change>) {
    for at in 0..state.groups.len() {
        let group = &state.groups[at];
        let asked = wanted.iter().any(|wanted| wanted.id == group.wanted.id);
        if group.wanted.kind != Kind::Batch && !asked && !blind(state, at) {
            over(state, at, changes);
        }
    }
    for wanted in wanted {
        match state.groups.iter().position(|group| group.wanted.id == wanted.id) {
            Some(at) if blind(state, at) => {}
            Some(at) => renew(state, at, wanted, changes),
            None => {
                let stage = Stage::Waiting(words::turn());
                state.groups.push(Group::new(wanted.clone(), (stage, 1), now));
            }
        }
    }
    state.groups.retain(|group| !matches!(group.stage, Stage::Over(_)) || group.pull.is_some());
}

/// Whether a registry failed for something of it, or what it ends may be open all the same: who was not asked cannot say that
/// it is not needed.
fn blind(state: &UpdatesState, at: usize) -> bool {
    let wanted = &state.groups[at].wanted;
    let mut items = wanted.units.iter().flat_map(|unit| &unit.items);
    let open = |ended: &Ended| {
        let finding = &ended.finding;
        state.look.exposed.iter().any(|open| open.name == finding.name && finding.ids.contains(&open.id))
    };
    items.any(|item| state.look.unknown.iter().any(|(name, _)| *name == item.name))
        || state.look.unsure && wanted.fixed.iter().any(open)
}

/// Nothing asks for it any more.
fn over(state: &mut UpdatesState, at: usize, changes: &mut Vec<Change>) {
    let why = why_over(state, at);
    match state.groups[at].stage {
        // What is ended stays so.
        Stage::Merged | Stage::Closed | Stage::Over(_) | Stage::Merging | Stage::Queued => {}
        // A person's branch is a person's; they are told.
        Stage::Theirs => {
            if state.groups[at].trouble != why {
                state.groups[at].trouble = why;
                sync(state, at, changes);
            }
        }
        _ => {
            drop_checks(state, at, changes);
            state.groups[at].stage = Stage::Over(why);
            sync(state, at, changes);
        }
    }
}

/// Whether all that it was to end was taken back, or it is simply not needed.
fn why_over(state: &UpdatesState, at: usize) -> String {
    let fixed = &state.groups[at].wanted.fixed;
    let taken_back = |ended: &Ended| ended.finding.ids.iter().any(|id| state.look.withdrawn.contains(id));
    if fixed.is_empty() || !fixed.iter().all(taken_back) {
        return words::not_needed();
    }
    let mut ids: Vec<&str> = fixed.iter().map(|ended| ended.finding.id()).collect();
    ids.sort_unstable();
    ids.dedup();
    words::withdrawn(&ids)
}

fn renew(state: &mut UpdatesState, at: usize, wanted: &Wanted, changes: &mut Vec<Change>) {
    let digest = state.look.digest.clone();
    let group = &mut state.groups[at];
    let same = group.wanted.units == wanted.units;
    let told = (&group.wanted.fixed, &group.wanted.left) == (&wanted.fixed, &wanted.left);
    group.wanted.fixed.clone_from(&wanted.fixed);
    group.wanted.left.clone_from(&wanted.left);
    let stays = match &group.stage {
        Stage::Theirs | Stage::Merging | Stage::Queued => true,
        Stage::Merged | Stage::Closed | Stage::Failed(_) => same,
        Stage::Waiting(_) | Stage::Over(_) => false,
        // What comes of it is held against the manifests then.
        Stage::Making => same,
        // Made from other manifests, it would not merge: it is made anew once, and not at every push.
        Stage::Testing | Stage::Proven | Stage::Open => same && group.made_from == digest,
    };
    if stays {
        // Its pull request names them.
        if !told && matches!(group.stage, Stage::Open | Stage::Theirs) {
            sync(state, at, changes);
        }
        return;
    }
    let ended = matches!(group.stage, Stage::Merged | Stage::Closed | Stage::Over(_));
    drop_checks(state, at, changes);
    let group = &mut state.groups[at];
    group.wanted = wanted.clone();
    if ended {
        (group.pull, group.proven) = (None, None);
    }
    again(group);
}

/// From the beginning: another round, whose candidates have names of their own.
pub fn again(group: &mut Group) {
    group.round += 1;
    group.trial = Trial::of(group.wanted.units.len());
    group.candidate = None;
    group.checks = None;
    group.trouble.clear();
    group.out = false;
    group.stage = Stage::Waiting(words::turn());
}
