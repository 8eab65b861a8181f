//! What the repository runs already: workflows of GitHub Actions, Makefiles and justfiles.

mod actions;
mod classify;
mod script;
mod tasks;
mod words;
mod workflow;

use std::collections::BTreeMap;

use super::stack::{Beside, Evidence, Kind, Part};

pub use tasks::{Task, tasks};
pub use workflow::read;

/// One command of a workflow.
#[derive(Clone, Debug)]
pub struct Step {
    pub part: Part,
    /// The language that it works on, where its first word tells.
    pub kind: Option<Kind>,
    pub run: String,
    /// Where it runs; the root is the empty name.
    pub dir: String,
    pub from: Evidence,
    /// Variables of its own.
    pub env: BTreeMap<String, String>,
    /// Which of the jobs.
    pub job: usize,
}

/// What the steps of one job share.
#[derive(Clone, Debug, Default)]
pub struct Job {
    /// Its id in the workflow.
    pub name: String,
    /// Languages that it sets up.
    pub kinds: Vec<Kind>,
    pub env: BTreeMap<String, String>,
    pub services: Vec<Beside>,
    pub container: Option<String>,
}

/// All workflows that check changes.
#[derive(Clone, Debug, Default)]
pub struct Ci {
    pub jobs: Vec<Job>,
    pub steps: Vec<Step>,
    pub versions: BTreeMap<Kind, (String, Evidence)>,
    pub tools: BTreeMap<String, String>,
}
