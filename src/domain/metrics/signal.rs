//! What a webhook says of how people work together, as it is kept: one row each, until the metrics are asked for.

use crate::domain::ids::Repo;

/// What one delivery says, and of whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Login of the account that it happened in.
    pub owner: String,
    /// The repository; `None` when it is about the whole account.
    pub repo: Option<Repo>,
    /// What happened.
    pub signals: Vec<Signal>,
}

/// One thing that happened. Who said something is not kept: that it was another human is all that is measured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signal {
    /// What.
    pub kind: SignalKind,
    /// The pull request's number; 0 when it is about a branch or a person.
    pub pull: i64,
    /// When, Unix milliseconds.
    pub at: i64,
    /// GitHub's id of who came, or of the author of what was merged; 0 for everything else.
    pub who: i64,
    /// The branch that was pushed, or that the pull request comes from; empty for a fork's.
    pub branch: String,
    /// The commit that a push ended at.
    pub sha: String,
    /// When the oldest of the commits was made that a push was the first to bring, Unix milliseconds.
    pub authored_at: Option<i64>,
}

/// What happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignalKind {
    /// A pull request was opened.
    #[default]
    Opened,
    /// It is a draft from now on.
    Drafted,
    /// It is a draft no more.
    Ready,
    /// A person or a team was asked for a review.
    Requested,
    /// A person who is not its author reviewed it or said something, and did not approve.
    Word,
    /// A person who is not its author approved it.
    Approval,
    /// Its head moved.
    Head,
    /// It was closed without a merge.
    Closed,
    /// It was merged.
    Merged,
    /// A branch was made by a push.
    Made,
    /// A branch was pushed to.
    Push,
    /// A person came.
    Joined,
}

/// Every kind with its word in the table.
const WORDS: &[(SignalKind, &str)] = &[
    (SignalKind::Opened, "opened"),
    (SignalKind::Drafted, "drafted"),
    (SignalKind::Ready, "ready"),
    (SignalKind::Requested, "requested"),
    (SignalKind::Word, "word"),
    (SignalKind::Approval, "approval"),
    (SignalKind::Head, "head"),
    (SignalKind::Closed, "closed"),
    (SignalKind::Merged, "merged"),
    (SignalKind::Made, "made"),
    (SignalKind::Push, "push"),
    (SignalKind::Joined, "joined"),
];

impl SignalKind {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        WORDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }

    /// The other way round; `None` for a word that a newer Fairway wrote.
    pub fn parse(word: &str) -> Option<SignalKind> {
        WORDS.iter().find(|(_, known)| *known == word).map(|(kind, _)| *kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_word_and_comes_back_from_it() {
        for (kind, word) in WORDS {
            assert_eq!((kind.as_str(), SignalKind::parse(word)), (*word, Some(*kind)));
        }
        assert_eq!(SignalKind::parse("levitated"), None);
    }
}
