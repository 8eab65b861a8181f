//! The Dagger engine: each run is one session of its own on an engine that the operator named, each step one query.
//!
//! Wished: a step sees neither Fairway nor the engine's socket; an engine that goes away costs the run a second try and
//! nothing else; whatever is stopped is gone within a second.

mod base;
mod client;
mod feed;
mod image;
mod module;
mod names;
mod patterns;
mod place;
mod pool;
mod pump;
mod run;
mod session;
mod signature;
mod words;

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::{Arc, Once};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::sync::{OnceCell, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Engine, Origin, Outcome, RunEvent, RunSpec, Station, StationState, harvest};
use crate::domain::project::Pipeline;
use base::{Fetches, Run};
use client::Trace;
pub use names::Lookup;
use place::Health;
use pool::{NoSeat, Pool, Seat, Want};
use pump::Pump;
use session::{Launch, NoSession, Session};

/// How the engine is to be.
#[derive(Clone, Debug)]
pub struct Config {
    /// The `dagger` program.
    pub cli: PathBuf,
    /// Addresses of engines, and names that stand for several (`dns+tcp://HOST:PORT`); a repository keeps to one engine, the
    /// next takes over when that one fails.
    pub runners: Vec<String>,
    /// Engines for repositories' own modules: `owner/name` or `owner/*`, and the address.
    pub modules: Vec<(String, String)>,
    /// Runs at once on one engine.
    pub limit: usize,
    /// Sessions and exports are kept below.
    pub data: PathBuf,
    /// User and group of the sessions, when Fairway may choose.
    pub owner: Option<(u32, u32)>,
    /// Where sessions look for programs such as `ssh`.
    pub path: String,
    /// What those programs need to know; all else of a session's environment is Fairway's choice.
    pub env: Vec<(String, String)>,
    /// For pipelines without `image`.
    pub image: String,
    /// Keys the names under which secrets are known to an engine.
    pub seal: [u8; 32],
}

/// The engine.
pub struct Dagger {
    config: Config,
    pool: Arc<Pool>,
    lookup: Lookup,
    named: OnceCell<()>,
    fetches: Fetches,
}

/// An engine that worked for a run this lately need not be asked how it is.
const FRESH: Duration = Duration::from_secs(15);
/// A run waits this long for a place, then asks anew with a new token: the one it has may end after five minutes.
const TURN: Duration = Duration::from_secs(4 * 60);
/// How often somebody looks.
const LOOK: Duration = Duration::from_secs(5);

/// The user of sessions when Fairway may choose; nobody else has it.
const SESSION_USER: u32 = 61_184;

/// Whom sessions run as: a user of their own when this process is root, with the group that may open the engine's socket.
pub fn session_owner(runners: &[String]) -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt as _;
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let socket = runners.iter().find_map(|runner| std::fs::metadata(runner.strip_prefix("unix://")?).ok());
    Some((SESSION_USER, socket.map_or(SESSION_USER, |meta| meta.gid())))
}

/// The engines that a name stands for now; `None` when it is the address of one.
pub async fn stands_for(word: &str) -> Option<Result<Vec<String>, String>> {
    match names::is_name(word) {
        true => Some(names::stands_for(word, &names::system()).await),
        false => None,
    }
}

/// What Fairways that were killed left is cleared away once in a process, before its first session.
static SWEPT: Once = Once::new();

impl Dagger {
    /// With at least one address.
    pub fn new(config: Config) -> Dagger {
        Dagger::with_lookup(config, names::system())
    }

    /// With a way of its own to look names up.
    pub fn with_lookup(config: Config, lookup: Lookup) -> Dagger {
        SWEPT.call_once(session::sweep);
        harvest::sweep(&config.data);
        let pool = Pool::new(&config.runners, &config.modules, config.limit);
        Dagger { config, pool, lookup, named: OnceCell::new(), fetches: Fetches::default() }
    }

    /// The version of the first engine that answers, with its address.
    ///
    /// # Errors
    /// What the last of them said instead.
    pub async fn preflight(&self) -> Result<(String, String), String> {
        self.know_names().await;
        let mut last = "FAIRWAY_ENGINES names no engine".to_owned();
        for place in self.pool.shared() {
            match self.health(&place.address).await {
                Ok(health) => return Ok((health.version, place.address.clone())),
                Err(why) => last = why,
            }
        }
        match self.pool.stations().into_iter().find(|station| station.origin == Origin::Name).map(|name| name.state) {
            Some(StationState::Down { why, .. }) => Err(why),
            _ => Err(last),
        }
    }

    /// Names are looked up before the first run, and from then on by [`Engine::attend`].
    async fn know_names(&self) {
        self.named.get_or_init(|| self.look_up()).await;
    }

    async fn look_up(&self) {
        let looks = self.pool.names().map(async |(index, name)| {
            self.pool.told(index, names::stands_for(name, &self.lookup).await);
        });
        futures_util::future::join_all(looks).await;
    }

    async fn keep_names(&self) {
        if self.pool.names().next().is_none() {
            return;
        }
        self.know_names().await;
        loop {
            tokio::time::sleep(names::AGAIN).await;
            self.look_up().await;
        }
    }

    async fn keep_healthy(&self) {
        self.know_names().await;
        loop {
            self.look().await;
            tokio::select! { () = tokio::time::sleep(LOOK) => {}, () = self.pool.doubt.notified() => {} }
        }
    }

    async fn health(&self, runner: &str) -> Result<Health, String> {
        let home = session::home(self.config.owner).map_err(|error| format!("no directory for a session: {error}"))?;
        let never = CancellationToken::new();
        let session = Session::open(&self.launch(runner, home.path()), &never).await.map_err(|e| e.to_string())?;
        let asked = session.ask(Trace::new(), "{version engine{localCache{entrySet{diskSpaceBytes}}}}");
        let answer = tokio::time::timeout(session::START, asked).await;
        session.close().await;
        match answer {
            Ok(Ok(answer)) => Ok(Health {
                version: answer["version"].as_str().unwrap_or("unknown").to_owned(),
                cache_bytes: answer.pointer("/engine/localCache/entrySet/diskSpaceBytes").and_then(Value::as_u64),
            }),
            Ok(Err(trouble)) => Err(trouble.words()),
            Err(_) => Err(NoSession::Mute { runner: runner.to_owned() }.to_string()),
        }
    }

    async fn look(&self) {
        let looks = self.pool.silent(FRESH).into_iter().map(async |place| {
            let health = self.health(&place.address).await;
            self.pool.found(&place, health);
        });
        futures_util::future::join_all(looks).await;
    }

    fn launch(&self, runner: &str, home: &std::path::Path) -> Launch {
        Launch {
            cli: self.config.cli.clone(),
            runner: runner.to_owned(),
            home: home.to_owned(),
            owner: self.config.owner,
            path: self.config.path.clone(),
            env: self.config.env.clone(),
        }
    }

    async fn perform(&self, spec: RunSpec, events: mpsc::Sender<RunEvent>, cancel: CancellationToken) -> Outcome {
        tokio::select! { () = self.know_names() => {}, () = cancel.cancelled() => return Outcome::Cancelled }
        let want = Want { repo: &spec.repo, module: spec.call.is_some(), failures: spec.failures, patience: TURN };
        let seat = match self.pool.take(&want, &cancel).await {
            Ok(seat) => seat,
            Err(NoSeat::Cancelled) => return Outcome::Cancelled,
            Err(NoSeat::NoneAnswers(why)) => return Outcome::NotNow(why),
            Err(NoSeat::Full) => return Outcome::NotNow("every Dagger engine that answers is full".to_owned()),
            Err(NoSeat::NoneServes) if want.module => return Outcome::Refused(words::no_module_engine(&spec.repo)),
            Err(NoSeat::NoneServes) => return Outcome::Broken("FAIRWAY_ENGINES names no engine".to_owned()),
        };
        let outcome = self.seated(&spec, &seat, (events, cancel)).await;
        if let Outcome::Broken(why) = &outcome {
            seat.spoilt(why);
        }
        outcome
    }

    async fn seated(
        &self,
        spec: &RunSpec,
        seat: &Seat,
        (events, cancel): (mpsc::Sender<RunEvent>, CancellationToken),
    ) -> Outcome {
        let deadline = Instant::now() + spec.timeout;
        let home = match session::home(self.config.owner) {
            Ok(home) => home,
            Err(error) => return Outcome::Broken(format!("no directory for a session: {error}")),
        };
        let session = match Session::open(&self.launch(seat.address(), home.path()), &cancel).await {
            Ok(session) => session,
            Err(NoSession::Cancelled) => return Outcome::Cancelled,
            // Nothing of the run has begun, so it waits for an engine that answers.
            Err(why) => {
                seat.failed(&why.to_string());
                return Outcome::NotNow(why.to_string());
            }
        };
        seat.worked();
        drop(events.send(RunEvent::Begun).await);
        let pump = Pump::start(&session, spec, events.clone());
        let run = Run {
            spec,
            session: &session,
            pump: &pump,
            events: &events,
            cancel: &cancel,
            deadline,
            seal: &self.config.seal,
            home: home.path(),
            data: &self.config.data,
            default_image: &self.config.image,
            fetched: self.fetches.of(seat.address(), spec),
        };
        // The SDK panics on answers that it does not expect; that ends this run and no other.
        let outcome = AssertUnwindSafe(run.perform()).catch_unwind().await;
        pump.end().await;
        // Nobody waits for the CLI to end; its home goes after it.
        tokio::spawn(async move {
            session.close().await;
            drop(home);
        });
        outcome.unwrap_or_else(|_| Outcome::Broken("the Dagger SDK met an answer that it does not know".to_owned()))
    }
}

impl Engine for Dagger {
    fn stations(&self) -> Vec<Station> {
        self.pool.stations()
    }

    fn drain(&self, addresses: &[String]) {
        self.pool.drain(addresses);
    }

    fn attend(&self, stop: CancellationToken) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                _ = async { tokio::join!(self.keep_names(), self.keep_healthy()) } => {}
            }
        })
    }

    fn name(&self) -> &'static str {
        "dagger"
    }

    fn isolation(&self) -> String {
        String::new()
    }

    fn refuses_forks(&self) -> Option<String> {
        None
    }

    fn fingerprint<'a>(&'a self, pipeline: &'a Pipeline) -> BoxFuture<'a, Option<String>> {
        // A tag may mean another image tomorrow; only a digest always means the same.
        let images = pipeline.services.values().map(|s| &s.image).chain(&pipeline.image);
        let pinned = pipeline.image.is_some() && images.into_iter().all(|image| image.contains("@sha256:"));
        Box::pin(std::future::ready(pinned.then(|| "dagger".to_owned())))
    }

    fn kept(&self, digest: &str) -> Option<std::path::PathBuf> {
        harvest::kept(&self.config.data, digest)
    }

    fn exports(&self) -> Vec<super::Export> {
        harvest::exports(&self.config.data)
    }

    fn forget(&self, digest: &str) {
        harvest::forget(&self.config.data, digest);
    }

    fn run(&self, spec: RunSpec, events: mpsc::Sender<RunEvent>, cancel: CancellationToken) -> BoxFuture<'_, Outcome> {
        Box::pin(self.perform(spec, events, cancel))
    }
}
