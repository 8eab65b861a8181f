//! The pure floor: values in, values out. No async, no I/O, no clock, no environment; nothing here panics,
//! and nothing here imports another room of Fairway.

pub mod ask;
pub mod command;
pub mod decide;
pub mod deed;
pub mod detect;
pub mod dice;
pub mod event;
pub mod facts;
pub mod ids;
pub mod key;
pub mod manifest;
pub mod metrics;
pub mod onboard;
pub mod plan;
pub mod project;
pub mod record;
pub mod release;
pub mod rollout;
pub mod run;
pub mod simulate;
pub mod speech;
pub mod task;
pub mod tick;
pub mod trust;
pub mod update;
