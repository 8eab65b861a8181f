//! The embedded engine: each step is a child process in a fresh checkout, with a cleared environment and limits, in bubblewrap
//! where the machine has it. It isolates less than containers do, says so in every check, and runs no fork.

mod checkout;
mod disk;
pub mod guard;
mod here;
mod lock;
mod sandbox;
mod step;

pub use here::Here;

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use checkout::{NoCheckout, checkout};
use lock::RunDir;
use sandbox::{Place, Sandbox};
use step::Steps;

use crate::domain::project::Pipeline;

use super::harvest;
use super::{Engine, Outcome, RunEvent, RunSpec, no_access};
use guard::Order;

/// Where programs of the system are.
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How the engine is to be.
#[derive(Clone, Debug)]
pub struct Config {
    /// Runs, caches and exports are kept below.
    pub data: PathBuf,
    /// The program that has the `guard` verb.
    pub exe: PathBuf,
    /// Directories of tools beside the system's, in the form of PATH.
    pub tool_path: String,
    /// What a run may use.
    pub limits: Limits,
}

/// What a run may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Processes at once.
    pub processes: usize,
    /// Memory of all its processes, in bytes.
    pub memory: u64,
    /// Disk, in bytes: checkout, home and everything the steps write there.
    pub disk: u64,
    /// Between a polite end and a hard one.
    pub grace: Duration,
    /// How long a run waits for what an earlier process left of it.
    pub lock: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            processes: 1_024,
            memory: 8_000_000_000,
            disk: 20_000_000_000,
            grace: Duration::from_secs(2),
            lock: Duration::from_secs(30),
        }
    }
}

/// Whether this machine lets bubblewrap do its work.
///
/// # Errors
/// Why not, with what to do.
pub fn probe() -> Result<(), String> {
    Sandbox::probe().map(drop)
}

/// The engine.
pub struct Local {
    config: Config,
    sandbox: Sandbox,
    without: Option<String>,
}

impl Local {
    /// For `serve`: only with bubblewrap.
    ///
    /// # Errors
    /// When bubblewrap cannot be used, with what to do.
    pub fn for_serving(config: Config) -> anyhow::Result<Local> {
        let sandbox = Sandbox::probe().map_err(|why| {
            anyhow::anyhow!(
                "FAIRWAY_ENGINE=local needs bubblewrap, so that a pipeline cannot read Fairway's own key: {why}"
            )
        })?;
        lock::sweep(&config.data.join("runs"));
        harvest::sweep(&config.data);
        Ok(Local { config, sandbox, without: None })
    }

    /// For `play` and `demo`: with bubblewrap if it can be had, else without, and it says so.
    pub fn for_playing(config: Config) -> Local {
        lock::sweep(&config.data.join("runs"));
        harvest::sweep(&config.data);
        match Sandbox::probe() {
            Ok(sandbox) => Local { config, sandbox, without: None },
            Err(why) => Local { config, sandbox: Sandbox::None, without: Some(why) },
        }
    }

    async fn perform(&self, spec: RunSpec, events: mpsc::Sender<RunEvent>, cancel: CancellationToken) -> Outcome {
        if spec.fork {
            return Outcome::Refused(FORKS.to_owned());
        }
        if spec.call.is_some() {
            return Outcome::Refused(MODULES.to_owned());
        }
        let root = self.config.data.join("runs").join(format!("{}-{}", spec.run_id, spec.attempt));
        let dir = match RunDir::make(&root, &self.lock(&spec)) {
            Ok(dir) => dir,
            Err(error) => return Outcome::Broken(format!("the run's directory could not be made: {error}")),
        };
        let outcome = self.in_place(&spec, (&root, &events), &cancel).await;
        dir.clear().await;
        outcome.unwrap_or_else(|error| Outcome::Broken(format!("the engine could not go on: {error}")))
    }

    fn lock(&self, spec: &RunSpec) -> PathBuf {
        self.config.data.join("runs").join(format!("{}.lock", spec.run_id))
    }

    async fn in_place(
        &self,
        spec: &RunSpec,
        (root, events): (&Path, &mpsc::Sender<RunEvent>),
        cancel: &CancellationToken,
    ) -> std::io::Result<Outcome> {
        let deadline = Instant::now() + spec.timeout;
        if let Some(why) = spec.caches.iter().find_map(|cache| sandbox::refuses_cache(cache)) {
            return Ok(Outcome::Impossible(why));
        }
        let place = self.prepare(spec, root).await?;
        let lock = self.lock(spec);
        tokio::select! {
            free = wait_for(&lock, self.config.limits.lock) => if !free? {
                return Ok(Outcome::Broken("steps of an earlier try of this run have not ended yet".to_owned()));
            },
            () = cancel.cancelled() => return Ok(Outcome::Cancelled),
        }
        drop(events.send(RunEvent::Begun).await);
        let work = tokio::time::timeout_at(deadline, checkout(spec, &place.source, cancel));
        match work.await {
            Err(_) => return Ok(Outcome::TimedOut),
            Ok(Err(NoCheckout::Cancelled)) => return Ok(Outcome::Cancelled),
            Ok(Err(NoCheckout::Impossible(why))) => return Ok(Outcome::Impossible(why)),
            Ok(Err(NoCheckout::NoAccess(words))) => return Ok(no_access(&words)),
            Ok(Err(NoCheckout::Broken(why))) => return Ok(Outcome::Broken(why)),
            Ok(Ok(notes)) => {
                for note in notes {
                    drop(events.send(RunEvent::Note(note)).await);
                }
            }
        }
        let mut steps = Steps {
            index: 0,
            exe: &self.config.exe,
            env: self.environment(spec, &place),
            deadline,
            quota: (root, self.config.limits.disk),
            events,
            cancel,
        };
        let outcome = steps.all(spec, |line| self.order(spec, &place, line)).await?;
        Ok(self.harvest(spec, &place, (events, outcome)).await)
    }

    async fn prepare(&self, spec: &RunSpec, root: &Path) -> std::io::Result<Place> {
        let (source, home, tmp) = (root.join("source"), root.join("home"), root.join("tmp"));
        for dir in [&source, &home, &tmp] {
            tokio::fs::create_dir_all(dir).await?;
        }
        let mut caches = Vec::new();
        for cache in &spec.caches {
            let real = self.config.data.join("caches").join(&spec.cache_scope).join(name_of(cache));
            tokio::fs::create_dir_all(&real).await?;
            caches.push((PathBuf::from(cache), real));
        }
        // Tools that a language's installer puts into a home directory keep their data beside their programs.
        let dirs = self
            .config
            .tool_path
            .split(':')
            .filter(|dir| dir.starts_with('/') && !dir.starts_with("/usr/"))
            .map(PathBuf::from);
        let tools = dirs.flat_map(|dir| match rust_homes(&dir) {
            Some((cargo, rustup)) => vec![cargo, rustup],
            None => vec![dir],
        });
        Ok(Place { source, home, tmp, caches, tools: tools.collect() })
    }

    fn environment(&self, spec: &RunSpec, place: &Place) -> Vec<(String, String)> {
        let home = self.sandbox.home(place);
        let path = if self.config.tool_path.is_empty() {
            SYSTEM_PATH.to_owned()
        } else {
            format!("{}:{SYSTEM_PATH}", self.config.tool_path)
        };
        let mut env = vec![
            ("PATH".to_owned(), path),
            ("HOME".to_owned(), home.clone()),
            ("TMPDIR".to_owned(), self.sandbox.tmp(place)),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            ("CI".to_owned(), "true".to_owned()),
            ("FAIRWAY".to_owned(), "true".to_owned()),
        ];
        if let Some((_, rustup)) = self.config.tool_path.split(':').find_map(|dir| rust_homes(Path::new(dir))) {
            env.push(("RUSTUP_HOME".to_owned(), rustup.to_string_lossy().into_owned()));
            env.push(("CARGO_HOME".to_owned(), format!("{home}/.cargo")));
        }
        env.extend(spec.env.clone());
        env.extend(spec.secrets.iter().map(|(name, value)| (name.clone(), value.reveal().to_owned())));
        env
    }

    fn order(&self, spec: &RunSpec, place: &Place, line: &str) -> Result<Order, String> {
        let limits = &self.config.limits;
        Ok(Order {
            lock: self.lock(spec),
            dir: place.source.clone(),
            sandbox: self.sandbox.around(place)?,
            command: ["/bin/sh", "-e", "-c", line].map(str::to_owned).into(),
            grace_ms: limits.grace.as_millis() as u64,
            processes: limits.processes,
            memory: limits.memory,
            file_size: limits.disk,
        })
    }

    /// Reports are read whether or not the steps passed; an export is kept only when they did.
    async fn harvest(
        &self,
        spec: &RunSpec,
        place: &Place,
        (events, outcome): (&mpsc::Sender<RunEvent>, Outcome),
    ) -> Outcome {
        let seen_at = self.sandbox.source(place);
        harvest::tell_reports(spec, (&place.source, &seen_at), events).await;
        if let Some(name) = spec.publish.as_ref().filter(|_| outcome == Outcome::Success) {
            let note = format!("{name} was not published: the local engine makes no images.");
            drop(events.send(RunEvent::Note(note)).await);
        }
        match spec.export.as_deref().filter(|_| outcome == Outcome::Success) {
            Some(what) => harvest::keep_export((&place.source, what), &self.config.data, events).await,
            None => outcome,
        }
    }
}

/// Said to whoever wants a fork's code run here.
const FORKS: &str = "Not run: this pull request comes from a fork, and the local engine does not keep a stranger's code away from this machine well enough. Push the branch to this repository instead, or ask the operator for a Dagger engine.";

/// Said of a pipeline that calls the repository's own module.
const MODULES: &str = "Not run: this calls the repository's own Dagger module, which needs a Dagger engine; the local engine runs `run` lines only. Whoever runs Fairway chooses with FAIRWAY_ENGINE=dagger.";

impl Engine for Local {
    fn name(&self) -> &'static str {
        "local"
    }

    fn isolation(&self) -> String {
        match &self.without {
            None => "Run by the local engine in bubblewrap: it isolates less than containers, and `image` and `services` are ignored.".to_owned(),
            Some(why) => format!("Run by the local engine without isolation, because {why}. `image`, `services` and `cache` are ignored."),
        }
    }

    fn refuses_forks(&self) -> Option<String> {
        Some(FORKS.to_owned())
    }

    fn fingerprint<'a>(&'a self, _pipeline: &'a Pipeline) -> BoxFuture<'a, Option<String>> {
        // The tools are the machine's, and nobody says when they change: what passed here counts here.
        let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Box::pin(std::future::ready(Some(format!("local {machine} {}", self.config.tool_path))))
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

/// `~/.cargo/bin` needs `~/.rustup` beside it.
fn rust_homes(dir: &Path) -> Option<(PathBuf, PathBuf)> {
    let cargo = dir.parent().filter(|p| p.ends_with(".cargo"))?;
    Some((dir.to_owned(), cargo.parent()?.join(".rustup")))
}

/// A cache's path as one name, without anything that a path means.
fn name_of(path: &str) -> String {
    path.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).take(100).collect()
}

/// Waits until nothing of an earlier try lives. `false`: it still does.
async fn wait_for(lock: &Path, most: Duration) -> std::io::Result<bool> {
    let end = Instant::now() + most;
    loop {
        if lock::take(lock)?.is_some() {
            return Ok(true);
        }
        if Instant::now() >= end {
            return Ok(false);
        }
        tokio::time::sleep(lock::AGAIN).await;
    }
}
