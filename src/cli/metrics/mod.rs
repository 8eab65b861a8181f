//! `fairway metrics`: the five DORA metrics and the metrics of the way there, out of the rows that Fairway has anyway.

mod rows;

use std::process::ExitCode;

use anyhow::anyhow;

use crate::domain::metrics::{Metrics, Span, measure};
use crate::domain::speech::metrics::{Goals, show};
use crate::store::Store;

/// What may follow.
#[derive(clap::Args)]
pub struct Args {
    /// Only this environment
    #[arg(long)]
    env: Option<String>,
    /// Only this repository, as owner/name
    #[arg(long)]
    repo: Option<String>,
    /// Since when: 30d, 12h, 4w, or a day such as 2026-11-01 (UTC)
    #[arg(long, default_value = "30d")]
    since: String,
    /// One JSON object, times in seconds
    #[arg(long)]
    json: bool,
}

/// Measures and prints.
pub async fn metrics(args: Args) -> anyhow::Result<ExitCode> {
    let (store, clock) = super::open::existing_store().await?;
    let span = Span::since(&args.since, clock.now()).map_err(|words| anyhow!(words))?;
    let metrics = measured(&store, span, (args.env.as_deref(), args.repo.as_deref())).await?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&metrics)?);
    } else {
        print!("{}", show(&metrics, &Goals::default()));
    }
    Ok(ExitCode::SUCCESS)
}

/// All numbers of a span, of one environment and one repository if they are named.
///
/// # Errors
/// When the store does not answer, or a newer Fairway wrote its rows.
pub async fn measured(
    store: &Store,
    span: Span,
    (environment, repository): (Option<&str>, Option<&str>),
) -> anyhow::Result<Metrics> {
    let mut metrics = measure(&rows::input(store, span, environment).await?, span);
    let same = |name: &str| repository.is_none_or(|wanted| wanted.eq_ignore_ascii_case(name));
    metrics.services.retain(|service| same(&service.repository));
    metrics.repositories.retain(|one| same(&one.repository));
    Ok(metrics)
}
