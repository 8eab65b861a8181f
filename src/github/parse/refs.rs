//! Pushes and the merge queue.

use serde::Deserialize;

use super::Payload;
use crate::domain::event::Incoming;

#[derive(Deserialize)]
struct Push {
    #[serde(rename = "ref")]
    name: String,
    before: String,
    after: String,
    #[serde(default)]
    commits: Vec<Commit>,
}

#[derive(Deserialize)]
struct Commit {
    #[serde(default)]
    added: Vec<String>,
    #[serde(default)]
    removed: Vec<String>,
    #[serde(default)]
    modified: Vec<String>,
}

/// GitHub lists at most so many commits of a push.
const LISTED: usize = 2048;

#[derive(Deserialize)]
struct MergeGroupEvent {
    merge_group: MergeGroup,
}

#[derive(Deserialize)]
struct MergeGroup {
    head_sha: String,
    head_ref: String,
    base_sha: String,
}

/// Tags are no branches, and the merge queue's branches have an event of their own.
pub(super) fn push(payload: &Payload<'_>) -> serde_json::Result<Option<Incoming>> {
    let push: Push = payload.read()?;
    let branch = push.name.strip_prefix("refs/heads/").filter(|b| !b.starts_with("gh-readonly-queue/"));
    let Some(branch) = branch.map(str::to_owned) else { return Ok(None) };
    let (repo, sender) = payload.place()?;
    let all = !push.commits.is_empty() && push.commits.len() < LISTED;
    let paths = push.commits.into_iter().flat_map(|commit| [commit.added, commit.removed, commit.modified].concat());
    let touched = all.then(|| paths.collect());
    Ok(Some(Incoming::Push { repo, branch, before: push.before, after: push.after, touched, sender }))
}

/// Checks are wanted, or no longer.
pub(super) fn merge_group(payload: &Payload<'_>) -> serde_json::Result<Incoming> {
    let MergeGroupEvent { merge_group: group } = payload.read()?;
    let (repo, _) = payload.place()?;
    Ok(Incoming::MergeGroup {
        action: payload.action.to_owned(),
        repo,
        head_sha: group.head_sha,
        head_ref: group.head_ref,
        base_sha: group.base_sha,
    })
}
