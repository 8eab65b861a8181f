//! The pure floor: values in, values out. No async, no I/O, no clock, no environment; nothing here panics,
//! and nothing here imports another room of Fairway.

pub mod command;
pub mod event;
pub mod ids;
pub mod project;
pub mod run;
