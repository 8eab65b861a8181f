//! What GitHub's side of a thing was last brought to: its remote id, so that it is changed and not made twice, and a
//! hash, so that nothing is sent when nothing changed.

use super::{Store, Tx};
use anyhow::Result;
use sqlx::AnyConnection;

/// One mirrored thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// Such as `check:42`, `sticky:1/7`, `reaction:55`.
    pub key: String,
    /// GitHub's id; `None` while it is being made.
    pub remote_id: Option<i64>,
    /// Hash of what was last sent.
    pub hash: String,
    /// The caller's word, such as the node id.
    pub note: String,
    /// Unix ms.
    pub updated_at: i64,
}

impl Store {
    /// The mirror with this key.
    pub async fn mirror(&self, key: &str) -> Result<Option<Mirror>> {
        const SQL: &str = "SELECT key, remote_id, hash, note, updated_at FROM mirrors WHERE key = $1";
        let row: Option<(String, Option<i64>, String, String, i64)> =
            sqlx::query_as(SQL).bind(key).fetch_optional(self.read()).await?;
        Ok(row.map(|(key, remote_id, hash, note, updated_at)| Mirror { key, remote_id, hash, note, updated_at }))
    }

    /// Writes a mirror, new or known.
    pub async fn save_mirror(&self, mirror: &Mirror) -> Result<()> {
        save(&mut *self.write().acquire().await?, mirror).await
    }
}

impl Tx {
    /// Writes a mirror, new or known, together with the rest.
    pub async fn save_mirror(&mut self, mirror: &Mirror) -> Result<()> {
        save(self.connection(), mirror).await
    }
}

async fn save(connection: &mut AnyConnection, mirror: &Mirror) -> Result<()> {
    const SQL: &str = "INSERT INTO mirrors (key, remote_id, hash, note, updated_at) VALUES ($1, $2, $3, $4, $5)
 ON CONFLICT (key) DO UPDATE SET remote_id = excluded.remote_id, hash = excluded.hash, note = excluded.note,
 updated_at = excluded.updated_at";
    sqlx::query(SQL)
        .bind(&mirror.key)
        .bind(mirror.remote_id)
        .bind(&mirror.hash)
        .bind(&mirror.note)
        .bind(mirror.updated_at)
        .execute(connection)
        .await?;
    Ok(())
}
