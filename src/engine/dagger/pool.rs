//! The operator's engines: which answer, how much each has to do, and where the next run goes.
//!
//! Wished: a repository meets its own warm cache, no engine gets more than it can bear, and one that is gone costs
//! nobody a failure once that is known.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::engine::{Station, StationState};

/// What was found down is believed for this long; then a run may try it, whether or not anybody looked again.
const BELIEVED: Duration = Duration::from_secs(30);

/// All engines.
pub struct Pool {
    places: Vec<Place>,
    limit: usize,
    freed: Notify,
}

struct Place {
    address: String,
    modules: Option<String>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    live: usize,
    sessions: u64,
    failures: u64,
    version: Option<String>,
    cache_bytes: Option<u64>,
    down: Option<Down>,
    last_error: Option<(String, Instant)>,
    worked_at: Option<Instant>,
    drained: bool,
}

struct Down {
    why: String,
    since: Instant,
    seen: Instant,
}

impl State {
    fn usable(&self) -> bool {
        !self.drained && self.down.as_ref().is_none_or(|down| down.seen.elapsed() > BELIEVED)
    }
}

impl Place {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A module's code can read what others have on its engine, so it gets only an engine that was marked for it.
    fn serves(&self, repo: &str, module: bool) -> bool {
        let Some(pattern) = self.modules.as_deref() else { return !module };
        let own = match pattern.strip_suffix("/*") {
            Some(owner) => repo.split('/').next().is_some_and(|own| own.eq_ignore_ascii_case(owner)),
            None => repo.eq_ignore_ascii_case(pattern),
        };
        module && own
    }
}

/// Who asks for an engine.
pub struct Want<'a> {
    /// owner/name.
    pub repo: &'a str,
    /// Whether it runs the repository's own module.
    pub module: bool,
    /// Earlier tries that an engine spoilt; each asks for another engine.
    pub failures: i64,
}

/// Why there is none.
#[derive(Debug, PartialEq, Eq)]
pub enum NoSeat {
    /// Stopped meanwhile.
    Cancelled,
    /// No engine is there for this.
    NoneServes,
    /// None of them answers, or all are drained; a sentence.
    NoneAnswers(String),
}

/// A run's place on an engine; given back when it is dropped.
pub struct Seat {
    pool: Arc<Pool>,
    index: usize,
}

impl Pool {
    /// Engines for everybody, and engines for repositories' own modules.
    pub fn new(runners: &[String], modules: &[(String, String)], limit: usize) -> Arc<Pool> {
        let shared = runners.iter().map(|address| (address.clone(), None));
        let own = modules.iter().map(|(repos, address)| (address.clone(), Some(repos.clone())));
        let place = |(address, modules)| Place { address, modules, state: Mutex::default() };
        Arc::new(Pool { places: shared.chain(own).map(place).collect(), limit: limit.max(1), freed: Notify::new() })
    }

    /// A place for a run: on the repository's own engine, since its cache is warm; else on the one with the least to do.
    /// Waits while all that answer are full.
    pub async fn take(self: &Arc<Self>, want: &Want<'_>, cancel: &CancellationToken) -> Result<Seat, NoSeat> {
        loop {
            let mut freed = std::pin::pin!(self.freed.notified());
            // From here on no freed place is missed, though it is not waited for yet.
            freed.as_mut().enable();
            if let Some(index) = self.choose(want)? {
                return Ok(Seat { pool: self.clone(), index });
            }
            tokio::select! {
                () = freed => {}
                () = cancel.cancelled() => return Err(NoSeat::Cancelled),
            }
        }
    }

    /// `None`: all that answer are full.
    fn choose(&self, want: &Want<'_>) -> Result<Option<usize>, NoSeat> {
        let serving: Vec<usize> =
            (0..self.places.len()).filter(|&i| self.places[i].serves(want.repo, want.module)).collect();
        if serving.is_empty() {
            return Err(NoSeat::NoneServes);
        }
        let own = want.repo.bytes().fold(0_usize, |n, b| n.wrapping_mul(31).wrapping_add(usize::from(b)));
        let turn = own.wrapping_add(usize::try_from(want.failures.max(0)).unwrap_or_default()) % serving.len();
        let order = serving[turn..].iter().chain(&serving[..turn]).copied();
        let usable: Vec<usize> = order.filter(|&i| self.places[i].lock().usable()).collect();
        let Some(&first) = usable.first() else { return Err(NoSeat::NoneAnswers(self.why(&serving))) };
        let free = |i: usize| self.limit.saturating_sub(self.places[i].lock().live);
        let chosen = if free(first) > 0 { Some(first) } else { usable.into_iter().max_by_key(|&i| free(i)) };
        let Some(index) = chosen.filter(|&i| free(i) > 0) else { return Ok(None) };
        let mut state = self.places[index].lock();
        state.live += 1;
        state.sessions += 1;
        Ok(Some(index))
    }

    fn why(&self, serving: &[usize]) -> String {
        let words = serving.iter().map(|&i| {
            let (place, state) = (&self.places[i], self.places[i].lock());
            match &state.down {
                _ if state.drained => format!("{} is drained for maintenance", place.address),
                Some(down) => down.why.clone(),
                None => format!("{} does not answer", place.address),
            }
        });
        words.collect::<Vec<_>>().join("; ")
    }

    /// Every engine as it stands.
    pub fn stations(&self) -> Vec<Station> {
        let station = |place: &Place| {
            let state = place.lock();
            Station {
                address: place.address.clone(),
                modules: place.modules.clone(),
                state: match (&state.down, &state.version) {
                    (Some(down), _) => StationState::Down { why: down.why.clone(), age: down.since.elapsed() },
                    (None, Some(version)) => StationState::Up { version: version.clone() },
                    (None, None) => StationState::Unknown,
                },
                drained: state.drained,
                live: state.live,
                limit: self.limit,
                sessions: state.sessions,
                failures: state.failures,
                cache_bytes: state.cache_bytes,
                last_error: state.last_error.as_ref().map(|(why, at)| (why.clone(), at.elapsed())),
            }
        };
        self.places.iter().map(station).collect()
    }

    /// These get no new runs; all others do.
    pub fn drain(&self, addresses: &[String]) {
        for place in &self.places {
            place.lock().drained = addresses.contains(&place.address);
        }
        self.freed.notify_waiters();
    }

    /// The engines that nobody heard of for so long, with their index.
    pub fn silent(&self, age: Duration) -> Vec<(usize, String)> {
        let quiet = |state: &State| state.down.is_some() || state.worked_at.is_none_or(|at| at.elapsed() >= age);
        let places = self.places.iter().enumerate().filter(|(_, place)| quiet(&place.lock()));
        places.map(|(index, place)| (index, place.address.clone())).collect()
    }

    /// What a look at an engine found.
    pub fn found(&self, index: usize, health: Result<Health, String>) {
        let mut state = self.places[index].lock();
        match health {
            Ok(health) => {
                if state.down.take().is_some() {
                    tracing::info!(engine = %self.places[index].address, "answers again");
                }
                state.version = Some(health.version);
                state.cache_bytes = health.cache_bytes.or(state.cache_bytes);
                state.worked_at = Some(Instant::now());
            }
            Err(why) => fail(&mut state, why, &self.places[index].address),
        }
        drop(state);
        self.freed.notify_waiters();
    }
}

/// What an engine says of itself.
#[derive(Clone, Debug)]
pub struct Health {
    /// Its version.
    pub version: String,
    /// What its cache takes on disk, where it says so.
    pub cache_bytes: Option<u64>,
}

fn fail(state: &mut State, why: String, address: &str) {
    let now = Instant::now();
    let since = state.down.as_ref().map_or(now, |down| down.since);
    if state.down.is_none() {
        tracing::warn!(engine = %address, "does not answer: {why}");
    }
    state.last_error = Some((why.clone(), now));
    state.down = Some(Down { why, since, seen: now });
}

impl Seat {
    /// The engine's address.
    pub fn address(&self) -> &str {
        &self.place().address
    }

    /// Its session came up, or ended well.
    pub fn worked(&self) {
        let mut state = self.place().lock();
        state.down = None;
        state.worked_at = Some(Instant::now());
    }

    /// A run on it went wrong for a reason that is not the run's; a look says whether it still answers.
    pub fn spoilt(&self, why: &str, health: Result<Health, String>) {
        let mut state = self.place().lock();
        state.failures += 1;
        state.last_error = Some((why.to_owned(), Instant::now()));
        drop(state);
        self.pool.found(self.index, health);
    }

    /// It does not answer; it gets no run until somebody looked.
    pub fn failed(&self, why: &str) {
        let mut state = self.place().lock();
        state.failures += 1;
        fail(&mut state, why.to_owned(), self.address());
        drop(state);
        self.pool.freed.notify_waiters();
    }

    fn place(&self) -> &Place {
        &self.pool.places[self.index]
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.place().lock().live -= 1;
        self.pool.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(runners: &[&str], limit: usize) -> Arc<Pool> {
        let runners: Vec<String> = runners.iter().map(|r| (*r).to_owned()).collect();
        Pool::new(&runners, &[("acme/*".to_owned(), "unix:///own".to_owned())], limit)
    }

    fn want(repo: &str) -> Want<'_> {
        Want { repo, module: false, failures: 0 }
    }

    async fn seat(pool: &Arc<Pool>, want: Want<'_>) -> Result<Seat, NoSeat> {
        pool.take(&want, &CancellationToken::new()).await
    }

    #[tokio::test]
    async fn a_repository_keeps_to_its_engine_and_goes_elsewhere_only_when_that_is_full_or_down() {
        let pool = pool(&["unix:///a", "unix:///b"], 1);
        let first = seat(&pool, want("acme/shop")).await.expect("free");
        let home = first.address().to_owned();
        let second = seat(&pool, want("acme/shop")).await.expect("the other one");
        assert_ne!(second.address(), home);
        drop(first);
        let again = seat(&pool, want("acme/shop")).await.expect("free again");
        assert_eq!(again.address(), home);
        again.failed("it went away");
        drop((again, second));
        let moved = seat(&pool, want("acme/shop")).await.expect("the other one");
        assert_ne!(moved.address(), home);
        drop(moved);
        pool.found(0, Ok(Health { version: "v1".to_owned(), cache_bytes: None }));
        pool.found(1, Ok(Health { version: "v1".to_owned(), cache_bytes: None }));
        assert_eq!(seat(&pool, want("acme/shop")).await.expect("back").address(), home);
        let other = Want { failures: 1, ..want("acme/shop") };
        assert_ne!(seat(&pool, other).await.expect("another after a failure").address(), home);
    }

    #[tokio::test]
    async fn who_finds_all_full_waits_and_who_finds_all_down_is_told_why() {
        let pool = pool(&["unix:///a"], 1);
        let held = seat(&pool, want("acme/shop")).await.expect("free");
        let waiting = tokio::spawn({
            let pool = pool.clone();
            async move { seat(&pool, want("acme/other")).await.map(|s| s.address().to_owned()) }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(held);
        assert_eq!(waiting.await.expect("it ends"), Ok("unix:///a".to_owned()));
        pool.drain(&["unix:///a".to_owned()]);
        let no = seat(&pool, want("acme/shop")).await.map(|_| ()).expect_err("drained");
        assert_eq!(no, NoSeat::NoneAnswers("unix:///a is drained for maintenance".to_owned()));
        pool.drain(&[]);
        pool.found(0, Err("nobody is there".to_owned()));
        let no = seat(&pool, want("acme/shop")).await.map(|_| ()).expect_err("down");
        assert_eq!(no, NoSeat::NoneAnswers("nobody is there".to_owned()));
    }

    #[tokio::test]
    async fn a_module_gets_only_an_engine_that_was_marked_for_it_and_nobody_else_gets_that_one() {
        let pool = pool(&["unix:///a"], 1);
        let module = |repo| Want { repo, module: true, failures: 0 };
        assert_eq!(seat(&pool, module("acme/shop")).await.expect("marked").address(), "unix:///own");
        assert_eq!(seat(&pool, module("other/shop")).await.map(|_| ()).expect_err("not"), NoSeat::NoneServes);
        assert_eq!(seat(&pool, want("acme/shop")).await.expect("shared").address(), "unix:///a");
    }
}
