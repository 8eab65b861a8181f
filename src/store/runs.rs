//! Runs: one (repository, SHA, pipeline, definition digest, trust, try) each, with the set of subjects that want it.
//! `done` never changes again, so whoever comes late is told so by `false`.

use super::{Store, Tx};
use anyhow::Result;
use sqlx::{AnyConnection, Row, any::AnyRow};

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RunState {
    /// Nobody works on it yet.
    Queued,
    /// An engine works on it.
    Running,
    /// Ended; never changes again.
    Done,
}

impl RunState {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            RunState::Queued => "queued",
            RunState::Running => "running",
            RunState::Done => "done",
        }
    }
}

/// What makes a run the same run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// GitHub's repository id.
    pub repo_id: i64,
    /// The commit.
    pub sha: String,
    /// Name in `fairway.toml`.
    pub pipeline: String,
    /// Digest of the pipeline's definition.
    pub digest: String,
    /// Who is trusted with what: the caller's word.
    pub trust: String,
    /// From 1; grows with every retry.
    pub try_no: i64,
    /// Opaque JSON: what to run.
    pub spec: String,
    /// Unix ms.
    pub now: i64,
}

/// One run as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// Row id.
    pub id: i64,
    /// GitHub's repository id.
    pub repo_id: i64,
    /// The commit.
    pub sha: String,
    /// Name in `fairway.toml`.
    pub pipeline: String,
    /// Digest of the pipeline's definition.
    pub digest: String,
    /// Who is trusted with what: the caller's word.
    pub trust: String,
    /// From 1; grows with every retry.
    pub try_no: i64,
    /// Where it stands.
    pub state: RunState,
    /// How it ended; GitHub's word.
    pub conclusion: Option<String>,
    /// Equal keys of successful runs may be reused; `None`: never.
    pub reuse_key: Option<String>,
    /// Opaque JSON: what to run.
    pub spec: String,
    /// Opaque JSON: steps, annotations, summary.
    pub result: Option<String>,
    /// Why it should stop.
    pub cancel: Option<String>,
    /// The engine that took it.
    pub engine: Option<String>,
    /// The machine that took it.
    pub node: Option<String>,
    /// Unix ms.
    pub created_at: i64,
    /// Unix ms of the first start.
    pub started_at: Option<i64>,
    /// Unix ms.
    pub finished_at: Option<i64>,
}

/// Where a run stands, without what is long about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunMark {
    /// Row id.
    pub id: i64,
    /// GitHub's repository id.
    pub repo_id: i64,
    /// `queued`, `running` or `done`.
    pub state: String,
    /// How it ended; GitHub's word.
    pub conclusion: Option<String>,
}

macro_rules! columns {
    () => {
        "SELECT r.id, r.repo_id, r.sha, r.pipeline, r.digest, r.trust, r.try_no, r.state, r.conclusion, r.reuse_key, \
         r.spec, r.result, r.cancel, r.engine, r.node, r.created_at, r.started_at, r.finished_at FROM runs r "
    };
}

pub(super) const COLUMNS: &str = columns!();

pub(super) fn row(r: &AnyRow) -> Result<RunRow> {
    let state: String = r.try_get("state")?;
    Ok(RunRow {
        id: r.try_get("id")?,
        repo_id: r.try_get("repo_id")?,
        sha: r.try_get("sha")?,
        pipeline: r.try_get("pipeline")?,
        digest: r.try_get("digest")?,
        trust: r.try_get("trust")?,
        try_no: r.try_get("try_no")?,
        state: match state.as_str() {
            "queued" => RunState::Queued,
            "running" => RunState::Running,
            _ => RunState::Done,
        },
        conclusion: r.try_get("conclusion")?,
        reuse_key: r.try_get("reuse_key")?,
        spec: r.try_get("spec")?,
        result: r.try_get("result")?,
        cancel: r.try_get("cancel")?,
        engine: r.try_get("engine")?,
        node: r.try_get("node")?,
        created_at: r.try_get("created_at")?,
        started_at: r.try_get("started_at")?,
        finished_at: r.try_get("finished_at")?,
    })
}

impl Store {
    /// The run with this id.
    pub async fn run(&self, id: i64) -> Result<Option<RunRow>> {
        const SQL: &str = concat!(columns!(), "WHERE r.id = $1");
        sqlx::query(SQL).bind(id).fetch_optional(self.read()).await?.as_ref().map(row).transpose()
    }

    /// The runs of one commit, oldest first.
    pub async fn runs_of(&self, repo_id: i64, sha: &str) -> Result<Vec<RunRow>> {
        const SQL: &str = concat!(columns!(), "WHERE r.repo_id = $1 AND r.sha = $2 ORDER BY r.id");
        sqlx::query(SQL).bind(repo_id).bind(sha).fetch_all(self.read()).await?.iter().map(row).collect()
    }

    /// The newest 1,000 runs that a subject wanted, oldest first.
    pub async fn runs_of_subject(&self, subject: &str) -> Result<Vec<RunRow>> {
        const SQL: &str = concat!(
            columns!(),
            "JOIN run_subjects s ON s.run_id = r.id WHERE s.subject = $1 ORDER BY r.id DESC LIMIT 1000"
        );
        sqlx::query(SQL).bind(subject).fetch_all(self.read()).await?.iter().rev().map(row).collect()
    }

    /// The newest runs of all repositories, newest first.
    pub async fn recent_runs(&self, limit: i64) -> Result<Vec<RunRow>> {
        const SQL: &str = concat!(columns!(), "ORDER BY r.id DESC LIMIT $1");
        sqlx::query(SQL).bind(limit).fetch_all(self.read()).await?.iter().map(row).collect()
    }

    /// Where the newest runs before the one with this id stand, newest first.
    pub async fn run_marks(&self, before: i64, limit: i64) -> Result<Vec<RunMark>> {
        const SQL: &str =
            "SELECT r.id, r.repo_id, r.state, r.conclusion FROM runs r WHERE r.id < $1 ORDER BY r.id DESC LIMIT $2";
        let rows: Vec<(i64, i64, String, Option<String>)> =
            sqlx::query_as(SQL).bind(before).bind(limit).fetch_all(self.read()).await?;
        let mark = |(id, repo_id, state, conclusion)| RunMark { id, repo_id, state, conclusion };
        Ok(rows.into_iter().map(mark).collect())
    }

    /// The runs with these ids, newest first.
    pub async fn runs_with(&self, ids: &[i64]) -> Result<Vec<RunRow>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let list: Vec<String> = ids.iter().map(i64::to_string).collect();
        let sql = format!("{COLUMNS}WHERE r.id IN ({}) ORDER BY r.id DESC", list.join(", "));
        sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(self.read()).await?.iter().map(row).collect()
    }

    /// The runs that pull requests wanted, of all repositories, made at `since` or later (Unix ms), oldest first. What
    /// was to be run and what came of it is left out: it is long, and no history needs it.
    pub async fn pull_runs_since(&self, since: i64) -> Result<Vec<RunRow>> {
        const SQL: &str = "SELECT r.id, r.repo_id, r.sha, r.pipeline, r.digest, r.trust, r.try_no, r.state, \
                           r.conclusion, r.reuse_key, '' AS spec, CAST(NULL AS TEXT) AS result, r.cancel, r.engine, \
                           r.node, r.created_at, r.started_at, r.finished_at FROM runs r WHERE r.created_at >= $1 \
                           AND EXISTS (SELECT 1 FROM run_subjects s WHERE s.run_id = r.id AND s.subject LIKE 'pr:%') \
                           ORDER BY r.id";
        sqlx::query(SQL).bind(since).fetch_all(self.read()).await?.iter().map(row).collect()
    }

    /// The newest successful run with this reuse key. Only success is reused.
    pub async fn reusable(&self, repo_id: i64, reuse_key: &str) -> Result<Option<RunRow>> {
        const SQL: &str = concat!(
            columns!(),
            "WHERE r.repo_id = $1 AND r.reuse_key = $2 AND r.state = 'done' AND r.conclusion = 'success' \
             ORDER BY r.id DESC LIMIT 1"
        );
        sqlx::query(SQL).bind(repo_id).bind(reuse_key).fetch_optional(self.read()).await?.as_ref().map(row).transpose()
    }

    /// The subjects that want a run, sorted.
    pub async fn subjects_of(&self, run_id: i64) -> Result<Vec<String>> {
        const SQL: &str = "SELECT subject FROM run_subjects WHERE run_id = $1 ORDER BY subject";
        Ok(sqlx::query_scalar(SQL).bind(run_id).fetch_all(self.read()).await?)
    }

    /// Those of `ids` that should stop, each with the reason. One query over the few flags that are set.
    pub async fn cancel_flags(&self, ids: &[i64]) -> Result<Vec<(i64, String)>> {
        const SQL: &str = "SELECT id, cancel FROM runs WHERE cancel IS NOT NULL AND state <> 'done' ORDER BY id";
        let mut flags: Vec<(i64, String)> = sqlx::query_as(SQL).fetch_all(self.read()).await?;
        flags.retain(|(id, _)| ids.contains(id));
        Ok(flags)
    }

    /// Notes what the run's result depends on, before it starts.
    pub async fn set_reuse_key(&self, id: i64, key: Option<&str>) -> Result<()> {
        const SQL: &str = "UPDATE runs SET reuse_key = $2 WHERE id = $1 AND state <> 'done'";
        sqlx::query(SQL).bind(id).bind(key).execute(self.write()).await?;
        Ok(())
    }

    /// Marks a run as running; again after a lost lease. `false`: it is done.
    pub async fn start_run(&self, id: i64, now: i64, engine: &str, node: &str) -> Result<bool> {
        const SQL: &str =
            "UPDATE runs SET state = 'running', started_at = COALESCE(started_at, $2), engine = $3, node = $4
 WHERE id = $1 AND state <> 'done'";
        let done = sqlx::query(SQL).bind(id).bind(now).bind(engine).bind(node).execute(self.write()).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Saves what is known so far. `false`: it is done.
    pub async fn progress_run(&self, id: i64, result: &str) -> Result<bool> {
        const SQL: &str = "UPDATE runs SET result = $2 WHERE id = $1 AND state <> 'done'";
        Ok(sqlx::query(SQL).bind(id).bind(result).execute(self.write()).await?.rows_affected() == 1)
    }

    /// As [`Tx::end_run`], alone.
    pub async fn end_run(&self, id: i64, conclusion: &str, result: &str, now: i64) -> Result<bool> {
        end(&mut *self.write().acquire().await?, (id, conclusion, result, now)).await
    }
}

impl Tx {
    /// How many runs of a repository have not ended, counted up to `most`.
    pub async fn unfinished_runs(&mut self, repo_id: i64, most: i64) -> Result<i64> {
        const SQL: &str =
            "SELECT COUNT(*) FROM (SELECT 1 FROM runs WHERE repo_id = $1 AND state <> 'done' LIMIT $2) unfinished";
        Ok(sqlx::query_scalar(SQL).bind(repo_id).bind(most).fetch_one(self.connection()).await?)
    }

    /// Inserts a run or finds the same one. Returns its id and whether it is new.
    pub async fn insert_run(&mut self, run: &NewRun) -> Result<(i64, bool)> {
        const INSERT: &str = "INSERT INTO runs (repo_id, sha, pipeline, digest, trust, try_no, state, spec, created_at)
 VALUES ($1, $2, $3, $4, $5, $6, 'queued', $7, $8)
 ON CONFLICT (repo_id, sha, pipeline, digest, trust, try_no) DO NOTHING RETURNING id";
        const FIND: &str = "SELECT id FROM runs
 WHERE repo_id = $1 AND sha = $2 AND pipeline = $3 AND digest = $4 AND trust = $5 AND try_no = $6";
        let new: Option<i64> = sqlx::query_scalar(INSERT)
            .bind(run.repo_id)
            .bind(&run.sha)
            .bind(&run.pipeline)
            .bind(&run.digest)
            .bind(&run.trust)
            .bind(run.try_no)
            .bind(&run.spec)
            .bind(run.now)
            .fetch_optional(self.connection())
            .await?;
        if let Some(id) = new {
            return Ok((id, true));
        }
        let id = sqlx::query_scalar(FIND)
            .bind(run.repo_id)
            .bind(&run.sha)
            .bind(&run.pipeline)
            .bind(&run.digest)
            .bind(&run.trust)
            .bind(run.try_no)
            .fetch_one(self.connection())
            .await?;
        Ok((id, false))
    }

    /// Notes that a subject wants a run; twice is once.
    pub async fn attach_subject(&mut self, run_id: i64, subject: &str) -> Result<()> {
        const SQL: &str =
            "INSERT INTO run_subjects (run_id, subject) VALUES ($1, $2) ON CONFLICT (subject, run_id) DO NOTHING";
        sqlx::query(SQL).bind(run_id).bind(subject).execute(self.connection()).await?;
        Ok(())
    }

    /// Asks a run to stop; the first reason stays. `false`: it is done or was asked before.
    pub async fn cancel_run(&mut self, run_id: i64, reason: &str) -> Result<bool> {
        const SQL: &str = "UPDATE runs SET cancel = $2 WHERE id = $1 AND state <> 'done' AND cancel IS NULL";
        Ok(sqlx::query(SQL).bind(run_id).bind(reason).execute(self.connection()).await?.rows_affected() == 1)
    }

    /// Ends a run for good, together with the event that says so. `false`: it was done before; nothing changed.
    pub async fn end_run(&mut self, id: i64, conclusion: &str, result: &str, now: i64) -> Result<bool> {
        end(self.connection(), (id, conclusion, result, now)).await
    }
}

async fn end(connection: &mut AnyConnection, (id, conclusion, result, now): (i64, &str, &str, i64)) -> Result<bool> {
    const SQL: &str = "UPDATE runs SET state = 'done', conclusion = $2, result = $3, finished_at = $4
 WHERE id = $1 AND state <> 'done'";
    let done = sqlx::query(SQL).bind(id).bind(conclusion).bind(result).bind(now).execute(connection).await?;
    Ok(done.rows_affected() == 1)
}
