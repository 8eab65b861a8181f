//! `/jobs`, filled from the queue, and its Retry button.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};

use super::acts::told;
use super::live::Failed;
use super::pages::jobs::{JobLine, Jobs};
use super::session::{Site, Viewer};
use crate::domain::speech::pages::Outcome;
use crate::store::{JobRow, State as JobState};

/// The page and its button.
pub fn routes() -> Router<Site> {
    Router::new().route("/jobs", get(show)).route("/jobs/{id}/retry", post(retry))
}

async fn show(State(site): State<Site>, Extension(viewer): Extension<Viewer>) -> Result<Html<String>, Failed> {
    let line = |row: JobRow| JobLine {
        id: row.id,
        kind: row.kind,
        lane: row.lane,
        failures: row.failures,
        run_at: row.run_at,
        error: row.error.unwrap_or_default(),
    };
    let page = Jobs {
        now: site.ctx.clock.now(),
        who: viewer.who(),
        dead: site.ctx.store.dead(200).await?.into_iter().map(line).collect(),
        waiting: site.ctx.store.jobs(JobState::Ready, 200).await?.into_iter().map(line).collect(),
    };
    Ok(Html(page.render()))
}

async fn retry(State(site): State<Site>, Path(id): Path<i64>) -> Result<Response, Failed> {
    let outcome = match site.ctx.store.retry_dead(id, site.ctx.clock.now()).await? {
        Some(new) => Outcome::Done(format!("it goes on as job {new}")),
        None => Outcome::Nothing("the job is not dead"),
    };
    Ok(told(Redirect::to("/jobs").into_response(), outcome))
}
