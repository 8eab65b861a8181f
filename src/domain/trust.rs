//! What makes a run one run, and how far its code is trusted.

use serde::{Deserialize, Serialize};

/// What makes a run one run: asked for twice, it is run once.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunKey {
    /// The commit.
    pub sha: String,
    /// Pipeline name.
    pub pipeline: String,
    /// Digest of the pipeline's definition.
    pub digest: String,
    /// What the run may see and write.
    pub trust: Trust,
    /// 1 for the first; a re-run is a new run, because GitHub only ever adds annotations.
    pub attempt: i64,
}

/// How far the code of a run is trusted: it decides on secrets and on cache scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// A commit of the default branch.
    Protected,
    /// A pull request from a branch of the same repository.
    Pr,
    /// A merge queue's candidate.
    Queue,
    /// A pull request from a fork, approved for this commit alone.
    Fork,
    /// An update that Fairway made: the repository's own code with other people's releases that nobody has looked at. It
    /// gets what a fork's gets.
    Update,
}

impl Trust {
    /// Who shares a cache. Only the default branch writes what the default branch reads; every pull request has a scope
    /// of its own.
    pub fn cache_scope(self, pull: Option<i64>) -> String {
        match (self, pull) {
            (Trust::Protected, _) => "trusted".to_owned(),
            (Trust::Queue, _) => "queue".to_owned(),
            (Trust::Update, _) => "update".to_owned(),
            (_, Some(number)) => format!("pr-{number}"),
            (_, None) => "other".to_owned(),
        }
    }

    /// The word in the `trust` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Trust::Protected => "protected",
            Trust::Pr => "pr",
            Trust::Queue => "queue",
            Trust::Fork => "fork",
            Trust::Update => "update",
        }
    }

    /// The inverse of `as_str`; an unknown word is trusted least.
    pub fn parse(text: &str) -> Trust {
        match text {
            "protected" => Trust::Protected,
            "pr" => Trust::Pr,
            "queue" => Trust::Queue,
            "update" => Trust::Update,
            _ => Trust::Fork,
        }
    }
}
