//! Sessions of the pages. Ids come in as digests: what stands here opens nothing.

use anyhow::Result;

use crate::store::Store;

/// One person may be signed in with so many browsers; a further one ends the oldest.
const MOST: i64 = 20;

/// Somebody who is signed in with one browser. Times are Unix ms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Digest of the cookie's id.
    pub id: String,
    /// GitHub's number of the person.
    pub user_id: i64,
    /// Their login when they signed in.
    pub login: String,
    /// When they signed in.
    pub created_at: i64,
    /// The last request, to the minute.
    pub seen_at: i64,
    /// The session ends then, whatever they do.
    pub expires_at: i64,
}

type Columns = (String, i64, String, i64, i64, i64);

fn row((id, user_id, login, created_at, seen_at, expires_at): Columns) -> SessionRow {
    SessionRow { id, user_id, login, created_at, seen_at, expires_at }
}

impl Store {
    /// Takes a sign-in's state, by its digest. `false`: it was taken before.
    pub async fn use_state(&self, state: &str, now: i64) -> Result<bool> {
        const SQL: &str = "INSERT INTO used_states (state, at) VALUES ($1, $2) ON CONFLICT (state) DO NOTHING";
        Ok(sqlx::query(SQL).bind(state).bind(now).execute(self.write()).await?.rows_affected() == 1)
    }

    /// Begins a session, in place of the browser's older one.
    pub async fn begin_session(&self, new: &SessionRow, older: Option<&str>) -> Result<()> {
        const PUT: &str = "INSERT INTO sessions (id, user_id, login, created_at, seen_at, expires_at)
 VALUES ($1, $2, $3, $4, $5, $6)";
        const EXCESS: &str = "DELETE FROM sessions WHERE user_id = $1 AND id IN
 (SELECT o.id FROM sessions o WHERE o.user_id = $1 ORDER BY o.created_at DESC, o.id LIMIT 1000 OFFSET $2)";
        let mut tx = self.begin().await?;
        if let Some(older) = older {
            sqlx::query("DELETE FROM sessions WHERE id = $1").bind(older).execute(tx.connection()).await?;
        }
        let put = sqlx::query(PUT).bind(&new.id).bind(new.user_id).bind(&new.login).bind(new.created_at);
        put.bind(new.seen_at).bind(new.expires_at).execute(tx.connection()).await?;
        sqlx::query(EXCESS).bind(new.user_id).bind(MOST).execute(tx.connection()).await?;
        tx.commit().await
    }

    /// The session with this digest, if it has not ended by `now` and was used since `idle`.
    pub async fn session(&self, id: &str, (now, idle): (i64, i64)) -> Result<Option<SessionRow>> {
        const SQL: &str = "SELECT id, user_id, login, created_at, seen_at, expires_at FROM sessions
 WHERE id = $1 AND expires_at > $2 AND seen_at > $3";
        Ok(sqlx::query_as(SQL).bind(id).bind(now).bind(idle).fetch_optional(self.read()).await?.map(row))
    }

    /// Notes that a session is used.
    pub async fn see_session(&self, id: &str, now: i64) -> Result<()> {
        const SQL: &str = "UPDATE sessions SET seen_at = $2 WHERE id = $1 AND seen_at < $2";
        sqlx::query(SQL).bind(id).bind(now).execute(self.write()).await?;
        Ok(())
    }

    /// Where a person is signed in by `now`, the newest first, with what was used since `idle`.
    pub async fn sessions_of(&self, user_id: i64, (now, idle): (i64, i64)) -> Result<Vec<SessionRow>> {
        const SQL: &str = "SELECT id, user_id, login, created_at, seen_at, expires_at FROM sessions
 WHERE user_id = $1 AND expires_at > $2 AND seen_at > $3 ORDER BY created_at DESC, id LIMIT 100";
        let rows = sqlx::query_as(SQL).bind(user_id).bind(now).bind(idle).fetch_all(self.read()).await?;
        Ok(rows.into_iter().map(row).collect())
    }

    /// Ends one session. `false`: there was none.
    pub async fn end_session(&self, id: &str) -> Result<bool> {
        const SQL: &str = "DELETE FROM sessions WHERE id = $1";
        Ok(sqlx::query(SQL).bind(id).execute(self.write()).await?.rows_affected() == 1)
    }

    /// Ends all sessions of a person. How many there were.
    pub async fn end_sessions(&self, user_id: i64) -> Result<u64> {
        const SQL: &str = "DELETE FROM sessions WHERE user_id = $1";
        Ok(sqlx::query(SQL).bind(user_id).execute(self.write()).await?.rows_affected())
    }
}
