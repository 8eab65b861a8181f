//! The private listener: pages, metrics, readiness. Everything but `/readyz` and the login asks for the token,
//! because a step on the same machine can reach a loopback port too.

use axum::Router;
use axum::extract::{Form, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

use super::pages::login::Login;
use super::session::{Csrf, Private, same};

const COOKIE: &str = "fairway_session";

/// The router of the private listener.
pub fn router(state: Private) -> Router {
    let guarded = super::show::routes()
        .route("/metrics", get(metrics))
        .layer(middleware::from_fn_with_state(state.clone(), guard));
    Router::new()
        .route("/readyz", get(ready))
        .route("/login", get(login_page).post(login))
        .route("/assets/style.css", get(super::show::style))
        .route("/assets/live.js", get(super::show::script))
        .merge(guarded)
        .layer(middleware::map_response(policy))
        .with_state(state)
}

/// No page of ours loads or runs what a log line says.
async fn policy(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(super::pages::POLICY));
    response
}

async fn ready(State(state): State<Private>) -> Response {
    match state.ctx.store.ping().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => {
            tracing::warn!("not ready: {error:#}");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
        }
    }
}

async fn metrics(State(state): State<Private>) -> Response {
    let depth = state.ctx.store.job_counts().await.unwrap_or_default();
    for row in depth {
        ::metrics::gauge!("fairway_jobs", "state" => row.state.as_str(), "kind" => row.kind).set(row.jobs as f64);
    }
    ::metrics::gauge!("fairway_runs_live").set(state.ctx.live.ids().len() as f64);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], state.metrics.render()).into_response()
}

/// Lets in who has the token: in the cookie that `/login` sets, as a bearer, or once in the address that `serve` prints.
async fn guard(State(state): State<Private>, mut request: Request, next: Next) -> Response {
    if query_token(request.uri().query()).is_some_and(|token| same(&token, &state.token)) {
        return signed_in(&state, request.uri().path());
    }
    let headers = request.headers();
    let bearer =
        headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|v| v.strip_prefix("Bearer "));
    let known = bearer.is_some_and(|b| same(b, &state.token))
        || cookie(headers).is_some_and(|c| same(&c, &session(&state.token)));
    if !known {
        let browser =
            headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|a| a.contains("text/html"));
        if browser {
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
    request.extensions_mut().insert(Csrf(csrf(&state.token)));
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
    hex::encode(Sha256::digest(format!("session:{token}")))
}

fn csrf(token: &str) -> String {
    hex::encode(Sha256::digest(format!("csrf:{token}")))
}

fn signed_in(state: &Private, to: &str) -> Response {
    let cookie = format!("{COOKIE}={}; HttpOnly; SameSite=Strict; Path=/", session(&state.token));
    ([(header::SET_COOKIE, cookie)], Redirect::to(local(to))).into_response()
}

/// Only our own pages: a link must not lead elsewhere through us.
fn local(to: &str) -> &str {
    if to.starts_with('/') && !to.starts_with("//") && !to.contains('\\') { to } else { "/" }
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

async fn login_page(Query(query): Query<To>) -> Html<String> {
    let back = local(query.to.as_deref().unwrap_or("/")).to_owned();
    Html(Login { wrong: false, back }.render())
}

async fn login(State(state): State<Private>, Form(form): Form<Typed>) -> Response {
    let back = local(form.back.as_deref().unwrap_or("/"));
    if same(form.token.trim(), &state.token) {
        return signed_in(&state, back);
    }
    (StatusCode::UNAUTHORIZED, Html(Login { wrong: true, back: back.to_owned() }.render())).into_response()
}
