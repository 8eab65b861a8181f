//! Every sentence that a person reads from Fairway: verdict first, then why, then what to type. No small talk.

pub mod check;
pub mod command;
pub mod environment;
pub mod metrics;
pub mod onboard;
pub mod order;
pub mod pages;
pub mod place;
pub mod plan;
pub mod policy;
pub mod reply;
pub mod rollout;
pub mod setup;
pub mod simulate;
pub mod steering;
pub mod sticky;
pub mod updates;
pub mod way_out;
