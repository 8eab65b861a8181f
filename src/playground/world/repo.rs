//! A repository and all that hangs on it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{CheckRun, CheckSuite, Comment, Deployment, Label, MergeGroup, Pull, Role, Status};

/// A repository.
#[derive(Clone, Debug)]
pub struct Repo {
    /// GitHub's id; never changes.
    pub id: u64,
    /// Login of the owner.
    pub owner: String,
    /// The name after the slash.
    pub name: String,
    /// What it was called before, `owner/name`: these names still lead here.
    pub old_names: Vec<String>,
    /// Whether strangers see nothing.
    pub private: bool,
    /// Whether it is read-only.
    pub archived: bool,
    /// Whether others are made from it.
    pub template: bool,
    /// Its topics.
    pub topics: Vec<String>,
    /// The default branch, without `refs/heads/`.
    pub default_branch: String,
    /// One line about it.
    pub description: Option<String>,
    /// The repository it was forked from.
    pub fork_of: Option<u64>,
    /// What each person may do.
    pub roles: BTreeMap<String, Role>,
    /// Refs as last seen: full name -> SHA (`refs/heads/` and `refs/tags/` only).
    pub refs: BTreeMap<String, String>,
    /// The number of the newest issue or pull request.
    pub last_number: u64,
    /// Pull requests by number.
    pub pulls: BTreeMap<u64, Pull>,
    /// Comments of all pull requests, by id.
    pub comments: BTreeMap<u64, Comment>,
    /// Check suites by id.
    pub suites: BTreeMap<u64, CheckSuite>,
    /// Check runs by id.
    pub checks: BTreeMap<u64, CheckRun>,
    /// Deployments by id.
    pub deployments: BTreeMap<u64, Deployment>,
    /// Labels by name.
    pub labels: BTreeMap<String, Label>,
    /// Rulesets by id: the JSON that was sent.
    pub rulesets: BTreeMap<u64, Value>,
    /// Commit statuses, oldest first.
    pub statuses: Vec<Status>,
    /// Groups that wait in the merge queue, by head ref.
    pub queue: BTreeMap<String, MergeGroup>,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds of the last push.
    pub pushed_at: i64,
}

impl Repo {
    /// `owner/name`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// The SHA a branch was last seen at.
    pub fn branch(&self, name: &str) -> Option<&str> {
        self.refs.get(&format!("refs/heads/{name}")).map(String::as_str)
    }

    /// The rules of one kind that its active rulesets have.
    pub fn rules<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        let active = self.rulesets.values().filter(|ruleset| ruleset["enforcement"] == "active");
        let all = active.flat_map(|ruleset| ruleset["rules"].as_array().into_iter().flatten());
        all.filter(move |rule| rule["type"] == kind)
    }

    /// Whether only the merge queue brings something to the default branch.
    pub fn queues(&self) -> bool {
        self.rules("merge_queue").next().is_some()
    }

    /// The required checks that have not passed on a commit.
    pub fn missing_checks(&self, sha: &str) -> Vec<String> {
        let required = self.rules("required_status_checks");
        let names =
            required.flat_map(|rule| rule["parameters"]["required_status_checks"].as_array().into_iter().flatten());
        let names = names.filter_map(|check| check["context"].as_str());
        let passed = |name: &&str| {
            let newest = self.checks_of(sha).filter(|check| check.name == *name).last();
            newest.is_some_and(|check| matches!(check.conclusion.as_deref(), Some("success" | "skipped" | "neutral")))
        };
        names.filter(|name| !passed(name)).map(str::to_owned).collect()
    }

    /// Comments of one pull request, oldest first.
    pub fn comments_of(&self, number: u64) -> impl Iterator<Item = &Comment> {
        self.comments.values().filter(move |comment| comment.number == number)
    }

    /// Check runs on a commit, oldest first.
    pub fn checks_of<'a>(&'a self, sha: &'a str) -> impl Iterator<Item = &'a CheckRun> {
        self.checks.values().filter(move |check| check.head_sha == sha)
    }
}
