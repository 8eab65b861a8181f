//! The one comment in a pull request that Fairway keeps.

use anyhow::Context as _;
use sha2::{Digest, Sha256};

use super::super::queue::finish;
use super::super::rolled;
use super::super::verdict::JobError;
use super::{heed, remember, slot};
use crate::context::Context;
use crate::domain::decide::{EnvState, PullState};
use crate::domain::rollout::Rollout;
use crate::domain::speech;
use crate::domain::task::Key;
use crate::github::{GitHubError, Posted};
use crate::store::{Class, Job, Mirror};

/// Brings the sticky comment up to date; makes it when it is not there, or not there any more.
pub async fn sync(ctx: &Context, job: &Job, key: &Key) -> Result<(), JobError> {
    let Some(row) = ctx.store.aggregate(&key.to_string()).await? else { return finish(ctx, job, &[]).await };
    let state: PullState = serde_json::from_str(&row.state).context("a pull request's row cannot be read")?;
    let environments = environments(ctx, &state).await?;
    let body = speech::sticky::render(&state, &environments);
    let hash = hex::encode(Sha256::digest(&body));
    let name = format!("sticky:{key}");
    let mirror = ctx.store.mirror(&name).await?;
    if mirror.as_ref().is_some_and(|m| m.hash == hash && m.remote_id.is_some()) {
        return finish(ctx, job, &[]).await;
    }
    let known = mirror.and_then(|m| m.remote_id);
    let remote = write(ctx, job, &state, (known, &body)).await?;
    let mirror = Mirror { key: name, remote_id: Some(remote), hash, note: String::new(), updated_at: ctx.clock.now() };
    remember(ctx, job, &mirror).await
}

/// The environments that it had to do with, as they stand, each with its newest rollout.
async fn environments(ctx: &Context, state: &PullState) -> Result<Vec<(EnvState, Option<Rollout>)>, JobError> {
    let mut all = Vec::new();
    for name in &state.environments {
        let key = Key::Env(state.repo.id, name.clone());
        let Some(row) = ctx.store.aggregate(&key.to_string()).await? else { continue };
        let environment = serde_json::from_str(&row.state).context("an environment's row cannot be read")?;
        let newest = ctx.store.newest_rollout(state.repo.id, name).await?;
        all.push((environment, newest.as_ref().map(rolled::state).transpose()?.flatten()));
    }
    Ok(all)
}

async fn write(
    ctx: &Context,
    job: &Job,
    state: &PullState,
    (known, body): (Option<i64>, &str),
) -> Result<i64, JobError> {
    let (repo, number) = (&state.repo, state.pull.number);
    if let Some(remote) = known {
        slot(ctx, repo.installation, Class::Completion, false).await?;
        match ctx.github.update_comment(repo, remote, body).await {
            // Somebody deleted it: a new one takes its place.
            Err(GitHubError::NotFound { .. }) => {}
            answer => {
                heed(ctx, repo.installation, answer).await?;
                return Ok(remote);
            }
        }
    }
    slot(ctx, repo.installation, Class::Answer, true).await?;
    // An earlier try may have made it without living to tell. Looking comes after the slot: reads cost too, and a job that
    // waits would read in vain each time.
    if known.is_none() && job.attempt > 1 {
        let found = ctx.github.find_comment(repo, number, &speech::sticky::marker(state)).await;
        if let Some(Posted { id: remote, .. }) = heed(ctx, repo.installation, found).await? {
            heed(ctx, repo.installation, ctx.github.update_comment(repo, remote, body).await).await?;
            return Ok(remote);
        }
    }
    Ok(heed(ctx, repo.installation, ctx.github.create_comment(repo, number, body).await).await?.id)
}
