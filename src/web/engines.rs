//! `/engines`, filled from what the engine knows of itself.

use std::time::Duration;

use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::live::{Failed, live};
use super::pages::{engines, error};
use super::session::{Csrf, Private, genuine};
use crate::engine::{Origin, Station, StationState};
use crate::store::State as JobState;

/// How often a page looks for news.
const LOOK: Duration = Duration::from_secs(1);

/// The page and its button.
pub fn routes() -> Router<Private> {
    Router::new()
        .route("/engines", get(show))
        .route("/engines/events", get(events))
        .route("/engines/drain", post(drain))
}

async fn show(State(state): State<Private>, csrf: Extension<Csrf>) -> Result<Html<String>, Failed> {
    let counts = state.ctx.store.job_counts().await?;
    let waiting = counts.iter().filter(|count| count.kind == "execute" && count.state == JobState::Ready);
    let page = engines::Engines {
        csrf: csrf.0.0.clone(),
        kind: state.ctx.engine.name().to_owned(),
        note: state.ctx.engine.isolation(),
        engines: state.ctx.engine.stations().into_iter().map(line).collect(),
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
async fn events(State(state): State<Private>) -> Response {
    let (tx, rx) = mpsc::channel(4);
    let engine = state.ctx.engine.clone();
    tokio::spawn(async move {
        let mut seen = Vec::new();
        while !tx.is_closed() {
            let now: Vec<_> = engine
                .stations()
                .into_iter()
                .map(|s| {
                    let up = matches!(s.state, StationState::Up { .. });
                    (s.address, up, (s.drained, s.leaving), s.live, s.sessions, s.failures)
                })
                .collect();
            if now != seen {
                seen = now;
                if tx.send("news").await.is_err() {
                    return;
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    });
    live(ReceiverStream::new(rx)).into_response()
}

#[derive(serde::Deserialize)]
struct Pressed {
    csrf: String,
    address: String,
    drain: bool,
}

async fn drain(
    State(state): State<Private>,
    csrf: Extension<Csrf>,
    Form(form): Form<Pressed>,
) -> Result<Response, Failed> {
    if !genuine(&csrf, &form.csrf) {
        return Ok((StatusCode::FORBIDDEN, Html(error::stale_form())).into_response());
    }
    if state.ctx.engine.stations().iter().any(|station| station.address == form.address) {
        state.ctx.drain(&form.address, form.drain).await?;
    }
    Ok(Redirect::to("/engines").into_response())
}
