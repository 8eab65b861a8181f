//! Plans as they are: which one a repository follows, what the newest version of one is, what a version was made of.

use std::sync::Arc;

use crate::context::Context;
use crate::domain::ids::Repo;
use crate::domain::plan::{LOCK, Lock, Name, News, Plan, PlanState, Release, Source, Version, builtin, read as parsed};
use crate::domain::speech::plan as words;
use crate::domain::task::{Event, Key, Task};
use crate::github::GitHubError;
use crate::settings::Orgs;
use crate::store::Job;
use crate::worker::queue::{finish, new_job};
use crate::worker::verdict::JobError;

/// The most problems of a plan that are told at once.
const TOLD: usize = 5;

/// The job that tells a plan something.
pub fn tell(plan: &str, news: News) -> Task {
    Task::tell(Key::Plan(plan.to_owned()), Event::Plan(Box::new(news)))
}

/// Reads which plan a repository follows, and tells it and those that it left.
pub async fn follow(ctx: &Context, job: &Job, repo: &Repo) -> Result<(), JobError> {
    let text = ctx.github.file(repo, LOCK, &repo.default_branch).await?;
    // A lock that cannot be read follows nothing until somebody mends it; `fairway check` names its mistake.
    let lock = text.and_then(|text| Lock::parse(&text).ok());
    let mut tasks = Vec::new();
    for row in ctx.store.aggregates_of(0, "plan").await? {
        let Ok(state) = serde_json::from_str::<PlanState>(&row.state) else { continue };
        if state.member(repo.id).is_some() && lock.as_ref().is_none_or(|lock| lock.plan != state.name) {
            tasks.push(tell(&state.name, News::Left { repo: repo.id }));
        }
    }
    if let Some(lock) = lock.filter(|lock| Name::parse(&lock.plan).is_ok()) {
        let plan = lock.plan.clone();
        tasks.push(tell(&plan, News::Follows { repo: repo.clone(), lock }));
    }
    let now = ctx.clock.now();
    let jobs = tasks.iter().map(|task| new_job(task, now)).collect::<anyhow::Result<Vec<_>>>()?;
    finish(ctx, job, &jobs).await
}

/// Reads the newest version of a plan and tells it.
pub async fn read(ctx: &Context, job: &Job, plan: &str) -> Result<(), JobError> {
    let news = match newest(ctx, plan).await? {
        Ok(release) => News::Published(release),
        Err(why) => News::Unusable { why },
    };
    finish(ctx, job, &[new_job(&tell(plan, news), ctx.clock.now())?]).await
}

async fn newest(ctx: &Context, plan: &str) -> Result<Result<Release, String>, JobError> {
    let name = match Name::parse(plan) {
        Ok(name) => name,
        Err(why) => return Ok(Err(why)),
    };
    let head = match &name.repository {
        None => String::new(),
        Some(_) => match place(ctx, &name).await? {
            None => return Ok(Err(words::gone(plan))),
            Some(repo) => match ctx.github.branch(&repo, &repo.default_branch).await? {
                None => return Ok(Err(words::gone(plan))),
                Some((sha, _)) => sha,
            },
        },
    };
    let sources = match &name.repository {
        None => builtin::sources(&name.plan).map(Arc::new),
        Some(_) => at_commit(ctx, &name, &head).await?,
    };
    let Some(sources) = sources else { return Ok(Err(words::gone(plan))) };
    Ok(match parsed(&sources) {
        Ok(found) if found.version.major != name.major => Err(words::other_major(&name, found.version)),
        Ok(found) => Ok(release(found, head)),
        Err(trouble) => Err(trouble.iter().take(TOLD).map(ToString::to_string).collect::<Vec<_>>().join("; ")),
    })
}

fn release(plan: Plan, commit: String) -> Release {
    Release { version: plan.version, commit, changes: plan.changes, cohorts: plan.cohorts, limit: plan.limit }
}

/// The repository that a plan stands in; `None`: Fairway's own, or not to be had.
async fn place(ctx: &Context, name: &Name) -> Result<Option<Repo>, JobError> {
    let Some((owner, repository)) = name.repository.as_ref().and_then(|full| full.split_once('/')) else {
        return Ok(None);
    };
    match ctx.github.repository(owner, repository).await {
        Ok(repo) => Ok(Some(repo)),
        Err(GitHubError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What a version of a plan is made of; `None`: that is not to be had any more.
pub async fn sources_at(
    ctx: &Context,
    name: &Name,
    (version, commit): (Version, &str),
) -> Result<Option<Arc<Vec<Source>>>, JobError> {
    match &name.repository {
        None => Ok(builtin::sources_at(&name.plan, version).map(Arc::new)),
        Some(_) => at_commit(ctx, name, commit).await,
    }
}

async fn at_commit(ctx: &Context, name: &Name, commit: &str) -> Result<Option<Arc<Vec<Source>>>, JobError> {
    let Some(place) = name.repository.as_ref().and_then(|full| full.split_once('/')) else { return Ok(None) };
    Ok(ctx.github.plan_at(place, (commit, &name.plan)).await?)
}

/// Whether a repository may follow a plan: what a plan brings runs there before anybody has looked, so it is its own
/// owner's, or one of those that the operator serves by name.
pub fn trusted(ctx: &Context, name: &Name, repo: &Repo) -> bool {
    let Some((owner, _)) = name.repository.as_ref().and_then(|full| full.split_once('/')) else { return true };
    owner.eq_ignore_ascii_case(&repo.owner)
        || matches!(&ctx.policy.orgs, Orgs::Only(_)) && ctx.policy.orgs.serves(owner)
}
