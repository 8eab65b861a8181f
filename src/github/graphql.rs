//! What GitHub offers in GraphQL alone. It goes the way of every other request; a refusal comes with status 200.

use http::{HeaderMap, Method};
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth::Auth;
use super::client::{Ask, GRAPHQL, GitHub, Reply};
use super::comments::TALK;
use super::error::{GitHubError, Subject, limited};
use crate::domain::ids::Repo;

const MINIMISE: &str = "mutation($input: MinimizeCommentInput!) {
  minimizeComment(input: $input) { minimizedComment { isMinimized minimizedReason } }
}";

#[derive(Default, Deserialize)]
struct Answer {
    #[serde(default)]
    errors: Vec<Refusal>,
}

/// What somebody did wrong has a `type`, or a code when the request itself is wrong. GitHub's own trouble has neither.
#[derive(Deserialize)]
struct Refusal {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    message: String,
    #[serde(default)]
    extensions: Value,
}

impl GitHub {
    /// Folds a comment away as resolved; whoever wants to can still open it. Again is harmless.
    ///
    /// # Errors
    /// `NotFound` when the comment is gone, `Forbidden` when the App may not; else see [`GitHubError`].
    pub async fn minimise_comment(&self, repo: &Repo, node_id: &str) -> Result<(), GitHubError> {
        let variables = json!({ "input": { "subjectId": node_id, "classifier": "RESOLVED" } });
        let body = json!({ "query": MINIMISE, "variables": variables });
        let reply = self.send(Ask::write(Auth::of(repo, TALK), Method::POST, GRAPHQL.to_owned(), body)).await?;
        judge(&reply, &Subject { what: "minimizeComment", write: true, now: self.now() })
    }
}

/// Nothing, or what the first error means.
pub(super) fn judge(reply: &Reply, subject: &Subject<'_>) -> Result<(), GitHubError> {
    let answer: Answer = serde_json::from_slice(&reply.bytes).map_err(|error| subject.not_json(error.to_string()))?;
    answer.errors.first().map_or(Ok(()), |refusal| Err(meaning(refusal, &reply.headers, subject)))
}

fn meaning(refusal: &Refusal, headers: &HeaderMap, subject: &Subject<'_>) -> GitHubError {
    let (what, message) = (subject.what.to_owned(), refusal.message.clone());
    match refusal.kind.as_deref() {
        Some("NOT_FOUND") => GitHubError::NotFound { what },
        Some("FORBIDDEN" | "INSUFFICIENT_SCOPES") => GitHubError::Forbidden { what, message, needs: None },
        Some("RATE_LIMITED" | "RATE_LIMIT") => limited(headers, &message, subject.now),
        Some(_) => GitHubError::Invalid { what, message },
        None if refusal.extensions.get("code").is_some() => GitHubError::Invalid { what, message },
        None => subject.doubt(message),
    }
}
