//! News of advisories, to every repository that they concern: one look at the databases serves all of them.

use std::collections::BTreeSet;

use super::tell;
use crate::context::Context;
use crate::domain::decide::UpdatesState;
use crate::domain::task::Task;
use crate::domain::update::course::News;
use crate::store::Job;
use crate::worker::queue::{finish, new_job, timer};
use crate::worker::verdict::JobError;

/// Reads what is new, tells whom it concerns, and sets the next time.
pub async fn read(ctx: &Context, job: &Job) -> Result<(), JobError> {
    let Some(packages) = &ctx.packages else { return finish(ctx, job, &[]).await };
    let now = ctx.clock.now();
    let mut jobs = Vec::new();
    let before = packages.standing();
    let refreshed = packages.refresh(now).await;
    // The page says it as long as it lasts; the log once.
    for why in refreshed.troubles.iter().filter(|why| !before.troubles.contains(*why)) {
        tracing::warn!("advisories were not brought up to date: {why}");
    }
    let names: BTreeSet<String> =
        refreshed.changed.iter().map(|(ecosystem, name)| format!("{}:{name}", ecosystem.as_str())).collect();
    for repo in concerned(ctx, &names).await? {
        jobs.push(new_job(&tell(repo.id, News::Look { repo }), now)?);
    }
    jobs.push(timer(&Task::Advisories, (now, now + packages.every_ms()))?);
    finish(ctx, job, &jobs).await
}

async fn concerned(ctx: &Context, names: &BTreeSet<String>) -> Result<Vec<crate::domain::ids::Repo>, JobError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut repos = Vec::new();
    for row in ctx.store.aggregates_since("updates", 0).await? {
        // A row of an older version is written anew at its next look.
        let Ok(state) = serde_json::from_str::<UpdatesState>(&row.state) else { continue };
        if state.look.packages.iter().any(|name| names.contains(name)) {
            repos.push(state.repo);
        }
    }
    Ok(repos)
}
