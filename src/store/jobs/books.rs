//! Reading the queue: what a person sees of it, and the one thing a person does to it (retry a dead job).

use super::{State, Store};
use anyhow::Result;

/// A job as a page or `fairway jobs` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// Row id.
    pub id: i64,
    /// The queue it stands in.
    pub lane: String,
    /// The word given at insertion.
    pub kind: String,
    /// Opaque text; empty once done.
    pub task: String,
    /// Where it stands.
    pub state: State,
    /// Earliest next claim, Unix ms.
    pub run_at: i64,
    /// How often it was claimed.
    pub attempt: i64,
    /// Real errors and lost leases.
    pub failures: i64,
    /// The last error, for a person.
    pub error: Option<String>,
    /// Who may claim it.
    pub pool: Option<String>,
    /// When it was made, Unix ms.
    pub created_at: i64,
}

/// How many jobs of one kind stand in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// The kind.
    pub kind: String,
    /// Ready, leased or dead.
    pub state: State,
    /// How many.
    pub jobs: i64,
}

type Columns = (i64, String, String, String, String, i64, i64, i64, Option<String>, Option<String>, i64);

fn row(c: Columns) -> JobRow {
    let (id, lane, kind, task, state, run_at, attempt, failures, error, pool, created_at) = c;
    // The table holds no other words; an unknown one shows as dead, where a person looks.
    let state = State::parse(&state).unwrap_or(State::Dead);
    JobRow { id, lane, kind, task, state, run_at, attempt, failures, error, pool, created_at }
}

impl Store {
    /// Takes back every lease at once: for a process that knows that it is the only one and has just started, so that
    /// whoever held them is dead. Each counts as a lost lease. Gives how many there were.
    pub async fn release_leases(&self, now: i64) -> Result<u64> {
        const SQL: &str =
            "UPDATE jobs SET state = 'ready', run_at = $1, failures = failures + 1 WHERE state = 'leased'";
        let done = sqlx::query(SQL).bind(now).execute(self.write()).await?;
        self.wake().notify_waiters();
        Ok(done.rows_affected())
    }

    /// One job, whatever its state.
    pub async fn job(&self, id: i64) -> Result<Option<JobRow>> {
        const SQL: &str = "SELECT id, lane, kind, task, state, run_at, attempt, failures, error, pool, created_at
 FROM jobs WHERE id = $1";
        Ok(sqlx::query_as(SQL).bind(id).fetch_optional(self.read()).await?.map(row))
    }

    /// Jobs in one state, the newest first, at most `limit`.
    pub async fn jobs(&self, state: State, limit: i64) -> Result<Vec<JobRow>> {
        // The state stands in the text, so that the partial indexes serve.
        const HEAD: &str =
            "SELECT id, lane, kind, task, state, run_at, attempt, failures, error, pool, created_at FROM jobs";
        let sql = format!("{HEAD} WHERE state = '{}' ORDER BY id DESC LIMIT $1", state.as_str());
        let rows = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(limit).fetch_all(self.read()).await?;
        Ok(rows.into_iter().map(row).collect())
    }

    /// The dead jobs, the newest first, at most `limit`.
    pub async fn dead(&self, limit: i64) -> Result<Vec<JobRow>> {
        self.jobs(State::Dead, limit).await
    }

    /// Live and dead jobs by kind and state. Done ones are history and not counted.
    pub async fn job_counts(&self) -> Result<Vec<Count>> {
        const SQL: &str =
            "SELECT kind, state, COUNT(*) FROM jobs WHERE state IN ('ready', 'leased') GROUP BY kind, state
 UNION ALL SELECT kind, state, COUNT(*) FROM jobs WHERE state = 'dead' GROUP BY kind, state
 ORDER BY 1, 2";
        let rows: Vec<(String, String, i64)> = sqlx::query_as(SQL).fetch_all(self.read()).await?;
        let count =
            |(kind, state, jobs): (String, String, i64)| Some(Count { kind, state: State::parse(&state)?, jobs });
        Ok(rows.into_iter().filter_map(count).collect())
    }

    /// How many jobs are leased, expired leases included.
    pub async fn leased(&self) -> Result<i64> {
        const SQL: &str = "SELECT COUNT(*) FROM jobs WHERE state = 'leased'";
        Ok(sqlx::query_scalar(SQL).fetch_one(self.read()).await?)
    }

    /// Gives a dead job another life at its lane's tail, without failures, due now. The new id; `None`: there is no
    /// such dead job.
    pub async fn retry_dead(&self, id: i64, now: i64) -> Result<Option<i64>> {
        const COPY: &str = "INSERT INTO jobs (lane, kind, task, body, pool, state, run_at, created_at)
 SELECT lane, kind, task, body, pool, 'ready', $2, created_at FROM jobs WHERE id = $1 AND state = 'dead' RETURNING id";
        const TAKE: &str = "UPDATE jobs SET error = error WHERE id = $1 AND state = 'dead'";
        let mut tx = self.begin().await?;
        // The row's lock first: two people may press Retry.
        let mut new: Option<i64> = None;
        if sqlx::query(TAKE).bind(id).execute(tx.connection()).await?.rows_affected() == 1 {
            new = sqlx::query_scalar(COPY).bind(id).bind(now).fetch_optional(tx.connection()).await?;
            sqlx::query("DELETE FROM jobs WHERE id = $1").bind(id).execute(tx.connection()).await?;
            tx.wakes();
        }
        tx.commit().await?;
        Ok(new)
    }
}
