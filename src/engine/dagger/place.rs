//! One engine as this process knows it: whether it answers, what it has to do, whose runs it takes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::engine::{Origin, Station, StationState};

/// What was found down is believed for this long; then a run may try it, whether or not anybody looked again.
const BELIEVED: Duration = Duration::from_secs(30);

/// Whose runs go there.
#[derive(Clone, PartialEq, Eq)]
pub struct Serves(pub Option<String>);

/// What an engine says of itself.
#[derive(Clone, Debug)]
pub struct Health {
    /// Its version.
    pub version: String,
    /// What its cache takes on disk, where it says so.
    pub cache_bytes: Option<u64>,
}

/// One engine.
pub struct Place {
    /// Where it listens.
    pub address: String,
    /// Index of the operator's word that means it.
    pub entry: usize,
    /// The name that it was found by.
    name: Option<String>,
    /// Whose runs go there.
    pub serves: Serves,
    state: Mutex<State>,
}

/// How it stands.
#[derive(Default)]
pub struct State {
    /// Runs on it now.
    pub live: usize,
    /// Runs so far.
    pub sessions: u64,
    failures: u64,
    version: Option<String>,
    cache_bytes: Option<u64>,
    /// It does not answer.
    pub down: Option<Down>,
    last_error: Option<(String, Instant)>,
    /// When it was last seen to answer.
    pub worked_at: Option<Instant>,
    /// The operator keeps new runs away.
    pub drained: bool,
    /// The name that it was found by does not mean it any more.
    pub leaving: bool,
}

/// Since when, and why, it does not answer.
pub struct Down {
    /// A sentence.
    pub why: String,
    since: Instant,
    seen: Instant,
}

impl State {
    /// Whether it may get a run.
    pub fn usable(&self) -> bool {
        !self.drained && !self.leaving && self.down.as_ref().is_none_or(|down| down.seen.elapsed() > BELIEVED)
    }

    fn fail(&mut self, why: String, address: &str) {
        let now = Instant::now();
        let since = self.down.as_ref().map_or(now, |down| down.since);
        if self.down.is_none() {
            tracing::warn!(engine = %address, "does not answer: {why}");
        }
        self.last_error = Some((why.clone(), now));
        self.down = Some(Down { why, since, seen: now });
    }
}

impl Place {
    /// Nobody has asked it yet.
    pub fn new((entry, address): (usize, &str), name: Option<&str>, serves: &Serves) -> Arc<Place> {
        let (address, name) = (address.to_owned(), name.map(str::to_owned));
        Arc::new(Place { address, entry, name, serves: serves.clone(), state: Mutex::default() })
    }

    /// Its state. Whoever holds it takes no other lock.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much a repository is at home here. An engine that joins or leaves moves no repository between two others.
    pub fn home(&self, repo: &str) -> [u8; 32] {
        Sha256::new().chain_update(repo.to_lowercase()).chain_update([0]).chain_update(&self.address).finalize().into()
    }

    /// As people see it.
    pub fn station(&self, limit: usize) -> Station {
        let state = self.lock();
        Station {
            address: self.address.clone(),
            origin: self.name.clone().map_or(Origin::Listed, Origin::Found),
            leaving: state.leaving,
            modules: self.serves.0.clone(),
            state: match (&state.down, &state.version) {
                (Some(down), _) => StationState::Down { why: down.why.clone(), age: down.since.elapsed() },
                (None, Some(version)) => StationState::Up { version: version.clone() },
                (None, None) => StationState::Unknown,
            },
            drained: state.drained,
            live: state.live,
            limit,
            sessions: state.sessions,
            failures: state.failures,
            cache_bytes: state.cache_bytes,
            last_error: state.last_error.as_ref().map(|(why, at)| (why.clone(), at.elapsed())),
        }
    }

    /// What a look at an engine found.
    pub fn found(&self, health: Result<Health, String>) {
        let mut state = self.lock();
        match health {
            Ok(health) => {
                if state.down.take().is_some() {
                    tracing::info!(engine = %self.address, "answers again");
                }
                state.version = Some(health.version);
                state.cache_bytes = health.cache_bytes.or(state.cache_bytes);
                state.worked_at = Some(Instant::now());
            }
            Err(why) => state.fail(why, &self.address),
        }
    }

    /// Its session came up, or ended well.
    pub fn worked(&self) {
        let mut state = self.lock();
        state.down = None;
        state.worked_at = Some(Instant::now());
    }

    /// A run on it went wrong for a reason that is not the run's; whether it still answers is to be asked.
    pub fn spoilt(&self, why: &str) {
        let mut state = self.lock();
        state.failures += 1;
        state.last_error = Some((why.to_owned(), Instant::now()));
        state.worked_at = None;
    }

    /// It did not answer a run.
    pub fn failed(&self, why: &str) {
        let mut state = self.lock();
        state.failures += 1;
        state.fail(why.to_owned(), &self.address);
    }
}

impl Serves {
    /// A module's code can read what others have on its engine, so it gets only an engine that was marked for it.
    pub fn wants(&self, repo: &str, module: bool) -> bool {
        let Some(pattern) = self.0.as_deref() else { return !module };
        let own = match pattern.strip_suffix("/*") {
            Some(owner) => repo.split('/').next().is_some_and(|own| own.eq_ignore_ascii_case(owner)),
            None => repo.eq_ignore_ascii_case(pattern),
        };
        module && own
    }
}
