//! The only room with SQL: one text for SQLite and PostgreSQL, through sqlx's `Any`.
//!
//! Everything that must survive a `kill -9` is a row here, and everything that must be true together is written in
//! one [`Tx`]. Time comes in as a parameter (Unix milliseconds). A job's task is opaque text: the store knows lanes,
//! leases and fences, and nothing of what is done.
//!
//! SQLite has ONE writer connection: never touch the store while holding a [`Tx`], or both wait for each other until
//! the time-out. Never drop a `claim` half-way (`select!`, time-outs): the row would be leased all the same.

pub mod aggregates;
pub mod budgets;
pub mod commands;
pub mod intake;
pub mod jobs;
pub mod logs;
pub mod meta;
pub mod mirrors;
pub mod people;
pub mod purge;
pub mod repos;
pub mod rollouts;
pub mod runs;
pub mod schema;
pub mod secrets;
pub mod signals;
pub mod subjects;
pub mod tx;

use anyhow::{Context, Result};
use sqlx::{AnyPool, any::AnyPoolOptions};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Once};
use std::time::Duration;
use tokio::sync::Notify;

pub use aggregates::{AggregateRow, SaveAggregate, Saved};
pub use budgets::{Budget, Class, Load, Slot};
pub use commands::{CommandRow, NewCommand};
pub use intake::{Accepted, Intake, NewDelivery};
pub use jobs::{Claim, Job, NewJob, Retry, RetryAs, State};
pub use jobs::{Count, JobRow};
pub use logs::Chunk;
pub use mirrors::Mirror;
pub use people::{ActRow, NewAct, SessionRow};
pub use purge::{Keep, Purged};
pub use repos::RepoRow;
pub use rollouts::{Marks, NewRollout, RolloutRow};
pub use runs::{NewRun, RunMark, RunRow, RunState};
pub use secrets::seal::{self, Seal};
pub use secrets::{NewSecret, SecretRow};
pub use signals::SignalRow;
pub use subjects::Identity;
pub use tx::Tx;

/// Upper bounds that hold whatever comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Waiting jobs in one lane; [`Tx::insert_job`] refuses more. Deliveries at the door are not counted.
    pub lane: i64,
    /// Deliveries that wait for the group commit; the door answers 503 beyond.
    pub intake_queue: usize,
    /// Deliveries in one transaction.
    pub intake_batch: usize,
    /// Bytes of a body or log chunk after decompression.
    pub unpacked: usize,
    /// The longest that a job waits for more of the same, ms; see [`NewJob::calm`].
    pub calm: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { lane: 5_000, intake_queue: 1_024, intake_batch: 128, unpacked: 64 * 1024 * 1024, calm: 1_000 }
    }
}

/// The handle on the database; cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    write: AnyPool,
    read: AnyPool,
    postgres: bool,
    limits: Limits,
    wake: Notify,
    at_door: AtomicUsize,
}

impl Store {
    /// Opens `sqlite:PATH` (created when missing), `sqlite::memory:` or `postgres://...`. Tables come with
    /// [`Store::migrate`]. Errors when the database cannot be reached or opened.
    pub async fn open(url: &str) -> Result<Store> {
        Store::open_with(url, Limits::default()).await
    }

    /// As [`Store::open`], with other limits.
    pub async fn open_with(url: &str, limits: Limits) -> Result<Store> {
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(sqlx::any::install_default_drivers);
        let (write, read, postgres) = if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let pool = postgres_pool(url).await?;
            (pool.clone(), pool, true)
        } else if url.starts_with("sqlite:") {
            let (write, read) = sqlite_pools(url).await?;
            (write, read, false)
        } else {
            anyhow::bail!("the database URL must start with sqlite: or postgres://, for example sqlite:fairway.db");
        };
        Ok(Store {
            inner: Arc::new(Inner { write, read, postgres, limits, wake: Notify::new(), at_door: AtomicUsize::new(0) }),
        })
    }

    /// Whether this is PostgreSQL, and so may be shared by several processes.
    pub fn is_postgres(&self) -> bool {
        self.inner.postgres
    }

    /// Answers when the database does, through the connection that writes.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1").execute(self.write()).await.context("the database does not answer")?;
        Ok(())
    }

    /// Closes every connection and waits for those in use.
    pub async fn close(&self) {
        self.inner.read.close().await;
        self.inner.write.close().await;
    }

    /// The limits that this store was opened with.
    pub fn limits(&self) -> Limits {
        self.inner.limits
    }

    /// Fires after every commit in this process that may have made a job claimable, for every loop that registered
    /// its interest before it looked.
    pub fn wake(&self) -> &Notify {
        &self.inner.wake
    }

    fn write(&self) -> &AnyPool {
        &self.inner.write
    }

    fn read(&self) -> &AnyPool {
        &self.inner.read
    }
}

async fn postgres_pool(url: &str) -> Result<AnyPool> {
    // A queue's statistics are always out of date: with those of an empty table a claim sorted 38,000 rows (190 ms
    // instead of 0.3). Every statement here has its index, so plans that do without are not offered.
    const INDEXES: &str = "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_hashjoin = off;
 SET enable_mergejoin = off; SET jit = off";
    AnyPoolOptions::new()
        .max_connections(16)
        .acquire_timeout(Duration::from_secs(10))
        .after_connect(|connection, _| {
            Box::pin(async move { sqlx::raw_sql(INDEXES).execute(connection).await.map(|_| ()) })
        })
        .connect(url)
        .await
        .context("PostgreSQL cannot be reached; check FAIRWAY_DATABASE_URL")
}

/// The writer and the readers. In memory they are one connection, because each connection would be a database.
async fn sqlite_pools(url: &str) -> Result<(AnyPool, AnyPool)> {
    let memory = url.contains(":memory:") || url.contains("mode=memory");
    let full = if memory || url.contains("mode=") {
        url.to_owned()
    } else {
        format!("{url}{}mode=rwc", if url.contains('?') { '&' } else { '?' })
    };
    let why = || format!("SQLite cannot open {url}; is the folder there and writable?");
    let write = sqlite_pool(&full, 1, false).await.with_context(why)?;
    let read = if memory { write.clone() } else { sqlite_pool(&full, 4, true).await.with_context(why)? };
    Ok((write, read))
}

async fn sqlite_pool(url: &str, connections: u32, read_only: bool) -> sqlx::Result<AnyPool> {
    const WRITER: &[&str] = &[
        "PRAGMA busy_timeout = 10000",
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA cache_size = -32000",
    ];
    const READER: &[&str] = &["PRAGMA busy_timeout = 10000", "PRAGMA query_only = ON"];
    AnyPoolOptions::new()
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(Duration::from_secs(30))
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                for pragma in if read_only { READER } else { WRITER } {
                    sqlx::query(*pragma).execute(&mut *connection).await?;
                }
                Ok(())
            })
        })
        .connect(url)
        .await
}

/// Compresses at level 1: webhooks are JSON, and the door must not wait for a better ratio.
fn pack(bytes: &[u8]) -> Result<Vec<u8>> {
    thread_local! {
        // A fresh context costs more than the compression of a webhook.
        static PACKER: std::cell::RefCell<Option<zstd::bulk::Compressor<'static>>> = const { std::cell::RefCell::new(None) };
    }
    PACKER.with_borrow_mut(|slot| {
        let packer = match slot {
            Some(packer) => packer,
            None => slot.insert(zstd::bulk::Compressor::new(1)?),
        };
        Ok(packer.compress(bytes)?)
    })
}

/// The inverse of [`pack`], refusing what would unpack to more than `limit` bytes.
fn unpack(packed: &[u8], limit: usize) -> Result<Vec<u8>> {
    use std::io::Read;
    let mut out = Vec::new();
    let mut reader = zstd::stream::read::Decoder::new(packed)?.take(limit as u64 + 1);
    reader.read_to_end(&mut out).context("stored bytes do not decompress")?;
    anyhow::ensure!(out.len() <= limit, "stored bytes decompress to more than {limit} bytes");
    Ok(out)
}
