//! A repository, an engine, and what a run of it said.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fairway::engine::local::{Config, Limits, Local};
use fairway::engine::{Engine, Outcome, RunEvent, RunSpec, StepExit};
use fairway::playground::{Playground, PlaygroundOptions};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// One small world.
pub struct Desk {
    pub dir: tempfile::TempDir,
    pub engine: Local,
    config: Config,
    pub spec: RunSpec,
    pub cancel: CancellationToken,
    _hub: Playground,
}

/// What a run gave.
pub struct Said {
    pub outcome: Outcome,
    /// The first and the last of the log, so that a large one does not lie in memory.
    pub log: String,
    pub bytes: usize,
    pub exits: Vec<StepExit>,
    pub notes: Vec<String>,
    pub reports: Vec<(String, Vec<u8>)>,
    pub digests: Vec<String>,
}

impl Desk {
    /// With these files in the repository.
    pub async fn with(files: &[(&str, &str)], change: impl FnOnce(&mut Limits)) -> Desk {
        let dir = tempfile::tempdir().expect("a directory");
        let hub = Playground::start(PlaygroundOptions::in_dir(dir.path().join("hub"))).await.expect("a playground");
        hub.cast();
        let mut all = vec![("README.md", "hello\n")];
        all.extend(files);
        let shop = hub.create("acme/shop", &all);
        let mut limits = Limits { grace: Duration::from_millis(500), ..Limits::default() };
        change(&mut limits);
        let config = Config { data: dir.path().join("data"), exe: exe(), tool_path: String::new(), limits };
        let engine = Local::for_playing(config.clone());
        let spec = RunSpec {
            clone_url: format!("{}/acme/shop.git", hub.url()),
            sha: shop.head("main").expect("a head"),
            cache_scope: "1-trusted".into(),
            timeout: Duration::from_secs(120),
            ..RunSpec::new(7, "acme/shop")
        };
        Desk { dir, engine, config, spec, cancel: CancellationToken::new(), _hub: hub }
    }

    pub async fn plain() -> Desk {
        Desk::with(&[], |_| {}).await
    }

    pub fn config(&self) -> Config {
        self.config.clone()
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Whether steps are in bubblewrap here; says so where they are not.
    pub fn boxed(&self) -> bool {
        let boxed = !self.engine.isolation().contains("without isolation");
        if !boxed {
            eprintln!("{}", self.engine.isolation());
        }
        boxed
    }

    /// Runs these steps.
    pub async fn run(&mut self, steps: &[&str]) -> Said {
        self.spec.steps = steps.iter().map(|s| (*s).to_owned()).collect();
        let said = self.go(None).await;
        assert_eq!(left(&self.data()), Vec::<String>::new(), "nothing of a run is left on disk");
        said
    }

    /// Runs these steps, where other things lie beside the run.
    pub async fn go_with(&mut self, steps: &[&str]) -> Said {
        self.spec.steps = steps.iter().map(|s| (*s).to_owned()).collect();
        self.go(None).await
    }

    /// Runs the spec; cancels it when the log has this word.
    pub async fn go(&self, cancel_at: Option<&str>) -> Said {
        let (sender, mut events) = mpsc::channel(16);
        let run = self.engine.run(self.spec.clone(), sender, self.cancel.clone());
        let listen = async {
            let mut said = Said {
                outcome: Outcome::Success,
                log: String::new(),
                bytes: 0,
                exits: Vec::new(),
                notes: Vec::new(),
                reports: Vec::new(),
                digests: Vec::new(),
            };
            while let Some(event) = events.recv().await {
                hear(&mut said, event);
                if cancel_at.is_some_and(|word| said.log.contains(word)) {
                    self.cancel.cancel();
                }
            }
            said
        };
        let (outcome, mut said) = tokio::join!(run, listen);
        said.outcome = outcome;
        said
    }
}

fn hear(said: &mut Said, event: RunEvent) {
    match event {
        RunEvent::Log { bytes, .. } => {
            said.bytes += bytes.len();
            if said.log.len() < 100_000 {
                said.log.push_str(&String::from_utf8_lossy(&bytes));
            }
        }
        RunEvent::StepFinished { exit, .. } => said.exits.push(exit),
        RunEvent::Note(words) => said.notes.push(words),
        RunEvent::Report { path, bytes, .. } => said.reports.push((path, bytes)),
        RunEvent::Exported { digest } => said.digests.push(digest),
        RunEvent::Begun
        | RunEvent::StepStarted { .. }
        | RunEvent::Published { .. }
        | RunEvent::Answer(_)
        | RunEvent::Found(_) => {}
    }
}

/// The program under test, which has the `guard` verb.
pub fn exe() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_fairway"))
}

/// What lies in the directory of runs.
pub fn left(data: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(data.join("runs")).into_iter().flatten().flatten();
    entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect()
}

/// Processes that have this word on their command line, this one excepted.
pub fn alive(marker: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(marker) {
            found.push(line);
        }
    }
    found
}

/// Looks until it is so, for at most half a minute.
pub fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..1_500 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("it never came to this: {what}");
}
