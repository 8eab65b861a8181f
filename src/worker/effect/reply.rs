//! The short reply to a command that was refused or mistyped.

use anyhow::Context as _;

use super::super::queue::finish;
use super::super::verdict::JobError;
use super::{heed, slot};
use crate::context::Context;
use crate::domain::ids::Repo;
use crate::domain::speech;
use crate::store::{Class, Job, Mirror};

/// Posts the reply, once.
pub async fn sync(ctx: &Context, job: &Job, (repo, number, comment): (&Repo, i64, i64)) -> Result<(), JobError> {
    let key = format!("reply:{comment}");
    let Some(row) = ctx.store.command(comment).await? else { return finish(ctx, job, &[]).await };
    if ctx.store.mirror(&key).await?.is_some_and(|m| m.remote_id.is_some()) {
        return finish(ctx, job, &[]).await;
    }
    let marker = speech::reply::marker(comment);
    let found = if job.attempt > 1 {
        heed(ctx, repo.installation, ctx.github.find_comment(repo, number, &marker).await).await?
    } else {
        None
    };
    let remote = match found {
        Some(remote) => remote,
        None => {
            slot(ctx, repo.installation, Class::Answer, true).await?;
            let body = speech::reply::render(&row.text, &row.author, row.answer.as_deref().unwrap_or(""), &marker);
            heed(ctx, repo.installation, ctx.github.create_comment(repo, number, &body).await).await?
        }
    };
    let Some(mut tx) = ctx.store.finish(job).await? else { return Ok(()) };
    tx.save_mirror(&Mirror {
        key,
        remote_id: Some(remote),
        hash: String::new(),
        note: String::new(),
        updated_at: ctx.clock.now(),
    })
    .await?;
    tx.commit().await.context("remembering a reply")?;
    Ok(())
}
