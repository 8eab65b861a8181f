//! The queue: lanes, leases and fences in one table.
//!
//! A lane is a queue and only its head (the lowest live id) can be claimed. `run_at` is the earliest next claim: due
//! time, retry time or end of the lease in one column, so an expired lease needs no sweeper. `(id, attempt)` is the
//! fence: who was too slow changes nothing. Only `failures` leads to `dead`; waiting does not count.

mod books;

pub use books::{Count, JobRow};

use super::{Store, Tx, unpack};
use anyhow::Result;
use sqlx::AssertSqlSafe;

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Waits for its time and its lane.
    Ready,
    /// Somebody works on it until its lease ends.
    Leased,
    /// Finished; kept for a while without task and body.
    Done,
    /// Failed too often; waits for a person.
    Dead,
}

impl State {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Ready => "ready",
            State::Leased => "leased",
            State::Done => "done",
            State::Dead => "dead",
        }
    }

    /// The state with this word, if there is one.
    pub fn parse(word: &str) -> Option<State> {
        [State::Ready, State::Leased, State::Done, State::Dead].into_iter().find(|state| state.as_str() == word)
    }
}

/// A job to be inserted with [`Tx::insert_job`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewJob {
    /// The queue it stands in, such as `pr:1/7`.
    pub lane: String,
    /// A short word by which processes say what they can do.
    pub kind: String,
    /// Opaque text, usually JSON.
    pub task: String,
    /// Two unclaimed jobs with one key are one job: the older place, the newer task, the earlier time.
    pub merge_key: Option<String>,
    /// Earliest claim, Unix ms.
    pub run_at: i64,
    /// Head start in ms before jobs that are due at the same time; only for jobs due at once, a timer never rings early.
    pub priority: i64,
    /// Who may claim it; `None` means any process.
    pub pool: Option<String>,
    /// When it was made, Unix ms.
    pub now: i64,
    /// A job that is due at once waits this many ms for more of the same to be done with it, or less by
    /// [`super::Limits::calm`].
    pub calm: i64,
}

/// What a process asks for. Jobs of other pools and of unknown kinds are left alone.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The time, Unix ms.
    pub now: i64,
    /// End of the lease, Unix ms.
    pub until: i64,
    /// The pools that this process serves besides the jobs of no pool.
    pub pools: &'a [String],
    /// The kinds that this process knows.
    pub kinds: &'a [&'a str],
}

/// A claimed job. `(id, attempt)` is its fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Row id.
    pub id: i64,
    /// The queue it stands in.
    pub lane: String,
    /// The word given at insertion.
    pub kind: String,
    /// Opaque text.
    pub task: String,
    /// How often it was claimed, this time included.
    pub attempt: i64,
    /// Real errors and lost leases so far. More than the limit: [`Store::bury`] it instead of trying.
    pub failures: i64,
    /// When it was made, Unix ms.
    pub created_at: i64,
    packed: Option<Vec<u8>>,
    unpack_limit: usize,
}

impl Job {
    /// The raw bytes that came with it (a webhook's body). Errors when they do not decompress within the limit.
    pub fn body(&self) -> Result<Option<Vec<u8>>> {
        self.packed.as_deref().map(|packed| unpack(packed, self.unpack_limit)).transpose()
    }
}

/// Why a job goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAs {
    /// A real error; counts towards `dead`.
    Failure,
    /// A rate limit or a missing slot; does not count.
    Wait,
}

/// One return of a job to its queue.
#[derive(Clone, Copy, Debug)]
pub struct Retry<'a> {
    /// Whether it counts.
    pub r#as: RetryAs,
    /// Earliest next claim, Unix ms.
    pub at: i64,
    /// What a person reads beside the job.
    pub error: &'a str,
    /// With this many failures it is dead.
    pub max_failures: i64,
    /// A job that waits under this key takes newer requests in again, and with them their time: what it waited for may not
    /// hold up what is more urgent now. Failures do not: their pause is for GitHub's sake.
    pub merge_key: Option<&'a str>,
}

const CLAIM: &str = "UPDATE jobs SET failures = failures + CASE WHEN state = 'leased' THEN 1 ELSE 0 END,
   state = 'leased', run_at = $2, attempt = attempt + 1, merge_key = NULL
 WHERE id = (SELECT j.id FROM jobs j
   WHERE j.state IN ('ready', 'leased') AND j.run_at <= $1 AND {MINE}
     AND NOT EXISTS (SELECT 1 FROM jobs e WHERE e.lane = j.lane AND e.id < j.id AND e.state IN ('ready', 'leased'))
   ORDER BY j.run_at, j.id LIMIT 1 {LOCK})
 AND run_at <= $1
 RETURNING id, lane, kind, task, attempt, failures, created_at, body";

const NEXT_DUE: &str = "SELECT j.run_at FROM jobs j
 WHERE j.state IN ('ready', 'leased') AND {MINE}
   AND NOT EXISTS (SELECT 1 FROM jobs e WHERE e.lane = j.lane AND e.id < j.id AND e.state IN ('ready', 'leased'))
 ORDER BY j.run_at, j.id LIMIT 1";

// The lane's length is looked at only for jobs that cannot merge: a merging lane cannot grow.
const INSERT: &str = "INSERT INTO jobs (lane, kind, task, merge_key, pool, state, run_at, created_at)
 SELECT $1, $2, $3, $4, $5, 'ready', $6, $7
 WHERE $4 IS NOT NULL OR NOT EXISTS (
   SELECT e.id FROM jobs e WHERE e.lane = $1 AND e.state IN ('ready', 'leased') ORDER BY e.id LIMIT 1 OFFSET $8)
 ON CONFLICT (merge_key) DO UPDATE SET task = excluded.task, kind = excluded.kind,
   run_at = CASE WHEN excluded.run_at < jobs.run_at THEN excluded.run_at ELSE jobs.run_at END
 RETURNING id";

const RETRY: &str = "UPDATE jobs SET failures = failures + $3,
   state = CASE WHEN $3 > 0 AND failures + $3 >= $4 THEN 'dead' ELSE 'ready' END, run_at = $5, error = $6,
   merge_key = $7, task = CASE WHEN $8 = '' THEN task ELSE $8 END
 WHERE id = $1 AND attempt = $2 AND state = 'leased' RETURNING state";

// What came for the same thing while the job was at work.
const SWALLOW: &str = "DELETE FROM jobs WHERE merge_key = $1 AND id <> $2 AND state = 'ready' RETURNING run_at, task";

// Followers wait with the head, so that the claim need not walk over them.
const PUSH: &str = "UPDATE jobs SET run_at = $2 WHERE lane = $1 AND state = 'ready' AND run_at < $2";

type Claimed = (i64, String, String, String, i64, i64, i64, Option<Vec<u8>>);

impl Store {
    /// Leases the head of one due lane. `None`: nothing to do now. A lease that had expired counts as a failure.
    pub async fn claim(&self, claim: &Claim<'_>) -> Result<Option<Job>> {
        self.door_first().await;
        // Look again after a lock wait (the outer condition) and skip what others hold: both are needed on PostgreSQL.
        let lock = if self.is_postgres() { "FOR UPDATE SKIP LOCKED" } else { "" };
        let sql = CLAIM.replace("{MINE}", &mine(claim.pools.len(), claim.kinds.len(), 3)).replace("{LOCK}", lock);
        let mut query = sqlx::query_as::<_, Claimed>(AssertSqlSafe(sql)).bind(claim.now).bind(claim.until);
        for pool in claim.pools {
            query = query.bind(pool.as_str());
        }
        for kind in claim.kinds {
            query = query.bind(*kind);
        }
        let row = match query.fetch_optional(self.write()).await {
            // Another process leased this lane in between.
            Err(sqlx::Error::Database(e)) if e.is_unique_violation() => None,
            other => other?,
        };
        Ok(row.map(|(id, lane, kind, task, attempt, failures, created_at, packed)| {
            let unpack_limit = self.limits().unpacked;
            Job { id, lane, kind, task, attempt, failures, created_at, packed, unpack_limit }
        }))
    }

    /// When the next head of a lane can be claimed by a process with these pools and kinds: in the past means now.
    /// A leased head counts with the end of its lease.
    pub async fn next_due(&self, pools: &[String], kinds: &[&str]) -> Result<Option<i64>> {
        let sql = NEXT_DUE.replace("{MINE}", &mine(pools.len(), kinds.len(), 1));
        let mut query = sqlx::query_scalar(AssertSqlSafe(sql));
        for pool in pools {
            query = query.bind(pool.as_str());
        }
        for kind in kinds {
            query = query.bind(*kind);
        }
        Ok(query.fetch_optional(self.read()).await?)
    }

    /// Moves the end of the lease. `false`: the lease is lost; stop.
    pub async fn heartbeat(&self, job: &Job, until: i64) -> Result<bool> {
        const SQL: &str = "UPDATE jobs SET run_at = $3 WHERE id = $1 AND attempt = $2 AND state = 'leased'";
        let done = sqlx::query(SQL).bind(job.id).bind(job.attempt).bind(until).execute(self.write()).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Opens the transaction that ends this job: the fence first, then whatever the caller writes, then
    /// [`Tx::commit`]. `None`: the lease is lost and nothing may be written.
    pub async fn finish(&self, job: &Job) -> Result<Option<Tx>> {
        const SQL: &str = "UPDATE jobs SET state = 'done', task = '', body = NULL, error = NULL
 WHERE id = $1 AND attempt = $2 AND state = 'leased'";
        let mut tx = self.begin().await?;
        let done = sqlx::query(SQL).bind(job.id).bind(job.attempt).execute(tx.connection()).await?;
        if done.rows_affected() == 1 {
            tx.wakes();
            return Ok(Some(tx));
        }
        tx.rollback().await?;
        Ok(None)
    }

    /// As [`Store::finish`] begins, but the job goes on: a transaction of whoever has it now. `None`: lease lost.
    pub async fn fenced(&self, job: &Job) -> Result<Option<Tx>> {
        const SQL: &str = "UPDATE jobs SET error = error WHERE id = $1 AND attempt = $2 AND state = 'leased'";
        let mut tx = self.begin().await?;
        if sqlx::query(SQL).bind(job.id).bind(job.attempt).execute(tx.connection()).await?.rows_affected() == 1 {
            tx.wakes();
            return Ok(Some(tx));
        }
        tx.rollback().await?;
        Ok(None)
    }

    /// Puts a job back to its place until a later time, or to the dead. Its lane waits with it. `None`: lease lost.
    pub async fn retry(&self, job: &Job, retry: &Retry<'_>) -> Result<Option<State>> {
        let key = retry.merge_key.filter(|_| retry.r#as == RetryAs::Wait);
        match self.put_back(job, retry, key).await {
            // Somebody asked for the same thing in this very moment; theirs stands behind this one in the lane.
            Err(e) if key.is_some() && is_unique_violation(&e) => self.put_back(job, retry, None).await,
            other => other,
        }
    }

    async fn put_back(&self, job: &Job, retry: &Retry<'_>, key: Option<&str>) -> Result<Option<State>> {
        let counts = i64::from(retry.r#as == RetryAs::Failure);
        let mut tx = self.begin().await?;
        let newer: Option<(i64, String)> = match key {
            Some(key) => sqlx::query_as(SWALLOW).bind(key).bind(job.id).fetch_optional(tx.connection()).await?,
            None => None,
        };
        let (at, task) = newer.map_or((retry.at, String::new()), |(run_at, task)| (run_at.min(retry.at), task));
        let state: Option<String> = sqlx::query_scalar(RETRY)
            .bind(job.id)
            .bind(job.attempt)
            .bind(counts)
            .bind(retry.max_failures)
            .bind(at)
            .bind(retry.error)
            .bind(key)
            .bind(task)
            .fetch_optional(tx.connection())
            .await?;
        let Some(state) = state.as_deref().and_then(State::parse) else {
            // The lease is lost: nothing may be written.
            return Ok(None);
        };
        if state == State::Ready {
            sqlx::query(PUSH).bind(&job.lane).bind(at).execute(tx.connection()).await?;
        }
        tx.wakes();
        tx.commit().await?;
        Ok(Some(state))
    }

    /// Hands a lease back unused, at SIGTERM: claimable at once, nothing counted. `false`: lease lost.
    pub async fn give_back(&self, job: &Job, now: i64) -> Result<bool> {
        const SQL: &str =
            "UPDATE jobs SET state = 'ready', run_at = $3 WHERE id = $1 AND attempt = $2 AND state = 'leased'";
        let done = sqlx::query(SQL).bind(job.id).bind(job.attempt).bind(now).execute(self.write()).await?;
        self.wake().notify_waiters();
        Ok(done.rows_affected() == 1)
    }

    /// Ends a claimed job as dead: for one that lost its lease too often. `false`: lease lost.
    pub async fn bury(&self, job: &Job, error: &str) -> Result<bool> {
        const SQL: &str =
            "UPDATE jobs SET state = 'dead', error = $3 WHERE id = $1 AND attempt = $2 AND state = 'leased'";
        let done = sqlx::query(SQL).bind(job.id).bind(job.attempt).bind(error).execute(self.write()).await?;
        self.wake().notify_waiters();
        Ok(done.rows_affected() == 1)
    }
}

impl Tx {
    /// Inserts a job, or merges it into the waiting one with the same key. The id of the row; `None`: the lane is full
    /// (see [`super::Limits::lane`]) and nothing was inserted.
    pub async fn insert_job(&mut self, job: &NewJob) -> Result<Option<i64>> {
        let limits = self.store().limits();
        let run_at = match job.calm.min(limits.calm) {
            _ if job.run_at > job.now => job.run_at,
            calm if calm > 0 => job.now.saturating_add(calm),
            _ => job.run_at.saturating_sub(job.priority.max(0)),
        };
        let cap = limits.lane.saturating_sub(1).max(0);
        let id: Option<i64> = sqlx::query_scalar(INSERT)
            .bind(&job.lane)
            .bind(&job.kind)
            .bind(&job.task)
            .bind(job.merge_key.as_deref())
            .bind(job.pool.as_deref())
            .bind(run_at)
            .bind(job.now)
            .bind(cap)
            .fetch_optional(self.connection())
            .await?;
        if id.is_some() {
            self.wakes();
        }
        Ok(id)
    }
}

fn is_unique_violation(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
    error.is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

/// The condition "this process may do it", with placeholders from `$first` on: pools, then kinds.
fn mine(pools: usize, kinds: usize, first: usize) -> String {
    let list = |from: usize, n: usize| (from..from + n).map(|i| format!("${i}")).collect::<Vec<_>>().join(", ");
    let pool = match pools {
        0 => "j.pool IS NULL".to_owned(),
        n => format!("(j.pool IS NULL OR j.pool IN ({}))", list(first, n)),
    };
    match kinds {
        0 => format!("{pool} AND 1 = 0"),
        n => format!("{pool} AND j.kind IN ({})", list(first + pools, n)),
    }
}
