//! The way of a change before it is deployed: checks, reviews, pull requests, pushes.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::rows::{Input, PullRow, PushRow, RunRow, Span};
use super::spread::{Rate, Spread, Times};

/// The numbers of one repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Repository {
    /// `owner/name`.
    pub repository: String,
    /// Checks.
    pub ci: Ci,
    /// Pull requests.
    pub pulls: Pulls,
    /// Pushes to branches of pull requests.
    pub pushes: usize,
    /// The same by days on which there was one (UTC); `None` when there were none.
    pub pushes_per_active_day: Option<f64>,
    /// From one push to the next of the same pull request.
    pub push_gap: Spread,
}

/// Checks, by commit: first attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Ci {
    /// From the first that was asked for to the last that ended of those that a merge needs, or of all where none is
    /// known to be needed. Excluded: not all of those have ended by themselves.
    pub whole: Spread,
    /// The part before the first began.
    pub queue: Spread,
    /// The rest.
    pub run: Spread,
    /// Checks that had a second attempt on the same commit, of all checks of all commits.
    pub rerun: Rate,
    /// Those of them that failed first and passed then.
    pub flaky: Rate,
}

/// Pull requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Pulls {
    /// From the time when a review could begin to the first word by another person.
    pub to_review: Spread,
    /// From there to the first approval by another person.
    pub to_approval: Spread,
    /// Pull requests that nobody else has said a word to, of those where that is known. Drafts are in neither.
    pub never_reviewed: Rate,
    /// From the first commit's authoring to the opening. A rebase makes it shorter than it was.
    pub to_open: Spread,
    /// Of people who came: to their first merged pull request.
    pub newcomer: Spread,
}

pub(super) fn repository(name: &str, input: &Input, span: Span) -> Repository {
    let runs: Vec<&RunRow> = input.runs.iter().filter(|row| row.repository == name).collect();
    let rows: Vec<&PullRow> = input.pulls.iter().filter(|row| row.repository == name).collect();
    let mut newcomer = Times::default();
    for row in input.newcomers.iter().filter(|row| row.repository == name) {
        if let Some(merged_at) = row.first_merged_at.filter(|at| span.holds(*at)) {
            newcomer.add(row.joined_at, merged_at);
        }
    }
    let pushes: Vec<&PushRow> = input.pushes.iter().filter(|row| row.repository == name).collect();
    Repository {
        repository: name.to_owned(),
        ci: ci(&runs, span),
        pulls: Pulls { newcomer: newcomer.spread(), ..pulls(&rows, span) },
        ..cadence(&pushes, span)
    }
}

fn ci(runs: &[&RunRow], span: Span) -> Ci {
    let mut by_commit: BTreeMap<&str, Vec<&RunRow>> = BTreeMap::new();
    for row in runs {
        by_commit.entry(row.sha.as_str()).or_default().push(row);
    }
    let (mut whole, mut queue, mut run) = (Times::default(), Times::default(), Times::default());
    let (mut checks, mut rerun, mut flaky) = (0, 0, 0);
    for rows in by_commit.values() {
        let needed = rows.iter().any(|row| row.required);
        let created = rows.iter().filter(|row| row.attempt <= 1).map(|row| row.created_at).min();
        let first: Vec<&&RunRow> = rows.iter().filter(|row| row.attempt <= 1 && (row.required || !needed)).collect();
        let Some(created) = created.filter(|at| span.holds(*at)) else {
            continue;
        };
        let started = first.iter().filter_map(|row| row.started_at).min();
        let all_ended = first.iter().all(|row| row.completed_at.is_some() && !row.stopped);
        let ended = first.iter().filter_map(|row| row.completed_at).max().filter(|_| all_ended);
        whole.add_known(Some(created), ended);
        queue.add_known(Some(created), started);
        run.add_known(started, ended);
        for name in rows.iter().map(|row| row.check.as_str()).collect::<BTreeSet<_>>() {
            let mut attempts: Vec<&&RunRow> = rows.iter().filter(|row| row.check == name).collect();
            attempts.sort_by_key(|row| row.attempt);
            let again = attempts.iter().any(|row| row.attempt > 1);
            let failed_first =
                attempts.first().is_some_and(|row| row.completed_at.is_some() && !row.passed && !row.stopped);
            checks += 1;
            rerun += usize::from(again);
            flaky += usize::from(again && failed_first && attempts.iter().any(|row| row.passed));
        }
    }
    Ci {
        whole: whole.spread(),
        queue: queue.spread(),
        run: run.spread(),
        rerun: Rate::of(rerun, checks),
        flaky: Rate::of(flaky, checks),
    }
}

/// A pull request counts by when a review could begin, the time to open it by when it was opened.
fn pulls(rows: &[&PullRow], span: Span) -> Pulls {
    let (mut to_review, mut to_approval, mut to_open) = (Times::default(), Times::default(), Times::default());
    let (mut never, mut known) = (0, 0);
    for pull in rows {
        let waits_since =
            [pull.ready_at, pull.review_requested_at].into_iter().flatten().fold(pull.opened_at, i64::max);
        if let Some(reviews) = pull.reviews.as_ref().filter(|_| !pull.draft && span.holds(waits_since)) {
            let others = || reviews.iter().filter(|review| review.by_another_human);
            known += 1;
            never += usize::from(others().next().is_none());
            turnaround(&mut to_review, waits_since, others().map(|review| review.at));
            turnaround(
                &mut to_approval,
                waits_since,
                others().filter(|review| review.approved).map(|review| review.at),
            );
        }
        let authored = pull.commits.iter().map(|commit| commit.authored_at).chain(pull.first_authored_at);
        if span.holds(pull.opened_at)
            && let Some(authored_at) = authored.min()
        {
            to_open.add(authored_at, pull.opened_at);
        }
    }
    Pulls {
        to_review: to_review.spread(),
        to_approval: to_approval.spread(),
        never_reviewed: Rate::of(never, known),
        to_open: to_open.spread(),
        newcomer: Spread::default(),
    }
}

/// To the first word since; words that all came before it leave nothing to measure.
fn turnaround(times: &mut Times, since: i64, words: impl Iterator<Item = i64>) {
    let words: Vec<i64> = words.collect();
    match words.iter().copied().filter(|at| *at >= since).min() {
        Some(at) => times.add(since, at),
        None if words.is_empty() => {}
        None => times.exclude(),
    }
}

/// The part of a [`Repository`] that pushes say; the rest is empty.
fn cadence(pushes: &[&PushRow], span: Span) -> Repository {
    let mut pushes: Vec<&&PushRow> = pushes.iter().filter(|row| span.holds(row.at)).collect();
    pushes.sort_by_key(|row| (row.pull, row.at));
    let days: BTreeSet<i64> = pushes.iter().map(|row| row.at.div_euclid(86_400_000)).collect();
    let mut gap = Times::default();
    for (row, next) in pushes.iter().zip(pushes.iter().skip(1)).filter(|(row, next)| row.pull == next.pull) {
        gap.add(row.at, next.at);
    }
    Repository {
        pushes: pushes.len(),
        pushes_per_active_day: (!days.is_empty()).then(|| pushes.len() as f64 / days.len() as f64),
        push_gap: gap.spread(),
        ..Repository::default()
    }
}
