//! Brings the default branch to what was proven: by the pull request's own merge, or for several at once by the commit that
//! they were tested in.

use super::{end, state};
use crate::context::Context;
use crate::domain::decide::{Group, Stage, UpdatesState};
use crate::domain::ids::Repo;
use crate::domain::speech::updates::course as words;
use crate::domain::update::course::News;
use crate::github::Moved;
use crate::store::{Class, Job, Load};
use crate::worker::effect::{heed, slots};
use crate::worker::queue::finish;
use crate::worker::verdict::JobError;

/// Does it, or tells why not.
pub async fn land(ctx: &Context, job: &Job, (repo, id): (&Repo, &str)) -> Result<(), JobError> {
    let Some(state) = state(ctx, repo.id).await? else { return finish(ctx, job, &[]).await };
    let Some(group) = state.group(id).filter(|group| group.stage == Stage::Merging) else {
        return finish(ctx, job, &[]).await;
    };
    slots(ctx, repo.installation, Class::Bulk, Load { writes: 3, content: 0, reads: 0 }).await?;
    let moved = match group.batch() {
        true => together(ctx, (&state, group)).await?,
        false => alone(ctx, (&state.repo, group)).await?,
    };
    let group = id.to_owned();
    let news = match moved {
        Moved::To(_) => News::Landed { group },
        Moved::Overtaken => News::Stuck { group, why: words::overtaken() },
        Moved::Refused(why) => News::Stuck { group, why: words::not_merged(&why) },
    };
    end(ctx, job, (repo.id, news)).await
}

async fn alone(ctx: &Context, (repo, group): (&Repo, &Group)) -> Result<Moved, JobError> {
    let (Some(pull), Some(proven)) = (group.pull, &group.proven) else { return Ok(Moved::Overtaken) };
    merge(ctx, repo, (pull, &proven.candidate.sha)).await
}

async fn merge(ctx: &Context, repo: &Repo, (pull, sha): (i64, &str)) -> Result<Moved, JobError> {
    heed(ctx, repo.installation, ctx.github.merge_pull(repo, pull, sha).await).await
}

/// The commit that was tested has the heads of all its pull requests among its parents: once the default branch is there, they
/// are merged. Where a branch rule lets nobody push, they are merged one by one as far as that goes.
async fn together(ctx: &Context, (state, batch): (&UpdatesState, &Group)) -> Result<Moved, JobError> {
    let repo = &state.repo;
    let Some(proven) = &batch.proven else { return Ok(Moved::Overtaken) };
    let branch = format!("refs/heads/{}", repo.default_branch);
    let moved = ctx.github.point(repo, &branch, (&proven.candidate.sha, false)).await;
    let moved = heed(ctx, repo.installation, moved).await?;
    let Moved::Refused(why) = moved else {
        remove(ctx, repo, batch).await?;
        return Ok(moved);
    };
    let members = proven.units.iter().filter_map(|at| batch.wanted.units.get(*at)?.group.as_deref());
    let mut last = Moved::Refused(why);
    for group in members.filter_map(|id| state.group(id)) {
        if let Moved::To(sha) = alone(ctx, (repo, group)).await? {
            last = Moved::To(sha);
        }
    }
    remove(ctx, repo, batch).await?;
    Ok(last)
}

async fn remove(ctx: &Context, repo: &Repo, group: &Group) -> Result<(), JobError> {
    let removed = ctx.github.remove_references(repo, &group.references()).await;
    heed(ctx, repo.installation, removed).await
}
