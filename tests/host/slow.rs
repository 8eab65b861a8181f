//! Which answers count as slow. The host's clock is ours, so that nothing here depends on how fast this machine is.

use std::path::Path;
use std::time::Duration;

use fairway::clock::{Clock, ManualClock};
use fairway::domain::rollout::{Counts, Health};
use fairway::host::{Slot, Split, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::passing::serves;
use super::{Place, clear};

/// More than the second that a release has.
const LONG: Duration = Duration::from_millis(1_001);

/// A release that has a second to answer in.
async fn timed(dir: &Path) -> (Place, Slot, ManualClock) {
    let (clock, hand) = Clock::manual(0);
    let place = Place::with(dir, "127.0.0.1:0", (clock, None)).await;
    let slot = serves(&place, "one").await;
    bound(&place, Some(1_000)).await;
    (place, slot, hand)
}

async fn bound(place: &Place, slow_ms: Option<i64>) {
    let Split { stable, candidate, weight, salt, .. } = place.service().await.split;
    let split = Split { stable, candidate, weight, salt, slow_ms };
    place.target.split("shop", place.service().await.generation, &split).await.expect("it is taken");
    assert_eq!(place.service().await.split.slow_ms, slow_ms, "what it is told is what it says");
}

/// Asks for something, lets time pass while it is not answered, and sends the rest of the request.
async fn ask(place: &Place, slot: Slot, (begin, rest): (&str, &str), meanwhile: impl FnOnce()) -> String {
    let mut stream = TcpStream::connect(place.address).await.expect("a connection");
    stream.write_all(begin.as_bytes()).await.expect("sent");
    while place.service().await.slots[&slot].in_flight == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    meanwhile();
    stream.write_all(rest.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

/// What is counted of the release, once it is so many requests.
async fn counted(place: &Place, requests: u64) -> Counts {
    loop {
        let counts = place.service().await.counts.get("one").copied().unwrap_or_default();
        if counts.requests >= requests {
            return counts;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn get(path: &str, client: u64) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\ncookie: fairway-client={client:016x}\r\n\r\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_begins_too_late_is_slow_and_no_failure() {
    let dir = tempfile::tempdir().expect("a directory");
    let (place, slot, hand) = timed(dir.path()).await;
    let go = dir.path().join("one/go");
    let waits = async |client: u64, long: Duration| {
        let answers = || {
            hand.advance(long);
            std::fs::write(&go, "").expect("it may answer");
        };
        let answer = ask(&place, slot, (&get("/wait", client), ""), answers).await;
        assert!(answer.ends_with("waited\n"), "{answer}");
        std::fs::remove_file(&go).expect("the next one waits");
    };
    // In time, to the millisecond; then too late; then the same client, who has said it already.
    waits(1, Duration::from_secs(1)).await;
    assert_eq!(counted(&place, 1).await, Counts { requests: 1, bad: 0, slow: 0 });
    waits(2, LONG).await;
    assert_eq!(counted(&place, 2).await, Counts { requests: 2, bad: 0, slow: 1 });
    waits(2, LONG).await;
    assert_eq!(counted(&place, 3).await, Counts { requests: 3, bad: 0, slow: 1 });
    waits(3, LONG).await;
    assert_eq!(counted(&place, 4).await, Counts { requests: 4, bad: 0, slow: 2 });
    // Where nobody wants to know, nobody looks.
    bound(&place, None).await;
    waits(4, LONG).await;
    assert_eq!(counted(&place, 5).await, Counts { requests: 5, bad: 0, slow: 2 });
    clear(place, slot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_goes_away_while_it_waits_was_not_answered_in_time() {
    let dir = tempfile::tempdir().expect("a directory");
    let (place, slot, hand) = timed(dir.path()).await;
    for (client, long, slow) in [(1, Duration::from_millis(10), 0), (2, LONG, 1)] {
        let mut stream = TcpStream::connect(place.address).await.expect("a connection");
        stream.write_all(get("/wait", client).as_bytes()).await.expect("sent");
        while place.service().await.slots[&slot].in_flight == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        hand.advance(long);
        drop(stream);
        assert_eq!(counted(&place, client).await.slow, slow);
    }
    std::fs::write(dir.path().join("one/go"), "").expect("those that wait may end");
    clear(place, slot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_client_takes_to_send_and_an_answer_to_end_is_not_slowness() {
    let dir = tempfile::tempdir().expect("a directory");
    let (place, slot, hand) = timed(dir.path()).await;
    // Half of what it says, and the rest much later.
    let post = "POST / HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\ncontent-length: 10\r\n\r\nhello";
    let answer = ask(&place, slot, (post, "world"), || _ = hand.advance(60 * LONG)).await;
    assert!(answer.ends_with("sent=10"), "{answer}");
    assert_eq!(counted(&place, 1).await, Counts { requests: 1, bad: 0, slow: 0 });
    // An answer that begins at once and takes its time.
    let mut stream = TcpStream::connect(place.address).await.expect("a connection");
    stream.write_all(get("/stream", 1).as_bytes()).await.expect("sent");
    let mut begin = [0; 12];
    stream.read_exact(&mut begin).await.expect("it begins");
    assert_eq!(&begin, b"HTTP/1.1 200");
    hand.advance(60 * LONG);
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.expect("it ends");
    assert!(rest.contains("data: 3"), "{rest}");
    assert_eq!(counted(&place, 2).await, Counts { requests: 2, bad: 0, slow: 0 });
    clear(place, slot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fairway_asks_itself_is_timed_too() {
    let dir = tempfile::tempdir().expect("a directory");
    let place = Place::start(dir.path(), "127.0.0.1:0").await;
    let first = serves(&place, "one").await;
    let mut late = place.release("two", "perl passing.pl");
    std::fs::copy(dir.path().join("one/passing.pl"), late.dir.join("passing.pl")).expect("the server");
    // It takes three tenths of a second at least, on any machine.
    late.health = "/late".to_owned();
    place.prepare(&late).await;
    let second = place.until("two", |health| *health == Health::Ready).await;
    place.split(Some(first), Some(second), 1_000).await;
    place.target.probe("shop").await.expect("both are asked");
    assert_eq!(place.service().await.probed.candidate, Counts { requests: 1, bad: 0, slow: 0 });
    bound(&place, Some(100)).await;
    place.target.probe("shop").await.expect("both are asked");
    assert_eq!(place.service().await.probed.candidate, Counts { requests: 2, bad: 0, slow: 1 });
    place.split(Some(first), None, 0).await;
    place.target.retire("shop", second).await.expect("it goes");
    clear(place, first).await;
}
