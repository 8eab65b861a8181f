//! The host for real: processes, sockets and requests. The releases are a few lines of Perl, which every Debian has.

#[path = "host/faults.rs"]
mod faults;
#[path = "host/handover.rs"]
mod handover;
#[path = "host/limits.rs"]
mod limits;
#[path = "host/passing.rs"]
mod passing;
#[path = "host/slow.rs"]
mod slow;
#[path = "host/tls.rs"]
mod tls;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fairway::clock::Clock;
use fairway::domain::rollout::{Counts, Health, Probed};
use fairway::host::{
    self, Certificates, Client, Config, Door, Listeners, Release, Service, Slot, Split, Target, TargetError,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const SERVER: &str = r#"
use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ENV{PORT}, Listen => 64, ReuseAddr => 1) or die "$!";
while (my $c = $s->accept) {
  my $line = <$c>; while (defined(my $h = <$c>)) { last if $h =~ /^\r?$/ }
  exit 3 if $line =~ m{/die};
  my $status = $line =~ m{/bad} ? "500 Bad" : "200 OK";
  my $body = "$ENV{NAME}\n";
  print $c "HTTP/1.1 $status\r\nContent-Length: " . length($body) . "\r\nConnection: close\r\n\r\n$body";
  close $c;
}
"#;

/// A running host, and how to start it again.
struct Place {
    dir: PathBuf,
    address: SocketAddr,
    target: Client,
    stop: CancellationToken,
    work: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Place {
    async fn start(dir: &Path, address: &str) -> Place {
        Place::with(dir, address, (Clock::system(), None)).await
    }

    /// With certificates, what comes in is encrypted.
    async fn with(dir: &Path, address: &str, (clock, certificates): (Clock, Option<Arc<Certificates>>)) -> Place {
        let listener = std::net::TcpListener::bind(address).expect("a port");
        let address = listener.local_addr().expect("its address");
        let config = Config {
            state: dir.join("state"),
            admin: dir.join("admin.sock"),
            exe: env!("CARGO_BIN_EXE_fairway").into(),
            bind: [127, 0, 0, 1].into(),
            certificates: certificates.clone(),
            lenient: true,
            cgroup: None,
        };
        let listeners = match certificates {
            Some(_) => Listeners { tls: vec![listener], ..Listeners::default() },
            None => Listeners { plain: vec![listener], ..Listeners::default() },
        };
        let stop = CancellationToken::new();
        let ends = stop.clone().cancelled_owned();
        let work = tokio::spawn(host::serve(config, listeners, clock, ends));
        let target = Client::new(dir.join("admin.sock"));
        for _ in 0..1_200 {
            if target.observe("shop").await.is_ok() {
                return Place { dir: dir.to_owned(), address, target, stop, work };
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the host does not answer");
    }

    async fn end(self) -> (PathBuf, String) {
        self.stop.cancel();
        self.work.await.expect("no panic").expect("a clean end");
        (self.dir, self.address.to_string())
    }

    fn release(&self, name: &str, start: &str) -> Release {
        let dir = self.dir.join(name);
        std::fs::create_dir_all(&dir).expect("a directory");
        std::fs::write(dir.join("server.pl"), SERVER).expect("the server");
        Release {
            id: name.to_owned(),
            version: name.to_owned(),
            dir,
            start: start.to_owned(),
            env: BTreeMap::from([("NAME".to_owned(), name.to_owned())]),
            health: "/".to_owned(),
            processes: 1,
            memory: None,
            cpu: None,
            trusted: true,
        }
    }

    async fn prepare(&self, release: &Release) {
        let door = Door::Domain("shop.example".to_owned());
        self.target.prepare("shop", &door, release).await.expect("it is taken");
    }

    async fn service(&self) -> Service {
        self.target.observe("shop").await.expect("the host answers").expect("the service is there")
    }

    /// Waits until a release is as wished.
    async fn until(&self, release: &str, wished: impl Fn(&Health) -> bool) -> Slot {
        for _ in 0..1_200 {
            let service = self.service().await;
            let slot = service.slot_of(release).expect("it has a place");
            if wished(&service.slots[&slot].health) {
                return slot;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{release} never got there: {:?}", self.service().await.slots);
    }

    async fn split(&self, stable: Option<Slot>, candidate: Option<Slot>, weight: u16) {
        let split = Split { stable, candidate, weight, salt: "1".to_owned(), slow_ms: None };
        let generation = self.service().await.generation;
        self.target.split("shop", generation, &split).await.expect("the split is taken");
    }

    /// What a client with this cookie gets: status and body.
    async fn get(&self, path: &str, client: u64) -> (u16, String) {
        let http = reqwest::Client::new();
        let request = http.get(format!("http://{}{path}", self.address)).header("host", "shop.example");
        let answer = request.header("cookie", format!("fairway-client={client:016x}")).send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.text().await.expect("a body").trim().to_owned())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn releases_are_started_split_counted_and_outlive_the_host() {
    let dir = tempfile::tempdir().expect("a directory");
    let place = Place::start(dir.path(), "127.0.0.1:0").await;
    let (one, two) = (place.release("one", "perl server.pl"), place.release("two", "perl server.pl"));
    place.prepare(&one).await;
    let first = place.until("one", |health| *health == Health::Ready).await;
    assert_eq!(place.get("/", 1).await.0, 503);
    place.split(Some(first), None, 0).await;
    assert_eq!(place.get("/", 1).await, (200, "one".to_owned()));

    place.prepare(&two).await;
    let second = place.until("two", |health| *health == Health::Ready).await;
    assert_ne!(first, second);
    place.split(Some(first), Some(second), 2_500).await;
    let mut at_25 = Vec::new();
    for client in 0..400 {
        at_25.push(place.get("/", client).await.1 == "two");
    }
    let share = at_25.iter().filter(|two| **two).count();
    // 3.29 standard deviations of a binomial with 400 and 0.25 are 28.5.
    assert!((72..=128).contains(&share), "{share} of 400");
    place.split(Some(first), Some(second), 5_000).await;
    for (client, was) in at_25.iter().enumerate() {
        let is = place.get("/", client as u64).await.1 == "two";
        assert!(!was || is, "client {client} moved back");
    }
    let before = place.service().await.counts["two"];
    place.target.probe("shop").await.expect("both are asked");
    let seen = place.service().await;
    let one = Counts { requests: 1, bad: 0, slow: 0 };
    assert_eq!(seen.probed, Probed { candidate: one, stable: one });
    assert_eq!(seen.counts["two"], before, "what is asked by ourselves is counted apart");
    let in_it = at_25.iter().position(|two| *two).expect("somebody") as u64;
    for _ in 0..3 {
        assert_eq!(place.get("/bad", in_it).await.0, 500);
    }
    let after = place.service().await.counts["two"];
    // One bad request a client and ten seconds; the bucket may turn once in between.
    assert_eq!(after.requests - before.requests, 3);
    assert!((1..=2).contains(&(after.bad - before.bad)), "{before:?} {after:?}");

    let stale = place.target.split("shop", 1, &Split::default()).await;
    assert!(matches!(stale, Err(TargetError::Stale(_))), "{stale:?}");
    let busy = place.target.retire("shop", second).await;
    assert!(matches!(busy, Err(TargetError::Refused(_))), "{busy:?}");

    // Another host takes over the state; the releases never stopped.
    let split = place.service().await.split;
    let (dir, address) = place.end().await;
    let place = Place::start(&dir, &address).await;
    assert_eq!(place.service().await.split, split);
    place.until("two", |health| *health == Health::Ready).await;
    assert_eq!(place.get("/", in_it).await, (200, "two".to_owned()));
    place.split(Some(second), None, 0).await;
    place.target.retire("shop", first).await.expect("the old one may go");
    assert_eq!(place.get("/", 0).await, (200, "two".to_owned()));
    clear(place, second).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_ends_again_and_again_is_seen_with_its_last_words() {
    let dir = tempfile::tempdir().expect("a directory");
    let place = Place::start(dir.path(), "127.0.0.1:0").await;
    let broken = place.release("broken", "sh -c 'echo no database; exit 7'");
    place.prepare(&broken).await;
    let slot = place.until("broken", |health| matches!(health, Health::Crashing(_))).await;
    let Health::Crashing(words) = place.service().await.slots[&slot].health.clone() else { panic!("it recovered") };
    assert!(words.contains("exit status: 7") && words.contains("no database"), "{words}");
    clear(place, slot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_somebody_has_is_refused_in_words() {
    let dir = tempfile::tempdir().expect("a directory");
    let place = Place::start(dir.path(), "127.0.0.1:0").await;
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let door = Door::Port(taken.local_addr().expect("its address").port());
    let refused = place.target.prepare("shop", &door, &place.release("one", "perl server.pl")).await;
    let Err(TargetError::Refused(words)) = refused else { panic!("{refused:?}") };
    assert!(words.contains("cannot be listened on"), "{words}");
    let named = place.target.prepare("../etc", &door, &place.release("one", "perl server.pl")).await;
    assert!(matches!(named, Err(TargetError::Refused(_))), "{named:?}");
    place.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_changes_its_port_is_reached_by_both_until_the_old_release_is_gone() {
    let dir = tempfile::tempdir().expect("a directory");
    let place = Place::start(dir.path(), "127.0.0.1:0").await;
    let port = || handover::free_address().rsplit_once(':').expect("a port").1.parse::<u16>().expect("a number");
    let (old, new) = (port(), port());
    let get = |port: u16| async move {
        let answer = reqwest::get(format!("http://127.0.0.1:{port}/")).await.ok()?;
        answer.text().await.ok().map(|text| text.trim().to_owned())
    };
    let prepare = async |name: &str, port| {
        let release = place.release(name, "perl server.pl");
        place.target.prepare("shop", &Door::Port(port), &release).await.expect("it is taken");
        place.until(name, |health| *health == Health::Ready).await
    };
    let free = async |port: u16| {
        for _ in 0..400 {
            if TcpListener::bind(("127.0.0.1", port)).await.is_ok() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        false
    };
    let first = prepare("one", old).await;
    place.split(Some(first), None, 0).await;
    // One that is given up takes its door with it, and not the one that serves.
    let second = prepare("two", new).await;
    assert_eq!((get(old).await.as_deref(), get(new).await.as_deref()), (Some("one"), Some("one")));
    place.target.retire("shop", second).await.expect("it goes");
    assert!(free(new).await, "the port of what was given up is still held");
    assert_eq!(get(old).await.as_deref(), Some("one"));
    // One that takes over leaves the old door open until the old release is gone.
    let second = prepare("three", new).await;
    place.split(Some(second), None, 0).await;
    assert_eq!((get(old).await.as_deref(), get(new).await.as_deref()), (Some("three"), Some("three")));
    let other = place.target.prepare("other", &Door::Port(old), &place.release("x", "true")).await;
    let Err(TargetError::Refused(words)) = other else { panic!("{other:?}") };
    assert!(words.contains("leads to the service shop already"), "{words}");
    // And so it is after a restart.
    let (dir, address) = place.end().await;
    let place = Place::start(&dir, &address).await;
    assert_eq!((get(old).await.as_deref(), get(new).await.as_deref()), (Some("three"), Some("three")));
    place.target.retire("shop", first).await.expect("it goes");
    assert!(free(old).await, "the old port is still held");
    assert_eq!(get(new).await.as_deref(), Some("three"));
    clear(place, second).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_kept_is_forgotten_with_its_log_and_what_runs_stays() {
    let dir = tempfile::tempdir().expect("a directory");
    let place = Place::start(dir.path(), "127.0.0.1:0").await;
    let keep = async |kept: &[&str]| {
        let kept: Vec<String> = kept.iter().map(|name| (*name).to_owned()).collect();
        place.target.keep("shop", &kept).await.expect("the host answers");
    };
    let left = || {
        let holds = std::fs::read_dir(dir.path().join("state/holds/shop")).expect("a directory");
        let orders = holds.map(|hold| std::fs::read(hold.expect("one").path().join("order.json")).expect("its order"));
        let id = |order: Vec<u8>| -> String {
            let order: serde_json::Value = serde_json::from_slice(&order).expect("JSON");
            order["release"]["id"].as_str().expect("an id").to_owned()
        };
        let mut ids: Vec<String> = orders.map(id).collect();
        ids.sort();
        ids
    };
    // Each takes the place of the one before, which ends.
    for name in ["one-x", "two-x", "three-x"] {
        place.prepare(&place.release(name, "perl server.pl")).await;
        place.until(name, |health| *health == Health::Ready).await;
    }
    keep(&["one-", "two-", "three-"]).await;
    assert_eq!(left(), ["one-x", "three-x", "two-x"]);
    // What runs is nobody's to forget. What is about to end goes once it has.
    for _ in 0..1_200 {
        keep(&["two-"]).await;
        if left().len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(left(), ["three-x", "two-x"]);
    let slot = place.service().await.slot_of("three-x").expect("it runs");
    place.target.keep("../etc", &[]).await.expect("nobody there");
    assert_eq!(place.service().await.slots[&slot].health, Health::Ready);
    clear(place, slot).await;
}

/// Nothing is left running.
async fn clear(place: Place, slot: Slot) {
    let generation = place.service().await.generation;
    place.target.split("shop", generation, &Split::default()).await.expect("no traffic");
    place.target.retire("shop", slot).await.expect("the last one goes");
    tokio::time::sleep(Duration::from_millis(500)).await;
    place.end().await;
}
