//! GitHub's conclusions of a check run.

use serde::{Deserialize, Serialize};

/// GitHub's own words; `stale` is missing because only GitHub gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// Passed.
    Success,
    /// Failed, or could not run.
    Failure,
    /// Nothing to say; counts as passed.
    Neutral,
    /// Stopped by a person or a newer commit.
    Cancelled,
    /// Stopped by its time limit.
    TimedOut,
    /// A person must do something first.
    ActionRequired,
    /// Does not concern this change; counts as passed.
    Skipped,
}

impl Conclusion {
    /// From the word of GitHub's API.
    pub fn parse(word: &str) -> Option<Conclusion> {
        use Conclusion::{ActionRequired, Cancelled, Failure, Neutral, Skipped, Success, TimedOut};
        let all = [Success, Failure, Neutral, Cancelled, TimedOut, ActionRequired, Skipped];
        all.into_iter().find(|conclusion| conclusion.as_str() == word)
    }

    /// GitHub lets these through a required check, and so do we through a need and a deploy.
    pub fn passes(self) -> bool {
        matches!(self, Conclusion::Success | Conclusion::Skipped)
    }

    /// The word of GitHub's API.
    pub fn as_str(self) -> &'static str {
        match self {
            Conclusion::Success => "success",
            Conclusion::Failure => "failure",
            Conclusion::Neutral => "neutral",
            Conclusion::Cancelled => "cancelled",
            Conclusion::TimedOut => "timed_out",
            Conclusion::ActionRequired => "action_required",
            Conclusion::Skipped => "skipped",
        }
    }
}
