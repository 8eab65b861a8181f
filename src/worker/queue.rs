//! Putting jobs into the table, with or without ending another one in the same transaction.

use anyhow::Context as _;

use super::verdict::JobError;
use crate::context::Context;
use crate::domain::task::Task;
use crate::store::{Job, NewJob, Tx};

/// What the next news may overtake in a moment is shown a moment later, once: each write that GitHub is spared is one for
/// somebody else of the installation.
const CALM_MS: i64 = 250;
/// A new check is to be at GitHub within 150 ms of its webhook. Mostly it runs by then, and nobody has to be told that it was
/// queued.
const FIRST_SHOWN_MS: i64 = 90;

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
        calm: calm(task),
    })
}

/// A run's check, when it is new.
pub fn first_shown(run: i64, now: i64) -> anyhow::Result<NewJob> {
    Ok(NewJob { calm: FIRST_SHOWN_MS, ..new_job(&Task::SyncCheck { run }, now)? })
}

/// A run's check, when something happened that its end may soon overtake.
pub fn calmly_shown(run: i64, now: i64) -> anyhow::Result<NewJob> {
    Ok(NewJob { calm: CALM_MS, ..new_job(&Task::SyncCheck { run }, now)? })
}

/// A row for a task that is due later than now: no head start makes it ring early.
pub fn timer(task: &Task, (now, at): (i64, i64)) -> anyhow::Result<NewJob> {
    Ok(NewJob { now, run_at: at, ..new_job(task, now)? })
}

/// How long a task waits for more of the same, ms.
fn calm(task: &Task) -> i64 {
    match task {
        Task::SyncSticky { .. } => CALM_MS,
        // What is created, renamed and pushed to comes in a flock.
        Task::Consider { .. } | Task::Follow { .. } | Task::LookUp { .. } => 1_000,
        _ => 0,
    }
}

/// A head start in milliseconds: answers before completions before the rest.
fn priority(task: &Task) -> i64 {
    match task {
        Task::SyncReaction { .. } | Task::SyncReply { .. } | Task::Watch { .. } => 2_000,
        Task::Event { .. } | Task::SyncSticky { .. } => 1_000,
        Task::Execute { .. } => RUN_HEAD_START_MS,
        Task::SyncCheck { .. } | Task::SyncRollout { .. } | Task::SyncDeployment { .. } => 500,
        // What was decided is done before the next one is looked at.
        Task::SyncOnboarding { .. } | Task::SyncUpgrade { .. } | Task::SyncUpdate { .. } | Task::Land { .. } => 500,
        Task::Ring { .. }
        | Task::Minimise { .. }
        | Task::Revert { .. }
        | Task::Brought { .. }
        | Task::SyncShelf { .. }
        | Task::Consider { .. }
        | Task::Follow { .. }
        | Task::ReadPlan { .. }
        | Task::Discover { .. }
        | Task::LookUp { .. }
        | Task::Candidate { .. }
        | Task::Advisories
        | Task::Recover
        | Task::Poll
        | Task::Reconcile { .. }
        | Task::Purge => 0,
    }
}

/// Runs have loops of their own, so their head start is over each other alone.
const RUN_HEAD_START_MS: i64 = 60_000;
/// Each run of its own repository that has not ended counts as if the run had come this much later.
const TURN_MS: i64 = 2_000;

/// A run's job. A repository with a hundred runs waiting does not hold up one with a single run, and nobody waits for ever.
pub async fn execute(tx: &mut Tx, (run, repo): (i64, i64), now: i64) -> anyhow::Result<()> {
    let mut job = new_job(&Task::Execute { run }, now)?;
    let most = RUN_HEAD_START_MS / TURN_MS;
    let others = tx.unfinished_runs(repo, most).await?.saturating_sub(1);
    job.priority -= others.min(most) * TURN_MS;
    add(tx, &job).await
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
