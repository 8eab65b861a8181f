//! Deployments: GitHub's record of what went where, and how it went.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::domain::ids::Repo;
use crate::github::auth::{Auth, Scope};
use crate::github::client::{Ask, GitHub};
use crate::github::error::GitHubError;
use crate::github::repos::base;
use crate::github::wire::{Id, escape};

const WRITE: Scope = &[("deployments", "write")];
/// GitHub refuses a longer description.
const DESCRIPTION: usize = 140;

/// A deployment that is to be there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewDeployment {
    /// The commit.
    pub sha: String,
    /// Name of the environment.
    pub environment: String,
    /// `deploy`, or `rollback`.
    pub task: String,
    /// Ours; by it the deployment is found again.
    pub rollout: i64,
    /// Whether customers use it.
    pub production: bool,
    /// The commit that a rollback takes back.
    pub rollback_of: Option<String>,
}

/// Where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentState {
    /// `queued`, `in_progress`, `success`, `failure`, `inactive` or `error`.
    pub state: String,
    /// One line, cut at 140 characters.
    pub description: String,
    /// Where it can be looked at.
    pub environment_url: Option<String>,
}

#[derive(Deserialize)]
struct Deployment {
    id: i64,
    #[serde(default)]
    sha: String,
    #[serde(default)]
    payload: Value,
}

impl GitHub {
    /// Makes a deployment and answers its id. Both dangerous defaults of GitHub's are switched off: nothing is merged,
    /// and no status is waited for.
    ///
    /// # Errors
    /// `Invalid` when GitHub put another commit on it; `Ambiguous` when it may exist now. Else see [`GitHubError`].
    pub async fn create_deployment(&self, repo: &Repo, new: &NewDeployment) -> Result<i64, GitHubError> {
        let mut payload = json!({ "fairway_rollout": new.rollout });
        if let Some(sha) = &new.rollback_of {
            payload["rollback_of"] = json!(sha);
        }
        let body = json!({
            "ref": new.sha,
            "environment": new.environment,
            "task": new.task,
            "auto_merge": false,
            "required_contexts": [],
            "production_environment": new.production,
            "payload": payload,
        });
        let path = format!("{}/deployments", base(repo));
        let made: Deployment = self.json(Ask::write(Auth::of(repo, WRITE), Method::POST, path.clone(), body)).await?;
        if made.sha != new.sha {
            let message = format!("the deployment has commit {}, not {}", made.sha, new.sha);
            return Err(GitHubError::Invalid { what: format!("POST {path}"), message });
        }
        Ok(made.id)
    }

    /// The deployment of this rollout, if there is one.
    ///
    /// # Errors
    /// See [`GitHubError`].
    pub async fn find_deployment(&self, repo: &Repo, new: &NewDeployment) -> Result<Option<i64>, GitHubError> {
        let (sha, environment) = (escape(&new.sha), escape(&new.environment));
        let path = format!("{}/deployments?sha={sha}&environment={environment}&per_page=100", base(repo));
        let (pages, _) = self.pages::<Vec<Deployment>>(Ask::get(Auth::of(repo, WRITE), path), 10).await?;
        let ours = |at: &Deployment| at.payload.get("fairway_rollout").and_then(Value::as_i64) == Some(new.rollout);
        Ok(pages.into_iter().flatten().find(ours).map(|at| at.id))
    }

    /// Adds a status.
    ///
    /// # Errors
    /// `NotFound` when the deployment is gone; else see [`GitHubError`].
    pub async fn set_deployment(&self, repo: &Repo, id: i64, to: &DeploymentState) -> Result<(), GitHubError> {
        let description: String = to.description.chars().take(DESCRIPTION).collect();
        let mut body = json!({ "state": to.state, "description": description });
        if let Some(url) = &to.environment_url {
            body["environment_url"] = json!(url);
        }
        let path = format!("{}/deployments/{id}/statuses", base(repo));
        self.json::<Id>(Ask::write(Auth::of(repo, WRITE), Method::POST, path, body)).await.map(drop)
    }

    /// The state of the newest status; `None` when there is none.
    ///
    /// # Errors
    /// See [`GitHubError`].
    pub async fn deployment_state(&self, repo: &Repo, id: i64) -> Result<Option<String>, GitHubError> {
        #[derive(Deserialize)]
        struct Status {
            state: String,
        }
        let path = format!("{}/deployments/{id}/statuses?per_page=1", base(repo));
        let newest: Vec<Status> = self.json(Ask::get(Auth::of(repo, WRITE), path)).await?;
        Ok(newest.into_iter().next().map(|status| status.state))
    }
}
