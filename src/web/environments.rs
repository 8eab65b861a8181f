//! `/environments`, filled from the rows of environments and of their newest rollouts.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::live::{Failed, live};
use super::pages::environments::{Coming, Environment, Environments, Last, Waiting};
use super::session::Private;
use crate::domain::decide::EnvState;
use crate::domain::rollout::Rollout;
use crate::domain::speech;
use crate::store::Store;

/// How often a page looks for news.
const LOOK: Duration = Duration::from_secs(1);

/// The page.
pub fn routes() -> Router<Private> {
    Router::new().route("/environments", get(show)).route("/environments/events", get(events))
}

async fn show(State(state): State<Private>) -> Result<Html<String>, Failed> {
    Ok(Html(page(&state.ctx.store, state.ctx.clock.now()).await?.render()))
}

async fn page(store: &Store, now: i64) -> anyhow::Result<Environments> {
    let mut all = Vec::new();
    for row in store.aggregates_since("env", 0).await? {
        let state: EnvState = serde_json::from_str(&row.state)?;
        let newest = store.newest_rollout(row.repo_id, &state.name).await?;
        let rollout: Option<Rollout> =
            newest.and_then(|newest| newest.state).map(|text| serde_json::from_str(&text)).transpose()?;
        all.push(environment(&state, rollout.as_ref().filter(|_| state.going.is_some()), now));
    }
    all.sort_by(|a, b| (&a.repo, &a.name).cmp(&(&b.repo, &b.name)));
    Ok(Environments { now, all })
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
async fn events(State(state): State<Private>) -> Response {
    let (tx, rx) = mpsc::channel(4);
    let (store, clock) = (state.ctx.store.clone(), state.ctx.clock.clone());
    tokio::spawn(async move {
        let mut seen = String::new();
        while !tx.is_closed() {
            let now = page(&store, clock.now()).await.map(|page| format!("{:?}", page.all)).unwrap_or_default();
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
