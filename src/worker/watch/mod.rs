//! A rollout on its way: look, judge, shift, write down. The only writer of a weight.
//!
//! Wished: killed at any instruction, it goes on from what was written down and from what the host shows; nothing is
//! raised twice, and an abort needs nothing but the host.

mod look;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use super::queue::{add, new_job, timer};
use super::rolled;
use super::verdict::JobError;
use crate::context::Context;
use crate::domain::release::{RolloutSpec, Steered, excuses};
use crate::domain::rollout::{
    Action, Health, Outcome, Rollout, Signal, Steer, Why, done_first, due, moved, step, told,
};
use crate::domain::speech;
use crate::domain::task::{Event, Key, Task};
use crate::host::{Target, TargetError};
use crate::store::{Job, Marks, RolloutRow};

/// Between two looks.
const EVERY_MS: i64 = 100;
/// A host that is away is asked again after this long. Nothing can be shifted meanwhile, in either direction.
const AWAY_MS: i64 = 500;

/// What one look came to.
enum Looked {
    On,
    Over,
}

/// Does a `Watch` job: so many looks, then it goes back into the queue.
pub async fn watch(ctx: &Context, job: &Job, id: i64, stop: &CancellationToken) -> Result<(), JobError> {
    for _ in 0..ctx.policy.watch_looks {
        if stop.is_cancelled() {
            break;
        }
        match look(ctx, job, id).await? {
            Looked::Over => return Ok(()),
            Looked::On => {}
        }
        if ctx.policy.watch_looks > 1 {
            let next = ctx.clock.now() + EVERY_MS;
            tokio::select! { () = stop.cancelled() => {} () = ctx.clock.sleep_until(next) => {} }
        }
    }
    let until = ctx.clock.now() + if ctx.policy.watch_looks > 1 { 0 } else { EVERY_MS };
    Err(JobError::Wait { until, why: "a rollout is on its way".to_owned() })
}

async fn look(ctx: &Context, job: &Job, id: i64) -> Result<Looked, JobError> {
    let Some(row) = ctx.store.rollout(id).await?.filter(|row| row.marks.ended_at.is_none()) else {
        super::queue::finish(ctx, job, &[]).await?;
        return Ok(Looked::Over);
    };
    let spec = rolled::spec(&row)?;
    let said: Vec<Steered> = serde_json::from_str(&row.orders).context("a rollout's orders cannot be read")?;
    let orders: Vec<Steer> = said.into_iter().map(|said| said.steer).collect();
    let before = rolled::state(&row)?.unwrap_or_else(|| spec.begin());
    let target = ctx.host.as_deref().ok_or_else(|| away(ctx, "FAIRWAY_HOST is not set any more"))?;
    let place = look::Place::of(&row, &spec);
    let (mut seen, service) = place.observe(target, ctx.clock.now()).await.map_err(|e| away(ctx, &e.to_string()))?;
    let (mut after, mut actions) = step(before.clone(), &orders, &seen);
    if actions.contains(&Action::Prepare) {
        // What the host will never start is known at this look already.
        if let Err(TargetError::Refused(why)) = place.prepare(ctx, target, &spec).await? {
            seen.health = Health::Crashing(why);
            (after, actions) = step(before.clone(), &orders, &seen);
        }
        actions.retain(|action| *action != Action::Prepare);
    }
    let first = done_first(&actions);
    if first {
        act(&place, target, (&service, &actions)).await.map_err(|e| away(ctx, &e.to_string()))?;
    }
    let over = after.ended().is_some();
    let news = row.state.is_none() || moved(&before, &after);
    if (news || due(&before, ctx.clock.now())) && !save(ctx, job, (&row, &spec), (&before, &after, news)).await? {
        return Ok(Looked::Over);
    }
    if !first {
        act(&place, target, (&service, &actions)).await.map_err(|e| away(ctx, &e.to_string()))?;
    }
    Ok(if over { Looked::Over } else { Looked::On })
}

fn away(ctx: &Context, why: &str) -> JobError {
    JobError::Wait { until: ctx.clock.now() + AWAY_MS, why: why.to_owned() }
}

async fn act(
    place: &look::Place,
    target: &dyn Target,
    (service, actions): (&crate::host::Service, &[Action]),
) -> Result<(), TargetError> {
    for action in actions {
        let done = match action {
            Action::Prepare => Ok(()),
            Action::Write(weight) => place.write(target, service, *weight).await,
            Action::Probe => place.probe(target).await,
            Action::Adopt => place.adopt(target, service).await,
            Action::Retire => place.retire(target, service).await,
        };
        match done {
            // Somebody was faster, or the place is in use: the next look sees what is true.
            Err(TargetError::Stale(_) | TargetError::Refused(_)) if matches!(action, Action::Write(_)) => {}
            done => done?,
        }
    }
    Ok(())
}

/// Writes it down, and tells whoever has to know. `false`: somebody else has the rollout now.
async fn save(
    ctx: &Context,
    job: &Job,
    (row, spec): (&RolloutRow, &RolloutSpec),
    (before, after, news): (&Rollout, &Rollout, bool),
) -> Result<bool, JobError> {
    let now = ctx.clock.now();
    let ended = after.ended();
    let tx = if ended.is_some() { ctx.store.finish(job).await? } else { ctx.store.fenced(job).await? };
    let Some(mut tx) = tx else { return Ok(false) };
    let state = serde_json::to_string(after).context("a rollout's state")?;
    tx.save_rollout(row.id, (&state, &marks(after, now)), now).await?;
    if let Some(news) = told(before, after) {
        let key = Key::Env(row.repo_id, row.environment.clone());
        let event = Event::Rollout { number: row.number, news };
        add(&mut tx, &new_job(&Task::tell(key, event), now)?).await?;
    }
    if before.full_at.is_none() && after.full_at.is_some() && row.base_sha.as_ref().is_some_and(|base| *base != row.sha)
    {
        add(&mut tx, &new_job(&Task::Brought { rollout: row.id }, now)?).await?;
    }
    // More of the same is not shown more often; what is on its way to be shown takes the earlier time.
    let later = now + ctx.policy.progress_ms;
    let faces = [Task::SyncDeployment { rollout: row.id }, Task::SyncRollout { rollout: row.id }];
    for task in faces.iter().chain(&spec.pull.map(|n| Task::SyncSticky { key: Key::Pull(row.repo_id, n) })) {
        let job = if news { new_job(task, now)? } else { timer(task, (now, later))? };
        add(&mut tx, &job).await?;
    }
    tx.commit().await.context("writing down how far a rollout is")?;
    Ok(true)
}

fn marks(rollout: &Rollout, now: i64) -> Marks {
    let ended = rollout.ended();
    let gone = ended.filter(|outcome| *outcome != Outcome::Live);
    let later = gone.is_some() && rollout.full_at.is_some();
    // The judge decides in the moment in which it sees it; what made somebody decide, nobody knows.
    let by_itself = gone == Some(Outcome::AbortedAuto);
    let seen = match &rollout.why {
        Why::Worse { signal: Signal::Slow, .. } => rollout.timed.since,
        _ => rollout.bad_since,
    };
    let since = if by_itself { seen.or(rollout.failed_at) } else { rollout.failed_at };
    Marks {
        first_traffic_at: rollout.first_traffic_at,
        full_at: rollout.full_at,
        ended_at: ended.map(|_| now),
        // One that had everything went live, whatever came later.
        outcome: ended.map(|outcome| if later { Outcome::Live } else { outcome }.as_str().to_owned()),
        decision: ended.map(|_| speech::rollout::ended(rollout)),
        max_weight: i64::from(rollout.most.basis_points()),
        exposure: rollout.exposure,
        bad_requests: i64::try_from(rollout.candidate.bad).unwrap_or(i64::MAX),
        detected_at: rollout.failed_at.filter(|_| by_itself),
        decided_at: rollout.failed_at,
        excused: matches!(&rollout.why, Why::Asked { reason, .. } if excuses(reason)),
        failed_at: since.filter(|_| later),
        failed_by: later.then(|| "rollback".to_owned()),
        restored_at: gone.map(|_| now),
    }
}
