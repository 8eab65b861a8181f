//! The operator's engines: which answer, how much each has to do, and where the next run goes.
//!
//! Wished: a repository meets its own warm cache, no engine gets more than it can bear, and one that is gone costs
//! nobody a failure once that is known.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::names;
use super::place::{Health, Place, Serves, State};
use crate::engine::{Station, StationState};

/// All engines.
pub struct Pool {
    entries: Vec<Entry>,
    /// In the operator's order. Whoever holds this lock may take a place's, never the other way round.
    places: Mutex<Vec<Arc<Place>>>,
    drained: Mutex<Vec<String>>,
    limit: usize,
    freed: Notify,
    /// An engine spoilt a run, so somebody is to look at it.
    pub doubt: Notify,
}

/// One word of the operator's: an engine, or a name that stands for several.
struct Entry {
    word: String,
    serves: Serves,
    /// Of a name: what the last look said instead of addresses; `None` when it gave some.
    trouble: Mutex<Option<Trouble>>,
}

struct Trouble {
    why: String,
    since: Instant,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who asks for an engine.
pub struct Want<'a> {
    /// owner/name.
    pub repo: &'a str,
    /// Whether it runs the repository's own module.
    pub module: bool,
    /// Earlier tries that an engine spoilt; each asks for another engine.
    pub failures: i64,
    /// How long it waits while all are full.
    pub patience: Duration,
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
    /// All that answer are full.
    Full,
}

/// A run's place on an engine; given back when it is dropped.
pub struct Seat {
    pool: Arc<Pool>,
    place: Arc<Place>,
}

impl Pool {
    /// Engines for everybody, and engines for repositories' own modules. What a name stands for has to be told, see
    /// [`Pool::told`].
    pub fn new(runners: &[String], modules: &[(String, String)], limit: usize) -> Arc<Pool> {
        let shared = runners.iter().map(|word| (word, Serves(None)));
        let own = modules.iter().map(|(repos, word)| (word, Serves(Some(repos.clone()))));
        let entry = |(word, serves): (&String, _)| Entry { word: word.clone(), serves, trouble: Mutex::default() };
        let entries: Vec<Entry> = shared.chain(own).map(entry).collect();
        let mut places = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            if names::is_name(&entry.word) {
                let why = format!("{} was not looked up yet", entry.word);
                *lock(&entry.trouble) = Some(Trouble { why, since: Instant::now() });
            } else {
                places.push(Place::new((index, &entry.word), None, &entry.serves));
            }
        }
        let (places, drained) = (Mutex::new(places), Mutex::default());
        Arc::new(Pool { entries, places, drained, limit: limit.max(1), freed: Notify::new(), doubt: Notify::new() })
    }

    /// The names that have to be looked up, each with its index.
    pub fn names(&self) -> impl Iterator<Item = (usize, &str)> {
        self.entries.iter().map(|entry| entry.word.as_str()).enumerate().filter(|(_, word)| names::is_name(word))
    }

    /// What a look at a name found. New engines join; one that the name does not mean any more ends what it has and goes.
    /// A look that failed takes none away: whether they answer is seen by asking them.
    pub fn told(&self, index: usize, found: Result<Vec<String>, String>) {
        let entry = &self.entries[index];
        let found = match found {
            Ok(found) => found,
            Err(why) => {
                let mut trouble = lock(&entry.trouble);
                if trouble.as_ref().is_none_or(|known| known.why != why) {
                    tracing::warn!("{why}");
                }
                let since = trouble.as_ref().map_or_else(Instant::now, |known| known.since);
                *trouble = Some(Trouble { why, since });
                return;
            }
        };
        *lock(&entry.trouble) = None;
        let drained = lock(&self.drained).clone();
        let mut places = lock(&self.places);
        for place in places.iter().filter(|place| place.entry == index) {
            let leaving = !found.contains(&place.address);
            let before = std::mem::replace(&mut place.lock().leaving, leaving);
            if leaving && !before {
                tracing::info!(engine = %place.address, "left {}; it gets no more runs", entry.word);
            }
        }
        for address in found {
            // Named twice, it is still one engine with one limit.
            if places.iter().all(|place| place.address != address || place.serves != entry.serves) {
                tracing::info!(engine = %address, "joined by {}", entry.word);
                let place = Place::new((index, &address), Some(&entry.word), &entry.serves);
                place.lock().drained = drained.contains(&address);
                places.push(place);
            }
        }
        places.sort_by(|a, b| (a.entry, &a.address).cmp(&(b.entry, &b.address)));
        drop(places);
        self.bury();
        self.freed.notify_waiters();
    }

    /// Forgets the engines that left and have nothing more to do.
    fn bury(&self) {
        lock(&self.places).retain(|place| {
            let state = place.lock();
            !state.leaving || state.live > 0
        });
    }

    /// A place for a run: on the repository's own engine, since its cache is warm; else on the one with the least to do.
    /// Waits for a while where all that answer are full.
    pub async fn take(self: &Arc<Self>, want: &Want<'_>, cancel: &CancellationToken) -> Result<Seat, NoSeat> {
        let end = Instant::now() + want.patience;
        loop {
            let mut freed = std::pin::pin!(self.freed.notified());
            // From here on no freed place is missed, though it is not waited for yet.
            freed.as_mut().enable();
            if let Some(place) = self.choose(want)? {
                return Ok(Seat { pool: self.clone(), place });
            }
            tokio::select! {
                () = freed => {}
                () = cancel.cancelled() => return Err(NoSeat::Cancelled),
                () = tokio::time::sleep_until(end) => return Err(NoSeat::Full),
            }
        }
    }

    /// `None`: all that answer are full.
    fn choose(&self, want: &Want<'_>) -> Result<Option<Arc<Place>>, NoSeat> {
        // Held to the end, so that of two who choose at once only one gets the last place.
        let places = lock(&self.places);
        let mut serving: Vec<&Arc<Place>> = places.iter().filter(|p| p.serves.wants(want.repo, want.module)).collect();
        if self.entries.iter().all(|entry| !entry.serves.wants(want.repo, want.module)) {
            return Err(NoSeat::NoneServes);
        }
        serving.sort_by_cached_key(|place| std::cmp::Reverse(place.home(want.repo)));
        let turn = usize::try_from(want.failures.max(0)).unwrap_or_default() % serving.len().max(1);
        serving.rotate_left(turn);
        let usable: Vec<&Arc<Place>> = serving.iter().copied().filter(|place| place.lock().usable()).collect();
        let Some(first) = usable.first() else { return Err(NoSeat::NoneAnswers(self.why(&serving, want))) };
        let free = |place: &Place| self.limit.saturating_sub(place.lock().live);
        let chosen =
            if free(first) > 0 { Some(*first) } else { usable.iter().copied().max_by_key(|place| free(place)) };
        let Some(place) = chosen.filter(|place| free(place) > 0) else { return Ok(None) };
        let mut state = place.lock();
        state.live += 1;
        state.sessions += 1;
        Ok(Some(place.clone()))
    }

    fn why(&self, serving: &[&Arc<Place>], want: &Want<'_>) -> String {
        let engines = serving.iter().map(|place| {
            let state = place.lock();
            match &state.down {
                _ if state.drained => format!("{} is drained for maintenance", place.address),
                Some(down) => down.why.clone(),
                None => format!("{} does not answer", place.address),
            }
        });
        let entries = self.entries.iter().filter(|entry| entry.serves.wants(want.repo, want.module));
        let names = entries.filter_map(|entry| lock(&entry.trouble).as_ref().map(|trouble| trouble.why.clone()));
        engines.chain(names).collect::<Vec<_>>().join("; ")
    }

    /// Every engine as it stands, and every name that stands for none.
    pub fn stations(&self) -> Vec<Station> {
        let places = lock(&self.places);
        let engines = places.iter().map(|place| (place.entry, place.station(self.limit)));
        let names = self.entries.iter().enumerate().filter_map(|(index, entry)| {
            let trouble = lock(&entry.trouble);
            let Trouble { why, since } = trouble.as_ref()?;
            let down = StationState::Down { why: why.clone(), age: since.elapsed() };
            Some((index, Station { modules: entry.serves.0.clone(), ..Station::name(&entry.word, down) }))
        });
        let mut all: Vec<(usize, Station)> = engines.chain(names).collect();
        all.sort_by_key(|(index, _)| *index);
        all.into_iter().map(|(_, station)| station).collect()
    }

    /// These get no new runs; all others do.
    pub fn drain(&self, addresses: &[String]) {
        *lock(&self.drained) = addresses.to_vec();
        for place in lock(&self.places).iter() {
            place.lock().drained = addresses.contains(&place.address);
        }
        self.freed.notify_waiters();
    }

    /// The engines for everybody's steps.
    pub fn shared(&self) -> Vec<Arc<Place>> {
        lock(&self.places).iter().filter(|place| place.serves.0.is_none()).cloned().collect()
    }

    /// The engines that nobody heard of for so long.
    pub fn silent(&self, age: Duration) -> Vec<Arc<Place>> {
        let quiet = |state: &State| state.down.is_some() || state.worked_at.is_none_or(|at| at.elapsed() >= age);
        lock(&self.places).iter().filter(|place| quiet(&place.lock())).cloned().collect()
    }

    /// What a look at an engine found.
    pub fn found(&self, place: &Place, health: Result<Health, String>) {
        place.found(health);
        self.freed.notify_waiters();
    }
}

impl Seat {
    /// The engine's address.
    pub fn address(&self) -> &str {
        &self.place.address
    }

    /// Its session came up, or ended well.
    pub fn worked(&self) {
        self.place.worked();
    }

    /// A run on it went wrong for a reason that is not the run's. Whether it still answers is looked at now, but not waited
    /// for: a mute engine takes ten seconds to be known as one.
    pub fn spoilt(&self, why: &str) {
        self.place.spoilt(why);
        self.pool.doubt.notify_one();
    }

    /// It does not answer; it gets no run until somebody looked.
    pub fn failed(&self, why: &str) {
        self.place.failed(why);
        self.pool.freed.notify_waiters();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let leaving = {
            let mut state = self.place.lock();
            state.live -= 1;
            state.leaving
        };
        if leaving {
            self.pool.bury();
        }
        self.pool.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Origin;

    fn pool(runners: &[&str], limit: usize) -> Arc<Pool> {
        let runners: Vec<String> = runners.iter().map(|r| (*r).to_owned()).collect();
        Pool::new(&runners, &[("acme/*".to_owned(), "unix:///own".to_owned())], limit)
    }

    fn want(repo: &str) -> Want<'_> {
        Want { repo, module: false, failures: 0, patience: Duration::from_secs(60) }
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
        for place in pool.shared() {
            pool.found(&place, Ok(Health { version: "v1".to_owned(), cache_bytes: None }));
        }
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
        let _held = seat(&pool, want("acme/shop")).await.expect("free");
        let hasty = Want { patience: Duration::from_millis(20), ..want("acme/shop") };
        assert_eq!(seat(&pool, hasty).await.map(|_| ()).expect_err("full"), NoSeat::Full);
        pool.drain(&["unix:///a".to_owned()]);
        let no = seat(&pool, want("acme/shop")).await.map(|_| ()).expect_err("drained");
        assert_eq!(no, NoSeat::NoneAnswers("unix:///a is drained for maintenance".to_owned()));
        pool.drain(&[]);
        pool.found(&pool.shared()[0], Err("nobody is there".to_owned()));
        let no = seat(&pool, want("acme/shop")).await.map(|_| ()).expect_err("down");
        assert_eq!(no, NoSeat::NoneAnswers("nobody is there".to_owned()));
    }

    #[tokio::test]
    async fn a_module_gets_only_an_engine_that_was_marked_for_it_and_nobody_else_gets_that_one() {
        let pool = pool(&["unix:///a"], 1);
        let module = |repo| Want { module: true, ..want(repo) };
        assert_eq!(seat(&pool, module("acme/shop")).await.expect("marked").address(), "unix:///own");
        assert_eq!(seat(&pool, module("other/shop")).await.map(|_| ()).expect_err("not"), NoSeat::NoneServes);
        assert_eq!(seat(&pool, want("acme/shop")).await.expect("shared").address(), "unix:///a");
    }

    const NAME: &str = "dns+tcp://engines:8080";

    fn told(pool: &Pool, addresses: &[&str]) {
        pool.told(0, Ok(addresses.iter().map(|a| (*a).to_owned()).collect()));
    }

    /// Each station as people would say it.
    fn seen(pool: &Pool) -> Vec<String> {
        let line = |station: Station| {
            let leaving = if station.leaving { " leaves" } else { "" };
            let drained = if station.drained { " drained" } else { "" };
            match station.origin {
                Origin::Listed => station.address,
                Origin::Found(name) => format!("{} by {name}: {}{leaving}{drained}", station.address, station.live),
                Origin::Name => format!("{:?}", station.state).split('"').nth(1).unwrap_or_default().to_owned(),
            }
        };
        pool.stations().into_iter().map(line).collect()
    }

    #[tokio::test]
    async fn a_names_engines_join_and_leave_as_it_changes() {
        let pool = pool(&[NAME, "unix:///a"], 1);
        assert_eq!(seen(&pool), ["dns+tcp://engines:8080 was not looked up yet", "unix:///a", "unix:///own"]);
        let _first = seat(&pool, want("acme/shop")).await.expect("the listed one");
        let waiting = tokio::spawn({
            let pool = pool.clone();
            async move { seat(&pool, want("acme/shop")).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "the one that is known is full");
        told(&pool, &["tcp://1:1"]);
        let held = waiting.await.expect("it ends").expect("the one that joined");
        assert_eq!(held.address(), "tcp://1:1");

        pool.drain(&["tcp://3:1".to_owned()]);
        told(&pool, &["tcp://2:1", "tcp://3:1", "unix:///a"]);
        let left = format!("tcp://1:1 by {NAME}: 1 leaves");
        let (new, drained) = (format!("tcp://2:1 by {NAME}: 0"), format!("tcp://3:1 by {NAME}: 0 drained"));
        assert_eq!(seen(&pool), [&left, &new, &drained, "unix:///a", "unix:///own"]);
        assert_eq!(seat(&pool, want("acme/shop")).await.expect("free").address(), "tcp://2:1");
        drop(held);
        assert_eq!(seen(&pool), [&new, &drained, "unix:///a", "unix:///own"], "it went when its run had ended");

        pool.told(0, Err("the name server is away".to_owned()));
        assert_eq!(seen(&pool), [&new, &drained, "the name server is away", "unix:///a", "unix:///own"]);
        assert_eq!(seat(&pool, want("acme/shop")).await.expect("kept").address(), "tcp://2:1");
        told(&pool, &["tcp://1:1"]);
        assert_eq!(seen(&pool), [&format!("tcp://1:1 by {NAME}: 0"), "unix:///a", "unix:///own"], "it came back");
    }

    #[tokio::test]
    async fn a_name_without_engines_is_waited_for_and_one_for_modules_serves_modules_alone() {
        let own = [("acme/*".to_owned(), NAME.to_owned())];
        let pool = Pool::new(&["unix:///a".to_owned()], &own, 1);
        let module = Want { module: true, ..want("acme/shop") };
        pool.told(1, Err("no such name".to_owned()));
        let no = seat(&pool, module).await.map(|_| ()).expect_err("none yet");
        assert_eq!(no, NoSeat::NoneAnswers("no such name".to_owned()));
        // What is shared and what is a repository's own are two engines to us, even at one address.
        pool.told(1, Ok(vec!["unix:///a".to_owned(), "tcp://1:1".to_owned()]));
        assert_eq!(pool.stations().len(), 3);
        let module = Want { module: true, ..want("other/shop") };
        assert_eq!(seat(&pool, module).await.map(|_| ()).expect_err("not theirs"), NoSeat::NoneServes);
        assert_eq!(seat(&pool, want("acme/shop")).await.expect("shared").address(), "unix:///a");
    }

    #[tokio::test]
    async fn an_engine_that_joins_moves_repositories_to_itself_alone() {
        let pool = pool(&[NAME], 1_000);
        let homes = async |pool: &Arc<Pool>| {
            let mut homes = Vec::new();
            for n in 0..300 {
                homes.push(seat(pool, want(&format!("acme/{n}"))).await.expect("free").address().to_owned());
            }
            homes
        };
        told(&pool, &["tcp://1:1", "tcp://2:1", "tcp://3:1"]);
        let before = homes(&pool).await;
        told(&pool, &["tcp://1:1", "tcp://2:1", "tcp://3:1", "tcp://4:1"]);
        let after = homes(&pool).await;
        let moved: Vec<&String> = before.iter().zip(&after).filter(|(b, a)| b != a).map(|(_, a)| a).collect();
        assert!(moved.iter().all(|to| *to == "tcp://4:1"), "{moved:?}");
        assert!((40..120).contains(&moved.len()), "a quarter of 300 is 75: {}", moved.len());
    }
}
