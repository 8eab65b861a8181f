//! Who wants a run, and the run behind its identity. A run that several want ends only when the last one lets go.

use anyhow::Result;

use super::Tx;
use super::runs::{self, RunRow};

/// What makes a run the same run, beside its repository.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// The commit.
    pub sha: &'a str,
    /// Name in `fairway.toml`.
    pub pipeline: &'a str,
    /// Digest of its definition.
    pub digest: &'a str,
    /// The caller's word for what it may see.
    pub trust: &'a str,
    /// From 1.
    pub try_no: i64,
}

impl Tx {
    /// The run with this id, as this transaction sees it.
    pub async fn run(&mut self, id: i64) -> Result<Option<RunRow>> {
        let sql = format!("{} WHERE r.id = $1", runs::COLUMNS);
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(self.connection()).await?;
        row.as_ref().map(runs::row).transpose()
    }

    /// The run with this identity.
    pub async fn find_run(&mut self, repo_id: i64, of: &Identity<'_>) -> Result<Option<RunRow>> {
        let sql = format!(
            "{} WHERE r.repo_id = $1 AND r.sha = $2 AND r.pipeline = $3 AND r.digest = $4 AND r.trust = $5 AND r.try_no = $6",
            runs::COLUMNS
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(repo_id).bind(of.sha).bind(of.pipeline);
        let row = query.bind(of.digest).bind(of.trust).bind(of.try_no).fetch_optional(self.connection()).await?;
        row.as_ref().map(runs::row).transpose()
    }

    /// What is known of a run so far; a run that is done stays as it is.
    pub async fn set_result(&mut self, id: i64, result: &str) -> Result<()> {
        const SQL: &str = "UPDATE runs SET result = $2 WHERE id = $1 AND state <> 'done'";
        sqlx::query(SQL).bind(id).bind(result).execute(self.connection()).await?;
        Ok(())
    }

    /// The subjects that want a run, sorted.
    pub async fn subjects_of(&mut self, run_id: i64) -> Result<Vec<String>> {
        const SQL: &str = "SELECT subject FROM run_subjects WHERE run_id = $1 ORDER BY subject";
        Ok(sqlx::query_scalar(SQL).bind(run_id).fetch_all(self.connection()).await?)
    }

    /// A subject no longer wants a run. Gives how many still do.
    pub async fn detach_subject(&mut self, run_id: i64, subject: &str) -> Result<i64> {
        const DROP: &str = "DELETE FROM run_subjects WHERE run_id = $1 AND subject = $2";
        const COUNT: &str = "SELECT COUNT(*) FROM run_subjects WHERE run_id = $1";
        sqlx::query(DROP).bind(run_id).bind(subject).execute(self.connection()).await?;
        Ok(sqlx::query_scalar(COUNT).bind(run_id).fetch_one(self.connection()).await?)
    }
}
