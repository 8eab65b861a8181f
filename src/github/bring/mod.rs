//! The pull requests that Fairway opens by itself, and what it reads before.

mod advisories;
mod found;
mod plan;
mod sight;
mod update;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth::{Auth, Scope};
use super::client::{Ask, GitHub};
use super::error::GitHubError;
use super::repos::base;
use super::wire::{Sha, escape};
use crate::domain::ids::Repo;
use crate::domain::onboard::File;

pub use advisories::LIST;
pub use sight::Text;
pub use update::{Moved, NewCandidate};

const CODE: Scope = &[("contents", "write")];
const PULLS: Scope = &[("pull_requests", "write")];

#[derive(Deserialize)]
struct Made {
    number: i64,
}

#[derive(Deserialize)]
struct Reference {
    object: Sha,
}

#[derive(Deserialize)]
struct Commit {
    tree: Sha,
    #[serde(default)]
    parents: Vec<Sha>,
}

/// Files that are to be added to a commit, on a new branch.
#[derive(Clone, Copy, Debug)]
pub struct Bring<'a> {
    /// The new branch.
    pub branch: &'a str,
    /// The commit that it begins at.
    pub base: &'a str,
    /// That commit's tree.
    pub tree: &'a str,
    /// What is added or written anew.
    pub files: &'a [File],
    /// What goes.
    pub removed: &'a [String],
    /// The commit's message.
    pub message: &'a str,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Brought {
    /// The branch is there, at this commit.
    At(String),
    /// Somebody else has a branch of that name.
    Taken,
}

/// Files as a tree wants them.
fn entries(files: &[File]) -> Vec<Value> {
    let mode = |file: &File| if file.executable { "100755" } else { "100644" };
    let entry = |file: &File| json!({ "path": file.path, "mode": mode(file), "type": "blob", "content": file.text });
    files.iter().map(entry).collect()
}

impl GitHub {
    /// Makes one commit and its branch; GitHub signs it, because it is the App's. Again is harmless: a branch that an earlier
    /// try made is known by what it holds.
    pub async fn bring(&self, repo: &Repo, bring: &Bring<'_>) -> Result<Brought, GitHubError> {
        let post = |path: &str, body: Value| {
            Ask::write(Auth::of(repo, CODE), Method::POST, format!("{}/git/{path}", base(repo)), body)
        };
        let gone = |path: &String| json!({ "path": path, "mode": "100644", "type": "blob", "sha": null });
        let tree = [entries(bring.files), bring.removed.iter().map(gone).collect()].concat();
        let tree = json!({ "base_tree": bring.tree, "tree": tree });
        let tree: Sha = self.json(post("trees", tree)).await?;
        let body = json!({ "message": bring.message, "tree": tree.sha, "parents": [bring.base] });
        let made: Sha = self.json(post("commits", body)).await?;
        let body = json!({ "ref": format!("refs/heads/{}", bring.branch), "sha": made.sha });
        match self.send(post("refs", body)).await {
            Ok(_) => Ok(Brought::At(made.sha)),
            Err(GitHubError::Invalid { message, .. }) if message.contains("already exists") => {
                let path = format!("{}/git/ref/heads/{}", base(repo), escape(bring.branch));
                let there: Reference = self.json(Ask::get(Auth::of(repo, CODE), path)).await?;
                let path = format!("{}/git/commits/{}", base(repo), escape(&there.object.sha));
                let commit: Commit = self.json(Ask::get(Auth::of(repo, CODE), path)).await?;
                let parent = commit.parents.first().map(|parent| parent.sha.as_str());
                let ours = commit.tree.sha == tree.sha && parent == Some(bring.base);
                Ok(if ours { Brought::At(there.object.sha) } else { Brought::Taken })
            }
            Err(error) => Err(error),
        }
    }

    /// The newest pull request that a branch of this repository ever had, open or not.
    pub async fn pull_from(&self, repo: &Repo, branch: &str) -> Result<Option<i64>, GitHubError> {
        let head = escape(&format!("{}:{branch}", repo.owner));
        let path = format!("{}/pulls?state=all&head={head}&per_page=10", base(repo));
        let found: Vec<Made> = self.json(Ask::get(Auth::of(repo, PULLS), path)).await?;
        Ok(found.into_iter().next().map(|pull| pull.number))
    }

    /// Opens a pull request from a branch to the default branch. Gives its number.
    ///
    /// # Errors
    /// `Invalid` when it is there already, or the branch is not, or nothing differs; else see [`GitHubError`].
    pub async fn open_pull(&self, repo: &Repo, branch: &str, (title, text): (&str, &str)) -> Result<i64, GitHubError> {
        let body = json!({
            "title": title,
            "body": text,
            "head": branch,
            "base": repo.default_branch,
            "maintainer_can_modify": true,
        });
        let path = format!("{}/pulls", base(repo));
        self.json::<Made>(Ask::write(Auth::of(repo, PULLS), Method::POST, path, body)).await.map(|made| made.number)
    }

    /// Closes a pull request.
    pub async fn close_pull(&self, repo: &Repo, number: i64) -> Result<(), GitHubError> {
        let path = format!("{}/pulls/{number}", base(repo));
        self.send(Ask::write(Auth::of(repo, PULLS), Method::PATCH, path, json!({ "state": "closed" }))).await.map(drop)
    }

    /// Writes a pull request's body anew.
    pub async fn describe_pull(&self, repo: &Repo, number: i64, text: &str) -> Result<(), GitHubError> {
        let path = format!("{}/pulls/{number}", base(repo));
        self.send(Ask::write(Auth::of(repo, PULLS), Method::PATCH, path, json!({ "body": text }))).await.map(drop)
    }
}
