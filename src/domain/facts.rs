//! What a decision may know. Gathered beforehand, so that deciding needs no I/O and the same facts always give the same decision.

use super::command::Role;
use super::event::Pull;
use super::project::{Problem, Project};

/// The world as read just before deciding.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Unix milliseconds.
    pub now: i64,
    /// The live pull request. `None` where the event does not need it, or where GitHub no longer has it.
    pub pull: Option<Pull>,
    /// `fairway.toml` at the commit in question; `None` where the event does not need it.
    pub project: Option<ProjectAt>,
    /// Paths changed against the base; `None` when unknown, and then every pipeline applies.
    pub changed: Option<Vec<String>>,
    /// What the person who speaks may do in this repository.
    pub role: Option<Role>,
    /// Why this engine does not run a fork's code, as a sentence; `None` when it does.
    pub forks_refused: Option<String>,
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
