//! What people did on the pages. An act is noted before it is done and again when it is, so that none goes unseen.

use anyhow::Result;

use crate::store::Store;

/// Something that somebody is about to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAct {
    /// Unix ms.
    pub at: i64,
    /// Login, or words for whoever has the token.
    pub who: String,
    /// GitHub's number of the person; `None` for whoever has the token.
    pub user_id: Option<i64>,
    /// What, in a word or two.
    pub what: String,
    /// On what; may be empty.
    pub subject: String,
}

/// One act as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActRow {
    /// Row id.
    pub id: i64,
    /// What, by whom, when.
    pub act: NewAct,
    /// What came of it; `None`: it was begun, and its end is not known.
    pub outcome: Option<String>,
}

type Columns = (i64, i64, String, Option<i64>, String, String, Option<String>);

fn row((id, at, who, user_id, what, subject, outcome): Columns) -> ActRow {
    ActRow { id, act: NewAct { at, who, user_id, what, subject }, outcome }
}

impl Store {
    /// Notes an act before it is done. Its id.
    pub async fn begin_act(&self, act: &NewAct) -> Result<i64> {
        const SQL: &str =
            "INSERT INTO audit (at, who, user_id, what, subject) VALUES ($1, $2, $3, $4, $5) RETURNING id";
        let query = sqlx::query_scalar(SQL).bind(act.at).bind(&act.who).bind(act.user_id);
        Ok(query.bind(&act.what).bind(&act.subject).fetch_one(self.write()).await?)
    }

    /// Notes what came of an act.
    pub async fn end_act(&self, id: i64, outcome: &str) -> Result<()> {
        const SQL: &str = "UPDATE audit SET outcome = $2 WHERE id = $1";
        sqlx::query(SQL).bind(id).bind(outcome).execute(self.write()).await?;
        Ok(())
    }

    /// The newest acts, the newest first, at most `limit`; of those before the one with this id.
    pub async fn acts(&self, before: i64, limit: i64) -> Result<Vec<ActRow>> {
        const SQL: &str = "SELECT id, at, who, user_id, what, subject, outcome FROM audit
 WHERE id < $1 ORDER BY id DESC LIMIT $2";
        let rows = sqlx::query_as(SQL).bind(before).bind(limit).fetch_all(self.read()).await?;
        Ok(rows.into_iter().map(row).collect())
    }
}
