//! Pull requests and what they change.

use serde::Deserialize;

use super::auth::{Auth, Scope};
use super::client::{Ask, GitHub};
use super::error::GitHubError;
use super::repos::base;
use super::wire::{PullRequest, escape};
use crate::domain::event::Pull;
use crate::domain::ids::Repo;

const READ: Scope = &[("pull_requests", "read")];
const CODE: Scope = &[("contents", "read")];
/// GitHub lists at most this many files of a pull request.
const FILES: usize = 3_000;
/// And of a comparison.
const COMPARED: usize = 300;

/// A file that differs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ChangedFile {
    /// Where it is now.
    #[serde(rename = "filename")]
    pub path: String,
    /// Where it was, when it was renamed.
    #[serde(default, rename = "previous_filename")]
    pub previous: Option<String>,
    /// Unified diff; absent for binary and very large files.
    #[serde(default)]
    pub patch: Option<String>,
    /// `added`, `removed`, `modified`, `renamed`, `copied`, `changed` or `unchanged`.
    pub status: String,
}

/// What differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedFiles {
    /// As far as GitHub lists them.
    pub files: Vec<ChangedFile>,
    /// GitHub's limit is reached, so there may be more.
    pub truncated: bool,
}

#[derive(Deserialize)]
struct Comparison {
    #[serde(default)]
    files: Vec<ChangedFile>,
}

impl GitHub {
    /// A pull request as it is now.
    ///
    /// # Errors
    /// See [`GitHubError`]; so for every call here.
    pub async fn pull(&self, repo: &Repo, number: i64) -> Result<Pull, GitHubError> {
        let ask = Ask::get(Auth::of(repo, READ), format!("{}/pulls/{number}", base(repo)));
        self.json::<PullRequest>(ask).await.map(PullRequest::into_pull)
    }

    /// All open pull requests, at most 3,000.
    pub async fn open_pulls(&self, repo: &Repo) -> Result<Vec<Pull>, GitHubError> {
        let ask = Ask::get(Auth::of(repo, READ), format!("{}/pulls?state=open&per_page=100", base(repo)));
        let (pages, _) = self.pages::<Vec<PullRequest>>(ask, 30).await?;
        Ok(pages.into_iter().flatten().map(PullRequest::into_pull).collect())
    }

    /// What a pull request changes.
    pub async fn pull_files(&self, repo: &Repo, number: i64) -> Result<ChangedFiles, GitHubError> {
        let ask = Ask::get(Auth::of(repo, READ), format!("{}/pulls/{number}/files?per_page=100", base(repo)));
        let (pages, more) = self.pages::<Vec<ChangedFile>>(ask, FILES / 100).await?;
        let files: Vec<_> = pages.into_iter().flatten().collect();
        let truncated = more || files.len() >= FILES;
        Ok(ChangedFiles { files, truncated })
    }

    /// What `head` changes since it left `from`.
    pub async fn compare(&self, repo: &Repo, from: &str, head: &str) -> Result<ChangedFiles, GitHubError> {
        let path = format!("{}/compare/{}...{}", base(repo), escape(from), escape(head));
        let Comparison { files } = self.json(Ask::get(Auth::of(repo, CODE), path)).await?;
        let truncated = files.len() >= COMPARED;
        Ok(ChangedFiles { files, truncated })
    }
}
