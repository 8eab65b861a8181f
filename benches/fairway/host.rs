//! 8: the host: its proxy beside nginx, in memory, what gets lost while everything changes, and how the split comes out.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fairway::domain::rollout::Health;
use fairway::host::{Client, Door, Release, Service, Slot, Split, Target};

use crate::load::percentile;
use crate::report::{Goal, Report};
use crate::visitors::{self, Line, RELEASE, Visitors};

/// Of one load.
const LENGTH: Duration = Duration::from_secs(4);
/// Each proxy in turn, so often; the middle one counts.
const ROUNDS: usize = 5;
const CONNECTIONS: usize = 64;
/// One a core of the machine that the figures are for.
const WORKERS: &str = "2";
/// Whom the split is tried on.
const CLIENTS: usize = 100_000;

/// A host in a process of its own, with one service.
struct House {
    dir: tempfile::TempDir,
    address: SocketAddr,
    target: Client,
    child: Child,
}

impl House {
    async fn start() -> House {
        let dir = tempfile::tempdir().expect("a folder");
        let address = free();
        let child = spawn(dir.path(), address, &[]);
        let target = Client::new(dir.path().join("admin.sock"));
        let house = House { dir, address, target, child };
        house.answers().await;
        house
    }

    async fn answers(&self) {
        let begin = Instant::now();
        while self.target.observe("none").await.is_err() {
            assert!(begin.elapsed() < Duration::from_secs(20), "the host does not answer");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn service(&self) -> Service {
        self.target.observe("shop").await.expect("the host answers").expect("the service is there")
    }

    /// Has a release run. Its name's first letter is what it answers.
    async fn ready(&self, name: &str) -> Slot {
        let exe = std::env::current_exe().expect("this program");
        let release = Release {
            id: name.to_owned(),
            version: name.to_owned(),
            dir: self.dir.path().to_owned(),
            start: format!("'{}' {RELEASE} \"$PORT\" {name}", exe.display()),
            env: Default::default(),
            health: "/".to_owned(),
            processes: 1,
            memory: None,
            cpu: None,
            trusted: true,
        };
        let door = Door::Domain("shop.example".to_owned());
        self.target.prepare("shop", &door, &release).await.expect("it is taken");
        let begin = Instant::now();
        loop {
            let service = self.service().await;
            let slot = service.slot_of(name).expect("it has a place");
            if service.slots[&slot].health == Health::Ready {
                return slot;
            }
            assert!(begin.elapsed() < Duration::from_secs(20), "{name} does not get ready");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Reads, writes, and knows it in force.
    async fn split(&self, stable: Slot, candidate: Option<Slot>, weight: u16) {
        let generation = self.service().await.generation;
        let split = Split { stable: Some(stable), candidate, weight, salt: "bench".to_owned(), slow_ms: None };
        self.target.split("shop", generation, &split).await.expect("it is written");
    }

    /// Where the release listens.
    fn port(&self, name: &str) -> u16 {
        let holds = std::fs::read_dir(self.dir.path().join("state/holds/shop")).expect("its holds");
        let orders = holds.map(|hold| std::fs::read(hold.expect("one").path().join("order.json")).expect("an order"));
        let mut orders = orders.map(|text| serde_json::from_slice::<serde_json::Value>(&text).expect("JSON"));
        let order = orders.find(|order| order["release"]["id"] == name).expect("the release's");
        order["ports"][0].as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port")
    }

    async fn end(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
        fairway::host::hold::stop_all(&self.dir.path().join("state")).await;
    }
}

fn spawn(dir: &Path, address: SocketAddr, more: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_fairway"))
        .args(["host", "--playground", "--bind", "127.0.0.1", "--listen", &address.to_string(), "--state"])
        .arg(dir.join("state"))
        .arg("--admin")
        .arg(dir.join("admin.sock"))
        .args(more)
        .env("TOKIO_WORKER_THREADS", WORKERS)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the host starts")
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

/// nginx before the same release.
struct Nginx {
    address: SocketAddr,
    child: Child,
    _dir: tempfile::TempDir,
}

impl Nginx {
    fn start(upstream: u16) -> Option<Nginx> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let dirs = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
        let program = dirs.map(|dir| dir.join("nginx")).find(|program| program.exists())?;
        let dir = tempfile::tempdir().expect("a folder");
        let (address, at) = (free(), dir.path().display());
        let config = format!(
            "worker_processes {WORKERS};\npid {at}/pid;\nerror_log /dev/null;\nworker_rlimit_nofile 8192;\n\
             events {{ worker_connections 4096; }}\nhttp {{\n access_log off;\n keepalive_requests 100000000;\n\
             client_body_temp_path {at}/b;\n proxy_temp_path {at}/p;\n fastcgi_temp_path {at}/f;\n\
             uwsgi_temp_path {at}/u;\n scgi_temp_path {at}/s;\n\
             upstream release {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 100000000; }}\n\
             server {{ listen {address};\n  location / {{ proxy_pass http://release; proxy_http_version 1.1;\n\
             proxy_set_header Connection \"\"; proxy_set_header Host $host;\n\
             proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }} }}\n}}\n"
        );
        let file = dir.path().join("nginx.conf");
        std::fs::write(&file, config).expect("written");
        let mut command = Command::new(program);
        command.args(["-g", "daemon off;", "-p"]).arg(dir.path()).arg("-c").arg(&file);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        let begin = Instant::now();
        while std::net::TcpStream::connect(address).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(5), "nginx did not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(Nginx { address, child, _dir: dir })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its master ends its workers only when it is asked.
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap_or_default();
        }
        drop(self.child.wait());
    }
}

/// Measures it.
pub async fn measure(report: &mut Report) {
    beside_nginx(report).await;
    memory(report).await;
    nothing_lost(report).await;
    split(report).await;
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    percentile(&values, 0.5)
}

async fn beside_nginx(report: &mut Report) {
    let house = House::start().await;
    let slot = house.ready("a").await;
    house.split(slot, None, 0).await;
    let port = house.port("a");
    let nginx = Nginx::start(port);
    let mut places = vec![("the release alone", SocketAddr::from(([127, 0, 0, 1], port)))];
    places.push(("`fairway host`", house.address));
    places.extend(nginx.as_ref().map(|nginx| ("nginx", nginx.address)));
    let mut seen: Vec<(Vec<f64>, Vec<f64>)> = vec![Default::default(); places.len()];
    let mut lost = 0;
    // The first round warms up.
    for round in 0..=ROUNDS {
        for ((_, address), seen) in places.iter().zip(&mut seen) {
            let load = visitors::load(*address, CONNECTIONS, LENGTH).await;
            lost += load.lost;
            if round > 0 {
                seen.0.push(load.rate());
                seen.1.push(percentile(&load.millis, 0.99));
            }
        }
    }
    let figures: Vec<(f64, f64)> = seen.into_iter().map(|(rates, p99)| (middle(rates), middle(p99))).collect();
    for ((name, _), (rate, p99)) in places.iter().zip(&figures) {
        report.row(format!("{name}: answers of 1 kB over {CONNECTIONS} kept connections"), (*rate, "/s"), Goal::Told);
        report.row(format!("{name}: p99"), (*p99, "ms"), Goal::Told);
    }
    match figures[..] {
        [_, ours, theirs] => {
            report.row("`fairway host`: answers, times nginx", (ours.0 / theirs.0, "x"), Goal::Least(0.8));
            report.row("`fairway host`: p99, times nginx", (ours.1 / theirs.1, "x"), Goal::Below(1.25));
        }
        _ => println!("left out: nginx, which is not installed (Debian: nginx-light)"),
    }
    report.row("answers lost under that load", (lost as f64, ""), Goal::Below(1.0));
    house.end().await;
}

/// Resident memory of a process, in megabytes.
fn resident(child: &Child) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}

async fn memory(report: &mut Report) {
    let house = House::start().await;
    let slot = house.ready("a").await;
    house.split(slot, None, 0).await;
    report.row("`fairway host`: memory without visitors", (resident(&house.child), "MB"), Goal::Told);
    let mut idle = Vec::new();
    for visitor in 0..1_000 {
        let mut line = Line::default();
        line.ask(house.address, visitor).await.expect("an answer");
        idle.push(line);
    }
    report.row("`fairway host`: memory with 1,000 idle connections", (resident(&house.child), "MB"), Goal::Told);
    drop(idle);
    let busy = Visitors::come(house.address, 1_000, Duration::ZERO);
    tokio::time::sleep(LENGTH).await;
    let figure = resident(&house.child);
    let seen = busy.go().await;
    report.row("`fairway host`: memory with 1,000 busy connections", (figure, "MB"), Goal::Told);
    report.row("`fairway host`: p99 of 1,000 busy connections", (percentile(&seen.millis, 0.99), "ms"), Goal::Told);
    report.row("answers lost of 1,000 busy connections", (seen.lost as f64, ""), Goal::Below(1.0));
    house.end().await;
}

/// 500 requests a second while everything changes.
async fn nothing_lost(report: &mut Report) {
    let mut house = House::start().await;
    let mut stable = house.ready("a0").await;
    house.split(stable, None, 0).await;
    let visitors = Visitors::come(house.address, 50, Duration::from_millis(100));
    for round in 1..=40 {
        let candidate = house.ready(&format!("a{round}")).await;
        for weight in [500, 2_500, 5_000] {
            house.split(stable, Some(candidate), weight).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let promotes = round % 2 == 1;
        let goes = if promotes { std::mem::replace(&mut stable, candidate) } else { candidate };
        house.split(stable, None, 0).await;
        house.target.retire("shop", goes).await.expect("it may go");
        if round % 20 == 0 {
            let next = spawn(house.dir.path(), house.address, &["--take-over"]);
            let mut old = std::mem::replace(&mut house.child, next);
            let ended = tokio::task::spawn_blocking(move || old.wait()).await;
            assert!(ended.is_ok_and(|status| status.is_ok_and(|status| status.success())), "the old host failed");
            house.answers().await;
        }
    }
    let seen = visitors.go().await;
    report.row("while everything changes: answers", (seen.rate(), "/s"), Goal::Told);
    let what = format!("lost of {}: 120 shares, 20 promotes, 20 aborts, 2 handovers", seen.good + seen.lost);
    report.row(what, (seen.lost as f64, ""), Goal::Below(1.0));
    house.end().await;
}

/// Every client asks once at each share.
async fn split(report: &mut Report) {
    let house = House::start().await;
    let stable = house.ready("a").await;
    house.split(stable, None, 0).await;
    let candidate = house.ready("b").await;
    let mut before = vec![b'a'; CLIENTS];
    let mut moved_back = 0;
    for percent in [1.0, 5.0, 25.0, 50.0_f64] {
        house.split(stable, Some(candidate), (percent * 100.0) as u16).await;
        let now = visitors::poll(house.address, (CLIENTS, CONNECTIONS)).await;
        let share = now.iter().filter(|letter| **letter == b'b').count() as f64 * 100.0 / CLIENTS as f64;
        // 3.291 standard deviations on both sides hold 99.9 %.
        let bound = 3.291 * (percent * (100.0 - percent) / CLIENTS as f64).sqrt();
        let what = format!("100,000 clients at {percent} %: off by, in points");
        report.row(what, ((share - percent).abs(), ""), Goal::Below(bound));
        moved_back += before.iter().zip(&now).filter(|(was, is)| **was == b'b' && **is == b'a').count();
        before = now;
    }
    report.row("clients that moved back when the share rose", (moved_back as f64, ""), Goal::Below(1.0));
    house.end().await;
}
