//! Steps that misbehave: nothing of them is left, and no one else pays.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use fairway::engine::local::guard::{Order, envelope};
use fairway::engine::{Engine, Outcome, StepExit};
use tokio::sync::mpsc;

use crate::desk::{Desk, alive, exe, left, until};

/// A number that nothing else on this machine sleeps for.
fn marker(n: u32) -> String {
    format!("9{n}{}", std::process::id())
}

#[tokio::test(flavor = "multi_thread")]
async fn daemons_and_orphans_end_with_their_step() {
    let mut desk = Desk::plain().await;
    let mark = marker(1);
    let spawn = format!(
        "sleep {mark} & (setsid sleep {mark} &) ; setsid sh -c 'trap \"\" TERM HUP; (setsid sleep {mark} &); sleep {mark}' >/dev/null 2>&1 & echo started"
    );
    let said = desk.run(&[&spawn]).await;
    assert_eq!(said.outcome, Outcome::Success, "{}", said.log);
    assert_eq!(alive(&mark), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_hears_no_term_is_ended_all_the_same() {
    let mut desk = Desk::plain().await;
    let mark = marker(2);
    desk.spec.steps = vec![format!("trap '' TERM INT HUP; echo began; sleep {mark}; sleep {mark}")];
    let said = desk.go(Some("began")).await;
    assert_eq!(said.outcome, Outcome::Cancelled);
    assert_eq!(alive(&mark), Vec::<String>::new());
    assert_eq!(left(&desk.data()), Vec::<String>::new());
}

/// A killed Fairway lets go of the pipe, and so does this test.
#[test]
fn a_guard_ends_everything_when_its_parent_is_gone() {
    let dir = tempfile::tempdir().expect("a directory");
    let mark = marker(3);
    let line = format!("trap '' TERM; (setsid sleep {mark} &); sleep {mark}; sleep {mark}");
    let order = Order {
        lock: dir.path().join("7.lock"),
        dir: dir.path().to_owned(),
        sandbox: Vec::new(),
        command: ["/bin/sh", "-c", &line].map(str::to_owned).into(),
        grace_ms: 200,
        processes: 100,
        memory: 1 << 33,
        file_size: 1 << 30,
    };
    let mut guard = Command::new(exe())
        .args(["guard", &serde_json::to_string(&order).expect("JSON")])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a guard");
    let env = vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
    let mut pipe = guard.stdin.take().expect("its pipe");
    pipe.write_all(&envelope(&env).expect("small")).expect("written");
    until("both sleep", || alive(&mark).iter().filter(|line| line.starts_with("sleep")).count() == 2);
    drop(pipe);
    guard.wait().expect("its end");
    assert_eq!(alive(&mark), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_run_leaves_nothing() {
    let mut desk = Desk::plain().await;
    let mark = marker(4);
    desk.spec.steps = vec![format!("sleep {mark}")];
    let (sender, _events) = mpsc::channel(1_000);
    let run = desk.engine.run(desk.spec.clone(), sender, desk.cancel.clone());
    let begun = tokio::task::spawn_blocking({
        let mark = mark.clone();
        move || until("the step runs", || alive(&mark).iter().any(|line| line.starts_with("sleep")))
    });
    tokio::select! {
        outcome = run => panic!("it ended by itself: {outcome:?}"),
        begun = begun => begun.expect("it began"),
    }
    let data = desk.data();
    until("everything is gone", || alive(&mark).is_empty() && left(&data).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_bomb_is_bounded() {
    let mut desk = Desk::with(&[], |limits| limits.processes = 40).await;
    let mark = marker(5);
    // Bounded by itself too, in case that the limit does not hold.
    let said = desk.run(&[&format!("i=0; while [ $i -lt 400 ]; do sleep {mark} & i=$((i+1)); done; wait")]).await;
    assert_eq!(said.outcome, Outcome::Failed, "{}", said.log);
    assert!(said.log.contains("more than 40 processes"), "{}", said.log);
    assert_eq!(alive(&mark), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_quota_ends_the_step_in_words() {
    let mut desk = Desk::with(&[], |limits| limits.disk = 20_000_000).await;
    for dir in [".", "$TMPDIR"] {
        let fill =
            format!("for i in 1 2 3 4; do head -c 10000000 /dev/zero > {dir}/$i; done; while :; do sleep 1; done");
        let said = desk.run(&[&fill]).await;
        assert_eq!((said.outcome, said.exits), (Outcome::Failed, vec![StepExit::Code(137)]), "{dir}: {}", said.log);
        assert_eq!(said.notes, ["Stopped: the run wrote more than 20 MB to disk."], "{dir}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_log_and_a_binary_one_arrive_whole() {
    let mut desk = Desk::plain().await;
    let said = desk.run(&["head -c 67108864 /dev/zero | tr '\\0' 'x'"]).await;
    assert_eq!((said.outcome, said.bytes), (Outcome::Success, 64 << 20));
    let said = desk.run(&["head -c 1000001 /dev/urandom; printf '\\000end'"]).await;
    assert_eq!((said.outcome, said.bytes), (Outcome::Success, 1_000_005));
    let peak = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = peak.lines().find_map(|l| l.strip_prefix("VmHWM:")?.trim().split(' ').next()?.parse::<u64>().ok());
    assert!(peak.is_none_or(|kilobytes| kilobytes < 512 * 1024), "the log stood in memory: {peak:?} kB");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_try_that_still_lives_is_waited_for_and_never_run_over() {
    let mut desk = Desk::with(&[], |limits| limits.lock = Duration::from_millis(200)).await;
    let runs = desk.data().join("runs");
    std::fs::create_dir_all(runs.join("7-0")).expect("made");
    let lock = std::fs::File::create(runs.join("7.lock")).expect("made");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("locked");
    desk.spec.steps = vec!["true".into()];
    assert!(matches!(desk.go(None).await.outcome, Outcome::Broken(why) if why.contains("earlier try")));
    assert!(runs.join("7.lock").exists(), "the lock of what lives is not removed");
    desk.cancel.cancel();
    assert_eq!(desk.go(None).await.outcome, Outcome::Cancelled);
    drop(lock);
    // A new engine on the same directory finds what is left of the run.
    let config = desk.config();
    drop(fairway::engine::local::Local::for_playing(config));
    assert_eq!(left(&desk.data()), Vec::<String>::new());
}

/// Too large for every day: `FAIRWAY_SOAK=1`.
#[tokio::test(flavor = "multi_thread")]
async fn a_gigabyte_of_log_and_a_hundred_thousand_files() {
    if std::env::var_os("FAIRWAY_SOAK").is_none() {
        return;
    }
    let names: Vec<String> = (0..100_000).map(|n| format!("d{}/f{n}", n % 500)).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    let mut desk = Desk::with(&files, |_| {}).await;
    desk.spec.timeout = Duration::from_secs(1_200);
    let said =
        desk.run(&["find . -name 'f*' -type f -not -path './.git/*' | wc -l", "head -c 1073741824 /dev/zero"]).await;
    assert_eq!(said.outcome, Outcome::Success);
    assert!(said.log.starts_with("100000\n") && said.bytes == (1 << 30) + 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_a_million_files_is_refused_in_words() {
    if std::env::var_os("FAIRWAY_SOAK").is_none() {
        return;
    }
    let mut desk = Desk::plain().await;
    desk.spec.timeout = Duration::from_secs(1_200);
    desk.spec.export = Some("out".to_owned());
    let line = "mkdir out; cd out; for d in $(seq 100); do mkdir $d; (cd $d; seq 10000 | xargs touch); done";
    let said = desk.run(&[line]).await;
    assert!(matches!(&said.outcome, Outcome::Impossible(why) if why.contains("200000 files; pack them into one")));
}
