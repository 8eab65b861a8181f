//! `/engines`, filled from what the engine knows of itself.

use std::time::Duration;

use axum::extract::{Form, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};

use super::acts::told;
use super::live::{Failed, Look, feed};
use super::pages::engines;
use super::session::{Site, Viewer};
use crate::domain::speech::pages::Outcome;
use crate::engine::{Origin, Station, StationState};
use crate::store::State as JobState;

/// How often a page looks for news.
const LOOK: Duration = Duration::from_secs(1);

/// The page and its button.
pub fn routes() -> Router<Site> {
    Router::new()
        .route("/engines", get(show))
        .route("/engines/events", get(events))
        .route("/engines/drain", post(drain))
}

async fn show(State(site): State<Site>, Extension(viewer): Extension<Viewer>) -> Result<Html<String>, Failed> {
    let counts = site.ctx.store.job_counts().await?;
    let waiting = counts.iter().filter(|count| count.kind == "execute" && count.state == JobState::Ready);
    let page = engines::Engines {
        who: viewer.who(),
        kind: site.ctx.engine.name().to_owned(),
        note: site.ctx.engine.isolation(),
        engines: site.ctx.engine.stations().into_iter().map(line).collect(),
        waiting: waiting.map(|count| count.jobs.max(0) as u64).sum(),
    };
    Ok(Html(page.render()))
}

fn line(station: Station) -> engines::EngineLine {
    let ms = |age: Duration| age.as_millis() as i64;
    let (state, words, down_for) = match station.state {
        StationState::Unknown => ("unknown", String::new(), None),
        StationState::Up { version } => ("up", version, None),
        StationState::Down { why, age } => ("down", why, Some(ms(age))),
    };
    let found_by = match &station.origin {
        Origin::Found(name) => name.clone(),
        Origin::Listed | Origin::Name => String::new(),
    };
    engines::EngineLine {
        address: station.address,
        is_name: station.origin == Origin::Name,
        found_by,
        leaving: station.leaving,
        modules: station.modules.unwrap_or_default(),
        state,
        words,
        down_for,
        drained: station.drained,
        live: station.live,
        limit: station.limit,
        sessions: station.sessions,
        failures: station.failures,
        cache_bytes: station.cache_bytes,
        last_error: station.last_error.map(|(why, age)| (why, ms(age))),
    }
}

/// Tells the page when an engine came, went, or got or ended a run.
async fn events(State(site): State<Site>, Extension(viewer): Extension<Viewer>) -> Response {
    let engine = site.ctx.engine.clone();
    feed(&site, &viewer, LOOK, move || {
        let engine = engine.clone();
        async move {
            let seen = engine.stations().into_iter().map(|s| {
                let up = matches!(s.state, StationState::Up { .. });
                (s.address, up, (s.drained, s.leaving), s.live, s.sessions, s.failures)
            });
            Look::at(format!("{:?}", seen.collect::<Vec<_>>()))
        }
    })
}

#[derive(serde::Deserialize)]
struct Pressed {
    address: String,
    drain: bool,
}

async fn drain(State(site): State<Site>, Form(form): Form<Pressed>) -> Result<Response, Failed> {
    let known = site.ctx.engine.stations().iter().any(|station| station.address == form.address);
    let outcome = match known {
        true => {
            site.ctx.drain(&form.address, form.drain).await?;
            Outcome::Done(String::new())
        }
        false => Outcome::Nothing("there is no such engine"),
    };
    Ok(told(Redirect::to("/engines").into_response(), outcome))
}
