//! The pull request that brings a repository onto the path: opened once, its body as true as what its branch holds.

use anyhow::Context as _;
use sha2::{Digest, Sha256};

use super::super::queue::{add, finish, new_job};
use super::super::verdict::JobError;
use super::{check, heed, remember, slots};
use crate::context::Context;
use crate::domain::decide::PullState;
use crate::domain::detect::FILE;
use crate::domain::ids::Repo;
use crate::domain::onboard::{BRANCH, OnboardState, Proposal, Stage};
use crate::domain::project;
use crate::domain::record::{Body, Spec};
use crate::domain::run::Conclusion;
use crate::domain::speech::onboard::{self as words, opened};
use crate::domain::task::{Event, Key, Task};
use crate::github::{Bring, Brought, GitHubError};
use crate::store::{Class, Job, Load, Mirror, RunRow, RunState};

/// So many branches of that name may be somebody else's.
const BRANCHES: i64 = 5;

/// Brings it up to date.
pub async fn sync(ctx: &Context, job: &Job, repo: &Repo) -> Result<(), JobError> {
    let key = Key::Onboard(repo.id);
    let Some(row) = ctx.store.aggregate(&key.to_string()).await? else { return finish(ctx, job, &[]).await };
    let state: OnboardState = serde_json::from_str(&row.state).context("an onboarding's row cannot be read")?;
    let Some(proposal) = state.proposal.clone() else { return finish(ctx, job, &[]).await };
    let name = format!("onboarding:{}/{}", repo.id, state.round);
    let mirror = ctx.store.mirror(&name).await?;
    match mirror.as_ref().and_then(|mirror| mirror.remote_id) {
        Some(number) => describe(ctx, job, (&state, &proposal), (mirror, number)).await,
        None if state.stage == Stage::Wanted => open(ctx, job, (&state, &proposal), name).await,
        None => finish(ctx, job, &[]).await,
    }
}

/// Opens it, and tells the aggregate; or tells it that GitHub does not let us.
async fn open(
    ctx: &Context,
    job: &Job,
    (state, proposal): (&OnboardState, &Proposal),
    name: String,
) -> Result<(), JobError> {
    let (repo, installation) = (&state.repo, state.repo.installation);
    // A tree, a commit, a branch and the pull request. Many repositories at once come as a trickle.
    slots(ctx, installation, Class::Bulk, Load { writes: 4, content: 1, reads: 0 }).await?;
    let text = opened::body(state, proposal, &opened::View::default());
    let made = match attempt(ctx, job, (repo, state.round), (proposal, &text)).await {
        Err(JobError::GitHub(GitHubError::Forbidden { message, .. } | GitHubError::Invalid { message, .. })) => {
            let told = Task::tell(Key::Onboard(repo.id), Event::Blocked { why: opened::blocked(&message) });
            return finish(ctx, job, &[new_job(&told, ctx.clock.now())?]).await;
        }
        made => made?,
    };
    let (pull, tip) = made;
    // Somebody asked for another one; the one before is not wanted any more.
    let before = ctx.store.mirror(&format!("onboarding:{}/{}", repo.id, state.round - 1)).await?;
    if let Some(Mirror { remote_id: Some(old), .. }) = before {
        heed(ctx, installation, ctx.github.close_pull(repo, old).await).await?;
    }
    let mirror = Mirror {
        key: name,
        remote_id: Some(pull),
        hash: digest(&text),
        note: tip.clone(),
        updated_at: ctx.clock.now(),
    };
    let Some(mut tx) = ctx.store.finish(job).await? else {
        ctx.store.save_mirror(&mirror).await?;
        return Ok(());
    };
    tx.save_mirror(&mirror).await?;
    let told = Task::tell(Key::Onboard(repo.id), Event::Opened { pull, tip });
    add(&mut tx, &new_job(&told, ctx.clock.now())?).await?;
    tx.commit().await.context("remembering an onboarding pull request")?;
    Ok(())
}

/// The first free branch gets the commit and the pull request. Gives its number and the commit.
async fn attempt(
    ctx: &Context,
    job: &Job,
    (repo, round): (&Repo, i64),
    (proposal, text): (&Proposal, &str),
) -> Result<(i64, String), JobError> {
    let message = opened::message();
    for n in round..round + BRANCHES {
        let branch = if n == 1 { BRANCH.to_owned() } else { format!("{BRANCH}-{n}") };
        let bring = Bring {
            branch: &branch,
            base: &proposal.base,
            tree: &proposal.tree,
            files: &proposal.files,
            removed: &[],
            message: &message,
        };
        let tip = match heed(ctx, repo.installation, ctx.github.bring(repo, &bring).await).await? {
            Brought::At(tip) => tip,
            Brought::Taken => continue,
        };
        // An earlier try may have opened it without living to tell.
        let earlier = if job.attempt > 1 {
            heed(ctx, repo.installation, ctx.github.pull_from(repo, &branch).await).await?
        } else {
            None
        };
        let pull = match earlier {
            Some(pull) => pull,
            None => {
                heed(ctx, repo.installation, ctx.github.open_pull(repo, &branch, (words::TITLE, text)).await).await?
            }
        };
        return Ok((pull, tip));
    }
    let message = format!("the branches {BRANCH} to {BRANCH}-{} are somebody else's", round + BRANCHES - 1);
    Err(GitHubError::Invalid { what: "opening a pull request".to_owned(), message }.into())
}

/// Tells in its body what its branch holds, and what the checks did there once all of them have ended.
async fn describe(
    ctx: &Context,
    job: &Job,
    (state, proposal): (&OnboardState, &Proposal),
    (mirror, number): (Option<Mirror>, i64),
) -> Result<(), JobError> {
    let repo = &state.repo;
    let Some(mirror) = mirror else { return finish(ctx, job, &[]).await };
    let Some(view) = view(ctx, (repo, number), &mirror.note).await? else { return finish(ctx, job, &[]).await };
    let text = opened::body(state, proposal, &view);
    let hash = digest(&text);
    if mirror.hash == hash {
        return finish(ctx, job, &[]).await;
    }
    slots(ctx, repo.installation, Class::Progress, Load::one(false)).await?;
    match heed(ctx, repo.installation, ctx.github.describe_pull(repo, number, &text).await).await {
        // It cannot be deleted, so the repository is gone.
        Err(JobError::GitHub(GitHubError::NotFound { .. })) => return finish(ctx, job, &[]).await,
        answer => answer?,
    }
    remember(ctx, job, &Mirror { hash, updated_at: ctx.clock.now(), ..mirror }).await
}

/// What is to be told; `None` while its checks run.
async fn view(ctx: &Context, (repo, number): (&Repo, i64), tip: &str) -> Result<Option<opened::View>, JobError> {
    let key = Key::Pull(repo.id, number).to_string();
    let Some(row) = ctx.store.aggregate(&key).await? else { return Ok(None) };
    let pull: PullState = serde_json::from_str(&row.state).context("a pull request's row cannot be read")?;
    let head = &pull.pull.head_sha;
    let Some(runs) = ended(ctx, &key, head).await? else { return Ok(None) };
    let results = runs.into_iter().map(|run| (run.name, run.words)).collect();
    let edited = head != tip;
    let file = match edited {
        true => ctx.github.file(repo, FILE, head).await?.map(|text| project::parse(&text)),
        false => None,
    };
    Ok(Some(opened::View { edited, file, results, app: ctx.policy.app_id }))
}

/// A check that has ended.
pub struct Ended {
    /// The pipeline's.
    pub name: String,
    /// Whether it passed, or had nothing to do.
    pub passed: bool,
    /// What came of it, in words.
    pub words: String,
}

/// The newest tries of all pipelines of a pull request's commit; `None` while one of them runs.
pub async fn ended(ctx: &Context, key: &str, sha: &str) -> Result<Option<Vec<Ended>>, JobError> {
    let runs = ctx.store.runs_of_subject(key).await?;
    let mut results = Vec::new();
    for run in newest(runs.iter().filter(|run| run.sha == sha)) {
        if run.state != RunState::Done {
            return Ok(None);
        }
        let spec: Spec = serde_json::from_str(&run.spec).context("a run's definition cannot be read")?;
        let body: Body =
            serde_json::from_str(run.result.as_deref().unwrap_or("{}")).context("a run's result cannot be read")?;
        let conclusion = run.conclusion.as_deref().and_then(Conclusion::parse);
        results.push(Ended {
            name: run.pipeline.clone(),
            passed: conclusion.is_some_and(Conclusion::passes),
            words: check::payload(ctx, run, &spec, &body).title,
        });
    }
    Ok(Some(results))
}

/// Of runs of one commit the newest try of each pipeline, in the order in which they came.
pub fn newest<'r>(runs: impl Iterator<Item = &'r RunRow>) -> Vec<&'r RunRow> {
    let mut found: Vec<&RunRow> = Vec::new();
    for run in runs {
        match found.iter_mut().find(|other| other.pipeline == run.pipeline) {
            Some(other) if other.try_no < run.try_no => *other = run,
            Some(_) => {}
            None => found.push(run),
        }
    }
    found
}

/// By it a body is known again.
pub fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}
