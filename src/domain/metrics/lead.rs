//! Change lead time, by three clocks.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::rows::{Kind, OwnCommit, RolloutRow, Span};
use super::spread::{Spread, Times};
use super::story::{Story, is_redeploy};

/// How long a change takes until everybody has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct LeadTime {
    /// DORA's: from each commit to the first rollout that brought it to everybody. Merge commits do not count, and a
    /// squashed or rebased pull request counts by its own commits.
    pub commit_to_live: Spread,
    /// From each pull request's merge to the first rollout that brought it to everybody. What was never merged is not
    /// part of it.
    pub merge_to_live: Spread,
    /// From each accepted command to 100 %. Rollbacks and redeploys are not part of it.
    pub command_to_live: Spread,
    /// Rollouts whose commits are not known, because there was nothing live before or the comparison failed.
    pub base_unknown: usize,
}

/// Over all time, so that a commit counts once, at its first time; only what ended in the span is measured.
pub(super) fn lead_time(story: &Story<'_>, span: Span) -> LeadTime {
    let (mut commit, mut merge, mut command) = (Times::default(), Times::default(), Times::default());
    let (mut seen, mut merged) = (BTreeSet::new(), BTreeSet::new());
    let mut base_unknown = 0;
    for &(row, full_at) in &story.live {
        if row.kind == Kind::Rollback || is_redeploy(row) {
            continue;
        }
        let counts = row.ended_at.is_some_and(|at| span.holds(at));
        if counts {
            command.add(row.accepted_at, full_at);
            base_unknown += usize::from(!known(row));
        }
        for (sha, committed_at) in changes(story, row) {
            if seen.insert(sha) && counts {
                commit.add(committed_at, full_at);
            }
        }
        for (number, merged_at) in story.pulls_of(row).iter().filter_map(|pull| Some((pull.number, pull.merged_at?))) {
            if merged.insert(number) && counts {
                merge.add(merged_at, full_at);
            }
        }
    }
    LeadTime {
        commit_to_live: commit.spread(),
        merge_to_live: merge.spread(),
        command_to_live: command.spread(),
        base_unknown,
    }
}

fn known(row: &RolloutRow) -> bool {
    row.commits_known && row.base_sha.is_some()
}

/// The commits that a rollout brought, as their authors made them, with the committer's time. A commit of a pull
/// request that is not one of its own is what a squash or a rebase made of them, and its own stand for it.
fn changes<'i>(story: &Story<'i>, row: &RolloutRow) -> BTreeMap<&'i str, i64> {
    let mut changes = BTreeMap::new();
    if !known(row) {
        return changes;
    }
    for commit in story.commits(row.id).iter().filter(|commit| commit.parents < 2) {
        let own: &[OwnCommit] = commit.pull.and_then(|number| story.pull(number)).map_or(&[], |pull| &pull.commits);
        if own.is_empty() || own.iter().any(|one| one.sha == commit.sha) {
            changes.insert(commit.sha.as_str(), commit.committed_at);
        } else {
            changes.extend(own.iter().filter(|one| one.parents < 2).map(|one| (one.sha.as_str(), one.committed_at)));
        }
    }
    changes
}
