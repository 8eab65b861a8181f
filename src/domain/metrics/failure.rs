//! Which rollouts failed, when that ended, and which ones were made because of it.

use std::collections::BTreeSet;

use serde::Serialize;

use super::revert::{Named, is_hotfix, reverts, reverts_of_commit};
use super::rows::{By, Kind, Later, Outcome, PullRow, RolloutRow, Span};
use super::spread::{Rate, Spread, Times};
use super::story::{Story, is_live};

/// A live rollout that turns out bad later than this is not blamed any more: 72 hours, in milliseconds.
pub const FAILURE_WINDOW_MS: i64 = 72 * 3_600_000;

/// From the first bad moment to a good version for everybody.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Recovery {
    /// The whole. For a rollout that was aborted it begins with its first request, which is an upper bound.
    pub whole: Spread,
    /// Until something showed it; only where that is known.
    pub detect: Spread,
    /// From there to the decision.
    pub decide: Spread,
    /// From the decision to the end.
    pub restore: Spread,
    /// Those that have not ended, in the order of their beginning.
    pub open: Vec<Open>,
}

/// A failure that has not ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Open {
    /// The rollout's id.
    pub rollout: i64,
    /// What it brought.
    pub sha: String,
    /// Since when, Unix milliseconds.
    pub since_ms: i64,
    /// The verdict in words, if there is one.
    pub decision: Option<String>,
}

/// One failed rollout.
pub(super) struct Failure<'i> {
    pub(super) row: &'i RolloutRow,
    first_bad_at: i64,
    /// When it was decided to do something about it, as far as is known.
    decided_at: Option<i64>,
    restored_at: Option<i64>,
}

/// Every failed rollout of all time, each once, however much speaks against it.
pub(super) fn failures<'i>(story: &Story<'i>) -> Vec<Failure<'i>> {
    let mends = mends(story);
    let failed = |row: &&'i RolloutRow| {
        let mending: Vec<&Mend<'_>> = mends.iter().filter(|mend| mend.target == row.id).collect();
        if !reached_people(row) {
            return None;
        }
        match row.outcome? {
            _ if row.not_a_failure => None,
            Outcome::AbortedAuto | Outcome::AbortedManual => {
                let first_bad_at = row.first_traffic_at?;
                Some(Failure { row, first_bad_at, decided_at: row.decided_at, restored_at: row.restored_at })
            }
            Outcome::Live => {
                let later = later(row, &mending)?;
                let restored_at = row.restored_at.or_else(|| restored(story, row, &mending, later.failed_at));
                let mended = mending.iter().map(|mend| mend.mending.accepted_at).min();
                Some(Failure { row, first_bad_at: later.failed_at, decided_at: row.decided_at.or(mended), restored_at })
            }
            _ => None,
        }
    };
    story.rollouts.iter().filter_map(failed).collect()
}

/// Whether it counts as a deployment at all: it had traffic and is no rollback.
pub(super) fn reached_people(row: &RolloutRow) -> bool {
    row.kind != Kind::Rollback && row.first_traffic_at.is_some()
}

/// A live rollout that takes another one back or mends it.
struct Mend<'i> {
    by: By,
    mending: &'i RolloutRow,
    full_at: i64,
    target: i64,
    /// When whoever made it knew, as far as is known.
    knew_at: i64,
}

fn mends<'i>(story: &Story<'i>) -> Vec<Mend<'i>> {
    let mut mends = Vec::new();
    for (mending, full_at) in &story.live {
        let mut add = |by, target: Option<i64>, knew_at| {
            mends.extend(target.map(|target| Mend { by, mending, full_at: *full_at, target, knew_at }));
        };
        if mending.kind == Kind::Rollback {
            if mending.not_a_failure {
                continue;
            }
            add(By::Rollback, mending.rollback_of, mending.accepted_at);
            continue;
        }
        // The newest that brought it to anybody, also when it was taken back on the way.
        let last_with = |test: &dyn Fn(&RolloutRow) -> bool| {
            let brings = |row: &&&RolloutRow| {
                let before = row.first_traffic_at.is_some_and(|at| at <= *full_at);
                row.id != mending.id && before && reached_people(row) && row.base_sha.as_deref() != Some(&row.sha)
            };
            let found = story.rollouts.iter().filter(brings).filter(|row| test(row));
            found.max_by_key(|row| (row.first_traffic_at, row.id)).map(|row| row.id)
        };
        if let Some(number) = mending.fixes {
            add(By::Hotfix, last_with(&|row| story.numbers(row).contains(&number)), mending.accepted_at);
        }
        for pull in story.pulls_of(mending) {
            for named in reverts(pull) {
                let target = last_with(&|row| brought(story, row, &named));
                add(By::Revert, target, pull.opened_at.min(mending.accepted_at));
            }
        }
        for commit in story.commits(mending.id) {
            for named in reverts_of_commit(commit, &mending.repository) {
                add(By::Revert, last_with(&|row| brought(story, row, &named)), mending.accepted_at);
            }
        }
    }
    mends
}

fn brought(story: &Story<'_>, row: &RolloutRow, named: &Named) -> bool {
    match named {
        Named::Pull(number) => story.numbers(row).contains(number),
        Named::Commit(sha) => {
            let own = |pull: &&PullRow| pull.commits.iter().any(|commit| commit.sha.starts_with(sha));
            row.sha.starts_with(sha)
                || story.commits(row.id).iter().any(|commit| commit.sha.starts_with(sha))
                || story.pulls_of(row).iter().any(own)
        }
    }
}

/// What tells that a live rollout failed: what is noted of it, else the first that took it back or mended it.
fn later(row: &RolloutRow, mending: &[&Mend<'_>]) -> Option<Later> {
    let full_at = row.full_at?;
    let found = mending.iter().min_by_key(|mend| mend.knew_at);
    // A revert may be written before the rollout that it takes back is at 100 %.
    let found = found.map(|mend| Later { failed_at: mend.knew_at.max(full_at), by: mend.by });
    row.later.or(found).filter(|later| later.failed_at.saturating_sub(full_at) <= FAILURE_WINDOW_MS)
}

/// When a live rollout's failure ended: the first that took it back or mended it, or any hotfix, was at 100 %.
fn restored(story: &Story<'_>, row: &RolloutRow, mending: &[&Mend<'_>], failed_at: i64) -> Option<i64> {
    let named = mending.iter().filter(|mend| mend.mending.id != row.id).map(|mend| mend.full_at);
    let hotfixes = story.live.iter().filter(|(other, at)| {
        other.kind == Kind::Hotfix && other.id != row.id && other.accepted_at >= failed_at && *at >= failed_at
    });
    named.filter(|at| *at >= failed_at).chain(hotfixes.map(|(_, at)| *at)).min()
}

/// Of those that ended in the span.
pub(super) fn recovery(failures: &[Failure<'_>], span: Span) -> Recovery {
    let (mut whole, mut detect, mut decide, mut restore) =
        (Times::default(), Times::default(), Times::default(), Times::default());
    let mut open = Vec::new();
    for Failure { row, first_bad_at, decided_at, restored_at } in
        failures.iter().filter(|failure| ended_in(failure.row, span))
    {
        match restored_at {
            Some(restored_at) => whole.add(*first_bad_at, *restored_at),
            None => open.push(Open {
                rollout: row.id,
                sha: row.sha.clone(),
                since_ms: *first_bad_at,
                decision: row.decision.clone(),
            }),
        }
        detect.add_known(Some(*first_bad_at), row.detected_at);
        decide.add_known(row.detected_at, *decided_at);
        restore.add_known(*decided_at, *restored_at);
    }
    open.sort_by_key(|open| (open.since_ms, open.rollout));
    Recovery {
        whole: whole.spread(),
        detect: detect.spread(),
        decide: decide.spread(),
        restore: restore.spread(),
        open,
    }
}

/// Live rollouts that were made because of a failure, of all live ones. A rollback is neither.
pub(super) fn rework(story: &Story<'_>, failures: &[Failure<'_>], span: Span) -> Rate {
    let failed: BTreeSet<i64> = failures.iter().map(|failure| failure.row.id).collect();
    let mending: BTreeSet<i64> =
        mends(story).iter().filter(|mend| failed.contains(&mend.target)).map(|mend| mend.mending.id).collect();
    let in_hurry = |row: &RolloutRow| {
        row.kind == Kind::Hotfix || row.fixes.is_some() || story.pulls_of(row).iter().any(|pull| is_hotfix(pull))
    };
    let while_open = |row: &RolloutRow| {
        failures.iter().any(|failure| {
            // Who typed before anybody had decided anything could not know of it.
            let since = failure.decided_at.unwrap_or(failure.first_bad_at)..failure.restored_at.unwrap_or(i64::MAX);
            failure.row.id != row.id && since.contains(&row.accepted_at)
        })
    };
    let live: Vec<&&RolloutRow> =
        story.rollouts.iter().filter(|row| is_live(row) && row.kind != Kind::Rollback && ended_in(row, span)).collect();
    let part = live.iter().filter(|row| mending.contains(&row.id) || in_hurry(row) || while_open(row)).count();
    Rate::of(part, live.len())
}

pub(super) fn ended_in(row: &RolloutRow, span: Span) -> bool {
    row.ended_at.is_some_and(|at| span.holds(at))
}
