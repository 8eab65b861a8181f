//! 5: what Fairway adds to a Dagger engine. Only where `FAIRWAY_TEST_DAGGER` names one, on this machine, with its CLI on
//! the PATH; without one the table says so.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fairway::clock::Clock;
use fairway::context::Context;
use fairway::engine::dagger::{Config, Dagger};
use fairway::engine::{Engine as _, Outcome, RunEvent, RunSpec};
use fairway::playground::Playground;
use fairway::settings::Orgs;
use fairway::store::Store;
use fairway::worker::{self, Pools};
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::load::percentile;
use crate::process::Served;
use crate::report::{Goal, Report};
use crate::{handles, hub};

const IMAGE: &str = "debian:bookworm-slim";
const ROUNDS: usize = 20;
const AT_ONCE: usize = 8;
const LINES: usize = 20_000;
const LIVE: usize = 16;

/// Measures all five, or says why not.
pub async fn measure(report: &mut Report) {
    let Ok(address) = std::env::var("FAIRWAY_TEST_DAGGER") else {
        report.row("on a Dagger engine: left out, FAIRWAY_TEST_DAGGER names none", (0.0, ""), Goal::Told);
        return;
    };
    let engine = engine(&address, Path::new("/tmp"));
    let (version, _) = engine.preflight().await.expect("the engine answers");
    let number = version.trim_start_matches('v').split('.').nth(1).and_then(|n| n.parse().ok()).unwrap_or(0.0);
    report.row(format!("on a Dagger engine {version}: minor version"), (number, ""), Goal::Told);
    overhead(report, &address).await;
    side_by_side(report, &address).await;
    log_lag(report, &address).await;
    cancels(report, &address).await;
    superseded(report, &address).await;
    memory(report, &address).await;
}

fn engine(address: &str, data: &Path) -> Dagger {
    Dagger::new(Config {
        cli: "dagger".into(),
        runners: vec![address.to_owned()],
        modules: Vec::new(),
        limit: LIVE,
        data: data.to_owned(),
        owner: None,
        path: "/usr/local/bin:/usr/bin:/bin".to_owned(),
        env: Vec::new(),
        image: IMAGE.to_owned(),
        seal: [7; 32],
    })
}

/// A playground with one repository, and a Fairway on the engine beside it.
struct Bench {
    hub: Playground,
    ctx: Context,
    stop: CancellationToken,
    _dir: tempfile::TempDir,
}

impl Bench {
    async fn new(address: &str, file: &str) -> Bench {
        let dir = tempfile::tempdir().expect("a folder");
        let hub = hub::start(dir.path()).await;
        hub::organisations(&hub, 1, &[("fairway.toml", file)]);
        let store = Store::open(&format!("sqlite:{}", dir.path().join("fairway.db").display())).await.expect("a store");
        store.migrate().await.expect("its tables");
        let engine = Arc::new(engine(address, dir.path()));
        let ctx = handles::context(&hub, store, (engine, Clock::system()), Orgs::Any);
        let stop = CancellationToken::new();
        let door = handles::serve(&ctx, &hub, &stop).await;
        hub.set_webhook_url(format!("http://{door}/hook"));
        Bench { hub, ctx, stop, _dir: dir }
    }

    /// Everything short that is due.
    async fn short(&self) {
        loop {
            self.hub.delivered().await;
            let did = worker::step(&self.ctx, worker::SHORT, &self.stop).await.expect("the store answers");
            if did != worker::Stepped::Did && self.hub.look(|hub| hub.outbox.is_empty() && hub.sending == 0) {
                return;
            }
        }
    }

    /// How often each conclusion stands at GitHub, `None` for what has not ended.
    fn checks(&self) -> BTreeMap<Option<String>, usize> {
        let mut counts = BTreeMap::new();
        self.hub.look(|world| {
            for check in world.repos.values().flat_map(|repo| repo.checks.values()) {
                *counts.entry(check.conclusion.clone()).or_insert(0) += 1;
            }
        });
        counts
    }
}

/// 1: one run from claim to end, against the CLI's own query for the same container; both with their process starts.
async fn overhead(report: &mut Report, address: &str) {
    let pipelines: String = (0..=ROUNDS).map(|n| format!("[pipeline.p{n}]\nrun = [\"true\"]\n")).collect();
    let bench = Bench::new(address, &pipelines).await;
    hub::pull(&bench.hub, 0, 0);
    bench.short().await;
    let mut ours = Vec::new();
    for _ in 0..=ROUNDS {
        let begin = Instant::now();
        worker::step(&bench.ctx, worker::LONG, &bench.stop).await.expect("the store answers");
        ours.push(begin.elapsed().as_secs_f64() * 1_000.0);
        bench.short().await;
    }
    let passed = bench.checks().get(&Some("success".to_owned())).copied().unwrap_or(0);
    assert_eq!(passed, ROUNDS + 1, "the runs passed: {:?}", bench.checks());
    let query = format!(
        "{{container{{from(address:\"{IMAGE}\"){{withExec(args:[\"/bin/sh\",\"-e\",\"-c\",\"true\"]){{exitCode}}}}}}}}"
    );
    let mut theirs = Vec::new();
    for _ in 0..=ROUNDS {
        theirs.push(ask(address, &query).await);
    }
    // The first of each warms the cache.
    let median = |mut all: Vec<f64>| {
        all.remove(0);
        all.sort_by(f64::total_cmp);
        percentile(&all, 0.5)
    };
    let (ours, theirs) = (median(ours), median(theirs));
    report.row("warm no-op, claim to end, median of 20", (ours, "ms"), Goal::Told);
    report.row("`dagger query` for the same container, median of 20", (theirs, "ms"), Goal::Told);
    report.row("times `dagger query`", (ours / theirs, "x"), Goal::Below(1.3));
    bench.hub.finish();
}

/// Milliseconds of a whole `dagger query`.
async fn ask(address: &str, query: &str) -> f64 {
    let begin = Instant::now();
    let mut command = Command::new("dagger");
    command.args(["-s", "query"]).env("_EXPERIMENTAL_DAGGER_RUNNER_HOST", address).env("DO_NOT_TRACK", "1");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the CLI starts");
    let mut input = child.stdin.take().expect("its input");
    tokio::io::AsyncWriteExt::write_all(&mut input, query.as_bytes()).await.expect("it reads");
    drop(input);
    let output = child.wait_with_output().await.expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    begin.elapsed().as_secs_f64() * 1_000.0
}

/// 2: eight steps of a second at once, against one session of the CLI that does the same. Once for a repository that the
/// engine has never seen, and once as every day, for its next commit.
async fn side_by_side(report: &mut Report, address: &str) {
    let bench = Bench::new(address, "[pipeline.p0]\nrun = [\"true\"]\n").await;
    for (round, goal) in [("a repository's first eight", Goal::Told), ("its next eight", Goal::Below(1.6))] {
        let word = uuid::Uuid::new_v4();
        let pipelines: String =
            (0..AT_ONCE).map(|n| format!("[pipeline.p{n}]\nrun = [\"sleep 1; : {word} {n}\"]\n")).collect();
        let shop = bench.hub.repo("org0/shop");
        shop.push("bob", "eight", "Eight", &[("fairway.toml", Some(&pipelines))]);
        let head = shop.head("eight").expect("it was pushed");
        if matches!(goal, Goal::Told) {
            shop.open_pull("bob", "eight", "Eight");
        }
        bench.short().await;
        let begin = Instant::now();
        let works = (0..AT_ONCE).map(|_| worker::step(&bench.ctx, worker::LONG, &bench.stop));
        for done in futures_util::future::join_all(works).await {
            done.expect("the store answers");
        }
        let ours = begin.elapsed().as_secs_f64() * 1_000.0;
        bench.short().await;
        let passed = shop.checks(&head).iter().filter(|check| check.conclusion.as_deref() == Some("success")).count();
        assert_eq!(passed, AT_ONCE, "{:?}", bench.checks());
        let parts: String = (0..AT_ONCE)
            .map(|n| format!("p{n}:container{{from(address:\"{IMAGE}\"){{withExec(args:[\"/bin/sh\",\"-c\",\"sleep 1; : cli {word} {n}\"]){{exitCode}}}}}} "))
            .collect();
        let theirs = ask(address, &format!("{{{parts}}}")).await;
        report.row(format!("8 pipelines of a 1-s step at once, {round}: wall time"), (ours, "ms"), Goal::Told);
        report.row("one Dagger session doing the same eight", (theirs, "ms"), Goal::Told);
        report.row(format!("times one session, {round}"), (ours / theirs, "x"), goal);
    }
    bench.hub.finish();
}

/// 3: how long a line takes from its print to us, and whether each arrives, in order.
async fn log_lag(report: &mut Report, address: &str) {
    let dir = tempfile::tempdir().expect("a folder");
    let line =
        format!("perl -MTime::HiRes=time -e 'for my $n (0..{}) {{ printf \"%d %.6f\\n\", $n, time }}'", LINES - 1);
    let spec = RunSpec {
        checkout: Some(dir.path().to_owned()),
        steps: vec![line],
        fresh: Some((0, uuid::Uuid::new_v4().to_string())),
        ..RunSpec::new(1, "bench/shop")
    };
    let (tx, mut rx) = mpsc::channel(1_000);
    let engine = engine(address, dir.path());
    let mut text = String::new();
    let (mut lags, clock) = (Vec::new(), Clock::system());
    let listen = async {
        while let Some(event) = rx.recv().await {
            let RunEvent::Log { bytes, .. } = event else { continue };
            let now = clock.now() as f64 / 1_000.0;
            let begun = text.rfind('\n').map_or(0, |at| at + 1);
            text.push_str(&String::from_utf8_lossy(&bytes));
            let stamps = text[begun..].lines().filter_map(|line| line.split_once(' ')?.1.parse::<f64>().ok());
            lags.extend(stamps.map(|at| (now - at) * 1_000.0));
        }
    };
    let (outcome, ()) = tokio::join!(engine.run(spec, tx, CancellationToken::new()), listen);
    assert_eq!(outcome, Outcome::Success);
    let numbers: Vec<usize> = text.lines().filter_map(|line| line.split_once(' ')?.0.parse().ok()).collect();
    let in_order = numbers.iter().enumerate().filter(|(at, n)| at == *n).count();
    lags.sort_by(f64::total_cmp);
    report.row("log lag of 20,000 lines, print to event: p99", (percentile(&lags, 0.99), "ms"), Goal::Below(1_000.0));
    report.row("lines lost or out of order, of 20,000", ((LINES - in_order) as f64, ""), Goal::Below(1.0));
}

/// Processes of this machine whose command line has this word.
fn alive(word: &str) -> usize {
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    let has = |p: &std::fs::DirEntry| {
        std::fs::read(p.path().join("cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(word))
    };
    processes.filter(has).count()
}

/// 4: from the word to stop until the container is gone. The engine must run on this machine, where its processes are seen.
async fn cancels(report: &mut Report, address: &str) {
    let word = uuid::Uuid::new_v4().to_string();
    let bench = Bench::new(address, &format!("[pipeline.test]\nrun = [\"sleep 300; : {word}\"]\n")).await;
    let pull = hub::pull(&bench.hub, 0, 0);
    let working = tokio::spawn(worker::run(bench.ctx.clone(), Pools { short: 4, long: 2 }, bench.stop.clone()));
    let mut waits = Vec::new();
    for round in 0..ROUNDS {
        if round > 0 {
            pull.comment("bob", "/retry");
        }
        wait("the container runs", || alive(&word) > 0).await;
        pull.comment("bob", "/cancel");
        let begin = Instant::now();
        wait("the container is gone", || alive(&word) == 0).await;
        waits.push(begin.elapsed().as_secs_f64() * 1_000.0);
        wait("the check has ended", || !bench.checks().contains_key(&None)).await;
    }
    waits.sort_by(f64::total_cmp);
    report.row("`/cancel` typed to its container gone, 20 times: p50", (percentile(&waits, 0.5), "ms"), Goal::Told);
    report.row(
        "`/cancel` typed to its container gone, 20 times: p99",
        (percentile(&waits, 0.99), "ms"),
        Goal::Below(1_000.0),
    );
    bench.stop.cancel();
    working.await.expect("the workers end");
    bench.hub.finish();
}

async fn wait(what: &str, is_so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(30), "not within 30 s: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// 4: fifty pushes in ten seconds end with one run.
async fn superseded(report: &mut Report, address: &str) {
    let word = uuid::Uuid::new_v4().to_string();
    let bench = Bench::new(address, &format!("[pipeline.test]\nrun = [\"sleep 2; : {word}\"]\n")).await;
    hub::pull(&bench.hub, 0, 0);
    let working = tokio::spawn(worker::run(bench.ctx.clone(), Pools { short: 4, long: 2 }, bench.stop.clone()));
    let shop = bench.hub.repo("org0/shop");
    for n in 0..50 {
        shop.push("bob", "change-0", "Again", &[("note.txt", Some(&format!("again {n}\n")))]);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    wait("the last run has ended", || {
        let checks = bench.checks();
        checks.get(&Some("success".to_owned())).is_some_and(|n| *n > 0) && !checks.contains_key(&None)
    })
    .await;
    let passed = bench.checks().get(&Some("success".to_owned())).copied().unwrap_or(0);
    report.row("50 pushes in 10 s: runs that went to their end", (passed as f64, ""), Goal::Below(2.0));
    report.row("containers left afterwards", (alive(&word) as f64, ""), Goal::Below(1.0));
    bench.stop.cancel();
    working.await.expect("the workers end");
    bench.hub.finish();
}

/// 5: Fairway's own memory while sixteen runs are live; the sessions' CLIs are processes of their own.
async fn memory(report: &mut Report, address: &str) {
    let dir = tempfile::tempdir().expect("a folder");
    let hub = hub::start(dir.path()).await;
    let word = uuid::Uuid::new_v4().to_string();
    let pipelines: String = (0..LIVE)
        .map(|n| {
            format!("[pipeline.p{n}]\nrun = [\"for i in $(seq 60); do seq 100; sleep 0.1; done; : {word} {n}\"]\n")
        })
        .collect();
    hub::organisations(&hub, 1, &[("fairway.toml", &pipelines)]);
    let more = [
        ("FAIRWAY_ENGINE", "dagger"),
        ("FAIRWAY_ENGINES", address),
        ("FAIRWAY_RUNS", "16"),
        ("FAIRWAY_ENGINE_RUNS", "16"),
    ];
    let served = Served::start(dir.path(), &hub.url(), &more);
    hub.set_webhook_url(format!("http://{}/hook", served.public));
    hub::pull(&hub, 0, 0);
    let begin = Instant::now();
    let mut live = 0;
    while begin.elapsed() < Duration::from_secs(60) && live < LIVE {
        // A shell's line is seen once in its container, and may be seen in what starts it.
        live = (0..LIVE).filter(|n| alive(&format!("{word} {n}")) > 0).count();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    report.row("live runs while memory was read", (live as f64, ""), Goal::Least(LIVE as f64));
    report.row("Fairway's memory with 16 live runs, the most so far", (served.memory().1, "MB"), Goal::Below(120.0));
    served.kill();
    hub.finish();
}
