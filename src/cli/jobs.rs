//! `fairway jobs`: what waits, what is dead and why; and a second chance for the dead.

use std::process::ExitCode;

use anyhow::bail;

use crate::store::{JobRow, State};

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Only jobs in this state [default: all that are not done]
    #[arg(long, value_parser = ["ready", "leased", "done", "dead"])]
    state: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// At most so many of each state
    #[arg(long, default_value_t = 50)]
    limit: i64,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Run a dead job again, after what waits in its lane
    Retry {
        /// As `fairway jobs` shows it
        id: i64,
    },
}

/// Lists or retries.
pub async fn jobs(args: Args) -> anyhow::Result<ExitCode> {
    let (store, clock) = super::open::existing_store().await?;
    if let Some(Action::Retry { id }) = args.action {
        if store.retry_dead(id, clock.now()).await?.is_none() {
            bail!(
                "job {id} is not dead, so there is nothing to retry; `fairway jobs --state dead` lists those that are"
            );
        }
        println!("job {id} runs again");
        return Ok(ExitCode::SUCCESS);
    }
    let states = match args.state.as_deref().and_then(State::parse) {
        Some(state) => vec![state],
        None => vec![State::Dead, State::Leased, State::Ready],
    };
    let mut rows = Vec::new();
    for state in states {
        rows.extend(store.jobs(state, args.limit).await?);
    }
    if args.json {
        for row in &rows {
            println!("{}", json(row));
        }
    } else if rows.is_empty() {
        println!("no jobs{}", args.state.map(|s| format!(" in state {s}")).unwrap_or_default());
    } else {
        println!("{:>8}  {:<7} {:<9} {:>5}  {:<28} error", "id", "state", "kind", "tries", "lane");
        for row in &rows {
            let error = row.error.as_deref().unwrap_or("");
            println!(
                "{:>8}  {:<7} {:<9} {:>5}  {:<28} {error}",
                row.id,
                row.state.as_str(),
                row.kind,
                row.attempt,
                row.lane
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn json(row: &JobRow) -> serde_json::Value {
    serde_json::json!({
        "id": row.id, "lane": row.lane, "kind": row.kind, "state": row.state.as_str(), "run_at": row.run_at,
        "attempt": row.attempt, "failures": row.failures, "error": row.error, "created_at": row.created_at,
    })
}
