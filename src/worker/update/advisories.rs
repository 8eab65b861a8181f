//! News of advisories, to every repository that they concern: one look at the databases and one question to GitHub serve all of
//! them.

use std::collections::BTreeSet;

use super::tell;
use super::told::{self, Age};
use crate::context::Context;
use crate::domain::decide::UpdatesState;
use crate::domain::task::Task;
use crate::domain::update::Ecosystem;
use crate::domain::update::advisory::Name;
use crate::domain::update::course::News;
use crate::registry::Packages;
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
    let mut changed: BTreeSet<Name> = refreshed.changed.into_iter().collect();
    if told::due(ctx) {
        changed.extend(from_github(ctx, packages.as_ref()).await?);
    }
    if !changed.is_empty() {
        let names: BTreeSet<String> = changed.iter().map(written).collect();
        for state in states(ctx).await? {
            if state.look.packages.iter().any(|name| names.contains(name)) {
                jobs.push(new_job(&tell(state.repo.id, News::Look { repo: state.repo }), now)?);
            }
        }
    }
    jobs.push(timer(&Task::Advisories, (now, now + packages.every_ms().min(told::POLL_MS)))?);
    finish(ctx, job, &jobs).await
}

async fn from_github(ctx: &Context, packages: &dyn Packages) -> Result<BTreeSet<Name>, JobError> {
    let states = states(ctx).await?;
    let names: BTreeSet<Name> =
        states.iter().flat_map(|state| &state.look.packages).filter_map(|name| parsed(name)).collect();
    let mut installations: Vec<i64> = states.iter().map(|state| state.repo.installation).collect();
    installations.sort_unstable();
    installations.dedup();
    told::consult(ctx, packages, (&installations, &names), Age::TIMER).await
}

async fn states(ctx: &Context) -> Result<Vec<UpdatesState>, JobError> {
    let rows = ctx.store.aggregates_since("updates", 0).await?;
    // A row of an older version is written anew at its next look.
    Ok(rows.iter().filter_map(|row| serde_json::from_str(&row.state).ok()).collect())
}

/// As a look remembers a package.
pub fn written((ecosystem, name): &Name) -> String {
    format!("{}:{name}", ecosystem.as_str())
}

/// The same the other way.
pub fn parsed(text: &str) -> Option<Name> {
    let (word, name) = text.split_once(':')?;
    let ecosystem = Ecosystem::ALL.into_iter().find(|ecosystem| ecosystem.as_str() == word)?;
    Some((ecosystem, name.to_owned()))
}
