//! What a rollout brought: read from GitHub once, when it is live, because branches and even commits go later.

use anyhow::Context as _;

use super::super::queue::finish;
use super::super::rolled;
use super::super::verdict::JobError;
use super::heed;
use crate::context::Context;
use crate::domain::metrics::Brought;
use crate::domain::release::RolloutSpec;
use crate::github::GitHubError;
use crate::store::{Job, RolloutRow};

/// Commits asked about before it is written down: two calls each, well within a lease.
const AT_ONCE: usize = 10;

/// Reads it, or goes on reading it.
pub async fn read(ctx: &Context, job: &Job, id: i64) -> Result<(), JobError> {
    let Some(row) = ctx.store.rollout(id).await? else { return finish(ctx, job, &[]).await };
    let spec = rolled::spec(&row)?;
    let mut brought: Brought = match ctx.store.brought(id).await? {
        Some(text) => serde_json::from_str(&text).context("what a rollout brought cannot be read")?,
        None => begin(ctx, &row, &spec).await?,
    };
    for _ in 0..AT_ONCE {
        let Some(sha) = brought.next().map(str::to_owned) else { break };
        let pull = ctx.github.pull_of(&spec.repo, &sha, row.pull).await;
        brought.note(&sha, heed(ctx, spec.repo.installation, pull).await?);
    }
    let (now, over) = (ctx.clock.now(), brought.next().is_none());
    let tx = if over { ctx.store.finish(job).await? } else { ctx.store.fenced(job).await? };
    let Some(mut tx) = tx else { return Ok(()) };
    tx.save_brought(id, &serde_json::to_string(&brought).context("what a rollout brought")?, now).await?;
    tx.commit().await.context("writing down what a rollout brought")?;
    if over { Ok(()) } else { Err(JobError::Wait { until: now, why: "more commits are to be read".to_owned() }) }
}

async fn begin(ctx: &Context, row: &RolloutRow, spec: &RolloutSpec) -> Result<Brought, JobError> {
    let Some(base) = &row.base_sha else { return Ok(Brought::begin(None)) };
    match heed(ctx, spec.repo.installation, ctx.github.commits_between(&spec.repo, base, &row.sha).await).await {
        Ok(commits) => Ok(Brought::begin(commits)),
        // Somebody pushed by force, and GitHub does not have what was live any more.
        Err(JobError::GitHub(GitHubError::NotFound { .. })) => Ok(Brought::begin(None)),
        Err(error) => Err(error),
    }
}
