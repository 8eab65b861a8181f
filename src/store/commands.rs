//! Commands by the comment they stood in: a comment is executed once, however often GitHub tells of it.

use super::{Store, Tx};
use anyhow::Result;
use sqlx::AnyConnection;

/// A command as first seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCommand {
    /// GitHub's id of the comment.
    pub comment_id: i64,
    /// The lane of the aggregate, such as `pr:1/7`.
    pub subject: String,
    /// Login of who typed it.
    pub author: String,
    /// The line as typed.
    pub text: String,
    /// The head it is bound to.
    pub sha: Option<String>,
    /// The caller's word for where it stands.
    pub state: String,
    /// What was answered, once it was.
    pub answer: Option<String>,
    /// Unix ms.
    pub now: i64,
}

/// A command as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandRow {
    /// GitHub's id of the comment.
    pub comment_id: i64,
    /// The lane of the aggregate.
    pub subject: String,
    /// Login of who typed it.
    pub author: String,
    /// The line as typed.
    pub text: String,
    /// The head it is bound to.
    pub sha: Option<String>,
    /// The caller's word for where it stands.
    pub state: String,
    /// What was answered.
    pub answer: Option<String>,
    /// Unix ms.
    pub created_at: i64,
    /// Unix ms.
    pub updated_at: i64,
}

type Columns = (i64, String, String, String, Option<String>, String, Option<String>, i64, i64);

fn row((comment_id, subject, author, text, sha, state, answer, created_at, updated_at): Columns) -> CommandRow {
    CommandRow { comment_id, subject, author, text, sha, state, answer, created_at, updated_at }
}

impl Store {
    /// The command of this comment.
    pub async fn command(&self, comment_id: i64) -> Result<Option<CommandRow>> {
        const SQL: &str = "SELECT comment_id, subject, author, text, sha, state, answer, created_at, updated_at
 FROM commands WHERE comment_id = $1";
        Ok(sqlx::query_as(SQL).bind(comment_id).fetch_optional(self.read()).await?.map(row))
    }

    /// The newest `limit` commands of a subject, oldest first.
    pub async fn commands_of(&self, subject: &str, limit: i64) -> Result<Vec<CommandRow>> {
        const SQL: &str = "SELECT comment_id, subject, author, text, sha, state, answer, created_at, updated_at
 FROM commands WHERE subject = $1 ORDER BY comment_id DESC LIMIT $2";
        let rows = sqlx::query_as(SQL).bind(subject).bind(limit).fetch_all(self.read()).await?;
        Ok(rows.into_iter().rev().map(row).collect())
    }

    /// As [`Tx::update_command`], alone.
    pub async fn update_command(&self, comment_id: i64, state: &str, answer: Option<&str>, now: i64) -> Result<bool> {
        update(&mut *self.write().acquire().await?, (comment_id, state, answer, now)).await
    }
}

impl Tx {
    /// Notes a command. `false`: this comment was seen before, and its command must not run again.
    pub async fn insert_command(&mut self, command: &NewCommand) -> Result<bool> {
        const SQL: &str =
            "INSERT INTO commands (comment_id, subject, author, text, sha, state, answer, created_at, updated_at)
 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) ON CONFLICT (comment_id) DO NOTHING";
        let done = sqlx::query(SQL)
            .bind(command.comment_id)
            .bind(&command.subject)
            .bind(&command.author)
            .bind(&command.text)
            .bind(command.sha.as_deref())
            .bind(&command.state)
            .bind(command.answer.as_deref())
            .bind(command.now)
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Changes where a command stands; an answer of `None` keeps the stored one. `false`: no such command.
    pub async fn update_command(
        &mut self,
        comment_id: i64,
        state: &str,
        answer: Option<&str>,
        now: i64,
    ) -> Result<bool> {
        update(self.connection(), (comment_id, state, answer, now)).await
    }
}

async fn update(connection: &mut AnyConnection, to: (i64, &str, Option<&str>, i64)) -> Result<bool> {
    const SQL: &str =
        "UPDATE commands SET state = $2, answer = COALESCE($3, answer), updated_at = $4 WHERE comment_id = $1";
    let (comment_id, state, answer, now) = to;
    let done = sqlx::query(SQL).bind(comment_id).bind(state).bind(answer).bind(now).execute(connection).await?;
    Ok(done.rows_affected() == 1)
}
