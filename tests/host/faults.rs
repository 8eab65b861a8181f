//! What goes wrong around a host: a full disk, a kill at any moment, a clock that jumps, a process that is not there.

use std::path::Path;
use std::time::Duration;

use fairway::clock::Clock;
use fairway::domain::rollout::Health;
use fairway::host::{Client, Door, Split, Target, TargetError, hold};

use super::handover::{answers, free_address, ready, split, start};
use super::passing::served;
use super::{Place, clear};

/// A file system of 256 kB, taken away at the end.
struct Small<'a>(&'a Path);

impl Small<'_> {
    /// `None` where nobody may make one.
    fn mount(at: &Path) -> Option<Small<'_>> {
        std::fs::create_dir_all(at).expect("a directory");
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=256k", "fairway-test"]).arg(at).stderr(std::process::Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then_some(Small(at))
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        // Lazily: the last process with a log there may just be ending.
        let _ = std::process::Command::new("umount").arg("-l").arg(self.0).status();
    }
}

/// Ends what outlived its host, also when a test fails: a hold without its directory has nobody left to end it.
struct Holds<'a>(&'a Path);

impl Drop for Holds<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.0.join("state/holds"));
    }
}

async fn soon(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1_200 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("not seen: {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_nothing_is_acknowledged_and_what_was_goes_on() {
    let dir = tempfile::tempdir().expect("a directory");
    let state = dir.path().join("state");
    let Some(_small) = Small::mount(&state) else {
        return eprintln!("left out: a full disk; only root may mount a small one");
    };
    let (place, slot) = served(dir.path()).await;
    let mut rest = std::fs::File::create(state.join("rest")).expect("a file");
    while std::io::Write::write(&mut rest, &[0; 512]).is_ok_and(|count| count > 0) {}
    let before = place.service().await;
    let other = Split { salt: "another".to_owned(), ..before.split.clone() };
    let told = place.target.split("shop", before.generation, &other).await;
    let Err(TargetError::Away(words)) = told else { panic!("{told:?}") };
    assert!(words.contains("cannot be written") && words.contains("No space left"), "{words}");
    let door = Door::Domain("shop.example".to_owned());
    let told = place.target.prepare("shop", &door, &place.release("two", "perl server.pl")).await;
    assert!(matches!(told, Err(TargetError::Away(_))), "{told:?}");
    let door = Door::Domain("another.example".to_owned());
    let told = place.target.prepare("another", &door, &place.release("x", "true")).await;
    assert!(matches!(told, Err(TargetError::Away(_))), "{told:?}");
    assert_eq!(place.target.observe("another").await.expect("it answers"), None, "what is not on disk is not there");
    let after = place.service().await;
    assert_eq!((after.generation, &after.split), (before.generation, &before.split));
    assert_eq!(after.slots.keys().collect::<Vec<_>>(), [&slot]);
    assert_eq!(place.get("/", 1).await.0, 200, "and requests are answered");
    // Room again, and the same is taken.
    drop(rest);
    std::fs::remove_file(state.join("rest")).expect("removed");
    place.target.split("shop", before.generation, &other).await.expect("it is taken");
    clear(place, slot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_of_a_change_it_comes_back_with_the_old_split_or_the_new_one() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("price.sh"), "price() { echo 1; }\n").expect("the prices");
    let _holds = Holds(dir.path());
    let address = free_address();
    let mut host = start(dir.path(), &address, &[]);
    let target = Client::new(dir.path().join("admin.sock"));
    answers(&target).await;
    let stable = ready(dir.path(), &target, "0").await;
    split(&target, stable, 0).await;
    ready(dir.path(), &target, "1").await;
    split(&target, stable, 1).await;
    let (mut kept, mut lost) = (0, 0);
    for round in 0..24_u64 {
        let before = target.observe("shop").await.expect("it answers").expect("the service");
        let pid = rustix::process::Pid::from_raw(host.id().expect("it lives") as i32).expect("a process");
        // From before the request to after its answer.
        let killer = tokio::task::spawn_blocking(move || {
            std::thread::sleep(Duration::from_micros(round * 100));
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("killed");
        });
        let wished = Split { weight: before.split.weight + 1, ..before.split.clone() };
        let told = target.split("shop", before.generation, &wished).await;
        killer.await.expect("no panic");
        host.wait().await.expect("it ends");
        host = start(dir.path(), &address, &[]);
        answers(&target).await;
        let after = target.observe("shop").await.expect("it answers").expect("the service");
        if after.generation == before.generation {
            assert_eq!(after.split, before.split);
            assert!(told.is_err(), "what was acknowledged is gone");
            lost += 1;
        } else {
            assert_eq!((after.generation, after.split), (before.generation + 1, wished));
            kept += 1;
        }
        assert_eq!(after.slots.len(), 2, "its releases never stopped");
    }
    eprintln!("of 24 changes {kept} were kept, {lost} not");
    assert!(kept > 0, "no change came through");
    // What a kill between writing and renaming leaves is no service and no obstacle.
    host.kill().await.expect("killed");
    let file = dir.path().join("state/services/shop.json");
    std::fs::write(file.with_extension("new"), "{\"generation\":99,\"do").expect("written");
    let before = std::fs::read_to_string(&file).expect("the service");
    let _host = start(dir.path(), &address, &[]);
    answers(&target).await;
    assert_eq!(std::fs::read_to_string(&file).expect("the service"), before);
    split(&target, stable, 5_000).await;
    assert_eq!(target.observe("shop").await.expect("it answers").expect("the service").split.weight, 5_000);
    hold::stop_all(&dir.path().join("state")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_a_killed_host_could_not_end_ends_at_the_next_start_and_its_secrets_go() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("price.sh"), "price() { echo 1; }\n").expect("the prices");
    let _holds = Holds(dir.path());
    let (address, state) = (free_address(), dir.path().join("state"));
    let mut host = start(dir.path(), &address, &[]);
    let target = Client::new(dir.path().join("admin.sock"));
    answers(&target).await;
    let stable = ready(dir.path(), &target, "0").await;
    split(&target, stable, 0).await;
    ready(dir.path(), &target, "1").await;
    host.kill().await.expect("killed");
    // As after a kill between the shelf and the hold.
    let file = state.join("services/shop.json");
    let mut stored: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&file).expect("the service")).expect("JSON");
    let gone = if stable.other() == fairway::host::Slot::A { "a" } else { "b" };
    stored["slots"].as_object_mut().expect("slots").remove(gone).expect("the candidate's");
    std::fs::write(&file, stored.to_string()).expect("written");
    let (old, live) = (hold::dir(&state, "shop", "1"), hold::dir(&state, "shop", "0"));
    let secrets = |dir: &Path| std::fs::read_to_string(dir.join("order.json")).expect("an order").contains("a secret");
    assert!(hold::lives(&old) && secrets(&old));
    let _host = start(dir.path(), &address, &[]);
    answers(&target).await;
    soon("the end of the hold that nobody wants", || !hold::lives(&old)).await;
    assert!(!secrets(&old), "its secrets are still there");
    assert!(old.join("log").exists());
    assert!(hold::lives(&live) && secrets(&live), "the live one goes on");
    assert_eq!(target.observe("shop").await.expect("it answers").expect("the service").slots.len(), 1);
    hold::stop_all(&state).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_of_the_release_is_asked_when_one_takes_no_connection() {
    let dir = tempfile::tempdir().expect("a directory");
    let place = Place::start(dir.path(), "127.0.0.1:0").await;
    let mut two = place.release("one", "perl server.pl");
    two.processes = 2;
    // The first to end stays away.
    two.start = "sh -c 'test -e gone && exec sleep 60; perl server.pl; touch gone; exec sleep 60'".to_owned();
    place.prepare(&two).await;
    let slot = place.until("one", |health| *health == Health::Ready).await;
    place.split(Some(slot), None, 0).await;
    assert_eq!(place.get("/die", 0).await.0, 502);
    let before = place.service().await.counts["one"];
    // Every second one of these comes to the port first where nobody is.
    for client in 1..=20 {
        assert_eq!(place.get("/", client).await, (200, "one".to_owned()));
    }
    let after = place.service().await.counts["one"];
    assert_eq!((after.requests - before.requests, after.bad), (20, before.bad));
    assert_eq!(place.get("/die", 0).await.0, 502);
    let (status, words) = place.get("/", 1).await;
    assert!(status == 502 && words.contains("takes no connection"), "{status} {words}");
    clear(place, slot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_changes_no_answer() {
    let dir = tempfile::tempdir().expect("a directory");
    let day = 86_400_000;
    let (clock, _hand) = Clock::manual(0);
    let place = Place::with(dir.path(), "127.0.0.1:0", (clock.clone(), None)).await;
    place.prepare(&place.release("one", "perl server.pl")).await;
    let slot = place.until("one", |health| *health == Health::Ready).await;
    place.split(Some(slot), None, 0).await;
    let mut bad = 0;
    for now in [10 * day, 11 * day, 3 * day, 3 * day + 1, 0] {
        clock.set_offset_ms(now);
        for _ in 0..3 {
            assert_eq!(place.get("/", 1).await.0, 200);
            assert_eq!(place.get("/bad", 1).await.0, 500);
        }
        // Once for each ten seconds, wherever they lie.
        bad += u64::from(now != 3 * day + 1);
        assert_eq!(place.service().await.counts["one"].bad, bad);
    }
    clear(place, slot).await;
}
