//! Commits and what they change: the history, one commit, a pull request's commits and files.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::chrome::{Chrome, Lost, Visit, page};
use super::diff::{self, FileDiff, Remark};
use super::git::{self, Commit};
use super::pull::{PullHead, RepoHead, latest, together};
use super::words::{Face, When, short};
use crate::playground::Playground;
use crate::playground::world::{Pull, Repo, World};

/// A commit in a list.
#[derive(Clone, Debug)]
pub struct Line {
    /// The SHA.
    pub sha: String,
    /// Its first seven characters.
    pub short: String,
    /// First line of the message.
    pub subject: String,
    /// Who wrote it.
    pub who: Face,
    /// When.
    pub at: When,
    /// State of its checks together, or nothing.
    pub checks: &'static str,
}

/// Commits with the state of their checks.
pub fn lines_of(world: &World, repo: &Repo, commits: Vec<Commit>) -> Vec<Line> {
    let line = |commit: Commit| Line {
        short: short(&commit.sha),
        who: Face::new(&commit.author),
        at: When::new(commit.at, world.now()),
        checks: together(&latest(repo, &commit.sha)),
        subject: commit.subject,
        sha: commit.sha,
    };
    commits.into_iter().map(line).collect()
}

/// The repository that a pull request comes from, when it is another one.
pub fn fork_of<'a>(world: &'a World, repo: &Repo, pull: &Pull) -> Option<&'a Repo> {
    world.repos.get(&pull.head_repo).filter(|fork| fork.id != repo.id)
}

#[derive(Template)]
#[template(path = "playground/commits.html")]
struct History {
    chrome: Chrome,
    head: RepoHead,
    commits: Vec<Line>,
}

/// `/OWNER/NAME/commits`: the default branch's history.
pub async fn history(
    visit: Visit,
    State(playground): State<Playground>,
    Path(name): Path<(String, String)>,
) -> Result<Response, Lost> {
    let (dir, sha) = visit.see(&playground, &name, |world, repo| {
        Some((git::dir_of(&world.dir, repo), repo.branch(&repo.default_branch).unwrap_or_default().to_owned()))
    })?;
    let commits = if sha.is_empty() { Vec::new() } else { git::commits(&dir, &sha).await };
    visit.see(&playground, &name, |world, repo| {
        let chrome = visit.chrome(format!("Commits · {}", repo.full_name()), world, Some(repo));
        Some(page(&History { chrome, head: RepoHead::new(repo, "commits"), commits: lines_of(world, repo, commits) }))
    })
}

#[derive(Template)]
#[template(path = "playground/compare.html")]
struct Compare {
    chrome: Chrome,
    head: RepoHead,
    base: String,
    branch: String,
    title: String,
    commits: Vec<Line>,
}

/// `/OWNER/NAME/compare/BRANCH`: the form that opens a pull request.
pub async fn compare(
    visit: Visit,
    State(playground): State<Playground>,
    Path((owner, name, branch)): Path<(String, String, String)>,
) -> Result<Response, Lost> {
    let name = (owner, name);
    let (dir, range) = visit.see(&playground, &name, |world, repo| {
        let (base, head) = (repo.branch(&repo.default_branch)?, repo.branch(&branch)?);
        Some((git::dir_of(&world.dir, repo), format!("{base}..{head}")))
    })?;
    let commits = git::commits(&dir, &range).await;
    visit.see(&playground, &name, |world, repo| {
        let chrome = visit.chrome(format!("Open a pull request · {}", repo.full_name()), world, Some(repo));
        let title = commits.first().map(|commit| commit.subject.clone()).unwrap_or_default();
        let (head, base) = (RepoHead::new(repo, "pulls"), repo.default_branch.clone());
        Some(page(&Compare { chrome, head, base, branch, title, commits: lines_of(world, repo, commits) }))
    })
}

#[derive(Template)]
#[template(path = "playground/commit.html")]
struct CommitPage {
    chrome: Chrome,
    head: RepoHead,
    commit: Line,
    message: String,
    files: Vec<FileDiff>,
    untouched: Vec<Remark>,
}

/// `/OWNER/NAME/commit/SHA`: what one commit changed.
pub async fn commit(
    visit: Visit,
    State(playground): State<Playground>,
    Path((owner, name, sha)): Path<(String, String, String)>,
) -> Result<Response, Lost> {
    let name = (owner, name);
    let dir = visit.see(&playground, &name, |world, repo| Some(git::dir_of(&world.dir, repo)))?;
    let sha = git::resolve(&dir, &sha).await.ok_or_else(|| visit.lost(&sha))?;
    let found = git::newest(&dir, &sha, "").await;
    let message = found.first().map(|commit| commit.body.clone()).unwrap_or_default();
    let mut files = diff::parse(&git::diff_of(&dir, &sha).await);
    visit.see(&playground, &name, |world, repo| {
        let commit = lines_of(world, repo, found).into_iter().next()?;
        let untouched = diff::annotate(&mut files, remarks(repo, &sha));
        let chrome = visit.chrome(format!("{} · {}", commit.subject, repo.full_name()), world, Some(repo));
        Some(page(&CommitPage { chrome, head: RepoHead::new(repo, "commits"), commit, message, files, untouched }))
    })
}

/// All annotations of the newest check runs on a commit.
fn remarks(repo: &Repo, sha: &str) -> Vec<Remark> {
    let checks = latest(repo, sha).into_iter();
    checks
        .flat_map(|check| check.annotations.iter().map(|note| Remark { check: check.name.clone(), note: note.clone() }))
        .collect()
}

#[derive(Template)]
#[template(path = "playground/pull_commits.html")]
struct PullCommits {
    chrome: Chrome,
    head: RepoHead,
    pull: PullHead,
    commits: Vec<Line>,
}

/// `/OWNER/NAME/pull/N/commits`.
pub async fn commits_of_pull(
    visit: Visit,
    State(playground): State<Playground>,
    Path((owner, name, number)): Path<(String, String, u64)>,
) -> Result<Response, Lost> {
    let name = (owner, name);
    let (dir, range) = visit.see(&playground, &name, |world, repo| {
        let pull = repo.pulls.get(&number)?;
        Some((git::dir_of(&world.dir, repo), format!("{}..{}", pull.base_sha, pull.head_sha)))
    })?;
    let mut commits = git::commits(&dir, &range).await;
    commits.reverse();
    visit.see(&playground, &name, |world, repo| {
        let pull = repo.pulls.get(&number)?;
        let chrome = visit.chrome(format!("Commits · {} #{number}", pull.title), world, Some(repo));
        let commits = lines_of(world, repo, commits);
        let pull = PullHead::new(repo, pull, fork_of(world, repo, pull), "commits");
        Some(page(&PullCommits { chrome, head: RepoHead::new(repo, "pulls"), pull, commits }))
    })
}

#[derive(Template)]
#[template(path = "playground/files.html")]
struct PullFiles {
    chrome: Chrome,
    head: RepoHead,
    pull: PullHead,
    files: Vec<FileDiff>,
    untouched: Vec<Remark>,
}

/// `/OWNER/NAME/pull/N/files`: the diff with annotations on their lines.
pub async fn of_pull(
    visit: Visit,
    State(playground): State<Playground>,
    Path((owner, name, number)): Path<(String, String, u64)>,
) -> Result<Response, Lost> {
    let name = (owner, name);
    let (dir, base, head) = visit.see(&playground, &name, |world, repo| {
        let pull = repo.pulls.get(&number)?;
        Some((git::dir_of(&world.dir, repo), pull.base_sha.clone(), pull.head_sha.clone()))
    })?;
    let mut files = diff::parse(&git::diff(&dir, &base, &head).await);
    visit.see(&playground, &name, |world, repo| {
        let pull = repo.pulls.get(&number)?;
        let untouched = diff::annotate(&mut files, remarks(repo, &head));
        let chrome = visit.chrome(format!("Files · {} #{number}", pull.title), world, Some(repo));
        let pull = PullHead::new(repo, pull, fork_of(world, repo, pull), "files");
        Some(page(&PullFiles { chrome, head: RepoHead::new(repo, "pulls"), pull, files, untouched }))
    })
}
