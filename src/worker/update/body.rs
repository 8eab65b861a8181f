//! What an update's pull request says, from all that is known of it.

use crate::context::Context;
use crate::domain::decide::{Group, UpdatesState};
use crate::worker::verdict::JobError;

/// Title and body.
pub async fn texts(_ctx: &Context, (_state, group): (&UpdatesState, &Group)) -> Result<(String, String), JobError> {
    Ok((group.wanted.id.clone(), String::new()))
}
