//! Two listeners. The public one has the door, a pulse and, where people can sign in with GitHub, the pages as each may see
//! them. The private one has the pages for whoever has the token, metrics and readiness.

mod access;
mod acts;
mod audit;
mod engines;
mod environments;
mod fleet;
pub mod hook;
mod jobs;
mod live;
pub mod login;
mod overview;
pub mod pages;
pub mod private;
mod readable;
mod runs;
pub mod session;
pub mod setup;
mod show;
pub mod waiting;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};

use crate::domain::record::{Body, Spec};
use crate::domain::run::Conclusion;
use crate::domain::speech;
use crate::store::{RunRow, RunState};

/// What GitHub and a load balancer reach; and people, where the pages of [`login::router`] are merged in.
pub fn public(door: hook::Door) -> Router {
    Router::new()
        .route("/hook", post(hook::hook).with_state(door))
        .route("/healthz", get(|| async { "ok\n" }))
        .layer(axum::extract::DefaultBodyLimit::disable())
}

/// The same where deliveries are polled: nothing is taken at the door.
pub fn public_closed() -> Router {
    let closed = || async { (StatusCode::NOT_FOUND, format!("{}\n", speech::setup::POLLS)) };
    Router::new().route("/hook", post(closed)).route("/healthz", get(|| async { "ok\n" }))
}

/// A run in one line: the title of its check run.
fn verdict(row: &RunRow, spec: Option<&Spec>, body: &Body) -> String {
    let pipeline = spec.and_then(|s| s.pipeline.as_ref());
    let page = speech::check::page(&speech::check::Row {
        pipeline: &row.pipeline,
        paths: pipeline.map_or(&[], |p| p.paths.as_slice()),
        sha: &row.sha,
        running: row.state == RunState::Running,
        conclusion: row.conclusion.as_deref().and_then(Conclusion::parse),
        body,
        log_url: None,
        engine_note: "",
    });
    page.title
}
