//! The repositories that Fairway was told of. Keyed by id, because names change.

use super::Store;
use anyhow::Result;

/// One repository as last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepoRow {
    /// GitHub's id.
    pub id: i64,
    /// The installation that reaches it.
    pub installation_id: i64,
    /// Login of the owner.
    pub owner: String,
    /// Name without the owner.
    pub name: String,
    /// Name of the default branch.
    pub default_branch: String,
    /// Up to where comments were read; kept by [`Store::set_comments_cursor`] only.
    pub comments_cursor: Option<String>,
    /// Unix ms.
    pub updated_at: i64,
}

type Columns = (i64, i64, String, String, String, Option<String>, i64);

fn row((id, installation_id, owner, name, default_branch, comments_cursor, updated_at): Columns) -> RepoRow {
    RepoRow { id, installation_id, owner, name, default_branch, comments_cursor, updated_at }
}

impl Store {
    /// Notes a repository; the newest word wins, but the comments cursor stays.
    pub async fn upsert_repo(&self, repo: &RepoRow) -> Result<()> {
        const SQL: &str = "INSERT INTO repos (id, installation_id, owner, name, default_branch, comments_cursor, updated_at)
 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET installation_id = excluded.installation_id,
 owner = excluded.owner, name = excluded.name, default_branch = excluded.default_branch, updated_at = excluded.updated_at";
        sqlx::query(SQL)
            .bind(repo.id)
            .bind(repo.installation_id)
            .bind(&repo.owner)
            .bind(&repo.name)
            .bind(&repo.default_branch)
            .bind(repo.comments_cursor.as_deref())
            .bind(repo.updated_at)
            .execute(self.write())
            .await?;
        Ok(())
    }

    /// The repository with this id.
    pub async fn repo(&self, id: i64) -> Result<Option<RepoRow>> {
        const SQL: &str = "SELECT id, installation_id, owner, name, default_branch, comments_cursor, updated_at
 FROM repos WHERE id = $1";
        Ok(sqlx::query_as(SQL).bind(id).fetch_optional(self.read()).await?.map(row))
    }

    /// The repository that was last seen under this name, in any case of letters, as GitHub compares names.
    pub async fn repo_by_name(&self, owner: &str, name: &str) -> Result<Option<RepoRow>> {
        const SQL: &str = "SELECT id, installation_id, owner, name, default_branch, comments_cursor, updated_at
 FROM repos WHERE LOWER(owner) = $1 AND LOWER(name) = $2 ORDER BY updated_at DESC, id DESC LIMIT 1";
        let query = sqlx::query_as(SQL).bind(owner.to_lowercase()).bind(name.to_lowercase());
        Ok(query.fetch_optional(self.read()).await?.map(row))
    }

    /// All repositories, by name.
    pub async fn repos(&self) -> Result<Vec<RepoRow>> {
        const SQL: &str = "SELECT id, installation_id, owner, name, default_branch, comments_cursor, updated_at
 FROM repos ORDER BY owner, name, id";
        Ok(sqlx::query_as(SQL).fetch_all(self.read()).await?.into_iter().map(row).collect())
    }

    /// Remembers up to where a repository's comments were read. `false`: no such repository.
    pub async fn set_comments_cursor(&self, id: i64, cursor: &str) -> Result<bool> {
        const SQL: &str = "UPDATE repos SET comments_cursor = $2 WHERE id = $1";
        Ok(sqlx::query(SQL).bind(id).bind(cursor).execute(self.write()).await?.rows_affected() == 1)
    }
}
