//! What stands as JSON in a rollout's row.

use anyhow::Context as _;

use crate::domain::release::RolloutSpec;
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
