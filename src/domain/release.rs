//! What is released, and what a rollout is to do with it: as it stands as JSON in a rollout's row.

use serde::{Deserialize, Serialize};

use super::ids::Repo;
use super::project::Environment;
use super::rollout::{Plan, Rollout, Stage, Steer, Weight};

/// A commit as it is, or was, released to an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The commit.
    pub sha: String,
    /// Digest of what its `release` pipeline exported.
    pub release: String,
    /// The pull request it came from.
    pub pull: Option<i64>,
    /// Whether it was on the default branch.
    pub merged: bool,
    /// Digest of the environment's definition it was started with.
    pub definition: String,
}

impl Version {
    /// Whether it is the same release: the commit, and what was exported of it.
    pub fn same(&self, other: &Version) -> bool {
        self.sha == other.sha && self.release == other.release
    }
}

/// What sort of change a rollout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The usual.
    Planned,
    /// Because something is broken.
    Hotfix,
    /// Back to a version that was live before.
    Rollback,
    /// The live commit with another definition of its environment.
    Config,
}

impl Kind {
    /// The word in the `kind` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Planned => "planned",
            Kind::Hotfix => "hotfix",
            Kind::Rollback => "rollback",
            Kind::Config => "config",
        }
    }
}

/// What a rollout is to do, as decided when it began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolloutSpec {
    /// Where.
    pub repo: Repo,
    /// The environment as it was defined then: somebody who edits the file does not change what is on its way.
    pub environment: Environment,
    /// What sort of change it is.
    pub kind: Kind,
    /// What it brings.
    pub version: Version,
    /// What was live before.
    pub base: Option<Version>,
    /// Shift to this share and stay.
    pub hold_at: Option<Weight>,
    /// Who asked.
    pub by: String,
    /// The pull request whose damage it mends.
    pub fixes: Option<i64>,
    /// Who approved.
    pub approvals: Vec<String>,
    /// The pull request it was asked in.
    pub pull: Option<i64>,
    /// When the release was built; Unix milliseconds.
    pub built_at: i64,
    /// What it takes back was no failure.
    #[serde(default)]
    pub excused: bool,
}

/// Whether whoever takes something back says that it is no failure: "not a failure: the wrong pull request".
pub fn excuses(reason: &str) -> bool {
    let words: Vec<String> = reason.split_whitespace().map(str::to_lowercase).collect();
    let start = words.iter().take(3).map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    start.eq(["not", "a", "failure"])
}

impl RolloutSpec {
    /// How a rollout of it begins.
    pub fn begin(&self) -> Rollout {
        let Environment { stages, stage_max_ms, undecided, watch_ms, irreversible, slow_ms, .. } = &self.environment;
        let back = self.kind == Kind::Rollback;
        let whole = vec![Stage { weight: Weight::ALL, stay_ms: 0 }];
        // Where nothing serves yet there is nobody to spare; where it goes back, nothing to wait for.
        let direct = back || self.base.is_none();
        Rollout::new(Plan {
            stages: if direct { whole } else { stages.clone() },
            stage_max_ms: *stage_max_ms,
            undecided: *undecided,
            watch_ms: if direct { 0 } else { *watch_ms },
            irreversible: *irreversible,
            hold_at: self.hold_at.filter(|_| !direct),
            base: self.base.is_some(),
            back,
            slow_ms: *slow_ms,
        })
    }
}

/// Somebody's word to a rollout on its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Steered {
    /// What.
    pub steer: Steer,
    /// Login.
    pub by: String,
    /// Unix milliseconds.
    pub at: i64,
}

/// Where a rollout got to, as its environment has to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum News {
    /// All traffic goes there; the old version is kept warm for a while.
    Full,
    /// It is over and its release stays.
    Live,
    /// It is over and its release is gone from the traffic.
    Gone {
        /// The verdict, one sentence.
        words: String,
        /// Whether the release itself was at fault, so that it must not come back unmended.
        fault: bool,
        /// Whether it had all the traffic when it was taken back.
        was_full: bool,
    },
    /// The pull request that takes its change back in git is open.
    Reverted {
        /// Its number.
        pull: i64,
    },
}

#[cfg(test)]
mod tests {
    use super::excuses;

    #[test]
    fn an_excuse_comes_first_and_is_written_out() {
        for reason in ["not a failure", "Not a failure: the wrong pull request", "not a failure, only early"] {
            assert!(excuses(reason), "{reason}");
        }
        for reason in ["", "a failure", "it is not a failure", "not a", "not a failures"] {
            assert!(!excuses(reason), "{reason}");
        }
    }
}
