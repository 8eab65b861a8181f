//! `fairway hold`: one release's processes. `fairway host` starts it; people need not.

use std::path::PathBuf;
use std::process::ExitCode;

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    /// The directory with its order
    dir: PathBuf,
}

/// Runs until it is told to stop.
pub async fn hold(args: Args) -> anyhow::Result<ExitCode> {
    crate::host::hold::run(&args.dir).await?;
    Ok(ExitCode::SUCCESS)
}
