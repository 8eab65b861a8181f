//! What no webhook told us: deliveries that failed, and then what open pull requests and recent comments say. A day of downtime heals itself here.

use super::news::{pull_seen, row, said};
use super::queue::{finish, new_job};
use super::update::tell;
use super::verdict::JobError;
use crate::context::Context;
use crate::domain::decide::PullState;
use crate::domain::event::Pull;
use crate::domain::ids::Repo;
use crate::domain::task::{Key, Task};
use crate::domain::update::course::News;
use crate::store::{Job, Keep};

/// How often GitHub's list of deliveries is read, in milliseconds.
pub const RECOVER_EVERY_MS: i64 = 5 * 60_000;
/// How often every repository is read even though no delivery is known to be missing.
const RECONCILE_EVERY_MS: i64 = 60 * 60_000;
const PURGE_EVERY_MS: i64 = 10 * 60_000;
/// GitHub redelivers for three days.
pub(super) const WINDOW_MS: i64 = 3 * 24 * 3_600_000;
/// Comments this much older than the last look are read again: GitHub's list lags.
const OVERLAP_MS: i64 = 60_000;
/// Without this event nobody can say that a pull request was never reviewed.
const REVIEWS: &str = "pull_request_review";
/// Where the last reconciliation is remembered.
const RECONCILED: &str = "reconciled_at";

/// Has every failed delivery sent again, unless they are polled; then sets the next look and, where it is due, reads the
/// repositories.
pub async fn recover(ctx: &Context, job: &Job) -> Result<(), JobError> {
    let now = ctx.clock.now();
    let asked = if ctx.policy.polls { 0 } else { redeliver(ctx, now).await? };
    let last: i64 = ctx.store.meta(RECONCILED).await?.and_then(|text| text.parse().ok()).unwrap_or(0);
    let first_here = job.attempt == 1 && job.created_at + RECOVER_EVERY_MS > now && last < ctx.policy.started_at;
    let mut jobs = Vec::new();
    if first_here || asked > 0 || now - last >= RECONCILE_EVERY_MS {
        for repo in repositories(ctx).await? {
            jobs.push(new_job(&Task::Reconcile { repo }, now)?);
        }
        // A push to a plan's repository may have been missed, and Fairway's own plans came with this version of it.
        for row in ctx.store.aggregates_of(0, "plan").await? {
            if let Some(Key::Plan(plan)) = Key::parse(&row.key) {
                jobs.push(new_job(&Task::ReadPlan { plan }, now)?);
            }
        }
        ctx.store.set_meta(RECONCILED, &now.to_string()).await?;
    }
    jobs.push(new_job(&Task::Recover, now + RECOVER_EVERY_MS)?);
    finish(ctx, job, &jobs).await
}

/// Asks GitHub to deliver again what did not arrive; gives how many that were.
async fn redeliver(ctx: &Context, now: i64) -> Result<usize, JobError> {
    // A payload that arrived meanwhile by another way is not asked for again.
    let failed = ctx.github.failed_deliveries(now - WINDOW_MS).await?;
    let guids: Vec<String> = failed.iter().map(|d| d.guid.clone()).collect();
    let missing = ctx.store.deliveries_missing(&guids).await?;
    for delivery in failed.iter().filter(|d| missing.contains(&d.guid)) {
        tracing::info!(guid = %delivery.guid, event = %delivery.event, "asking GitHub to deliver again");
        ctx.github.redeliver(delivery.id).await?;
    }
    Ok(missing.len())
}

/// Every repository of every installation that is served.
async fn repositories(ctx: &Context) -> Result<Vec<Repo>, JobError> {
    let mut all = Vec::new();
    for installation in ctx.github.installations().await? {
        let told = !installation.suspended && installation.events.iter().any(|event| event == REVIEWS);
        ctx.store.note_reviews_told(installation.id, told, ctx.clock.now()).await?;
        if installation.suspended || !ctx.policy.orgs.serves(&installation.account) {
            continue;
        }
        for missing in crate::github::permissions::missing(&installation) {
            tracing::warn!("{missing}");
        }
        all.extend(ctx.github.installation_repositories(installation.id).await?);
    }
    for repo in &all {
        ctx.store.upsert_repo(&row(repo, ctx.clock.now())).await?;
    }
    Ok(all)
}

/// Lists an installation's repositories, and has those considered that nothing is known of.
pub async fn discover(ctx: &Context, job: &Job, installation: i64) -> Result<(), JobError> {
    let now = ctx.clock.now();
    let mut jobs = Vec::new();
    for repo in ctx.github.installation_repositories(installation).await? {
        if ctx.policy.orgs.serves(&repo.owner)
            && ctx.store.aggregate(&Key::Onboard(repo.id).to_string()).await?.is_none()
        {
            ctx.store.upsert_repo(&row(&repo, now)).await?;
            jobs.push(new_job(&Task::Consider { repo: repo.clone() }, now)?);
        }
        let new = ctx.store.aggregate(&Key::Updates(repo.id).to_string()).await?.is_none();
        if new && ctx.packages.is_some() && ctx.policy.orgs.serves(&repo.owner) {
            jobs.push(new_job(&tell(repo.id, News::Look { repo }), now)?);
        }
    }
    finish(ctx, job, &jobs).await
}

/// Reads one repository's open pull requests and newest comments.
pub async fn reconcile(ctx: &Context, job: &Job, repo: &Repo) -> Result<(), JobError> {
    let now = ctx.clock.now();
    let open = ctx.github.open_pulls(repo).await?;
    let mut tasks: Vec<Task> = open.iter().map(|pull| pull_seen(repo.clone(), pull.clone(), now)).collect();
    for row in ctx.store.aggregates_open(repo.id, "pr").await? {
        let Ok(state) = serde_json::from_str::<PullState>(&row.state) else { continue };
        if open.iter().all(|pull| pull.number != state.pull.number) {
            // Gather reads the live pull request, so this only has to ask.
            tasks.push(pull_seen(repo.clone(), Pull { open: false, ..state.pull }, now));
        }
    }
    let cursor = ctx.store.repo(repo.id).await?.and_then(|row| row.comments_cursor?.parse().ok()).unwrap_or(0_i64);
    let since = if cursor == 0 { now - WINDOW_MS } else { cursor - OVERLAP_MS };
    for (number, comment, on_pull) in ctx.github.comments_since(repo, since).await? {
        if on_pull && ctx.store.command(comment.id).await?.is_none() {
            tasks.extend(said(repo.clone(), number, comment));
        }
    }
    let jobs = tasks.iter().map(|task| new_job(task, now)).collect::<anyhow::Result<Vec<_>>>()?;
    ctx.store.set_comments_cursor(repo.id, &now.to_string()).await?;
    finish(ctx, job, &jobs).await
}

/// Deletes what is old, and sets the next time.
pub async fn purge(ctx: &Context, job: &Job) -> Result<(), JobError> {
    let now = ctx.clock.now();
    ctx.store.purge(now, &Keep::default()).await?;
    super::effect::shelf::sweep(ctx).await?;
    finish(ctx, job, &[new_job(&Task::Purge, now + PURGE_EVERY_MS)?]).await
}
