//! Check runs.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::auth::{Auth, Scope};
use super::client::{Ask, GitHub};
use super::error::GitHubError;
use super::repos::base;
use super::wire::{Id, escape, time};
use crate::domain::ids::Repo;
use crate::domain::run::Annotation;

const WRITE: Scope = &[("checks", "write")];
/// Pages of check runs that are searched for one of ours.
const SEARCHED: usize = 10;

/// A check run as it shall be. GitHub appends `annotations` (at most 50 in one request) and replaces the rest.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheckPayload {
    /// `fairway / NAME`.
    pub name: String,
    /// The commit; it never changes.
    pub head_sha: String,
    /// Ours; by it the check run is found again.
    pub external_id: String,
    /// `queued`, `in_progress` or `completed`.
    pub status: String,
    /// Only with `completed`.
    pub conclusion: Option<String>,
    /// Unix milliseconds.
    pub started_at: Option<i64>,
    /// Unix milliseconds; only with a conclusion.
    pub completed_at: Option<i64>,
    /// One line.
    pub title: String,
    /// Markdown, at most 65,535 characters.
    pub summary: String,
    /// Markdown, at most 65,535 characters.
    pub text: Option<String>,
    /// At most 50.
    pub annotations: Vec<Annotation>,
    /// Buttons, at most 3; GitHub shows them once the run is completed.
    pub actions: Vec<Action>,
    /// Where `Details` leads.
    pub details_url: String,
}

/// A button on a check run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Action {
    /// At most 20 characters.
    pub label: String,
    /// At most 40 characters.
    pub description: String,
    /// At most 20 characters; comes back in `requested_action`.
    pub identifier: String,
}

#[derive(Deserialize)]
struct CheckRun {
    id: i64,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    app: Option<Id>,
    #[serde(default)]
    output: Option<Output>,
}

#[derive(Deserialize)]
struct Output {
    #[serde(default)]
    annotations_count: usize,
}

#[derive(Deserialize)]
struct CheckRuns {
    check_runs: Vec<CheckRun>,
}

impl GitHub {
    /// Makes a check run and answers its id.
    ///
    /// # Errors
    /// `Ambiguous` when it may exist now: look with [`GitHub::find_check`]. Else see [`GitHubError`].
    pub async fn create_check(&self, repo: &Repo, check: &CheckPayload) -> Result<i64, GitHubError> {
        let mut body = body(check);
        body["head_sha"] = json!(check.head_sha);
        let path = format!("{}/check-runs", base(repo));
        self.json::<Id>(Ask::write(Auth::of(repo, WRITE), Method::POST, path, body)).await.map(|made| made.id)
    }

    /// Brings a check run to this state.
    ///
    /// # Errors
    /// `Ambiguous` when it may have happened: the same again is harmless unless it carries annotations, see
    /// [`GitHub::annotations_sent`]. Else see [`GitHubError`].
    pub async fn update_check(&self, repo: &Repo, id: i64, check: &CheckPayload) -> Result<(), GitHubError> {
        let path = format!("{}/check-runs/{id}", base(repo));
        self.send(Ask::write(Auth::of(repo, WRITE), Method::PATCH, path, body(check))).await.map(drop)
    }

    /// Our check run of this name and external id on a commit.
    ///
    /// # Errors
    /// See [`GitHubError`].
    pub async fn find_check(
        &self,
        repo: &Repo,
        sha: &str,
        name: &str,
        external_id: &str,
    ) -> Result<Option<i64>, GitHubError> {
        let path = format!(
            "{}/commits/{}/check-runs?check_name={}&filter=all&per_page=100",
            base(repo),
            escape(sha),
            escape(name)
        );
        let (pages, _) = self.pages::<CheckRuns>(Ask::get(Auth::of(repo, WRITE), path), SEARCHED).await?;
        let ours = |run: &CheckRun| {
            // Another App may use the same name and id.
            run.external_id.as_deref() == Some(external_id)
                && run.app.as_ref().is_none_or(|app| app.id == self.app_id())
        };
        Ok(pages.into_iter().flat_map(|p| p.check_runs).find(ours).map(|run| run.id))
    }

    /// How many annotations a check run has.
    ///
    /// # Errors
    /// See [`GitHubError`].
    pub async fn annotations_sent(&self, repo: &Repo, id: i64) -> Result<usize, GitHubError> {
        let path = format!("{}/check-runs/{id}", base(repo));
        let run: CheckRun = self.json(Ask::get(Auth::of(repo, WRITE), path)).await?;
        Ok(run.output.map_or(0, |output| output.annotations_count))
    }
}

fn body(check: &CheckPayload) -> Value {
    let mut output = json!({ "title": check.title, "summary": check.summary });
    if let Some(text) = &check.text {
        output["text"] = json!(text);
    }
    if !check.annotations.is_empty() {
        output["annotations"] = check.annotations.iter().map(annotation).collect();
    }
    let mut body = json!({
        "name": check.name,
        "external_id": check.external_id,
        "status": check.status,
        "output": output,
        "actions": check.actions,
        "details_url": check.details_url,
    });
    if let Some(conclusion) = &check.conclusion {
        body["conclusion"] = json!(conclusion);
    }
    if let Some(at) = check.started_at {
        body["started_at"] = json!(time(at));
    }
    // With a time of completion GitHub takes the run for completed.
    if let Some(at) = check.completed_at.filter(|_| check.conclusion.is_some()) {
        body["completed_at"] = json!(time(at));
    }
    body
}

/// Columns only where it is one line: GitHub refuses them elsewhere.
fn annotation(note: &Annotation) -> Value {
    let mut wire = json!({
        "path": note.path,
        "start_line": note.start_line,
        "end_line": note.end_line,
        "annotation_level": note.level,
        "message": note.message,
    });
    if !note.title.is_empty() {
        wire["title"] = json!(note.title);
    }
    if note.start_line == note.end_line {
        for (name, column) in [("start_column", note.start_column), ("end_column", note.end_column)] {
            if let Some(column) = column {
                wire[name] = json!(column);
            }
        }
    }
    wire
}
