//! Comments in a pull request's conversation, and reactions on them.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::auth::{Auth, Scope};
use super::client::{Ask, GitHub};
use super::error::GitHubError;
use super::repos::base;
use super::wire::{Id, IssueComment, escape, millis, time};
use crate::domain::event::Comment;
use crate::domain::ids::Repo;

pub(super) const TALK: Scope = &[("pull_requests", "write")];
/// The list of a whole repository holds comments on issues, too.
const LISTEN: Scope = &[("issues", "read"), ("pull_requests", "read")];
/// Pages of comments that are read at most.
const PAGES: usize = 50;

/// A comment of ours.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Posted {
    /// GitHub's id.
    pub id: i64,
    /// Its name in GraphQL.
    pub node_id: String,
}

impl GitHub {
    /// Comments made since then, with the number they stand under and whether that is a pull request; oldest first.
    ///
    /// # Errors
    /// See [`GitHubError`]; so for every call here.
    pub async fn comments_since(&self, repo: &Repo, since_ms: i64) -> Result<Vec<(i64, Comment, bool)>, GitHubError> {
        let since = escape(&time(since_ms));
        let path = format!("{}/issues/comments?since={since}&sort=created&direction=asc&per_page=100", base(repo));
        let (pages, _) = self.pages::<Vec<IssueComment>>(Ask::get(Auth::of(repo, LISTEN), path), PAGES).await?;
        // `since` goes by the last edit; an edited comment is no new one.
        let new = |c: &IssueComment| millis(&c.created_at).is_some_and(|at| at >= since_ms.div_euclid(1_000) * 1_000);
        Ok(pages.into_iter().flatten().filter(new).filter_map(placed).collect())
    }

    /// The first comment of ours that contains the marker. A copy of the marker by somebody else is not ours.
    pub async fn find_comment(&self, repo: &Repo, number: i64, marker: &str) -> Result<Option<Posted>, GitHubError> {
        let path = format!("{}/issues/{number}/comments?per_page=100", base(repo));
        let (pages, _) = self.pages::<Vec<IssueComment>>(Ask::get(Auth::of(repo, TALK), path), PAGES).await?;
        let ours = |c: &IssueComment| {
            let by_us = c.performed_via_github_app.as_ref().map_or_else(|| c.is_bot(), |app| app.id == self.app_id());
            by_us && c.body.as_deref().is_some_and(|body| body.contains(marker))
        };
        Ok(pages.into_iter().flatten().find(ours).map(|c| Posted { id: c.id, node_id: c.node_id }))
    }

    /// Writes a comment. `Ambiguous` when it may stand now: look with [`GitHub::find_comment`].
    pub async fn create_comment(&self, repo: &Repo, number: i64, body: &str) -> Result<Posted, GitHubError> {
        let path = format!("{}/issues/{number}/comments", base(repo));
        let ask = Ask::write(Auth::of(repo, TALK), Method::POST, path, json!({ "body": body }));
        self.json(ask).await
    }

    /// Replaces a comment's text; nobody is notified. `NotFound` when somebody deleted it.
    pub async fn update_comment(&self, repo: &Repo, id: i64, body: &str) -> Result<(), GitHubError> {
        let path = format!("{}/issues/comments/{id}", base(repo));
        self.send(Ask::write(Auth::of(repo, TALK), Method::PATCH, path, json!({ "body": body }))).await.map(drop)
    }

    /// Whether a comment still stands.
    pub async fn comment_exists(&self, repo: &Repo, id: i64) -> Result<bool, GitHubError> {
        let path = format!("{}/issues/comments/{id}", base(repo));
        match self.send(Ask::get(Auth::of(repo, TALK), path)).await {
            Err(GitHubError::NotFound { .. }) => Ok(false),
            answer => answer.map(|_| true),
        }
    }

    /// Reacts to a comment and answers the reaction's id. Again is harmless: GitHub answers the same one.
    pub async fn add_reaction(&self, repo: &Repo, comment: i64, content: &str) -> Result<i64, GitHubError> {
        let path = format!("{}/issues/comments/{comment}/reactions", base(repo));
        let ask = Ask::write(Auth::of(repo, TALK), Method::POST, path, json!({ "content": content }));
        self.json::<Id>(ask).await.map(|made| made.id)
    }

    /// Takes a reaction of ours back; one that is gone already is fine.
    pub async fn remove_reaction(&self, repo: &Repo, comment: i64, reaction: i64) -> Result<(), GitHubError> {
        let path = format!("{}/issues/comments/{comment}/reactions/{reaction}", base(repo));
        let ask = Ask { method: Method::DELETE, ..Ask::get(Auth::of(repo, TALK), path) };
        match self.send(ask).await {
            Err(GitHubError::NotFound { .. }) => Ok(()),
            answer => answer.map(drop),
        }
    }
}

fn placed(comment: IssueComment) -> Option<(i64, Comment, bool)> {
    let number = comment.issue_url.rsplit('/').next()?.parse().ok()?;
    let on_pull = comment.html_url.contains(&format!("/pull/{number}#"));
    Some((number, comment.into_comment(), on_pull))
}
