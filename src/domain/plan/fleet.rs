//! Who follows a plan, and how far its newest version has come among them.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::lock::Lock;
use super::version::Version;
use crate::domain::event::Pull;
use crate::domain::ids::Repo;

/// The branch of a pull request that moves a repository to a version begins so.
pub const BRANCH: &str = "fairway/plan-";

/// A version of a plan that repositories are moved to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Which.
    pub version: Version,
    /// The commit of the plan's repository; empty for Fairway's own.
    pub commit: String,
    /// What each version changed, newest first; Markdown.
    pub changes: Vec<(Version, String)>,
    /// How much of all followers has it after each cohort, in percent; ends with 100.
    pub cohorts: Vec<u8>,
    /// A cohort in which more than so many percent fail is the last.
    pub limit: u8,
}

/// A plan and all that follow it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanState {
    /// As behind `plan =`.
    pub name: String,
    /// The newest version; `None` until it was read.
    pub latest: Option<Release>,
    /// Why what stands in the plan's repository cannot be used, in words; empty: it can.
    pub trouble: String,
    /// By the time at which they came.
    pub members: Vec<Member>,
    /// The cohort that is on its way, from 0.
    pub cohort: usize,
    /// Why no further cohort begins, in words.
    pub stopped: Option<String>,
}

/// A repository that follows a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Which.
    pub repo: Repo,
    /// The version on its default branch.
    pub version: Version,
    /// Whether it wants no other.
    pub pinned: bool,
    /// Its cohort of the newest version; `None`: that does not concern it.
    pub cohort: Option<usize>,
    /// How far it is.
    pub stage: Stage,
    /// How often a pull request was wanted for the newest version; names the branch.
    pub round: u32,
    /// The newest one.
    pub pull: Option<i64>,
    /// Why it failed, in words.
    pub why: String,
}

/// How far a repository is on its way to the newest version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// There is nothing to do.
    Settled,
    /// Its cohort has not begun.
    Waiting,
    /// Its pull request is to be opened.
    Wanted,
    /// Its checks run.
    Open,
    /// They passed; somebody may merge it.
    Passed,
    /// They failed, or it could not be opened.
    Failed,
    /// It was merged.
    Merged,
    /// It was closed: this version is not wanted.
    Closed,
}

impl Stage {
    /// Whether its cohort need not wait for it any more.
    pub fn decided(self) -> bool {
        !matches!(self, Stage::Waiting | Stage::Wanted | Stage::Open)
    }
}

/// What a plan is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum News {
    /// A repository follows it, as its lock says.
    Follows {
        /// Which.
        repo: Repo,
        /// Its lock.
        lock: Lock,
    },
    /// A repository follows it no more.
    Left {
        /// Its id.
        repo: i64,
    },
    /// This is its newest version.
    Published(Release),
    /// What stands in its repository cannot be used.
    Unusable {
        /// Why, in words.
        why: String,
    },
    /// A pull request is open.
    Opened {
        /// The repository's id.
        repo: i64,
        /// Its number.
        pull: i64,
    },
    /// There was nothing to change.
    Current {
        /// The repository's id.
        repo: i64,
    },
    /// It could not be opened.
    Failed {
        /// The repository's id.
        repo: i64,
        /// Why, in words.
        why: String,
    },
    /// All checks of a pull request have ended.
    Tried {
        /// The repository's id.
        repo: i64,
        /// Which pull request.
        pull: i64,
        /// Whether all passed.
        passed: bool,
    },
    /// A pull request is closed.
    Ended {
        /// The repository's id.
        repo: i64,
        /// Which.
        pull: i64,
        /// Whether it was merged.
        merged: bool,
    },
    /// Somebody wants a repository to stay where it is.
    Pin {
        /// The repository's id.
        repo: i64,
    },
    /// Somebody wants it tried again.
    Retry {
        /// The repository's id.
        repo: i64,
    },
}

impl PlanState {
    /// A plan that nobody followed before.
    pub fn new(name: &str) -> PlanState {
        let name = name.to_owned();
        PlanState { name, latest: None, trouble: String::new(), members: Vec::new(), cohort: 0, stopped: None }
    }

    /// A repository that follows it.
    pub fn member(&self, repo: i64) -> Option<&Member> {
        self.members.iter().find(|member| member.repo.id == repo)
    }

    /// How many members a cohort has.
    pub fn size(&self, cohort: usize) -> usize {
        self.members.iter().filter(|member| member.cohort == Some(cohort)).count()
    }

    /// How many of a cohort failed.
    pub fn failed(&self, cohort: usize) -> usize {
        self.members.iter().filter(|member| member.cohort == Some(cohort) && member.stage == Stage::Failed).count()
    }
}

/// The cohort of each of `count` repositories in their order: `shares` are cumulative percents, each rounded up.
pub fn cohorts(count: usize, shares: &[u8]) -> Vec<usize> {
    let ends: Vec<usize> = shares.iter().map(|share| (count * usize::from(*share)).div_ceil(100)).collect();
    (0..count).map(|at| ends.iter().position(|end| at < *end).unwrap_or(shares.len().saturating_sub(1))).collect()
}

/// A place in the order of cohorts: the same for the same version, another one for the next, so that the first cohort is
/// not always the same people's.
pub fn place(repo: i64, version: Version) -> [u8; 32] {
    Sha256::digest(format!("{version}/{repo}")).into()
}

/// Whether a pull request may be one of these, by its branch.
pub fn is_ours(pull: &Pull) -> bool {
    !pull.fork && pull.head_ref.starts_with(BRANCH)
}
