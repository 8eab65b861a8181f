//! The rollouts of one service in one environment, in order, with what each brought.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::{CommitRow, Input, Kind, Outcome, PullRow, RolloutRow};

/// One service in one environment.
pub(super) struct Story<'i> {
    /// By the time of their command.
    pub(super) rollouts: Vec<&'i RolloutRow>,
    /// Those that reached everybody, with when they did and in that order.
    pub(super) live: Vec<(&'i RolloutRow, i64)>,
    /// Of the rollouts, by their id.
    commits: BTreeMap<i64, Vec<&'i CommitRow>>,
    /// Of the repository, by number.
    pulls: BTreeMap<i64, &'i PullRow>,
}

impl<'i> Story<'i> {
    /// Rollouts that belong together, with the rows of `input` that say what they brought.
    pub(super) fn new(mut rollouts: Vec<&'i RolloutRow>, input: &'i Input) -> Self {
        rollouts.sort_by_key(|row| (row.accepted_at, row.id));
        let ids: BTreeSet<i64> = rollouts.iter().map(|row| row.id).collect();
        let repositories: BTreeSet<&str> = rollouts.iter().map(|row| row.repository.as_str()).collect();
        let mut commits: BTreeMap<i64, Vec<&CommitRow>> = BTreeMap::new();
        for commit in input.commits.iter().filter(|commit| ids.contains(&commit.rollout)) {
            commits.entry(commit.rollout).or_default().push(commit);
        }
        let full = |row: &&'i RolloutRow| Some((*row, row.full_at?)).filter(|_| is_live(row));
        let mut live: Vec<(&RolloutRow, i64)> = rollouts.iter().filter_map(full).collect();
        live.sort_by_key(|(row, full_at)| (*full_at, row.id));
        let ours = input.pulls.iter().filter(|pull| repositories.contains(pull.repository.as_str()));
        Story { rollouts, live, commits, pulls: ours.map(|pull| (pull.number, pull)).collect() }
    }

    pub(super) fn commits(&self, rollout: i64) -> &[&'i CommitRow] {
        self.commits.get(&rollout).map_or(&[], Vec::as_slice)
    }

    pub(super) fn pull(&self, number: i64) -> Option<&'i PullRow> {
        self.pulls.get(&number).copied()
    }

    /// Numbers of the pull requests that a rollout brought, and of the one that commanded it.
    pub(super) fn numbers(&self, row: &RolloutRow) -> BTreeSet<i64> {
        self.commits(row.id).iter().filter_map(|commit| commit.pull).chain(row.pull).collect()
    }

    /// The same as rows, as far as they are known.
    pub(super) fn pulls_of(&self, row: &RolloutRow) -> Vec<&'i PullRow> {
        self.numbers(row).into_iter().filter_map(|number| self.pull(number)).collect()
    }
}

pub(super) fn is_live(row: &RolloutRow) -> bool {
    row.outcome == Some(Outcome::Live)
}

/// Whether it brings what was live already: so marked, or a change whose commit is the one before.
pub(super) fn is_redeploy(row: &RolloutRow) -> bool {
    let same = row.base_sha.as_deref() == Some(row.sha.as_str());
    row.kind == Kind::Redeploy || (row.kind == Kind::Planned && same)
}
