//! A repository that Fairway makes itself, and its first commit.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{CODE, entries};
use crate::domain::ids::Repo;
use crate::domain::onboard::File;
use crate::github::auth::{Auth, Scope};
use crate::github::client::{Ask, GitHub};
use crate::github::error::GitHubError;
use crate::github::repos::base;
use crate::github::wire::{Repository, Sha, escape, escape_path};

const ADMINISTRATION: Scope = &[("administration", "write")];

#[derive(Deserialize)]
struct Install {
    id: i64,
}

impl GitHub {
    /// The App's installation in an organisation; `None` when it is not installed there.
    ///
    /// # Errors
    /// See [`GitHubError`]; so for every call here.
    pub async fn installed_in(&self, org: &str) -> Result<Option<i64>, GitHubError> {
        let ask = Ask::get(Auth::App, format!("/orgs/{}/installation", escape(org)));
        match self.json::<Install>(ask).await {
            Ok(found) => Ok(Some(found.id)),
            Err(GitHubError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes an empty repository in an organisation.
    pub async fn create_repository(&self, installation: i64, (org, name): (&str, &str)) -> Result<Repo, GitHubError> {
        let auth = Auth::Installation { installation, repo: None, scope: ADMINISTRATION };
        let body = json!({ "name": name, "private": true, "auto_init": false });
        let ask = Ask::write(auth, Method::POST, format!("/orgs/{}/repos", escape(org)), body);
        Ok(self.json::<Repository>(ask).await?.into_repo(installation))
    }

    /// Makes the first commit of an empty repository. Git's own objects cannot be made there before a first file is, so
    /// that comes first, and the commit of all takes its place. Gives the commit.
    pub async fn begin(
        &self,
        repo: &Repo,
        (first, files): (&File, &[File]),
        message: &str,
    ) -> Result<String, GitHubError> {
        let write = |method: Method, path: &str, body: Value| {
            Ask::write(Auth::of(repo, CODE), method, format!("{}/{path}", base(repo)), body)
        };
        let path = format!("contents/{}", escape_path(&first.path));
        self.send(write(Method::PUT, &path, json!({ "message": message, "content": STANDARD.encode(&first.text) })))
            .await?;
        let tree: Sha = self.json(write(Method::POST, "git/trees", json!({ "tree": entries(files) }))).await?;
        let body = json!({ "message": message, "tree": tree.sha, "parents": [] });
        let made: Sha = self.json(write(Method::POST, "git/commits", body)).await?;
        let path = format!("git/refs/heads/{}", escape(&repo.default_branch));
        self.send(write(Method::PATCH, &path, json!({ "sha": made.sha, "force": true }))).await?;
        Ok(made.sha)
    }
}
