//! What is done about the rows of `jobs`: one claim, one task, one verdict. The loops in `dispatcher` and the tests call the same step.

mod deliver;
mod dispatcher;
mod effect;
mod engines;
mod execute;
mod gather;
mod journal;
mod news;
mod poll;
mod queue;
mod react;
mod recover;
mod reuse;
mod rolled;
mod secrets;
pub mod update;
mod verdict;
mod watch;

pub use dispatcher::{LONG, Pools, SHORT, Stepped, UPDATES, WATCH, ensure_timers, pools, run, step, watch_cancels};
pub use poll::POLL_EVERY_MS;
pub use recover::RECOVER_EVERY_MS;
pub use verdict::JobError;
