//! One event of one aggregate: gather, decide, and commit everything in one transaction, or nothing.

use anyhow::Context as _;

use super::gather;
use super::queue::{first_shown, new_job};
use super::verdict::JobError;
use crate::context::Context;
use crate::domain::decide::{self, Change, First, Why};
use crate::domain::ids::Repo;
use crate::domain::onboard::Stage;
use crate::domain::run::Conclusion;
use crate::domain::task::{Event, Key, RunKey, Task};
use crate::store::{
    AggregateRow, Identity, Job, NewCommand, NewRollout, NewRun, RunRow, RunState, SaveAggregate, Saved, Tx,
};

use crate::domain::record::{Body, Spec};
use crate::domain::release::{RolloutSpec, Steered};
use crate::domain::rollout::Steer;

/// An aggregate that moved while we were reading is gathered again this often before the job is retried.
const TRIES: usize = 3;

/// What a decision leaves behind.
struct Decided {
    repo: Option<Repo>,
    state: Option<String>,
    open: bool,
    changes: Vec<Change>,
}

impl Decided {
    fn nothing() -> Decided {
        Decided { repo: None, state: None, open: false, changes: Vec::new() }
    }
}

/// Does one event.
pub async fn react(ctx: &Context, job: &Job, key: &Key, event: &Event) -> Result<(), JobError> {
    if already_obeyed(ctx, event).await? {
        return super::queue::finish(ctx, job, &[]).await;
    }
    for _ in 0..TRIES {
        let row = ctx.store.aggregate(&key.to_string()).await?;
        let decided = decide(ctx, key, event, row.as_ref()).await?;
        if commit(ctx, job, (key, row.as_ref()), decided).await? {
            return Ok(());
        }
    }
    Err(JobError::Other(anyhow::anyhow!("{key} kept changing while it was read")))
}

/// A command is unique by its comment, however often the comment reaches us.
async fn already_obeyed(ctx: &Context, event: &Event) -> Result<bool, JobError> {
    match event {
        Event::Comment { comment, .. } => Ok(ctx.store.command(comment.id).await?.is_some()),
        _ => Ok(false),
    }
}

async fn decide(ctx: &Context, key: &Key, event: &Event, row: Option<&AggregateRow>) -> Result<Decided, JobError> {
    let text = row.map(|row| row.state.as_str());
    match key {
        Key::Pull(_, number) => {
            let state: Option<decide::PullState> = read(text)?;
            let facts = gather::pull(ctx, *number, state.as_ref(), event).await?;
            let (state, changes) = decide::pull(state, event, &facts);
            let open = state.as_ref().is_some_and(|s| s.pull.open);
            let repo = state.as_ref().map(|s| s.repo.clone());
            Ok(Decided { repo, state: write(state.as_ref())?, open, changes })
        }
        Key::Env(_, name) => {
            let state: Option<decide::EnvState> = read(text)?;
            let facts = gather::environment::facts(ctx, (key, name), state.as_ref(), event).await?;
            let (state, changes) = decide::environment(state, event, &facts);
            let open = state.as_ref().is_some_and(|s| s.going.is_some() || !s.queue.is_empty());
            let repo = state.as_ref().map(|s| s.repo.clone());
            Ok(Decided { repo, state: write(state.as_ref())?, open, changes })
        }
        Key::Onboard(_) => {
            let state: Option<crate::domain::onboard::OnboardState> = read(text)?;
            let facts = gather::onboard::facts(ctx, state.as_ref(), event).await?;
            let (state, changes) = decide::onboard(state, event, &facts);
            let open = state.as_ref().is_some_and(|s| matches!(s.stage, Stage::Wanted | Stage::Open));
            let repo = state.as_ref().map(|s| s.repo.clone());
            Ok(Decided { repo, state: write(state.as_ref())?, open, changes })
        }
        Key::Plan(name) => {
            let Event::Plan(news) = event else { return Ok(Decided::nothing()) };
            let state: Option<crate::domain::plan::PlanState> = read(text)?;
            let (state, changes) = decide::plan(state, name, news);
            let open = state.members.iter().any(|member| !member.stage.decided());
            let repo = state.members.first().map(|member| member.repo.clone());
            Ok(Decided { repo, state: write(Some(&state))?, open, changes })
        }
        Key::Updates(_) => {
            let state: Option<decide::UpdatesState> = read(text)?;
            let facts = gather::updates(ctx, state.as_ref(), event).await?;
            let (state, changes) = decide::updates(state, event, &facts);
            let repo = state.as_ref().map(|s| s.repo.clone());
            // It is never over: what is known of a repository is kept as long as it is there.
            Ok(Decided { repo, state: write(state.as_ref())?, open: true, changes })
        }
        Key::Branch(..) | Key::Queue(..) => {
            let state: Option<decide::BranchState> = read(text)?;
            let facts = gather::branch(ctx, state.as_ref(), event).await?;
            let (state, open, changes) = decide::branch(key, state, event, &facts);
            let repo = state.as_ref().map(|s| s.repo.clone());
            Ok(Decided { repo, state: write(state.as_ref())?, open, changes })
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(text: Option<&str>) -> Result<Option<T>, JobError> {
    Ok(text.map(serde_json::from_str).transpose().context("an aggregate's row cannot be read")?)
}

fn write<T: serde::Serialize>(state: Option<&T>) -> Result<Option<String>, JobError> {
    Ok(state.map(serde_json::to_string).transpose().context("an aggregate's state cannot be written")?)
}

/// `false`: somebody changed the aggregate meanwhile; gather again.
async fn commit(
    ctx: &Context,
    job: &Job,
    (key, row): (&Key, Option<&AggregateRow>),
    decided: Decided,
) -> Result<bool, JobError> {
    let now = ctx.clock.now();
    let Some(mut tx) = ctx.store.finish(job).await? else { return Ok(true) };
    if let Some(state) = &decided.state {
        let rev = row.map_or(0, |row| row.rev);
        let name = key.to_string();
        let save = SaveAggregate {
            key: &name,
            repo_id: key.repo(),
            kind: key.kind(),
            open: decided.open,
            rev_seen: rev,
            state,
            now,
        };
        if tx.save_aggregate(&save).await? == Saved::Stale {
            tx.rollback().await?;
            return Ok(false);
        }
    }
    if let Some(repo) = &decided.repo {
        for change in decided.changes {
            apply(&mut tx, (key, repo), change, now).await?;
        }
    }
    tx.commit().await.context("committing a decision")?;
    Ok(true)
}

async fn apply(tx: &mut Tx, (key, repo): (&Key, &Repo), change: Change, now: i64) -> Result<(), JobError> {
    match change {
        Change::Plan { run, pipeline, first, again } => {
            let number = if let Key::Pull(_, number) = key { Some(*number) } else { None };
            let spec = Spec { repo: repo.clone(), pull: number, pipeline: pipeline.map(|p| *p), again };
            plan(tx, key, (spec, run, first), now).await
        }
        Change::Start(run) => {
            if let Some(row) = find(tx, repo, &run).await? {
                super::queue::execute(tx, (row.id, repo.id), now).await?;
            }
            Ok(())
        }
        Change::Conclude(run, conclusion, why) => match find(tx, repo, &run).await? {
            Some(row) => conclude(tx, row.id, conclusion, (&why, now)).await,
            None => Ok(()),
        },
        Change::Cancel(run, why) => cancel(tx, (key, repo), &run, (&why, now)).await,
        Change::Command(row) => {
            let row = NewCommand {
                comment_id: row.comment,
                subject: key.to_string(),
                author: row.author,
                text: row.text,
                sha: Some(row.sha),
                state: row.state.as_str().to_owned(),
                answer: Some(row.answer).filter(|answer| !answer.is_empty()),
                now,
            };
            tx.insert_command(&row).await?;
            Ok(())
        }
        Change::Answer { comment, state, words } => {
            tx.update_command(comment, state.as_str(), Some(&words), now).await?;
            Ok(())
        }
        Change::Do(task) => add(tx, &task, now).await,
        Change::At(at, task) => Ok(super::queue::add(tx, &super::queue::timer(&task, (now, at.max(now)))?).await?),
        Change::Roll { number, at, spec } => roll(tx, (environment_of(key), number, at), &spec, now).await,
        Change::Steer { number, steer, by } => steer_rollout(tx, key, (number, steer, by), now).await,
        Change::Revert { number } => match tx.rollout_of(key.repo(), environment_of(key), number).await? {
            Some(row) => add(tx, &Task::Revert { rollout: row.id }, now).await,
            None => Ok(()),
        },
    }
}

fn environment_of(key: &Key) -> &str {
    if let Key::Env(_, name) = key { name } else { "" }
}

/// The row, the job that carries it on, and its faces at GitHub.
async fn roll(
    tx: &mut Tx,
    (environment, number, accepted_at): (&str, i64, i64),
    spec: &RolloutSpec,
    now: i64,
) -> Result<(), JobError> {
    let new = NewRollout {
        repo_id: spec.repo.id,
        environment: environment.to_owned(),
        number,
        kind: spec.kind.as_str().to_owned(),
        sha: spec.version.sha.clone(),
        base_sha: spec.base.as_ref().map(|base| base.sha.clone()),
        release: spec.version.release.clone(),
        pull: spec.pull,
        spec: serde_json::to_string(spec).context("a rollout's definition")?,
        accepted_at,
        build_done_at: spec.built_at,
        fixes: spec.fixes,
        excused: spec.excused,
        now,
    };
    let Some(rollout) = tx.insert_rollout(&new).await? else { return Ok(()) };
    add(tx, &Task::Watch { rollout }, now).await?;
    add(tx, &Task::SyncDeployment { rollout }, now).await?;
    add(tx, &Task::SyncRollout { rollout }, now).await
}

async fn steer_rollout(
    tx: &mut Tx,
    key: &Key,
    (number, steer, by): (i64, Steer, String),
    now: i64,
) -> Result<(), JobError> {
    let Some(row) = tx.rollout_of(key.repo(), environment_of(key), number).await? else { return Ok(()) };
    let mut orders: Vec<Steered> = serde_json::from_str(&row.orders).context("a rollout's orders cannot be read")?;
    orders.push(Steered { steer, by, at: now });
    tx.set_orders(row.id, &serde_json::to_string(&orders).context("a rollout's orders")?).await?;
    Ok(())
}

async fn plan(tx: &mut Tx, key: &Key, (spec, run, first): (Spec, RunKey, First), now: i64) -> Result<(), JobError> {
    let why = if let First::Wait(needs) = &first { Some(Why::Waits { needs: needs.clone() }) } else { None };
    let body = Body { why, ..Body::default() };
    let new = NewRun {
        repo_id: spec.repo.id,
        sha: run.sha.clone(),
        pipeline: run.pipeline.clone(),
        digest: run.digest.clone(),
        trust: run.trust.as_str().to_owned(),
        try_no: run.attempt,
        spec: serde_json::to_string(&spec).context("a run's definition")?,
        now,
    };
    let (id, created) = tx.insert_run(&new).await?;
    tx.attach_subject(id, &key.to_string()).await?;
    if !created {
        return join(tx, key, (id, run), now).await;
    }
    tx.set_result(id, &serde_json::to_string(&body).context("a run's result")?).await?;
    match first {
        First::Start => super::queue::execute(tx, (id, new.repo_id), now).await?,
        First::Wait(_) => {}
        First::Conclude(conclusion, why) => return conclude(tx, id, conclusion, (&why, now)).await,
    }
    Ok(super::queue::add(tx, &first_shown(id, now)?).await?)
}

/// Somebody else asked for the very same run before. If it is over, its end is told again, to us.
async fn join(tx: &mut Tx, key: &Key, (id, run): (i64, RunKey), now: i64) -> Result<(), JobError> {
    let Some(row) = tx.run(id).await? else { return Ok(()) };
    if let Some(conclusion) = row.conclusion.as_deref().and_then(Conclusion::parse) {
        let spec: Spec = serde_json::from_str(&row.spec).context("a run's definition cannot be read")?;
        let body: Body = serde_json::from_str(row.result.as_deref().unwrap_or("{}")).context("a run's result")?;
        let event = Event::RunFinished { run, conclusion, found: spec.found(&body) };
        add(tx, &Task::tell(key.clone(), event), now).await?;
    }
    Ok(())
}

async fn conclude(tx: &mut Tx, id: i64, conclusion: Conclusion, (why, now): (&Why, i64)) -> Result<(), JobError> {
    let body = Body { why: Some(why.clone()), ..Body::default() };
    let body = serde_json::to_string(&body).context("a run's result")?;
    tx.end_run(id, conclusion.as_str(), &body, now).await?;
    add(tx, &Task::SyncCheck { run: id }, now).await
}

/// A run that has not started ends here; one that has is flagged, and whoever executes it sees the flag.
async fn cancel(
    tx: &mut Tx,
    (key, repo): (&Key, &Repo),
    run: &RunKey,
    (why, now): (&Why, i64),
) -> Result<(), JobError> {
    let Some(row) = find(tx, repo, run).await? else { return Ok(()) };
    if tx.detach_subject(row.id, &key.to_string()).await? > 0 {
        return Ok(());
    }
    if row.state == RunState::Queued {
        return conclude(tx, row.id, Conclusion::Cancelled, (why, now)).await;
    }
    let reason = serde_json::to_string(why).context("a reason")?;
    tx.cancel_run(row.id, &reason).await?;
    Ok(())
}

async fn find(tx: &mut Tx, repo: &Repo, run: &RunKey) -> Result<Option<RunRow>, JobError> {
    let of = Identity {
        sha: &run.sha,
        pipeline: &run.pipeline,
        digest: &run.digest,
        trust: run.trust.as_str(),
        try_no: run.attempt,
    };
    Ok(tx.find_run(repo.id, &of).await?)
}

async fn add(tx: &mut Tx, task: &Task, now: i64) -> Result<(), JobError> {
    Ok(super::queue::add(tx, &new_job(task, now)?).await?)
}
