//! How long a deploy takes.

use serde::Serialize;

use super::rows::{Kind, Outcome, Span};
use super::spread::{Spread, Times};
use super::story::Story;

/// Of the rollouts that went live in the span. A rollback is none: it is nearly nothing and would make this look good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct DeployTime {
    /// From the command to a release that can be started; nearly nothing when it was built before.
    pub build: Spread,
    /// From there to 100 %.
    pub after_build: Spread,
    /// From the command to the first request.
    pub to_traffic: Spread,
    /// From the command to 100 %.
    pub to_full: Spread,
}

pub(super) fn deploy_time(story: &Story<'_>, span: Span) -> DeployTime {
    let (mut build, mut after, mut traffic, mut full) =
        (Times::default(), Times::default(), Times::default(), Times::default());
    let live = |row: &&&super::rows::RolloutRow| row.outcome == Some(Outcome::Live) && row.kind != Kind::Rollback;
    for row in story.rollouts.iter().filter(live).filter(|row| row.ended_at.is_some_and(|at| span.holds(at))) {
        let accepted = Some(row.accepted_at);
        build.add_known(accepted, row.build_done_at);
        after.add_known(row.build_done_at, row.full_at);
        traffic.add_known(accepted, row.first_traffic_at);
        full.add_known(accepted, row.full_at);
    }
    DeployTime {
        build: build.spread(),
        after_build: after.spread(),
        to_traffic: traffic.spread(),
        to_full: full.spread(),
    }
}
