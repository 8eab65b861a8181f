//! Hosts come and go, and nobody who asks sees it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fairway::domain::rollout::Health;
use fairway::host::{Client, Door, Release, Slot, Split, Target, handover};
use tokio::process::{Child, Command};

/// An address that nobody had just now.
pub fn free_address() -> String {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    free.local_addr().expect("its address").to_string()
}

/// A host in a process of its own.
pub fn start(dir: &Path, address: &str, more: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_fairway"))
        .args(["host", "--playground", "--bind", "127.0.0.1", "--listen", address, "--state"])
        .arg(dir.join("state"))
        .arg("--admin")
        .arg(dir.join("admin.sock"))
        .args(more)
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the host starts")
}

pub async fn answers(target: &Client) {
    for _ in 0..1_200 {
        if target.observe("shop").await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the host does not answer");
}

pub async fn ready(dir: &Path, target: &Client, name: &str) -> Slot {
    let release = Release {
        id: name.to_owned(),
        version: name.to_owned(),
        dir: dir.to_owned(),
        start: format!("'{}' sample price.sh --port \"$PORT\"", env!("CARGO_BIN_EXE_fairway")),
        env: BTreeMap::from([("TOKEN".to_owned(), "a secret".to_owned())]),
        health: "/healthz".to_owned(),
        processes: 2,
        memory: None,
        cpu: None,
        trusted: true,
    };
    target.prepare("shop", &Door::Domain("shop.example".to_owned()), &release).await.expect("it is taken");
    for _ in 0..1_200 {
        let service = target.observe("shop").await.expect("the host answers").expect("the service");
        let slot = service.slot_of(name).expect("a place");
        if service.slots[&slot].health == Health::Ready {
            return slot;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{name} does not get ready");
}

pub async fn split(target: &Client, stable: Slot, weight: u16) {
    let candidate = (weight > 0).then_some(stable.other());
    let split = Split { stable: Some(stable), candidate, weight, salt: "1".to_owned(), slow_ms: None };
    for _ in 0..1_200 {
        let generation = match target.observe("shop").await {
            Ok(Some(service)) => service.generation,
            _ => 0,
        };
        match target.split("shop", generation, &split).await {
            Ok(()) => return,
            // It hands over just now, or somebody was faster.
            Err(_) => tokio::time::sleep(Duration::from_millis(25)).await,
        }
    }
    panic!("the split is not taken");
}

/// Eight visitors on kept connections, 500 requests a second together; gives what was no answer of a release, and how many came.
fn crowd(address: &str, stop: Arc<AtomicBool>) -> tokio::task::JoinHandle<(Vec<String>, usize)> {
    let url = format!("http://{address}/healthz");
    tokio::spawn(async move {
        let visit = |_| {
            let (url, stop) = (url.clone(), stop.clone());
            tokio::spawn(async move {
                let (http, mut seen) = (reqwest::Client::new(), Vec::new());
                let mut pace = tokio::time::interval(Duration::from_millis(16));
                while !stop.load(Ordering::SeqCst) {
                    pace.tick().await;
                    seen.push(match http.get(&url).header("host", "shop.example").send().await {
                        Ok(answer) => answer.text().await.unwrap_or_else(|error| error.to_string()),
                        Err(error) => format!("{error:?}"),
                    });
                }
                seen
            })
        };
        let mut all = Vec::new();
        for visitor in (0..8).map(visit).collect::<Vec<_>>() {
            all.extend(visitor.await.expect("no panic"));
        }
        let count = all.len();
        all.retain(|answer| answer != "ok\n");
        (all, count)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_releases_and_hosts_change_without_a_request_lost() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("price.sh"), "price() { echo 1; }\n").expect("the prices");
    let address = free_address();
    let mut host = start(dir.path(), &address, &[]);
    let target = Client::new(dir.path().join("admin.sock"));
    answers(&target).await;
    let mut stable = ready(dir.path(), &target, "0").await;
    split(&target, stable, 0).await;
    let stop = Arc::new(AtomicBool::new(false));
    let crowd = crowd(&address, stop.clone());
    for round in 1..=4 {
        let candidate = ready(dir.path(), &target, &round.to_string()).await;
        for step in 1..=10 {
            split(&target, stable, step * 900).await;
        }
        let before = target.observe("shop").await.expect("it answers").expect("the service");
        let mut successor = start(dir.path(), &address, &["--take-over"]);
        std::mem::swap(&mut host, &mut successor);
        let ended = tokio::time::timeout(Duration::from_secs(45), successor.wait()).await.expect("it ends");
        assert!(ended.expect("a status").success());
        answers(&target).await;
        let after = target.observe("shop").await.expect("it answers").expect("the service");
        assert_eq!((after.generation, &after.split), (before.generation, &before.split));
        assert_ne!(after.boot, before.boot, "it is still the same host");
        // Up or back, by turns.
        if round % 2 == 0 {
            split(&target, stable, 0).await;
        } else {
            split(&target, candidate, 0).await;
            stable = candidate;
        }
        target.retire("shop", stable.other()).await.expect("the other one goes");
    }
    stop.store(true, Ordering::SeqCst);
    let (lost, count) = crowd.await.expect("no panic");
    assert!(lost.is_empty(), "{} of {count}: {:?}", lost.len(), &lost[..lost.len().min(5)]);
    assert!(count > 500, "only {count} came");
    fairway::host::hold::stop_all(&dir.path().join("state")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_successor_that_dies_on_the_way_changes_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("price.sh"), "price() { echo 1; }\n").expect("the prices");
    let _host = start(dir.path(), "127.0.0.1:0", &[]);
    let target = Client::new(dir.path().join("admin.sock"));
    answers(&target).await;
    let slot = ready(dir.path(), &target, "0").await;
    let admin = dir.path().join("admin.sock");
    let taken = tokio::task::spawn_blocking(move || handover::take_over(&admin).expect("given").expect("a host"));
    drop(taken.await.expect("no panic"));
    split(&target, slot, 0).await;
    let split = target.observe("shop").await.expect("it answers").expect("the service").split;
    assert_eq!(split.stable, Some(slot));
    fairway::host::hold::stop_all(&dir.path().join("state")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_host_says_how_to_take_the_place_of_the_first() {
    let dir = tempfile::tempdir().expect("a directory");
    let _host = start(dir.path(), "127.0.0.1:0", &[]);
    answers(&Client::new(dir.path().join("admin.sock"))).await;
    let second = Command::new(env!("CARGO_BIN_EXE_fairway"))
        .args(["host", "--playground", "--state"])
        .arg(dir.path().join("state"))
        .arg("--admin")
        .arg(dir.path().join("another.sock"))
        .output()
        .await
        .expect("it runs");
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains("add --take-over"), "{second:?}");
}
