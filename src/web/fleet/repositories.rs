//! `/repositories`, filled from the rows of onboardings, and its button.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};

use crate::domain::onboard::{OnboardState, Skip, Stage};
use crate::domain::speech;
use crate::domain::speech::onboard::opened as words;
use crate::domain::speech::pages::Outcome;
use crate::web::acts::told;
use crate::web::live::{Failed, Look, feed};
use crate::web::pages::repositories::{Repositories, Repository};
use crate::web::readable::{named, readable};
use crate::web::session::{Site, Viewer};

/// How often a page looks for news.
const LOOK: Duration = Duration::from_secs(1);

/// The page and its button.
pub fn routes() -> Router<Site> {
    Router::new()
        .route("/repositories", get(show))
        .route("/repositories/events", get(events))
        .route("/repositories/{id}/onboard", post(onboard))
}

async fn show(State(site): State<Site>, Extension(viewer): Extension<Viewer>) -> Result<Html<String>, Failed> {
    Ok(Html(page(&site, &viewer).await?.render()))
}

/// The repositories that somebody may read.
async fn page(site: &Site, viewer: &Viewer) -> anyhow::Result<Repositories> {
    let (store, now) = (&site.ctx.store, site.ctx.clock.now());
    let rows = store.aggregates_since("onboard", 0).await?;
    let mut states =
        rows.iter().map(|row| serde_json::from_str(&row.state)).collect::<Result<Vec<OnboardState>, _>>()?;
    let mut note = None;
    if viewer.person.is_some() {
        let (may, unknown) =
            readable(site, viewer, states.iter().map(|state| (state.repo.id, state.repo.clone())).collect()).await;
        states.retain(|state| may.get(&state.repo.id).copied().unwrap_or(false));
        note = unknown;
    }
    states.sort_by_key(|state| state.repo.full_name());
    let waiting = states.iter().filter(|state| state.stage == Stage::Wanted).count();
    let meant = states.iter().filter(|state| !matches!(state.stage, Stage::Idle(_))).count();
    let done = (waiting > 0).then(|| u16::try_from((meant - waiting) * 10_000 / meant).unwrap_or(10_000));
    let web = site.ctx.github.web_url();
    Ok(Repositories {
        now,
        who: viewer.who(),
        note: note.map(|why| speech::pages::cannot_ask(why).words).unwrap_or_default(),
        standing: words::standing(&states),
        done,
        all: states.iter().map(|state| repository(state, web)).collect(),
    })
}

fn repository(state: &OnboardState, web: &str) -> Repository {
    let may_ask = match state.stage {
        Stage::Idle(why) => !matches!(why, Skip::Archived | Skip::Empty | Skip::Gone),
        stage => matches!(stage, Stage::Declined | Stage::Blocked),
    };
    Repository {
        id: state.repo.id,
        name: state.repo.full_name(),
        stage: words::stage(state),
        pull: state.pull.map(|pull| (format!("{web}/{}/pull/{pull}", state.repo.full_name()), pull)),
        since: state.since,
        may_ask,
    }
}

/// Asks for a repository's pull request, as `/onboard` does.
async fn onboard(State(site): State<Site>, Path(id): Path<i64>) -> Result<Response, Failed> {
    let known = site.ctx.store.repo(id).await?;
    let outcome = match &known {
        Some(row) => {
            site.ctx.ask_to_onboard(&named(row)).await?;
            Outcome::Done(String::new())
        }
        None => Outcome::Nothing("there is no such repository"),
    };
    Ok(told(Redirect::to("/repositories").into_response(), outcome))
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
