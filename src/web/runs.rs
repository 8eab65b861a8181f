//! `/runs/ID`, filled from the run's row and its log, for whoever may read its repository.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::access::Word;
use super::live::{Failed, Look, feed};
use super::pages::run;
use super::readable::{named, not_here, not_known};
use super::session::{Site, Viewer};
use crate::domain::record::{Body, Spec};
use crate::domain::run::{StepState, strip_ansi};
use crate::store::{RunRow, RunState};

/// How often a run's page looks for news.
const LOOK: Duration = Duration::from_millis(300);
/// Log bytes of a step that its page shows; the rest is in the download.
const TAIL: usize = 128 * 1024;

/// The page, its feed and its log.
pub fn routes() -> Router<Site> {
    Router::new()
        .route("/runs/{id}", get(show))
        .route("/runs/{id}/events", get(events))
        .route("/runs/{id}/log", get(log))
}

/// What a run was to do; `None` for one that an older Fairway wrote in another way.
pub fn spec(row: &RunRow) -> Option<Spec> {
    serde_json::from_str(&row.spec).ok()
}

/// The run, if this person may read its repository; else what they get to read.
async fn seen(site: &Site, viewer: &Viewer, id: i64) -> anyhow::Result<Result<RunRow, Response>> {
    let missing = || Ok(Err(not_here(viewer, &format!("/runs/{id}"))));
    let Some(row) = site.ctx.store.run(id).await? else { return missing() };
    match reading(site, viewer, &row).await? {
        Word::Yes => Ok(Ok(row)),
        Word::No => missing(),
        Word::Unknown(why) => Ok(Err(not_known(viewer, why))),
    }
}

async fn reading(site: &Site, viewer: &Viewer, row: &RunRow) -> anyhow::Result<Word> {
    if viewer.person.is_none() {
        return Ok(Word::Yes);
    }
    match site.ctx.store.repo(row.repo_id).await? {
        Some(repo) => Ok(viewer.reads(site, &named(&repo)).await),
        None => Ok(Word::No),
    }
}

async fn show(
    State(site): State<Site>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<i64>,
) -> Result<Response, Failed> {
    let row = match seen(&site, &viewer, id).await? {
        Ok(row) => row,
        Err(response) => return Ok(response),
    };
    let body: Body = row.result.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let mut steps = Vec::new();
    for (index, step) in body.result.steps.iter().enumerate() {
        let log = site.ctx.store.log_tail(id, index as i64, TAIL).await?;
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
        now: site.ctx.clock.now(),
        who: viewer.who(),
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
        github_url: spec(&row).map(|s| site.ctx.github.check_details_url(&s.repo, s.pull, &row.sha)),
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
async fn log(
    State(site): State<Site>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<i64>,
) -> Result<Response, Failed> {
    if let Err(response) = seen(&site, &viewer, id).await? {
        return Ok(response);
    }
    let (tx, rx) = mpsc::channel::<Result<String, Infallible>>(4);
    let store = site.ctx.store.clone();
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
    Ok((headers, axum::body::Body::from_stream(ReceiverStream::new(rx))).into_response())
}

/// Tells a run's page when to look again, and when for the last time.
async fn events(
    State(site): State<Site>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<i64>,
) -> Result<Response, Failed> {
    if let Err(response) = seen(&site, &viewer, id).await? {
        return Ok(response);
    }
    let (from, who, last) = (site.clone(), viewer.clone(), Arc::new(AtomicI64::new(0)));
    Ok(feed(&site, &viewer, LOOK, move || {
        let (site, viewer, last) = (from.clone(), who.clone(), last.clone());
        async move {
            let row = site.ctx.store.run(id).await.ok().flatten()?;
            // Where GitHub cannot be asked it goes on: it shows nothing by itself.
            if reading(&site, &viewer, &row).await.ok()? == Word::No {
                return None;
            }
            // Only what is new is read, however long the log has become.
            let new = site.ctx.store.log(id, last.load(Ordering::Relaxed)).await.unwrap_or_default();
            if let Some(chunk) = new.last() {
                last.store(chunk.seq, Ordering::Relaxed);
            }
            let seen = format!("{:?} {:?} {}", row.state, row.result, last.load(Ordering::Relaxed));
            Some(Look { seen, over: row.state == RunState::Done })
        }
    }))
}
