//! News of advisories, to every repository that they concern: one look at the databases and one question to GitHub serve all of
//! them.

use std::collections::BTreeSet;

use super::spread::{parsed, spread, states};
use super::told::{self, Age};
use crate::context::Context;
use crate::domain::task::Task;
use crate::domain::update::advisory::Name;
use crate::registry::Packages;
use crate::store::Job;
use crate::worker::queue::{finish, timer};
use crate::worker::verdict::JobError;

/// Reads what is new, tells whom it concerns, and sets the next time.
pub async fn read(ctx: &Context, job: &Job) -> Result<(), JobError> {
    let Some(packages) = &ctx.packages else { return finish(ctx, job, &[]).await };
    let now = ctx.clock.now();
    let before = packages.standing();
    let refreshed = packages.refresh(now).await;
    // The page says it as long as it lasts; the log once.
    for why in refreshed.troubles.iter().filter(|why| !before.troubles.contains(*why)) {
        tracing::warn!("advisories were not brought up to date: {why}");
    }
    // At once: what comes after this may have to wait, and nobody would read the same news again.
    spread(ctx, &refreshed.changed.into_iter().collect(), None).await?;
    if told::due(ctx) {
        match from_github(ctx, packages.as_ref()).await {
            Err(JobError::Wait { why, .. }) => tracing::debug!("GitHub's advisories wait {why}"),
            Err(JobError::GitHub(error)) => tracing::debug!("GitHub's advisories wait: {error}"),
            other => other?,
        }
    }
    let next = timer(&Task::Advisories, (now, now + packages.every_ms().min(told::POLL_MS)))?;
    finish(ctx, job, &[next]).await
}

async fn from_github(ctx: &Context, packages: &dyn Packages) -> Result<(), JobError> {
    let states = states(ctx).await?;
    let names: BTreeSet<Name> =
        states.iter().flat_map(|state| &state.look.packages).filter_map(|name| parsed(name)).collect();
    let mut installations: Vec<i64> = states.iter().map(|state| state.repo.installation).collect();
    installations.sort_unstable();
    installations.dedup();
    told::consult(ctx, packages, (&installations, &names), (Age::TIMER, None)).await
}
