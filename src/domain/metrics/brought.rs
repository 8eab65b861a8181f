//! What a rollout brought, as it is read from GitHub once and kept: commits, and the pull requests they came by.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::rows::{CommitRow, PullRow};

/// What lies between what was live before and what came, as far as it has been read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Brought {
    /// The commits; `None` when GitHub cannot compare the two any more, or lists too many.
    pub commits: Option<Vec<CommitRow>>,
    /// Their pull requests.
    pub pulls: Vec<PullRow>,
    /// Commits whose pull request is still to be asked for, in this order.
    left: Vec<String>,
}

impl Brought {
    /// Of which only the commits are known. One question for a merge answers for all commits of its pull request, so
    /// merges come first.
    pub fn begin(commits: Option<Vec<CommitRow>>) -> Brought {
        let known = || commits.iter().flatten();
        let merges = known().filter(|commit| commit.parents > 1);
        let left = merges.chain(known().filter(|commit| commit.parents < 2)).map(|commit| commit.sha.clone()).collect();
        Brought { commits, pulls: Vec::new(), left }
    }

    /// The commit to ask for next; `None` when all is known.
    pub fn next(&self) -> Option<&str> {
        self.left.first().map(String::as_str)
    }

    /// Notes the pull request of a commit; `None`: it came by none.
    pub fn note(&mut self, sha: &str, pull: Option<PullRow>) {
        self.left.retain(|left| left != sha);
        let Some(pull) = pull else { return };
        let own: BTreeSet<&str> = pull.commits.iter().map(|commit| commit.sha.as_str()).collect();
        let of_it = |other: &str| other == sha || own.contains(other);
        for commit in self.commits.iter_mut().flatten().filter(|commit| of_it(&commit.sha)) {
            commit.pull = commit.pull.or(Some(pull.number));
        }
        self.left.retain(|left| !own.contains(left.as_str()));
        if self.pulls.iter().all(|known| known.number != pull.number) {
            self.pulls.push(pull);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::OwnCommit;
    use super::*;

    fn commit(sha: &str, parents: u32) -> CommitRow {
        CommitRow { sha: sha.to_owned(), parents, ..CommitRow::default() }
    }

    fn pull(number: i64, own: &[&str]) -> PullRow {
        let own = own.iter().map(|sha| OwnCommit { sha: (*sha).to_owned(), ..OwnCommit::default() });
        PullRow { number, commits: own.collect(), ..PullRow::default() }
    }

    /// Asks until nothing is left; gives the questions.
    fn ask(mut brought: Brought, answer: impl Fn(&str) -> Option<PullRow>) -> (Vec<String>, Brought) {
        let mut asked = Vec::new();
        while let Some(sha) = brought.next().map(str::to_owned) {
            brought.note(&sha, answer(&sha));
            asked.push(sha);
        }
        (asked, brought)
    }

    #[test]
    fn a_merge_answers_for_its_commits_and_a_rebase_is_asked_for_one_by_one() {
        let commits =
            vec![commit("a1", 1), commit("a2", 1), commit("m", 2), commit("r1", 1), commit("r2", 1), commit("x", 1)];
        let (asked, brought) = ask(Brought::begin(Some(commits)), |sha| match sha {
            "m" => Some(pull(7, &["a1", "a2"])),
            "r1" | "r2" => Some(pull(8, &["before the rebase"])),
            _ => None,
        });
        assert_eq!(asked, ["m", "r1", "r2", "x"]);
        let pulls: Vec<_> = brought.commits.iter().flatten().map(|commit| commit.pull).collect();
        assert_eq!(pulls, [Some(7), Some(7), Some(7), Some(8), Some(8), None]);
        assert_eq!(brought.pulls.iter().map(|pull| pull.number).collect::<Vec<_>>(), [7, 8]);
    }

    #[test]
    fn what_cannot_be_compared_has_nothing_to_ask() {
        let (asked, brought) = ask(Brought::begin(None), |_| None);
        assert_eq!((asked.len(), brought.commits), (0, None));
    }

    #[test]
    fn it_goes_on_where_it_stood_when_it_was_written_down() {
        let mut brought = Brought::begin(Some(vec![commit("a", 1), commit("b", 1)]));
        brought.note("a", Some(pull(7, &[])));
        let text = serde_json::to_string(&brought).expect("it is plain");
        let again: Brought = serde_json::from_str(&text).expect("the same");
        assert_eq!((again.next(), &again), (Some("b"), &brought));
    }
}
