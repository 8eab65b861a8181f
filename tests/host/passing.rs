//! What passes through the proxy as it is: streams, other protocols, both versions of HTTP, TLS; and what does not.

use std::time::{Duration, Instant};

use fairway::domain::rollout::Health;
use fairway::host::Target;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Place, clear};

/// A process for each connection, so that one that waits holds up nobody.
const SERVER: &str = r#"
use IO::Socket::INET; use Time::HiRes 'sleep';
$SIG{CHLD} = 'IGNORE'; $| = 1;
my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ENV{PORT}, Listen => 64, ReuseAddr => 1) or die "$!";
while (1) {
  my $c = $s->accept or next;
  next if fork;
  $c->autoflush(1);
  my $line = <$c>; my %h;
  while (defined(my $h = <$c>)) { last if $h =~ /^\r?$/; $h{lc $1} = $2 if $h =~ /^([^:]+):\s*(.*?)\r?\n/ }
  if ($line =~ m{/echo}) {
    print $c "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: $h{upgrade}\r\n\r\n";
    while (sysread $c, my $piece, 4096) { syswrite $c, $piece }
  } elsif ($line =~ m{/stream}) {
    print $c "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    for my $n (1 .. 3) { print $c "9\r\ndata: $n\n\n\r\n"; sleep 0.3 }
    print $c "0\r\n\r\n";
  } elsif ($line =~ m{/half}) {
    print $c "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
  } elsif ($line =~ m{/once}) {
    print $c "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nonce\n"; <$c>;
  } elsif ($line =~ m{/wait}) {
    sleep 0.02 until -e "go"; print $c "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nwaited\n";
  } elsif ($line =~ m{/late}) {
    sleep 0.3; print $c "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlate\n";
  } elsif ($line =~ m{/slow}) {
    sleep 2; print $c "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nslow\n";
  } else {
    my $body = join ",", map { "$_=" . ($h{$_} // "") } qw(x-forwarded-proto x-forwarded-for host);
    read $c, my $sent, $h{"content-length"} // 0; $body .= ",sent=" . length($sent // "");
    print $c "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
  }
  close $c; exit 0;
}
"#;

/// A place where this server is all that there is.
pub async fn served(dir: &std::path::Path) -> (Place, fairway::host::Slot) {
    let place = Place::start(dir, "127.0.0.1:0").await;
    let slot = serves(&place, "one").await;
    (place, slot)
}

/// A release that is this server gets all traffic.
pub async fn serves(place: &Place, name: &str) -> fairway::host::Slot {
    let release = place.release(name, "perl passing.pl");
    std::fs::write(release.dir.join("passing.pl"), SERVER).expect("the server");
    place.prepare(&release).await;
    let slot = place.until(name, |health| *health == Health::Ready).await;
    place.split(Some(slot), None, 0).await;
    slot
}

#[tokio::test(flavor = "multi_thread")]
async fn another_protocol_passes_both_ways_and_is_in_flight() {
    let dir = tempfile::tempdir().expect("a directory");
    let (place, slot) = served(dir.path()).await;
    let mut stream = TcpStream::connect(place.address).await.expect("a connection");
    let ask = "GET /echo HTTP/1.1\r\nhost: shop.example\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n";
    stream.write_all(ask.as_bytes()).await.expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a head"));
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    assert!(head.starts_with("http/1.1 101") && head.contains("upgrade: websocket"), "{head}");
    for word in ["ping", "pong"] {
        stream.write_all(word.as_bytes()).await.expect("sent");
        let mut back = [0; 4];
        stream.read_exact(&mut back).await.expect("an echo");
        assert_eq!(back, word.as_bytes());
    }
    assert_eq!(place.service().await.slots[&slot].in_flight, 1, "an open stream is in flight");
    drop(stream);
    clear(place, slot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_passed_on_piece_by_piece() {
    let dir = tempfile::tempdir().expect("a directory");
    let (place, slot) = served(dir.path()).await;
    let begin = Instant::now();
    let url = format!("http://{}/stream", place.address);
    let mut answer = reqwest::Client::new().get(url).header("host", "shop.example").send().await.expect("an answer");
    let mut came = Vec::new();
    while let Some(piece) = answer.chunk().await.expect("a piece") {
        came.push((begin.elapsed(), String::from_utf8_lossy(&piece).into_owned()));
    }
    assert_eq!(came.iter().map(|(_, text)| text.as_str()).collect::<String>(), "data: 1\n\ndata: 2\n\ndata: 3\n\n");
    // What is kept until the end comes at once; the server waits 300 ms after each piece.
    assert!(came[2].0 - came[0].0 > Duration::from_millis(400), "{came:?}");
    clear(place, slot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_comes_in_and_bodies_go_through_with_who_sent_them() {
    let dir = tempfile::tempdir().expect("a directory");
    let (place, slot) = served(dir.path()).await;
    for http2 in [false, true] {
        let builder = reqwest::Client::builder().resolve("shop.example", place.address);
        let client = if http2 { builder.http2_prior_knowledge() } else { builder }.build().expect("a client");
        let ask = client.post(format!("http://shop.example:{}/", place.address.port()));
        let ask =
            ask.header("x-forwarded-for", "9.9.9.9").header("x-forwarded-proto", "https").body(vec![b'x'; 300_000]);
        let answer = ask.send().await.expect("an answer");
        let version = if http2 { reqwest::Version::HTTP_2 } else { reqwest::Version::HTTP_11 };
        assert_eq!(answer.version(), version);
        let told = answer.text().await.expect("a body");
        assert!(told.contains("x-forwarded-proto=http,") && told.contains("9.9.9.9, 127.0.0.1"), "{told}");
        assert!(told.ends_with("sent=300000"), "{told}");
    }
    clear(place, slot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_an_answer_is_bad_and_a_slow_one_is_not() {
    let dir = tempfile::tempdir().expect("a directory");
    let (place, slot) = served(dir.path()).await;
    let get = |path: &'static str| {
        let url = format!("http://{}{path}", place.address);
        async move { reqwest::Client::new().get(url).header("host", "shop.example").send().await?.text().await }
    };
    assert_eq!(get("/slow").await.expect("it comes"), "slow\n");
    assert_eq!(place.service().await.counts["one"].bad, 0);
    assert!(get("/half").await.is_err(), "half is told to the client as half");
    assert_eq!(place.service().await.counts["one"].bad, 1);
    clear(place, slot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_kept_connection_ended_under_is_asked_again_only_if_that_changes_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let (place, slot) = served(dir.path()).await;
    let ask = async |method: reqwest::Method| {
        let url = format!("http://{}/once", place.address);
        let answer = reqwest::Client::new().request(method, url).header("host", "shop.example").send().await;
        answer.expect("an answer").status().as_u16()
    };
    let mut refused = 0;
    for _ in 0..20 {
        // Leaves a connection that ends under the next request.
        assert_eq!(ask(reqwest::Method::GET).await, 200);
        assert_eq!(ask(reqwest::Method::GET).await, 200);
        refused += u32::from(ask(reqwest::Method::POST).await == 502);
    }
    assert!(refused > 0, "no connection was kept, or a POST was sent twice");
    clear(place, slot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_release_still_answers_when_it_goes_is_answered_whole() {
    let dir = tempfile::tempdir().expect("a directory");
    let (place, first) = served(dir.path()).await;
    let url = format!("http://{}/slow", place.address);
    let slow = reqwest::Client::new().get(url).header("host", "shop.example").send();
    let slow = tokio::spawn(async move { slow.await?.text().await });
    while place.service().await.slots[&first].in_flight == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    place.prepare(&place.release("two", "perl server.pl")).await;
    let second = place.until("two", |health| *health == Health::Ready).await;
    place.split(Some(second), None, 0).await;
    place.target.retire("shop", first).await.expect("it goes");
    assert_eq!(slow.await.expect("no panic").expect("it comes"), "slow\n");
    clear(place, second).await;
}
