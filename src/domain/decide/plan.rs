//! A plan's next version on its way through the repositories that follow it, cohort by cohort.

use super::Change;
use crate::domain::plan::{Lock, Member, News, PlanState, Release, Stage, cohorts, place};
use crate::domain::speech;
use crate::domain::task::Task;

/// Decides for a plan. Gives the new state and what to commit.
pub fn plan(state: Option<PlanState>, name: &str, news: &News) -> (PlanState, Vec<Change>) {
    let mut changes = Vec::new();
    let mut state = state.unwrap_or_else(|| PlanState::new(name));
    match news {
        News::Follows { repo, lock } => follows(&mut state, repo, lock, &mut changes),
        News::Left { repo } => state.members.retain(|member| member.repo.id != *repo),
        News::Published(release) => published(&mut state, release),
        News::Unusable { why } => state.trouble.clone_from(why),
        News::Opened { repo, pull } => change(&mut state, *repo, |member| {
            member.pull = Some(*pull);
            member.stage = Stage::Open;
        }),
        News::Current { repo } => change(&mut state, *repo, |member| member.stage = Stage::Settled),
        News::Failed { repo, why } => change(&mut state, *repo, |member| {
            member.why.clone_from(why);
            member.stage = Stage::Failed;
        }),
        News::Tried { repo, pull, passed } => of_pull(&mut state, (*repo, *pull), |member| {
            member.stage = if *passed { Stage::Passed } else { Stage::Failed };
            member.why = if *passed { String::new() } else { speech::plan::checks_failed() };
        }),
        News::Ended { repo, pull, merged } => of_pull(&mut state, (*repo, *pull), |member| {
            member.stage = if *merged { Stage::Merged } else { Stage::Closed };
        }),
        News::Pin { repo } => {
            change(&mut state, *repo, |member| {
                member.pinned = true;
                member.stage = Stage::Settled;
            });
            sync(&state, *repo, &mut changes);
        }
        News::Retry { repo } => retry(&mut state, *repo),
    }
    go_on(&mut state, &mut changes);
    (state, changes)
}

fn change(state: &mut PlanState, repo: i64, how: impl FnOnce(&mut Member)) {
    if let Some(member) = state.members.iter_mut().find(|member| member.repo.id == repo) {
        how(member);
    }
}

/// News of a pull request that another one has taken the place of is no news.
fn of_pull(state: &mut PlanState, (repo, pull): (i64, i64), how: impl FnOnce(&mut Member)) {
    change(state, repo, |member| {
        if member.pull == Some(pull) && !matches!(member.stage, Stage::Merged) {
            how(member);
        }
    });
}

fn follows(state: &mut PlanState, repo: &crate::domain::ids::Repo, lock: &Lock, changes: &mut Vec<Change>) {
    let version = lock.version.0;
    match state.members.iter_mut().find(|member| member.repo.id == repo.id) {
        Some(member) => {
            member.repo = repo.clone();
            member.pinned = lock.pinned || member.pinned && member.version == version;
            member.version = version;
        }
        None => state.members.push(Member {
            repo: repo.clone(),
            version,
            pinned: lock.pinned,
            cohort: None,
            stage: Stage::Settled,
            round: 0,
            pull: None,
            why: String::new(),
        }),
    }
    match &state.latest {
        // What it is now has to be read once, and again for somebody who comes later than the last news.
        None => changes.push(Change::Do(Task::ReadPlan { plan: state.name.clone() })),
        Some(latest) if latest.version <= version => change(state, repo.id, |member| {
            if member.stage != Stage::Merged {
                member.stage = Stage::Settled;
            }
        }),
        Some(latest) => {
            // It comes with the last cohort: whoever begins behind is not the one to try things.
            let last = latest.cohorts.len().saturating_sub(1);
            change(state, repo.id, |member| {
                if member.cohort.is_none() && !member.pinned {
                    (member.cohort, member.stage) = (Some(last), Stage::Waiting);
                }
            });
        }
    }
}

fn published(state: &mut PlanState, release: &Release) {
    state.trouble.clear();
    if state.latest.as_ref().is_some_and(|latest| latest.version >= release.version) {
        return;
    }
    let version = release.version;
    let concerned = |member: &Member| !member.pinned && member.version < version;
    let mut order: Vec<usize> = (0..state.members.len()).filter(|at| concerned(&state.members[*at])).collect();
    order.sort_by_key(|at| place(state.members[*at].repo.id, version));
    for member in &mut state.members {
        (member.cohort, member.stage, member.round) = (None, Stage::Settled, 0);
        member.why.clear();
    }
    for (at, cohort) in order.iter().zip(cohorts(order.len(), &release.cohorts)) {
        (state.members[*at].cohort, state.members[*at].stage) = (Some(cohort), Stage::Waiting);
    }
    state.latest = Some(release.clone());
    (state.cohort, state.stopped) = (0, None);
}

fn retry(state: &mut PlanState, repo: i64) {
    let last = state.latest.as_ref().map_or(0, |latest| latest.cohorts.len().saturating_sub(1));
    let behind = state.latest.as_ref().map(|latest| latest.version);
    change(state, repo, |member| {
        member.pinned = false;
        if behind.is_some_and(|version| member.version < version) && member.stage != Stage::Wanted {
            member.cohort = member.cohort.or(Some(last));
            member.stage = Stage::Wanted;
            member.round += 1;
            member.why.clear();
        }
    });
    // It may be what the others wait for.
    state.stopped = None;
}

/// Begins what is due: the first cohort, the next one, or none because too many failed.
fn go_on(state: &mut PlanState, changes: &mut Vec<Change>) {
    let Some(latest) = state.latest.clone() else { return };
    while state.stopped.is_none() && state.cohort < latest.cohorts.len() {
        let (size, failed) = (state.size(state.cohort), state.failed(state.cohort));
        if failed * 100 > size * usize::from(latest.limit) {
            state.stopped = Some(speech::plan::stopped((failed, size), state.cohort, latest.limit));
            break;
        }
        let cohort = state.cohort;
        let of = |member: &&mut Member| member.cohort == Some(cohort);
        for member in state.members.iter_mut().filter(of).filter(|member| member.stage == Stage::Waiting) {
            member.stage = Stage::Wanted;
            member.round += 1;
        }
        if state.members.iter().any(|member| member.cohort == Some(cohort) && !member.stage.decided()) {
            break;
        }
        state.cohort += 1;
    }
    let wanted: Vec<i64> =
        state.members.iter().filter(|member| member.stage == Stage::Wanted).map(|member| member.repo.id).collect();
    wanted.into_iter().for_each(|repo| sync(state, repo, changes));
}

fn sync(state: &PlanState, repo: i64, changes: &mut Vec<Change>) {
    if let Some(member) = state.member(repo) {
        changes.push(Change::Do(Task::SyncUpgrade { repo: member.repo.clone(), plan: state.name.clone() }));
    }
}
