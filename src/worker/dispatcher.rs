//! Claims one job at a time and goes by its task. Short work and runs have loops of their own, so that no run holds up an answer.

use std::time::Duration;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use super::queue::{self, new_job};
use super::verdict::{JobError, Past, Verdict, verdict};
use super::{deliver, effect, engines, execute, poll, react, recover, update, watch};
use crate::context::Context;
use crate::domain::task::{Event, Key, Task};
use crate::store::{Claim, Job, Retry, RetryAs};

/// Kinds of task that end within seconds.
pub const SHORT: &[&str] = &[
    "delivery",
    "event",
    "check",
    "sticky",
    "reaction",
    "reply",
    "minimise",
    "recover",
    "poll",
    "reconcile",
    "purge",
    "deployment",
    "rollout",
    "revert",
    "brought",
    "shelf",
    "ring",
    "consider",
    "onboarding",
    "discover",
    "follow",
    "plan",
    "upgrade",
    "update",
    "land",
    "advisories",
];
/// Rollouts on their way: each comes back until it has ended, and none holds up another.
pub const WATCH: &[&str] = &["watch"];
/// Rollouts that one process looks after at the same moment.
const WATCHERS: usize = 8;
/// Kinds that last as long as somebody's pipeline.
pub const LONG: &[&str] = &["execute"];
/// Looks at registries, and commits made by other programs: they take seconds to minutes, and nobody waits for them at a page.
pub const UPDATES: &[&str] = &["lookup", "candidate"];
/// So many of them one process does at the same moment.
const UPDATERS: usize = 4;

/// A waiting loop looks again after this long even if nothing woke it: another process may have added work.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Cancel flags of all runs in this process are read this often, in one query.
const CANCEL_EVERY: Duration = Duration::from_millis(250);

/// How many loops of each sort.
#[derive(Clone, Copy, Debug)]
pub struct Pools {
    /// For short work.
    pub short: usize,
    /// For runs.
    pub long: usize,
}

/// What one step did.
#[derive(Debug, PartialEq, Eq)]
pub enum Stepped {
    /// One job was claimed and dealt with.
    Did,
    /// Nothing was due.
    Idle,
}

/// Runs all loops until `stop`; then takes no more work, hands running pipelines back and returns when all loops have ended.
pub async fn run(ctx: Context, pools: Pools, stop: CancellationToken) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..pools.short {
        tasks.spawn(work(ctx.clone(), SHORT, stop.clone()));
    }
    for _ in 0..pools.long {
        tasks.spawn(work(ctx.clone(), LONG, stop.clone()));
    }
    for _ in 0..UPDATERS {
        tasks.spawn(work(ctx.clone(), UPDATES, stop.clone()));
    }
    for _ in 0..WATCHERS {
        tasks.spawn(work(ctx.clone(), WATCH, stop.clone()));
    }
    tasks.spawn(engines::attend(ctx.clone(), stop.clone()));
    tasks.spawn(watch_cancels(ctx.clone(), stop.clone()));
    let _ = ensure_timers(&ctx).await.inspect_err(|error| tracing::error!("timers could not be set: {error:#}"));
    while tasks.join_next().await.is_some() {}
}

/// The jobs that start themselves again must be there once; asking for them twice is harmless.
pub async fn ensure_timers(ctx: &Context) -> anyhow::Result<()> {
    let now = ctx.clock.now();
    let mut timers = vec![new_job(&Task::Recover, now)?, new_job(&Task::Purge, now)?];
    if ctx.packages.is_some() {
        timers.push(new_job(&Task::Advisories, now)?);
    }
    if ctx.policy.polls {
        timers.push(new_job(&Task::Poll, now)?);
    }
    queue::start(ctx, &timers).await
}

async fn work(ctx: Context, kinds: &'static [&'static str], stop: CancellationToken) {
    while !stop.is_cancelled() {
        let wake = ctx.store.wake();
        let woken = wake.notified();
        tokio::pin!(woken);
        // Interest is registered before looking, so that nothing slips between the look and the wait.
        woken.as_mut().enable();
        match step(&ctx, kinds, &stop).await {
            Ok(Stepped::Did) => {}
            Ok(Stepped::Idle) => {
                let pause = pause(&ctx, kinds).await;
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = woken => {}
                    () = tokio::time::sleep(pause) => {}
                }
            }
            Err(error) => {
                tracing::error!("the store does not answer: {error:#}");
                tokio::select! { () = stop.cancelled() => {} () = tokio::time::sleep(Duration::from_secs(1)) => {} }
            }
        }
    }
}

/// Until the next job is due, but not so long that another process's work waits.
async fn pause(ctx: &Context, kinds: &[&str]) -> Duration {
    let due = ctx.store.next_due(&pools(ctx), kinds).await.ok().flatten();
    let ms = due.map_or(LOOK_AGAIN.as_millis() as i64, |at| at - ctx.clock.now());
    Duration::from_millis(ms.clamp(5, LOOK_AGAIN.as_millis() as i64) as u64)
}

/// The pools whose work may be done here.
pub fn pools(ctx: &Context) -> [String; 1] {
    [format!("host:{}", ctx.policy.node)]
}

/// Claims and does one job. The production loop and the tests drain by this same call.
pub async fn step(ctx: &Context, kinds: &[&str], stop: &CancellationToken) -> anyhow::Result<Stepped> {
    let now = ctx.clock.now();
    let pools = pools(ctx);
    let claim = Claim { now, until: now + ctx.policy.lease_ms, pools: &pools, kinds };
    let Some(job) = ctx.store.claim(&claim).await.context("claiming a job")? else { return Ok(Stepped::Idle) };
    if job.failures > ctx.policy.max_failures {
        // It took its process down, or lost its lease, too often; dead jobs are shown, not forgotten.
        ctx.store.bury(&job, "its lease ran out too often").await?;
        return Ok(Stepped::Did);
    }
    if let Err(error) = handle(ctx, &job, stop).await {
        settle(ctx, &job, &error).await?;
    }
    Ok(Stepped::Did)
}

async fn handle(ctx: &Context, job: &Job, stop: &CancellationToken) -> Result<(), JobError> {
    if job.kind == "delivery" {
        return deliver::deliver(ctx, job).await;
    }
    let task: Task = serde_json::from_str(&job.task).context("a task that this version does not know")?;
    match task {
        Task::Event { key, event } => react::react(ctx, job, &key, &event).await,
        Task::SyncCheck { run } => effect::check::sync(ctx, job, run).await,
        Task::SyncSticky { key } => effect::sticky::sync(ctx, job, &key).await,
        Task::SyncReaction { repo, comment } => effect::reaction::sync(ctx, job, (&repo, comment)).await,
        Task::SyncReply { repo, number, comment } => effect::reply::sync(ctx, job, (&repo, number, comment)).await,
        Task::Minimise { repo, comment } => effect::reply::minimise(ctx, job, (&repo, comment)).await,
        Task::Execute { run } => execute::execute(ctx, job, run, stop).await,
        Task::Ring { key } => queue::finish(ctx, job, &[new_job(&Task::tell(key, Event::Due), ctx.clock.now())?]).await,
        Task::Watch { rollout } => watch::watch(ctx, job, rollout, stop).await,
        Task::SyncDeployment { rollout } => effect::deployment::sync(ctx, job, rollout).await,
        Task::SyncRollout { rollout } => effect::rollout::sync(ctx, job, rollout).await,
        Task::Revert { rollout } => effect::revert::open(ctx, job, rollout).await,
        Task::Brought { rollout } => effect::brought::read(ctx, job, rollout).await,
        Task::SyncShelf { key } => effect::shelf::sync(ctx, job, &key).await,
        Task::Consider { repo } => {
            effect::pace(ctx, repo.installation).await?;
            let told = Task::tell(Key::Onboard(repo.id), Event::Consider { repo, asked: false });
            queue::finish(ctx, job, &[new_job(&told, ctx.clock.now())?]).await
        }
        Task::SyncOnboarding { repo } => effect::onboard::sync(ctx, job, &repo).await,
        Task::Follow { repo } => effect::plan::follow(ctx, job, &repo).await,
        Task::ReadPlan { plan } => effect::plan::read(ctx, job, &plan).await,
        Task::SyncUpgrade { repo, plan } => effect::upgrade::sync(ctx, job, (&repo, &plan)).await,
        Task::LookUp { repo } => update::look::look(ctx, job, &repo, stop).await,
        Task::Candidate { repo, group } => update::candidate::make(ctx, job, (&repo, &group), stop).await,
        Task::SyncUpdate { repo, group } => update::open::sync(ctx, job, (&repo, &group)).await,
        Task::Land { repo, group } => update::land::land(ctx, job, (&repo, &group)).await,
        Task::Advisories => update::advisories::read(ctx, job).await,
        Task::Discover { installation } => recover::discover(ctx, job, installation).await,
        Task::Recover => recover::recover(ctx, job).await,
        Task::Poll => poll::poll(ctx, job).await,
        Task::Reconcile { repo } => recover::reconcile(ctx, job, &repo).await,
        Task::Purge => recover::purge(ctx, job).await,
    }
}

async fn settle(ctx: &Context, job: &Job, error: &JobError) -> anyhow::Result<()> {
    let now = ctx.clock.now();
    let words = ctx.masker.mask(&error.to_string()).into_owned();
    let past = Past { attempt: job.attempt, failures: job.failures, created_at: job.created_at };
    let (how, at) = match verdict(error, past, now) {
        Verdict::Wait(at) => (RetryAs::Wait, at),
        Verdict::Retry(at) => (RetryAs::Failure, at),
        Verdict::GiveUp => {
            tracing::warn!(job = job.id, kind = %job.kind, lane = %job.lane, "given up: {words}");
            return ctx.store.bury(job, &words).await.map(|_| ());
        }
    };
    if how == RetryAs::Failure {
        tracing::warn!(job = job.id, kind = %job.kind, lane = %job.lane, failures = job.failures + 1, "failed: {words}");
    }
    let key = serde_json::from_str::<Task>(&job.task).ok().and_then(|task| task.merge_key());
    let max_failures = ctx.policy.max_failures;
    let retry = Retry { r#as: how, at, error: &words, max_failures, merge_key: key.as_deref() };
    ctx.store.retry(job, &retry).await?;
    Ok(())
}

/// Carries the cancel flags of rows to the runs in this process. Superseding may have been decided in another one.
pub async fn watch_cancels(ctx: Context, stop: CancellationToken) {
    loop {
        tokio::select! { () = stop.cancelled() => return, () = tokio::time::sleep(CANCEL_EVERY) => {} }
        let ids = ctx.live.ids();
        if ids.is_empty() {
            continue;
        }
        match ctx.store.cancel_flags(&ids).await {
            Ok(flags) => flags.into_iter().for_each(|(run, _)| ctx.live.cancel(run)),
            Err(error) => tracing::warn!("cancel flags could not be read: {error:#}"),
        }
    }
}
