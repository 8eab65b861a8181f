//! A load of signed webhooks over keep-alive connections, measured at the socket.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a load showed.
pub struct Load {
    /// Deliveries answered with 202.
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

/// Sends `total` deliveries of `event` over `connections`; `body` makes the n-th payload.
pub async fn run(
    address: std::net::SocketAddr,
    (secret, event): (&'static str, &'static str),
    (connections, total): (usize, usize),
    body: impl Fn(usize) -> Vec<u8> + Send + Sync + 'static,
) -> Load {
    let next = Arc::new(AtomicUsize::new(0));
    let body = Arc::new(body);
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let (next, body) = (next.clone(), body.clone());
        tasks.spawn(async move {
            let mut stream = TcpStream::connect(address).await.expect("the door is open");
            stream.set_nodelay(true).expect("a TCP option");
            let (mut good, mut bad, mut millis) = (0, 0, Vec::new());
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= total {
                    return (good, bad, millis);
                }
                let bytes = request((secret, event), n, &body(n));
                let sent = Instant::now();
                stream.write_all(&bytes).await.expect("the door stays open");
                if answer(&mut stream).await == 202 { good += 1 } else { bad += 1 }
                millis.push(sent.elapsed().as_secs_f64() * 1_000.0);
            }
        });
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

fn request((secret, event): (&str, &str), n: usize, body: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length is a key");
    mac.update(body);
    let signature = hex::encode(mac.finalize().into_bytes());
    let guid = uuid::Uuid::new_v4();
    let mut bytes = format!(
        "POST /hook HTTP/1.1\r\nhost: fairway\r\ncontent-type: application/json\r\ncontent-length: {}\r\nx-github-event: {event}\r\nx-github-delivery: {guid}\r\nx-bench: {n}\r\nx-hub-signature-256: sha256={signature}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
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
        let length: usize = head.lines().find_map(|l| l.strip_prefix("content-length:")).and_then(|v| v.trim().parse().ok()).unwrap_or(0);
        if seen.len() >= end + 4 + length {
            return head.split_whitespace().nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
        }
    }
}
