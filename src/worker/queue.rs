//! Putting jobs into the table, with or without ending another one in the same transaction.

use anyhow::Context as _;

use super::verdict::JobError;
use crate::context::Context;
use crate::domain::task::Task;
use crate::store::{Job, NewJob, Tx};

/// A row for a task, due at `at`.
pub fn new_job(task: &Task, at: i64) -> anyhow::Result<NewJob> {
    Ok(NewJob {
        now: at,
        lane: task.lane(),
        kind: task.kind().to_owned(),
        task: serde_json::to_string(task)?,
        merge_key: task.merge_key(),
        run_at: at,
        priority: priority(task),
        pool: None,
    })
}

/// A head start in milliseconds: answers before completions before the rest.
fn priority(task: &Task) -> i64 {
    match task {
        Task::SyncReaction { .. } | Task::SyncReply { .. } => 2_000,
        Task::Event { .. } | Task::SyncSticky { .. } | Task::Execute { .. } => 1_000,
        Task::SyncCheck { .. } => 500,
        Task::Minimise { .. } | Task::Recover | Task::Reconcile { .. } | Task::Purge => 0,
    }
}

/// Ends a job and adds others in the same transaction.
pub async fn finish(ctx: &Context, job: &Job, jobs: &[NewJob]) -> Result<(), JobError> {
    let Some(mut tx) = ctx.store.finish(job).await? else { return Ok(()) };
    for job in jobs {
        add(&mut tx, job).await?;
    }
    tx.commit().await.context("finishing a job")?;
    Ok(())
}

/// Adds jobs without ending one.
pub async fn start(ctx: &Context, jobs: &[NewJob]) -> anyhow::Result<()> {
    let mut tx = ctx.store.begin().await?;
    for job in jobs {
        add(&mut tx, job).await?;
    }
    tx.commit().await
}

/// Adds a job. A full lane is an error, so that whoever adds to it tries again later instead of losing it.
pub async fn add(tx: &mut Tx, job: &NewJob) -> anyhow::Result<()> {
    anyhow::ensure!(tx.insert_job(job).await?.is_some(), "lane {} is full", job.lane);
    Ok(())
}
