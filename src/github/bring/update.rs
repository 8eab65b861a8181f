//! Candidates, the branches of update pull requests, and merges.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{CODE, Commit, PULLS, Reference, entries};
use crate::domain::ids::Repo;
use crate::domain::onboard::File;
use crate::github::auth::Auth;
use crate::github::client::{Ask, GitHub};
use crate::github::error::GitHubError;
use crate::github::repos::base;
use crate::github::wire::{Sha, escape, escape_path};

/// A commit that is to be made and found again.
#[derive(Clone, Copy, Debug)]
pub struct NewCandidate<'a> {
    /// Its ref, `refs/fairway/...`.
    pub reference: &'a str,
    /// That commit's tree is what changes.
    pub base: &'a str,
    /// Its parents.
    pub parents: &'a [String],
    /// What is written anew.
    pub files: &'a [File],
    /// The message.
    pub message: &'a str,
}

/// What came of moving a branch or of merging.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moved {
    /// Done, at this commit.
    To(String),
    /// The branch went elsewhere meanwhile.
    Overtaken,
    /// GitHub does not let the App do it, in its own words.
    Refused(String),
}

#[derive(Deserialize)]
struct Named {
    #[serde(rename = "ref")]
    reference: String,
}

#[derive(Deserialize)]
struct Merge {
    sha: String,
}

impl GitHub {
    /// Makes a commit below a ref that no branch is; GitHub signs it, because it is the App's. After a crash it is found again
    /// by its tree and parents, so it exists once.
    ///
    /// # Errors
    /// See [`GitHubError`]; so for every call here.
    pub async fn make_candidate(&self, repo: &Repo, made: &NewCandidate<'_>) -> Result<String, GitHubError> {
        let post = |path: &str, body: Value| {
            Ask::write(Auth::of(repo, CODE), Method::POST, format!("{}/git/{path}", base(repo)), body)
        };
        let tree = json!({ "base_tree": self.tree(repo, made.base).await?, "tree": entries(made.files) });
        let tree: Sha = self.json(post("trees", tree)).await?;
        if let Some(there) = self.reference(repo, made.reference).await? {
            let path = format!("{}/git/commits/{}", base(repo), escape(&there));
            let commit: Commit = self.json(Ask::get(Auth::of(repo, CODE), path)).await?;
            let parents: Vec<&str> = commit.parents.iter().map(|parent| parent.sha.as_str()).collect();
            if commit.tree.sha == tree.sha && parents == made.parents {
                return Ok(there);
            }
        }
        let body = json!({ "message": made.message, "tree": tree.sha, "parents": made.parents });
        let commit: Sha = self.json(post("commits", body)).await?;
        match self.point(repo, made.reference, (&commit.sha, true)).await? {
            Moved::To(sha) => Ok(sha),
            Moved::Overtaken => Err(refused("keeping a candidate", "its ref moved".to_owned())),
            Moved::Refused(message) => Err(refused("keeping a candidate", message)),
        }
    }

    /// Where a full ref stands; `None` when it is not there.
    pub async fn reference(&self, repo: &Repo, reference: &str) -> Result<Option<String>, GitHubError> {
        let name = reference.strip_prefix("refs/").unwrap_or(reference);
        let path = format!("{}/git/ref/{}", base(repo), escape_path(name));
        match self.json::<Reference>(Ask::get(Auth::of(repo, CODE), path)).await {
            Ok(there) => Ok(Some(there.object.sha)),
            Err(GitHubError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Brings a full ref to a commit, and makes it where it is missing.
    pub async fn point(&self, repo: &Repo, reference: &str, (sha, force): (&str, bool)) -> Result<Moved, GitHubError> {
        let name = reference.strip_prefix("refs/").unwrap_or(reference);
        let path = format!("{}/git/refs/{}", base(repo), escape_path(name));
        let body = json!({ "sha": sha, "force": force });
        match self.send(Ask::write(Auth::of(repo, CODE), Method::PATCH, path, body)).await {
            Ok(_) => return Ok(Moved::To(sha.to_owned())),
            Err(GitHubError::Invalid { message, .. }) if message.contains("does not exist") => {}
            Err(GitHubError::Invalid { message, .. }) if message.contains("fast forward") => {
                return Ok(Moved::Overtaken);
            }
            Err(GitHubError::NotFound { .. }) => {}
            Err(GitHubError::Invalid { message, .. } | GitHubError::Forbidden { message, .. }) => {
                return Ok(Moved::Refused(message));
            }
            Err(error) => return Err(error),
        }
        let body = json!({ "ref": reference, "sha": sha });
        let path = format!("{}/git/refs", base(repo));
        match self.send(Ask::write(Auth::of(repo, CODE), Method::POST, path, body)).await {
            Ok(_) => Ok(Moved::To(sha.to_owned())),
            Err(GitHubError::Invalid { message, .. } | GitHubError::Forbidden { message, .. }) => {
                Ok(Moved::Refused(message))
            }
            Err(error) => Err(error),
        }
    }

    /// Removes every ref below a prefix.
    pub async fn remove_references(&self, repo: &Repo, prefix: &str) -> Result<(), GitHubError> {
        let name = prefix.strip_prefix("refs/").unwrap_or(prefix);
        let path = format!("{}/git/matching-refs/{}", base(repo), escape_path(name));
        let found: Vec<Named> = self.json(Ask::get(Auth::of(repo, CODE), path)).await?;
        for named in found.iter().filter(|named| named.reference.starts_with(prefix)) {
            self.remove_reference(repo, &named.reference).await?;
        }
        Ok(())
    }

    /// The open pull request from a branch of this repository.
    pub async fn open_from(&self, repo: &Repo, branch: &str) -> Result<Option<i64>, GitHubError> {
        let head = escape(&format!("{}:{branch}", repo.owner));
        let path = format!("{}/pulls?state=open&head={head}&per_page=10", base(repo));
        let found: Vec<super::Made> = self.json(Ask::get(Auth::of(repo, PULLS), path)).await?;
        Ok(found.into_iter().next().map(|pull| pull.number))
    }

    /// Removes a full ref; that it is not there is no error.
    pub async fn remove_reference(&self, repo: &Repo, reference: &str) -> Result<(), GitHubError> {
        let name = reference.strip_prefix("refs/").unwrap_or(reference);
        let path = format!("{}/git/refs/{}", base(repo), escape_path(name));
        match self.send(Ask::write(Auth::of(repo, CODE), Method::DELETE, path, Value::Null)).await {
            Ok(_) | Err(GitHubError::NotFound { .. } | GitHubError::Invalid { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Merges a pull request whose head is still `sha`.
    pub async fn merge_pull(&self, repo: &Repo, number: i64, sha: &str) -> Result<Moved, GitHubError> {
        let path = format!("{}/pulls/{number}/merge", base(repo));
        let ask = |method: &str| {
            let body = json!({ "sha": sha, "merge_method": method });
            Ask::write(Auth::of(repo, CODE), Method::PUT, path.clone(), body)
        };
        let mut last = String::new();
        // A repository may allow one way of merging and not the other.
        for method in ["merge", "squash", "rebase"] {
            match self.json::<Merge>(ask(method)).await {
                Ok(merge) => return Ok(Moved::To(merge.sha)),
                Err(GitHubError::Conflict { message, .. }) if message.contains("modified") => {
                    return Ok(Moved::Overtaken);
                }
                Err(
                    GitHubError::Invalid { message, .. }
                    | GitHubError::Forbidden { message, .. }
                    | GitHubError::Conflict { message, .. },
                ) => {
                    let other = message.contains("not allowed on this repository");
                    last = message;
                    if !other {
                        break;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Moved::Refused(last))
    }

    /// Writes a pull request's title and body anew.
    pub async fn entitle_pull(&self, repo: &Repo, number: i64, (title, text): (&str, &str)) -> Result<(), GitHubError> {
        let path = format!("{}/pulls/{number}", base(repo));
        let body = json!({ "title": title, "body": text });
        self.send(Ask::write(Auth::of(repo, PULLS), Method::PATCH, path, body)).await.map(drop)
    }
}

fn refused(what: &str, message: String) -> GitHubError {
    GitHubError::Invalid { what: what.to_owned(), message }
}
