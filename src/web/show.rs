//! Fills the pages from the rows, and serves what lives on them.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Form, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::live::{Failed, live};
use super::pages::{self, error, jobs, overview, run};
use super::session::{Csrf, Private, genuine};
use crate::domain::record::{Body, Spec};
use crate::domain::run::{StepState, strip_ansi};
use crate::store::{JobRow, RunRow, RunState, State as JobState};

/// How often a live page looks for news.
const LOOK: Duration = Duration::from_millis(300);
/// Log bytes of a step that its page shows; the rest is in the download.
const TAIL: usize = 128 * 1024;

/// All pages that ask for the token.
pub fn routes() -> Router<Private> {
    Router::new()
        .route("/", get(front))
        .route("/events", get(front_events))
        .route("/runs/{id}", get(show_run))
        .route("/runs/{id}/events", get(run_events))
        .route("/runs/{id}/log", get(run_log))
        .route("/jobs", get(show_jobs))
        .route("/jobs/{id}/retry", post(retry_job))
        .merge(super::engines::routes())
        .merge(super::environments::routes())
        .fallback(lost)
}

async fn lost(uri: axum::http::Uri) -> Response {
    (StatusCode::NOT_FOUND, Html(error::not_found(uri.path()))).into_response()
}

async fn front(State(state): State<Private>) -> Result<Html<String>, Failed> {
    let store = &state.ctx.store;
    let counts = store.job_counts().await?;
    let of = |wanted: JobState| counts.iter().filter(|c| c.state == wanted).map(|c| c.jobs.max(0) as u64).sum();
    let runs = store.recent_runs(50).await?.iter().map(line).collect();
    let mut budgets = Vec::new();
    let mut seen = Vec::new();
    for repo in store.repos().await? {
        if seen.contains(&repo.installation_id) {
            continue;
        }
        seen.push(repo.installation_id);
        if let Some(rate) = state.ctx.github.rate(repo.installation_id) {
            budgets.push(overview::Budget {
                account: repo.owner,
                left: rate.remaining.max(0) as u64,
                limit: rate.limit.max(0) as u64,
                resets_at: rate.reset_ms,
            });
        }
    }
    let page = overview::Overview {
        now: state.ctx.clock.now(),
        runs,
        waiting: of(JobState::Ready),
        working: of(JobState::Leased),
        dead: of(JobState::Dead),
        budgets,
    };
    Ok(Html(page.render()))
}

fn line(row: &RunRow) -> overview::RunLine {
    overview::RunLine {
        id: row.id,
        repo: spec(row).map(|s| s.repo.full_name()).unwrap_or_default(),
        pipeline: row.pipeline.clone(),
        sha: row.sha.clone(),
        state: row.conclusion.clone().unwrap_or_else(|| row.state.as_str().to_owned()),
        created_at: row.created_at,
        took: row.finished_at.zip(row.started_at).map(|(end, start)| end - start),
    }
}

fn spec(row: &RunRow) -> Option<Spec> {
    serde_json::from_str(&row.spec).ok()
}

async fn show_run(State(state): State<Private>, Path(id): Path<i64>) -> Result<Response, Failed> {
    let Some(row) = state.ctx.store.run(id).await? else {
        return Ok((StatusCode::NOT_FOUND, Html(error::not_found(&format!("/runs/{id}")))).into_response());
    };
    let body: Body = row.result.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let mut steps = Vec::new();
    for (index, step) in body.result.steps.iter().enumerate() {
        let log = state.ctx.store.log_tail(id, index as i64, TAIL).await?;
        steps.push(run::Step {
            command: step.name.clone(),
            state: word(&step.state).to_owned(),
            took: (step.millis > 0).then_some(step.millis),
            exit_code: if let StepState::Failed { exit } = step.state { Some(exit) } else { None },
            tail: String::from_utf8_lossy(&log).into_owned(),
            lines_before: 0,
            cached: step.cached,
        });
    }
    let verdict = super::verdict(&row, spec(&row).as_ref(), &body);
    let page = run::RunPage {
        now: state.ctx.clock.now(),
        id,
        repo: spec(&row).map(|s| s.repo.full_name()).unwrap_or_default(),
        pipeline: row.pipeline.clone(),
        sha: row.sha.clone(),
        state: row.conclusion.clone().unwrap_or_else(|| row.state.as_str().to_owned()),
        verdict,
        engine: row.engine.clone().unwrap_or_default(),
        created_at: row.created_at,
        started_at: row.started_at,
        finished_at: row.finished_at,
        github_url: spec(&row).map(|s| state.ctx.github.check_details_url(&s.repo, s.pull, &row.sha)),
        reproduce: format!("fairway run {} --sha {}", row.pipeline, crate::domain::ids::short(&row.sha)),
        steps,
    };
    Ok(Html(page.render()).into_response())
}

fn word(state: &StepState) -> &'static str {
    match state {
        StepState::Waiting => "waiting",
        StepState::Running => "running",
        StepState::Passed => "passed",
        StepState::Failed { .. } => "failed",
        StepState::TimedOut => "timed_out",
        StepState::Cancelled => "cancelled",
        StepState::NotRun => "not_run",
    }
}

/// The whole log as it was written, without colours: one chunk after the other, so that none is held whole.
async fn run_log(State(state): State<Private>, Path(id): Path<i64>) -> Response {
    let (tx, rx) = mpsc::channel::<Result<String, Infallible>>(4);
    let store = state.ctx.store.clone();
    tokio::spawn(async move {
        let mut after = 0;
        loop {
            let chunks = store.log(id, after).await.unwrap_or_default();
            let Some(last) = chunks.last().map(|c| c.seq) else { return };
            after = last;
            for chunk in chunks {
                let text = strip_ansi(&String::from_utf8_lossy(&chunk.bytes));
                if tx.send(Ok(text)).await.is_err() {
                    return;
                }
            }
        }
    });
    let name = format!("attachment; filename=\"run-{id}.log\"");
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    (headers, axum::body::Body::from_stream(ReceiverStream::new(rx))).into_response()
}

/// Tells a run's page when to look again, and when for the last time.
async fn run_events(State(state): State<Private>, Path(id): Path<i64>) -> Response {
    let (tx, rx) = mpsc::channel(4);
    let store = state.ctx.store.clone();
    tokio::spawn(async move {
        let mut seen = String::new();
        let mut last = 0;
        loop {
            let Ok(Some(row)) = store.run(id).await else { return };
            // Only what is new is read, however long the log has become.
            if let Some(chunk) = store.log(id, last).await.ok().and_then(|chunks| chunks.into_iter().last()) {
                last = chunk.seq;
            }
            let now = format!("{:?} {:?} {last}", row.state, row.result);
            let over = row.state == RunState::Done;
            if now != seen {
                seen = now;
                let event = if over { "end" } else { "news" };
                if tx.send(event).await.is_err() {
                    return;
                }
            }
            if over || tx.is_closed() {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    });
    live(ReceiverStream::new(rx)).into_response()
}

/// Tells the front page that something changed.
async fn front_events(State(state): State<Private>) -> Response {
    let (tx, rx) = mpsc::channel(4);
    let store = state.ctx.store.clone();
    tokio::spawn(async move {
        let mut seen = String::new();
        loop {
            let runs = store.recent_runs(50).await.unwrap_or_default();
            let counts = store.job_counts().await.unwrap_or_default();
            let now =
                format!("{:?} {counts:?}", runs.iter().map(|r| (r.id, r.state, &r.conclusion)).collect::<Vec<_>>());
            if now != seen {
                seen = now;
                if tx.send("news").await.is_err() {
                    return;
                }
            }
            if tx.is_closed() {
                return;
            }
            tokio::time::sleep(LOOK * 3).await;
        }
    });
    live(ReceiverStream::new(rx)).into_response()
}

async fn show_jobs(State(state): State<Private>, csrf: Extension<Csrf>) -> Result<Html<String>, Failed> {
    let line = |row: JobRow| jobs::JobLine {
        id: row.id,
        kind: row.kind,
        lane: row.lane,
        failures: row.failures,
        run_at: row.run_at,
        error: row.error.unwrap_or_default(),
    };
    let page = jobs::Jobs {
        now: state.ctx.clock.now(),
        csrf: csrf.0.0.clone(),
        dead: state.ctx.store.dead(200).await?.into_iter().map(line).collect(),
        waiting: state.ctx.store.jobs(JobState::Ready, 200).await?.into_iter().map(line).collect(),
    };
    Ok(Html(page.render()))
}

#[derive(serde::Deserialize)]
struct Pressed {
    csrf: String,
}

async fn retry_job(
    State(state): State<Private>,
    Path(id): Path<i64>,
    csrf: Extension<Csrf>,
    Form(form): Form<Pressed>,
) -> Result<Response, Failed> {
    if !genuine(&csrf, &form.csrf) {
        return Ok((StatusCode::FORBIDDEN, Html(error::stale_form())).into_response());
    }
    state.ctx.store.retry_dead(id, state.ctx.clock.now()).await?;
    Ok(Redirect::to("/jobs").into_response())
}

/// The one stylesheet.
pub async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], pages::STYLE).into_response()
}

/// The script that makes pages live.
pub async fn script() -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], pages::SCRIPT).into_response()
}
