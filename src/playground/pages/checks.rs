//! The Checks tab: check runs by suite on the left, one of them on the right with its text and annotations.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::chrome::{Chrome, Lost, Visit, page};
use super::files::fork_of;
use super::pull::{PullHead, RepoHead, kind, note};
use super::words::{encoded, short};
use super::{git, markdown};
use crate::playground::Playground;
use crate::playground::world::{Action, Annotation, CheckRun, Repo, World};

/// Files that are read to show lines around annotations.
const MOST_FILES: usize = 20;

#[derive(Template)]
#[template(path = "playground/checks.html")]
struct Checks {
    chrome: Chrome,
    head: RepoHead,
    pull: Option<PullHead>,
    here: String,
    sha: String,
    short: String,
    subject: String,
    suites: Vec<Suite>,
    run: Option<Run>,
    app: String,
}

struct Suite {
    id: u64,
    name: String,
    checks: Vec<Item>,
}

struct Item {
    id: u64,
    name: String,
    kind: &'static str,
    note: String,
    chosen: bool,
}

struct Run {
    id: u64,
    name: String,
    kind: &'static str,
    note: String,
    done: bool,
    title: String,
    summary: String,
    text: String,
    actions: Vec<Action>,
    notes: Vec<Note>,
    /// Where the App shows more.
    details: Option<String>,
}

struct Note {
    href: String,
    place: String,
    level: String,
    title: String,
    message: String,
    raw: String,
    code: Vec<CodeLine>,
}

struct CodeLine {
    no: usize,
    text: String,
    hit: bool,
}

/// Which check run is chosen.
#[derive(Debug, Deserialize)]
pub struct Choice {
    check: Option<u64>,
}

/// `/OWNER/NAME/pull/N/checks?check=ID`: check runs on the head of a pull request.
pub async fn of_pull(
    visit: Visit,
    State(playground): State<Playground>,
    Path((owner, name, number)): Path<(String, String, u64)>,
    Query(choice): Query<Choice>,
) -> Result<Response, Lost> {
    let name = (owner, name);
    let sha = visit.see(&playground, &name, |_, repo| {
        let chosen = choice.check.and_then(|id| repo.checks.get(&id));
        Some(chosen.map_or(&repo.pulls.get(&number)?.head_sha, |check| &check.head_sha).clone())
    })?;
    show(&visit, &playground, &name, Place { sha, pull: Some(number), check: choice.check }).await
}

/// `/OWNER/NAME/commit/SHA/checks?check=ID`: check runs on any commit.
pub async fn of_commit(
    visit: Visit,
    State(playground): State<Playground>,
    Path((owner, name, sha)): Path<(String, String, String)>,
    Query(choice): Query<Choice>,
) -> Result<Response, Lost> {
    show(&visit, &playground, &(owner, name), Place { sha, pull: None, check: choice.check }).await
}

/// `/OWNER/NAME/runs/ID`: where a check run's `html_url` leads; goes on to the pull request that stands at its commit.
pub async fn run(
    visit: Visit,
    State(playground): State<Playground>,
    Path((owner, name, id)): Path<(String, String, u64)>,
) -> Result<Response, Lost> {
    let to = visit.see(&playground, &(owner, name), |_, repo| {
        let sha = &repo.checks.get(&id)?.head_sha;
        let pull = repo.pulls.values().find(|pull| pull.head_sha == *sha);
        Some(match pull {
            Some(pull) => format!("/{}/pull/{}/checks?check={id}", repo.full_name(), pull.number),
            None => format!("/{}/commit/{sha}/checks?check={id}", repo.full_name()),
        })
    })?;
    Ok(Redirect::to(&to).into_response())
}

struct Place {
    sha: String,
    pull: Option<u64>,
    check: Option<u64>,
}

async fn show(visit: &Visit, playground: &Playground, name: &(String, String), place: Place) -> Result<Response, Lost> {
    let (dir, chosen) = visit
        .see(playground, name, |world, repo| Some((git::dir_of(&world.dir, repo), chosen(repo, &place).cloned())))?;
    let subject = git::newest(&dir, &place.sha, "").await.into_iter().next().map(|c| c.subject).unwrap_or_default();
    let texts = match &chosen {
        Some(check) => texts(&dir, check).await,
        None => BTreeMap::new(),
    };
    visit.see(playground, name, |world, repo| {
        let pull = match place.pull {
            Some(number) => Some(repo.pulls.get(&number)?),
            None => None,
        };
        let here = match pull {
            Some(pull) => format!("/{}/pull/{}/checks", repo.full_name(), pull.number),
            None => format!("/{}/commit/{}/checks", repo.full_name(), place.sha),
        };
        let head = RepoHead::new(repo, if pull.is_some() { "pulls" } else { "commits" });
        Some(page(&Checks {
            chrome: visit.chrome(
                pull.map_or_else(|| "Checks".to_owned(), |p| format!("Checks · {} #{}", p.title, p.number)),
                world,
                Some(repo),
            ),
            pull: pull.map(|pull| PullHead::new(repo, pull, fork_of(world, repo, pull), "checks")),
            here,
            short: short(&place.sha),
            subject,
            suites: suites(world, repo, &place.sha, chosen.as_ref().map(|check| check.id)),
            run: chosen.as_ref().map(|check| shown(check, (&world.url, &head.full), &texts)),
            head,
            sha: place.sha,
            app: world.app.name.clone(),
        }))
    })
}

/// The chosen run; without a choice the first that failed, or the first.
fn chosen<'a>(repo: &'a Repo, place: &Place) -> Option<&'a CheckRun> {
    if let Some(id) = place.check {
        return repo.checks.get(&id).filter(|check| check.head_sha == place.sha);
    }
    let mut checks: Vec<&CheckRun> = repo.checks.values().filter(|check| check.head_sha == place.sha).collect();
    checks.sort_by_key(|check| kind(check) != "failure");
    checks.first().copied()
}

fn suites(world: &World, repo: &Repo, sha: &str, chosen: Option<u64>) -> Vec<Suite> {
    let suites = repo.suites.values().filter(|suite| suite.head_sha == sha);
    suites
        .map(|suite| Suite {
            id: suite.id,
            name: world.app.name.clone(),
            checks: repo
                .checks_of(sha)
                .filter(|check| check.suite == suite.id)
                .map(|check| Item {
                    id: check.id,
                    name: check.name.clone(),
                    kind: kind(check),
                    note: note(check),
                    chosen: chosen == Some(check.id),
                })
                .collect(),
        })
        .collect()
}

async fn texts(dir: &std::path::Path, check: &CheckRun) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for note in &check.annotations {
        if texts.len() < MOST_FILES && !texts.contains_key(&note.path) {
            let text = git::file(dir, &check.head_sha, &note.path).await.unwrap_or_default();
            texts.insert(note.path.clone(), text);
        }
    }
    texts
}

/// Whether an address leads to the App's pages, and not back to ours.
fn elsewhere(url: &str, own: &str) -> bool {
    (url.starts_with("http://") || url.starts_with("https://")) && !url.starts_with(&format!("{own}/"))
}

fn shown(check: &CheckRun, (own, full): (&str, &str), texts: &BTreeMap<String, String>) -> Run {
    let rendered = |text: &Option<String>| text.as_deref().map(markdown::render).unwrap_or_default();
    Run {
        id: check.id,
        name: check.name.clone(),
        kind: kind(check),
        note: note(check).split(" · ").next().unwrap_or_default().to_owned(),
        done: check.status == "completed",
        title: check.title.clone().unwrap_or_default(),
        summary: rendered(&check.summary),
        text: rendered(&check.text),
        actions: check.actions.clone(),
        details: Some(check.details_url.clone()).filter(|url| elsewhere(url, own)),
        notes: check.annotations.iter().map(|note| remark(note, &check.head_sha, full, texts)).collect(),
    }
}

fn remark(note: &Annotation, sha: &str, full: &str, texts: &BTreeMap<String, String>) -> Note {
    let path: Vec<String> = note.path.split('/').map(encoded).collect();
    let lines = if note.start_line == note.end_line {
        format!("{}", note.start_line)
    } else {
        format!("{}-{}", note.start_line, note.end_line)
    };
    Note {
        href: format!("/{full}/tree/{sha}/{}#L{}", path.join("/"), note.start_line),
        place: format!("{}:{lines}", note.path),
        level: note.level.clone(),
        title: note.title.clone().unwrap_or_default(),
        message: note.message.clone(),
        raw: note.raw_details.clone().unwrap_or_default(),
        code: texts.get(&note.path).map(|text| around(text, note)).unwrap_or_default(),
    }
}

/// The lines that an annotation speaks of, at most ten, and two on each side.
fn around(text: &str, note: &Annotation) -> Vec<CodeLine> {
    let from = usize::try_from(note.start_line).unwrap_or(1).max(1);
    let to = usize::try_from(note.end_line).unwrap_or(from).clamp(from, from + 9);
    let lines = text.lines().enumerate().map(|(index, text)| (index + 1, text));
    let near = lines.skip(from.saturating_sub(3)).take_while(|(no, _)| *no <= to + 2);
    near.map(|(no, text)| CodeLine { no, text: text.to_owned(), hit: (from..=to).contains(&no) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_around_an_annotation() {
        let note = |start_line, end_line| Annotation {
            path: "a".into(),
            start_line,
            end_line,
            columns: None,
            level: "failure".into(),
            title: None,
            message: String::new(),
            raw_details: None,
        };
        let seen = |start, end| {
            around("1\n2\n3\n4\n5\n6", &note(start, end))
                .iter()
                .map(|l| format!("{}{}", l.no, if l.hit { "!" } else { "" }))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(seen(1, 1), "1! 2 3");
        assert_eq!(seen(4, 5), "2 3 4! 5! 6");
        assert_eq!(seen(90, 95), "");
        assert_eq!(seen(0, 0), "1! 2 3");
    }
}
