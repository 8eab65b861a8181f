//! The pull request that takes a merged one back. Its branch begins at the merge itself, so that git finds by itself
//! what has been merged since.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use crate::domain::ids::Repo;
use crate::github::auth::{Auth, Scope};
use crate::github::client::{Ask, GitHub};
use crate::github::error::GitHubError;
use crate::github::repos::base;
use crate::github::wire::{GitCommit, escape};

const CODE: Scope = &[("contents", "write")];
const PULLS: Scope = &[("pull_requests", "write")];

/// What is to be taken back, and the words for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revert {
    /// The commit that a merge or a squash made, or the last one that a rebase made.
    pub sha: String,
    /// The pull request that brought it.
    pub pull: i64,
    /// The branch to make; by its name the pull request is found again.
    pub branch: String,
    /// First line of commit and pull request.
    pub title: String,
    /// Markdown.
    pub body: String,
}

#[derive(Deserialize)]
struct Sha {
    sha: String,
}

#[derive(Deserialize)]
struct Parents {
    #[serde(default)]
    parents: Vec<Sha>,
}

#[derive(Deserialize)]
struct Listed {
    commit: Said,
    #[serde(default)]
    parents: Vec<Sha>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    message: String,
}

/// Commits of a pull request that are compared with what a rebase left: one page.
const COMPARED: usize = 100;

fn commit(repo: &Repo, sha: &str) -> String {
    format!("{}/git/commits/{}", base(repo), escape(sha))
}

impl GitHub {
    /// Makes the commit and its branch. Again is harmless: the branch stays where it is.
    ///
    /// # Errors
    /// `Invalid` when the commit has no parent to go back to; else see [`GitHubError`].
    pub async fn push_revert(&self, repo: &Repo, revert: &Revert) -> Result<(), GitHubError> {
        let parent = self.before(repo, revert).await?;
        let before: GitCommit = self.json(Ask::get(Auth::of(repo, CODE), commit(repo, &parent))).await?;
        let message = format!("{}\n\nThis reverts commit {}.\n", revert.title, revert.sha);
        let body = json!({ "message": message, "tree": before.tree.sha, "parents": [revert.sha] });
        let made: Sha = self
            .json(Ask::write(Auth::of(repo, CODE), Method::POST, format!("{}/git/commits", base(repo)), body))
            .await?;
        let body = json!({ "ref": format!("refs/heads/{}", revert.branch), "sha": made.sha });
        let path = format!("{}/git/refs", base(repo));
        match self.send(Ask::write(Auth::of(repo, CODE), Method::POST, path, body)).await {
            // The branch is there already: an earlier try made it.
            Ok(_) | Err(GitHubError::Invalid { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The commit before the pull request: the first parent of a merge or a squash. A rebase left as many commits as the pull
    /// request had, with the same messages; then it is the parent of the first of them.
    async fn before(&self, repo: &Repo, revert: &Revert) -> Result<String, GitHubError> {
        let Parents { parents } = self.json(Ask::get(Auth::of(repo, CODE), commit(repo, &revert.sha))).await?;
        let one = parents.len() == 1;
        let Some(parent) = parents.into_iter().next() else {
            let message = "it is the first commit of the repository".to_owned();
            return Err(GitHubError::Invalid { what: format!("reverting {}", revert.sha), message });
        };
        if !one {
            return Ok(parent.sha);
        }
        let path = format!("{}/pulls/{}/commits?per_page={COMPARED}", base(repo), revert.pull);
        let theirs: Vec<Listed> = self.json(Ask::get(Auth::of(repo, PULLS), path)).await?;
        if theirs.len() < 2 {
            return Ok(parent.sha);
        }
        let (sha, count) = (escape(&revert.sha), theirs.len());
        let path = format!("{}/commits?sha={sha}&per_page={count}", base(repo));
        let landed: Vec<Listed> = self.json(Ask::get(Auth::of(repo, CODE), path)).await?;
        let message = |listed: &Listed| listed.commit.message.trim().to_owned();
        let same = theirs.iter().map(message).eq(landed.iter().rev().map(message));
        let first = landed.into_iter().next_back().and_then(|first| first.parents.into_iter().next());
        Ok(first.filter(|_| same).map_or(parent.sha, |first| first.sha))
    }
}
