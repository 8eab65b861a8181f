//! What Fairway remembers of a repository's updates.

use serde::{Deserialize, Serialize};

use crate::domain::decide::Checks;
use crate::domain::ids::Repo;
use crate::domain::update::course::{
    BRANCH, CANDIDATES, Candidate, Course, Exposed, Kind, Look, Proven, Refused, Trial, Unit, Wanted, week,
};

/// How far a group is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Its turn has not come: for what, in words.
    Waiting(String),
    /// A candidate is being made.
    Making,
    /// The candidate's pipelines run.
    Testing,
    /// The pull request is to be opened, or brought to what was proven.
    Proven,
    /// The pull request is open.
    Open,
    /// A person pushed to its branch: it is theirs.
    Theirs,
    /// It is being merged.
    Merging,
    /// It stands in GitHub's merge queue.
    Queued,
    /// Nothing of it passes: why, in words.
    Failed(String),
    /// It was merged.
    Merged,
    /// Somebody closed it.
    Closed,
    /// It is not wanted any more: why, in words; an open pull request is to be closed.
    Over(String),
}

/// A group on its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// What is wanted.
    pub wanted: Wanted,
    /// How far it is.
    pub stage: Stage,
    /// Counts the attempts, from 1; names candidates.
    pub round: u32,
    /// What of it works.
    pub trial: Trial,
    /// The candidate under test.
    #[serde(default)]
    pub candidate: Option<Candidate>,
    /// Its checks.
    #[serde(default)]
    pub checks: Option<Checks>,
    /// What passed, and is or will be in the pull request.
    #[serde(default)]
    pub proven: Option<Proven>,
    /// The digest of all manifests and locks that it was made from.
    #[serde(default)]
    pub made_from: String,
    /// The pull request.
    #[serde(default)]
    pub pull: Option<i64>,
    /// Unix milliseconds at which it was first wanted.
    pub since: i64,
    /// What its pull request cannot do by itself, in words; empty: nothing.
    #[serde(default)]
    pub trouble: String,
    /// Whether the merge queue took it out; it is not put in again by itself.
    #[serde(default)]
    pub out: bool,
}

/// An advisory that the default branch is not open to any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// It.
    pub exposed: Exposed,
    /// Since when; Unix milliseconds.
    pub until: i64,
    /// The first commit without it that was looked at.
    pub sha: String,
}

/// A repository's updates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdatesState {
    /// Which.
    pub repo: Repo,
    /// What its `[updates]` asks for, as last read.
    pub course: Course,
    /// The newest look.
    pub look: Look,
    /// Why the last look came to nothing, in words; empty: it did not.
    pub trouble: String,
    /// By the time at which they were first wanted.
    pub groups: Vec<Group>,
    /// Advisories that the default branch was open to.
    #[serde(default)]
    pub past: Vec<Past>,
    /// What nobody wants here.
    pub refused: Vec<Refused>,
    /// Milliseconds of pipelines that candidates took, by week since 1970.
    pub spent: Vec<(i64, i64)>,
    /// Whether a timer is set.
    pub timed: bool,
    /// Whether the default branch has a merge queue: there everything is tested together by GitHub.
    #[serde(default)]
    pub queue: bool,
}

impl UpdatesState {
    /// A repository that was never looked at.
    pub fn new(repo: &Repo) -> UpdatesState {
        UpdatesState {
            repo: repo.clone(),
            course: Course::default(),
            look: Look::default(),
            trouble: String::new(),
            groups: Vec::new(),
            past: Vec::new(),
            refused: Vec::new(),
            spent: Vec::new(),
            timed: false,
            queue: false,
        }
    }

    /// A group by its name.
    pub fn group(&self, id: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.wanted.id == id)
    }

    /// Milliseconds of pipelines in the week of `now`.
    pub fn spent_in(&self, now: i64) -> i64 {
        let week = week(now);
        self.spent.iter().filter(|(of, _)| *of == week).map(|(_, ms)| ms).sum()
    }
}

impl Group {
    /// One of which nothing was tried yet; `now` is in Unix milliseconds.
    pub(super) fn new(wanted: Wanted, (stage, round): (Stage, u32), now: i64) -> Group {
        Group {
            trial: Trial::of(wanted.units.len()),
            wanted,
            stage,
            round,
            candidate: None,
            checks: None,
            proven: None,
            made_from: String::new(),
            pull: None,
            since: now,
            trouble: String::new(),
            out: false,
        }
    }

    /// Whether something of it is on its way without anybody's doing.
    pub fn busy(&self) -> bool {
        matches!(self.stage, Stage::Making | Stage::Testing | Stage::Proven | Stage::Merging)
    }

    /// Whether it is merged with others, as one.
    pub fn batch(&self) -> bool {
        self.wanted.kind == Kind::Batch
    }

    /// What a candidate of it is to hold now.
    pub fn tried(&self) -> impl Iterator<Item = &Unit> {
        self.trial.now.iter().filter_map(|at| self.wanted.units.get(*at))
    }

    /// The branch of its pull request.
    pub fn branch(&self) -> String {
        format!("{BRANCH}{}", self.wanted.id)
    }

    /// The refs of all candidates that it ever had and that may still be there.
    pub fn references(&self) -> String {
        format!("{CANDIDATES}{}/", self.wanted.id)
    }

    /// The ref of the candidate under test.
    pub fn reference(&self) -> String {
        let units: Vec<String> = self.trial.now.iter().map(ToString::to_string).collect();
        format!("{CANDIDATES}{}/{}-{}", self.wanted.id, self.round, units.join("."))
    }
}
