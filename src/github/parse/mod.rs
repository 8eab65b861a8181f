//! Payloads into our words. First only the action is read: most deliveries interest nobody.

mod checks;
mod refs;
mod signals;

pub(super) use signals::told;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::wire::{Id, IssueComment, PullRequest, Repository, User, login};
use crate::domain::event::Incoming;
use crate::domain::ids::Repo;

/// The pull request actions that can change what is checked or remembered.
const PULL_ACTIONS: &[&str] =
    &["opened", "synchronize", "reopened", "ready_for_review", "converted_to_draft", "edited", "closed"];

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    action: Option<String>,
    #[serde(default)]
    installation: Option<Id>,
}

/// Where it happened and who did it.
#[derive(Deserialize)]
struct Place {
    repository: Repository,
    #[serde(default)]
    sender: Option<User>,
}

#[derive(Deserialize)]
struct PullEvent {
    pull_request: PullRequest,
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Deserialize)]
struct CommentEvent {
    issue: Issue,
    comment: IssueComment,
}

#[derive(Deserialize)]
struct Issue {
    number: i64,
    #[serde(default)]
    pull_request: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct InstallationEvent {
    installation: Account,
}

#[derive(Deserialize)]
struct Account {
    account: Option<User>,
}

/// A payload on its way: what is known before it is read in full.
struct Payload<'a> {
    action: &'a str,
    installation: i64,
    body: &'a [u8],
}

impl Payload<'_> {
    fn read<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_slice(self.body)
    }

    fn place(&self) -> serde_json::Result<(Repo, String)> {
        let place: Place = self.read()?;
        Ok((place.repository.into_repo(self.installation), login(place.sender)))
    }
}

pub(super) const HANDLED: &[&str] = &[
    "pull_request",
    "push",
    "merge_group",
    "pull_request_review",
    "pull_request_review_comment",
    "issue_comment",
    "member",
    "organization",
    "check_run",
    "check_suite",
    "repository",
    "installation",
    "installation_repositories",
];

/// See `webhook::parse`.
pub(super) fn incoming(event: &str, body: &[u8]) -> serde_json::Result<Option<Incoming>> {
    if !HANDLED.contains(&event) {
        return Ok(None);
    }
    let head: Head = serde_json::from_slice(body)?;
    // Without an installation it comes from a repository's own webhook, and the App could not answer.
    let Some(installation) = head.installation.map(|i| i.id) else { return Ok(None) };
    let action = head.action.unwrap_or_default();
    let payload = Payload { action: &action, installation, body };
    match (event, action.as_str()) {
        ("pull_request", action) if PULL_ACTIONS.contains(&action) => pull(&payload).map(Some),
        ("pull_request", "dequeued") => dequeued(&payload).map(Some),
        ("issue_comment", "created") => comment(&payload),
        ("push", _) => refs::push(&payload),
        ("merge_group", _) => refs::merge_group(&payload).map(Some),
        ("check_run", "rerequested") => checks::rerequested(&payload).map(Some),
        ("check_run", "requested_action") => checks::requested_action(&payload).map(Some),
        ("check_suite", "rerequested") => checks::suite(&payload).map(Some),
        ("repository", _) => {
            let (repo, _) = payload.place()?;
            Ok(Some(Incoming::Repository { action, repo }))
        }
        ("installation" | "installation_repositories", _) => {
            let event: InstallationEvent = payload.read()?;
            Ok(Some(Incoming::Installation { account: login(event.installation.account), action, installation }))
        }
        _ => Ok(None),
    }
}

fn pull(payload: &Payload<'_>) -> serde_json::Result<Incoming> {
    let event: PullEvent = payload.read()?;
    let (repo, sender) = payload.place()?;
    Ok(Incoming::Pull { action: payload.action.to_owned(), repo, pull: event.pull_request.into_pull(), sender })
}

fn dequeued(payload: &Payload<'_>) -> serde_json::Result<Incoming> {
    let event: PullEvent = payload.read()?;
    let (repo, _) = payload.place()?;
    Ok(Incoming::Dequeued { repo, pull: event.pull_request.into_pull(), reason: event.reason.unwrap_or_default() })
}

fn comment(payload: &Payload<'_>) -> serde_json::Result<Option<Incoming>> {
    let event: CommentEvent = payload.read()?;
    if event.issue.pull_request.is_none() {
        return Ok(None);
    }
    let (repo, _) = payload.place()?;
    Ok(Some(Incoming::Comment { repo, number: event.issue.number, comment: event.comment.into_comment() }))
}
