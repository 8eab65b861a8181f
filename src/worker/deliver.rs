//! From a raw delivery to events of aggregates. A body that cannot be parsed stays here as a dead job: stored raw, it can be mended and retried.

use anyhow::Context as _;

use super::news::{pull_seen, row, said};
use super::queue::{add, new_job};
use super::update::tell;
use super::verdict::JobError;
use crate::context::Context;
use crate::domain::ask::Ask;
use crate::domain::command::{Order, Verb};
use crate::domain::event::{CheckRef, Incoming};
use crate::domain::ids::Repo;
use crate::domain::metrics::{Signal, SignalKind, Told};
use crate::domain::onboard::{OnboardState, Skip, Stage};
use crate::domain::plan::{LOCK, Name};
use crate::domain::task::{ABORT, Event, Key, PROMOTE, RETRY_FAILED, Task, rollout_of};
use crate::domain::update;
use crate::domain::update::course::News;
use crate::github::webhook;
use crate::store::{Job, NewJob, SignalRow};

/// What the store's intake writes beside the payload.
#[derive(serde::Deserialize)]
struct Envelope {
    event: String,
}

/// Parses a delivery and tells whom it concerns.
pub async fn deliver(ctx: &Context, job: &Job) -> Result<(), JobError> {
    let body = job.body()?.unwrap_or_default();
    let envelope: Envelope = serde_json::from_str(&job.task).context("a delivery's envelope cannot be read")?;
    let event = envelope.event;
    let incoming = webhook::parse(&event, &body)
        .map_err(|e| JobError::Unreadable(format!("the payload of `{event}` cannot be read: {e}")))?;
    let incoming = incoming.filter(|i| owner(i).is_none_or(|owner| ctx.policy.orgs.serves(owner)));
    let told = told(&event, &body, job.created_at).filter(|told| ctx.policy.orgs.serves(&told.owner));
    let known = incoming.as_ref().and_then(repository);
    if let Some(repo) = known.or_else(|| told.as_ref()?.repo.as_ref()) {
        ctx.store.upsert_repo(&row(repo, ctx.clock.now())).await?;
    }
    let mut jobs = Vec::new();
    if let Some(incoming) = incoming {
        for task in tasks(ctx, incoming, job.created_at).await? {
            jobs.push(new_job(&task, ctx.clock.now())?);
        }
    }
    end(ctx, job, (&jobs, &signals(told))).await
}

/// What the metrics take from it. They are nothing that a decision may wait for.
fn told(event: &str, body: &[u8], seen: i64) -> Option<Told> {
    webhook::told(event, body, seen).unwrap_or_else(|error| {
        tracing::warn!(event, "the metrics miss a delivery that cannot be read: {error}");
        None
    })
}

fn signals(told: Option<Told>) -> Vec<SignalRow> {
    let Some(Told { owner, repo, signals }) = told else { return Vec::new() };
    let (repo_id, account) = repo.map_or((0, owner), |repo| (repo.id, String::new()));
    let row = |Signal { kind, pull, at, who, branch, sha, authored_at }| SignalRow {
        repo_id,
        account: account.clone(),
        kind: SignalKind::as_str(kind).to_owned(),
        pull,
        at,
        who,
        branch,
        sha,
        authored_at,
    };
    signals.into_iter().map(row).collect()
}

/// Ends the delivery with all that came of it.
async fn end(ctx: &Context, job: &Job, (jobs, signals): (&[NewJob], &[SignalRow])) -> Result<(), JobError> {
    let Some(mut tx) = ctx.store.finish(job).await? else { return Ok(()) };
    for job in jobs {
        add(&mut tx, job).await?;
    }
    for signal in signals {
        tx.add_signal(signal).await?;
    }
    tx.commit().await.context("ending a delivery")?;
    Ok(())
}

fn repository(incoming: &Incoming) -> Option<&Repo> {
    match incoming {
        Incoming::Pull { repo, .. }
        | Incoming::Dequeued { repo, .. }
        | Incoming::Push { repo, .. }
        | Incoming::MergeGroup { repo, .. }
        | Incoming::Comment { repo, .. }
        | Incoming::CheckRerequested { repo, .. }
        | Incoming::CheckAction { repo, .. }
        | Incoming::SuiteRerequested { repo, .. }
        | Incoming::Repository { repo, .. } => Some(repo),
        Incoming::Installation { .. } => None,
    }
}

fn owner(incoming: &Incoming) -> Option<&str> {
    match incoming {
        Incoming::Installation { account, .. } => Some(account),
        other => repository(other).map(|repo| repo.owner.as_str()),
    }
}

/// The pull request actions that can change what is checked or remembered.
const PULL_ACTIONS: &[&str] =
    &["opened", "synchronize", "reopened", "ready_for_review", "converted_to_draft", "edited", "closed"];

/// What may make a repository one to be onboarded.
const CONSIDERED: &[&str] =
    &["created", "renamed", "transferred", "archived", "unarchived", "edited", "publicized", "privatized"];

/// Nothing is known of its onboarding, or it was empty: what arrives now may change that.
async fn unknown(ctx: &Context, repo: i64) -> Result<bool, JobError> {
    let Some(row) = ctx.store.aggregate(&Key::Onboard(repo).to_string()).await? else { return Ok(true) };
    let state: OnboardState = serde_json::from_str(&row.state).context("an onboarding's row cannot be read")?;
    Ok(state.stage == Stage::Idle(Skip::Empty))
}

async fn tasks(ctx: &Context, incoming: Incoming, seen: i64) -> Result<Vec<Task>, JobError> {
    Ok(match incoming {
        Incoming::Pull { action, repo, pull, .. } if PULL_ACTIONS.contains(&action.as_str()) => {
            vec![pull_seen(repo, pull, seen)]
        }
        Incoming::Dequeued { repo, pull, reason } if update::course::is_ours(&pull) => {
            vec![tell(repo.id, News::Dequeued { pull: pull.number, reason })]
        }
        Incoming::Repository { action, repo } if CONSIDERED.contains(&action.as_str()) => vec![Task::Consider { repo }],
        Incoming::Push { repo, branch, before, after, touched, .. } if branch == repo.default_branch => {
            let plans = plans(ctx, &repo, touched.as_deref()).await?;
            let key = Key::Branch(repo.id, branch);
            let gone = after.bytes().all(|b| b == b'0');
            let (repo_id, new) = (repo.id, repo.clone());
            let event = if gone { Event::Gone } else { Event::Head { repo, sha: after, base: before } };
            let told = Task::tell(key, event);
            let looked = looks(ctx, (&new, gone), touched.as_deref());
            let considered = !gone && unknown(ctx, repo_id).await?;
            [told]
                .into_iter()
                .chain(considered.then_some(Task::Consider { repo: new }))
                .chain(plans)
                .chain(looked)
                .collect()
        }
        Incoming::MergeGroup { action, repo, head_sha, head_ref, base_sha } => {
            let key = Key::Queue(repo.id, head_ref);
            let event = match action.as_str() {
                "checks_requested" => Event::Head { repo, sha: head_sha, base: base_sha },
                _ => Event::Gone,
            };
            vec![Task::tell(key, event)]
        }
        Incoming::Comment { repo, number, comment } => said(repo, number, comment),
        Incoming::CheckRerequested { repo, check, sender } if check.app_id == ctx.policy.app_id => {
            rerun(ctx, &repo, &check, (true, sender)).await?
        }
        Incoming::CheckAction { repo, check, identifier, sender } if check.app_id == ctx.policy.app_id => {
            match identifier.as_str() {
                RETRY_FAILED => rerun(ctx, &repo, &check, (false, sender)).await?,
                PROMOTE => press(ctx, &repo, &check, (sender, Order::Promote)).await?,
                ABORT => press(ctx, &repo, &check, (sender, Order::Abort { reason: String::new() })).await?,
                _ => Vec::new(),
            }
        }
        Incoming::SuiteRerequested { repo, head_sha, app_id, sender, .. } if app_id == ctx.policy.app_id => {
            let runs = ctx.store.runs_of(repo.id, &head_sha).await?;
            let mut keys = Vec::new();
            for run in runs {
                keys.extend(ctx.store.subjects_of(run.id).await?);
            }
            keys.sort();
            keys.dedup();
            ask(&keys, &Event::Rerun { repo, sha: head_sha, pipeline: None, sender })
        }
        Incoming::Installation { action, installation, account } => {
            tracing::info!(installation, account, "installation {action}");
            let leaves = matches!(action.as_str(), "deleted" | "suspend" | "removed");
            if leaves { vec![Task::Recover] } else { vec![Task::Recover, Task::Discover { installation }] }
        }
        _ => Vec::new(),
    })
}

/// Whether what a repository depends on may have changed: a manifest, a lock, or what is wanted of updates.
fn looks(ctx: &Context, (repo, gone): (&Repo, bool), touched: Option<&[String]>) -> Option<Task> {
    let may = |path: &String| path == "fairway.toml" || update::reads(path);
    let changed = touched.is_none_or(|paths| paths.iter().any(may));
    (changed && !gone && ctx.packages.is_some()).then(|| tell(repo.id, News::Look { repo: repo.clone() }))
}

/// What a push to a default branch may say of plans: that the repository follows one, or that one has a new version.
async fn plans(ctx: &Context, repo: &Repo, touched: Option<&[String]>) -> Result<Vec<Task>, JobError> {
    let may = |fits: &dyn Fn(&String) -> bool| touched.is_none_or(|paths| paths.iter().any(fits));
    let mut tasks = Vec::new();
    if may(&|path| path == LOCK) {
        tasks.push(Task::Follow { repo: repo.clone() });
    }
    let mine = format!("plan:{}/", repo.full_name());
    for row in ctx.store.aggregates_of(0, "plan").await? {
        let Some(Ok(name)) = row.key.strip_prefix("plan:").map(Name::parse) else { continue };
        let folder = format!("{}/", name.plan);
        if row.key.starts_with(&mine) && may(&|path| path.starts_with(&folder)) {
            tasks.push(Task::ReadPlan { plan: name.to_string() });
        }
    }
    Ok(tasks)
}

/// Our run behind a check run at GitHub tells which aggregates are meant: a fork's event names no pull request.
async fn rerun(
    ctx: &Context,
    repo: &Repo,
    check: &CheckRef,
    (one, sender): (bool, String),
) -> Result<Vec<Task>, JobError> {
    let Ok(id) = check.external_id.parse::<i64>() else { return Ok(Vec::new()) };
    let Some(run) = ctx.store.run(id).await?.filter(|run| run.repo_id == repo.id) else { return Ok(Vec::new()) };
    let keys = ctx.store.subjects_of(id).await?;
    let pipeline = one.then_some(run.pipeline);
    Ok(ask(&keys, &Event::Rerun { repo: repo.clone(), sha: run.sha, pipeline, sender }))
}

/// A button on a rollout's check run is the command, without a comment to answer.
async fn press(
    ctx: &Context,
    repo: &Repo,
    check: &CheckRef,
    (sender, order): (String, Order),
) -> Result<Vec<Task>, JobError> {
    let Some(id) = rollout_of(&check.external_id) else {
        return Ok(Vec::new());
    };
    let Some(row) = ctx.store.rollout(id).await?.filter(|row| row.repo_id == repo.id) else { return Ok(Vec::new()) };
    let ask = Ask {
        repo: repo.clone(),
        pull: row.pull,
        comment: None,
        by: sender,
        line: String::new(),
        verb: Verb::Rollout,
        at: ctx.clock.now(),
        sha: row.sha,
        merged: false,
        order,
    };
    Ok(vec![ask.of(row.environment)])
}

fn ask(keys: &[String], event: &Event) -> Vec<Task> {
    keys.iter().filter_map(|key| Key::parse(key)).map(|key| Task::tell(key, event.clone())).collect()
}
