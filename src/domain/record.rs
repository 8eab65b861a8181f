//! What stands as JSON in a run's row: its definition, written once, and its result, written by whoever executes it.

use serde::{Deserialize, Serialize};

use super::decide::Why;
use super::ids::Repo;
use super::project::Pipeline;
use super::run::RunResult;

/// What is to be run, and where it belongs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// Where.
    pub repo: Repo,
    /// The pull request whose changed lines annotations are held against, if there is one.
    pub pull: Option<i64>,
    /// The definition; `None` for a check that only says something.
    pub pipeline: Option<Pipeline>,
    /// Somebody asked for it to run again, so no earlier success stands for it.
    #[serde(default)]
    pub again: bool,
}

/// What came of it so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Body {
    /// Why it stands as it does, when that is not simply the outcome of its steps.
    pub why: Option<Why>,
    /// Steps, findings on changed lines, and sentences for the reader of the check.
    #[serde(default)]
    pub result: RunResult,
    /// Findings elsewhere, counted.
    #[serde(default)]
    pub left_out: usize,
    /// The end of the log that matters: of the failed step, else of the newest.
    #[serde(default)]
    pub tail: String,
    /// Digest of what was exported.
    #[serde(default)]
    pub export: Option<String>,
    /// What was published: the image by its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
    /// Checks of the repository's module that it found, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<String>,
    /// How the engine failed this try, when it is to be tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
    /// The earlier run whose success this one stands on, when it did not run itself.
    #[serde(default)]
    pub reused: Option<Reused>,
}

impl Spec {
    /// The checks that a run found, each as the pipeline that runs it.
    pub fn found(&self, body: &Body) -> Vec<Pipeline> {
        let parent = self.pipeline.as_ref();
        parent.map_or_else(Vec::new, |parent| body.found.iter().map(|name| parent.for_check(name)).collect())
    }
}

/// A run that passed before with the same files, definition, engine, secrets and trust.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reused {
    /// Its row.
    pub run: i64,
    /// Its commit.
    pub sha: String,
}
