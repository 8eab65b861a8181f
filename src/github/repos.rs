//! Repositories: their files, who may do what in them, and how git reaches them.

use serde::Deserialize;

use super::auth::{Auth, Scope};
use super::client::{Ask, GitHub};
use super::error::{GitHubError, text};
use super::wire::{self, Repository, escape, escape_path};
use crate::domain::ids::Repo;

const CODE: Scope = &[("contents", "read")];
const META: Scope = &[("metadata", "read")];
/// The largest file that is read through the API, in bytes.
const FILE_BYTES: usize = 8 * 1024 * 1024;

/// What somebody may do in a repository.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Access {
    /// `admin`, `write`, `read` or `none`; maintain shows as write and triage as read.
    pub permission: String,
    /// The role itself, also a custom one.
    #[serde(default)]
    pub role_name: String,
}

impl Access {
    /// Whether that is enough to read. A role of the organisation's own builds on one of GitHub's, which `permission` names.
    pub fn reads(&self) -> bool {
        match self.role_name.as_str() {
            "read" | "pull" | "triage" | "write" | "push" | "maintain" | "admin" => true,
            "none" => false,
            _ => matches!(self.permission.as_str(), "read" | "write" | "admin"),
        }
    }
}

#[derive(Deserialize)]
struct Repositories {
    repositories: Vec<Repository>,
}

/// The path of a repository in the API.
pub(super) fn base(repo: &Repo) -> String {
    format!("/repos/{}/{}", escape(&repo.owner), escape(&repo.name))
}

impl Auth {
    /// As the App in this repository alone.
    pub fn of(repo: &Repo, scope: Scope) -> Auth {
        Auth::Installation { installation: repo.installation, repo: Some(repo.id), scope }
    }
}

/// Whether it names one commit for ever, unlike a branch.
fn is_full_sha(git_ref: &str) -> bool {
    git_ref.len() == 40 && git_ref.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl GitHub {
    /// A file's text at a commit; `None` when it is not there. Bytes that are no UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// `Invalid` when the file is larger than 8 MiB; else see [`GitHubError`].
    pub async fn file(&self, repo: &Repo, path: &str, git_ref: &str) -> Result<Option<String>, GitHubError> {
        let path = format!("{}/contents/{}?ref={}", base(repo), escape_path(path), escape(git_ref));
        self.text_at(Auth::of(repo, CODE), path, is_full_sha(git_ref)).await
    }

    /// A file's text on the default branch of the `.github` repository of this repository's owner; `None` when it is not
    /// there, or not open to the App.
    ///
    /// # Errors
    /// As of [`GitHub::file`].
    pub async fn organisation_file(&self, repo: &Repo, path: &str) -> Result<Option<String>, GitHubError> {
        let auth = Auth::Installation { installation: repo.installation, repo: None, scope: CODE };
        let path = format!("/repos/{}/.github/contents/{}", escape(&repo.owner), escape_path(path));
        self.text_at(auth, path, false).await
    }

    async fn text_at(&self, auth: Auth, path: String, lasting: bool) -> Result<Option<String>, GitHubError> {
        let ask = Ask { accept: wire::RAW, lasting, ..Ask::get(auth, path.clone()) };
        let reply = match self.send(ask).await {
            Err(GitHubError::NotFound { .. }) => return Ok(None),
            answer => answer?,
        };
        if reply.bytes.len() > FILE_BYTES {
            let message =
                format!("the file has {} bytes, more than the {FILE_BYTES} that Fairway reads", reply.bytes.len());
            return Err(GitHubError::Invalid { what: format!("GET {path}"), message });
        }
        // A folder of that name is answered with a list.
        let json = text(&reply.headers, "content-type").is_some_and(|t| t.starts_with("application/json"));
        if json && reply.bytes.starts_with(b"[") {
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&reply.bytes).into_owned()))
    }

    /// The id of a commit's tree: equal trees hold equal files.
    ///
    /// # Errors
    /// See [`GitHubError`].
    pub async fn tree(&self, repo: &Repo, sha: &str) -> Result<String, GitHubError> {
        let path = format!("{}/git/commits/{}", base(repo), escape(sha));
        let ask = Ask { lasting: is_full_sha(sha), ..Ask::get(Auth::of(repo, CODE), path) };
        let commit: wire::GitCommit = self.json(ask).await?;
        Ok(commit.tree.sha)
    }

    /// What somebody may do, as of now.
    ///
    /// # Errors
    /// `NotFound` when there is no such account; else see [`GitHubError`].
    pub async fn permission(&self, repo: &Repo, user: &str) -> Result<Access, GitHubError> {
        let path = format!("{}/collaborators/{}/permission", base(repo), escape(user));
        self.json(Ask::get(Auth::of(repo, META), path)).await
    }

    /// A repository by its name, through the App's installation there.
    ///
    /// # Errors
    /// `NotFound` when the App is not installed there; else see [`GitHubError`].
    pub async fn repository(&self, owner: &str, name: &str) -> Result<Repo, GitHubError> {
        let path = format!("/repos/{}/{}", escape(owner), escape(name));
        let installation: wire::Id = self.json(Ask::get(Auth::App, format!("{path}/installation"))).await?;
        let auth = Auth::Installation { installation: installation.id, repo: None, scope: META };
        let repository: Repository = self.json(Ask::get(auth, path)).await?;
        Ok(repository.into_repo(installation.id))
    }

    /// All repositories that an installation opens, at most 10,000.
    ///
    /// # Errors
    /// See [`GitHubError`].
    pub async fn installation_repositories(&self, installation: i64) -> Result<Vec<Repo>, GitHubError> {
        let auth = Auth::Installation { installation, repo: None, scope: META };
        let ask = Ask::get(auth, "/installation/repositories?per_page=100".to_owned());
        let (pages, _) = self.pages::<Repositories>(ask, 100).await?;
        Ok(pages.into_iter().flat_map(|p| p.repositories).map(|r| r.into_repo(installation)).collect())
    }

    /// A token that can read this repository's contents and nothing else; it lives at least five more minutes.
    ///
    /// # Errors
    /// See [`GitHubError`].
    pub async fn clone_token(&self, repo: &Repo) -> Result<String, GitHubError> {
        self.token(Auth::of(repo, CODE)).await
    }

    /// Where git finds the repository; holds no credentials.
    pub fn clone_url(&self, repo: &Repo) -> String {
        format!("{}/{}/{}.git", self.web_url(), escape(&repo.owner), escape(&repo.name))
    }

    /// The page at GitHub where a check run is shown: the pull request's checks, else the commit's.
    pub fn check_details_url(&self, repo: &Repo, pull: Option<i64>, sha: &str) -> String {
        let repository = format!("{}/{}/{}", self.web_url(), escape(&repo.owner), escape(&repo.name));
        match pull {
            Some(number) => format!("{repository}/pull/{number}/checks"),
            None => format!("{repository}/commit/{sha}/checks"),
        }
    }
}
