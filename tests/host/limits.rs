//! CPU limits by cgroups: where there are such, where there are none, and where files only look like one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use fairway::domain::rollout::Health;
use fairway::host::{Client, Door, Release, Target, hold};
use tokio::process::{Child, Command};

use super::handover::answers;

/// A host in a process of its own, whose log is a file.
fn start(dir: &Path, more: &[&str]) -> Child {
    let log = std::fs::File::create(dir.join("host.log")).expect("a log");
    Command::new(env!("CARGO_BIN_EXE_fairway"))
        .args(["host", "--playground", "--bind", "127.0.0.1", "--listen", "127.0.0.1:0", "--state"])
        .arg(dir.join("state"))
        .arg("--admin")
        .arg(dir.join("admin.sock"))
        .args(more)
        .stderr(Stdio::from(log.try_clone().expect("a copy")))
        .stdout(Stdio::from(log))
        .kill_on_drop(true)
        .spawn()
        .expect("the host starts")
}

/// A release that may use a quarter of a processor runs.
async fn runs(dir: &Path, target: &Client) {
    std::fs::write(dir.join("price.sh"), "price() { echo 1; }\n").expect("the prices");
    let release = Release {
        id: "one".to_owned(),
        version: "c0ffee1".to_owned(),
        dir: dir.to_owned(),
        start: format!("'{}' sample price.sh --port \"$PORT\"", env!("CARGO_BIN_EXE_fairway")),
        env: BTreeMap::new(),
        health: "/healthz".to_owned(),
        processes: 2,
        memory: None,
        cpu: Some(250),
        trusted: true,
    };
    target.prepare("shop", &Door::Domain("shop.example".to_owned()), &release).await.expect("it is taken");
    for _ in 0..1_200 {
        let service = target.observe("shop").await.expect("the host answers").expect("the service");
        if service.slot_of("one").is_some_and(|slot| service.slots[&slot].health == Health::Ready) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("it does not get ready");
}

/// The only group of a release below this one.
fn group(base: &Path) -> PathBuf {
    let below = std::fs::read_dir(base).expect("a directory").map(|entry| entry.expect("one").path());
    let name = |path: &PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
    let groups: Vec<PathBuf> = below.filter(|path| name(path).starts_with("release-shop-")).collect();
    let [one] = groups.as_slice() else { panic!("{groups:?}") };
    one.clone()
}

fn log(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("host.log")).expect("a log")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_enters_a_group_of_its_own_with_its_limit() {
    let dir = tempfile::tempdir().expect("a directory");
    let base = dir.path().join("cgroup");
    std::fs::create_dir(&base).expect("a directory");
    std::fs::write(base.join("cgroup.controllers"), "cpuset cpu memory\n").expect("written");
    std::fs::write(base.join("cgroup.subtree_control"), "").expect("written");
    let _host = start(dir.path(), &["--cgroup", base.to_str().expect("UTF-8")]);
    let target = Client::new(dir.path().join("admin.sock"));
    answers(&target).await;
    assert_eq!(target.limits().await.expect("it answers").expect("limits").cpu, Ok(base.clone()));
    runs(dir.path(), &target).await;
    let read = |name: &str| std::fs::read_to_string(group(&base).join(name)).expect(name);
    assert_eq!(read("cpu.max"), "25000 100000");
    // Who enters is the hold, before it starts anything.
    let entered = std::fs::read_to_string(format!("/proc/{}/cmdline", read("cgroup.procs"))).expect("it lives");
    assert_eq!(entered.split('\0').nth(1), Some("hold"));
    assert!(!log(dir.path()).contains("CPU"), "{}", log(dir.path()));
    hold::stop_all(&dir.path().join("state")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_group_can_be_made_it_runs_all_the_same_and_one_line_says_so() {
    let dir = tempfile::tempdir().expect("a directory");
    let none = dir.path().join("none");
    let _host = start(dir.path(), &["--cgroup", none.to_str().expect("UTF-8")]);
    let target = Client::new(dir.path().join("admin.sock"));
    answers(&target).await;
    let why = target.limits().await.expect("it answers").expect("limits").cpu.expect_err("no limit");
    assert!(why.contains("cgroup.controllers cannot be read"), "{why}");
    runs(dir.path(), &target).await;
    let said = log(dir.path());
    let told = |what: &str| said.lines().filter(|line| line.contains(what) && line.contains(&why)).count();
    assert_eq!(told("CPU limits are not applied"), 1, "{said}");
    assert_eq!(told("c0ffee1 of shop runs without its CPU limit"), 1, "{said}");
    // Doctor says the same, and nothing is wrong by it.
    let doctor = Command::new(env!("CARGO_BIN_EXE_fairway"))
        .args(["doctor", "--json"])
        .env("FAIRWAY_HOST", dir.path().join("admin.sock"))
        .output()
        .await
        .expect("it answers");
    let text = String::from_utf8_lossy(&doctor.stdout).into_owned();
    let finding = text.lines().find(|line| line.contains("CPU limits of releases")).expect("a finding");
    assert!(finding.contains("not applied: ") && finding.contains("\"state\":\"warn\""), "{finding}");
    hold::stop_all(&dir.path().join("state")).await;
}

/// With a kernel and a group that allow it.
#[tokio::test(flavor = "multi_thread")]
async fn on_this_machine_the_kernel_has_the_limit_or_the_host_says_why_not() {
    let dir = tempfile::tempdir().expect("a directory");
    let _host = start(dir.path(), &[]);
    let target = Client::new(dir.path().join("admin.sock"));
    answers(&target).await;
    let limits = target.limits().await.expect("it answers").expect("limits");
    runs(dir.path(), &target).await;
    match limits.cpu {
        Ok(base) => {
            let group = group(&base);
            let read = |name: &str| std::fs::read_to_string(group.join(name)).expect(name);
            assert_eq!(read("cpu.max").trim(), "25000 100000");
            assert!(read("cgroup.procs").lines().count() >= 3, "the hold and two processes");
        }
        Err(why) => {
            eprintln!("off: no CPU limit on this machine: {why}");
            assert!(log(dir.path()).contains(&format!("c0ffee1 of shop runs without its CPU limit: {why}")));
        }
    }
    hold::stop_all(&dir.path().join("state")).await;
}
