//! What GitHub offers in GraphQL alone. It goes the way of every other request; a refusal comes with status 200.

use http::{HeaderMap, Method};
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth::{Auth, Scope};
use super::client::{Ask, GRAPHQL, GitHub, Reply};
use super::comments::TALK;
use super::error::{GitHubError, Subject, limited};
use super::repos::base;
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

const ENQUEUE: &str = "mutation($input: EnqueuePullRequestInput!) {
  enqueuePullRequest(input: $input) { mergeQueueEntry { position state } }
}";

/// Who puts a pull request into a queue merges it in the end.
const MERGE: Scope = &[("contents", "write"), ("pull_requests", "write")];

#[derive(Deserialize)]
struct Node {
    node_id: String,
}

/// What came of asking for a place in the merge queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// It has one, or had one before.
    Taken,
    /// Its head is not the one that was meant any more.
    Overtaken,
    /// GitHub does not let it in, in its own words, which name what is missing.
    Refused(String),
}

impl GitHub {
    /// Puts a pull request whose head is still `sha` into the merge queue of its base branch. Nothing else is turned on: where a
    /// check or a review is missing, GitHub says which.
    ///
    /// # Errors
    /// See [`GitHubError`].
    pub async fn enqueue(&self, repo: &Repo, number: i64, sha: &str) -> Result<Place, GitHubError> {
        let path = format!("{}/pulls/{number}", base(repo));
        let node: Node = self.json(Ask::get(Auth::of(repo, MERGE), path)).await?;
        let variables = json!({ "input": { "pullRequestId": node.node_id, "expectedHeadOid": sha } });
        let body = json!({ "query": ENQUEUE, "variables": variables });
        let reply = self.send(Ask::write(Auth::of(repo, MERGE), Method::POST, GRAPHQL.to_owned(), body)).await?;
        match judge(&reply, &Subject { what: "enqueuePullRequest", write: true, now: self.now() }) {
            Ok(()) => Ok(Place::Taken),
            Err(GitHubError::Invalid { message, .. }) if message.contains("already in the queue") => Ok(Place::Taken),
            // No reference has the words for it; that they name the argument or the head is all that reports agree on.
            Err(GitHubError::Invalid { message, .. })
                if message.contains("expectedHeadOid") || message.to_ascii_lowercase().contains("head sha") =>
            {
                Ok(Place::Overtaken)
            }
            Err(GitHubError::Invalid { message, .. } | GitHubError::Forbidden { message, .. }) => {
                Ok(Place::Refused(message))
            }
            Err(error) => Err(error),
        }
    }

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
