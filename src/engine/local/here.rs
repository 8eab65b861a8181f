//! Runs steps in a checkout as it stands, with the person's own tools and environment: no clone and no sandbox. What a
//! step started ends with it all the same, because the guard stands between.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::guard::Order;
use super::step::Steps;
use crate::domain::project::Pipeline;
use crate::engine::{Engine, Outcome, RunEvent, RunSpec, harvest};

/// The engine of `fairway run`.
pub struct Here {
    /// The program that has the `guard` verb.
    pub exe: PathBuf,
    /// The checkout.
    pub place: PathBuf,
    /// The person's environment.
    pub env: Vec<(String, String)>,
    /// A directory of ours, for locks.
    pub scratch: PathBuf,
}

/// Between a polite end and a hard one.
const GRACE: Duration = Duration::from_secs(2);

impl Here {
    async fn perform(
        &self,
        spec: RunSpec,
        events: mpsc::Sender<RunEvent>,
        cancel: CancellationToken,
    ) -> std::io::Result<Outcome> {
        if spec.call.is_some() {
            return Ok(Outcome::Refused(super::MODULES.to_owned()));
        }
        drop(events.send(RunEvent::Begun).await);
        let mut env = self.env.clone();
        env.extend([("CI", "true"), ("FAIRWAY", "true")].map(|(key, value)| (key.to_owned(), value.to_owned())));
        env.extend(spec.env.clone());
        env.extend(spec.secrets.iter().map(|(name, value)| (name.clone(), value.reveal().to_owned())));
        let mut steps = Steps {
            index: 0,
            exe: &self.exe,
            env,
            deadline: Instant::now() + spec.timeout,
            quota: (&self.scratch, u64::MAX),
            events: &events,
            cancel: &cancel,
        };
        let outcome = steps.all(&spec, |line| Ok(self.order(&spec, line))).await?;
        harvest::tell_reports(&spec, (&self.place, &self.place.display().to_string()), &events).await;
        Ok(outcome)
    }

    fn order(&self, spec: &RunSpec, line: &str) -> Order {
        Order {
            lock: self.scratch.join(format!("{}.lock", spec.run_id)),
            dir: self.place.clone(),
            sandbox: Vec::new(),
            command: ["/bin/sh", "-e", "-c", line].map(str::to_owned).into(),
            grace_ms: GRACE.as_millis() as u64,
            processes: usize::MAX,
            memory: u64::MAX,
            file_size: u64::MAX,
        }
    }
}

impl Engine for Here {
    fn name(&self) -> &'static str {
        "local"
    }

    fn isolation(&self) -> String {
        "Steps run in this checkout with your own tools; `image` and `services` are ignored.".to_owned()
    }

    fn refuses_forks(&self) -> Option<String> {
        None
    }

    fn fingerprint<'a>(&'a self, _pipeline: &'a Pipeline) -> BoxFuture<'a, Option<String>> {
        Box::pin(std::future::ready(None))
    }

    fn kept(&self, _digest: &str) -> Option<std::path::PathBuf> {
        None
    }

    fn run(&self, spec: RunSpec, events: mpsc::Sender<RunEvent>, cancel: CancellationToken) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            let outcome = self.perform(spec, events, cancel).await;
            outcome.unwrap_or_else(|error| Outcome::Broken(format!("the step could not be run: {error}")))
        })
    }
}
