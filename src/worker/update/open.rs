//! The pull request of a group: opened at the commit that was proven, its body as true as what is known.

use serde::{Deserialize, Serialize};

use super::{state, tell};
use crate::context::Context;
use crate::domain::decide::{Group, Stage, UpdatesState};
use crate::domain::ids::Repo;
use crate::domain::speech::updates::course as words;
use crate::domain::task::Key;
use crate::domain::update::artefact::Artefact;
use crate::domain::update::course::News;
use crate::github::{GitHubError, Moved};
use crate::store::{Class, Job, Load, Mirror};
use crate::worker::effect::onboard::digest;
use crate::worker::effect::{heed, remember, slots};
use crate::worker::queue::{add, finish, new_job};
use crate::worker::verdict::JobError;

use anyhow::Context as _;

/// What is remembered of a pull request.
#[derive(Default, Serialize, Deserialize)]
struct Note {
    /// Where its branch stands by our doing.
    tip: String,
    /// What its packages say: looked into once.
    #[serde(default)]
    artefacts: Vec<Artefact>,
}

/// Brings it to what the group's row says.
pub async fn sync(ctx: &Context, job: &Job, (repo, id): (&Repo, &str)) -> Result<(), JobError> {
    let Some(state) = state(ctx, repo.id).await? else { return finish(ctx, job, &[]).await };
    let Some(group) = state.group(id).filter(|group| !group.batch()) else { return finish(ctx, job, &[]).await };
    let key = format!("update:{}/{id}", repo.id);
    let mirror = ctx.store.mirror(&key).await?;
    match (&group.stage, group.pull) {
        (Stage::Proven, _) => open(ctx, job, (&state, group), (key, mirror)).await,
        (Stage::Over(_), Some(pull)) => close(ctx, job, (&state, group), (pull, &noted(mirror.as_ref()))).await,
        (Stage::Failed(_), _) => {
            remove(ctx, &state.repo, group).await?;
            describe(ctx, job, (&state, group), (key, mirror)).await
        }
        (Stage::Merged, Some(_)) => {
            clear(ctx, (&state.repo, group), &noted(mirror.as_ref())).await?;
            describe(ctx, job, (&state, group), (key, mirror)).await
        }
        (_, Some(_)) => describe(ctx, job, (&state, group), (key, mirror)).await,
        _ => finish(ctx, job, &[]).await,
    }
}

/// Opens it, or brings its branch to what was proven anew.
async fn open(
    ctx: &Context,
    job: &Job,
    (state, group): (&UpdatesState, &Group),
    (key, mirror): (String, Option<Mirror>),
) -> Result<(), JobError> {
    let (repo, id) = (&state.repo, group.wanted.id.clone());
    let Some(proven) = &group.proven else { return finish(ctx, job, &[]).await };
    let note = noted(mirror.as_ref());
    let known = mirror.as_ref().and_then(|mirror| mirror.remote_id);
    if known.is_some() && note.tip == proven.candidate.sha {
        // It was opened, and the row has not heard of it yet.
        return finish(ctx, job, &[]).await;
    }
    slots(ctx, repo.installation, Class::Bulk, Load { writes: 3, content: 1, reads: 0 }).await?;
    let reference = format!("refs/heads/{}", group.branch());
    let there = heed(ctx, repo.installation, ctx.github.reference(repo, &reference).await).await?;
    let ours = there.as_ref().is_none_or(|tip| *tip == note.tip || *tip == proven.candidate.sha);
    if !ours && !asked_anew(group) {
        let news = News::Stuck { group: id, why: words::branch_taken(&group.branch()) };
        return super::end(ctx, job, (repo.id, news)).await;
    }
    let moved = ctx.github.point(repo, &reference, (&proven.candidate.sha, true)).await;
    if let Moved::Refused(why) = heed(ctx, repo.installation, moved).await? {
        let news = News::Stuck { group: id, why: words::not_opened(&why) };
        return super::end(ctx, job, (repo.id, news)).await;
    }
    let artefacts = super::body::artefacts(ctx, group).await;
    let (title, body) = super::body::texts(ctx, (state, group), &artefacts).await?;
    let pull = match pull_of(ctx, job, (repo, group), (&title, &body)).await {
        Err(JobError::GitHub(GitHubError::Forbidden { message, .. } | GitHubError::Invalid { message, .. })) => {
            let news = News::Stuck { group: id, why: words::not_opened(&message) };
            return super::end(ctx, job, (repo.id, news)).await;
        }
        pull => pull?,
    };
    remove(ctx, repo, group).await?;
    let note =
        serde_json::to_string(&Note { tip: proven.candidate.sha.clone(), artefacts }).context("remembering a tip")?;
    let hash = digest(&format!("{title}\n{body}"));
    let mirror = Mirror { key, remote_id: Some(pull), hash, note, updated_at: ctx.clock.now() };
    let news = tell(repo.id, News::Opened { group: id, pull });
    let Some(mut tx) = ctx.store.finish(job).await? else {
        ctx.store.save_mirror(&mirror).await?;
        return Ok(());
    };
    tx.save_mirror(&mirror).await?;
    add(&mut tx, &new_job(&news, ctx.clock.now())?).await?;
    tx.commit().await.context("remembering a pull request")?;
    Ok(())
}

fn noted(mirror: Option<&Mirror>) -> Note {
    mirror.and_then(|mirror| serde_json::from_str(&mirror.note).ok()).unwrap_or_default()
}

/// `/update` makes a branch anew that somebody else pushed to: they asked for it.
fn asked_anew(group: &Group) -> bool {
    group.pull.is_some() && group.round > 1
}

/// The pull request that is there gets the new words; otherwise one is opened, once.
async fn pull_of(
    ctx: &Context,
    job: &Job,
    (repo, group): (&Repo, &Group),
    (title, body): (&str, &str),
) -> Result<i64, JobError> {
    if let Some(pull) = group.pull {
        heed(ctx, repo.installation, ctx.github.entitle_pull(repo, pull, (title, body)).await).await?;
        return Ok(pull);
    }
    // An earlier try may have opened it without living to tell.
    if job.attempt > 1
        && let Some(pull) = heed(ctx, repo.installation, ctx.github.open_from(repo, &group.branch()).await).await?
    {
        return Ok(pull);
    }
    let opened = ctx.github.open_pull(repo, &group.branch(), (title, body)).await;
    match heed(ctx, repo.installation, opened).await {
        Err(JobError::GitHub(GitHubError::Invalid { message, what })) if message.contains("already exists") => {
            let there = heed(ctx, repo.installation, ctx.github.open_from(repo, &group.branch()).await).await?;
            there.ok_or(JobError::GitHub(GitHubError::Invalid { message, what }))
        }
        opened => opened,
    }
}

async fn remove(ctx: &Context, repo: &Repo, group: &Group) -> Result<(), JobError> {
    heed(ctx, repo.installation, ctx.github.remove_references(repo, &group.references()).await).await
}

/// A branch whose pull request is merged is done with, unless somebody put more on it.
async fn clear(ctx: &Context, (repo, group): (&Repo, &Group), note: &Note) -> Result<(), JobError> {
    slots(ctx, repo.installation, Class::Bulk, Load { writes: 1, content: 0, reads: 1 }).await?;
    let reference = format!("refs/heads/{}", group.branch());
    let there = heed(ctx, repo.installation, ctx.github.reference(repo, &reference).await).await?;
    if there.is_some_and(|tip| tip == note.tip) {
        heed(ctx, repo.installation, ctx.github.remove_reference(repo, &reference).await).await?;
    }
    Ok(())
}

/// Nobody needs it any more: it says why and is closed.
async fn close(
    ctx: &Context,
    job: &Job,
    (state, group): (&UpdatesState, &Group),
    (pull, note): (i64, &Note),
) -> Result<(), JobError> {
    let repo = &state.repo;
    let row = ctx.store.aggregate(&Key::Pull(repo.id, pull).to_string()).await?;
    let pulled: Option<crate::domain::decide::PullState> =
        row.map(|row| serde_json::from_str(&row.state)).transpose().context("a pull request's row cannot be read")?;
    if pulled.is_none_or(|pulled| pulled.pull.open) {
        slots(ctx, repo.installation, Class::Bulk, Load { writes: 2, content: 0, reads: 0 }).await?;
        let (title, body) = super::body::texts(ctx, (state, group), &note.artefacts).await?;
        heed(ctx, repo.installation, ctx.github.entitle_pull(repo, pull, (&title, &body)).await).await?;
        heed(ctx, repo.installation, ctx.github.close_pull(repo, pull).await).await?;
    }
    remove(ctx, repo, group).await?;
    finish(ctx, job, &[]).await
}

/// Writes its title and body anew where they changed.
async fn describe(
    ctx: &Context,
    job: &Job,
    (state, group): (&UpdatesState, &Group),
    (key, mirror): (String, Option<Mirror>),
) -> Result<(), JobError> {
    let (repo, Some(pull), Some(mirror)) = (&state.repo, group.pull, mirror) else {
        return finish(ctx, job, &[]).await;
    };
    if group.proven.is_none() {
        return finish(ctx, job, &[]).await;
    }
    let (title, body) = super::body::texts(ctx, (state, group), &noted(Some(&mirror)).artefacts).await?;
    let hash = digest(&format!("{title}\n{body}"));
    if hash == mirror.hash {
        return finish(ctx, job, &[]).await;
    }
    slots(ctx, repo.installation, Class::Progress, Load::one(false)).await?;
    match heed(ctx, repo.installation, ctx.github.entitle_pull(repo, pull, (&title, &body)).await).await {
        // It cannot be deleted, so the repository is gone.
        Err(JobError::GitHub(GitHubError::NotFound { .. })) => return finish(ctx, job, &[]).await,
        answer => answer?,
    }
    remember(ctx, job, &Mirror { key, hash, updated_at: ctx.clock.now(), ..mirror }).await
}
