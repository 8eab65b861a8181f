//! The embedded engine: each step is a child process in a fresh checkout, with a cleared environment and limits, in bubblewrap
//! where the machine has it. It isolates less than containers do, says so in every check, and runs no fork.

mod checkout;
mod disk;
pub mod guard;
mod harvest;
mod mask;
mod sandbox;
mod step;

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use checkout::{NoCheckout, checkout};
use mask::Mask;
use sandbox::{Place, Sandbox};
use step::Steps;

use super::{Engine, Outcome, RunEvent, RunSpec, StepExit};
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
        sweep(&config.data);
        Ok(Local { config, sandbox, without: None })
    }

    /// For `play` and `demo`: with bubblewrap if it can be had, else without, and it says so.
    pub fn for_playing(config: Config) -> Local {
        match Sandbox::probe() {
            Ok(sandbox) => Local { config, sandbox, without: None },
            Err(why) => Local { config, sandbox: Sandbox::None, without: Some(why) },
        }
    }

    async fn perform(&self, spec: RunSpec, events: mpsc::Sender<RunEvent>, cancel: CancellationToken) -> Outcome {
        if spec.fork {
            return Outcome::Refused(FORKS.to_owned());
        }
        let root = self.config.data.join("runs").join(format!("{}-{}", spec.run_id, spec.attempt));
        let outcome = self.in_place(&spec, (&root, &events), &cancel).await;
        // What is left of a run is of no use; a file that cannot be removed is not worth failing for.
        let _ = tokio::fs::remove_dir_all(&root).await;
        outcome.unwrap_or_else(|error| Outcome::Broken(format!("the run could not be prepared: {error}")))
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
        let place = self.prepare(spec, root).await?;
        if !wait_for(&self.lock(spec), self.config.limits.lock, cancel).await? {
            if cancel.is_cancelled() {
                return Ok(Outcome::Cancelled);
            }
            return Ok(Outcome::Broken("steps of an earlier try of this run have not ended yet".to_owned()));
        }
        let work = tokio::time::timeout_at(deadline, checkout(spec, &place.source, cancel));
        match work.await {
            Err(_) => return Ok(Outcome::TimedOut),
            Ok(Err(NoCheckout::Cancelled)) => return Ok(Outcome::Cancelled),
            Ok(Err(NoCheckout::Impossible(why))) => return Ok(Outcome::Impossible(why)),
            Ok(Err(NoCheckout::Broken(why))) => return Ok(Outcome::Broken(why)),
            Ok(Ok(notes)) => {
                for note in notes {
                    drop(events.send(RunEvent::Note(note)).await);
                }
            }
        }
        if spec.caches.iter().any(|cache| cache.starts_with('/')) {
            let note = "The local engine keeps only caches inside the checkout; absolute paths in `cache` are ignored.";
            drop(events.send(RunEvent::Note(note.to_owned())).await);
        }
        let steps = Steps {
            exe: &self.config.exe,
            env: self.environment(spec, &place),
            deadline,
            quota: (root, self.config.limits.disk),
            events,
            cancel,
        };
        let outcome = self.steps(spec, &place, &steps).await?;
        Ok(self.harvest(spec, &place, (events, outcome)).await)
    }

    async fn prepare(&self, spec: &RunSpec, root: &Path) -> std::io::Result<Place> {
        let (source, home) = (root.join("source"), root.join("home"));
        for dir in [&source, &home] {
            tokio::fs::create_dir_all(dir).await?;
        }
        let mut caches = Vec::new();
        // An absolute path of the system cannot be made writable here; its tool is told where its cache is by `env` instead.
        for cache in spec.caches.iter().filter(|cache| !cache.starts_with('/')) {
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
        Ok(Place { source, home, caches, tools: tools.collect() })
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

    async fn steps(&self, spec: &RunSpec, place: &Place, steps: &Steps<'_>) -> std::io::Result<Outcome> {
        let mut mask = mask_of(spec);
        for (index, line) in spec.steps.iter().enumerate() {
            drop(steps.events.send(RunEvent::StepStarted { index }).await);
            let order = self.order(spec, place, line);
            let begin = Instant::now();
            let exit = steps.run(&order, &mut mask).await?;
            let millis = begin.elapsed().as_millis() as i64;
            drop(steps.events.send(RunEvent::StepFinished { index, exit, millis }).await);
            match exit {
                StepExit::Code(0) => {}
                StepExit::Code(_) => return Ok(Outcome::Failed),
                StepExit::TimedOut => return Ok(Outcome::TimedOut),
                StepExit::Cancelled => return Ok(Outcome::Cancelled),
            }
        }
        Ok(Outcome::Success)
    }

    fn order(&self, spec: &RunSpec, place: &Place, line: &str) -> Order {
        let limits = &self.config.limits;
        Order {
            lock: self.lock(spec),
            dir: place.source.clone(),
            command: self.sandbox.wrap(place, line),
            sandboxed: self.sandbox == Sandbox::Bubblewrap,
            grace_ms: limits.grace.as_millis() as u64,
            processes: limits.processes,
            memory: limits.memory,
            file_size: limits.disk,
        }
    }

    /// Reports are read whether or not the steps passed; an export is kept only when they did.
    async fn harvest(
        &self,
        spec: &RunSpec,
        place: &Place,
        (events, outcome): (&mpsc::Sender<RunEvent>, Outcome),
    ) -> Outcome {
        let (source, reports) = (place.source.clone(), spec.reports.clone());
        let seen_at = self.sandbox.source(place);
        let found = tokio::task::spawn_blocking(move || harvest::reports(&source, &seen_at, &reports)).await;
        let mut mask = mask_of(spec);
        for event in found.unwrap_or_default() {
            let event = match event {
                RunEvent::Report { kind, path, root, bytes } => {
                    let mut shown = mask.pass(&bytes);
                    shown.extend(mask.rest());
                    RunEvent::Report { kind, path, root, bytes: shown }
                }
                other => other,
            };
            drop(events.send(event).await);
        }
        let Some(what) = spec.export.clone().filter(|_| outcome == Outcome::Success) else { return outcome };
        let (source, exports) = (place.source.clone(), self.config.data.join("exports"));
        match tokio::task::spawn_blocking(move || harvest::export(&source, &what, &exports)).await {
            Ok(Ok(digest)) => {
                drop(events.send(RunEvent::Exported { digest }).await);
                outcome
            }
            Ok(Err(why)) => Outcome::Impossible(why),
            Err(error) => Outcome::Broken(format!("the export could not be kept: {error}")),
        }
    }
}

/// Said to whoever wants a fork's code run here.
const FORKS: &str = "Not run: this pull request comes from a fork, and the local engine does not keep a stranger's code away from this machine well enough. Push the branch to this repository instead, or ask the operator for a Dagger engine.";

impl Engine for Local {
    fn name(&self) -> &'static str {
        "local"
    }

    fn isolation(&self) -> String {
        match &self.without {
            None => "Run by the local engine in bubblewrap: it isolates less than containers, and `image` and `services` are ignored.".to_owned(),
            Some(why) => format!("Run by the local engine without isolation, because {why}. `image` and `services` are ignored."),
        }
    }

    fn refuses_forks(&self) -> Option<String> {
        Some(FORKS.to_owned())
    }

    fn run(&self, spec: RunSpec, events: mpsc::Sender<RunEvent>, cancel: CancellationToken) -> BoxFuture<'_, Outcome> {
        Box::pin(self.perform(spec, events, cancel))
    }
}

/// Hides what this run knows and nobody may see.
fn mask_of(spec: &RunSpec) -> Mask {
    Mask::new(spec.secrets.values().chain(&spec.token).map(|secret| secret.reveal()))
}

/// `~/.cargo/bin` needs `~/.rustup` beside it.
fn rust_homes(dir: &Path) -> Option<(PathBuf, PathBuf)> {
    let cargo = dir.parent().filter(|p| p.ends_with(".cargo"))?;
    Some((dir.to_owned(), cargo.parent()?.join(".rustup")))
}

/// Removes what earlier processes left of their runs. A run whose steps still live holds its lock, and is left alone.
fn sweep(data: &Path) {
    for entry in std::fs::read_dir(data.join("runs")).into_iter().flatten().flatten() {
        let path = entry.path();
        let Some(run) =
            path.file_name().and_then(|n| n.to_str()).and_then(|n| n.split_once('-')).map(|(run, _)| run.to_owned())
        else {
            continue;
        };
        let lock = std::fs::File::create(data.join("runs").join(format!("{run}.lock")));
        let free =
            lock.is_ok_and(|f| rustix::fs::flock(&f, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok());
        if free {
            // What cannot be removed now is tried again at the next start.
            let _ = std::fs::remove_dir_all(&path);
        }
    }
}

/// A cache's path as one name, without anything that a path means.
fn name_of(path: &str) -> String {
    path.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).take(100).collect()
}

/// Waits until nothing of an earlier try lives. `false`: it still does.
async fn wait_for(lock: &Path, most: Duration, cancel: &CancellationToken) -> std::io::Result<bool> {
    let end = Instant::now() + most;
    loop {
        let file = std::fs::File::create(lock)?;
        if rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok() {
            return Ok(true);
        }
        if Instant::now() >= end || cancel.is_cancelled() {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
