//! The admin socket: services, splits, releases. Whoever may open it may do everything, so it is the owner's alone.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};

use super::desk::Host;
use super::{Limits, Prepare, SetSplit, Slot, TargetError};

/// Everything that can be asked.
pub fn router(host: Arc<Host>) -> Router {
    Router::new()
        .route("/v1/services", get(services))
        .route("/v1/services/{name}", get(service))
        .route("/v1/services/{name}/release", put(prepare))
        .route("/v1/services/{name}/split", put(split))
        .route("/v1/services/{name}/probe", post(probe))
        .route("/v1/services/{name}/slots/{slot}", delete(retire))
        .route("/v1/services/{name}/keep", put(keep))
        .layer(axum::middleware::from_fn_with_state(host.clone(), unless_frozen))
        .route("/v1/limits", get(limits))
        .route("/metrics", get(metrics))
        .with_state(host)
}

/// What changes something waits for nobody: while the host hands over, whoever asks comes again and finds the successor.
async fn unless_frozen(State(host): State<Arc<Host>>, request: Request, next: Next) -> Response {
    let frozen = host.frozen.read().await;
    if *frozen && request.method() != http::Method::GET {
        return Answer(Err(TargetError::Away("it hands over to its successor".to_owned()))).into_response();
    }
    next.run(request).await
}

struct Answer(Result<(), TargetError>);

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self.0 {
            Ok(()) => StatusCode::NO_CONTENT.into_response(),
            Err(error) => {
                let status = match &error {
                    TargetError::Stale(_) => StatusCode::PRECONDITION_FAILED,
                    TargetError::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
                    TargetError::Away(_) => StatusCode::SERVICE_UNAVAILABLE,
                };
                (status, Json(error)).into_response()
            }
        }
    }
}

async fn services(State(host): State<Arc<Host>>) -> Response {
    let all: std::collections::BTreeMap<String, super::Service> =
        host.shelf.all().iter().map(|place| (place.name.clone(), place.show(&host.shelf.boot))).collect();
    Json(all).into_response()
}

async fn service(State(host): State<Arc<Host>>, Path(name): Path<String>) -> Response {
    match host.shelf.get(&name) {
        Some(place) => Json(place.show(&host.shelf.boot)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn prepare(State(host): State<Arc<Host>>, Path(name): Path<String>, Json(asked): Json<Prepare>) -> Answer {
    Answer(host.prepare(&name, &asked.door, &asked.release).await)
}

async fn split(State(host): State<Arc<Host>>, Path(name): Path<String>, Json(asked): Json<SetSplit>) -> Answer {
    let Some(place) = host.shelf.get(&name) else {
        return Answer(Err(TargetError::Refused(format!("there is no service {name}"))));
    };
    Answer(host.shelf.split(&place, asked.generation, &asked.split))
}

async fn probe(State(host): State<Arc<Host>>, Path(name): Path<String>) -> Answer {
    if let Some(place) = host.shelf.get(&name) {
        host.keeper.ask_both(&place).await;
    }
    Answer(Ok(()))
}

async fn retire(State(host): State<Arc<Host>>, Path((name, slot)): Path<(String, Slot)>) -> Answer {
    Answer(host.retire(&name, slot).await)
}

async fn keep(State(host): State<Arc<Host>>, Path(name): Path<String>, Json(kept): Json<Vec<String>>) -> Answer {
    let work = tokio::task::spawn_blocking(move || host.keep(&name, &kept)).await;
    Answer(work.map_err(|error| TargetError::Away(error.to_string())))
}

/// What releases can be held to here.
async fn limits(State(host): State<Arc<Host>>) -> Json<Limits> {
    Json(Limits { cpu: host.keeper.cgroup().clone() })
}

/// Prometheus' text format: requests by service and version.
async fn metrics(State(host): State<Arc<Host>>) -> String {
    let names = ["requests", "bad_requests", "slow_requests"];
    let mut out: String = names.map(|name| format!("# TYPE fairway_host_{name}_total counter\n")).concat();
    for place in host.shelf.all() {
        let shown = place.show(&host.shelf.boot);
        for held in shown.slots.values() {
            let counts = shown.counts.get(&held.release).copied().unwrap_or_default();
            let labels = format!("service=\"{}\",version=\"{}\"", place.name, held.version);
            for (name, value) in names.iter().zip([counts.requests, counts.bad, counts.slow]) {
                out.push_str(&format!("fairway_host_{name}_total{{{labels}}} {value}\n"));
            }
        }
    }
    out
}
