//! Effects: one remembered id at GitHub each, and THEIR side brought to what OUR row says. A create looks for its marker first whenever it may have happened before.

pub mod brought;
pub mod check;
pub mod deployment;
pub mod onboard;
pub mod plan;
pub mod reaction;
pub mod reply;
pub mod revert;
pub mod rollout;
pub mod shelf;
pub mod sticky;
pub mod upgrade;

use anyhow::Context as _;

use super::verdict::JobError;
use crate::context::Context;
use crate::store::{Class, Job, Load, Mirror, Slot};

/// Takes a slot from the installation's budget, or says when there will be one.
async fn slot(ctx: &Context, installation: i64, class: Class, creates: bool) -> Result<(), JobError> {
    slots(ctx, installation, class, Load::one(creates)).await
}

/// Waits until what nobody waits for may ask GitHub something: many at once must not use up the minute's limit, reads or not.
pub(super) async fn pace(ctx: &Context, installation: i64) -> Result<(), JobError> {
    slots(ctx, installation, Class::Bulk, Load { writes: 0, content: 0, reads: 0 }).await
}

/// The same for writes that belong together: all or none.
pub(super) async fn slots(ctx: &Context, installation: i64, class: Class, load: Load) -> Result<(), JobError> {
    let load = Load { reads: ctx.github.reads_since(installation), ..load };
    match ctx.store.reserve(installation, class, load, ctx.clock.now()).await? {
        Slot::Now => Ok(()),
        Slot::At(until) => {
            Err(JobError::Wait { until, why: format!("for GitHub's rate limit of installation {installation}") })
        }
    }
}

/// A rate limit that GitHub names stops every process's writes to that installation, not only this job.
pub(super) async fn heed<T>(
    ctx: &Context,
    installation: i64,
    answer: Result<T, crate::github::GitHubError>,
) -> Result<T, JobError> {
    if let Err(crate::github::GitHubError::RateLimited { until_ms, .. }) = &answer {
        ctx.store.block_until(installation, *until_ms, ctx.clock.now()).await?;
    }
    Ok(answer?)
}

/// Ends the job and remembers what GitHub's side was brought to. When somebody else has the lane meanwhile, what was
/// learnt is still true.
pub(super) async fn remember(ctx: &Context, job: &Job, mirror: &Mirror) -> Result<(), JobError> {
    let Some(mut tx) = ctx.store.finish(job).await? else {
        ctx.store.save_mirror(mirror).await?;
        return Ok(());
    };
    tx.save_mirror(mirror).await?;
    tx.commit().await.with_context(|| format!("remembering {}", mirror.key))?;
    Ok(())
}
