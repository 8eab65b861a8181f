//! 10: what `fairway updates` takes for whole checkouts, from the start of the process to its end, with the registries that this
//! machine's own package clients ask; and what many repositories cost that have their packages in common.
//!
//! `BENCH_CHECKOUTS`, folders with `:` between them, adds checkouts of one's own.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use fairway::domain::update::{Files, Package, extract};
use fairway::registry::cargo::{Crates, Indexes};
use fairway::registry::{Config, How, Registries};
use serde_json::Value;

use crate::report::{Goal, Report};

/// So often each; the middle one counts.
const ROUNDS: usize = 5;
/// Warm may take this part of cold.
const THIRD: f64 = 0.33;
/// Packages that the synthetic repositories have in common, how many each has of them, and the versions of each.
const POOL: usize = 60;
const EACH: usize = 30;
const VERSIONS: usize = 200;

/// A checkout and what is asked of it: seconds and megabytes.
struct Workload {
    name: String,
    root: PathBuf,
    goals: (Goal, Goal),
}

/// One run of the program.
struct Run {
    took: Duration,
    megabytes: f64,
    object: Value,
}

/// Measures both.
pub async fn measure(report: &mut Report) {
    let made = tempfile::tempdir().expect("a folder");
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut all = vec![
        Workload { name: "Fairway itself".into(), root: own, goals: (Goal::Below(0.4), Goal::Below(60.0)) },
        Workload {
            name: "30 old pins of Python".into(),
            root: pins(made.path()),
            goals: (Goal::Below(0.6), Goal::Told),
        },
        Workload {
            name: "a pnpm workspace".into(),
            root: workspace(made.path()),
            goals: (Goal::Below(1.0), Goal::Below(150.0)),
        },
    ];
    let more = std::env::var("BENCH_CHECKOUTS").unwrap_or_default();
    all.extend(more.split(':').filter(|path| !path.is_empty()).map(|path| {
        let root = PathBuf::from(path);
        let name = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Workload { name, root, goals: (Goal::Told, Goal::Told) }
    }));
    for workload in &all {
        checkout(report, workload);
    }
    many(report).await;
}

fn checkout(report: &mut Report, Workload { name, root, goals }: &Workload) {
    let (mut cold, mut warm, mut again) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let cache = tempfile::tempdir().expect("a folder");
        cold.push(run(root, cache.path(), &[]));
        warm.push(run(root, cache.path(), &[]));
        again.push(run(root, cache.path(), &["--fresh"]));
    }
    let object = &cold[0].object;
    let count =
        |key: &str| object[key].as_array().map_or_else(|| object[key].as_u64().unwrap_or(0), |all| all.len() as u64);
    let (lines, lost) = (count("declared"), count("not_looked_up"));
    println!(
        "  {name}: {lines} lines, {} locked, {} proposals, {} held back, {lost} not looked up",
        count("locked"),
        count("proposals"),
        count("held")
    );
    if lost * 2 > lines {
        println!(
            "  {name} has no figures: most of its packages were not looked up, the first: {}",
            object["not_looked_up"][0]
        );
        return;
    }
    let most = cold.iter().map(|run| run.megabytes).fold(0.0, f64::max);
    let (cold, warm, again) = (middle(&cold), middle(&warm), middle(&again));
    report.row(format!("updates: {name}, cold"), (cold, "s"), goals.0);
    report.row(format!("updates: {name}, cold, most memory"), (most, "MB"), goals.1);
    report.row(format!("updates: {name}, warm"), (warm, "s"), Goal::Told);
    report.row(format!("updates: {name}, warm, part of cold"), (warm / cold, ""), Goal::Below(THIRD));
    report.row(format!("updates: {name}, asked again by validators"), (again, "s"), Goal::Told);
}

fn middle(runs: &[Run]) -> f64 {
    let mut all: Vec<f64> = runs.iter().map(|run| run.took.as_secs_f64()).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// The most memory is looked at every millisecond, since nothing safe tells it of a process that ended.
fn run(root: &Path, cache: &Path, more: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fairway"));
    command.arg("updates").arg(root).arg("--json").args(more).env("XDG_CACHE_HOME", cache).env("FAIRWAY_LOG", "error");
    command.env_remove("FAIRWAY_ADVISORIES").stdin(Stdio::null()).stdout(Stdio::piped());
    let begin = Instant::now();
    let mut child = command.spawn().expect("it starts");
    let mut out = child.stdout.take().expect("a pipe");
    let said = std::thread::spawn(move || {
        let mut text = String::new();
        out.read_to_string(&mut text).map(|_| text)
    });
    let (status, mut megabytes) = (format!("/proc/{}/status", child.id()), 0.0_f64);
    let ended = loop {
        if let Some(ended) = child.try_wait().expect("it can be waited for") {
            break ended;
        }
        let status = std::fs::read_to_string(&status).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
        let kilobytes: f64 = line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).unwrap_or(0.0);
        megabytes = megabytes.max(kilobytes / 1024.0);
        std::thread::sleep(Duration::from_millis(1));
    };
    let took = begin.elapsed();
    assert!(ended.success(), "fairway updates {} ended with {ended}", root.display());
    let text = said.join().expect("it reads").expect("text");
    Run { took, megabytes, object: serde_json::from_str(&text).expect("an object") }
}

/// The pins that Renovate was measured with.
fn pins(made: &Path) -> PathBuf {
    let record: &[u8] = include_bytes!("../../tests/data/updates/python-reqs.jsonl.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(record).read_to_string(&mut text).expect("the record");
    let root = made.join("pins");
    let line = |line: &str| {
        let value: Value = serde_json::from_str(line).expect("a line");
        format!("{}=={}\n", value["name"].as_str().expect("a name"), value["pin"].as_str().expect("a version"))
    };
    write(&root.join("requirements.txt"), &text.lines().map(line).collect::<String>());
    root
}

/// 54 packages as many had them in 2021.
const PACKAGES: &str = "react@17.0.2 react-dom@17.0.2 lodash@4.17.20 express@4.17.1 axios@0.21.1 typescript@4.3.5 eslint@7.32.0 \
    jest@27.0.6 webpack@5.50.0 vite@2.9.15 rollup@2.56.3 chalk@4.1.2 commander@7.2.0 debug@4.3.1 semver@7.3.5 uuid@8.3.2 \
    ws@7.5.3 yargs@16.2.0 glob@7.1.7 rimraf@3.0.2 dotenv@10.0.0 moment@2.29.1 dayjs@1.10.6 date-fns@2.23.0 prettier@2.3.2 \
    husky@7.0.1 lint-staged@11.1.2 mocha@9.0.3 chai@4.3.4 sinon@11.1.2 nyc@15.1.0 ts-node@10.2.1 ts-jest@27.0.4 \
    esbuild@0.12.19 postcss@8.3.6 autoprefixer@10.3.1 tailwindcss@2.2.7 sass@1.37.5 vue@3.2.2 vue-router@4.0.11 pinia@2.0.0 \
    zod@3.8.2 immer@9.0.5 redux@4.1.1 rxjs@7.3.0 graphql@15.5.1 fastify@3.20.2 koa@2.13.1 mongoose@5.13.7 pg@8.7.1 \
    ioredis@4.27.7 nodemailer@6.6.3 winston@3.3.3 @types/node@16.6.1";

/// 26 packages with 252 entries of 54 distinct ones.
fn workspace(made: &Path) -> PathBuf {
    let root = made.join("pnpm");
    let all: Vec<(&str, &str)> = PACKAGES.split_whitespace().filter_map(|one| one.rsplit_once('@')).collect();
    let mut lock = String::from("lockfileVersion: '9.0'\n\nimporters:\n");
    for member in 0..26 {
        let wanted = if member < 18 { 10 } else { 9 };
        let mut needs = BTreeMap::new();
        for at in 0..wanted {
            let (name, version) = all[(member * 11 + at) % all.len()];
            needs.insert(name.to_owned(), version);
        }
        lock.push_str(&format!("\n  packages/p{member}:\n    dependencies:\n"));
        for (name, version) in &needs {
            lock.push_str(&format!("      '{name}':\n        specifier: ^{version}\n        version: {version}\n"));
        }
        let needs: BTreeMap<String, String> =
            needs.into_iter().map(|(name, version)| (name, format!("^{version}"))).collect();
        let manifest = serde_json::json!({ "name": format!("p{member}"), "version": "1.0.0", "dependencies": needs });
        write(&root.join(format!("packages/p{member}/package.json")), &format!("{manifest:#}\n"));
    }
    lock.push_str("\npackages:\n");
    for (name, version) in &all {
        lock.push_str(&format!("\n  '{name}@{version}':\n    resolution: {{integrity: sha512-AA==}}\n"));
    }
    lock.push_str("\nsnapshots:\n");
    for (name, version) in &all {
        lock.push_str(&format!("\n  '{name}@{version}': {{}}\n"));
    }
    write(&root.join("pnpm-lock.yaml"), &lock);
    write(&root.join("pnpm-workspace.yaml"), "packages:\n  - packages/*\n");
    write(&root.join("package.json"), "{\n  \"name\": \"root\",\n  \"private\": true\n}\n");
    root
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("it was joined")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}

/// Repositories in one process, as on a server, and a registry on this machine.
async fn many(report: &mut Report) {
    let asked = Arc::new(AtomicUsize::new(0));
    let router = Router::new().fallback(index).with_state(asked.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    for repositories in [1, 20, 200] {
        let before = asked.load(Ordering::Relaxed);
        let (home, cache) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let mirror =
            format!("[source.crates-io]\nreplace-with = \"m\"\n[source.m]\nregistry = \"sparse+http://{address}/\"\n");
        write(&home.path().join("config.toml"), &mirror);
        let crates = Crates::new(Indexes::read(Some(home.path()), BTreeMap::new()));
        let config = Config { cache: Some(cache.path().to_owned()), ..Config::default() };
        let registries = Registries::new(&config, vec![Box::new(crates)]).expect("a client");
        let begin = Instant::now();
        let mut answered = 0;
        for number in 0..repositories {
            let line = |at: usize| format!("crate-{} = \"1.0.0\"\n", (number * 7 + at) % POOL);
            let lines: String = (0..EACH).map(line).collect();
            let manifest = format!("[package]\nname = \"r{number}\"\n[dependencies]\n{lines}");
            let found = extract(&Files::from([("Cargo.toml".to_owned(), manifest)]));
            let packages: Vec<Package> = found.declared.iter().filter_map(Package::of).collect();
            let now = fairway::clock::Clock::system().now();
            answered += registries.look_up(&packages, How { now, deep: false }, &|_| {}).await.len();
        }
        assert_eq!(answered, repositories * EACH, "all is answered");
        let took = begin.elapsed().as_secs_f64() * 1000.0;
        let requests = asked.load(Ordering::Relaxed) - before;
        let goal = Goal::Below((POOL + 1) as f64);
        report.row(
            format!("updates: {repositories} repositories, {EACH} of {POOL} crates each, requests"),
            (requests as f64, ""),
            goal,
        );
        report.row(format!("updates: {repositories} repositories, extracted and looked up"), (took, "ms"), Goal::Told);
    }
    serving.abort();
}

async fn index(State(asked): State<Arc<AtomicUsize>>, request: Request) -> String {
    asked.fetch_add(1, Ordering::Relaxed);
    let name = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    let line = |minor: usize| {
        format!(
            "{{\"name\":\"{name}\",\"vers\":\"1.{minor}.0\",\"yanked\":false,\"deps\":[],\"pubtime\":\"2026-01-01T00:00:00Z\"}}\n"
        )
    };
    (0..VERSIONS).map(line).collect()
}
