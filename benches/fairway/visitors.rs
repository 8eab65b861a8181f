//! Visitors of a proxy, who notice every answer that is lost, and the small release that they visit.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What makes this program the release.
pub const RELEASE: &str = "--release-of-the-bench";

/// Answers 1,000 bytes, the first of them its `NAME`, with as little work as can be: both proxies stand before it.
pub async fn release(port: &str) {
    let port: u16 = port.parse().expect("a port");
    let name = std::env::args().nth(3).unwrap_or_default();
    let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    let body = format!("{name:x<1000}");
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 1000\r\n\r\n{body}");
    let answer: Arc<[u8]> = answer.into_bytes().into();
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        drop(stream.set_nodelay(true));
        tokio::spawn(serve(stream, answer.clone()));
    }
}

async fn serve(mut stream: TcpStream, answer: Arc<[u8]>) {
    let (mut buffer, mut have) = (vec![0; 4096], 0);
    while let Ok(count @ 1..) = stream.read(&mut buffer[have..]).await {
        have += count;
        if buffer[..have].ends_with(b"\r\n\r\n") {
            have = 0;
            if stream.write_all(&answer).await.is_err() {
                return;
            }
        }
    }
}

/// What visitors saw.
#[derive(Default)]
pub struct Seen {
    /// Whole answers of 200.
    pub good: usize,
    /// Everything else; a connection that was closed under a request too.
    pub lost: usize,
    /// Milliseconds of each answer, sorted.
    pub millis: Vec<f64>,
    /// From the first to the last.
    pub took: Duration,
}

impl Seen {
    /// Answers a second.
    pub fn rate(&self) -> f64 {
        self.good as f64 / self.took.as_secs_f64()
    }
}

/// So many visitors, each on a connection of its own, until they are told to go.
pub struct Visitors {
    stop: Arc<AtomicBool>,
    tasks: JoinSet<Seen>,
    began: Instant,
}

impl Visitors {
    /// They come; each waits `pace` from one request to the next.
    pub fn come(address: SocketAddr, connections: usize, pace: Duration) -> Visitors {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for visitor in 0..connections {
            tasks.spawn(visit(address, (visitor as u64, pace), stop.clone()));
        }
        Visitors { stop, tasks, began: Instant::now() }
    }

    /// They go.
    pub async fn go(mut self) -> Seen {
        self.stop.store(true, Ordering::SeqCst);
        let mut all = Seen { took: self.began.elapsed(), ..Seen::default() };
        while let Some(seen) = self.tasks.join_next().await {
            let seen = seen.expect("a visitor ends well");
            all.good += seen.good;
            all.lost += seen.lost;
            all.millis.extend(seen.millis);
        }
        all.millis.sort_by(f64::total_cmp);
        all
    }
}

/// Visitors for so long.
pub async fn load(address: SocketAddr, connections: usize, length: Duration) -> Seen {
    let visitors = Visitors::come(address, connections, Duration::ZERO);
    tokio::time::sleep(length).await;
    visitors.go().await
}

async fn visit(address: SocketAddr, (visitor, pace): (u64, Duration), stop: Arc<AtomicBool>) -> Seen {
    let (mut seen, mut line) = (Seen::default(), Line::default());
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        match line.ask(address, visitor).await {
            Some(_) => {
                seen.good += 1;
                seen.millis.push(began.elapsed().as_secs_f64() * 1_000.0);
            }
            None => seen.lost += 1,
        }
        if !pace.is_zero() {
            tokio::time::sleep(pace.saturating_sub(began.elapsed())).await;
        }
    }
    seen
}

/// Which release each of so many clients gets: the first letter of its name.
pub async fn poll(address: SocketAddr, (clients, connections): (usize, usize)) -> Vec<u8> {
    let next = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let next = next.clone();
        tasks.spawn(async move {
            let (mut line, mut mine) = (Line::default(), Vec::new());
            loop {
                let client = next.fetch_add(1, Ordering::Relaxed);
                if client >= clients as u64 {
                    return mine;
                }
                mine.push((client, line.ask(address, client).await.expect("an answer")));
            }
        });
    }
    let mut all = vec![0; clients];
    while let Some(mine) = tasks.join_next().await {
        for (client, letter) in mine.expect("a visitor ends well") {
            all[client as usize] = letter;
        }
    }
    all
}

/// A kept connection.
#[derive(Default)]
pub struct Line {
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Line {
    /// One request as this client. The first letter of a whole answer of 200; `None` for everything else.
    pub async fn ask(&mut self, address: SocketAddr, client: u64) -> Option<u8> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(address).await.ok()?;
                stream.set_nodelay(true).ok()?;
                stream
            }
        };
        let request = format!("GET / HTTP/1.1\r\nhost: shop.example\r\ncookie: fairway-client={client:016x}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        self.buffer.clear();
        loop {
            if stream.read_buf(&mut self.buffer).await.ok()? == 0 {
                return None;
            }
            let Some(end) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
            let head = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
            let of = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            let length: usize = of("content-length:")?.parse().ok()?;
            if self.buffer.len() < end + 4 + length {
                continue;
            }
            if of("connection:") != Some("close") {
                self.stream = Some(stream);
            }
            return (head.get(9..12) == Some("200")).then(|| self.buffer[end + 4]);
        }
    }
}
