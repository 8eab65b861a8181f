//! The list of repositories, and the files of one.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::chrome::{Chrome, Lost, Visit, page};
use super::files::{Line, lines_of};
use super::pull::RepoHead;
use super::words::{When, counted, encoded, short};
use super::{git, markdown};
use crate::playground::Playground;
use crate::playground::world::Repo;

#[derive(Template)]
#[template(path = "playground/repos.html")]
struct Repos {
    chrome: Chrome,
    repos: Vec<Row>,
    orgs: Vec<String>,
}

struct Row {
    full: String,
    private: bool,
    about: String,
    pulls: String,
    pushed: When,
    clone: String,
}

/// `/`: every repository that this person may see.
pub async fn repos(visit: Visit, State(playground): State<Playground>) -> Response {
    playground.look(|world| {
        let seen = world.repos.values().filter(|repo| world.role(repo, &visit.speaker).is_some());
        let mut repos: Vec<Row> = seen
            .map(|repo| Row {
                full: repo.full_name(),
                private: repo.private,
                about: repo.description.clone().unwrap_or_default(),
                pulls: counted(repo.pulls.values().filter(|pull| pull.open).count(), "open pull request"),
                pushed: When::new(repo.pushed_at, world.now()),
                clone: clone_url(&world.url, repo),
            })
            .collect();
        repos.sort_by(|a, b| a.full.cmp(&b.full));
        page(&Repos {
            chrome: visit.chrome("Repositories".to_owned(), world, None),
            repos,
            orgs: world.orgs.keys().cloned().collect(),
        })
    })
}

fn clone_url(url: &str, repo: &Repo) -> String {
    format!("{url}/{}.git", repo.full_name())
}

#[derive(Template)]
#[template(path = "playground/code.html")]
struct Code {
    chrome: Chrome,
    head: RepoHead,
    about: String,
    rev: String,
    rev_href: String,
    path: String,
    branches: Vec<Branch>,
    newest: Option<Line>,
    entries: Vec<Entry>,
    file: Option<Vec<String>>,
    readme: String,
    clone: String,
}

struct Branch {
    name: String,
    href: String,
    sha: String,
    can_open: bool,
}

struct Entry {
    name: String,
    href: String,
    folder: bool,
}

/// `/OWNER/NAME`: the files of the default branch.
pub async fn root(
    visit: Visit,
    State(playground): State<Playground>,
    Path(name): Path<(String, String)>,
) -> Result<Response, Lost> {
    browse(visit, playground, name, None, "").await
}

/// `/OWNER/NAME/tree/REV`: the files of a branch, tag or commit.
pub async fn branch(
    visit: Visit,
    State(playground): State<Playground>,
    Path((owner, name, rev)): Path<(String, String, String)>,
) -> Result<Response, Lost> {
    browse(visit, playground, (owner, name), Some(rev), "").await
}

/// `/OWNER/NAME/tree/REV/PATH`: a folder or a file.
pub async fn path(
    visit: Visit,
    State(playground): State<Playground>,
    Path((owner, name, rev, path)): Path<(String, String, String, String)>,
) -> Result<Response, Lost> {
    browse(visit, playground, (owner, name), Some(rev), path.trim_matches('/')).await
}

async fn browse(
    visit: Visit,
    playground: Playground,
    name: (String, String),
    rev: Option<String>,
    path: &str,
) -> Result<Response, Lost> {
    let (dir, default, known) = visit.see(&playground, &name, |world, repo| {
        let rev = rev.as_deref().unwrap_or(&repo.default_branch);
        let known = repo.branch(rev).is_some();
        Some((git::dir_of(&world.dir, repo), repo.default_branch.clone(), known))
    })?;
    let asked = rev.is_some();
    let rev = rev.unwrap_or(default);
    let place = if known { format!("refs/heads/{rev}") } else { rev.clone() };
    let sha = git::resolve(&dir, &place).await;
    if sha.is_none() && asked {
        return Err(visit.lost(&rev));
    }
    let mut code = visit.see(&playground, &name, |world, repo| Some(blank(&visit, world, repo, &rev)))?;
    let Some(sha) = sha else {
        return Ok(page(&code));
    };
    code.path = path.to_owned();
    match git::tree(&dir, &sha, path).await {
        Some(entries) => {
            code.entries = entries.into_iter().map(|entry| link(&code, entry)).collect();
            let commits = git::newest(&dir, &sha, path).await;
            code.newest =
                visit.see(&playground, &name, |world, repo| Some(lines_of(world, repo, commits)))?.into_iter().next();
            code.readme = git::file(&dir, &sha, &joined(path, "README.md"))
                .await
                .map(|text| markdown::render(&text))
                .unwrap_or_default();
        }
        None => {
            let text = git::file(&dir, &sha, path).await.ok_or_else(|| visit.lost(path))?;
            code.file = Some(text.lines().take(5000).map(str::to_owned).collect());
        }
    }
    Ok(page(&code))
}

fn blank(visit: &Visit, world: &crate::playground::world::World, repo: &Repo, rev: &str) -> Code {
    let branches = repo.refs.iter().filter_map(|(name, sha)| Some((name.strip_prefix("refs/heads/")?, sha)));
    let branches = branches.map(|(name, sha)| Branch {
        name: name.to_owned(),
        href: encoded(name),
        sha: short(sha),
        can_open: name != repo.default_branch
            && !repo.pulls.values().any(|pull| pull.open && pull.head_ref == name && pull.head_repo == repo.id),
    });
    Code {
        chrome: visit.chrome(repo.full_name(), world, Some(repo)),
        head: RepoHead::new(repo, "code"),
        about: repo.description.clone().unwrap_or_default(),
        rev: rev.to_owned(),
        rev_href: encoded(rev),
        path: String::new(),
        branches: branches.collect(),
        newest: None,
        entries: Vec::new(),
        file: None,
        readme: String::new(),
        clone: clone_url(&world.url, repo).replacen("://", &format!("://{}:any@", visit.speaker), 1),
    }
}

fn link(code: &Code, entry: git::Entry) -> Entry {
    let path = joined(&code.path, &entry.name);
    let path: Vec<String> = path.split('/').map(encoded).collect();
    Entry {
        href: format!("/{}/tree/{}/{}", code.head.full, code.rev_href, path.join("/")),
        name: entry.name,
        folder: entry.folder,
    }
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
