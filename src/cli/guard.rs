//! `fairway guard`: not for people.

use std::process::ExitCode;

use crate::engine::local::guard::{self, Order};

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    /// JSON
    order: String,
}

/// Runs it. The exit status is the step's.
pub fn main(args: &Args) -> ExitCode {
    let result =
        serde_json::from_str::<Order>(&args.order).map_err(std::io::Error::from).and_then(|order| guard::run(&order));
    match result {
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
        Err(error) => {
            eprintln!("fairway: the step could not be started: {error}");
            ExitCode::from(126)
        }
    }
}
