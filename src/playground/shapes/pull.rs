//! Pull requests, and the issue that each of them also is.

use serde_json::{Value, json};

use super::{iso, node_id};
use crate::playground::world::{Pull, Remark, Repo, Review, World};

impl World {
    /// A `pull-request`, which is also a `pull-request-simple`.
    pub fn pull_json(&self, repo: &Repo, pull: &Pull) -> Value {
        let mut json = self.pull_simple_json(repo, pull);
        self.add_size(&mut json, repo, pull);
        json
    }

    /// A `pull-request-simple`, as webhooks about reviews carry it.
    pub fn pull_simple_json(&self, repo: &Repo, pull: &Pull) -> Value {
        let url = format!("{}/pulls/{}", self.repo_url(repo), pull.number);
        let issue = format!("{}/issues/{}", self.repo_url(repo), pull.number);
        let html = format!("{}/{}/pull/{}", self.url, repo.full_name(), pull.number);
        let statuses = format!("{}/statuses/{}", self.repo_url(repo), pull.head_sha);
        let link = |href: &str| json!({ "href": href });
        json!({
            "url": url,
            "id": pull.id,
            "node_id": node_id("PullRequest", pull.id),
            "html_url": html,
            "diff_url": format!("{html}.diff"),
            "patch_url": format!("{html}.patch"),
            "issue_url": issue,
            "commits_url": format!("{url}/commits"),
            "review_comments_url": format!("{url}/comments"),
            "review_comment_url": format!("{}/pulls/comments{{/number}}", self.repo_url(repo)),
            "comments_url": format!("{issue}/comments"),
            "statuses_url": statuses,
            "number": pull.number,
            "state": if pull.open { "open" } else { "closed" },
            "locked": false,
            "active_lock_reason": Value::Null,
            "title": pull.title,
            "user": self.user_json(&pull.author),
            "body": pull.body,
            "labels": self.labels_json(repo, pull),
            "milestone": Value::Null,
            "created_at": iso(pull.created_at),
            "updated_at": iso(pull.updated_at),
            "closed_at": pull.closed_at.map(iso),
            "merged_at": pull.merged.as_ref().map(|merged| iso(merged.at)),
            "merge_commit_sha": pull.merged.as_ref().map(|merged| &merged.sha),
            "assignee": Value::Null,
            "assignees": [],
            "requested_reviewers": pull.requested.iter().map(|login| self.user_json(login)).collect::<Vec<_>>(),
            "requested_teams": [],
            "head": self.end_json(self.repos.get(&pull.head_repo), &pull.head_ref, &pull.head_sha),
            "base": self.end_json(Some(repo), &pull.base_ref, &pull.base_sha),
            "_links": {
                "self": link(&url),
                "html": link(&html),
                "issue": link(&issue),
                "comments": link(&format!("{issue}/comments")),
                "review_comments": link(&format!("{url}/comments")),
                "review_comment": link(&format!("{}/pulls/comments{{/number}}", self.repo_url(repo))),
                "commits": link(&format!("{url}/commits")),
                "statuses": link(&statuses),
            },
            "author_association": self.association(repo, &pull.author),
            "auto_merge": Value::Null,
            "draft": pull.draft,
        })
    }

    /// What only the single `pull-request` has.
    fn add_size(&self, json: &mut Value, repo: &Repo, pull: &Pull) {
        json["merged"] = json!(pull.merged.is_some());
        json["mergeable"] = if pull.open { json!(pull.size.mergeable) } else { Value::Null };
        json["rebaseable"] = json["mergeable"].clone();
        json["mergeable_state"] = json!(match (pull.open, pull.draft, pull.size.mergeable) {
            (false, ..) => "unknown",
            (_, true, _) => "draft",
            (_, _, false) => "dirty",
            _ => "clean",
        });
        json["merged_by"] = pull.merged.as_ref().map_or(Value::Null, |merged| self.user_json(&merged.by));
        json["comments"] = json!(repo.comments_of(pull.number).count());
        json["review_comments"] = json!(pull.remarks.len());
        json["maintainer_can_modify"] = json!(pull.head_repo != repo.id);
        json["commits"] = json!(pull.size.commits);
        json["additions"] = json!(pull.size.additions);
        json["deletions"] = json!(pull.size.deletions);
        json["changed_files"] = json!(pull.size.files);
    }

    /// A `pull-request-minimal`, as check runs carry it.
    pub fn pull_minimal_json(&self, repo: &Repo, pull: &Pull) -> Value {
        let end = |repo: &Repo, name: &str, sha: &str| json!({ "ref": name, "sha": sha, "repo": { "id": repo.id, "url": self.repo_url(repo), "name": repo.name } });
        let head = self.repos.get(&pull.head_repo).unwrap_or(repo);
        json!({
            "url": format!("{}/pulls/{}", self.repo_url(repo), pull.number),
            "id": pull.id,
            "number": pull.number,
            "head": end(head, &pull.head_ref, &pull.head_sha),
            "base": end(repo, &pull.base_ref, &pull.base_sha),
        })
    }

    /// An `issue` with GitHub's `pull_request` key.
    pub fn issue_json(&self, repo: &Repo, pull: &Pull) -> Value {
        let url = format!("{}/issues/{}", self.repo_url(repo), pull.number);
        let html = format!("{}/{}/pull/{}", self.url, repo.full_name(), pull.number);
        json!({
            "url": url,
            "repository_url": self.repo_url(repo),
            "labels_url": format!("{url}/labels{{/name}}"),
            "comments_url": format!("{url}/comments"),
            "events_url": format!("{url}/events"),
            "html_url": html,
            "id": pull.id,
            "node_id": node_id("PullRequest", pull.id),
            "number": pull.number,
            "title": pull.title,
            "user": self.user_json(&pull.author),
            "labels": self.labels_json(repo, pull),
            "state": if pull.open { "open" } else { "closed" },
            "locked": false,
            "assignee": Value::Null,
            "assignees": [],
            "milestone": Value::Null,
            "comments": repo.comments_of(pull.number).count(),
            "created_at": iso(pull.created_at),
            "updated_at": iso(pull.updated_at),
            "closed_at": pull.closed_at.map(iso),
            "author_association": self.association(repo, &pull.author),
            "draft": pull.draft,
            "body": pull.body,
            "pull_request": {
                "url": format!("{}/pulls/{}", self.repo_url(repo), pull.number),
                "html_url": html,
                "diff_url": format!("{html}.diff"),
                "patch_url": format!("{html}.patch"),
                "merged_at": pull.merged.as_ref().map(|merged| iso(merged.at)),
            },
        })
    }

    /// A `pull-request-review`; webhooks write the state in small letters.
    pub fn review_json(&self, repo: &Repo, pull: &Pull, review: &Review) -> Value {
        let html = format!("{}/{}/pull/{}", self.url, repo.full_name(), pull.number);
        let url = format!("{}/pulls/{}", self.repo_url(repo), pull.number);
        let here = format!("{html}#pullrequestreview-{}", review.id);
        json!({
            "id": review.id,
            "node_id": node_id("PullRequestReview", review.id),
            "user": self.user_json(&review.author),
            "body": review.body,
            "state": review.state,
            "html_url": here,
            "pull_request_url": url,
            "author_association": self.association(repo, &review.author),
            "_links": { "html": { "href": here }, "pull_request": { "href": url } },
            "submitted_at": iso(review.at),
            "commit_id": review.commit_id,
        })
    }

    /// A `pull-request-review-comment`.
    pub fn remark_json(&self, repo: &Repo, pull: &Pull, remark: &Remark) -> Value {
        let html = format!("{}/{}/pull/{}", self.url, repo.full_name(), pull.number);
        let url = format!("{}/pulls/{}", self.repo_url(repo), pull.number);
        let own = format!("{}/pulls/comments/{}", self.repo_url(repo), remark.id);
        let here = format!("{html}#discussion_r{}", remark.id);
        let link = |href: &str| json!({ "href": href });
        json!({
            "url": own,
            "pull_request_review_id": remark.review,
            "id": remark.id,
            "node_id": node_id("PullRequestReviewComment", remark.id),
            "diff_hunk": remark.diff_hunk,
            "path": remark.path,
            "position": remark.line,
            "original_position": remark.line,
            "line": remark.line,
            "original_line": remark.line,
            "side": "RIGHT",
            "commit_id": remark.commit_id,
            "original_commit_id": remark.commit_id,
            "user": self.user_json(&remark.author),
            "body": remark.body,
            "created_at": iso(remark.at),
            "updated_at": iso(remark.at),
            "html_url": here,
            "pull_request_url": url,
            "author_association": self.association(repo, &remark.author),
            "_links": { "self": link(&own), "html": link(&here), "pull_request": link(&url) },
            "subject_type": "line",
        })
    }

    fn end_json(&self, repo: Option<&Repo>, name: &str, sha: &str) -> Value {
        let owner = repo.map_or("ghost", |repo| repo.owner.as_str());
        json!({
            "label": format!("{owner}:{name}"),
            "ref": name,
            "sha": sha,
            "user": self.user_json(owner),
            "repo": repo.map(|repo| self.repo_json(repo)),
        })
    }

    /// The labels of a pull request.
    pub fn labels_json(&self, repo: &Repo, pull: &Pull) -> Vec<Value> {
        pull.labels.iter().filter_map(|name| repo.labels.get(name)).map(|label| self.label_json(repo, label)).collect()
    }

    /// GitHub's `author_association`. As on GitHub, it says less than the permission look-up does.
    pub fn association(&self, repo: &Repo, login: &str) -> &'static str {
        if repo.owner == login {
            "OWNER"
        } else if repo.roles.contains_key(login) || merged(repo, login) {
            "CONTRIBUTOR"
        } else {
            "NONE"
        }
    }
}

/// Whether something of a person's is in the repository.
fn merged(repo: &Repo, login: &str) -> bool {
    repo.pulls.values().any(|pull| pull.author == login && pull.merged.is_some())
}
