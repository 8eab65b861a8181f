//! One run from claim to end: the engine works, the lease is kept, the log and the steps are written down as they come.
//!
//! Wished: a process that dies loses nothing but time; a cancelled run ends within a second; a run that another process took over is never ended by us.

use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::queue::{add, new_job, start};
use super::reuse;
use super::verdict::JobError;
use crate::context::Context;
use crate::domain::decide::Why;
use crate::domain::project::{Pipeline, ReportKind};
use crate::domain::record::{Body, Spec};
use crate::domain::run::{self, Annotation, Conclusion, FileChange, RunResult, StepResult, StepState};
use crate::domain::task::{Event, Key, RunKey, Task, Trust};
use crate::engine::{Outcome, RunEvent, RunSpec, StepExit};
use crate::settings::Secret;
use crate::store::{Job, RunRow, RunState};
use crate::telemetry::Masker;

/// Events that may wait between the engine and the database before the engine has to wait.
const BACKLOG: usize = 256;
/// Log bytes are written in pieces no older than this.
const FLUSH_EVERY: Duration = Duration::from_millis(400);
/// Log bytes are written in pieces no larger than this.
const FLUSH_BYTES: usize = 64 * 1024;
/// Log bytes kept at hand for the tail shown in the check.
const TAIL_BYTES: usize = 64 * 1024;

/// What has no steps has not passed.
const NO_STEPS: &str = "This pipeline calls a function of a Dagger module, which this version of Fairway does not do yet. Give it a `run` instead.";

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
    let mut record = Record::new(&pipeline, ctx.policy.log_bytes, job.attempt);
    if let Some(reason) = &row.cancel {
        record.body.why = serde_json::from_str(reason).ok();
        return end(ctx, job, (&row, &spec), (record, Outcome::Cancelled)).await;
    }
    if pipeline.run.is_empty() {
        let outcome = Outcome::Impossible(NO_STEPS.to_owned());
        return end(ctx, job, (&row, &spec), (record, outcome)).await;
    }
    let key = reuse::key(ctx, &row, (&spec, &pipeline)).await?;
    ctx.store.set_reuse_key(id, key.as_deref()).await?;
    if let Some(body) = reuse::earlier(ctx, (&row, &spec), key.as_deref()).await? {
        record.body = body;
        record.findings = std::mem::take(&mut record.body.result.annotations);
        return end(ctx, job, (&row, &spec), (record, Outcome::Success)).await;
    }
    let now = ctx.clock.now();
    ctx.store.start_run(id, now, ctx.engine.name(), &ctx.policy.node).await?;
    start(ctx, &[new_job(&Task::SyncCheck { run: id }, now)?]).await?;
    let prepared = prepare(ctx, (&row, &spec, &pipeline), job).await?;
    let token = ctx.live.enter(id);
    let ended = drive(ctx, (job, id), prepared, (&mut record, &token, stop)).await;
    ctx.live.leave(id);
    match ended? {
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
        token: Some(Secret::new(ctx.github.clone_token(&spec.repo).await?)),
        sha: row.sha.clone(),
        steps: pipeline.run.clone(),
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
                    record.take(event);
                    if record.pending.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() >= FLUSH_BYTES {
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
        return Err(JobError::Other(anyhow::anyhow!("{sentence}")));
    }
    let conclusion = record.conclude(&outcome);
    record.hide(&ctx.masker);
    record.annotate(ctx, spec).await;
    let now = ctx.clock.now();
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
            let event = Event::RunFinished { run: key.clone(), conclusion };
            add(&mut tx, &new_job(&Task::Event { key: subject, event: Box::new(event) }, now)?).await?;
        }
    }
    add(&mut tx, &new_job(&Task::SyncCheck { run: row.id }, now)?).await?;
    tx.commit().await.context("ending a run")?;
    Ok(())
}

/// What has been learnt of a run so far.
struct Record {
    body: Body,
    pending: Vec<(usize, Vec<u8>)>,
    taken: u64,
    limit: u64,
    tail: Vec<u8>,
    findings: Vec<Annotation>,
    changed: bool,
    told_at: i64,
}

impl Record {
    fn new(pipeline: &Pipeline, limit: u64, attempt: i64) -> Record {
        let steps =
            pipeline.run.iter().map(|line| StepResult { name: line.clone(), ..StepResult::default() }).collect();
        let mut body = Body { result: RunResult { steps, ..RunResult::default() }, ..Body::default() };
        if attempt > 1 {
            body.result
                .notes
                .push("Started again: the Fairway that ran it first stopped or lost its lease.".to_owned());
        }
        Record {
            body,
            pending: Vec::new(),
            taken: 0,
            limit,
            tail: Vec::new(),
            findings: Vec::new(),
            changed: true,
            told_at: 0,
        }
    }

    fn take(&mut self, event: RunEvent) {
        self.changed = true;
        match event {
            RunEvent::StepStarted { index } => {
                self.tail.clear();
                self.set(index, (StepState::Running, 0, false));
            }
            RunEvent::Log { step, bytes } => self.log(step, &bytes),
            RunEvent::StepFinished { index, exit, millis, cached } => self.set(index, (state(exit), millis, cached)),
            RunEvent::Report { kind, path, root, bytes } => self.report(kind, &path, (&root, &bytes)),
            RunEvent::Exported { digest } => self.body.export = Some(digest),
            RunEvent::Note(note) => self.body.result.notes.push(note),
        }
    }

    fn report(&mut self, kind: ReportKind, path: &str, (root, bytes): (&str, &[u8])) {
        let roots = [root];
        let report = match kind {
            ReportKind::Junit => run::junit(bytes, &roots),
            ReportKind::Sarif => run::sarif(bytes, &roots),
            ReportKind::CargoJson => run::cargo_json(bytes, &roots),
        };
        self.findings.extend(report.annotations);
        self.body.result.notes.extend(report.note.map(|note| format!("{path}: {note}")));
    }

    /// The engine hides secrets in the log; a report is read from a file and did not pass there.
    fn hide(&mut self, masker: &Masker) {
        let texts =
            self.findings.iter_mut().flat_map(|f| [&mut f.title, &mut f.message].into_iter().chain(&mut f.raw_details));
        for text in texts.chain(&mut self.body.result.notes) {
            *text = masker.mask(text).into_owned();
        }
    }

    fn set(&mut self, index: usize, (state, millis, cached): (StepState, i64, bool)) {
        if let Some(step) = self.body.result.steps.get_mut(index) {
            (step.state, step.millis, step.cached) = (state, millis, cached);
        }
    }

    fn log(&mut self, step: usize, bytes: &[u8]) {
        let kept = &bytes[..bytes.len().min(self.limit.saturating_sub(self.taken) as usize)];
        self.taken += kept.len() as u64;
        match self.pending.last_mut() {
            Some((last, held)) if *last == step => held.extend_from_slice(kept),
            _ if kept.is_empty() => {}
            _ => self.pending.push((step, kept.to_vec())),
        }
        self.tail.extend_from_slice(bytes);
        if self.tail.len() > 2 * TAIL_BYTES {
            self.tail.drain(..self.tail.len() - TAIL_BYTES);
        }
    }

    async fn write(&mut self, ctx: &Context, id: i64) -> Result<(), JobError> {
        for (step, bytes) in self.pending.drain(..) {
            ctx.store.append_log(id, step as i64, ctx.clock.now(), &bytes).await?;
        }
        Ok(())
    }

    /// Shows what changed: in the row at once, at GitHub not more often than the policy says.
    async fn progress(&mut self, ctx: &Context, id: i64) -> Result<(), JobError> {
        if !std::mem::take(&mut self.changed) {
            return Ok(());
        }
        self.body.tail = run::tail(&self.tail, 30, 8_000);
        let body = serde_json::to_string(&self.body).context("a run's result")?;
        ctx.store.progress_run(id, &body).await?;
        let now = ctx.clock.now();
        if now - self.told_at >= ctx.policy.progress_ms {
            let first = self.told_at == 0;
            self.told_at = now;
            if !first {
                start(ctx, &[new_job(&Task::SyncCheck { run: id }, now)?]).await?;
            }
        }
        Ok(())
    }

    fn conclude(&mut self, outcome: &Outcome) -> Conclusion {
        self.body.tail = run::tail(&self.tail, 30, 16_000);
        let conclusion = match outcome {
            Outcome::Success => Conclusion::Success,
            Outcome::Failed => Conclusion::Failure,
            Outcome::TimedOut => Conclusion::TimedOut,
            Outcome::Cancelled => Conclusion::Cancelled,
            Outcome::Refused(sentence) => {
                self.body.why = Some(Why::Refused { sentence: sentence.clone() });
                Conclusion::ActionRequired
            }
            Outcome::Impossible(sentence) | Outcome::Broken(sentence) => {
                self.body.why = Some(Why::Trouble { sentence: sentence.clone() });
                Conclusion::Failure
            }
        };
        for step in &mut self.body.result.steps {
            step.state = match step.state {
                StepState::Waiting => StepState::NotRun,
                StepState::Running if conclusion == Conclusion::TimedOut => StepState::TimedOut,
                StepState::Running => StepState::Cancelled,
                ref ended => ended.clone(),
            };
        }
        conclusion
    }

    /// Findings are shown on the lines that the pull request changes; the rest is counted.
    async fn annotate(&mut self, ctx: &Context, spec: &Spec) {
        let findings = std::mem::take(&mut self.findings);
        let Some(number) = spec.pull.filter(|_| !findings.is_empty()) else {
            self.body.result.annotations = findings;
            return;
        };
        match ctx.github.pull_files(&spec.repo, number).await {
            Ok(files) => {
                let changes: Vec<FileChange> =
                    files.files.into_iter().map(|f| FileChange { path: f.path, patch: f.patch }).collect();
                (self.body.result.annotations, self.body.left_out) = run::on_changed_lines(findings, &changes);
            }
            Err(error) => {
                tracing::warn!("changed lines could not be read, so all findings are shown: {error}");
                self.body.result.annotations = findings;
            }
        }
    }
}

fn state(exit: StepExit) -> StepState {
    match exit {
        StepExit::Code(0) => StepState::Passed,
        StepExit::Code(exit) => StepState::Failed { exit },
        StepExit::TimedOut => StepState::TimedOut,
        StepExit::Cancelled => StepState::Cancelled,
    }
}
