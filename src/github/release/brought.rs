//! What a release brought: the commits since the one before, and the pull requests they came by.

use serde::Deserialize;

use crate::domain::ids::Repo;
use crate::domain::metrics::{CommitRow, OwnCommit, PullRow, says_revert};
use crate::github::auth::{Auth, Scope};
use crate::github::client::{Ask, GitHub};
use crate::github::error::GitHubError;
use crate::github::repos::base;
use crate::github::wire::{Sha, escape, millis};

const PULLS: Scope = &[("pull_requests", "read")];
const CODE: Scope = &[("contents", "read")];
/// Pages of 100 commits of a comparison that are read. GitHub lists 250 commits of a pull request at most.
const PAGES: usize = 3;

#[derive(Deserialize)]
struct Comparison {
    #[serde(default)]
    total_commits: usize,
    #[serde(default)]
    commits: Vec<Commit>,
}

#[derive(Deserialize)]
struct Commit {
    sha: String,
    commit: Inner,
    #[serde(default)]
    parents: Vec<Sha>,
}

#[derive(Deserialize)]
struct Inner {
    #[serde(default)]
    message: String,
    #[serde(default)]
    author: Option<Signed>,
    #[serde(default)]
    committer: Option<Signed>,
}

#[derive(Deserialize)]
struct Signed {
    #[serde(default)]
    date: Option<String>,
}

#[derive(Deserialize)]
struct Pull {
    number: i64,
    #[serde(default)]
    title: String,
    #[serde(default)]
    body: Option<String>,
    head: Head,
    #[serde(default)]
    labels: Vec<Label>,
    created_at: String,
    #[serde(default)]
    merged_at: Option<String>,
}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "ref")]
    name: String,
}

#[derive(Deserialize)]
struct Label {
    #[serde(default)]
    name: String,
}

fn at(signed: Option<&Signed>) -> Option<i64> {
    millis(signed?.date.as_deref()?)
}

impl Commit {
    fn parents(&self) -> u32 {
        u32::try_from(self.parents.len()).unwrap_or(u32::MAX)
    }

    /// `None` when GitHub does not say when it was made.
    fn row(&self) -> Option<CommitRow> {
        Some(CommitRow {
            rollout: 0,
            sha: self.sha.clone(),
            committed_at: at(self.commit.committer.as_ref())?,
            parents: self.parents(),
            pull: None,
            message: says_revert(&self.commit.message),
        })
    }

    fn own(&self) -> Option<OwnCommit> {
        let committed_at = at(self.commit.committer.as_ref())?;
        let authored_at = at(self.commit.author.as_ref()).unwrap_or(committed_at);
        Some(OwnCommit { sha: self.sha.clone(), authored_at, committed_at, parents: self.parents() })
    }
}

impl GitHub {
    /// The commits that `head` has and `from` has not. `None` when there are more than GitHub and we list.
    ///
    /// # Errors
    /// `NotFound` when GitHub has one of both no more; else see [`GitHubError`].
    pub async fn commits_between(
        &self,
        repo: &Repo,
        from: &str,
        head: &str,
    ) -> Result<Option<Vec<CommitRow>>, GitHubError> {
        let path = format!("{}/compare/{}...{}?per_page=100", base(repo), escape(from), escape(head));
        let (pages, more) = self.pages::<Comparison>(Ask::get(Auth::of(repo, CODE), path), PAGES).await?;
        let total = pages.first().map_or(0, |page| page.total_commits);
        let rows: Vec<CommitRow> = pages.iter().flat_map(|page| &page.commits).filter_map(Commit::row).collect();
        Ok((!more && rows.len() == total).then_some(rows))
    }

    /// The pull request by which a commit came, with its own commits. Of several the merged one counts, then `asked`;
    /// `None` when it came by none, or is gone.
    ///
    /// # Errors
    /// See [`GitHubError`].
    pub async fn pull_of(&self, repo: &Repo, sha: &str, asked: Option<i64>) -> Result<Option<PullRow>, GitHubError> {
        let path = format!("{}/commits/{}/pulls?per_page=100", base(repo), escape(sha));
        let found: Vec<Pull> = match self.json(Ask::get(Auth::of(repo, PULLS), path)).await {
            Ok(found) => found,
            Err(GitHubError::NotFound { .. } | GitHubError::Invalid { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let best = found.into_iter().min_by_key(|pull| (pull.merged_at.is_none(), Some(pull.number) != asked));
        let Some((pull, opened_at)) = best.and_then(|pull| millis(&pull.created_at).map(|at| (pull, at))) else {
            return Ok(None);
        };
        let path = format!("{}/pulls/{}/commits?per_page=100", base(repo), pull.number);
        let (pages, _) = self.pages::<Vec<Commit>>(Ask::get(Auth::of(repo, PULLS), path), PAGES).await?;
        Ok(Some(PullRow {
            number: pull.number,
            title: pull.title,
            body: says_revert(pull.body.as_deref().unwrap_or_default()),
            head: pull.head.name,
            labels: pull.labels.into_iter().map(|label| label.name).collect(),
            opened_at,
            merged_at: pull.merged_at.as_deref().and_then(millis),
            commits: pages.iter().flatten().filter_map(Commit::own).collect(),
            ..PullRow::default()
        }))
    }
}
