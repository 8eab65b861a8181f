//! The local engine on real repositories, real git and real processes.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use fairway::domain::project::{Report, ReportKind};
use fairway::engine::local::{Config, Limits, Local};
use fairway::engine::{Engine, Outcome, RunEvent, RunSpec, StepExit};
use fairway::playground::{Playground, PlaygroundOptions};
use fairway::settings::Secret;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// An engine, and a repository to run in.
struct Bench {
    engine: Local,
    hub: Playground,
    dir: tempfile::TempDir,
    sha: String,
    next: std::cell::Cell<i64>,
}

/// What a run said and how it ended.
struct Ran {
    outcome: Outcome,
    exits: Vec<StepExit>,
    log: Vec<u8>,
    bytes: u64,
    events: Vec<RunEvent>,
}

impl Ran {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.log).into_owned()
    }
}

async fn bench(files: &[(&str, &str)], limits: Limits) -> Bench {
    let dir = tempfile::tempdir().expect("a directory");
    let hub = Playground::start(PlaygroundOptions::in_dir(dir.path().join("hub"))).await.expect("a playground");
    hub.cast();
    let repo = hub.create("acme/shop", files);
    let sha = repo.head("main").expect("main");
    let engine = Local::for_playing(Config {
        data: dir.path().join("data"),
        exe: env!("CARGO_BIN_EXE_fairway").into(),
        tool_path: String::new(),
        limits,
    });
    Bench { engine, hub, dir, sha, next: std::cell::Cell::new(1) }
}

impl Bench {
    fn spec(&self, steps: &[&str]) -> RunSpec {
        self.next.set(self.next.get() + 1);
        RunSpec {
            run_id: self.next.get(),
            attempt: 1,
            repo: "acme/shop".into(),
            clone_url: format!("{}/acme/shop.git", self.hub.url()),
            token: None,
            sha: self.sha.clone(),
            steps: steps.iter().map(|s| (*s).to_owned()).collect(),
            env: BTreeMap::new(),
            secrets: BTreeMap::new(),
            caches: Vec::new(),
            cache_scope: "1/pr-1".into(),
            timeout: Duration::from_secs(60),
            reports: Vec::new(),
            export: None,
            fork: false,
        }
    }

    async fn run(&self, spec: RunSpec) -> Ran {
        self.run_until(spec, &CancellationToken::new(), |_| false).await
    }

    /// Cancels once `enough` says so of the log.
    async fn run_until(&self, spec: RunSpec, cancel: &CancellationToken, enough: impl Fn(&[u8]) -> bool) -> Ran {
        let (tx, mut rx) = mpsc::channel(64);
        let mut ran =
            Ran { outcome: Outcome::Success, exits: Vec::new(), log: Vec::new(), bytes: 0, events: Vec::new() };
        let work = self.engine.run(spec, tx, cancel.clone());
        let read = async {
            while let Some(event) = rx.recv().await {
                match event {
                    RunEvent::Log { bytes } => {
                        ran.bytes += bytes.len() as u64;
                        // The tests look at beginnings; a huge log need not be kept.
                        if ran.log.len() < 1_000_000 {
                            ran.log.extend(bytes);
                        }
                        if enough(&ran.log) {
                            cancel.cancel();
                        }
                    }
                    RunEvent::StepFinished { exit, .. } => ran.exits.push(exit),
                    other => ran.events.push(other),
                }
            }
        };
        let (outcome, ()) = tokio::join!(work, read);
        ran.outcome = outcome;
        ran
    }

    fn sandboxed(&self) -> bool {
        self.engine.isolation().contains("in bubblewrap")
    }
}

/// Whether any process on this machine has this word on its command line.
fn lives(word: &str) -> bool {
    let all = std::fs::read_dir("/proc").expect("/proc").flatten();
    let mut lines = all.filter_map(|p| std::fs::read(p.path().join("cmdline")).ok());
    lines.any(|line| String::from_utf8_lossy(&line).replace('\0', " ").contains(word))
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_are_the_steps_own_and_the_first_bad_one_ends_the_run() {
    let bench = bench(&[("a", "a\n")], Limits::default()).await;
    let ran = bench.run(bench.spec(&["cat a", "echo two && pwd"])).await;
    assert_eq!((&ran.outcome, ran.exits.len()), (&Outcome::Success, 2));
    assert!(ran.text().starts_with("a\ntwo\n"), "{}", ran.text());
    for (line, code) in
        [("exit 1", 1), ("exit 3", 3), ("/etc", 126), ("no-such-program", 127), ("kill -9 $$", 137), ("exit 255", 255)]
    {
        let ran = bench.run(bench.spec(&[line, "echo never"])).await;
        assert_eq!(
            (&ran.outcome, ran.exits.as_slice()),
            (&Outcome::Failed, [StepExit::Code(code)].as_slice()),
            "{line}: {}",
            ran.text()
        );
        assert!(!ran.text().contains("never\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_sees_its_variables_and_secrets_and_nobody_sees_a_secret() {
    let bench = bench(&[("a", "a\n")], Limits::default()).await;
    let junit = "echo \"<testsuite><testcase name='t' file='a' line='1'><failure message='$TOKEN'/></testcase></testsuite>\" > r.xml";
    let mut spec = bench.spec(&[
        "echo $GREETING $CI; echo $TOKEN; printf %s $TOKEN | base64",
        junit,
        "env | cut -d= -f1 | sort | tr '\\n' ' '",
    ]);
    spec.env = [("GREETING".to_owned(), "hello".to_owned())].into();
    spec.secrets = [("TOKEN".to_owned(), Secret::new("swordfish-7"))].into();
    spec.reports = vec![Report { kind: ReportKind::Junit, path: "r.xml".into() }];
    let ran = bench.run(spec).await;
    assert_eq!(ran.outcome, Outcome::Success, "{}", ran.text());
    assert!(ran.text().starts_with("hello true\n***\n***"), "{}", ran.text());
    assert!(!format!("{:?}{:?}", ran.text(), ran.events).contains("swordfish"));
    let report =
        ran.events.iter().find_map(|e| if let RunEvent::Report { bytes, .. } = e { Some(bytes) } else { None });
    assert!(String::from_utf8_lossy(report.expect("the report")).contains("message='***'"));
    let names = ran.text().lines().last().unwrap_or_default().to_owned();
    assert!(!names.contains("FAIRWAY_") && !names.contains("CARGO_"), "{names}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_repository_calls_bwrap_is_never_run_outside() {
    let trap = "#!/bin/sh\necho escaped; ls /proc | head -1\n";
    let bench = bench(&[("bin/bwrap", trap), ("bin/sh", trap)], Limits::default()).await;
    let mut spec = bench.spec(&["chmod +x bin/* 2>/dev/null; echo inside", "echo still inside"]);
    spec.env =
        [("PATH".to_owned(), "bin:/usr/bin:/bin".to_owned()), ("LD_PRELOAD".to_owned(), "/nowhere.so".to_owned())]
            .into();
    let ran = bench.run(spec).await;
    assert!(!ran.text().contains("escaped"), "{}", ran.text());
    assert!(ran.text().contains("still inside"), "{}", ran.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_step_started_is_left_behind() {
    let bench = bench(&[("a", "a\n")], Limits { grace: Duration::from_millis(200), ..Limits::default() }).await;
    let word = format!("98{}", bench.sha.bytes().fold(0_u64, |n, b| (n * 31 + u64::from(b)) % 1_000_000));
    let daemon = format!("setsid sh -c 'setsid sleep {word} & sleep {word}' >/dev/null 2>&1 & sleep 0.1; echo started");
    let ran = bench.run(bench.spec(&[&daemon])).await;
    assert_eq!(ran.outcome, Outcome::Success, "{}", ran.text());
    assert!(!lives(&format!("sleep {word}")), "a daemon outlived its step");
    let stubborn = format!("trap '' TERM INT; echo up; while :; do sleep {word}; done");
    let ran = bench.run_until(bench.spec(&[&stubborn]), &CancellationToken::new(), |log| log.ends_with(b"up\n")).await;
    assert_eq!(ran.outcome, Outcome::Cancelled);
    assert!(!lives(&format!("sleep {word}")), "a stubborn step outlived its cancel");
    let mut spec = bench.spec(&[&format!("sleep {word}")]);
    spec.timeout = Duration::from_secs(2);
    assert_eq!(bench.run(spec).await.outcome, Outcome::TimedOut);
    assert!(!lives(&format!("sleep {word}")), "a step outlived its time");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_on_processes_and_disk_end_a_step_in_words() {
    let limits = Limits { processes: 40, disk: 30_000_000, ..Limits::default() };
    let bench = bench(&[("a", "a\n")], limits).await;
    let bomb = "for i in $(seq 200); do sleep 60 & done; wait";
    let ran = bench.run(bench.spec(&[bomb])).await;
    assert_eq!(ran.outcome, Outcome::Failed);
    assert!(ran.text().contains("more than 40 processes"), "{}", ran.text());
    let ran = bench
        .run(
            bench.spec(&["for i in $(seq 500); do dd if=/dev/zero of=f$i bs=1M count=1 2>/dev/null; sleep 0.05; done"]),
        )
        .await;
    assert_eq!(ran.outcome, Outcome::Failed);
    assert!(ran.events.iter().any(|e| matches!(e, RunEvent::Note(n) if n.contains("MB to disk"))), "{:?}", ran.events);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_huge_log_and_a_binary_one_pass_through() {
    let bench = bench(&[("a", "a\n")], Limits::default()).await;
    let megabytes: u64 = if std::env::var_os("FAIRWAY_SOAK").is_some() { 1_000 } else { 64 };
    let mut spec =
        bench.spec(&[&format!("head -c {megabytes}000000 /dev/zero | tr '\\0' 'x'"), "printf 'a\\000b\\377'"]);
    spec.timeout = Duration::from_secs(600);
    let ran = bench.run(spec).await;
    assert_eq!((ran.outcome, ran.bytes), (Outcome::Success, megabytes * 1_000_000 + 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_cannot_read_what_is_fairways() {
    let bench = bench(&[("a", "a\n")], Limits::default()).await;
    if !bench.sandboxed() {
        println!("left out: bubblewrap does not work here, so nothing is kept from a step");
        return;
    }
    let data = bench.dir.path().join("data");
    std::fs::create_dir_all(data.join("runs/99-1/source")).expect("made");
    for file in ["secrets.key", "fairway.sqlite", "runs/99-1/source/other"] {
        std::fs::write(data.join(file), "CANARY").expect("written");
    }
    let data = data.display();
    let look = format!(
        "cat {data}/secrets.key {data}/fairway.sqlite {data}/runs/99-1/source/other; cat /proc/1/environ /proc/*/environ; ls /root /home {data}; true"
    );
    let ran = bench.run(bench.spec(&[&look])).await;
    assert!(!ran.text().contains("CANARY") && !ran.text().contains("CARGO_MANIFEST"), "{}", ran.text());
    assert!(ran.text().contains("No such file"), "{}", ran.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_commit_a_fork_and_no_server_are_told_apart() {
    let bench = bench(&[("a", "a\n")], Limits::default()).await;
    let mut spec = bench.spec(&["true"]);
    spec.sha = "0123456789012345678901234567890123456789".into();
    let outcome = bench.run(spec).await.outcome;
    // Servers word it differently; what counts is that a sentence says that the commit could not be had.
    assert!(
        matches!(&outcome, Outcome::Impossible(why) | Outcome::Broken(why) if why.contains("commit")),
        "{outcome:?}"
    );
    let mut spec = bench.spec(&["true"]);
    spec.fork = true;
    assert!(matches!(bench.run(spec).await.outcome, Outcome::Refused(why) if why.contains("fork")));
    let mut spec = bench.spec(&["true"]);
    spec.clone_url = "http://127.0.0.1:9/acme/shop.git".into();
    assert!(matches!(bench.run(spec).await.outcome, Outcome::Broken(why) if why.contains("could not fetch")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_kept_and_its_run_directory_is_not() {
    let bench = bench(&[("a", "a\n")], Limits::default()).await;
    let mut spec = bench.spec(&["mkdir dist && cp a dist/"]);
    spec.export = Some("dist/".into());
    let ran = bench.run(spec).await;
    let digest =
        ran.events.iter().find_map(|e| if let RunEvent::Exported { digest } = e { Some(digest.clone()) } else { None });
    let kept = bench.dir.path().join("data/exports").join(digest.expect("a digest")).join("a");
    assert_eq!(std::fs::read_to_string(kept).expect("kept"), "a\n");
    let left: Vec<_> =
        std::fs::read_dir(bench.dir.path().join("data/runs")).expect("listed").flatten().map(|e| e.path()).collect();
    assert!(left.iter().all(|p: &std::path::PathBuf| !Path::is_dir(p)), "{left:?}");
}

/// The guard is what stands between `kill -9` of Fairway and a step that goes on: its pipe closes, and all ends.
#[test]
fn a_guard_whose_pipe_closes_ends_everything() {
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};
    let dir = tempfile::tempdir().expect("a directory");
    let word = format!("97{}", std::process::id());
    let order = serde_json::json!({
        "lock": dir.path().join("lock"), "dir": dir.path(), "sandboxed": false, "grace_ms": 100, "processes": 100,
        "memory": 1_000_000_000_u64, "file_size": 1_000_000_000_u64,
        "command": ["/bin/sh", "-c", format!("trap '' TERM; setsid sleep {word} & echo up; sleep {word}; sleep {word}")],
    });
    let mut guard = Command::new(env!("CARGO_BIN_EXE_fairway"))
        .args(["guard", &order.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut pipe = guard.stdin.take().expect("a pipe");
    pipe.write_all(b"[[\"PATH\",\"/usr/bin:/bin\"]]\n").expect("written");
    let mut line = String::new();
    BufReader::new(guard.stdout.take().expect("a pipe")).read_line(&mut line).expect("read");
    assert_eq!(line, "up\n");
    let lock = std::fs::File::open(dir.path().join("lock")).expect("the lock");
    let held = rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err();
    assert!(held, "the lock is held while the step lives");
    drop(pipe);
    guard.wait().expect("it ends");
    assert!(!lives(&format!("sleep {word}")));
}
