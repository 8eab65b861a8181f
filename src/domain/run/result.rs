//! What a run leaves behind; stored as JSON.

use serde::{Deserialize, Serialize};

use super::annotation::Annotation;
use super::conclusion::Conclusion;

/// Where one step stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Its turn has not come.
    #[default]
    Waiting,
    /// Running now.
    Running,
    /// Exit code 0.
    Passed,
    /// It ended by itself, badly.
    Failed {
        /// Exit code; 128 + signal when a signal ended it.
        exit: i32,
    },
    /// The pipeline's time was up.
    TimedOut,
    /// Stopped from outside.
    Cancelled,
    /// An earlier step failed.
    NotRun,
}

/// One step of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepResult {
    /// The command, as written in `run`.
    pub name: String,
    /// Where it stands.
    pub state: StepState,
    /// Milliseconds it has taken so far.
    pub millis: i64,
    /// It did not have to run: the engine had the result.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cached: bool,
}

/// A run's outcome, also while it grows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunResult {
    /// In order.
    pub steps: Vec<StepResult>,
    /// From its reports, paths relative to the repository's root.
    pub annotations: Vec<Annotation>,
    /// Sentences about what could not be read or was left out.
    pub notes: Vec<String>,
    /// What a function of the repository's module returned, when that is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// What ended steps mean for the check: one bad step decides, all passed is success, and anything else
/// (no steps, one that never ended) is failure, because what did not run has not passed.
pub fn conclusion(steps: &[StepResult]) -> Conclusion {
    let has = |wanted: fn(&StepState) -> bool| steps.iter().any(|step| wanted(&step.state));
    if has(|state| matches!(state, StepState::Failed { .. })) {
        Conclusion::Failure
    } else if has(|state| *state == StepState::TimedOut) {
        Conclusion::TimedOut
    } else if has(|state| *state == StepState::Cancelled) {
        Conclusion::Cancelled
    } else if !steps.is_empty() && steps.iter().all(|step| step.state == StepState::Passed) {
        Conclusion::Success
    } else {
        Conclusion::Failure
    }
}
