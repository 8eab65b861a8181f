//! Brings the default branch to what was proven: by the pull request's own merge, or for several at once by the commit that
//! they were tested in.

use super::{state, tell};
use crate::context::Context;
use crate::domain::decide::{Group, Stage, UpdatesState};
use crate::domain::ids::Repo;
use crate::domain::speech::updates::course as words;
use crate::domain::update::course::News;
use crate::github::{Moved, Place};
use crate::store::{Class, Job, Load, NewJob};
use crate::worker::effect::{heed, slots};
use crate::worker::queue::{finish, new_job};
use crate::worker::verdict::JobError;

/// Does it, or tells why not.
pub async fn land(ctx: &Context, job: &Job, (repo, id): (&Repo, &str)) -> Result<(), JobError> {
    let Some(state) = state(ctx, repo.id).await? else { return finish(ctx, job, &[]).await };
    let Some(group) = state.group(id).filter(|group| group.stage == Stage::Merging) else {
        return finish(ctx, job, &[]).await;
    };
    slots(ctx, repo.installation, Class::Bulk, Load { writes: 4, content: 0, reads: 0 }).await?;
    let all = match group.batch() {
        true => together(ctx, (&state, group)).await?,
        false => vec![alone(ctx, (&state.repo, group)).await?],
    };
    let jobs: Result<Vec<NewJob>, _> =
        all.into_iter().map(|news| new_job(&tell(repo.id, news), ctx.clock.now())).collect();
    finish(ctx, job, &jobs?).await
}

/// Merges one. Where the branch has a merge queue, it is put there.
async fn alone(ctx: &Context, (repo, group): (&Repo, &Group)) -> Result<News, JobError> {
    let id = group.wanted.id.clone();
    let (Some(pull), Some(proven)) = (group.pull, &group.proven) else { return Ok(overtaken(id)) };
    let sha = &proven.candidate.sha;
    let moved = heed(ctx, repo.installation, ctx.github.merge_pull(repo, pull, sha).await).await?;
    Ok(match moved {
        Moved::To(_) => News::Landed { group: id },
        Moved::Overtaken => overtaken(id),
        // "Changes must be made through the merge queue", or it is there already.
        Moved::Refused(why) if why.to_ascii_lowercase().contains("merge queue") => {
            match heed(ctx, repo.installation, ctx.github.enqueue(repo, pull, sha).await).await? {
                Place::Taken => News::Queued { group: id },
                Place::Overtaken => overtaken(id),
                Place::Refused(why) => News::Stuck { group: id, why: words::not_queued(&why) },
            }
        }
        Moved::Refused(why) => News::Stuck { group: id, why: words::not_merged(&why) },
    })
}

fn overtaken(group: String) -> News {
    News::Stuck { group, why: words::overtaken() }
}

/// The commit that was tested has the heads of all its pull requests among its parents: once the default branch is there, they
/// are merged. Where a branch rule lets nobody push, they are merged one by one as far as that goes.
async fn together(ctx: &Context, (state, batch): (&UpdatesState, &Group)) -> Result<Vec<News>, JobError> {
    let (repo, group) = (&state.repo, batch.wanted.id.clone());
    let Some(proven) = &batch.proven else { return Ok(vec![overtaken(group)]) };
    let branch = format!("refs/heads/{}", repo.default_branch);
    let moved = ctx.github.point(repo, &branch, (&proven.candidate.sha, false)).await;
    let all = match heed(ctx, repo.installation, moved).await? {
        Moved::To(_) => vec![News::Landed { group }],
        Moved::Overtaken => vec![overtaken(group)],
        Moved::Refused(_) => {
            let members = proven.units.iter().filter_map(|at| batch.wanted.units.get(*at)?.group.as_deref());
            let mut all = Vec::new();
            for member in members.filter_map(|id| state.group(id)).filter(|group| group.stage == Stage::Open) {
                all.push(alone(ctx, (repo, member)).await?);
            }
            all.push(News::Apart { group });
            all
        }
    };
    remove(ctx, repo, batch).await?;
    Ok(all)
}

async fn remove(ctx: &Context, repo: &Repo, group: &Group) -> Result<(), JobError> {
    let removed = ctx.github.remove_references(repo, &group.references()).await;
    heed(ctx, repo.installation, removed).await
}
