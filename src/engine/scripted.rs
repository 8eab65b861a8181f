//! An engine for tests and benches: no processes; each step does what its words say.
//!
//! `ok`, `fail 3`, `log some words`, `wait` (until cancelled), `report PATH <xml/>` (JUnit).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use sha2::Digest as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Engine, Export, Outcome, RunEvent, RunSpec, StepExit};
use crate::domain::project::{Call, Pipeline, ReportKind};

/// It remembers nothing but what it exported. Clones are the same engine.
#[derive(Clone, Debug, Default)]
pub struct Scripted {
    /// Why it refuses forks, if it is to.
    pub refuses_forks: Option<String>,
    // Without it, it tells of no exports.
    made_at: Option<i64>,
    exports: Arc<Mutex<BTreeMap<String, bool>>>,
}

impl Scripted {
    /// One that tells of its exports, and says that they were made then; Unix milliseconds.
    pub fn that_keeps(made_at: i64) -> Scripted {
        Scripted { made_at: Some(made_at), ..Scripted::default() }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, bool>> {
        self.exports.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn isolation(&self) -> String {
        String::new()
    }

    fn refuses_forks(&self) -> Option<String> {
        self.refuses_forks.clone()
    }

    fn fingerprint<'a>(&'a self, _pipeline: &'a Pipeline) -> BoxFuture<'a, Option<String>> {
        Box::pin(std::future::ready(Some(self.name().to_owned())))
    }

    fn kept(&self, digest: &str) -> Option<std::path::PathBuf> {
        let there = self.lock().get(digest).copied().unwrap_or(true);
        there.then(|| std::path::PathBuf::from("."))
    }

    fn exports(&self) -> Vec<Export> {
        let all = self.lock();
        let there = all.iter().filter(|(_, there)| **there);
        self.made_at.map_or_else(Vec::new, |made_at| {
            there.map(|(digest, _)| Export { digest: digest.clone(), made_at }).collect()
        })
    }

    fn forget(&self, digest: &str) {
        self.lock().insert(digest.to_owned(), false);
    }

    fn run(&self, spec: RunSpec, events: mpsc::Sender<RunEvent>, cancel: CancellationToken) -> BoxFuture<'_, Outcome> {
        if let Some(digest) = digest(&spec) {
            self.lock().insert(digest, true);
        }
        Box::pin(play(spec, events, cancel))
    }
}

async fn play(spec: RunSpec, events: mpsc::Sender<RunEvent>, cancel: CancellationToken) -> Outcome {
    say(&events, RunEvent::Begun).await;
    if let Some(call) = &spec.call {
        return answer(call, &events).await;
    }
    for (index, step) in spec.steps.iter().enumerate() {
        if cancel.is_cancelled() {
            return Outcome::Cancelled;
        }
        say(&events, RunEvent::StepStarted { index }).await;
        let exit = obey((index, step), &events, &cancel).await;
        say(&events, RunEvent::StepFinished { index, exit, millis: 1_000, cached: false }).await;
        match exit {
            StepExit::Code(0) => {}
            StepExit::Cancelled => return Outcome::Cancelled,
            _ => return Outcome::Failed,
        }
    }
    if let Some(digest) = digest(&spec) {
        say(&events, RunEvent::Exported { digest }).await;
    }
    Outcome::Success
}

/// What it exports of a commit is always the same.
fn digest(spec: &RunSpec) -> Option<String> {
    let what = spec.export.as_ref()?;
    Some(hex::encode(sha2::Sha256::digest(format!("{what} of {}", spec.sha))))
}

/// Every repository's module has the checks `good` and `bad`.
async fn answer(call: &Call, events: &mpsc::Sender<RunEvent>) -> Outcome {
    say(events, RunEvent::StepStarted { index: 0 }).await;
    let exit = StepExit::Code(if *call == Call::Check("bad".to_owned()) { 2 } else { 0 });
    if *call == Call::Checks {
        say(events, RunEvent::Found(vec!["good".to_owned(), "bad".to_owned()])).await;
    }
    say(events, RunEvent::StepFinished { index: 0, exit, millis: 1_000, cached: false }).await;
    if exit == StepExit::Code(0) { Outcome::Success } else { Outcome::Failed }
}

async fn obey((index, step): (usize, &str), events: &mpsc::Sender<RunEvent>, cancel: &CancellationToken) -> StepExit {
    let (word, rest) = step.split_once(' ').unwrap_or((step, ""));
    match word {
        "fail" => return StepExit::Code(rest.trim().parse().unwrap_or(1)),
        "wait" => {
            cancel.cancelled().await;
            return StepExit::Cancelled;
        }
        "log" => say(events, RunEvent::Log { step: index, bytes: format!("{rest}\n").into_bytes() }).await,
        "report" => {
            let (path, bytes) = rest.split_once(' ').unwrap_or((rest, ""));
            let (path, bytes) = (path.to_owned(), bytes.as_bytes().to_vec());
            say(events, RunEvent::Report { kind: ReportKind::Junit, path, root: "/src".to_owned(), bytes }).await;
        }
        _ => {}
    }
    StepExit::Code(0)
}

/// A receiver that is gone listens to nothing more; the outcome is then nobody's business either.
async fn say(events: &mpsc::Sender<RunEvent>, event: RunEvent) {
    drop(events.send(event).await);
}
