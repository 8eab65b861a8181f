//! A plan: a versioned set of files that a repository begins with, and that later versions move forward by pull request.
//!
//! It is rendered into the repository and not looked up when something runs: what a commit does is what its own
//! `fairway.toml` says, also when the plan's repository is gone. `fairway.lock` says what was rendered, so that the next
//! version can be merged with what the owner changed since.

mod begin;
pub mod builtin;
mod fleet;
mod input;
mod lock;
mod manifest;
mod merge;
mod render;
mod shape;
mod version;

pub use begin::begun;
pub use fleet::{BRANCH, Member, News, PlanState, Release, Stage, cohorts, is_ours, place};
pub use input::{Input, Kind, NAME, Values};
pub use lock::{LOCK, Lock};
pub use manifest::{MANIFEST, read};
pub use merge::{Change, Conflict, Merged, merge};
pub use render::{digest, render};
pub use shape::{Plan, Source, Template, Trouble};
pub use version::{Name, Version};

#[cfg(test)]
mod tests;
