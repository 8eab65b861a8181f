//! GitHub's JSON, as far as it is read, and how it becomes ours. Webhooks and the API share these shapes.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::domain::event::{Comment, Pull};
use crate::domain::ids::Repo;

/// The media type of most answers.
pub(super) const JSON: &str = "application/vnd.github+json";
/// A file's bytes instead of a description of it.
pub(super) const RAW: &str = "application/vnd.github.raw+json";

const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One path segment or query value.
pub(super) fn escape(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// A path of several segments.
pub(super) fn escape_path(path: &str) -> String {
    path.split('/').map(escape).collect::<Vec<_>>().join("/")
}

/// A GitHub time in Unix milliseconds.
pub(super) fn millis(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(|t| t.as_millisecond())
}

/// Unix milliseconds as GitHub writes time: whole seconds, UTC.
pub(super) fn time(ms: i64) -> String {
    jiff::Timestamp::from_second(ms.div_euclid(1_000)).map(|t| t.to_string()).unwrap_or_default()
}

/// An account. Absent ones belonged to a deleted person, whom GitHub calls ghost.
#[derive(Deserialize)]
pub(super) struct User {
    #[serde(default)]
    pub id: i64,
    #[serde(default)]
    pub login: Option<String>,
    #[serde(default)]
    pub slug: Option<String>,
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
}

/// The name to show.
pub(super) fn login(user: Option<User>) -> String {
    user.and_then(|u| u.login.or(u.slug)).unwrap_or_else(|| "ghost".to_owned())
}

/// A repository.
#[derive(Deserialize)]
pub(super) struct Repository {
    pub id: i64,
    pub name: String,
    pub owner: User,
    #[serde(default)]
    pub default_branch: Option<String>,
}

impl Repository {
    /// With the installation through which it is reached.
    pub fn into_repo(self, installation: i64) -> Repo {
        Repo {
            installation,
            id: self.id,
            owner: login(Some(self.owner)),
            name: self.name,
            default_branch: self.default_branch.unwrap_or_else(|| "main".to_owned()),
        }
    }
}

/// Only an id.
#[derive(Deserialize)]
pub(super) struct Id {
    pub id: i64,
}

/// A commit of the Git Data API.
#[derive(Deserialize)]
pub(super) struct GitCommit {
    pub tree: Sha,
}

/// An object's id in git.
#[derive(Deserialize)]
pub(super) struct Sha {
    pub sha: String,
}

/// One side of a pull request.
#[derive(Deserialize)]
pub(super) struct Side {
    pub sha: String,
    #[serde(rename = "ref")]
    pub name: String,
    #[serde(default)]
    pub repo: Option<Id>,
}

/// A pull request.
#[derive(Deserialize)]
pub(super) struct PullRequest {
    pub number: i64,
    #[serde(default)]
    pub title: String,
    pub user: Option<User>,
    pub state: String,
    #[serde(default)]
    pub draft: bool,
    #[serde(default)]
    pub merged: Option<bool>,
    #[serde(default)]
    pub merged_at: Option<String>,
    #[serde(default)]
    pub merge_commit_sha: Option<String>,
    pub head: Side,
    pub base: Side,
}

impl PullRequest {
    /// In our words. Before the merge GitHub's `merge_commit_sha` is a trial commit, which says nothing.
    pub fn into_pull(self) -> Pull {
        let merged = self.merged.unwrap_or(false) || self.merged_at.is_some();
        let head_repo = self.head.repo.map(|r| r.id);
        let base_repo = self.base.repo.map(|r| r.id);
        Pull {
            number: self.number,
            title: self.title,
            author: login(self.user),
            head_sha: self.head.sha,
            head_ref: self.head.name,
            head_repo,
            base_sha: self.base.sha,
            base_ref: self.base.name,
            fork: head_repo.is_none() || head_repo != base_repo,
            draft: self.draft,
            open: self.state == "open",
            merged,
            merge_commit_sha: self.merge_commit_sha.filter(|_| merged),
        }
    }
}

/// A comment in a conversation.
#[derive(Deserialize)]
pub(super) struct IssueComment {
    pub id: i64,
    #[serde(default)]
    pub node_id: String,
    #[serde(default)]
    pub user: Option<User>,
    #[serde(default)]
    pub body: Option<String>,
    pub created_at: String,
    #[serde(default)]
    pub html_url: String,
    #[serde(default)]
    pub issue_url: String,
    #[serde(default)]
    pub performed_via_github_app: Option<Id>,
}

impl IssueComment {
    /// Apps write as bots. A person who writes through some App stays a person.
    pub fn is_bot(&self) -> bool {
        self.user.as_ref().and_then(|u| u.kind.as_deref()) == Some("Bot")
    }

    /// In our words.
    pub fn into_comment(self) -> Comment {
        Comment {
            id: self.id,
            bot: self.is_bot(),
            created_at: millis(&self.created_at).unwrap_or(0),
            author: login(self.user),
            body: self.body.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_both_ways_and_names_cannot_leave_their_segment() {
        assert_eq!(millis("2026-11-23T05:40:57Z"), Some(1_795_412_457_000));
        assert_eq!(time(1_795_412_457_999), "2026-11-23T05:40:57Z");
        assert_eq!(escape_path("src/a b#?.rs"), "src/a%20b%23%3F.rs");
        assert_eq!(escape("../$(x)"), "..%2F%24%28x%29");
    }
}
