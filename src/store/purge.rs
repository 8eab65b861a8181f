//! Old rows go, in small batches, so that the door never waits long. GUIDs of deliveries stay for ever.

use super::Store;
use anyhow::Result;

/// How long things are kept, in ms unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Done jobs, by when they were made.
    pub done_jobs: i64,
    /// Dead jobs, by when they were made.
    pub dead_jobs: i64,
    /// Ended runs, with their subjects and logs.
    pub runs: i64,
    /// Log chunks.
    pub logs: i64,
    /// Logs of so many newest runs; a count.
    pub log_runs: i64,
    /// What webhooks told, by when it happened. The metrics look back as far as there are runs.
    pub signals: i64,
    /// What people did on the pages.
    pub audit: i64,
}

impl Default for Keep {
    fn default() -> Self {
        const DAY: i64 = 24 * 3_600_000;
        Keep {
            done_jobs: 3 * DAY,
            dead_jobs: 90 * DAY,
            runs: 400 * DAY,
            logs: 30 * DAY,
            log_runs: 20_000,
            signals: 400 * DAY,
            audit: 400 * DAY,
        }
    }
}

/// How many rows went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Done and dead jobs.
    pub jobs: u64,
    /// Ended runs.
    pub runs: u64,
    /// Log chunks.
    pub log_chunks: u64,
    /// What webhooks told.
    pub signals: u64,
    /// What people did on the pages.
    pub acts: u64,
    /// Sessions that ended by themselves.
    pub sessions: u64,
}

/// Batches of one kind in one call; the rest waits for the next call.
const BATCHES: usize = 100;

// Each looks at the 100 oldest rows only, so that its cost does not grow with the table.
const DONE_JOBS: &str = "DELETE FROM jobs WHERE id IN (SELECT o.id FROM
 (SELECT id, created_at FROM jobs WHERE state = 'done' ORDER BY id LIMIT 100) o WHERE o.created_at < $1)";
const DEAD_JOBS: &str = "DELETE FROM jobs WHERE id IN (SELECT o.id FROM
 (SELECT id, created_at FROM jobs WHERE state = 'dead' ORDER BY id LIMIT 100) o WHERE o.created_at < $1)";
const OLD_CHUNKS: &str = "DELETE FROM log_chunks WHERE (run_id, seq) IN (SELECT o.run_id, o.seq FROM
 (SELECT run_id, seq, at FROM log_chunks ORDER BY run_id, seq LIMIT 100) o WHERE o.at < $1)";
const EXCESS_CHUNKS: &str = "DELETE FROM log_chunks WHERE (run_id, seq) IN (SELECT o.run_id, o.seq FROM
 (SELECT run_id, seq FROM log_chunks ORDER BY run_id, seq LIMIT 100) o
 WHERE o.run_id <= (SELECT r.id FROM runs r ORDER BY r.id DESC LIMIT 1 OFFSET $1))";
// A run goes after its logs, or they would belong to nobody.
const RUNS: &str = "DELETE FROM runs WHERE id IN (SELECT o.id FROM
 (SELECT id, state, finished_at FROM runs ORDER BY id LIMIT 100) o WHERE o.state = 'done' AND o.finished_at < $1)
 AND NOT EXISTS (SELECT 1 FROM log_chunks c WHERE c.run_id = runs.id)";
const SUBJECTS: &str = "DELETE FROM run_subjects WHERE (subject, run_id) IN (SELECT o.subject, o.run_id FROM
 (SELECT subject, run_id FROM run_subjects ORDER BY run_id LIMIT 100) o
 WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = o.run_id))";
const SIGNALS: &str = "DELETE FROM signals WHERE id IN (SELECT o.id FROM
 (SELECT id, at FROM signals ORDER BY id LIMIT 100) o WHERE o.at < $1)";
const ACTS: &str = "DELETE FROM audit WHERE id IN (SELECT o.id FROM
 (SELECT id, at FROM audit ORDER BY id LIMIT 100) o WHERE o.at < $1)";
const SESSIONS: &str = "DELETE FROM sessions WHERE id IN
 (SELECT o.id FROM sessions o WHERE o.expires_at < $1 ORDER BY o.expires_at LIMIT 100)";
const STATES: &str = "DELETE FROM used_states WHERE state IN
 (SELECT o.state FROM used_states o WHERE o.at < $1 ORDER BY o.at LIMIT 100)";
/// A sign-in's state is refused by its own date after ten minutes.
const STATE_MS: i64 = 3_600_000;

impl Store {
    /// Deletes what is older than `keep` says. Call it every few minutes.
    pub async fn purge(&self, now: i64, keep: &Keep) -> Result<Purged> {
        let mut purged = Purged::default();
        purged.jobs += self.batches(DONE_JOBS, now.saturating_sub(keep.done_jobs)).await?;
        purged.jobs += self.batches(DEAD_JOBS, now.saturating_sub(keep.dead_jobs)).await?;
        // A log never outlives its run.
        purged.log_chunks += self.batches(OLD_CHUNKS, now.saturating_sub(keep.logs.min(keep.runs))).await?;
        purged.log_chunks += self.batches(EXCESS_CHUNKS, keep.log_runs.max(0)).await?;
        purged.runs += self.batches(RUNS, now.saturating_sub(keep.runs)).await?;
        self.batches(SUBJECTS, 0).await?;
        purged.signals += self.batches(SIGNALS, now.saturating_sub(keep.signals)).await?;
        purged.acts += self.batches(ACTS, now.saturating_sub(keep.audit)).await?;
        purged.sessions += self.batches(SESSIONS, now).await?;
        self.batches(STATES, now.saturating_sub(STATE_MS)).await?;
        Ok(purged)
    }

    async fn batches(&self, sql: &'static str, bound: i64) -> Result<u64> {
        let mut gone = 0;
        for _ in 0..BATCHES {
            let query = sqlx::query(sql);
            let query = if sql.contains("$1") { query.bind(bound) } else { query };
            let rows = query.execute(self.write()).await?.rows_affected();
            gone += rows;
            if rows == 0 {
                break;
            }
        }
        Ok(gone)
    }
}
