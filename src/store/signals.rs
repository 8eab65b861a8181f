//! What webhooks told of how people work together. Rows are only ever added, each with the end of its delivery, so that
//! none comes twice; [`super::Keep`] says how long they stay.

use super::{Store, Tx};
use anyhow::Result;
use sqlx::{Row, any::AnyRow};

/// One thing that was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignalRow {
    /// GitHub's repository id; 0 when it is about a whole account.
    pub repo_id: i64,
    /// Login of that account; empty when it is about a repository.
    pub account: String,
    /// The caller's word for what it is.
    pub kind: String,
    /// Pull request number; 0 when it is about none.
    pub pull: i64,
    /// Unix ms.
    pub at: i64,
    /// GitHub's id of a person; 0 when nobody is meant.
    pub who: i64,
    /// Branch without `refs/heads/`; may be empty.
    pub branch: String,
    /// The commit; may be empty.
    pub sha: String,
    /// Unix ms.
    pub authored_at: Option<i64>,
}

fn row(r: &AnyRow) -> Result<SignalRow> {
    Ok(SignalRow {
        repo_id: r.try_get("repo_id")?,
        account: r.try_get("account")?,
        kind: r.try_get("kind")?,
        pull: r.try_get("pull")?,
        at: r.try_get("at")?,
        who: r.try_get("who")?,
        branch: r.try_get("branch")?,
        sha: r.try_get("sha")?,
        authored_at: r.try_get("authored_at")?,
    })
}

/// Since when an installation is told of reviews.
fn reviews_key(installation: i64) -> String {
    format!("reviews_since:{installation}")
}

impl Store {
    /// All that was told, oldest first.
    pub async fn signals(&self) -> Result<Vec<SignalRow>> {
        const SQL: &str =
            "SELECT repo_id, account, kind, pull, at, who, branch, sha, authored_at FROM signals ORDER BY id";
        sqlx::query(SQL).fetch_all(self.read()).await?.iter().map(row).collect()
    }

    /// Notes whether GitHub tells an installation of reviews at this moment. What was so before stays since it was.
    pub async fn note_reviews_told(&self, installation: i64, told: bool, now: i64) -> Result<()> {
        match (told, self.reviews_since(installation).await?) {
            (true, None) => self.set_meta(&reviews_key(installation), &now.to_string()).await,
            (false, Some(_)) => self.set_meta(&reviews_key(installation), "").await,
            _ => Ok(()),
        }
    }

    /// Since when an installation is told of reviews, Unix ms; `None` when it is not.
    pub async fn reviews_since(&self, installation: i64) -> Result<Option<i64>> {
        Ok(self.meta(&reviews_key(installation)).await?.and_then(|text| text.parse().ok()))
    }
}

impl Tx {
    /// Adds what was told.
    pub async fn add_signal(&mut self, row: &SignalRow) -> Result<()> {
        const SQL: &str = "INSERT INTO signals (repo_id, account, kind, pull, at, who, branch, sha, authored_at)
 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        sqlx::query(SQL)
            .bind(row.repo_id)
            .bind(&row.account)
            .bind(&row.kind)
            .bind(row.pull)
            .bind(row.at)
            .bind(row.who)
            .bind(&row.branch)
            .bind(&row.sha)
            .bind(row.authored_at)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}
