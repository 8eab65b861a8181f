//! What a decision may know. Gathered beforehand, so that deciding needs no I/O and the same facts always give the same decision.

use std::collections::BTreeMap;

use super::ask::Ask;
use super::command::Role;
use super::event::Pull;
use super::ids::Repo;
use super::onboard::{Proposal, Rules, Sight};
use super::project::{Environment, Problem, Project};
use super::run::Conclusion;

/// The world as read just before deciding.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Unix milliseconds.
    pub now: i64,
    /// The live pull request. `None` where the event does not need it, or where GitHub no longer has it.
    pub pull: Option<Pull>,
    /// `fairway.toml` at the commit in question; `None` where the event does not need it.
    pub project: Option<ProjectAt>,
    /// The default branch's `fairway.toml`; `None` where the event does not need it.
    pub home: Option<ProjectAt>,
    /// Paths changed against the base; `None` when unknown, and then every pipeline applies.
    pub changed: Option<Vec<String>>,
    /// What the person who speaks may do in this repository.
    pub role: Option<Role>,
    /// The repository's environments, each in a line; empty where the event does not need it.
    pub environments: Vec<String>,
    /// Why this engine does not run a fork's code, as a sentence; `None` when it does.
    pub forks_refused: Option<String>,
    /// Milliseconds that the run took which has just ended; 0 where the event does not need it.
    pub took_ms: i64,
}

/// A repository as read just before deciding on its onboarding.
#[derive(Clone, Debug)]
pub struct OnboardFacts {
    /// Unix milliseconds.
    pub now: i64,
    /// The operator's and the organisation's rules.
    pub rules: Rules,
    /// `None`: it is gone, or the App does not see it; or the event does not need it.
    pub live: Option<LiveRepo>,
}

/// What GitHub says of it.
#[derive(Clone, Debug)]
pub struct LiveRepo {
    /// As it is called now.
    pub repo: Repo,
    /// What it is like.
    pub sight: Sight,
    /// What would be opened; read only where something is.
    pub proposal: Option<Proposal>,
}

/// `fairway.toml` at one commit.
#[derive(Clone, Debug)]
pub enum ProjectAt {
    /// There is no such file.
    Missing,
    /// It cannot be used.
    Broken(Vec<Problem>),
    /// It can.
    Found(Project),
}

/// The world around an environment as read just before deciding.
#[derive(Clone, Debug)]
pub struct EnvFacts {
    /// Unix milliseconds.
    pub now: i64,
    /// The environment's name.
    pub name: String,
    /// The default branch's file, and the environment in it with all policies laid on; or why there is none, in words.
    pub definition: Result<(Box<Project>, Box<Environment>), String>,
    /// As what it was last released, where the file does not have it any more: a rescue needs no file.
    pub last: Option<Box<Environment>>,
    /// What the person whose request is decided on may do here.
    pub standing: Standing,
    /// About the request that may start next.
    pub front: Option<Front>,
    /// Why nothing can be released at all, in words.
    pub host: Result<(), String>,
}

/// What a person may do with an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Login; empty for a merge.
    pub login: String,
    /// Whether the environment's `who` lets them.
    pub allowed: bool,
    /// Whether they may write in the repository: enough to rescue.
    pub writes: bool,
    /// What they are, in GitHub's word.
    pub role: String,
    /// Who may, in words.
    pub who: String,
}

/// All that the gates ask about one request.
#[derive(Clone, Debug)]
pub struct Front {
    /// Which request.
    pub ask: Ask,
    /// The live pull request.
    pub pull: Option<Pull>,
    /// Who approved that very commit; without its author.
    pub approvals: Vec<String>,
    /// How it stands to what is live.
    pub live: Option<Lineage>,
    /// How it stands to what was taken back.
    pub held: Option<Lineage>,
    /// Whether the pull request is a revert.
    pub reverts: bool,
    /// The newest run of each of the default branch's pipelines on that commit, by the default branch's definition.
    pub proofs: Vec<Proof>,
    /// Checks and statuses of others, by name.
    pub foreign: BTreeMap<String, Foreign>,
    /// What is live in the environment that comes before.
    pub elsewhere: Option<String>,
}

/// How a commit stands to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lineage {
    /// It is that one or has it in its history.
    Contains,
    /// It is in that one's history.
    Behind,
    /// Neither.
    Lacks,
}

/// What a run proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Pipeline name.
    pub pipeline: String,
    /// The newest try.
    pub attempt: i64,
    /// How it ended; `None` while it has not.
    pub conclusion: Option<Conclusion>,
    /// Digest of what it exported, where that is still kept.
    pub export: Option<String>,
    /// Whether an export is wanted of it and is not kept any more.
    pub lost: bool,
    /// When it ended; Unix milliseconds.
    pub ended_at: i64,
}

impl Proof {
    /// Whether it counts.
    pub fn passed(&self) -> bool {
        self.conclusion.is_some_and(Conclusion::passes) && !self.lost
    }

    /// Whether it ended without having passed.
    pub fn failed(&self) -> bool {
        self.conclusion.is_some_and(|conclusion| !conclusion.passes())
    }
}

impl Front {
    /// What the named pipeline exported for this commit, and when.
    pub fn release(&self, pipeline: &str) -> Option<(String, i64)> {
        let proof = self.proofs.iter().find(|proof| proof.pipeline == pipeline && proof.passed())?;
        Some((proof.export.clone()?, proof.ended_at))
    }
}

/// What somebody else's check or status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// Its newest attempt passed.
    Passed,
    /// It has not ended.
    Pending,
    /// It did not pass.
    Failed,
    /// It never reported on this commit.
    Missing,
}
