//! Updates: look at a repository, make a commit of what it should have, open what passes, merge what may be merged.

pub mod advisories;
pub mod body;
pub mod candidate;
pub mod edit;
pub mod land;
pub mod look;
pub mod open;
pub mod script;
mod sources;
pub mod spread;
pub mod told;

use anyhow::Context as _;

use super::queue::{finish, new_job};
use super::verdict::JobError;
use crate::context::Context;
use crate::domain::decide::UpdatesState;
use crate::domain::task::{Event, Key, Task};
use crate::domain::update::course::News;
use crate::store::Job;

/// The job that tells a repository's updates something.
pub fn tell(repo: i64, news: News) -> Task {
    Task::tell(Key::Updates(repo), Event::Updates(Box::new(news)))
}

/// Ends a job with news.
async fn end(ctx: &Context, job: &Job, (repo, news): (i64, News)) -> Result<(), JobError> {
    finish(ctx, job, &[new_job(&tell(repo, news), ctx.clock.now())?]).await
}

async fn state(ctx: &Context, repo: i64) -> Result<Option<UpdatesState>, JobError> {
    let row = ctx.store.aggregate(&Key::Updates(repo).to_string()).await?;
    Ok(row.map(|row| serde_json::from_str(&row.state)).transpose().context("an updates row cannot be read")?)
}

/// Keeps the lease while something takes its time. `None`: somebody else has the job now, or Fairway stops.
async fn kept<T>(
    ctx: &Context,
    job: &Job,
    stop: &tokio_util::sync::CancellationToken,
    work: impl Future<Output = T>,
) -> Result<Option<T>, JobError> {
    let third = u64::try_from(ctx.policy.lease_ms / 3).unwrap_or(1).max(1);
    // Both are polled all the time: a beat that had to wait for a connection which the work holds would wait in vain.
    let lost = async {
        let mut beat = tokio::time::interval(std::time::Duration::from_millis(third));
        loop {
            beat.tick().await;
            if !ctx.store.heartbeat(job, ctx.clock.now() + ctx.policy.lease_ms).await? {
                return Ok::<(), JobError>(());
            }
        }
    };
    tokio::select! {
        done = work => Ok(Some(done)),
        lost = lost => lost.map(|()| None),
        () = stop.cancelled() => {
            ctx.store.give_back(job, ctx.clock.now()).await?;
            Ok(None)
        }
    }
}
