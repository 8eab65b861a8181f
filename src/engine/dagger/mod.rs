//! The Dagger engine: each run is one session of its own on an engine that the operator named, each step one query.
//!
//! Wished: a step sees neither Fairway nor the engine's socket; an engine that goes away costs the run a second try and
//! nothing else; whatever is stopped is gone within a second.

mod base;
mod client;
mod feed;
mod image;
mod module;
mod pump;
mod run;
mod session;
mod signature;
mod words;

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Engine, Outcome, RunEvent, RunSpec, harvest};
use crate::domain::project::Pipeline;
use base::Run;
use client::Trace;
use pump::Pump;
use session::{Launch, NoSession, Session};

/// How the engine is to be.
#[derive(Clone, Debug)]
pub struct Config {
    /// The `dagger` program.
    pub cli: PathBuf,
    /// Addresses of engines; a repository keeps to one of them, the next takes over when that one fails.
    pub runners: Vec<String>,
    /// Engines for repositories' own modules: `owner/name` or `owner/*`, and the address.
    pub modules: Vec<(String, String)>,
    /// Sessions and exports are kept below.
    pub data: PathBuf,
    /// User and group of the sessions, when Fairway may choose.
    pub owner: Option<(u32, u32)>,
    /// Where sessions look for programs such as `ssh`.
    pub path: String,
    /// For pipelines without `image`.
    pub image: String,
    /// Keys the names under which secrets are known to an engine.
    pub seal: [u8; 32],
}

/// The engine.
pub struct Dagger {
    config: Config,
}

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

impl Dagger {
    /// With at least one address.
    pub fn new(config: Config) -> Dagger {
        Dagger { config }
    }

    /// The version of the first engine that answers, with its address.
    ///
    /// # Errors
    /// What the last of them said instead.
    pub async fn preflight(&self) -> Result<(String, String), String> {
        let mut last = "FAIRWAY_ENGINES names no engine".to_owned();
        for runner in &self.config.runners {
            match self.version(runner).await {
                Ok(version) => return Ok((version, runner.clone())),
                Err(why) => last = why,
            }
        }
        Err(last)
    }

    async fn version(&self, runner: &str) -> Result<String, String> {
        let home = session::home(self.config.owner).map_err(|error| format!("no directory for a session: {error}"))?;
        let never = CancellationToken::new();
        let session = Session::open(&self.launch(runner, home.path()), &never).await.map_err(|e| e.to_string())?;
        let api = session.api(Trace::new());
        let version = tokio::time::timeout(session::START, api.version()).await;
        session.close().await;
        match version {
            Ok(Ok(version)) => Ok(version),
            Ok(Err(error)) => Err(client::Trouble::from(error).words()),
            Err(_) => Err(NoSession::Mute { runner: runner.to_owned() }.to_string()),
        }
    }

    fn launch(&self, runner: &str, home: &std::path::Path) -> Launch {
        Launch {
            cli: self.config.cli.clone(),
            runner: runner.to_owned(),
            home: home.to_owned(),
            owner: self.config.owner,
            path: self.config.path.clone(),
        }
    }

    /// The engine for this try: the repository's own first, since its cache is warm; another after a failure.
    fn runner(&self, spec: &RunSpec) -> Option<&str> {
        let count = self.config.runners.len();
        let own = spec.repo.bytes().fold(0_usize, |n, b| n.wrapping_mul(31).wrapping_add(usize::from(b)));
        let try_no = usize::try_from(spec.failures.max(0)).unwrap_or_default();
        self.config.runners.get(own.wrapping_add(try_no).checked_rem(count)?).map(String::as_str)
    }

    /// A module's code can read what others have on its engine, so it gets only an engine that was marked for it.
    fn module_runner(&self, repo: &str) -> Option<&str> {
        let serves = |pattern: &str| match pattern.strip_suffix("/*") {
            Some(owner) => repo.split('/').next().is_some_and(|own| own.eq_ignore_ascii_case(owner)),
            None => repo.eq_ignore_ascii_case(pattern),
        };
        self.config.modules.iter().find(|(pattern, _)| serves(pattern)).map(|(_, runner)| runner.as_str())
    }

    async fn perform(&self, spec: RunSpec, events: mpsc::Sender<RunEvent>, cancel: CancellationToken) -> Outcome {
        let deadline = Instant::now() + spec.timeout;
        let runner = if spec.call.is_some() { self.module_runner(&spec.repo) } else { self.runner(&spec) };
        let Some(runner) = runner else {
            return match spec.call {
                Some(_) => Outcome::Refused(words::no_module_engine(&spec.repo)),
                None => Outcome::Broken("FAIRWAY_ENGINES names no engine".to_owned()),
            };
        };
        let home = match session::home(self.config.owner) {
            Ok(home) => home,
            Err(error) => return Outcome::Broken(format!("no directory for a session: {error}")),
        };
        let session = match Session::open(&self.launch(runner, home.path()), &cancel).await {
            Ok(session) => session,
            Err(NoSession::Cancelled) => return Outcome::Cancelled,
            Err(why) => return Outcome::Broken(why.to_string()),
        };
        let pump = Pump::start(&session, &spec, events.clone());
        let run = Run {
            spec: &spec,
            session: &session,
            pump: &pump,
            events: &events,
            cancel: &cancel,
            deadline,
            seal: &self.config.seal,
            home: home.path(),
            data: &self.config.data,
            default_image: &self.config.image,
        };
        // The SDK panics on answers that it does not expect; that ends this run and no other.
        let outcome = AssertUnwindSafe(run.perform()).catch_unwind().await;
        pump.end().await;
        session.close().await;
        outcome.unwrap_or_else(|_| Outcome::Broken("the Dagger SDK met an answer that it does not know".to_owned()))
    }
}

impl Engine for Dagger {
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

    fn keeps(&self, digest: &str) -> bool {
        harvest::keeps(&self.config.data, digest)
    }

    fn run(&self, spec: RunSpec, events: mpsc::Sender<RunEvent>, cancel: CancellationToken) -> BoxFuture<'_, Outcome> {
        Box::pin(self.perform(spec, events, cancel))
    }
}
