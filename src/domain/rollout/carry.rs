//! How a look is carried out: what comes before the row is written and what after it, when it is written at all, and what
//! the environment is told with it. A look may be cut off between any two of these.

use super::machine::{Action, Outcome, Rollout, Why};
use super::weight::Weight;
use crate::domain::release::News;
use crate::domain::speech;

/// What changed a little is written down this often; it could be counted again.
const WRITE_MS: i64 = 2_000;

/// Whether what is to be done is done before it is written down. Less is: going back waits for no row. More is written
/// down first: no share is ever served that no row knows of.
pub fn done_first(actions: &[Action]) -> bool {
    !actions.iter().any(|action| matches!(action, Action::Write(weight) if *weight > Weight::ZERO))
}

/// Whether it got somewhere, rather than only having been looked at once more.
pub fn moved(before: &Rollout, after: &Rollout) -> bool {
    let share = |rollout: &Rollout| rollout.looked.as_ref().map(|looked| looked.weight);
    before.phase != after.phase
        || share(before) != share(after)
        || before.target != after.target
        || before.heard != after.heard
        || before.paused != after.paused
        || before.undecided != after.undecided
        || before.first_traffic_at != after.first_traffic_at
        || before.plan != after.plan
}

/// Whether it is time to write down what changed a little. A clock that went back is no reason to wait until it has caught
/// up: all looks until then would begin at the same row, and no time would pass for it.
pub fn due(before: &Rollout, now: i64) -> bool {
    before.looked.as_ref().is_none_or(|looked| !(0..WRITE_MS).contains(&now.saturating_sub(looked.at)))
}

/// What the environment has to know of it.
pub fn told(before: &Rollout, after: &Rollout) -> Option<News> {
    match after.ended() {
        Some(Outcome::Live) => Some(News::Live),
        Some(_) => Some(News::Gone {
            words: speech::rollout::ended(after),
            fault: matches!(after.why, Why::Worse { .. } | Why::Sick(_)),
            was_full: after.full_at.is_some(),
        }),
        None if before.full_at.is_none() && after.full_at.is_some() => Some(News::Full),
        None => None,
    }
}
