//! The rows that decisions are made about. Each is written only from its own lane; `rev` catches whoever read too early.

use super::{Store, Tx};
use anyhow::Result;

/// One aggregate as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AggregateRow {
    /// Such as `pr:1/7`.
    pub key: String,
    /// GitHub's repository id.
    pub repo_id: i64,
    /// Such as `pr`.
    pub kind: String,
    /// Whether it can still change (an open pull request).
    pub open: bool,
    /// Grows with every save, from 1.
    pub rev: i64,
    /// Opaque JSON.
    pub state: String,
    /// Unix ms.
    pub updated_at: i64,
}

/// What [`Tx::save_aggregate`] writes.
#[derive(Clone, Copy, Debug)]
pub struct SaveAggregate<'a> {
    /// Such as `pr:1/7`.
    pub key: &'a str,
    /// GitHub's repository id.
    pub repo_id: i64,
    /// Such as `pr`.
    pub kind: &'a str,
    /// Whether it can still change.
    pub open: bool,
    /// The `rev` that was read; 0 when there was no row.
    pub rev_seen: i64,
    /// Opaque JSON.
    pub state: &'a str,
    /// Unix ms.
    pub now: i64,
}

/// How a save ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a stale save means: drop the transaction and gather again"]
pub enum Saved {
    /// Written.
    Yes,
    /// The row changed since it was read; nothing was written.
    Stale,
}

type Columns = (String, i64, String, i64, i64, String, i64);

fn row((key, repo_id, kind, open, rev, state, updated_at): Columns) -> AggregateRow {
    AggregateRow { key, repo_id, kind, open: open == 1, rev, state, updated_at }
}

impl Store {
    /// The aggregate with this key.
    pub async fn aggregate(&self, key: &str) -> Result<Option<AggregateRow>> {
        const SQL: &str = "SELECT key, repo_id, kind, open, rev, state, updated_at FROM aggregates WHERE key = $1";
        Ok(sqlx::query_as(SQL).bind(key).fetch_optional(self.read()).await?.map(row))
    }

    /// The open aggregates of one kind in one repository, by key.
    pub async fn aggregates_open(&self, repo_id: i64, kind: &str) -> Result<Vec<AggregateRow>> {
        const SQL: &str = "SELECT key, repo_id, kind, open, rev, state, updated_at FROM aggregates
 WHERE repo_id = $1 AND kind = $2 AND open = 1 ORDER BY key";
        let rows = sqlx::query_as(SQL).bind(repo_id).bind(kind).fetch_all(self.read()).await?;
        Ok(rows.into_iter().map(row).collect())
    }

    /// The aggregates of one kind in one repository, by key.
    pub async fn aggregates_of(&self, repo_id: i64, kind: &str) -> Result<Vec<AggregateRow>> {
        const SQL: &str = "SELECT key, repo_id, kind, open, rev, state, updated_at FROM aggregates
 WHERE repo_id = $1 AND kind = $2 ORDER BY key";
        let rows = sqlx::query_as(SQL).bind(repo_id).bind(kind).fetch_all(self.read()).await?;
        Ok(rows.into_iter().map(row).collect())
    }

    /// The aggregates of one kind in all repositories that changed at `since` or later (Unix ms), by key.
    pub async fn aggregates_since(&self, kind: &str, since: i64) -> Result<Vec<AggregateRow>> {
        const SQL: &str = "SELECT key, repo_id, kind, open, rev, state, updated_at FROM aggregates
 WHERE kind = $1 AND updated_at >= $2 ORDER BY key";
        let rows = sqlx::query_as(SQL).bind(kind).bind(since).fetch_all(self.read()).await?;
        Ok(rows.into_iter().map(row).collect())
    }
}

impl Tx {
    /// Writes an aggregate if it still has the `rev` that was seen.
    pub async fn save_aggregate(&mut self, save: &SaveAggregate<'_>) -> Result<Saved> {
        const INSERT: &str = "INSERT INTO aggregates (key, repo_id, kind, open, rev, state, updated_at)
 VALUES ($1, $2, $3, $4, $5 + 1, $6, $7) ON CONFLICT (key) DO NOTHING";
        const UPDATE: &str =
            "UPDATE aggregates SET repo_id = $2, kind = $3, open = $4, rev = rev + 1, state = $6, updated_at = $7
 WHERE key = $1 AND rev = $5";
        let done = sqlx::query(if save.rev_seen == 0 { INSERT } else { UPDATE })
            .bind(save.key)
            .bind(save.repo_id)
            .bind(save.kind)
            .bind(i64::from(save.open))
            .bind(save.rev_seen)
            .bind(save.state)
            .bind(save.now)
            .execute(self.connection())
            .await?;
        Ok(if done.rows_affected() == 1 { Saved::Yes } else { Saved::Stale })
    }
}
