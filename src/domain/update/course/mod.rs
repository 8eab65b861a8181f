//! Updates as they are brought: what belongs together, what of it works, and what is told about it.

mod group;
mod rules;
mod trial;

use serde::{Deserialize, Serialize};

use super::advisory::fix::{Left, Proof};
use super::advisory::{Reach, Severity};
use super::model::{Ecosystem, Held, Pin};
use crate::domain::event::Pull;
use crate::domain::ids::Repo;

pub use group::{Cure, Ended, Extent, groups};
pub use rules::{Automatic, Course, Schedule};
pub use trial::{Candidate, Culprit, Next, Proven, Trial};

/// The branch of an update pull request begins so.
pub const BRANCH: &str = "fairway/update-";
/// Candidates stand below this; nobody is told of them, and no branch filter of anybody's pipelines matches.
pub const CANDIDATES: &str = "refs/fairway/candidates/";

/// One line of a manifest, or one locked package, that is to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Whose rules.
    pub ecosystem: Ecosystem,
    /// The package.
    pub name: String,
    /// The manifest; the lock where only that changes.
    pub file: String,
    /// From 1; 0 for a lock.
    pub line: u32,
    /// The version now.
    pub from: String,
    /// The version then.
    pub to: String,
    /// Whether no manifest changes.
    pub lock_only: bool,
    /// When it was published; Unix milliseconds.
    pub published: Option<i64>,
    /// Where the line names a commit or a digest: that one and the new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<Pin>,
}

impl Item {
    /// What a person who does not want it does not want: the version; where only what is behind it changes, that.
    pub fn wanted(&self) -> &str {
        self.pin.as_ref().filter(|_| self.from == self.to).map_or(&self.to, |pin| &pin.to)
    }
}

/// What can only be taken together: one package's lines, or one pull request of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Its lines.
    pub items: Vec<Item>,
    /// The group that it was, in a batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// A package that a candidate's locks have otherwise than before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moved {
    /// Whose rules.
    pub ecosystem: Ecosystem,
    /// The package.
    pub name: String,
    /// The version before; empty: it is new.
    pub from: String,
    /// The version now; empty: it is gone.
    pub to: String,
}

/// Why updates belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// They end advisories of this severity.
    Security(Option<Severity>),
    /// Their authors promise that nothing breaks.
    Safe,
    /// It may break.
    Breaking,
    /// The repository's `[updates]` puts them together under this name.
    Named(String),
    /// Open pull requests that are merged together.
    Batch,
}

/// A group that a look at the repository asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The same for the same purpose, whatever the versions: names branch and candidates.
    pub id: String,
    /// Why they belong together.
    pub kind: Kind,
    /// By name.
    pub units: Vec<Unit>,
    /// Advisories that it ends.
    pub fixed: Vec<Ended>,
    /// Of a fix: how sure it is that no smaller change does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// Advisories of the same severity that nothing ends yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<Left>,
}

/// A version that somebody does not want.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Whose rules.
    pub ecosystem: Ecosystem,
    /// The package.
    pub name: String,
    /// The version; empty: every one.
    pub version: String,
    /// The pull request that was closed; reopening takes it back.
    pub pull: i64,
}

/// An advisory that the default branch's locks are open to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposed {
    /// As its database calls it.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// How bad.
    pub severity: Option<Severity>,
    /// Where it is described.
    pub url: Option<String>,
    /// When it was published; Unix milliseconds.
    pub published: Option<i64>,
    /// The package.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The lock.
    #[serde(default)]
    pub file: String,
    /// Why nothing ends it, in words; empty: something does.
    pub stays: String,
    /// Whether the repository's own code names what it is about.
    #[serde(default)]
    pub reach: Reach,
    /// When Fairway first saw it here; Unix milliseconds.
    #[serde(default)]
    pub seen: i64,
}

/// What a look at the default branch found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// The commit.
    pub sha: String,
    /// Of all manifests and locks.
    pub digest: String,
    /// Unix milliseconds.
    pub at: i64,
    /// What is newer and not offered.
    pub held: Vec<Held>,
    /// What was not looked up, with why.
    pub unknown: Vec<(String, String)>,
    /// Open advisories.
    pub exposed: Vec<Exposed>,
    /// Locked packages by name, as `cargo:serde`: an advisory for one of them concerns this repository.
    pub packages: Vec<String>,
    /// What could not be read, a sentence each.
    pub notes: Vec<String>,
    /// What of the advisories is not up to date, a sentence each without a full stop.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Whether some advisories were never read, so that a fix that nothing asks for may be needed all the same.
    #[serde(default)]
    pub unsure: bool,
    /// What its publishers took back of the advisories that updates here were to end.
    #[serde(default)]
    pub withdrawn: Vec<String>,
    /// Environments that take what arrives on the default branch.
    #[serde(default)]
    pub follows: Vec<String>,
}

/// What a repository's updates are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum News {
    /// Something may have changed.
    Look {
        /// Which.
        repo: Repo,
    },
    /// What was found.
    Looked(Box<Found>),
    /// A look came to nothing.
    Blind {
        /// Which.
        repo: Repo,
        /// Why, in words.
        why: String,
    },
    /// A candidate is there.
    Made {
        /// The group.
        group: String,
        /// The attempt that it belongs to.
        round: u32,
        /// It.
        candidate: Candidate,
    },
    /// The ecosystem's client, or GitHub, does not make it.
    Unmade {
        /// The group.
        group: String,
        /// The attempt.
        round: u32,
        /// Why, in words.
        why: String,
    },
    /// A pull request is open at what was proven.
    Opened {
        /// The group.
        group: String,
        /// Its number.
        pull: i64,
    },
    /// A pull request is what it is: closed, merged, a person's, open again.
    Pull {
        /// As read.
        pull: Box<Pull>,
    },
    /// It could not be opened or merged.
    Stuck {
        /// The group.
        group: String,
        /// Why, in words.
        why: String,
    },
    /// The default branch has it.
    Landed {
        /// The group.
        group: String,
    },
    /// It stands in the merge queue of the default branch.
    Queued {
        /// The group.
        group: String,
    },
    /// It left the merge queue without being merged.
    Dequeued {
        /// The pull request's number.
        pull: i64,
        /// GitHub's word for why.
        reason: String,
    },
    /// The members of a batch were merged one by one; each has news of its own.
    Apart {
        /// The batch.
        group: String,
    },
    /// Somebody wants a pull request made anew.
    Again {
        /// Its number.
        pull: i64,
    },
    /// Somebody does not want these versions.
    Refuse {
        /// The pull request's number.
        pull: i64,
        /// This package alone, in every version.
        #[serde(default)]
        name: Option<String>,
    },
}

/// What a look brings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The repository, as it is called now.
    pub repo: Repo,
    /// What was found.
    pub look: Look,
    /// What its `[updates]` asks for.
    pub course: Course,
    /// What would be done, the most urgent first.
    pub wanted: Vec<Wanted>,
}

/// Weeks since 1970 began, on Thursdays: only that they have seven days matters.
pub fn week(now: i64) -> i64 {
    now.div_euclid(7 * 24 * 60 * 60 * 1000)
}

/// The group that a pull request may be for, by its branch.
pub fn group_of(pull: &Pull) -> Option<String> {
    (!pull.fork).then(|| pull.head_ref.strip_prefix(BRANCH)).flatten().map(str::to_owned)
}

/// Whether a pull request may be one of these, by its branch.
pub fn is_ours(pull: &Pull) -> bool {
    !pull.fork && pull.head_ref.starts_with(BRANCH)
}
