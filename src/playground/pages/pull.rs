//! What the tabs of a pull request share: its head, the states of its checks, and the list of pull requests.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::chrome::{Chrome, Lost, Visit, page};
use super::words::{When, counted, took};
use crate::playground::Playground;
use crate::playground::world::{CheckRun, Pull, Repo, What};

/// The head of a repository's page.
#[derive(Clone, Debug)]
pub struct RepoHead {
    /// `owner/name`.
    pub full: String,
    /// Login.
    pub owner: String,
    /// After the slash.
    pub name: String,
    /// Strangers see nothing.
    pub private: bool,
    /// Which tab is open.
    pub tab: &'static str,
    /// Open pull requests.
    pub open: usize,
}

impl RepoHead {
    /// The head of `repo` with one tab open.
    pub fn new(repo: &Repo, tab: &'static str) -> Self {
        Self {
            full: repo.full_name(),
            owner: repo.owner.clone(),
            name: repo.name.clone(),
            private: repo.private,
            tab,
            open: repo.pulls.values().filter(|pull| pull.open).count(),
        }
    }
}

/// The head of a pull request's page.
#[derive(Clone, Debug)]
pub struct PullHead {
    /// Its address, without host.
    pub href: String,
    /// After `#`.
    pub number: u64,
    /// First line.
    pub title: String,
    /// `open`, `draft`, `merged` or `closed`.
    pub state: &'static str,
    /// Login.
    pub author: String,
    /// Like `2 commits`.
    pub commits: String,
    /// Branch that it goes into.
    pub base: String,
    /// Branch that it comes from, with the owner for a fork.
    pub branch: String,
    /// Label names.
    pub labels: Vec<String>,
    /// How many comments.
    pub comments: usize,
    /// How many check runs on the head.
    pub checks: usize,
    /// Their state together, or nothing.
    pub checks_kind: &'static str,
    /// Files that changed.
    pub files: u64,
    /// Lines.
    pub added: u64,
    /// Lines.
    pub removed: u64,
    /// Which tab is open.
    pub tab: &'static str,
}

impl PullHead {
    /// The head of a pull request; `fork` is the head's repository when it is another one.
    pub fn new(repo: &Repo, pull: &Pull, fork: Option<&Repo>, tab: &'static str) -> Self {
        let checks = latest(repo, &pull.head_sha);
        Self {
            href: format!("/{}/pull/{}", repo.full_name(), pull.number),
            number: pull.number,
            title: pull.title.clone(),
            state: state(pull),
            author: pull.author.clone(),
            commits: counted(pull.size.commits as usize, "commit"),
            base: pull.base_ref.clone(),
            branch: fork.map_or_else(|| pull.head_ref.clone(), |fork| format!("{}:{}", fork.owner, pull.head_ref)),
            labels: pull.labels.clone(),
            comments: pull
                .timeline
                .iter()
                .filter(|h| matches!(h.what, What::Commented(id) if repo.comments.contains_key(&id)))
                .count(),
            checks: checks.len(),
            checks_kind: together(&checks),
            files: pull.size.files,
            added: pull.size.additions,
            removed: pull.size.deletions,
            tab,
        }
    }
}

/// `open`, `draft`, `merged` or `closed`.
pub fn state(pull: &Pull) -> &'static str {
    match (&pull.merged, pull.open, pull.draft) {
        (Some(_), ..) => "merged",
        (None, false, _) => "closed",
        (None, true, true) => "draft",
        (None, true, false) => "open",
    }
}

/// The newest check run of each name on a commit, in order of name.
pub fn latest<'a>(repo: &'a Repo, sha: &'a str) -> Vec<&'a CheckRun> {
    let mut newest = std::collections::BTreeMap::new();
    for check in repo.checks_of(sha) {
        newest.insert((check.name.as_str(), check.suite), check);
    }
    newest.into_values().collect()
}

/// The drawing for a check run's state.
pub fn kind(check: &CheckRun) -> &'static str {
    match (check.status.as_str(), check.conclusion.as_deref()) {
        ("completed", Some("success")) => "success",
        ("completed", Some("skipped")) => "skipped",
        ("completed", Some("cancelled")) => "cancelled",
        ("completed", Some("action_required")) => "action",
        ("completed", Some("neutral" | "stale") | None) => "neutral",
        ("completed", _) => "failure",
        ("in_progress", _) => "running",
        _ => "queued",
    }
}

/// The drawing for several check runs, as GitHub adds them up; nothing for none.
pub fn together(checks: &[&CheckRun]) -> &'static str {
    let has = |wanted: &[&str]| checks.iter().any(|check| wanted.contains(&kind(check)));
    match () {
        () if checks.is_empty() => "",
        () if has(&["failure", "cancelled", "action"]) => "failure",
        () if has(&["running", "queued"]) => "running",
        () => "success",
    }
}

/// One line about a check run: how it ended, in what time, and its title.
pub fn note(check: &CheckRun) -> String {
    let span = check.started_at.zip(check.completed_at).map(|(from, to)| took(to - from));
    let ended = match kind(check) {
        "success" => "Successful",
        "skipped" => "Skipped",
        "cancelled" => "Cancelled",
        "action" => "Action required",
        "neutral" => "Neutral",
        "failure" if check.conclusion.as_deref() == Some("timed_out") => "Timed out",
        "failure" => "Failing",
        "running" => "In progress",
        _ => "Queued",
    };
    let time = match (kind(check), span) {
        ("success", Some(span)) => format!(" in {span}"),
        ("failure" | "cancelled", Some(span)) => format!(" after {span}"),
        _ => String::new(),
    };
    match check.title.as_deref() {
        Some(title) if !title.is_empty() => format!("{ended}{time} · {title}"),
        _ => format!("{ended}{time}"),
    }
}

#[derive(Template)]
#[template(path = "playground/pulls.html")]
struct Pulls {
    chrome: Chrome,
    head: RepoHead,
    pulls: Vec<Row>,
}

struct Row {
    number: u64,
    title: String,
    author: String,
    state: &'static str,
    checks: &'static str,
    at: When,
    comments: String,
}

/// `/OWNER/NAME/pulls`: all pull requests, open ones first.
pub async fn list(
    visit: Visit,
    State(playground): State<Playground>,
    Path(name): Path<(String, String)>,
) -> Result<Response, Lost> {
    visit.see(&playground, &name, |world, repo| {
        let mut pulls: Vec<&Pull> = repo.pulls.values().rev().collect();
        pulls.sort_by_key(|pull| !pull.open);
        let rows = pulls.into_iter().map(|pull| Row {
            number: pull.number,
            title: pull.title.clone(),
            author: pull.author.clone(),
            state: state(pull),
            checks: together(&latest(repo, &pull.head_sha)),
            at: When::new(pull.created_at, world.now()),
            comments: counted(repo.comments_of(pull.number).count(), "comment"),
        });
        let chrome = visit.chrome(format!("Pull requests · {}", repo.full_name()), world, Some(repo));
        Some(page(&Pulls { chrome, head: RepoHead::new(repo, "pulls"), pulls: rows.collect() }))
    })
}
