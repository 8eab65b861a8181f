//! Check suites, check runs and annotations.

use serde_json::{Value, json};

use super::{iso, node_id};
use crate::playground::git::Commit;
use crate::playground::world::{Annotation, CheckRun, CheckSuite, Repo, World};

/// The conclusion that counts most decides for the suite.
const PRIORITY: &[&str] = &["action_required", "failure", "timed_out", "cancelled", "success", "neutral", "skipped"];

impl World {
    /// A `check-run`.
    pub fn check_json(&self, repo: &Repo, check: &CheckRun) -> Value {
        let url = format!("{}/check-runs/{}", self.repo_url(repo), check.id);
        json!({
            "id": check.id,
            "node_id": node_id("CheckRun", check.id),
            "name": check.name,
            "head_sha": check.head_sha,
            "external_id": check.external_id,
            "url": url,
            "html_url": format!("{}/{}/runs/{}", self.url, repo.full_name(), check.id),
            "details_url": check.details_url,
            "status": check.status,
            "conclusion": check.conclusion,
            "started_at": check.started_at.map(iso),
            "completed_at": check.completed_at.map(iso),
            "output": {
                "title": check.title,
                "summary": check.summary,
                "text": check.text,
                "annotations_count": check.annotations.len(),
                "annotations_url": format!("{url}/annotations"),
            },
            "check_suite": { "id": check.suite },
            "app": self.app_json(),
            "pull_requests": self.pulls_at(repo, &check.head_sha),
        })
    }

    /// A `check-run` as webhooks carry it: with its suite.
    pub fn check_event_json(&self, repo: &Repo, check: &CheckRun) -> Value {
        let mut json = self.check_json(repo, check);
        if let Some(suite) = repo.suites.get(&check.suite) {
            let (status, conclusion) = self.suite_state(repo, suite);
            json["check_suite"] = json!({
                "id": suite.id,
                "head_branch": suite.head_branch,
                "head_sha": suite.head_sha,
                "status": status,
                "conclusion": conclusion,
                "before": suite.before,
                "after": suite.head_sha,
                "pull_requests": self.pulls_at(repo, &suite.head_sha),
                "app": self.app_json(),
                "created_at": iso(suite.created_at),
                "updated_at": iso(suite.updated_at),
            });
        }
        json
    }

    /// A `check-suite`.
    pub fn suite_json(&self, repo: &Repo, suite: &CheckSuite, commit: &Commit) -> Value {
        let url = format!("{}/check-suites/{}", self.repo_url(repo), suite.id);
        let (status, conclusion) = self.suite_state(repo, suite);
        json!({
            "id": suite.id,
            "node_id": node_id("CheckSuite", suite.id),
            "head_branch": suite.head_branch,
            "head_sha": suite.head_sha,
            "status": status,
            "conclusion": conclusion,
            "url": url,
            "before": suite.before,
            "after": suite.head_sha,
            "pull_requests": self.pulls_at(repo, &suite.head_sha),
            "app": self.app_json(),
            "created_at": iso(suite.created_at),
            "updated_at": iso(suite.updated_at),
            "rerequestable": true,
            "runs_rerequestable": true,
            "latest_check_runs_count": repo.checks.values().filter(|check| check.suite == suite.id).count(),
            "check_runs_url": format!("{url}/check-runs"),
            "head_commit": self.simple_commit_json(commit),
            "repository": self.repo_json(repo),
        })
    }

    /// A `check-annotation`.
    pub fn annotation_json(&self, repo: &Repo, check: &CheckRun, annotation: &Annotation) -> Value {
        json!({
            "path": annotation.path,
            "blob_href": format!("{}/{}/blob/{}/{}", self.url, repo.full_name(), check.head_sha, annotation.path),
            "start_line": annotation.start_line,
            "end_line": annotation.end_line,
            "start_column": annotation.columns.map(|(start, _)| start),
            "end_column": annotation.columns.map(|(_, end)| end),
            "annotation_level": annotation.level,
            "title": annotation.title,
            "message": annotation.message,
            "raw_details": annotation.raw_details,
        })
    }

    /// Status and conclusion of a suite, from its newest run of each name.
    pub fn suite_state(&self, repo: &Repo, suite: &CheckSuite) -> (&'static str, Option<&'static str>) {
        let mut newest = std::collections::BTreeMap::new();
        for check in repo.checks.values().filter(|check| check.suite == suite.id) {
            newest.insert(check.name.as_str(), check);
        }
        if suite.requeued || newest.is_empty() {
            return ("queued", None);
        }
        if newest.values().all(|check| check.status == "queued") {
            return ("queued", None);
        }
        if newest.values().any(|check| check.status != "completed") {
            return ("in_progress", None);
        }
        let worst = PRIORITY.iter().find(|word| newest.values().any(|check| check.conclusion.as_deref() == Some(word)));
        ("completed", worst.copied())
    }

    /// Open pull requests of this repository's own branches whose head is this commit; forks' are not listed.
    fn pulls_at(&self, repo: &Repo, sha: &str) -> Vec<Value> {
        repo.pulls
            .values()
            .filter(|pull| pull.open && pull.head_sha == sha && pull.head_repo == repo.id)
            .map(|pull| self.pull_minimal_json(repo, pull))
            .collect()
    }
}
