//! What is kept of releases: the directories that the host made for them, and the exports that they were started from.
//! The environments' rows say what stays; everything else goes when it is old enough.

use std::collections::BTreeSet;

use anyhow::Context as _;

use super::super::queue::finish;
use super::super::rolled;
use super::super::verdict::JobError;
use crate::context::Context;
use crate::domain::decide::EnvState;
use crate::domain::task::Key;
use crate::engine::Export;
use crate::store::Job;

/// A host that is away is told later.
const AWAY_MS: i64 = 30_000;
/// What was released and is not kept any more goes this long after it was last made: another environment may just be
/// about to take it.
const RELEASED_MS: i64 = 3_600_000;
/// What was never released goes this long after it was last made. A deploy makes it again.
const NEVER_MS: i64 = 14 * 24 * 3_600_000;

/// Brings the files of an environment's releases to what its row says.
pub async fn sync(ctx: &Context, job: &Job, key: &Key) -> Result<(), JobError> {
    let Key::Env(repo, name) = key else { return finish(ctx, job, &[]).await };
    let Some(row) = ctx.store.aggregate(&key.to_string()).await? else { return finish(ctx, job, &[]).await };
    let state: EnvState = serde_json::from_str(&row.state).context("an environment's row cannot be read")?;
    if let Some(host) = ctx.host.as_deref() {
        let kept: Vec<String> = state.kept().map(rolled::release_begins).collect();
        host.keep(&rolled::service(*repo, name), &kept)
            .await
            .map_err(|error| JobError::Wait { until: ctx.clock.now() + AWAY_MS, why: error.to_string() })?;
    }
    sweep(ctx).await?;
    finish(ctx, job, &[]).await
}

/// Removes the exports on this machine that no environment keeps.
///
/// # Errors
/// When the store does not answer, or a row cannot be read: then nothing is removed.
pub async fn sweep(ctx: &Context) -> Result<(), JobError> {
    let exports = ctx.engine.exports();
    if exports.is_empty() {
        return Ok(());
    }
    let mut kept = BTreeSet::new();
    for row in ctx.store.aggregates_since("env", 0).await? {
        let state: EnvState = serde_json::from_str(&row.state).context("an environment's row cannot be read")?;
        kept.extend(state.kept().map(|version| version.release.clone()));
    }
    let released: BTreeSet<String> = ctx.store.released().await?.into_iter().collect();
    let now = ctx.clock.now();
    let old = |export: &Export| {
        let most = if released.contains(&export.digest) { RELEASED_MS } else { NEVER_MS };
        !kept.contains(&export.digest) && now - export.made_at > most
    };
    let old: Vec<Export> = exports.into_iter().filter(old).collect();
    let engine = ctx.engine.clone();
    let forget = move || old.iter().for_each(|export| engine.forget(&export.digest));
    tokio::task::spawn_blocking(forget).await.context("removing exports")?;
    Ok(())
}
