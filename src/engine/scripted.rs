//! An engine for tests and benches: no processes; each step does what its words say.
//!
//! `ok`, `fail 3`, `log some words`, `wait` (until cancelled), `report PATH <xml/>` (JUnit).

use futures_util::future::BoxFuture;
use sha2::Digest as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Engine, Outcome, RunEvent, RunSpec, StepExit};
use crate::domain::project::{Call, Pipeline, ReportKind};

/// It has no state of its own.
#[derive(Clone, Debug, Default)]
pub struct Scripted {
    /// Why it refuses forks, if it is to.
    pub refuses_forks: Option<String>,
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

    fn kept(&self, _digest: &str) -> Option<std::path::PathBuf> {
        Some(std::path::PathBuf::from("."))
    }

    fn run(&self, spec: RunSpec, events: mpsc::Sender<RunEvent>, cancel: CancellationToken) -> BoxFuture<'_, Outcome> {
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
    if let Some(what) = &spec.export {
        let digest = hex::encode(sha2::Sha256::digest(format!("{what} of {}", spec.sha)));
        say(&events, RunEvent::Exported { digest }).await;
    }
    Outcome::Success
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
