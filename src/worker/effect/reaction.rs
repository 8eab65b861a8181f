//! The reactions on a command: `eyes` when it is seen, `rocket` or `confused` when it is answered. GitHub makes them idempotent.

use anyhow::Context as _;

use super::super::queue::finish;
use super::super::verdict::JobError;
use super::{heed, slot};
use crate::context::Context;
use crate::domain::ask::Said;
use crate::domain::ids::Repo;
use crate::github::GitHubError;
use crate::store::{Class, Job, Mirror};

/// Adds what is still missing. A reaction is decoration: where GitHub refuses it, nothing else is held up.
pub async fn sync(ctx: &Context, job: &Job, (repo, comment): (&Repo, i64)) -> Result<(), JobError> {
    let key = format!("reaction:{comment}");
    let wanted = match ctx.store.command(comment).await? {
        None => "eyes",
        Some(row) if row.state == Said::Pending.as_str() => "eyes",
        Some(row) if row.state == Said::Done.as_str() => "rocket",
        Some(_) => "confused",
    };
    let mirror = ctx.store.mirror(&key).await?;
    if mirror.is_some_and(|m| m.note == wanted) {
        return finish(ctx, job, &[]).await;
    }
    slot(ctx, repo.installation, Class::Answer, false).await?;
    match ctx.github.add_reaction(repo, comment, wanted).await {
        // The comment is gone, or the App may not react; the answer itself says more.
        Err(GitHubError::NotFound { .. } | GitHubError::Forbidden { .. } | GitHubError::Invalid { .. }) => {}
        answer => heed(ctx, repo.installation, answer).await.map(|_| ())?,
    }
    let Some(mut tx) = ctx.store.finish(job).await? else { return Ok(()) };
    tx.save_mirror(&Mirror {
        key,
        remote_id: None,
        hash: String::new(),
        note: wanted.to_owned(),
        updated_at: ctx.clock.now(),
    })
    .await?;
    tx.commit().await.context("remembering a reaction")?;
    Ok(())
}
