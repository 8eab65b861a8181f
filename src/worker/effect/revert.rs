//! The pull request that takes back in git what a rollback took out of the traffic: otherwise the next merge brings
//! it again.

use anyhow::Context as _;

use super::super::queue::{add, finish, new_job};
use super::super::rolled;
use super::super::verdict::JobError;
use super::{heed, slots};
use crate::context::Context;
use crate::domain::ids::short;
use crate::domain::release::{Kind, News};
use crate::domain::speech;
use crate::domain::task::{Event, Key, Task};
use crate::github::{GitHubError, Revert};
use crate::store::{Class, Job, Load, Mirror};

/// Opens it, once.
pub async fn open(ctx: &Context, job: &Job, id: i64) -> Result<(), JobError> {
    let Some(row) = ctx.store.rollout(id).await? else { return finish(ctx, job, &[]).await };
    let spec = rolled::spec(&row)?;
    let (bad, words) = match (spec.kind, &spec.base) {
        (Kind::Rollback, Some(base)) => (base, speech::rollout::rolled_back_by(&spec.by)),
        _ => (&spec.version, row.marks.decision.clone().unwrap_or_default()),
    };
    let Some(number) = bad.pull else { return finish(ctx, job, &[]).await };
    let key = format!("revert:{id}");
    if ctx.store.mirror(&key).await?.is_some_and(|m| m.remote_id.is_some()) {
        return finish(ctx, job, &[]).await;
    }
    let (repo, installation) = (&spec.repo, spec.repo.installation);
    // A commit, a branch and the pull request; asked for before anything is read, since reads cost too.
    slots(ctx, installation, Class::Completion, Load { writes: 3, content: 1, reads: 0 }).await?;
    let pull = heed(ctx, installation, ctx.github.pull(repo, number).await).await?;
    let (title, body) = speech::rollout::revert(&pull, &row.environment, &words);
    // One commit needs one revert, whichever environment finds it out.
    let branch = format!("fairway/revert-{number}-{}", short(&bad.sha));
    let revert = Revert { sha: bad.sha.clone(), pull: number, branch, title, body };
    let made = match heed(ctx, installation, ctx.github.pull_from(repo, &revert.branch).await).await? {
        Some(made) => made,
        None => {
            heed(ctx, installation, ctx.github.push_revert(repo, &revert).await).await?;
            match ctx.github.open_pull(repo, &revert.branch, (&revert.title, &revert.body)).await {
                // Somebody reverted it by hand meanwhile: there is nothing left to change.
                Err(GitHubError::Invalid { message, .. }) if message.contains("No commits between") => 0,
                answer => heed(ctx, installation, answer).await?,
            }
        }
    };
    let mirror =
        Mirror { key, remote_id: Some(made), hash: String::new(), note: String::new(), updated_at: ctx.clock.now() };
    let Some(mut tx) = ctx.store.finish(job).await? else { return Ok(()) };
    tx.save_mirror(&mirror).await?;
    if made != 0 {
        let event = Event::Rollout { number: row.number, news: News::Reverted { pull: made } };
        let told = Task::tell(Key::Env(repo.id, row.environment.clone()), event);
        add(&mut tx, &new_job(&told, ctx.clock.now())?).await?;
    }
    tx.commit().await.context("remembering a revert")?;
    Ok(())
}
