//! The private listener: pages, metrics, readiness. Everything but `/readyz` and the login asks for the token,
//! because a step on the same machine can reach a loopback port too.

use axum::Router;
use axum::extract::{Form, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;

use super::access::Age;
use super::acts;
use super::login::back::local;
use super::pages::login::Login;
use super::session::{Site, Viewer, digest, same};
use crate::telemetry::Metrics;

const COOKIE: &str = "fairway_session";

/// What the private listener needs.
#[derive(Clone)]
pub struct Private {
    /// What every page needs.
    pub site: Site,
    /// Asked for by every page.
    pub token: String,
    /// Renders `/metrics`.
    pub metrics: Metrics,
    /// Where people sign in with GitHub instead, or why nobody can.
    pub sign_in: Result<String, &'static str>,
}

/// The router of the private listener.
pub fn router(state: Private) -> Router {
    let guarded = super::show::routes(&state.site)
        .with_state(state.site.clone())
        .merge(Router::new().route("/metrics", get(metrics)).with_state(state.clone()))
        .layer(middleware::from_fn_with_state(state.site.clone(), acts::watch))
        .layer(middleware::from_fn_with_state(state.clone(), guard));
    Router::new()
        .route("/readyz", get(ready))
        .route("/login", get(login_page).post(login))
        .with_state(state)
        .merge(super::show::assets())
        .merge(guarded)
        .layer(middleware::map_response(super::show::headers))
}

async fn ready(State(state): State<Private>) -> Response {
    match state.site.ctx.store.ping().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => {
            tracing::warn!("not ready: {error:#}");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
        }
    }
}

async fn metrics(State(state): State<Private>) -> Response {
    let depth = state.site.ctx.store.job_counts().await.unwrap_or_default();
    for row in depth {
        ::metrics::gauge!("fairway_jobs", "state" => row.state.as_str(), "kind" => row.kind).set(row.jobs as f64);
    }
    ::metrics::gauge!("fairway_runs_live").set(state.site.ctx.live.ids().len() as f64);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], state.metrics.render()).into_response()
}

/// Lets in who has the token: in the cookie that `/login` sets, as a bearer, or once in the address that `serve` prints.
async fn guard(State(state): State<Private>, mut request: Request, next: Next) -> Response {
    if query_token(request.uri().query()).is_some_and(|token| same(&token, &state.token)) {
        return signed_in(&state, request.uri().path());
    }
    let headers = request.headers();
    let text = |name| headers.get(name).and_then(|v| v.to_str().ok());
    let by_hand = text(header::AUTHORIZATION)
        .and_then(|v| v.strip_prefix("Bearer "))
        .is_some_and(|bearer| same(bearer, &state.token));
    if !by_hand && !cookie(headers).is_some_and(|c| same(&c, &session(&state.token))) {
        if text(header::ACCEPT).is_some_and(|accept| accept.contains("text/html")) {
            let to = percent_encoding::utf8_percent_encode(request.uri().path(), percent_encoding::NON_ALPHANUMERIC)
                .to_string();
            return Redirect::to(&format!("/login?to={to}")).into_response();
        }
        return (
            StatusCode::UNAUTHORIZED,
            "send `Authorization: Bearer TOKEN`; the token is FAIRWAY_PRIVATE_TOKEN, or what `fairway serve` prints when it starts\n",
        )
            .into_response();
    }
    let host = text(header::HOST).unwrap_or_default();
    let viewer = Viewer {
        person: None,
        admin: true,
        csrf: csrf(&state.token),
        origins: ["http", "https"].map(|scheme| format!("{scheme}://{host}")).into(),
        by_hand,
        age: Age::Minute,
    };
    request.extensions_mut().insert(viewer);
    next.run(request).await
}

fn query_token(query: Option<&str>) -> Option<String> {
    let pair = query?.split('&').find_map(|pair| pair.strip_prefix("token="))?;
    percent_encoding::percent_decode_str(pair).decode_utf8().ok().map(|text| text.into_owned())
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let all = headers.get(header::COOKIE)?.to_str().ok()?;
    all.split(';').find_map(|one| one.trim().strip_prefix(COOKIE)?.strip_prefix('=')).map(str::to_owned)
}

/// The cookie is not the token itself, so that what a browser keeps cannot be typed elsewhere.
fn session(token: &str) -> String {
    digest(&format!("session:{token}"))
}

fn csrf(token: &str) -> String {
    digest(&format!("csrf:{token}"))
}

fn signed_in(state: &Private, to: &str) -> Response {
    let cookie = format!("{COOKIE}={}; HttpOnly; SameSite=Strict; Path=/", session(&state.token));
    ([(header::SET_COOKIE, cookie)], Redirect::to(local(to))).into_response()
}

#[derive(serde::Deserialize)]
struct To {
    to: Option<String>,
}

#[derive(serde::Deserialize)]
struct Typed {
    token: String,
    back: Option<String>,
}

async fn login_page(State(state): State<Private>, Query(query): Query<To>) -> Html<String> {
    Html(page(&state, local(query.to.as_deref().unwrap_or("/")), false))
}

async fn login(State(state): State<Private>, Form(form): Form<Typed>) -> Response {
    let back = local(form.back.as_deref().unwrap_or("/"));
    if same(form.token.trim(), &state.token) {
        return signed_in(&state, back);
    }
    (StatusCode::UNAUTHORIZED, Html(page(&state, back, true))).into_response()
}

fn page(state: &Private, back: &str, wrong: bool) -> String {
    Login { wrong, back: back.to_owned(), sign_in: state.sign_in.clone() }.render()
}
