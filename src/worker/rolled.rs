//! What stands as JSON in a rollout's row.

use anyhow::Context as _;

use crate::domain::release::{RolloutSpec, Version};
use crate::domain::rollout::Rollout;
use crate::store::RolloutRow;

/// What it is to do.
///
/// # Errors
/// When a newer Fairway wrote it.
pub fn spec(row: &RolloutRow) -> anyhow::Result<RolloutSpec> {
    serde_json::from_str(&row.spec).context("a rollout's definition cannot be read")
}

/// Where it stands; `None` until somebody looked.
///
/// # Errors
/// When a newer Fairway wrote it.
pub fn state(row: &RolloutRow) -> anyhow::Result<Option<Rollout>> {
    row.state.as_deref().map(serde_json::from_str).transpose().context("a rollout's state cannot be read")
}

/// A host's service is an environment of a repository, by the repository's id because names change.
pub fn service(repo_id: i64, environment: &str) -> String {
    format!("{repo_id}-{environment}")
}

/// What the name of a release at the host begins with: the commit, and what was exported of it.
pub fn release_begins(version: &Version) -> String {
    format!("{}-{}-", version.sha, version.release)
}
