//! The five DORA metrics and the metrics of the way there, computed from plain rows.
//!
//! What is counted is the rollout, aborted ones too: a tool that counts only successes cannot see that a canary was
//! taken back. Nothing is rounded, clamped or guessed. What cannot be measured is counted as excluded, an empty set
//! gives no number, and all times are seconds with their n, p50 and p90.
//!
//! How rows get here: one row a rollout, as it stands in the store, of the asked environments. Give the whole history
//! and not only the span: a commit counts for the first rollout that brought it live, and a rollout of yesterday may
//! be taken back today. Commits come from comparing a rollout's commit with its base, pull requests with their own
//! commits, runs from their table, and what people say and push from what webhooks told, by [`heard`]. [`measure`] groups, orders and cuts to the span by itself, so neither
//! the order of rows nor a row too many matters; only of rollouts and runs each must come once.

mod brought;
mod deploys;
mod failure;
mod flow;
mod heard;
mod lead;
mod measure;
mod revert;
mod rows;
mod signal;
mod spread;
mod story;

pub use brought::Brought;
pub use deploys::DeployTime;
pub use failure::{FAILURE_WINDOW_MS, Open, Recovery};
pub use flow::{Ci, Pulls, Repository};
pub use heard::{Heard, Place, heard};
pub use lead::LeadTime;
pub use measure::{Metrics, Service, measure};
pub use revert::says_revert;
pub use rows::{
    By, CommitRow, Input, Kind, Later, NewcomerRow, Outcome, OwnCommit, PullRow, PushRow, ReviewRow, RolloutRow,
    RunRow, Span,
};
pub use signal::{Signal, SignalKind, Told};
pub use spread::{Rate, Spread};

#[cfg(test)]
mod tests;
