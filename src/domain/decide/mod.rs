//! The pure function between two jobs: an aggregate's state, one event and the facts give the new state and what is to be done.
//!
//! Nothing here reads, writes or waits. Whatever is done, is a `Change`, committed in one transaction with the state.

mod branch;
mod checks;
mod commands;
mod pull;
mod state;

pub use branch::{BranchState, branch};
pub use checks::{Checks, Item, Phase};
pub use pull::pull;
pub use state::{Head, LastCommand, PullState, Refused};

use serde::{Deserialize, Serialize};

use super::project::{Pipeline, Problem};
use super::run::Conclusion;
use super::task::{RunKey, Task};

/// One thing to commit together with the new state.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A run that somebody wants. If it exists already, the aggregate joins it.
    Plan {
        /// Which.
        run: RunKey,
        /// What it executes; `None` for a check that only says something.
        pipeline: Option<Box<Pipeline>>,
        /// What happens to it at once.
        first: First,
        /// Somebody asked for it to run again, so no earlier success stands for it.
        again: bool,
    },
    /// Its needs are met.
    Start(RunKey),
    /// It ends without having run.
    Conclude(RunKey, Conclusion, Why),
    /// This aggregate no longer wants it; it is stopped when nobody else does.
    Cancel(RunKey, Why),
    /// What a person typed, and what came of it.
    Command(Command),
    /// An effect.
    Do(Task),
}

/// The beginning of a planned run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum First {
    /// Run now.
    Start,
    /// Wait for the named pipelines.
    Wait(Vec<String>),
    /// Say this and run nothing.
    Conclude(Conclusion, Why),
}

/// A command's row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// GitHub's id of the comment.
    pub comment: i64,
    /// Who typed it.
    pub author: String,
    /// The line, as typed.
    pub text: String,
    /// The head it was bound to.
    pub sha: String,
    /// Whether it was carried out.
    pub done: bool,
    /// The words that answer it.
    pub answer: String,
}

/// Why a run is, or ended, the way it did, when it is not simply the outcome of its steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// A newer commit took its place.
    Superseded {
        /// The newer commit.
        by: String,
    },
    /// Somebody typed `/cancel`.
    Cancelled {
        /// Login.
        by: String,
    },
    /// The pull request, branch or queue entry is gone.
    Closed,
    /// It waits for these pipelines.
    Waits {
        /// Pipeline names.
        needs: Vec<String>,
    },
    /// A pipeline it needs did not succeed.
    NotRun {
        /// That pipeline.
        need: String,
    },
    /// No changed file matches its `paths`.
    Paths,
    /// It is not for the merge queue.
    NotForQueue,
    /// No engine can take it now.
    NoEngine {
        /// Why.
        sentence: String,
    },
    /// A fork's code waits for somebody's word.
    Approval,
    /// The engine refuses, in its own words.
    Refused {
        /// What, why, and what to do.
        sentence: String,
    },
    /// There is no `fairway.toml`.
    NoFile,
    /// `fairway.toml` has no pipeline for this event.
    NothingSelected,
    /// `fairway.toml` cannot be used.
    Broken {
        /// All that is wrong with it.
        problems: Vec<Problem>,
    },
    /// Fairway or its engine failed, not the code.
    Trouble {
        /// What happened.
        sentence: String,
    },
}

/// The name under which Fairway reports on the file itself.
pub const FILE_CHECK: &str = "fairway.toml";

#[cfg(test)]
mod tests;
