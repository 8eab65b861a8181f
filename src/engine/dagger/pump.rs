//! Carries a session's feeds to the run's events: which step it belongs to, secrets hidden, and how long to wait for the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::client::Trace;
use super::feed::{self, Feed, Told};
use super::session::Session;
use crate::engine::mask::Mask;
use crate::engine::{RunEvent, RunSpec};

/// Lines that arrive after the answer are waited for this long: closing at once loses some in two runs of three.
const DRAIN: Duration = Duration::from_millis(250);
/// A feed that lags behind a busy engine is waited for this long, where there is something to wait for.
const LAGGING: Duration = Duration::from_secs(2);
/// Nothing that really ran was ever answered this quickly: a container takes longer to start.
const CACHED: Duration = Duration::from_millis(20);
/// Pieces that may wait for a slow reader.
const BACKLOG: usize = 256;

/// What is known of a step that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Was {
    /// It ran or was cached, and passed.
    Passed,
    /// It ran or was cached, and failed.
    Failed,
    /// It ran for certain.
    Run,
}

/// The feeds of one session.
pub struct Pump {
    feeds: JoinSet<()>,
    carrier: JoinHandle<()>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    steps: BTreeMap<u128, usize>,
    ends: BTreeMap<usize, usize>,
    ran: BTreeSet<usize>,
    spoke: BTreeSet<usize>,
    answered: BTreeSet<usize>,
}

impl State {
    /// The answer is there, and nothing ran for it.
    fn cached(&self, step: usize) -> bool {
        self.answered.contains(&step) && self.silent(step)
    }

    /// Nothing says that it ran. The end of its streams does not: what is cached has one too.
    fn silent(&self, step: usize) -> bool {
        !self.ran.contains(&step) && !self.spoke.contains(&step)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pump {
    /// Begins to listen.
    pub fn start(session: &Session, spec: &RunSpec, events: mpsc::Sender<RunEvent>) -> Pump {
        let shared = Arc::new(Shared::default());
        let mut feeds = JoinSet::new();
        let (tell, told) = mpsc::channel(BACKLOG);
        for kind in [Feed::Logs, Feed::Traces] {
            feeds.spawn(feed::follow(feed::request(session, kind), kind, tell.clone()));
        }
        let carrier = tokio::spawn(carry(told, shared.clone(), spec.mask(), events));
        Pump { feeds, carrier, shared }
    }

    /// Output under this trace belongs to this step, which begins, perhaps anew.
    pub fn expect(&self, trace: Trace, step: usize) {
        let mut state = self.shared.lock();
        // What its first try still has to say would be taken for the second's.
        state.steps.retain(|_, known| *known != step);
        state.steps.insert(trace.0, step);
        state.answered.remove(&step);
        state.ran.remove(&step);
        state.spoke.remove(&step);
        state.ends.remove(&step);
    }

    /// Whether a step that was answered after `took` was taken from the cache.
    pub fn cached(&self, step: usize, took: Duration) -> bool {
        took < CACHED || self.shared.lock().cached(step)
    }

    /// Whether nothing says that a step ran which was answered after `took`.
    pub fn silent(&self, step: usize, took: Duration) -> bool {
        took < CACHED || self.shared.lock().silent(step)
    }

    /// Waits for what a step that took so long has still to say.
    pub async fn drain(&self, step: usize, (took, was): (Duration, Was)) {
        if took < CACHED && was != Was::Run {
            return;
        }
        let begin = Instant::now();
        loop {
            let mut changed = std::pin::pin!(self.shared.changed.notified());
            // From here on no change is missed, though it is not waited for yet.
            changed.as_mut().enable();
            let (done, ran) = {
                let state = self.shared.lock();
                // Both streams say when they end; what was cached says nothing. That it was answered is often heard
                // before that it ran, so only for a step that passed is this believed at once.
                let over = state.ends.get(&step).is_some_and(|ends| *ends >= 2);
                (over || (was == Was::Passed && state.cached(step)), state.ran.contains(&step))
            };
            let most = if ran || was == Was::Run { LAGGING } else { DRAIN };
            if done || tokio::time::timeout_at(begin + most, changed).await.is_err() {
                return;
            }
        }
    }

    /// Waits for late lines where nobody can say how many streams there are: a function may run many commands.
    pub async fn settle(&self) {
        tokio::time::sleep(DRAIN).await;
    }

    /// Stops listening; what was heard is passed on first.
    pub async fn end(mut self) {
        self.feeds.shutdown().await;
        drop(self.carrier.await);
    }
}

async fn carry(mut told: mpsc::Receiver<Told>, shared: Arc<Shared>, mask: Mask, events: mpsc::Sender<RunEvent>) {
    let mut masks: BTreeMap<(usize, bool), Mask> = BTreeMap::new();
    while let Some(told) = told.recv().await {
        let (Told::Output { trace, .. } | Told::Ended { trace } | Told::Ran { trace } | Told::Answered { trace }) =
            &told;
        let Some(step) = shared.lock().steps.get(&trace.0).copied() else { continue };
        match told {
            Told::Output { error, bytes, .. } => {
                shared.lock().spoke.insert(step);
                let mask = masks.entry((step, error)).or_insert_with(|| mask.clone());
                say(&events, step, mask.pass(&bytes)).await;
            }
            Told::Ended { .. } => {
                let ends = { *shared.lock().ends.entry(step).and_modify(|n| *n += 1).or_insert(1) };
                if ends >= 2 {
                    for error in [false, true] {
                        if let Some(mut mask) = masks.remove(&(step, error)) {
                            say(&events, step, mask.rest()).await;
                        }
                    }
                }
                shared.changed.notify_waiters();
            }
            Told::Ran { .. } => {
                shared.lock().ran.insert(step);
                shared.changed.notify_waiters();
            }
            Told::Answered { .. } => {
                shared.lock().answered.insert(step);
                shared.changed.notify_waiters();
            }
        }
    }
    for ((step, _), mut mask) in masks {
        say(&events, step, mask.rest()).await;
    }
}

async fn say(events: &mpsc::Sender<RunEvent>, step: usize, bytes: Vec<u8>) {
    if !bytes.is_empty() {
        drop(events.send(RunEvent::Log { step, bytes }).await);
    }
}
