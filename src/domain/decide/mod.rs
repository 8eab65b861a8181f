//! The pure function between two jobs: an aggregate's state, one event and the facts give the new state and what is to be done.
//!
//! Nothing here reads, writes or waits. Whatever is done, is a `Change`, committed in one transaction with the state.

mod asks;
mod branch;
mod checks;
mod commands;
mod environment;
mod onboard;
mod plan;
mod pull;
mod state;
mod updates;

pub use branch::{BranchState, branch};
pub use checks::{Checks, Item, Phase};
pub use environment::{Closed, Ended, EnvState, Going, Held, Stands, Waiting, environment};
pub use onboard::onboard;
pub use plan::plan;
pub use pull::pull;
pub use state::{Head, LastCommand, PullState, Refused};
pub use updates::{Group, Past, Stage, UpdatesState, updates};

use serde::{Deserialize, Serialize};

use super::ask::Said;
use super::project::{Pipeline, Problem};
use super::release::RolloutSpec;
use super::rollout::Steer;
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
    /// A command is where it is now: its state and its words.
    Answer {
        /// GitHub's id of the comment.
        comment: i64,
        /// Where it stands.
        state: Said,
        /// The words.
        words: String,
    },
    /// An effect.
    Do(Task),
    /// The same, later: Unix milliseconds.
    At(i64, Task),
    /// A rollout of this environment begins.
    Roll {
        /// How manieth of this environment.
        number: i64,
        /// When it was asked for; Unix milliseconds.
        at: i64,
        /// What it is to do.
        spec: Box<RolloutSpec>,
    },
    /// Somebody steers it.
    Steer {
        /// How manieth of this environment.
        number: i64,
        /// Where to.
        steer: Steer,
        /// Login.
        by: String,
    },
    /// What it brought is to be reverted by a pull request.
    Revert {
        /// How manieth of this environment.
        number: i64,
    },
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
    /// Where it stands.
    pub state: Said,
    /// The words that answer it; empty while there are none.
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
