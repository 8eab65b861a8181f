//! Update pull requests as GitHub's people see them: a playground, a scripted registry, and an engine whose clients edit locks by
//! their words.

#[path = "common/fairway.rs"]
mod fairway_world;
#[path = "course/advisories.rs"]
mod github_advisories;
#[path = "course/queue.rs"]
mod merge_queue;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fairway::domain::decide::UpdatesState;
use fairway::domain::project::Pipeline;
use fairway::domain::update::advisory::Book;
use fairway::domain::update::{Answers, Looked, Package, Release};
use fairway::engine::scripted::Scripted;
use fairway::engine::{Engine, Outcome, RunEvent, RunSpec, StepExit};
use fairway::registry::databases::Refreshed;
use fairway::registry::{How, Packages};
use fairway_world::World;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const DAY: i64 = 24 * 60 * 60 * 1000;
const NAMES: [&str; 5] = ["ant", "bee", "cat", "dog", "elk"];

/// A registry: every crate has 1.0.0 of long ago and 1.1.0 of last month.
#[derive(Default)]
struct Shelves {
    refuse: Mutex<Option<String>>,
    asked: Mutex<Vec<usize>>,
    book: Mutex<Arc<Book>>,
}

impl Packages for Shelves {
    fn look_up<'a>(&'a self, packages: &'a [Package], how: How) -> BoxFuture<'a, Answers> {
        self.asked.lock().expect("a list").push(packages.len());
        let refused = self.refuse.lock().expect("words").clone();
        let release = |version: &str, age: i64| Release {
            version: version.to_owned(),
            published: Some(how.now - age),
            ..Release::default()
        };
        let answer = |package: &Package| match &refused {
            Some(why) => (package.clone(), Looked::Not(why.clone())),
            None => {
                let all = vec![release("1.0.0", 400 * DAY), release("1.1.0", 30 * DAY)];
                (package.clone(), Looked::Releases(all))
            }
        };
        Box::pin(std::future::ready(packages.iter().map(answer).collect()))
    }

    fn book(&self) -> Arc<Book> {
        self.book.lock().expect("a book").clone()
    }

    fn tell(&self, book: Book) -> BoxFuture<'_, ()> {
        *self.book.lock().expect("a book") = Arc::new(book);
        Box::pin(std::future::ready(()))
    }

    fn refresh(&self, _now: i64) -> BoxFuture<'_, Refreshed> {
        Box::pin(std::future::ready(Refreshed::default()))
    }
}

/// Pipelines as in `Scripted`; a test is red where the lock has something of `bad` at 1.1.0. Clients change the lock as told.
struct Yard {
    scripted: Scripted,
    hub: Arc<Mutex<Option<fairway::playground::Playground>>>,
    bad: Mutex<Vec<&'static str>>,
    dir: tempfile::TempDir,
    edits: Mutex<usize>,
    /// What somebody pushes while a client is at work: once.
    meanwhile: Mutex<Option<String>>,
}

impl Yard {
    fn new(bad: &[&'static str]) -> Arc<Yard> {
        Arc::new(Yard {
            scripted: Scripted::default(),
            hub: Arc::default(),
            bad: Mutex::new(bad.to_vec()),
            dir: tempfile::tempdir().expect("a folder"),
            edits: Mutex::new(0),
            meanwhile: Mutex::new(None),
        })
    }

    fn lock_at(&self, repo: &str, sha: &str) -> String {
        let hub = self.hub.lock().expect("a hub").clone().expect("it was given");
        hub.look(|world| {
            let git = world.git_of(world.repo(repo)?.id).ok()?;
            let entry = git.entry(sha, "Cargo.lock")?;
            String::from_utf8(git.read_blob(&entry.sha).ok()?).ok()
        })
        .expect("it has a lock")
    }

    /// The client: `cargo update --package NAME@FROM --precise TO`, a line each.
    async fn edit(&self, spec: RunSpec, events: mpsc::Sender<RunEvent>) -> Outcome {
        assert!(spec.secrets.is_empty(), "no secrets for a client");
        if let Some(manifest) = self.meanwhile.lock().expect("a text").take() {
            let hub = self.hub.lock().expect("a hub").clone().expect("it was given");
            hub.repo(&spec.repo).push("bob", "main", "Meanwhile", &[("Cargo.toml", Some(&manifest))]);
        }
        let mut lock = self.lock_at(&spec.repo, &spec.sha);
        for step in spec.steps.iter().flat_map(|step| step.lines()).filter(|line| line.contains("'--precise'")) {
            let words: Vec<&str> = step.split('\'').collect();
            let at = words.iter().position(|word| *word == "--package").expect("a package");
            let (name, from) = words[at + 2].split_once('@').expect("a version");
            let to = words[words.iter().position(|word| *word == "--precise").expect("a version") + 2];
            // A version may be named by its beginning.
            let begin = format!("name = \"{name}\"\nversion = \"{from}");
            let found = lock.find(&begin).and_then(|at| Some(lock[at..].split('"').nth(3)?.to_owned()));
            let Some(version) = found else {
                let said = format!("error: package ID specification `{name}@{from}` did not match any packages\n");
                let _ = events.send(RunEvent::Log { step: 1, bytes: said.into_bytes() }).await;
                return Outcome::Failed;
            };
            let old = format!("name = \"{name}\"\nversion = \"{version}\"");
            lock = lock.replace(&old, &format!("name = \"{name}\"\nversion = \"{to}\""));
        }
        let digest = {
            let mut edits = self.edits.lock().expect("a count");
            *edits += 1;
            format!("edit-{edits}")
        };
        let dir = self.dir.path().join(&digest);
        std::fs::create_dir_all(&dir).expect("a folder");
        std::fs::write(dir.join("Cargo.lock"), lock).expect("a lock");
        let _ = events.send(RunEvent::Exported { digest }).await;
        Outcome::Success
    }
}

/// A test that does not compile.
async fn red_run(name: &str, events: mpsc::Sender<RunEvent>) -> Outcome {
    let bytes = format!("error[E0599]: no method `fly` in crate `{name}`\n").into_bytes();
    let exit = StepExit::Code(101);
    for event in [
        RunEvent::Begun,
        RunEvent::StepStarted { index: 0 },
        RunEvent::Log { step: 0, bytes },
        RunEvent::StepFinished { index: 0, exit, millis: 5, cached: false },
    ] {
        let _ = events.send(event).await;
    }
    Outcome::Failed
}

impl Engine for Yard {
    fn name(&self) -> &'static str {
        "yard"
    }

    fn isolation(&self) -> String {
        String::new()
    }

    fn refuses_forks(&self) -> Option<String> {
        None
    }

    fn fingerprint<'a>(&'a self, pipeline: &'a Pipeline) -> BoxFuture<'a, Option<String>> {
        self.scripted.fingerprint(pipeline)
    }

    fn kept(&self, digest: &str) -> Option<PathBuf> {
        Some(self.dir.path().join(digest))
    }

    fn run(&self, spec: RunSpec, events: mpsc::Sender<RunEvent>, cancel: CancellationToken) -> BoxFuture<'_, Outcome> {
        if spec.run_id < 0 {
            return Box::pin(self.edit(spec, events));
        }
        let lock = self.lock_at(&spec.repo, &spec.sha);
        let red = |name: &&&str| lock.contains(&format!("name = \"{name}\"\nversion = \"1.1.0\""));
        if let Some(name) = self.bad.lock().expect("a list").iter().find(red) {
            return Box::pin(red_run(name, events));
        }
        self.scripted.run(spec, events, cancel)
    }
}

fn manifest() -> String {
    let lines: String = NAMES.iter().map(|name| format!("{name} = \"1\"\n")).collect();
    format!("[package]\nname = \"shop\"\nversion = \"0.1.0\"\n\n[dependencies]\n{lines}")
}

fn lock() -> String {
    let source = "registry+https://forge.example/rust-lang/crates.io-index";
    let packages =
        NAMES.map(|name| format!("[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\nsource = \"{source}\"\n"));
    let needs = NAMES.map(|name| format!(" \"{name}\",\n")).concat();
    format!(
        "version = 4\n\n{}\n[[package]]\nname = \"shop\"\nversion = \"0.1.0\"\ndependencies = [\n{needs}]\n",
        packages.join("\n")
    )
}

struct Play {
    world: World,
    yard: Arc<Yard>,
    shelves: Arc<Shelves>,
}

impl Play {
    /// `acme/shop` with its manifest, its lock and these words in `fairway.toml`.
    async fn start(bad: &[&'static str], updates: &str) -> Play {
        let yard = Yard::new(bad);
        let file = format!("[pipeline.test]\nrun = [\"ok\"]\n{updates}");
        let (manifest, lock) = (manifest(), lock());
        let files = [("fairway.toml", file.as_str()), ("Cargo.toml", &manifest), ("Cargo.lock", &lock)];
        let mut world = World::start(yard.clone(), &[("README.md", "A shop.\n")]).await;
        let shelves = Arc::new(Shelves::default());
        world.ctx.packages = Some(shelves.clone());
        *yard.hub.lock().expect("a place") = Some(world.hub.clone());
        let play = Play { world, yard, shelves };
        let some: Vec<(&str, Option<&str>)> = files.iter().map(|(path, text)| (*path, Some(*text))).collect();
        play.world.hub.repo("acme/shop").push("alice", "main", "Begin", &some);
        play.pass().await;
        play
    }

    async fn pass(&self) {
        self.world.pass(Duration::from_secs(120)).await;
    }

    async fn state(&self) -> UpdatesState {
        let id = self.world.hub.look(|hub| hub.repo("acme/shop").expect("it is there").id);
        let row = self.world.ctx.store.aggregate(&format!("updates:{id}")).await.expect("the store answers");
        serde_json::from_str(&row.expect("it was looked at").state).expect("a row")
    }

    /// Each group in a line.
    async fn shown(&self) -> String {
        let state = self.state().await;
        let line = |group: &fairway::domain::decide::Group| {
            let trouble = if group.trouble.is_empty() { String::new() } else { format!(" ({})", group.trouble) };
            format!("{} {:?}{trouble}", group.wanted.id, group.stage)
        };
        let groups: Vec<String> = state.groups.iter().map(line).collect();
        if state.trouble.is_empty() { groups.join("\n") } else { format!("{}\n{}", state.trouble, groups.join("\n")) }
    }

    fn pull(&self, number: u64) -> (String, String, String) {
        self.world.hub.look(|hub| {
            let pull = &hub.repo("acme/shop").expect("it is there").pulls[&number];
            (pull.title.clone(), pull.body.clone(), pull.head_sha.clone())
        })
    }

    fn refs(&self) -> Vec<String> {
        self.world.hub.look(|hub| {
            let repo = hub.repo("acme/shop").expect("it is there");
            let refs = hub.git_of(repo.id).and_then(|git| git.refs()).expect("refs");
            refs.into_keys().filter(|name| !name.starts_with("refs/pull/")).collect()
        })
    }
}

#[tokio::test]
async fn safe_versions_are_tested_before_they_are_opened_and_their_runs_count() {
    let play = Play::start(&[], "[updates]\n").await;
    assert_eq!(play.shown().await, "safe-cargo Open");
    let (title, body, head) = play.pull(1);
    assert_eq!(title, "Update 5 Rust packages");
    assert!(body.contains("Its check passed on this very commit"), "{body}");
    let checks = play.world.hub.look(|hub| {
        let repo = hub.repo("acme/shop").expect("it is there");
        repo.checks_of(&head).map(|check| check.name.clone()).collect::<Vec<_>>()
    });
    assert_eq!(checks, ["fairway / test"], "what ran before it was opened is not run again");
    assert_eq!(play.refs(), ["refs/heads/fairway/update-safe-cargo", "refs/heads/main"], "no candidate is left");
    play.world.finish().await;
}

#[tokio::test]
async fn the_culprit_of_five_is_found_and_shown_with_its_log() {
    let play = Play::start(&["dog"], "[updates]\n").await;
    assert_eq!(play.shown().await, "safe-cargo Open");
    let (title, body, head) = play.pull(1);
    assert_eq!(title, "Update 4 Rust packages");
    assert!(body.contains("no method `fly` in crate `dog`"), "{body}");
    let lock = play.yard.lock_at("acme/shop", &head);
    assert_eq!(lock.matches("1.1.0").count(), 4);
    assert!(lock.contains("name = \"dog\"\nversion = \"1.0.0\""));
    play.world.finish().await;
}

#[tokio::test]
async fn without_a_word_in_the_file_nothing_but_fixes_is_opened() {
    let play = Play::start(&[], "").await;
    assert_eq!((play.shown().await.as_str(), play.shelves.asked.lock().expect("a list").is_empty()), ("", false));
    let broken = Play::start(&[], "[updates]\nschedule = \"sometimes\"\n").await;
    let said = broken.shown().await;
    assert!(said.contains("fairway.toml"), "{said}");
    play.world.finish().await;
    broken.world.finish().await;
}

#[tokio::test]
async fn green_ones_are_merged_where_the_file_says_so() {
    let play = Play::start(&[], "[updates]\nautomerge = \"patch\"\n").await;
    assert_eq!(play.shown().await, "safe-cargo Merged");
    let merged = play.world.hub.look(|hub| hub.repo("acme/shop").expect("there").pulls[&1].merged.is_some());
    assert!(merged);
    let head = play.world.hub.repo("acme/shop").head("main").expect("a commit");
    assert_eq!(play.yard.lock_at("acme/shop", &head).matches("1.1.0").count(), 5);
    play.world.finish().await;
}

#[tokio::test]
async fn people_close_reopen_ignore_and_ask_anew() {
    let play = Play::start(&[], "[updates]\n").await;
    let repo = play.world.hub.repo("acme/shop");
    repo.pull(1).close("alice");
    play.pass().await;
    assert_eq!(play.shown().await, "safe-cargo Closed");
    assert!(play.pull(1).1.contains("not offered again"), "{}", play.pull(1).1);
    repo.pull(1).reopen("alice");
    play.pass().await;
    assert_eq!(play.shown().await, "safe-cargo Open");
    repo.push("alice", "fairway/update-safe-cargo", "Mine", &[("README.md", Some("Mine.\n"))]);
    play.pass().await;
    assert_eq!(play.shown().await, "safe-cargo Theirs");
    repo.pull(1).comment("alice", "/update");
    play.pass().await;
    assert_eq!(play.shown().await, "safe-cargo Open");
    repo.pull(1).comment("alice", "/ignore");
    play.pass().await;
    assert!(play.shown().await.starts_with("safe-cargo Over"), "{}", play.shown().await);
    let open = play.world.hub.look(|hub| hub.repo("acme/shop").expect("there").pulls[&1].open);
    assert!(!open);
    play.world.finish().await;
}

#[tokio::test]
async fn a_registry_that_fails_is_said_and_nothing_is_closed() {
    let play = Play::start(&[], "[updates]\n").await;
    *play.shelves.refuse.lock().expect("words") = Some("the registry did not answer in time".to_owned());
    play.world.hub.repo("acme/shop").push(
        "bob",
        "main",
        "More",
        &[("fairway.toml", Some("[pipeline.test]\nrun = [\"ok\"]\n[updates]\ncooldown = \"2d\"\n"))],
    );
    play.pass().await;
    let state = play.state().await;
    assert_eq!(state.look.unknown.len(), 5);
    assert_eq!(play.shown().await, "safe-cargo Open", "who is not asked cannot say that it is not needed");
    play.world.finish().await;
}

#[tokio::test]
async fn a_default_branch_that_moves_in_mid_edit_is_not_tested_as_it_was() {
    let play = Play::start(&[], "").await;
    let more = format!("{}\n[features]\nmore = []\n", manifest());
    *play.yard.meanwhile.lock().expect("a text") = Some(more.clone());
    let file = "[pipeline.test]\nrun = [\"ok\"]\n[updates]\n";
    play.world.hub.repo("acme/shop").push("alice", "main", "Updates", &[("fairway.toml", Some(file))]);
    play.pass().await;
    assert_eq!(play.shown().await, "safe-cargo Open");
    let main = play.world.hub.repo("acme/shop").head("main").expect("a commit");
    let head = play.pull(1).2;
    let parents = play.world.hub.look(|hub| {
        let repo = hub.repo("acme/shop").expect("it is there");
        hub.git_of(repo.id).and_then(|git| git.read_commit(&head)).expect("a commit").parents
    });
    assert_eq!(parents, [main], "it stands on what bob pushed");
    assert_eq!(*play.yard.edits.lock().expect("a count"), 2, "the first one was of the older manifest");
    play.world.finish().await;
}

#[tokio::test]
async fn a_branch_that_somebody_deletes_and_a_merge_by_hand_are_heeded() {
    let play = Play::start(&[], "[updates]\n").await;
    let repo = play.world.hub.repo("acme/shop");
    repo.delete_branch("fairway/update-safe-cargo", "alice");
    play.pass().await;
    assert_eq!(play.shown().await, "safe-cargo Closed", "GitHub closes the pull request of a branch that is gone");
    repo.push("bob", "main", "More", &[("README.md", Some("More.\n"))]);
    play.pass().await;
    assert_eq!(play.shown().await, "safe-cargo Closed", "that was an answer");

    let play2 = Play::start(&[], "[updates]\n").await;
    play2.world.hub.repo("acme/shop").pull(1).merge("alice");
    play2.pass().await;
    assert_eq!(play2.shown().await, "safe-cargo Merged");
    let head = play2.world.hub.repo("acme/shop").head("main").expect("a commit");
    assert_eq!(play2.yard.lock_at("acme/shop", &head).matches("1.1.0").count(), 5);
    assert_eq!(play2.refs().len(), 1, "the branch is done with: {:?}", play2.refs());
    play.world.finish().await;
    play2.world.finish().await;
}
