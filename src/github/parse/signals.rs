//! What deliveries tell of how people work together. GitHub's own time counts where a payload has one: a delivery may
//! come late. Programs never count, neither as authors nor as reviewers.

use serde::Deserialize;

use super::{Head, Payload};
use crate::domain::command::{self, Parsed};
use crate::domain::metrics::{Signal, SignalKind, Told};
use crate::github::wire::{Id, Repository, User, login, millis};

/// What GitHub calls an author of whom nothing was ever committed to the repository.
const NEW: &[&str] = &["NONE", "FIRST_TIME_CONTRIBUTOR", "FIRST_TIMER"];

/// Where it happened, who did it, and of an account's own events which account.
#[derive(Deserialize)]
struct Frame {
    #[serde(default)]
    repository: Option<Repository>,
    #[serde(default)]
    organization: Option<User>,
    #[serde(default)]
    sender: Option<User>,
}

#[derive(Deserialize)]
struct PullEvent {
    pull_request: Pull,
    #[serde(default)]
    requested_reviewer: Option<User>,
}

/// A pull request as its own events show it.
#[derive(Deserialize)]
struct Pull {
    number: i64,
    user: Option<User>,
    created_at: String,
    head: Side,
    base: Side,
    #[serde(default)]
    closed_at: Option<String>,
    #[serde(default)]
    merged_at: Option<String>,
    #[serde(default)]
    author_association: String,
    #[serde(default)]
    draft: bool,
}

#[derive(Deserialize)]
struct Side {
    sha: String,
    #[serde(rename = "ref")]
    name: String,
    #[serde(default)]
    repo: Option<Id>,
}

#[derive(Deserialize)]
struct ReviewEvent {
    review: Review,
    pull_request: Subject,
}

#[derive(Deserialize)]
struct Review {
    user: Option<User>,
    #[serde(default)]
    state: String,
    #[serde(default)]
    submitted_at: Option<String>,
}

#[derive(Deserialize)]
struct RemarkEvent {
    comment: Said,
    pull_request: Subject,
}

#[derive(Deserialize)]
struct CommentEvent {
    comment: Said,
    issue: Issue,
}

#[derive(Deserialize)]
struct Issue {
    #[serde(flatten)]
    subject: Subject,
    #[serde(default)]
    pull_request: Option<serde::de::IgnoredAny>,
}

/// What was spoken about.
#[derive(Deserialize)]
struct Subject {
    number: i64,
    user: Option<User>,
}

#[derive(Deserialize)]
struct Said {
    user: Option<User>,
    created_at: String,
    #[serde(default)]
    body: Option<String>,
}

#[derive(Deserialize)]
struct PushEvent {
    #[serde(rename = "ref")]
    name: String,
    after: String,
    #[serde(default)]
    created: bool,
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    commits: Vec<Commit>,
    repository: Pushed,
}

/// When: a number in this event, a text in all others.
#[derive(Deserialize)]
struct Pushed {
    #[serde(default)]
    pushed_at: serde_json::Value,
    #[serde(default)]
    default_branch: String,
}

#[derive(Deserialize)]
struct Commit {
    /// False: it had been pushed before, by a merge of the base for example.
    #[serde(default)]
    distinct: bool,
    timestamp: String,
    #[serde(default)]
    author: Signed,
}

#[derive(Deserialize, Default)]
struct Signed {
    #[serde(default)]
    date: Option<String>,
}

#[derive(Deserialize)]
struct MemberEvent {
    member: User,
}

#[derive(Deserialize)]
struct OrganizationEvent {
    membership: Membership,
}

#[derive(Deserialize)]
struct Membership {
    user: User,
}

/// See `webhook::told`.
pub(in crate::github) fn told(event: &str, body: &[u8], seen: i64) -> serde_json::Result<Option<Told>> {
    if !super::HANDLED.contains(&event) {
        return Ok(None);
    }
    let head: Head = serde_json::from_slice(body)?;
    let Some(installation) = head.installation.map(|i| i.id) else { return Ok(None) };
    let action = head.action.unwrap_or_default();
    let payload = Payload { action: &action, installation, body };
    let signals = match (event, action.as_str()) {
        ("pull_request", _) => pull(&payload, seen)?,
        ("pull_request_review", "submitted") => review(&payload)?,
        ("pull_request_review_comment", "created") => remark(&payload)?,
        ("issue_comment", "created") => comment(&payload)?,
        ("push", _) => push(&payload, seen)?,
        ("member", "added") => joined(payload.read::<MemberEvent>()?.member, seen),
        ("organization", "member_added") => joined(payload.read::<OrganizationEvent>()?.membership.user, seen),
        _ => Vec::new(),
    };
    if signals.is_empty() {
        return Ok(None);
    }
    let frame: Frame = payload.read()?;
    let repo = frame.repository.map(|repository| repository.into_repo(installation));
    let owner = repo.as_ref().map_or_else(|| login(frame.organization), |repo| repo.owner.clone());
    Ok(Some(Told { owner, repo, signals }))
}

/// A person, as far as GitHub can know: machine accounts of people it calls users too.
fn human(user: Option<&User>) -> bool {
    user.is_some_and(|user| user.kind.as_deref().is_none_or(|kind| kind == "User"))
}

fn pull(payload: &Payload<'_>, seen: i64) -> serde_json::Result<Vec<Signal>> {
    const ACTIONS: &[&str] =
        &["opened", "ready_for_review", "converted_to_draft", "review_requested", "synchronize", "closed"];
    if !ACTIONS.contains(&payload.action) {
        return Ok(Vec::new());
    }
    let PullEvent { pull_request: pull, requested_reviewer: asked } = payload.read()?;
    // What a program opens says nothing of how people work. Whoever deleted their account was a person.
    if pull.user.is_some() && !human(pull.user.as_ref()) {
        return Ok(Vec::new());
    }
    let signal = |kind, at| Signal { kind, at, pull: pull.number, ..Signal::default() };
    let own = pull.head.repo.as_ref().map(|repo| repo.id) == pull.base.repo.as_ref().map(|repo| repo.id);
    let branch = if own { pull.head.name.clone() } else { String::new() };
    Ok(match payload.action {
        "opened" => opened(&pull, branch),
        "ready_for_review" => vec![signal(SignalKind::Ready, seen)],
        "converted_to_draft" => vec![signal(SignalKind::Drafted, seen)],
        // Without a person it was a team.
        "review_requested" if asked.is_none() || human(asked.as_ref()) => vec![signal(SignalKind::Requested, seen)],
        "synchronize" if human(payload.read::<Frame>()?.sender.as_ref()) => {
            vec![Signal { sha: pull.head.sha.clone(), ..signal(SignalKind::Head, seen) }]
        }
        "closed" => {
            let (merged, closed) = (pull.merged_at.as_deref(), pull.closed_at.as_deref());
            let kind = if merged.is_some() { SignalKind::Merged } else { SignalKind::Closed };
            let at = merged.or(closed).and_then(millis).unwrap_or(seen);
            let who = pull.user.as_ref().filter(|_| merged.is_some()).map_or(0, |user| user.id);
            vec![Signal { who, branch, ..signal(kind, at) }]
        }
        _ => Vec::new(),
    })
}

fn opened(pull: &Pull, branch: String) -> Vec<Signal> {
    let Some(at) = millis(&pull.created_at) else { return Vec::new() };
    let signal = |kind| Signal { kind, at, pull: pull.number, ..Signal::default() };
    let mut signals = vec![Signal { branch, sha: pull.head.sha.clone(), ..signal(SignalKind::Opened) }];
    if pull.draft {
        signals.push(signal(SignalKind::Drafted));
    }
    if let Some(user) = pull.user.as_ref().filter(|_| NEW.contains(&pull.author_association.as_str())) {
        signals.push(Signal { who: user.id, ..signal(SignalKind::Joined) });
    }
    signals
}

fn review(payload: &Payload<'_>) -> serde_json::Result<Vec<Signal>> {
    let ReviewEvent { review, pull_request: subject } = payload.read()?;
    let approved = review.state.eq_ignore_ascii_case("approved");
    let kind = if approved { SignalKind::Approval } else { SignalKind::Word };
    Ok(word(kind, &subject, (review.user.as_ref(), review.submitted_at.as_deref())))
}

fn remark(payload: &Payload<'_>) -> serde_json::Result<Vec<Signal>> {
    let RemarkEvent { comment, pull_request: subject } = payload.read()?;
    Ok(word(SignalKind::Word, &subject, (comment.user.as_ref(), Some(&comment.created_at))))
}

fn comment(payload: &Payload<'_>) -> serde_json::Result<Vec<Signal>> {
    let CommentEvent { comment, issue } = payload.read()?;
    // Who types a command speaks to a program, not to the author.
    let speaks = command::parse(comment.body.as_deref().unwrap_or_default()) == Parsed::NotForUs;
    if issue.pull_request.is_none() || !speaks {
        return Ok(Vec::new());
    }
    Ok(word(SignalKind::Word, &issue.subject, (comment.user.as_ref(), Some(&comment.created_at))))
}

/// By a person, about what another person opened.
fn word(kind: SignalKind, subject: &Subject, (by, at): (Option<&User>, Option<&str>)) -> Vec<Signal> {
    let author = subject.user.as_ref();
    let another = by.and_then(|by| by.login.as_ref()) != author.and_then(|author| author.login.as_ref());
    let people = human(by) && (author.is_none() || human(author));
    let at = at.and_then(millis).filter(|_| people && another);
    at.map(|at| Signal { kind, pull: subject.number, at, ..Signal::default() }).into_iter().collect()
}

fn push(payload: &Payload<'_>, seen: i64) -> serde_json::Result<Vec<Signal>> {
    let push: PushEvent = payload.read()?;
    let branch = push.name.strip_prefix("refs/heads/").filter(|name| !name.starts_with("gh-readonly-queue/"));
    let branch = branch.filter(|name| *name != push.repository.default_branch && !push.deleted);
    let Some(branch) = branch.map(str::to_owned) else { return Ok(Vec::new()) };
    if !human(payload.read::<Frame>()?.sender.as_ref()) {
        return Ok(Vec::new());
    }
    let at = match &push.repository.pushed_at {
        serde_json::Value::Number(seconds) => seconds.as_i64().and_then(|seconds| seconds.checked_mul(1_000)),
        other => other.as_str().and_then(millis),
    };
    let made = |commit: &Commit| millis(commit.author.date.as_deref().unwrap_or(&commit.timestamp));
    Ok(vec![Signal {
        kind: if push.created { SignalKind::Made } else { SignalKind::Push },
        at: at.unwrap_or(seen),
        branch,
        sha: push.after,
        authored_at: push.commits.iter().filter(|commit| commit.distinct).filter_map(made).min(),
        ..Signal::default()
    }])
}

fn joined(user: User, seen: i64) -> Vec<Signal> {
    let came = human(Some(&user)) && user.id != 0;
    came.then(|| Signal { kind: SignalKind::Joined, at: seen, who: user.id, ..Signal::default() }).into_iter().collect()
}
