//! One run from claim to end: the engine works, the lease is kept, the log and the steps are written down as they come.
//!
//! Wished: a process that dies loses nothing but time; a cancelled run ends within a second; a run that another process took over is never ended by us.

use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::journal::Record;
use super::queue::{add, calmly_shown, new_job, start};
use super::reuse;
use super::verdict::JobError;
use crate::context::Context;
use crate::domain::decide::Why;
use crate::domain::project::Pipeline;
use crate::domain::record::Spec;
use crate::domain::task::{Event, Key, RunKey, Task, Trust};
use crate::engine::{Outcome, RunEvent, RunSpec};
use crate::settings::Secret;
use crate::store::{Job, RunRow, RunState};

/// Events that may wait between the engine and the database before the engine has to wait.
const BACKLOG: usize = 256;
/// Log bytes are written in pieces no older than this.
const FLUSH_EVERY: Duration = Duration::from_millis(400);
/// Log bytes are written in pieces no larger than this.
const FLUSH_BYTES: usize = 64 * 1024;

/// A run that waits for an engine asks again after this long.
const ASK_AGAIN_MS: i64 = 2_000;
/// A run that has waited for an engine this long says so.
const SAY_AFTER_MS: i64 = 60_000;

/// How a run ended for us.
enum End {
    /// With an outcome.
    Outcome(Outcome),
    /// Fairway stops: the job goes back, untouched, for the next one.
    HandBack,
    /// The lease is no longer ours; somebody else has the run.
    Lost,
}

/// Does an `Execute` job.
pub async fn execute(ctx: &Context, job: &Job, id: i64, stop: &CancellationToken) -> Result<(), JobError> {
    let Some(row) = ctx.store.run(id).await? else { return super::queue::finish(ctx, job, &[]).await };
    if row.state == RunState::Done {
        return super::queue::finish(ctx, job, &[]).await;
    }
    let spec: Spec = serde_json::from_str(&row.spec).context("a run's definition cannot be read")?;
    let Some(pipeline) = spec.pipeline.clone() else { return super::queue::finish(ctx, job, &[]).await };
    let mut record = Record::new(&pipeline, ctx.policy.log_bytes, &row);
    if let Some(reason) = &row.cancel {
        record.body.why = serde_json::from_str(reason).ok();
        return end(ctx, job, (&row, &spec), (record, Outcome::Cancelled)).await;
    }
    let key = reuse::key(ctx, &row, (&spec, &pipeline)).await?;
    ctx.store.set_reuse_key(id, key.as_deref()).await?;
    if let Some(body) = reuse::earlier(ctx, (&row, &spec), key.as_deref()).await? {
        record.body = body;
        record.findings = std::mem::take(&mut record.body.result.annotations);
        return end(ctx, job, (&row, &spec), (record, Outcome::Success)).await;
    }
    let prepared = prepare(ctx, (&row, &spec, &pipeline), job).await?;
    let token = ctx.live.enter(id);
    let ended = drive(ctx, (job, id), prepared, (&mut record, &token, stop)).await;
    ctx.live.leave(id);
    match ended? {
        End::Outcome(Outcome::NotNow(why)) => Err(not_now(ctx, job, (&mut record, id), why).await?),
        End::Outcome(outcome) => {
            if matches!(outcome, Outcome::Cancelled) {
                let fresh = ctx.store.run(id).await?;
                record.body.why = fresh.and_then(|r| r.cancel).and_then(|c| serde_json::from_str(&c).ok());
            }
            end(ctx, job, (&row, &spec), (record, outcome)).await
        }
        End::HandBack => {
            ctx.store.give_back(job, ctx.clock.now()).await?;
            Ok(())
        }
        End::Lost => {
            tracing::warn!(run = id, "the lease was lost; another process has the run");
            Ok(())
        }
    }
}

/// Waiting for an engine is nobody's failure. After a while the check says what is waited for.
async fn not_now(
    ctx: &Context,
    job: &Job,
    (record, id): (&mut Record, i64),
    sentence: String,
) -> Result<JobError, JobError> {
    let now = ctx.clock.now();
    if now - job.created_at >= SAY_AFTER_MS {
        record.put_off(ctx, id, Why::NoEngine { sentence: sentence.clone() }).await?;
    }
    Ok(JobError::Wait { until: now + ASK_AGAIN_MS, why: sentence })
}

async fn prepare(
    ctx: &Context,
    (row, spec, pipeline): (&RunRow, &Spec, &Pipeline),
    job: &Job,
) -> Result<RunSpec, JobError> {
    let trust = Trust::parse(&row.trust);
    let names: Vec<&str> = pipeline.secrets.iter().map(String::as_str).collect();
    let secrets = super::secrets::for_run(ctx, &spec.repo, trust, &names).await?;
    Ok(RunSpec {
        run_id: row.id,
        attempt: job.attempt,
        repo: spec.repo.full_name(),
        clone_url: ctx.github.clone_url(&spec.repo),
        checkout: None,
        token: Some(Secret::new(ctx.github.clone_token(&spec.repo).await?)),
        sha: row.sha.clone(),
        steps: pipeline.run.clone(),
        call: pipeline.call(),
        publish: pipeline.publish.as_ref().map(|name| name.replace("{sha}", &row.sha)),
        env: pipeline.env.clone(),
        secrets,
        caches: pipeline.cache.clone(),
        cache_scope: format!("{}/{}", spec.repo.id, trust.cache_scope(spec.pull)),
        timeout: Duration::from_millis(pipeline.timeout_ms.max(0) as u64),
        reports: pipeline.report.clone(),
        export: pipeline.export.clone(),
        fork: trust == Trust::Fork,
        image: pipeline.image.clone(),
        services: pipeline.services.clone(),
        failures: job.failures,
        // Whoever asks for another try wants one that runs.
        fresh: spec.again.then(|| (0, row.id.to_string())),
    })
}

/// Runs the engine, writes down what it says, keeps the lease.
async fn drive(
    ctx: &Context,
    (job, id): (&Job, i64),
    spec: RunSpec,
    (record, cancel, stop): (&mut Record, &CancellationToken, &CancellationToken),
) -> Result<End, JobError> {
    let (tx, mut rx) = mpsc::channel(BACKLOG);
    let mut engine = std::pin::pin!(ctx.engine.run(spec, tx, cancel.clone()));
    let mut outcome = None;
    let mut flush = tokio::time::interval(FLUSH_EVERY);
    let mut beat = tokio::time::interval(Duration::from_millis((ctx.policy.lease_ms / 3).max(1) as u64));
    let mut handing_back = false;
    loop {
        tokio::select! {
            biased;
            event = rx.recv() => match event {
                Some(event) => {
                    if event == RunEvent::Begun && !begun(ctx, id).await? {
                        cancel.cancel();
                    }
                    record.take(event);
                    if record.held() >= FLUSH_BYTES {
                        record.write(ctx, id).await?;
                    }
                }
                // The engine dropped its sender: everything it had to say has arrived.
                None => match outcome.take() {
                    Some(outcome) => {
                        record.write(ctx, id).await?;
                        return Ok(if handing_back { End::HandBack } else { End::Outcome(outcome) });
                    }
                    None => outcome = Some((&mut engine).await),
                },
            },
            done = &mut engine, if outcome.is_none() => outcome = Some(done),
            _ = flush.tick() => {
                record.write(ctx, id).await?;
                record.progress(ctx, id).await?;
            }
            _ = beat.tick() => {
                if !ctx.store.heartbeat(job, ctx.clock.now() + ctx.policy.lease_ms).await? {
                    cancel.cancel();
                    return Ok(End::Lost);
                }
            }
            () = stop.cancelled(), if !handing_back => {
                handing_back = true;
                cancel.cancel();
            }
        }
    }
}

/// An engine has the run: from now on it is running. `false`: it has been ended meanwhile.
async fn begun(ctx: &Context, id: i64) -> Result<bool, JobError> {
    let now = ctx.clock.now();
    let ours = ctx.store.start_run(id, now, ctx.engine.name(), &ctx.policy.node).await?;
    start(ctx, &[calmly_shown(id, now)?]).await?;
    Ok(ours)
}

/// Writes the end, tells every aggregate that wanted the run, and shows it at GitHub: one transaction.
async fn end(
    ctx: &Context,
    job: &Job,
    (row, spec): (&RunRow, &Spec),
    (mut record, outcome): (Record, Outcome),
) -> Result<(), JobError> {
    // An engine's trouble may pass; after a few tries the check says what it is.
    if let Outcome::Broken(sentence) = &outcome
        && job.failures < ctx.policy.max_failures.min(3)
    {
        record.body.broken = Some(sentence.clone());
        ctx.store.progress_run(row.id, &serde_json::to_string(&record.body).context("a run's result")?).await?;
        return Err(JobError::Other(anyhow::anyhow!("{sentence}")));
    }
    let conclusion = record.conclude(&outcome);
    record.hide(&ctx.masker);
    record.annotate(ctx, spec).await;
    let now = ctx.clock.now();
    let found = spec.found(&record.body);
    let body = serde_json::to_string(&record.body).context("a run's result")?;
    let Some(mut tx) = ctx.store.finish(job).await? else { return Ok(()) };
    tx.end_run(row.id, conclusion.as_str(), &body, now).await?;
    let key = RunKey {
        sha: row.sha.clone(),
        pipeline: row.pipeline.clone(),
        digest: row.digest.clone(),
        trust: Trust::parse(&row.trust),
        attempt: row.try_no,
    };
    for subject in tx.subjects_of(row.id).await? {
        if let Some(subject) = Key::parse(&subject) {
            let event = Event::RunFinished { run: key.clone(), conclusion, found: found.clone() };
            add(&mut tx, &new_job(&Task::tell(subject, event), now)?).await?;
        }
    }
    add(&mut tx, &new_job(&Task::SyncCheck { run: row.id }, now)?).await?;
    tx.commit().await.context("ending a run")?;
    Ok(())
}
