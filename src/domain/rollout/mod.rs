//! A release takes over step by step: shares, stages, the judge who compares, and the machine that decides what comes
//! next. All of it is values; whoever carries a rollout on observes, asks, and does what it is told.

mod bound;
mod carry;
mod counts;
mod judge;
mod machine;
mod stage;
mod step;
mod weight;

pub use bound::{log_factorial, within};
pub use carry::{done_first, due, moved, told};
pub use counts::{Counts, Probed, Signal, Timed};
pub use judge::{Evidence, Interval, LIMIT, WARM_LIMIT, convicts, evidence};
pub use machine::{Action, Health, Looked, Observation, Outcome, Phase, Plan, Rollout, Steer, Undecided, Why};
pub use stage::{Stage, default_stages, parse_stages};
pub use step::step;
pub use weight::Weight;

#[cfg(test)]
mod tests;
