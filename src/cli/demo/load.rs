//! Customers: each request comes from a client of its own, and what they were answered is counted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

/// Between two customers: 100 a second.
const EVERY: Duration = Duration::from_millis(10);

/// What customers were told so far.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// How many paid how much, in cents.
    pub paid: BTreeMap<u64, u64>,
    /// How many got a server's error.
    pub failed: u64,
    /// How many got no whole answer.
    pub broken: u64,
}

impl Told {
    /// All of them.
    pub fn all(&self) -> u64 {
        self.paid.values().sum::<u64>() + self.failed + self.broken
    }
}

/// Customers that come until it is dropped.
pub struct Load {
    told: Arc<Mutex<Told>>,
    work: tokio::task::JoinHandle<()>,
}

impl Load {
    /// Customers of the shop at `address` (`http://host:port`); the nth buys `pieces(n)` at 100 cents.
    pub fn start(address: &str, pieces: fn(u64) -> u64) -> Load {
        let told = Arc::new(Mutex::new(Told::default()));
        let (address, counts) = (address.to_owned(), told.clone());
        let work = tokio::spawn(async move {
            let http = reqwest::Client::new();
            let mut every = tokio::time::interval(EVERY);
            let mut asked = JoinSet::new();
            for n in 0.. {
                every.tick().await;
                while asked.try_join_next().is_some() {}
                asked.spawn(ask(
                    http.clone(),
                    format!("{address}/price?pieces={}&cents=100", pieces(n)),
                    counts.clone(),
                ));
            }
        });
        Load { told, work }
    }

    /// What was told since the last time that somebody asked.
    pub fn take(&self) -> Told {
        std::mem::take(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was told since then, so far.
    pub fn so_far(&self) -> Told {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.work.abort();
    }
}

async fn ask(http: reqwest::Client, url: String, counts: Arc<Mutex<Told>>) {
    let client = uuid::Uuid::new_v4().simple().to_string();
    let answer = http.get(url).header("cookie", format!("fairway-client={}", &client[..16])).send().await;
    let (status, text) = match answer {
        Ok(answer) => (Some(answer.status()), answer.text().await.ok()),
        Err(_) => (None, None),
    };
    let mut told = counts.lock().unwrap_or_else(PoisonError::into_inner);
    match (status, text.as_deref().map(str::trim).map(str::parse)) {
        (Some(status), Some(Ok(cents))) if status.is_success() => *told.paid.entry(cents).or_default() += 1,
        (Some(status), _) if status.is_server_error() => told.failed += 1,
        _ => told.broken += 1,
    }
}
