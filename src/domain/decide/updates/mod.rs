//! A repository's updates: what was found becomes groups, groups become candidates, what passes becomes pull requests, and
//! those are merged where the repository says so.

mod merge;
mod settle;
mod state;
mod wanted;

pub use state::{Group, Past, Stage, UpdatesState};

use super::Change;
use super::checks::{Ask, plan};
use crate::domain::event::Pull;
use crate::domain::facts::{Facts, ProjectAt};
use crate::domain::ids::Repo;
use crate::domain::project::Trigger;
use crate::domain::speech::updates::course as words;
use crate::domain::task::{Event, Key, Task, Trust};
use crate::domain::update::course::{Candidate, Exposed, Found, Kind, News, Refused, week};

/// A repository is looked at again after this long, whatever happens: six hours, in milliseconds.
const AGAIN_MS: i64 = 6 * 60 * 60 * 1000;
/// What is over is shown for thirty days, in milliseconds.
const PAST_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// Weeks of spent minutes that are remembered.
const WEEKS: usize = 8;

/// Decides for a repository's updates. Gives the new state and what to commit.
pub fn updates(state: Option<UpdatesState>, event: &Event, facts: &Facts) -> (Option<UpdatesState>, Vec<Change>) {
    let mut changes = Vec::new();
    let state = match (state, event) {
        (state, Event::Updates(news)) => match (state, repo_of(news)) {
            (Some(state), _) => Some(state),
            (None, Some(repo)) => Some(UpdatesState::new(repo)),
            (None, None) => None,
        }
        .map(|mut state| {
            told(&mut state, news, facts, &mut changes);
            state
        }),
        (Some(mut state), Event::RunFinished { run, conclusion, found }) => {
            spend(&mut state, facts);
            let all = 0..state.groups.len();
            for at in all {
                let group = &mut state.groups[at];
                let ours = group.checks.as_mut().is_some_and(|c| c.finished(run, (*conclusion, found), &mut changes));
                if ours {
                    settle::look(&mut state, at, &mut changes);
                }
            }
            Some(state)
        }
        (Some(mut state), Event::Due) => {
            state.timed = false;
            look(&mut state, facts.now, &mut changes);
            Some(state)
        }
        (state, _) => state,
    };
    let state = state.map(|mut state| {
        merge::go_on(&mut state, facts.now, &mut changes);
        state
    });
    (state, changes)
}

/// Only what comes from a repository itself makes it known.
fn repo_of(news: &News) -> Option<&Repo> {
    match news {
        News::Look { repo } | News::Blind { repo, .. } => Some(repo),
        News::Looked(found) => Some(&found.repo),
        _ => None,
    }
}

fn look(state: &mut UpdatesState, now: i64, changes: &mut Vec<Change>) {
    changes.push(Change::Do(Task::LookUp { repo: state.repo.clone() }));
    if !state.timed {
        changes.push(Change::At(now + AGAIN_MS, Task::Ring { key: Key::Updates(state.repo.id) }));
        state.timed = true;
    }
}

fn told(state: &mut UpdatesState, news: &News, facts: &Facts, changes: &mut Vec<Change>) {
    match news {
        News::Look { repo } => {
            state.repo = repo.clone();
            look(state, facts.now, changes);
        }
        News::Looked(found) => looked(state, found, facts.now, changes),
        News::Blind { why, .. } => state.trouble.clone_from(why),
        News::Made { group, round, candidate } => {
            if let Some(at) = making(state, group, *round) {
                made(state, at, candidate, (facts, changes));
            }
        }
        News::Unmade { group, round, why } => {
            if let Some(at) = making(state, group, *round) {
                settle::failed(state, at, (why, None), changes);
            }
        }
        News::Opened { group, pull } => {
            if let Some(group) = find(state, group) {
                (group.pull, group.stage) = (Some(*pull), Stage::Open);
                group.trouble.clear();
            }
        }
        News::Pull { pull } => of_pull(state, pull, changes),
        News::Stuck { group, why } => merge::stuck(state, (group, why), changes),
        News::Landed { group } => merge::landed(state, group, changes),
        News::Queued { group } => merge::queued(state, group, changes),
        News::Dequeued { pull, reason } => merge::dequeued(state, (*pull, reason), changes),
        News::Apart { group } => merge::apart(state, group, changes),
        News::Again { pull } => {
            if let Some(at) = state.groups.iter().position(|group| group.pull == Some(*pull)) {
                wanted::again(&mut state.groups[at]);
                look(state, facts.now, changes);
            }
        }
        News::Refuse { pull, name } => {
            let Some(at) = state.groups.iter().position(|group| group.pull == Some(*pull)) else { return };
            if let Some(name) = name {
                leave_out(state, at, (*pull, name));
                look(state, facts.now, changes);
                return;
            }
            refuse(state, at, *pull);
            state.groups[at].stage = Stage::Over(words::refused());
            sync(state, at, changes);
        }
    }
}

fn looked(state: &mut UpdatesState, found: &Found, now: i64, changes: &mut Vec<Change>) {
    state.repo = found.repo.clone();
    state.course = found.course.clone();
    state.trouble.clear();
    let before = std::mem::replace(&mut state.look, found.look.clone());
    if before.sha != state.look.sha {
        // What did not merge before may merge now.
        let open = |group: &&mut Group| group.stage == Stage::Open && !group.out;
        state.groups.iter_mut().filter(open).for_each(|group| group.trouble.clear());
    }
    for exposed in &mut state.look.exposed {
        let known = before.exposed.iter().find(|old| old.id == exposed.id && old.name == exposed.name);
        exposed.seen = known.map_or(now, |old| old.seen);
    }
    let open = &state.look.exposed;
    let still = |old: &Exposed| open.iter().any(|new| new.id == old.id && new.name == old.name);
    // What could not be audited is not over.
    let over: Vec<Exposed> = before.exposed.into_iter().filter(|old| !still(old)).collect();
    let sha = state.look.sha.clone();
    state.past.extend(over.into_iter().map(|exposed| Past { exposed, until: now, sha: sha.clone() }));
    state.past.retain(|past| now - past.until < PAST_MS);
    wanted::reconcile(state, &found.wanted, now, changes);
}

fn find<'s>(state: &'s mut UpdatesState, id: &str) -> Option<&'s mut Group> {
    state.groups.iter_mut().find(|group| group.wanted.id == id)
}

/// News of an attempt that another one has taken the place of is no news.
fn making(state: &UpdatesState, id: &str, round: u32) -> Option<usize> {
    state.groups.iter().position(|group| group.wanted.id == id && group.round == round && group.stage == Stage::Making)
}

/// The repository's own pipelines say whether it works.
fn made(state: &mut UpdatesState, at: usize, candidate: &Candidate, (facts, changes): (&Facts, &mut Vec<Change>)) {
    let moved = candidate.digest != state.look.digest;
    let group = &mut state.groups[at];
    if moved && group.wanted.kind != Kind::Batch {
        // The default branch has other manifests by now: to test this would tell nothing of what is merged.
        wanted::again(group);
        return;
    }
    group.candidate = Some(candidate.clone());
    group.made_from.clone_from(&candidate.digest);
    group.stage = Stage::Testing;
    if matches!(&facts.project, Some(ProjectAt::Found(_))) {
        let ask =
            Ask { sha: &candidate.sha, trust: Trust::Update, trigger: Trigger::PullRequest, tries: 0, hold: None };
        group.checks = Some(plan(&ask, facts, changes));
    }
    settle::look(state, at, changes);
}

/// Milliseconds that the run took which has just ended, in its week.
fn spend(state: &mut UpdatesState, facts: &Facts) {
    let this = week(facts.now);
    match state.spent.iter_mut().find(|(of, _)| *of == this) {
        Some((_, ms)) => *ms += facts.took_ms,
        None => state.spent.push((this, facts.took_ms)),
    }
    if state.spent.len() > WEEKS {
        state.spent.remove(0);
    }
}

/// A pull request as GitHub has it: what people do there counts.
fn of_pull(state: &mut UpdatesState, pull: &Pull, changes: &mut Vec<Change>) {
    let Some(at) = state.groups.iter().position(|group| group.pull == Some(pull.number)) else { return };
    let stage = state.groups[at].stage.clone();
    match (pull.open, pull.merged, &stage) {
        (false, true, _) => state.groups[at].stage = Stage::Merged,
        (false, false, Stage::Over(_) | Stage::Closed | Stage::Merged) => {}
        (false, false, _) => {
            refuse(state, at, pull.number);
            drop_checks(state, at, changes);
            state.groups[at].stage = Stage::Closed;
        }
        (true, _, Stage::Closed) => {
            state.refused.retain(|refused| refused.pull != pull.number);
            state.groups[at].stage = Stage::Open;
            changes.push(Change::Do(Task::LookUp { repo: state.repo.clone() }));
        }
        (true, _, Stage::Open | Stage::Queued) => {
            let ours = state.groups[at].proven.as_ref().is_some_and(|proven| proven.candidate.sha == pull.head_sha);
            if !ours {
                state.groups[at].stage = Stage::Theirs;
            }
        }
        _ => {}
    }
    if state.groups[at].stage != stage {
        sync(state, at, changes);
    }
}

/// One package of a group is not wanted, in no version; the next look brings the rest.
fn leave_out(state: &mut UpdatesState, at: usize, (pull, name): (i64, &str)) {
    let items = state.groups[at].wanted.units.iter().flat_map(|unit| &unit.items);
    let found = items.filter(|item| item.name == name).map(|item| item.ecosystem).next();
    if let Some(ecosystem) = found {
        let refused = Refused { ecosystem, name: name.to_owned(), version: String::new(), pull };
        if !state.refused.contains(&refused) {
            state.refused.push(refused);
        }
    }
}

/// Remembers that nobody wants these versions.
fn refuse(state: &mut UpdatesState, at: usize, pull: i64) {
    let items = state.groups[at].wanted.units.iter().flat_map(|unit| &unit.items);
    let no = items.map(|item| Refused {
        ecosystem: item.ecosystem,
        name: item.name.clone(),
        version: item.wanted().to_owned(),
        pull,
    });
    let no: Vec<Refused> = no.collect();
    for refused in no {
        if !state.refused.contains(&refused) {
            state.refused.push(refused);
        }
    }
}

fn drop_checks(state: &mut UpdatesState, at: usize, changes: &mut Vec<Change>) {
    if let Some(mut checks) = state.groups[at].checks.take() {
        checks.drop_live(&super::Why::Closed, changes);
    }
}

fn sync(state: &UpdatesState, at: usize, changes: &mut Vec<Change>) {
    let (repo, group) = (state.repo.clone(), state.groups[at].wanted.id.clone());
    changes.push(Change::Do(Task::SyncUpdate { repo, group }));
}

fn make(state: &mut UpdatesState, at: usize, changes: &mut Vec<Change>) {
    let group = &mut state.groups[at];
    (group.candidate, group.checks, group.stage) = (None, None, Stage::Making);
    let (repo, group) = (state.repo.clone(), group.wanted.id.clone());
    changes.push(Change::Do(Task::Candidate { repo, group }));
}

#[cfg(test)]
mod tests;
