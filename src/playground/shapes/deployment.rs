//! Deployments, their statuses, and commit statuses.

use serde_json::{Value, json};

use super::{iso, node_id};
use crate::playground::world::{Deployment, DeploymentStatus, Repo, Status, World};

impl World {
    /// A `deployment`.
    pub fn deployment_json(&self, repo: &Repo, deployment: &Deployment) -> Value {
        let url = format!("{}/deployments/{}", self.repo_url(repo), deployment.id);
        let updated = deployment.statuses.last().map_or(deployment.created_at, |status| status.created_at);
        json!({
            "url": url,
            "id": deployment.id,
            "node_id": node_id("Deployment", deployment.id),
            "sha": deployment.sha,
            "ref": deployment.reference,
            "task": deployment.task,
            "payload": deployment.payload,
            "original_environment": deployment.environment,
            "environment": deployment.environment,
            "description": deployment.description,
            "creator": self.user_json(&deployment.creator),
            "created_at": iso(deployment.created_at),
            "updated_at": iso(updated),
            "statuses_url": format!("{url}/statuses"),
            "repository_url": self.repo_url(repo),
            "transient_environment": deployment.transient,
            "production_environment": deployment.production,
        })
    }

    /// A `deployment-status`.
    pub fn deployment_status_json(&self, repo: &Repo, deployment: &Deployment, status: &DeploymentStatus) -> Value {
        let url = format!("{}/deployments/{}", self.repo_url(repo), deployment.id);
        json!({
            "url": format!("{url}/statuses/{}", status.id),
            "id": status.id,
            "node_id": node_id("DeploymentStatus", status.id),
            "state": status.state,
            "creator": self.user_json(&status.creator),
            "description": status.description,
            "environment": status.environment,
            "target_url": status.log_url,
            "log_url": status.log_url,
            "environment_url": status.environment_url,
            "created_at": iso(status.created_at),
            "updated_at": iso(status.created_at),
            "deployment_url": url,
            "repository_url": self.repo_url(repo),
        })
    }

    /// A commit `status`.
    pub fn status_json(&self, repo: &Repo, status: &Status) -> Value {
        json!({
            "url": format!("{}/statuses/{}", self.repo_url(repo), status.sha),
            "avatar_url": format!("{}/avatars/{}", self.url, status.creator),
            "id": status.id,
            "node_id": node_id("Status", status.id),
            "state": status.state,
            "description": status.description,
            "target_url": status.target_url,
            "context": status.context,
            "created_at": iso(status.created_at),
            "updated_at": iso(status.created_at),
            "creator": self.user_json(&status.creator),
        })
    }
}
