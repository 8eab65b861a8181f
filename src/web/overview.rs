//! `/`: the newest runs that somebody may read, and how Fairway itself is for whoever administers it.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::State;
use axum::response::{Html, Response};
use axum::routing::get;
use axum::{Extension, Router};

use super::live::{Failed, Look, feed};
use super::pages::overview;
use super::readable::{named, readable};
use super::session::{Site, Viewer};
use crate::domain::ids::Repo;
use crate::domain::speech::pages as speech;
use crate::store::{RunRow, State as JobState};

/// How often the overview looks for news.
const LOOK: Duration = Duration::from_millis(900);
/// Runs on the overview.
const SHOWN: usize = 50;
/// Of so many newest runs those are looked for that somebody may read.
const SEARCHED: usize = 1_000;

/// The page and its feed.
pub fn routes() -> Router<Site> {
    Router::new().route("/", get(front)).route("/events", get(front_events))
}

/// The ids of the newest runs that somebody may read, with what tells their state; and why there may be more.
async fn newest(site: &Site, viewer: &Viewer) -> anyhow::Result<(Vec<(i64, String)>, Option<&'static str>)> {
    let store = &site.ctx.store;
    let repos: BTreeMap<i64, Repo> = store.repos().await?.iter().map(|row| (row.id, named(row))).collect();
    let (mut before, mut searched, mut note) = (i64::MAX, 0, None);
    let (mut known, mut runs) = (BTreeMap::new(), Vec::new());
    while runs.len() < SHOWN && searched < SEARCHED {
        let marks = store.run_marks(before, SHOWN as i64).await?;
        let Some(last) = marks.last().map(|mark| mark.id) else { break };
        (before, searched) = (last, searched + marks.len());
        let ids = marks.iter().map(|mark| mark.repo_id).filter(|id| !known.contains_key(id));
        let new: BTreeMap<i64, Repo> = ids.filter_map(|id| Some((id, repos.get(&id)?.clone()))).collect();
        let (answers, unknown) = readable(site, viewer, new).await;
        known.extend(answers);
        note = note.or(unknown);
        // What is no repository of ours any more is shown to nobody but whoever has the token.
        let may = |id: &i64| viewer.person.is_none() || known.get(id).copied().unwrap_or(false);
        let seen = marks.into_iter().filter(|mark| may(&mark.repo_id));
        runs.extend(seen.map(|mark| (mark.id, format!("{:?} {:?}", mark.state, mark.conclusion))));
    }
    runs.truncate(SHOWN);
    Ok((runs, note))
}

async fn front(State(site): State<Site>, Extension(viewer): Extension<Viewer>) -> Result<Html<String>, Failed> {
    let store = &site.ctx.store;
    let (ids, note) = newest(&site, &viewer).await?;
    let ids: Vec<i64> = ids.into_iter().map(|(id, _)| id).collect();
    let runs = store.runs_with(&ids).await?.iter().map(line).collect();
    let counts = store.job_counts().await?;
    let of = |wanted: JobState| counts.iter().filter(|c| c.state == wanted).map(|c| c.jobs.max(0) as u64).sum();
    let page = overview::Overview {
        now: site.ctx.clock.now(),
        who: viewer.who(),
        note: note.map(|why| speech::cannot_ask(why).words).unwrap_or_default(),
        runs,
        waiting: of(JobState::Ready),
        working: of(JobState::Leased),
        dead: of(JobState::Dead),
        budgets: if viewer.admin { budgets(&site).await? } else { Vec::new() },
    };
    Ok(Html(page.render()))
}

/// What GitHub still answers, for each installation.
async fn budgets(site: &Site) -> anyhow::Result<Vec<overview::Budget>> {
    let mut accounts = BTreeMap::new();
    for repo in site.ctx.store.repos().await? {
        accounts.entry(repo.installation_id).or_insert(repo.owner);
    }
    let budget = |(installation, account)| {
        let rate = site.ctx.github.rate(installation)?;
        Some(overview::Budget {
            account,
            left: rate.remaining.max(0) as u64,
            limit: rate.limit.max(0) as u64,
            resets_at: rate.reset_ms,
        })
    };
    Ok(accounts.into_iter().filter_map(budget).collect())
}

fn line(row: &RunRow) -> overview::RunLine {
    overview::RunLine {
        id: row.id,
        repo: super::runs::spec(row).map(|s| s.repo.full_name()).unwrap_or_default(),
        pipeline: row.pipeline.clone(),
        sha: row.sha.clone(),
        state: row.conclusion.clone().unwrap_or_else(|| row.state.as_str().to_owned()),
        created_at: row.created_at,
        took: row.finished_at.zip(row.started_at).map(|(end, start)| end - start),
    }
}

/// Tells the overview, and the jobs page, that something changed.
async fn front_events(State(site): State<Site>, Extension(viewer): Extension<Viewer>) -> Response {
    let (from, who) = (site.clone(), viewer.waiting());
    feed(&site, &viewer, LOOK, move || {
        let (site, viewer) = (from.clone(), who.clone());
        async move {
            let (runs, _) = newest(&site, &viewer).await.unwrap_or_default();
            let counts = if viewer.admin { site.ctx.store.job_counts().await.unwrap_or_default() } else { Vec::new() };
            Look::at(format!("{runs:?} {counts:?}"))
        }
    })
}
