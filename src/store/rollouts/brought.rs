//! What a rollout brought: read from GitHub once, and kept for as long as the rollout is.

use crate::store::{Store, Tx};
use anyhow::Result;

impl Store {
    /// What is known of what this rollout brought, opaque JSON; `None` when nobody asked yet.
    pub async fn brought(&self, rollout: i64) -> Result<Option<String>> {
        const SQL: &str = "SELECT body FROM brought WHERE rollout = $1";
        Ok(sqlx::query_scalar(SQL).bind(rollout).fetch_optional(self.read()).await?)
    }

    /// All that is known, by the rollout's id.
    pub async fn brought_all(&self) -> Result<Vec<(i64, String)>> {
        const SQL: &str = "SELECT rollout, body FROM brought ORDER BY rollout";
        Ok(sqlx::query_as(SQL).fetch_all(self.read()).await?)
    }
}

impl Tx {
    /// Writes what is known of what this rollout brought; `now` is Unix ms.
    pub async fn save_brought(&mut self, rollout: i64, body: &str, now: i64) -> Result<()> {
        const SQL: &str = "INSERT INTO brought (rollout, body, read_at) VALUES ($1, $2, $3)
 ON CONFLICT (rollout) DO UPDATE SET body = excluded.body, read_at = excluded.read_at";
        sqlx::query(SQL).bind(rollout).bind(body).bind(now).execute(self.connection()).await?;
        Ok(())
    }
}
