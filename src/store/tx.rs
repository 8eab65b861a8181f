//! One transaction: what is true together is written together. The tables' own files add their verbs to [`Tx`].

use super::Store;
use anyhow::Result;
use sqlx::{Any, AnyConnection, Transaction};

/// An open transaction; dropped without [`Tx::commit`], it leaves no trace. While it is open, use nothing of the
/// store but this.
#[derive(Debug)]
#[must_use = "a transaction that is dropped is rolled back"]
pub struct Tx {
    inner: Transaction<'static, Any>,
    store: Store,
    wakes: bool,
}

impl Store {
    /// Opens a transaction that finishes no job.
    pub async fn begin(&self) -> Result<Tx> {
        // A deferred transaction that reads, then writes, fails at once on SQLite when another one wrote meanwhile.
        let inner = self.write().begin_with(if self.is_postgres() { "BEGIN" } else { "BEGIN IMMEDIATE" }).await?;
        Ok(Tx { inner, store: self.clone(), wakes: false })
    }
}

impl Tx {
    /// Makes it durable, then wakes the dispatcher when a job may have become claimable.
    pub async fn commit(self) -> Result<()> {
        self.inner.commit().await?;
        if self.wakes {
            self.store.wake().notify_waiters();
        }
        Ok(())
    }

    /// Takes everything back, at once instead of when the connection is next used.
    pub async fn rollback(self) -> Result<()> {
        Ok(self.inner.rollback().await?)
    }

    pub(super) fn connection(&mut self) -> &mut AnyConnection {
        &mut self.inner
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn wakes(&mut self) {
        self.wakes = true;
    }
}
