//! `fairway guard`: not for people.

use std::process::ExitCode;

use crate::engine::local::guard::{self, Order};

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    /// JSON
    order: String,
}

/// Runs it. The last word on standard output is how it ended: `exit N`, or `broken` and why.
pub fn main(args: &Args) -> ExitCode {
    let result =
        serde_json::from_str::<Order>(&args.order).map_err(std::io::Error::from).and_then(|order| guard::run(&order));
    match result {
        Ok(code) => println!("exit {code}"),
        Err(error) => println!("broken {error}"),
    }
    ExitCode::SUCCESS
}
