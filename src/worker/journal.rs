//! What is learnt of a run while it is at work, and how it is written down: steps, log, findings, and the end.

use anyhow::Context as _;

use super::queue::{new_job, start};
use super::verdict::JobError;
use crate::context::Context;
use crate::domain::decide::Why;
use crate::domain::project::{Pipeline, ReportKind};
use crate::domain::record::{Body, Spec};
use crate::domain::run::{self, Annotation, Conclusion, FileChange, RunResult, StepResult, StepState};
use crate::domain::task::Task;
use crate::engine::{Outcome, RunEvent, StepExit};
use crate::store::{RunRow, RunState};
use crate::telemetry::Masker;

/// A check run's first progress is shown this long after its run began.
const FIRST_NEWS_MS: i64 = 2_000;
/// Log bytes kept at hand for the tail shown in the check.
const TAIL_BYTES: usize = 64 * 1024;

/// What has been learnt of a run so far.
pub struct Record {
    /// As it will stand in the run's row.
    pub body: Body,
    pending: Vec<(usize, Vec<u8>)>,
    taken: u64,
    limit: u64,
    tail: Vec<u8>,
    /// What its reports say, anywhere in the repository.
    pub findings: Vec<Annotation>,
    changed: bool,
    told_at: i64,
    again: bool,
}

impl Record {
    /// Of a run that begins, or begins again.
    pub fn new(pipeline: &Pipeline, limit: u64, row: &RunRow) -> Record {
        // A call of the repository's module is one step.
        let steps = pipeline.run.iter().chain(&pipeline.dagger);
        let steps = steps.map(|line| StepResult { name: line.clone(), ..StepResult::default() }).collect();
        let mut body = Body { result: RunResult { steps, ..RunResult::default() }, ..Body::default() };
        let old: Body = row.result.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        body.broken = old.broken;
        // Until an engine has it, it waits for what it waited for.
        body.why = old.why.filter(|why| matches!(why, Why::NoEngine { .. }));
        Record {
            body,
            pending: Vec::new(),
            taken: 0,
            limit,
            tail: Vec::new(),
            findings: Vec::new(),
            changed: true,
            told_at: 0,
            again: row.state == RunState::Running,
        }
    }

    /// Notes what the engine says.
    pub fn take(&mut self, event: RunEvent) {
        self.changed = true;
        match event {
            RunEvent::Begun => self.begun(),
            RunEvent::StepStarted { index } => {
                self.tail.clear();
                self.set(index, (StepState::Running, 0, false));
            }
            RunEvent::Log { step, bytes } => self.log(step, &bytes),
            RunEvent::StepFinished { index, exit, millis, cached } => self.set(index, (state(exit), millis, cached)),
            RunEvent::Report { kind, path, root, bytes } => self.report(kind, &path, (&root, &bytes)),
            RunEvent::Exported { digest } => self.body.export = Some(digest),
            RunEvent::Published { reference } => {
                self.body.result.notes.push(format!("Published {reference}."));
                self.body.published = Some(reference);
            }
            RunEvent::Answer(text) => self.body.result.answer = Some(text),
            RunEvent::Found(names) => self.body.found = names,
            RunEvent::Note(note) => self.body.result.notes.push(note),
        }
    }

    fn begun(&mut self) {
        self.body.why = None;
        let broken = self.body.broken.take();
        if self.again {
            let why = broken.as_deref().unwrap_or("the Fairway that ran it first stopped or lost its lease");
            self.body.result.notes.push(format!("Started again: {why}."));
        }
    }

    fn report(&mut self, kind: ReportKind, path: &str, (root, bytes): (&str, &[u8])) {
        let report = run::read_report(kind, bytes, &[root]);
        self.findings.extend(report.annotations);
        self.body.result.notes.extend(report.note.map(|note| format!("{path}: {note}")));
    }

    /// The engine hides secrets in the log; a report is read from a file and did not pass there.
    pub fn hide(&mut self, masker: &Masker) {
        let texts =
            self.findings.iter_mut().flat_map(|f| [&mut f.title, &mut f.message].into_iter().chain(&mut f.raw_details));
        let words = self.body.result.notes.iter_mut().chain(&mut self.body.result.answer);
        for text in texts.chain(words) {
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

    /// Stores the log that is held.
    pub async fn write(&mut self, ctx: &Context, id: i64) -> Result<(), JobError> {
        for (step, bytes) in self.pending.drain(..) {
            ctx.store.append_log(id, step as i64, ctx.clock.now(), &bytes).await?;
        }
        Ok(())
    }

    /// Log bytes that are held.
    pub fn held(&self) -> usize {
        self.pending.iter().map(|(_, bytes)| bytes.len()).sum()
    }

    /// Shows what changed: in the row at once, at GitHub not more often than the policy says.
    pub async fn progress(&mut self, ctx: &Context, id: i64) -> Result<(), JobError> {
        if !std::mem::take(&mut self.changed) {
            return Ok(());
        }
        self.body.tail = run::tail(&self.tail, 30, 8_000);
        let body = serde_json::to_string(&self.body).context("a run's result")?;
        ctx.store.progress_run(id, &body).await?;
        let now = ctx.clock.now();
        if now - self.told_at >= ctx.policy.progress_ms {
            let first = self.told_at == 0;
            // The first news comes soon, for it says that something moves.
            self.told_at = if first { now - ctx.policy.progress_ms + FIRST_NEWS_MS } else { now };
            if !first {
                start(ctx, &[new_job(&Task::SyncCheck { run: id }, now)?]).await?;
            }
        }
        Ok(())
    }

    /// No engine can take the run now, or the one that had it failed: the check says so, and the job waits its turn.
    pub async fn put_off(&mut self, ctx: &Context, id: i64, why: Why) -> Result<(), JobError> {
        if self.body.why.as_ref() == Some(&why) {
            return Ok(());
        }
        self.body.why = Some(why);
        let body = serde_json::to_string(&self.body).context("a run's result")?;
        ctx.store.progress_run(id, &body).await?;
        Ok(start(ctx, &[new_job(&Task::SyncCheck { run: id }, ctx.clock.now())?]).await?)
    }

    /// What the outcome means for the check.
    pub fn conclude(&mut self, outcome: &Outcome) -> Conclusion {
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
            Outcome::Impossible(sentence) | Outcome::Broken(sentence) | Outcome::NotNow(sentence) => {
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
    pub async fn annotate(&mut self, ctx: &Context, spec: &Spec) {
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
