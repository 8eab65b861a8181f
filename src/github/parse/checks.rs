//! What people press on checks.

use serde::Deserialize;

use super::{Id, Payload};
use crate::domain::event::{CheckRef, Incoming};

#[derive(Deserialize)]
struct RunEvent {
    check_run: Run,
    #[serde(default)]
    requested_action: Option<Action>,
}

#[derive(Deserialize)]
struct Run {
    id: i64,
    name: String,
    #[serde(default)]
    external_id: Option<String>,
    head_sha: String,
    #[serde(default)]
    app: Option<Id>,
}

#[derive(Deserialize)]
struct Action {
    identifier: String,
}

#[derive(Deserialize)]
struct SuiteEvent {
    check_suite: Suite,
}

#[derive(Deserialize)]
struct Suite {
    head_sha: String,
    #[serde(default)]
    app: Option<Id>,
    #[serde(default)]
    pull_requests: Vec<Number>,
}

#[derive(Deserialize)]
struct Number {
    number: i64,
}

impl Run {
    fn into_ref(self) -> CheckRef {
        CheckRef {
            id: self.id,
            name: self.name,
            external_id: self.external_id.unwrap_or_default(),
            head_sha: self.head_sha,
            app_id: self.app.map_or(0, |app| app.id),
        }
    }
}

/// Re-run of one.
pub(super) fn rerequested(payload: &Payload<'_>) -> serde_json::Result<Incoming> {
    let event: RunEvent = payload.read()?;
    let (repo, sender) = payload.place()?;
    Ok(Incoming::CheckRerequested { repo, check: event.check_run.into_ref(), sender })
}

/// A button.
pub(super) fn requested_action(payload: &Payload<'_>) -> serde_json::Result<Incoming> {
    let event: RunEvent = payload.read()?;
    let (repo, sender) = payload.place()?;
    let identifier = event.requested_action.map(|a| a.identifier).unwrap_or_default();
    Ok(Incoming::CheckAction { repo, check: event.check_run.into_ref(), identifier, sender })
}

/// Re-run of all.
pub(super) fn suite(payload: &Payload<'_>) -> serde_json::Result<Incoming> {
    let SuiteEvent { check_suite: suite } = payload.read()?;
    let (repo, sender) = payload.place()?;
    Ok(Incoming::SuiteRerequested {
        repo,
        head_sha: suite.head_sha,
        app_id: suite.app.map_or(0, |app| app.id),
        pulls: suite.pull_requests.into_iter().map(|p| p.number).collect(),
        sender,
    })
}
