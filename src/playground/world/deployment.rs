//! Deployments, labels, statuses and the merge queue.

use serde_json::Value;

/// A deployment.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// GitHub's id.
    pub id: u64,
    /// The commit.
    pub sha: String,
    /// What was asked for: branch, tag or SHA.
    pub reference: String,
    /// `deploy` unless said otherwise.
    pub task: String,
    /// Name of the environment.
    pub environment: String,
    /// Anything the App put there.
    pub payload: Value,
    /// For people.
    pub description: Option<String>,
    /// Goes away some time.
    pub transient: bool,
    /// Customers use it.
    pub production: bool,
    /// Login.
    pub creator: String,
    /// Oldest first.
    pub statuses: Vec<DeploymentStatus>,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// How a deployment goes.
#[derive(Clone, Debug)]
pub struct DeploymentStatus {
    /// GitHub's id.
    pub id: u64,
    /// `error failure inactive in_progress queued pending success`.
    pub state: String,
    /// At most 140 characters.
    pub description: String,
    /// Name of the environment.
    pub environment: String,
    /// Where the log is.
    pub log_url: String,
    /// Where it runs.
    pub environment_url: String,
    /// Login.
    pub creator: String,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// A label of a repository.
#[derive(Clone, Debug)]
pub struct Label {
    /// GitHub's id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Six hexadecimal digits.
    pub color: String,
    /// For people.
    pub description: Option<String>,
}

/// A commit status (the older cousin of a check run).
#[derive(Clone, Debug)]
pub struct Status {
    /// GitHub's id.
    pub id: u64,
    /// The commit.
    pub sha: String,
    /// `error failure pending success`.
    pub state: String,
    /// Its name.
    pub context: String,
    /// For people.
    pub description: Option<String>,
    /// Where to look.
    pub target_url: Option<String>,
    /// Login.
    pub creator: String,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// A pull request in the merge queue.
#[derive(Clone, Debug)]
pub struct MergeGroup {
    /// Pull request number.
    pub number: u64,
    /// `refs/heads/gh-readonly-queue/BASE/pr-N-SHA`.
    pub head_ref: String,
    /// The merge commit that is to be checked.
    pub head_sha: String,
    /// `refs/heads/BASE`.
    pub base_ref: String,
    /// The base it was built on.
    pub base_sha: String,
}
