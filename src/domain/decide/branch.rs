//! Pushes to the default branch, and entries of a merge queue: a head to check, nothing to talk to.

use serde::{Deserialize, Serialize};

use super::checks::{Ask, Checks, again, plan};
use super::{Change, Why};
use crate::domain::command::{Order, Role, Verb};
use crate::domain::facts::{Facts, ProjectAt};
use crate::domain::ids::Repo;
use crate::domain::project::{Project, Trigger};
use crate::domain::task::{Event, Key, Trust};

/// A branch or a merge-queue entry, as Fairway last saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BranchState {
    /// Where.
    pub repo: Repo,
    /// The checks of its head.
    pub checks: Option<Checks>,
}

/// Decides for a branch or a queue entry. Gives the new state, whether it is still there, and what to commit.
pub fn branch(
    key: &Key,
    state: Option<BranchState>,
    event: &Event,
    facts: &Facts,
) -> (Option<BranchState>, bool, Vec<Change>) {
    let mut changes = Vec::new();
    match event {
        Event::Head { repo, sha, .. } => {
            let mut state = state.unwrap_or_else(|| BranchState { repo: repo.clone(), checks: None });
            state.repo = repo.clone();
            head(key, &mut state, sha, facts, &mut changes);
            (Some(state), true, changes)
        }
        Event::Gone => {
            let mut state = state;
            if let Some(checks) = state.as_mut().and_then(|s| s.checks.as_mut()) {
                checks.drop_live(&Why::Closed, &mut changes);
            }
            (state, false, changes)
        }
        Event::RunFinished { run, conclusion, found } => {
            let mut state = state;
            if let Some(checks) = state.as_mut().and_then(|s| s.checks.as_mut()) {
                checks.finished(run, (*conclusion, found), &mut changes);
            }
            (state, true, changes)
        }
        Event::Rerun { sha, pipeline, .. } => {
            let mut state = state;
            let may = facts.role.is_some_and(|role| role >= Role::Write);
            let checks = state.as_mut().and_then(|s| s.checks.as_mut()).filter(|c| may && c.sha == *sha);
            if let Some(checks) = checks {
                rerun_pressed(checks, pipeline.as_deref(), facts, &mut changes);
            }
            (state, true, changes)
        }
        _ => (state, true, changes),
    }
}

fn head(key: &Key, state: &mut BranchState, sha: &str, facts: &Facts, changes: &mut Vec<Change>) {
    if state.checks.as_ref().is_some_and(|c| c.sha == sha) {
        return;
    }
    if let Some(old) = state.checks.as_mut() {
        old.drop_live(&Why::Superseded { by: sha.to_owned() }, changes);
    }
    let (trust, trigger) = match key {
        Key::Queue(..) => (Trust::Queue, Trigger::MergeGroup),
        _ => (Trust::Protected, Trigger::Push),
    };
    let ask = Ask { sha, trust, trigger, tries: 0, hold: None };
    state.checks = Some(plan(&ask, facts, changes));
    if let (Key::Branch(_, name), Some(ProjectAt::Found(project))) = (key, &facts.project)
        && *name == state.repo.default_branch
    {
        after_merge(state, (sha, project), facts.now, changes);
    }
}

/// Environments that follow the default branch are asked to take what just arrived there.
fn after_merge(state: &BranchState, (sha, project): (&str, &Project), now: i64, changes: &mut Vec<Change>) {
    for environment in project.environments.iter().filter(|environment| environment.after_merge) {
        let ask = crate::domain::ask::Ask {
            repo: state.repo.clone(),
            pull: None,
            comment: None,
            by: String::new(),
            line: String::new(),
            verb: Verb::Deploy,
            at: now,
            sha: sha.to_owned(),
            merged: true,
            order: Order::Deploy { sha: None, hotfix: None, fixes: None },
        };
        changes.push(Change::Do(ask.of(environment.name.clone())));
    }
}

/// GitHub's "Re-run": one check, or those that failed. "Re-run all" comes as the same event, so where none failed all are meant.
pub(super) fn rerun_pressed(
    checks: &mut Checks,
    pipeline: Option<&str>,
    facts: &Facts,
    changes: &mut Vec<Change>,
) -> Vec<String> {
    let started = rerun(checks, pipeline, facts, changes);
    match facts.project.as_ref() {
        Some(ProjectAt::Found(project)) if started.is_empty() && pipeline.is_none() => {
            let all: Vec<String> = checks.items.iter().map(|i| i.pipeline.clone()).collect();
            again(checks, &all, project, changes)
        }
        _ => started,
    }
}

/// Runs one pipeline, or all that failed, again. Gives their names.
pub(super) fn rerun(
    checks: &mut Checks,
    pipeline: Option<&str>,
    facts: &Facts,
    changes: &mut Vec<Change>,
) -> Vec<String> {
    let Some(ProjectAt::Found(project)) = facts.project.as_ref() else { return Vec::new() };
    let names: Vec<String> = match pipeline {
        Some(name) => vec![name.to_owned()],
        None => checks.items.iter().filter(|i| i.failed()).map(|i| i.pipeline.clone()).collect(),
    };
    again(checks, &names, project, changes)
}
