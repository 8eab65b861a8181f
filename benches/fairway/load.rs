//! A load of signed webhooks over keep-alive connections, measured at the socket. Bodies are signed before the clock
//! starts: the sender shares the machine with what it measures and must cost little.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A webhook that is ready to be sent.
pub struct Parcel {
    /// `X-GitHub-Event`.
    pub event: String,
    /// `None`: a new one each time it is sent.
    pub guid: Option<String>,
    /// The payload.
    pub body: Vec<u8>,
    signature: String,
}

impl Parcel {
    /// Signs a payload.
    pub fn new(event: &str, guid: Option<String>, body: Vec<u8>, secret: &str) -> Parcel {
        let signature = fairway::playground::webhooks::sign(secret, &body);
        Parcel { event: event.to_owned(), guid, body, signature }
    }

    fn request(&self) -> Vec<u8> {
        let guid = self.guid.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        let mut bytes = Vec::with_capacity(self.body.len() + 512);
        bytes.extend_from_slice(
            format!(
                "POST /hook HTTP/1.1\r\nhost: fairway\r\ncontent-type: application/json\r\ncontent-length: {}\r\nx-github-event: {}\r\nx-github-delivery: {guid}\r\nx-hub-signature-256: {}\r\n\r\n",
                self.body.len(),
                self.event,
                self.signature
            )
            .as_bytes(),
        );
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// What a load showed.
pub struct Load {
    /// Deliveries answered with 202, or with Probot's 200.
    pub accepted: usize,
    /// Anything else.
    pub refused: usize,
    /// From the first byte sent to the last answer.
    pub took: Duration,
    /// Milliseconds of each answer, sorted.
    pub millis: Vec<f64>,
}

impl Load {
    /// Deliveries a second.
    pub fn rate(&self) -> f64 {
        self.accepted as f64 / self.took.as_secs_f64()
    }

    /// The answer time that this share of deliveries did not exceed, in milliseconds.
    pub fn percentile(&self, share: f64) -> f64 {
        percentile(&self.millis, share)
    }
}

/// Of sorted values.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get(((last as f64) * share).round() as usize).copied().unwrap_or(0.0)
}

/// Sends the parcels in turn, `total` in all, over `connections`.
pub async fn run(address: SocketAddr, parcels: &Arc<Vec<Parcel>>, (connections, total): (usize, usize)) -> Load {
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..connections {
        tasks.spawn(connection(address, parcels.clone(), next.clone(), total));
    }
    let (mut accepted, mut refused, mut millis) = (0, 0, Vec::with_capacity(total));
    while let Some(done) = tasks.join_next().await {
        let (good, bad, times) = done.expect("a connection ends well");
        accepted += good;
        refused += bad;
        millis.extend(times);
    }
    let took = start.elapsed();
    millis.sort_by(f64::total_cmp);
    Load { accepted, refused, took, millis }
}

async fn connection(
    address: SocketAddr,
    parcels: Arc<Vec<Parcel>>,
    next: Arc<AtomicUsize>,
    total: usize,
) -> (usize, usize, Vec<f64>) {
    let mut stream = open(address).await;
    let (mut good, mut bad, mut millis) = (0, 0, Vec::new());
    loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        if n >= total {
            return (good, bad, millis);
        }
        let bytes = parcels[n % parcels.len()].request();
        let sent = Instant::now();
        stream.write_all(&bytes).await.expect("the door stays open");
        if matches!(answer(&mut stream).await, 200 | 202) {
            good += 1
        } else {
            bad += 1
        }
        millis.push(sent.elapsed().as_secs_f64() * 1_000.0);
    }
}

/// Sends one parcel over a connection of its own; gives the status.
pub async fn send(address: SocketAddr, parcel: &Parcel) -> u16 {
    let mut stream = open(address).await;
    stream.write_all(&parcel.request()).await.expect("the door is open");
    answer(&mut stream).await
}

async fn open(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).await.expect("the door is open");
    stream.set_nodelay(true).expect("a TCP option");
    stream
}

/// Reads one answer and gives its status.
async fn answer(stream: &mut TcpStream) -> u16 {
    let mut seen = Vec::with_capacity(512);
    let mut buffer = [0_u8; 1024];
    loop {
        let n = stream.read(&mut buffer).await.expect("an answer comes");
        if n == 0 {
            return 0;
        }
        seen.extend_from_slice(&buffer[..n]);
        let Some(end) = seen.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&seen[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.and_then(|value| value.trim().parse().ok()).unwrap_or(0);
        if seen.len() >= end + 4 + length {
            return head.split_whitespace().nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
        }
    }
}
