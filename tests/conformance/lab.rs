//! The engines, a git server with the repositories of the cases, and the run of one case.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use fairway::domain::project::{Report, ReportKind, Service};
use fairway::engine::dagger::{self, Dagger};
use fairway::engine::local::{self, Local};
use fairway::engine::{Engine, Outcome, RunEvent, RunSpec, StepExit};
use fairway::playground::people::NewRepo;
use fairway::playground::world::Token;
use fairway::playground::{Playground, PlaygroundOptions};
use fairway::settings::Secret;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::case::{Cancel, Case, On, compare};
use crate::session::Fake;
use crate::source::Trees;

/// The token that may read `acme/private`.
pub const TOKEN: &str = "ghs_conformance0123456789abcdef";

/// All that cases on one engine share.
pub struct Lab {
    on: On,
    dir: tempfile::TempDir,
    hub: Playground,
    /// What the fake engines fetched.
    trees: Arc<(Trees, tempfile::TempDir)>,
    /// Takes connections and says nothing.
    mute: std::net::TcpListener,
    engine: Arc<dyn Engine>,
    runner: String,
    /// Keeps the fake engine for as long as the lab.
    fake: Option<Fake>,
    runs: AtomicI64,
}

/// What a run said.
#[derive(Debug)]
pub struct Said {
    pub outcome: Outcome,
    pub exits: Vec<StepExit>,
    pub cached: Vec<bool>,
    pub logs: BTreeMap<usize, Vec<u8>>,
    pub notes: Vec<String>,
    pub reports: Vec<(String, String)>,
    pub export: Option<BTreeMap<String, String>>,
    /// What no run may do.
    pub wrong: Vec<String>,
    began: usize,
    digests: Vec<String>,
}

impl Said {
    /// Whether this can be read anywhere in it.
    pub fn shows(&self, value: &str) -> bool {
        let in_logs = self.logs.values().any(|log| String::from_utf8_lossy(log).contains(value));
        let in_notes = self.notes.iter().any(|note| note.contains(value));
        let in_reports = self.reports.iter().any(|(_, text)| text.contains(value));
        in_logs || in_notes || in_reports || format!("{:?}", self.outcome).contains(value)
    }
}

impl Lab {
    pub async fn new(on: On, address: &str) -> Lab {
        let dir = tempfile::tempdir().expect("a directory");
        let hub = hub(dir.path()).await;
        let data = dir.path().join("data");
        let trees = Arc::new((Trees::default(), tempfile::tempdir().expect("a directory")));
        let (engine, fake): (Arc<dyn Engine>, _) = match on {
            On::Local => (Arc::new(local_engine(&data)), None),
            On::Fake => {
                let fake = Fake::start(None, trees.clone()).await;
                (Arc::new(dagger_engine((fake.cli(), address), &data)), Some(fake))
            }
            On::Real => (Arc::new(dagger_engine((PathBuf::from("dagger"), address), &data)), None),
        };
        let mute = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        Lab { on, dir, hub, trees, mute, engine, runner: address.to_owned(), fake, runs: AtomicI64::new(1) }
    }

    /// Whether a cache is there again in the next run: the local engine needs bubblewrap for that.
    pub fn keeps_caches(&self) -> bool {
        !self.engine.isolation().contains("`cache`")
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The one place that knows all that a run needs to be told.
    fn spec(&self, case: &Case, unique: &str) -> RunSpec {
        let report = |path: &&str| Report { kind: ReportKind::Junit, path: (*path).to_owned() };
        let service = |(name, image, port): &(&str, &str, Option<u16>)| {
            ((*name).to_owned(), Service { image: (*image).to_owned(), port: *port, env: BTreeMap::new() })
        };
        let known = case.repo.contains('/');
        let head = || match known {
            true => self.hub.repo(case.repo).head("main").expect("main is there"),
            false => "1".repeat(40),
        };
        let server = match case.repo {
            "mute" => format!("http://{}", self.mute.local_addr().expect("its address")),
            // The port for discarding; nobody listens there.
            "closed" => "http://127.0.0.1:9".to_owned(),
            _ => self.hub.url(),
        };
        RunSpec {
            clone_url: format!("{server}/{}.git", if known { case.repo } else { "acme/shop" }),
            token: case.token.map(Secret::new),
            sha: case.sha.map_or_else(head, str::to_owned),
            steps: case.steps.clone(),
            env: case.env.iter().map(|(name, value)| ((*name).to_owned(), value.replace("{unique}", unique))).collect(),
            secrets: case.secrets.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect(),
            caches: case.caches.iter().map(|path| (*path).to_owned()).collect(),
            cache_scope: format!("{unique}-{}", case.scope),
            timeout: Duration::from_secs(case.seconds),
            reports: case.reports.iter().map(report).collect(),
            export: case.export.map(str::to_owned),
            fork: case.fork,
            image: case.image.map(str::to_owned),
            services: case.services.iter().map(service).collect(),
            // A real engine knows equal steps of an earlier test, and would not run them again.
            fresh: (!case.known).then(|| (0, unique.to_owned())),
            ..RunSpec::new(self.runs.fetch_add(1, Ordering::SeqCst), case.repo)
        }
    }

    /// Runs a case, and the one before it. Gives what was wrong.
    pub async fn check(&self, case: &Case) -> Vec<String> {
        let faulty = match case.fault {
            Some(fault) => {
                let fake = Fake::start(Some(fault), self.trees.clone()).await;
                Some((dagger_engine((fake.cli(), &self.runner), &self.data()), fake))
            }
            None => None,
        };
        // An engine of its own, because one case's trouble would keep the others away from a shared one.
        let own = self.cli().map(|cli| dagger_engine((cli, &self.runner), &self.data()));
        let engine: &dyn Engine = match (&faulty, &own) {
            (Some((engine, _)), _) | (None, Some(engine)) => engine,
            (None, None) => self.engine.as_ref(),
        };
        let unique = uuid::Uuid::new_v4().simple().to_string();
        let mut wrong = Vec::new();
        for case in case.first.as_deref().into_iter().chain([case]) {
            let struck = faulty.as_ref().map(|(_, fake)| fake.struck());
            let said = self.run(engine, (self.spec(case, &unique), case), struck).await;
            wrong.extend(compare(case, &said));
        }
        wrong
    }

    /// What is left of the runs: directories, and processes of sessions and of a fake engine's steps.
    pub async fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        // What was killed a moment ago may still be seen.
        for _ in 0..100 {
            // A real engine's address is other people's too.
            left = if self.on == On::Fake { processes(&self.runner) } else { Vec::new() };
            let runs = std::fs::read_dir(self.data().join("runs"));
            left.extend(runs.into_iter().flatten().flatten().map(|entry| entry.path().display().to_string()));
            if left.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        left
    }

    /// Begins this case, and drops it when it has said something.
    pub async fn drop_on_its_way(&self, case: &Case) {
        let (events, mut heard) = mpsc::channel(1);
        let unique = uuid::Uuid::new_v4().to_string();
        let run = self.engine.run(self.spec(case, &unique), events, CancellationToken::new());
        let said = async { while !matches!(heard.recv().await, Some(RunEvent::Log { .. }) | None) {} };
        tokio::select! {
            outcome = run => panic!("{} ended by itself: {outcome:?}", case.name),
            () = said => {}
        }
    }

    fn cli(&self) -> Option<PathBuf> {
        match self.on {
            On::Local => None,
            On::Fake => self.fake.as_ref().map(Fake::cli),
            On::Real => Some(PathBuf::from("dagger")),
        }
    }

    /// What a case says on the lab's own engine.
    pub async fn said(&self, case: &Case) -> Said {
        self.run(self.engine.as_ref(), (self.spec(case, &case.name), case), None).await
    }

    async fn run(
        &self,
        engine: &dyn Engine,
        (spec, case): (RunSpec, &Case),
        struck: Option<tokio::sync::watch::Receiver<bool>>,
    ) -> Said {
        let cancel = CancellationToken::new();
        if matches!(case.cancel, Cancel::Before) {
            cancel.cancel();
        }
        let (events, mut heard) = mpsc::channel(64);
        let mut said = Said {
            outcome: Outcome::Success,
            exits: Vec::new(),
            cached: Vec::new(),
            logs: BTreeMap::new(),
            notes: Vec::new(),
            reports: Vec::new(),
            export: None,
            wrong: Vec::new(),
            began: 0,
            digests: Vec::new(),
        };
        let listen = async {
            while let Some(event) = heard.recv().await {
                said.hear(event);
                if said.calls_for(&case.cancel) {
                    cancel.cancel();
                }
            }
        };
        let stop = async {
            match (&case.cancel, struck) {
                (Cancel::AtFault, Some(mut struck)) => drop(struck.wait_for(|struck| *struck).await),
                (Cancel::Soon, _) => tokio::time::sleep(Duration::from_millis(300)).await,
                _ => return,
            }
            cancel.cancel();
        };
        let (outcome, (), ()) = tokio::join!(engine.run(spec, events, cancel.clone()), listen, stop);
        said.outcome = outcome;
        if said.began != said.exits.len()
            && !matches!(said.outcome, Outcome::Broken(_) | Outcome::Impossible(_) | Outcome::NotNow(_))
        {
            said.wrong.push(format!("{} steps began, {} ended", said.began, said.exits.len()));
        }
        if let Some(digest) = said.digests.first() {
            said.export = Some(kept(&self.data().join("exports").join(digest)));
            if engine.kept(digest).is_none() {
                said.wrong.push("the engine does not know its export".to_owned());
            }
        }
        said
    }

    pub fn on(&self) -> On {
        self.on
    }
}

impl Said {
    fn hear(&mut self, event: RunEvent) {
        match event {
            RunEvent::StepStarted { index } => {
                if index != self.began || index != self.exits.len() {
                    self.wrong.push(format!("step {index} began after {} had ended", self.exits.len()));
                }
                self.began += 1;
            }
            RunEvent::Log { step, bytes } => {
                if step >= self.began || bytes.is_empty() {
                    self.wrong.push(format!("{} bytes of step {step}, and {} had begun", bytes.len(), self.began));
                }
                self.logs.entry(step).or_default().extend(bytes);
            }
            RunEvent::StepFinished { index, exit, cached, .. } => {
                if index != self.exits.len() {
                    self.wrong.push(format!("step {index} ended after {} others", self.exits.len()));
                }
                self.exits.push(exit);
                self.cached.push(cached);
            }
            RunEvent::Report { path, bytes, .. } => {
                self.reports.push((path, String::from_utf8_lossy(&bytes).into_owned()));
            }
            RunEvent::Exported { digest } => self.digests.push(digest),
            RunEvent::Note(words) => self.notes.push(words),
            RunEvent::Begun | RunEvent::Published { .. } | RunEvent::Answer(_) | RunEvent::Found(_) => {}
        }
    }

    fn calls_for(&self, cancel: &Cancel) -> bool {
        match cancel {
            Cancel::AtLog(word) => self.shows(word),
            Cancel::AfterStep(step) => self.exits.len() > *step,
            Cancel::Never | Cancel::Before | Cancel::Soon | Cancel::AtFault => false,
        }
    }
}

/// Sessions with this engine's address, and what has its word among its variables.
fn processes(address: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let environ = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        if String::from_utf8_lossy(&environ).contains(address) {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            found.push(String::from_utf8_lossy(&line).replace('\0', " "));
        }
    }
    found
}

fn local_engine(data: &Path) -> Local {
    let limits = local::Limits { grace: Duration::from_millis(300), ..local::Limits::default() };
    let exe = PathBuf::from(env!("CARGO_BIN_EXE_fairway"));
    Local::for_playing(local::Config { data: data.to_owned(), exe, tool_path: String::new(), limits })
}

fn dagger_engine((cli, address): (PathBuf, &str), data: &Path) -> Dagger {
    Dagger::new(dagger::Config {
        cli,
        runners: vec![address.to_owned()],
        modules: Vec::new(),
        limit: 16,
        data: data.to_owned(),
        owner: dagger::session_owner(&[address.to_owned()]),
        path: "/usr/local/bin:/usr/bin:/bin".to_owned(),
        env: Vec::new(),
        image: "debian:bookworm-slim".to_owned(),
        seal: [7; 32],
    })
}

/// What is kept of an export, by path.
fn kept(root: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut left = vec![root.to_owned()];
    while let Some(dir) = left.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = path.strip_prefix(root).expect("below it").to_string_lossy().into_owned();
            let meta = entry.metadata().expect("its metadata");
            if meta.is_dir() {
                left.push(path);
            } else if meta.is_symlink() {
                files.insert(name, format!("-> {}", std::fs::read_link(&path).expect("a link").display()));
            } else {
                let run = if meta.permissions().mode() & 0o111 != 0 { "#!" } else { "" };
                files.insert(name, format!("{run}{}", std::fs::read_to_string(&path).expect("a text")));
            }
        }
    }
    files
}

async fn hub(dir: &Path) -> Playground {
    let hub = Playground::start(PlaygroundOptions::in_dir(dir.join("hub"))).await.expect("a playground");
    let installation = hub.cast();
    let files = [("README.md", "hello\n"), ("dos.txt", "a\r\nb\r\n"), ("läden/größe.txt", "7\n")];
    hub.create("acme/shop", &files);
    hub.create("acme/parts", &[(".gitmodules", "[submodule \"x\"]\npath = x\nurl = ../shop.git\n")]);
    hub.create("acme/lost", &[(".gitmodules", "[submodule \"x\"]\npath = x\nurl = ../nothing.git\n")]);
    hub.create("acme/holder", &[(".gitmodules", "[submodule \"x\"]\npath = x\nurl = ../private.git\n")]);
    hub.create_as(&NewRepo { full_name: "acme/private", private: true, files: &files, by: "alice" });
    let permissions = BTreeMap::from([("contents".to_owned(), "read".to_owned())]);
    let token = Token { installation, permissions, repos: None, expires_at: i64::MAX };
    hub.act(|world| world.tokens.insert(TOKEN.to_owned(), token));
    let shop = hub.repo("acme/shop").head("main").expect("main is there");
    let modes = "printf '#!/bin/sh\\necho ran\\n' > run.sh; chmod +x run.sh; ln -s README.md link.md".to_owned();
    let parts = format!("git update-index --add --cacheinfo 160000,{shop},x");
    let private = hub.repo("acme/private").head("main").expect("main is there");
    let holder = format!("git update-index --add --cacheinfo 160000,{private},x");
    for (name, made) in [("shop", modes), ("parts", parts.clone()), ("lost", parts), ("holder", holder)] {
        let url = format!("{}/acme/{name}.git", hub.url()).replace("http://", "http://alice:x@");
        let to = dir.join("made").join(name);
        tokio::task::spawn_blocking(move || push(&url, &to, &made)).await.expect("pushed");
    }
    hub
}

/// Pushes what a page of files cannot say: programs, links, submodules.
fn push(url: &str, to: &Path, made: &str) {
    let script = format!(
        "git clone -q \"$1\" \"$2\"; cd \"$2\"; {made}; git add --ignore-removal .; \
         git -c user.name=alice -c user.email=alice@example.com commit -q -m 'More'; git push -q origin HEAD:main"
    );
    let mut command = Command::new("sh");
    command.args(["-e", "-c", &script, "sh", url]).arg(to).env("GIT_CONFIG_GLOBAL", "/dev/null");
    let done = command.env("GIT_CONFIG_NOSYSTEM", "1").output().expect("git is installed by scripts/setup");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
