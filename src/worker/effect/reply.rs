//! The short reply to a command that was refused or mistyped, and its end.

use anyhow::Context as _;

use super::super::queue::finish;
use super::super::verdict::JobError;
use super::{heed, slot};
use crate::context::Context;
use crate::domain::ids::Repo;
use crate::domain::speech;
use crate::github::GitHubError;
use crate::store::{Class, Job, Mirror};

/// Posts the reply, once.
pub async fn sync(ctx: &Context, job: &Job, (repo, number, comment): (&Repo, i64, i64)) -> Result<(), JobError> {
    let key = format!("reply:{comment}");
    let Some(row) = ctx.store.command(comment).await? else { return finish(ctx, job, &[]).await };
    if ctx.store.mirror(&key).await?.is_some_and(|m| m.remote_id.is_some()) {
        return finish(ctx, job, &[]).await;
    }
    slot(ctx, repo.installation, Class::Answer, true).await?;
    let marker = speech::reply::marker(comment);
    let found = if job.attempt > 1 {
        heed(ctx, repo.installation, ctx.github.find_comment(repo, number, &marker).await).await?
    } else {
        None
    };
    let posted = match found {
        Some(posted) => posted,
        None => {
            let body = speech::reply::render(&row.text, &row.author, row.answer.as_deref().unwrap_or(""), &marker);
            heed(ctx, repo.installation, ctx.github.create_comment(repo, number, &body).await).await?
        }
    };
    let Some(mut tx) = ctx.store.finish(job).await? else { return Ok(()) };
    tx.save_mirror(&Mirror {
        key,
        remote_id: Some(posted.id),
        hash: String::new(),
        note: posted.node_id,
        updated_at: ctx.clock.now(),
    })
    .await?;
    tx.commit().await.context("remembering a reply")?;
    Ok(())
}

/// What the reply's mirror holds once it is folded away.
const RESOLVED: &str = "resolved";

/// Folds the reply away, once. It is decoration: where GitHub refuses it, nothing else is held up.
pub async fn minimise(ctx: &Context, job: &Job, (repo, comment): (&Repo, i64)) -> Result<(), JobError> {
    let Some(mirror) = ctx.store.mirror(&format!("reply:{comment}")).await? else { return finish(ctx, job, &[]).await };
    if mirror.hash == RESOLVED || mirror.note.is_empty() {
        return finish(ctx, job, &[]).await;
    }
    slot(ctx, repo.installation, Class::Progress, false).await?;
    match ctx.github.minimise_comment(repo, &mirror.note).await {
        Err(error @ (GitHubError::NotFound { .. } | GitHubError::Forbidden { .. } | GitHubError::Invalid { .. })) => {
            tracing::info!(comment, "a reply stays open: {error}");
        }
        // GraphQL's hour is its own: when it is used up, everything else may still be written.
        Err(error @ GitHubError::RateLimited { secondary: false, .. }) => return Err(error.into()),
        answer => heed(ctx, repo.installation, answer).await?,
    }
    let Some(mut tx) = ctx.store.finish(job).await? else { return Ok(()) };
    tx.save_mirror(&Mirror { hash: RESOLVED.to_owned(), updated_at: ctx.clock.now(), ..mirror }).await?;
    tx.commit().await.context("remembering that a reply is folded")?;
    Ok(())
}
