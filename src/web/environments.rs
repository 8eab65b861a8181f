//! `/environments`, filled from the rows of environments and of their newest rollouts.

use std::time::Duration;

use axum::extract::State;
use axum::response::{Html, Response};
use axum::routing::get;
use axum::{Extension, Router};

use super::live::{Failed, Look, feed};
use super::pages::environments::{Coming, Environment, Environments, Last, Waiting};
use super::readable::{named, readable};
use super::session::{Site, Viewer};
use crate::domain::decide::EnvState;
use crate::domain::rollout::Rollout;
use crate::domain::speech;

/// How often a page looks for news.
const LOOK: Duration = Duration::from_secs(1);

/// The page.
pub fn routes() -> Router<Site> {
    Router::new().route("/environments", get(show)).route("/environments/events", get(events))
}

async fn show(State(site): State<Site>, Extension(viewer): Extension<Viewer>) -> Result<Html<String>, Failed> {
    Ok(Html(page(&site, &viewer).await?.render()))
}

/// The environments of the repositories that somebody may read.
async fn page(site: &Site, viewer: &Viewer) -> anyhow::Result<Environments> {
    let (store, now) = (&site.ctx.store, site.ctx.clock.now());
    let mut rows = store.aggregates_since("env", 0).await?;
    let mut note = None;
    if viewer.person.is_some() {
        let repos = store.repos().await?;
        let meant = repos.iter().filter(|repo| rows.iter().any(|row| row.repo_id == repo.id));
        let (may, unknown) = readable(site, viewer, meant.map(|repo| (repo.id, named(repo))).collect()).await;
        rows.retain(|row| may.get(&row.repo_id).copied().unwrap_or(false));
        note = unknown;
    }
    let mut all = Vec::new();
    for row in rows {
        let state: EnvState = serde_json::from_str(&row.state)?;
        let newest = store.newest_rollout(row.repo_id, &state.name).await?;
        let rollout: Option<Rollout> =
            newest.and_then(|newest| newest.state).map(|text| serde_json::from_str(&text)).transpose()?;
        all.push(environment(&state, rollout.as_ref().filter(|_| state.going.is_some()), now));
    }
    all.sort_by(|a, b| (&a.repo, &a.name).cmp(&(&b.repo, &b.name)));
    let note = note.map(|why| speech::pages::cannot_ask(why).words).unwrap_or_default();
    Ok(Environments { now, who: viewer.who(), note, all })
}

fn environment(state: &EnvState, rollout: Option<&Rollout>, now: i64) -> Environment {
    let coming = state.going.as_ref().map(|going| Coming {
        version: speech::place::version(Some(&going.version)),
        full: going.full,
        basis_points: rollout
            .map_or(0, |rollout| rollout.looked.as_ref().map_or(rollout.target, |looked| looked.weight).basis_points()),
        progress: rollout.map_or_else(|| "starting".to_owned(), speech::rollout::progress),
    });
    Environment {
        repo: state.repo.full_name(),
        name: state.name.clone(),
        live: speech::place::version(state.live.as_ref()),
        coming,
        holders: speech::place::holders(state, now),
        queue: state.queue.iter().map(waiting).collect(),
        last: state.last.as_ref().map(|last| Last {
            stayed: last.stayed,
            words: speech::place::verdict(last),
            at: last.at,
        }),
        next: speech::place::next(state, rollout, now),
    }
}

fn waiting(waiting: &crate::domain::decide::Waiting) -> Waiting {
    Waiting { what: speech::place::asked(&waiting.ask), told: waiting.told.clone() }
}

/// Tells the page when something changed.
async fn events(State(site): State<Site>, Extension(viewer): Extension<Viewer>) -> Response {
    let (from, who) = (site.clone(), viewer.waiting());
    feed(&site, &viewer, LOOK, move || {
        let (site, viewer) = (from.clone(), who.clone());
        async move {
            let page = page(&site, &viewer).await;
            Look::at(page.map(|page| format!("{:?} {}", page.all, page.note)).unwrap_or_default())
        }
    })
}
