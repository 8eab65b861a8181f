//! The door to the network: one address for the API, for git and for people.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::body::{Body as HttpBody, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header, request::Parts};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::faults::Trouble;
use super::handle::Playground;
use super::rest::door::{self, Incoming};
use super::rest::{Answer, Body, graphql};
use super::smart_http;

/// A push may be large; an API request may not.
const LARGEST: usize = 512 * 1024 * 1024;
const LARGEST_API: usize = 25 * 1024 * 1024;
/// Where an App exchanges a code for a person's token; beside the pages, not below the API.
const CODES: &str = "/login/oauth/access_token";

/// All that is served: API and git are caught before the pages see a request.
pub fn router(playground: Playground, pages: Option<Router>) -> Router {
    pages.unwrap_or_default().layer(middleware::from_fn_with_state(playground, answer))
}

/// What a path is for.
enum Path {
    Api(String),
    Git,
    /// Where an App exchanges a code.
    Codes,
    /// The registry of crates.
    Crates(String),
    People,
}

fn sort(path: &str) -> Path {
    if let Some(rest) = path.strip_prefix("/api/v3") {
        return Path::Api(if rest.is_empty() { "/".into() } else { rest.to_owned() });
    }
    // An Enterprise server has GraphQL beside the REST API.
    if path == "/api/graphql" {
        return Path::Api("/graphql".into());
    }
    if let Some(rest) = path.strip_prefix("/crates/") {
        return Path::Crates(rest.to_owned());
    }
    if path == CODES {
        return Path::Codes;
    }
    if path.contains(".git/") && smart_http::parse(path).is_some() {
        return Path::Git;
    }
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let api = [
        "repos",
        "repositories",
        "app",
        "app-manifests",
        "applications",
        "installation",
        "orgs",
        "users",
        "user",
        "rate_limit",
        "meta",
        "advisories",
        "graphql",
        "api",
    ];
    if api.contains(&first) { Path::Api(path.to_owned()) } else { Path::People }
}

async fn answer(State(playground): State<Playground>, request: Request, pages: Next) -> Response {
    match sort(request.uri().path()) {
        Path::People => pages.run(request).await,
        sorted => {
            let (parts, body) = request.into_parts();
            let Ok(body) = to_bytes(body, LARGEST).await else {
                return StatusCode::PAYLOAD_TOO_LARGE.into_response();
            };
            match sorted {
                Path::Api(path) => api(playground, &path, &parts, body).await,
                Path::Crates(path) => match playground.act_quietly(|world| world.crate_file(&path)) {
                    Some(bytes) => bytes.into_response(),
                    None => StatusCode::NOT_FOUND.into_response(),
                },
                Path::Codes => codes(&playground, &parts, &body).await,
                _ => {
                    let path = parts.uri.path();
                    let trouble = playground.act_quietly(|world| world.switches.strike(parts.method.as_str(), path));
                    match before(&playground, path, trouble).await {
                        Some(answer) => answer,
                        None => smart_http::serve(playground, parts, body).await,
                    }
                }
            }
        }
    }
}

async fn api(playground: Playground, path: &str, parts: &Parts, body: Bytes) -> Response {
    if body.len() > LARGEST_API {
        return respond(Answer::error(413, "Payload Too Large"));
    }
    let trouble = playground.act_quietly(|world| world.switches.strike(parts.method.as_str(), path));
    if let Some(answer) = before(&playground, path, trouble).await {
        return answer;
    }
    let incoming = incoming(path, parts, &body);
    let reads = parts.method == Method::GET;
    // Handlers run git and wait for it, so they run where waiting is allowed.
    let done = tokio::task::spawn_blocking(move || {
        let enter = |world: &mut super::world::World| door::enter(world, &incoming);
        if reads { playground.act_quietly(enter) } else { playground.act(enter) }
    });
    match done.await {
        Ok(_) if trouble == Some(Trouble::BadGatewayAfter) => respond(door::bad_gateway()),
        Ok(answer) => respond(answer),
        Err(panic) => {
            eprintln!("playground: a handler ended badly: {panic}");
            respond(Answer::error(500, "Server Error"))
        }
    }
}

/// Exchanges a code. Fields come as a form or as JSON and go back as was asked for.
async fn codes(playground: &Playground, parts: &Parts, body: &Bytes) -> Response {
    let trouble = playground.act_quietly(|world| world.switches.strike(parts.method.as_str(), CODES));
    if let Some(answer) = before(playground, CODES, trouble).await {
        return answer;
    }
    if parts.method != Method::POST {
        return respond(Answer::not_found());
    }
    let is_json = |name| text(&parts.headers, &name).is_some_and(|kind| kind.contains("json"));
    let mut fields = query(parts.uri.query().unwrap_or_default());
    fields.extend(match is_json(header::CONTENT_TYPE) {
        true => serde_json::from_slice(body).unwrap_or_default(),
        false => query(&String::from_utf8_lossy(body)),
    });
    let answer = playground.act_quietly(|world| world.exchange(&fields));
    if is_json(header::ACCEPT) {
        return respond(Answer::ok(answer));
    }
    let plain = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs = answer.as_object().into_iter().flatten();
    let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", encode(&plain(value)))).collect();
    respond(Answer::raw(pairs.join("&").into_bytes(), "application/x-www-form-urlencoded; charset=utf-8"))
}

/// Trouble that strikes before anything is done.
async fn before(playground: &Playground, path: &str, trouble: Option<Trouble>) -> Option<Response> {
    let now = || playground.look(super::world::World::now);
    Some(match trouble? {
        Trouble::BadGatewayAfter => return None,
        Trouble::BadGatewayBefore => respond(door::bad_gateway()),
        Trouble::Html => {
            ([(header::CONTENT_TYPE, "text/html")], "<html><body><h1>Unicorn!</h1></body></html>").into_response()
        }
        Trouble::Silence(ms) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            respond(door::bad_gateway())
        }
        Trouble::Primary(seconds) => respond(door::primary_limit(now() / 1000 + seconds.cast_signed())),
        Trouble::Secondary(seconds) => respond(door::secondary_limit(seconds)),
        Trouble::Forbidden if path == "/graphql" => respond(graphql::forbidden()),
        Trouble::Forbidden => respond(Answer::error(403, "Resource not accessible by integration")),
        Trouble::TokensExpire => {
            playground.act_quietly(|world| world.tokens.values_mut().for_each(|token| token.expires_at = 0));
            respond(Answer::error(401, "Bad credentials"))
        }
    })
}

fn incoming(path: &str, parts: &Parts, body: &Bytes) -> Incoming {
    let raw_query = parts.uri.query().unwrap_or_default().to_owned();
    let header = |name: header::HeaderName| text(&parts.headers, &name);
    Incoming {
        method: parts.method.as_str().to_owned(),
        path: path.to_owned(),
        query: query(&raw_query),
        raw_query,
        authorization: header(header::AUTHORIZATION),
        if_none_match: header(header::IF_NONE_MATCH),
        accept: header(header::ACCEPT).unwrap_or_default(),
        body: body.to_vec(),
    }
}

fn text(headers: &HeaderMap, name: &header::HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// Fields of a query, decoded.
pub fn query(raw: &str) -> BTreeMap<String, String> {
    let decode =
        |text: &str| percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    raw.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

fn respond(answer: Answer) -> Response {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let built = match answer.body {
        Body::Empty => response.body(HttpBody::empty()),
        Body::Json(json) => response
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .body(HttpBody::from(json.to_string())),
        Body::Raw(bytes, kind) => response.header(header::CONTENT_TYPE, kind).body(HttpBody::from(bytes)),
    };
    built.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}
