//! Sealed secrets, in and out as bytes: this file never sees one in clear. See [`seal`].

pub mod seal;

use super::Store;
use anyhow::Result;

/// A sealed secret to be stored; it replaces the one with the same name, repository, environment and trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSecret {
    /// Such as `CODECOV_TOKEN`.
    pub name: String,
    /// `owner/name`, an owner, or `*`. Stored in lower case, as GitHub compares.
    pub repo: String,
    /// Only for deploys to this environment.
    pub env: Option<String>,
    /// `protected` (default branch only) or `pr`.
    pub trust: String,
    /// Nonce and ciphertext.
    pub sealed: Vec<u8>,
    /// Who set it.
    pub created_by: String,
    /// Unix ms.
    pub now: i64,
}

/// A sealed secret as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRow {
    /// Row id; a new value gets a new one, so it serves as the secret's version.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// `owner/name`, an owner, or `*`, in lower case.
    pub repo: String,
    /// Only for deploys to this environment.
    pub env: Option<String>,
    /// `protected` or `pr`.
    pub trust: String,
    /// Nonce and ciphertext.
    pub sealed: Vec<u8>,
    /// Unix ms.
    pub created_at: i64,
    /// Who set it.
    pub created_by: String,
}

type Columns = (i64, String, String, String, String, Vec<u8>, i64, String);

fn row((id, name, repo, env, trust, sealed, created_at, created_by): Columns) -> SecretRow {
    SecretRow { id, name, repo, env: Some(env).filter(|env| !env.is_empty()), trust, sealed, created_at, created_by }
}

impl Store {
    /// Stores a sealed secret and returns its id.
    pub async fn put_secret(&self, secret: &NewSecret) -> Result<i64> {
        const CLEAR: &str = "DELETE FROM secrets WHERE name = $1 AND repo = $2 AND env = $3 AND trust = $4";
        const PUT: &str = "INSERT INTO secrets (name, repo, env, trust, sealed, created_at, created_by)
 VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id";
        let (repo, env) = (secret.repo.to_lowercase(), secret.env.as_deref().unwrap_or(""));
        let mut tx = self.begin().await?;
        sqlx::query(CLEAR)
            .bind(&secret.name)
            .bind(&repo)
            .bind(env)
            .bind(&secret.trust)
            .execute(tx.connection())
            .await?;
        let id = sqlx::query_scalar(PUT)
            .bind(&secret.name)
            .bind(&repo)
            .bind(env)
            .bind(&secret.trust)
            .bind(&secret.sealed)
            .bind(secret.now)
            .bind(&secret.created_by)
            .fetch_one(tx.connection())
            .await?;
        tx.commit().await?;
        Ok(id)
    }

    /// The secrets that reach a repository (`owner/name`): its own first, then its owner's, then those of all. Those
    /// of an environment only when it is the given one. Who is trusted with which is the caller's to decide.
    pub async fn secrets_for(&self, repo: &str, env: Option<&str>) -> Result<Vec<SecretRow>> {
        const SQL: &str = "SELECT id, name, repo, env, trust, sealed, created_at, created_by FROM secrets
 WHERE repo IN ($1, $2, '*') AND (env = '' OR env = $3)
 ORDER BY name, CASE WHEN repo = $1 THEN 0 WHEN repo = $2 THEN 1 ELSE 2 END, CASE WHEN env = '' THEN 1 ELSE 0 END, trust";
        let repo = repo.to_lowercase();
        let owner = repo.split('/').next().unwrap_or_default().to_owned();
        let rows = sqlx::query_as(SQL).bind(repo).bind(owner).bind(env.unwrap_or("")).fetch_all(self.read()).await?;
        Ok(rows.into_iter().map(row).collect())
    }

    /// All secrets, sealed, by repository and name.
    pub async fn secrets(&self) -> Result<Vec<SecretRow>> {
        const SQL: &str = "SELECT id, name, repo, env, trust, sealed, created_at, created_by FROM secrets
 ORDER BY repo, name, env, trust";
        Ok(sqlx::query_as(SQL).fetch_all(self.read()).await?.into_iter().map(row).collect())
    }

    /// Removes a secret in all its trusts. How many rows went.
    pub async fn remove_secret(&self, name: &str, repo: &str, env: Option<&str>) -> Result<u64> {
        const SQL: &str = "DELETE FROM secrets WHERE name = $1 AND repo = $2 AND env = $3";
        let query = sqlx::query(SQL).bind(name).bind(repo.to_lowercase()).bind(env.unwrap_or(""));
        Ok(query.execute(self.write()).await?.rows_affected())
    }
}
