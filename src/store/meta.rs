//! Small facts about this Fairway: cursors and the like.

use super::Store;
use anyhow::Result;

impl Store {
    /// The value under a key.
    pub async fn meta(&self, key: &str) -> Result<Option<String>> {
        Ok(sqlx::query_scalar("SELECT value FROM meta WHERE key = $1").bind(key).fetch_optional(self.read()).await?)
    }

    /// Sets the value under a key.
    pub async fn set_meta(&self, key: &str, value: &str) -> Result<()> {
        const SQL: &str =
            "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        sqlx::query(SQL).bind(key).bind(value).execute(self.write()).await?;
        Ok(())
    }

    /// The database's clock, Unix ms: what several machines agree on. `None` for SQLite, whose clock is this machine's.
    pub async fn database_now(&self) -> Result<Option<i64>> {
        if !self.is_postgres() {
            return Ok(None);
        }
        const SQL: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
        Ok(Some(sqlx::query_scalar(SQL).fetch_one(self.read()).await?))
    }
}
