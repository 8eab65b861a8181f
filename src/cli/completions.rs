//! `fairway completions SHELL`.

use std::process::ExitCode;

use clap::CommandFactory;

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    /// Which shell
    shell: clap_complete::Shell,
}

/// Prints them.
pub fn print(args: &Args) -> anyhow::Result<ExitCode> {
    clap_complete::generate(args.shell, &mut super::Cli::command(), "fairway", &mut std::io::stdout());
    Ok(ExitCode::SUCCESS)
}
