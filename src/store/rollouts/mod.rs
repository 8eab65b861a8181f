//! Rollouts: one row each, written by whoever carries it on. `ended_at` never changes once it is set.

mod brought;

use super::{Store, Tx};
use anyhow::Result;
use sqlx::{Row, any::AnyRow};

/// A rollout that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRollout {
    /// GitHub's repository id.
    pub repo_id: i64,
    /// Name in `fairway.toml`.
    pub environment: String,
    /// The environment's how manieth, from 1.
    pub number: i64,
    /// The caller's word for what sort of change it is.
    pub kind: String,
    /// The commit.
    pub sha: String,
    /// What was live before.
    pub base_sha: Option<String>,
    /// Digest of what was exported.
    pub release: String,
    /// The pull request it was asked in.
    pub pull: Option<i64>,
    /// Opaque JSON: what it is to do.
    pub spec: String,
    /// When it was asked for, Unix ms.
    pub accepted_at: i64,
    /// When its release was built, Unix ms.
    pub build_done_at: i64,
    /// The pull request whose damage it mends.
    pub fixes: Option<i64>,
    /// What it takes back was no failure.
    pub excused: bool,
    /// Unix ms.
    pub now: i64,
}

/// One rollout as stored. Times are Unix ms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutRow {
    /// Row id.
    pub id: i64,
    /// GitHub's repository id.
    pub repo_id: i64,
    /// Name in `fairway.toml`.
    pub environment: String,
    /// The environment's how manieth, from 1.
    pub number: i64,
    /// The caller's word for what sort of change it is.
    pub kind: String,
    /// The commit.
    pub sha: String,
    /// What was live before.
    pub base_sha: Option<String>,
    /// Digest of what was exported.
    pub release: String,
    /// The pull request it was asked in.
    pub pull: Option<i64>,
    /// Opaque JSON: what it is to do.
    pub spec: String,
    /// Opaque JSON: where it stands; `None` until somebody looked.
    pub state: Option<String>,
    /// Opaque JSON: what people said to it meanwhile.
    pub orders: String,
    /// When it was asked for.
    pub accepted_at: i64,
    /// When its release was built.
    pub build_done_at: i64,
    /// The pull request whose damage it mends.
    pub fixes: Option<i64>,
    /// Where it got to.
    pub marks: Marks,
}

/// Where a rollout got to: what is measured about it later, and what people are told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// When it first had traffic.
    pub first_traffic_at: Option<i64>,
    /// When it was seen to have all.
    pub full_at: Option<i64>,
    /// When it was over.
    pub ended_at: Option<i64>,
    /// The caller's word for how.
    pub outcome: Option<String>,
    /// The verdict in words.
    pub decision: Option<String>,
    /// Most of the traffic it had, in basis points.
    pub max_weight: i64,
    /// Basis points times milliseconds.
    pub exposure: i64,
    /// Requests that it answered badly.
    pub bad_requests: i64,
    /// When something showed that it is bad.
    pub detected_at: Option<i64>,
    /// When it was decided to take it back.
    pub decided_at: Option<i64>,
    /// Whoever took it back said that it was no failure; of a rollback, that what it takes back was none.
    pub excused: bool,
    /// Since when one that had been live was bad, as far as is known.
    pub failed_at: Option<i64>,
    /// The caller's word for how that was mended.
    pub failed_by: Option<String>,
    /// When the old version had all traffic again.
    pub restored_at: Option<i64>,
}

macro_rules! columns {
    () => {
        "SELECT id, repo_id, environment, number, kind, sha, base_sha, release, pull, spec, state, orders, accepted_at, \
         build_done_at, first_traffic_at, full_at, ended_at, outcome, decision, max_weight, exposure, bad_requests, \
         detected_at, decided_at, excused, fixes, failed_at, failed_by, restored_at FROM rollouts "
    };
}

fn row(r: &AnyRow) -> Result<RolloutRow> {
    Ok(RolloutRow {
        id: r.try_get("id")?,
        repo_id: r.try_get("repo_id")?,
        environment: r.try_get("environment")?,
        number: r.try_get("number")?,
        kind: r.try_get("kind")?,
        sha: r.try_get("sha")?,
        base_sha: r.try_get("base_sha")?,
        release: r.try_get("release")?,
        pull: r.try_get("pull")?,
        spec: r.try_get("spec")?,
        state: r.try_get("state")?,
        orders: r.try_get("orders")?,
        accepted_at: r.try_get("accepted_at")?,
        build_done_at: r.try_get("build_done_at")?,
        fixes: r.try_get("fixes")?,
        marks: Marks {
            first_traffic_at: r.try_get("first_traffic_at")?,
            full_at: r.try_get("full_at")?,
            ended_at: r.try_get("ended_at")?,
            outcome: r.try_get("outcome")?,
            decision: r.try_get("decision")?,
            max_weight: r.try_get("max_weight")?,
            exposure: r.try_get("exposure")?,
            bad_requests: r.try_get("bad_requests")?,
            detected_at: r.try_get("detected_at")?,
            decided_at: r.try_get("decided_at")?,
            excused: r.try_get::<i64, _>("excused")? == 1,
            failed_at: r.try_get("failed_at")?,
            failed_by: r.try_get("failed_by")?,
            restored_at: r.try_get("restored_at")?,
        },
    })
}

impl Store {
    /// The rollout with this id.
    pub async fn rollout(&self, id: i64) -> Result<Option<RolloutRow>> {
        const SQL: &str = concat!(columns!(), "WHERE id = $1");
        sqlx::query(SQL).bind(id).fetch_optional(self.read()).await?.as_ref().map(row).transpose()
    }

    /// The newest rollout of an environment.
    pub async fn newest_rollout(&self, repo_id: i64, environment: &str) -> Result<Option<RolloutRow>> {
        const SQL: &str = concat!(columns!(), "WHERE repo_id = $1 AND environment = $2 ORDER BY number DESC LIMIT 1");
        let query = sqlx::query(SQL).bind(repo_id).bind(environment);
        query.fetch_optional(self.read()).await?.as_ref().map(row).transpose()
    }

    /// All rollouts of an environment, or of every one: those that began first come first. What they are to do, where
    /// they stand and what people said is left out: it is long, and no history needs it.
    pub async fn rollout_history(&self, environment: Option<&str>) -> Result<Vec<RolloutRow>> {
        const SQL: &str = "SELECT id, repo_id, environment, number, kind, sha, base_sha, release, pull, '' AS spec, \
                           CAST(NULL AS TEXT) AS state, '[]' AS orders, accepted_at, build_done_at, first_traffic_at, full_at, ended_at, \
                           outcome, decision, max_weight, exposure, bad_requests, detected_at, decided_at, excused, \
                           fixes, failed_at, failed_by, restored_at FROM rollouts \
                           WHERE environment = COALESCE($1, environment) ORDER BY id";
        sqlx::query(SQL).bind(environment).fetch_all(self.read()).await?.iter().map(row).collect()
    }

    /// Digests of everything that was ever released anywhere.
    pub async fn released(&self) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar("SELECT DISTINCT release FROM rollouts ORDER BY release").fetch_all(self.read()).await?)
    }
}

impl Tx {
    /// Begins a rollout. `None`: it began before, or another one of this environment has not ended.
    pub async fn insert_rollout(&mut self, new: &NewRollout) -> Result<Option<i64>> {
        const SQL: &str = "INSERT INTO rollouts (repo_id, environment, number, kind, sha, base_sha, release, pull, spec, \
                           accepted_at, build_done_at, updated_at, fixes, excused) \
                           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
                           ON CONFLICT DO NOTHING RETURNING id";
        let query = sqlx::query_scalar(SQL).bind(new.repo_id).bind(&new.environment).bind(new.number).bind(&new.kind);
        let query = query.bind(&new.sha).bind(new.base_sha.as_deref()).bind(&new.release).bind(new.pull);
        let query = query.bind(&new.spec).bind(new.accepted_at).bind(new.build_done_at).bind(new.now);
        let query = query.bind(new.fixes).bind(i64::from(new.excused));
        Ok(query.fetch_optional(self.connection()).await?)
    }

    /// One rollout of an environment, as this transaction sees it.
    pub async fn rollout_of(&mut self, repo_id: i64, environment: &str, number: i64) -> Result<Option<RolloutRow>> {
        const SQL: &str = concat!(columns!(), "WHERE repo_id = $1 AND environment = $2 AND number = $3");
        let query = sqlx::query(SQL).bind(repo_id).bind(environment).bind(number);
        query.fetch_optional(self.connection()).await?.as_ref().map(row).transpose()
    }

    /// What people said to it. One that has ended hears nothing.
    pub async fn set_orders(&mut self, id: i64, orders: &str) -> Result<bool> {
        const SQL: &str = "UPDATE rollouts SET orders = $2 WHERE id = $1 AND ended_at IS NULL";
        Ok(sqlx::query(SQL).bind(id).bind(orders).execute(self.connection()).await?.rows_affected() == 1)
    }

    /// Writes how far it is; `state` is opaque JSON. `false`: it had ended, and stays as it was.
    pub async fn save_rollout(&mut self, id: i64, (state, to): (&str, &Marks), now: i64) -> Result<bool> {
        const SQL: &str = "UPDATE rollouts SET state = $2, first_traffic_at = $3, full_at = $4, ended_at = $5, \
                           outcome = $6, decision = $7, max_weight = $8, exposure = $9, bad_requests = $10, \
                           failed_at = $11, failed_by = $12, restored_at = $13, updated_at = $14, \
                           detected_at = $15, decided_at = $16, excused = CASE WHEN $17 = 1 THEN 1 ELSE excused END \
                           WHERE id = $1 AND ended_at IS NULL";
        let query = sqlx::query(SQL).bind(id).bind(state).bind(to.first_traffic_at).bind(to.full_at);
        let query = query.bind(to.ended_at).bind(to.outcome.as_deref()).bind(to.decision.as_deref());
        let query = query.bind(to.max_weight).bind(to.exposure).bind(to.bad_requests).bind(to.failed_at);
        let query = query.bind(to.failed_by.as_deref()).bind(to.restored_at).bind(now);
        let query = query.bind(to.detected_at).bind(to.decided_at).bind(i64::from(to.excused));
        Ok(query.execute(self.connection()).await?.rows_affected() == 1)
    }
}
