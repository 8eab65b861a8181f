//! What both listeners answer while there is no App to serve: that it is alive, and what to type.

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get};

use super::pages::{self, setup::Notice};
use crate::domain::speech::setup as speech;

/// The public listener. A delivery that comes too early is asked for again later.
pub fn public() -> Router {
    let early = || async { (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", speech::NOT_YET)) };
    Router::new().route("/hook", any(early)).route("/healthz", get(|| async { "ok\n" }))
}

/// The private listener: one page for every address, which looks again by itself. It shows nothing that is anybody's, so
/// it asks for no token.
pub fn private(path: &str) -> Router {
    let page = Notice { words: speech::page::waits(path), link: None }.render();
    let early = || async { (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", speech::NOT_YET)) };
    Router::new().route("/readyz", get(early)).merge(super::show::assets()).fallback(move || async move { shown(page) })
}

fn shown(page: String) -> Response {
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, Html(page)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(pages::POLICY));
    headers.insert(header::REFRESH, HeaderValue::from_static("3"));
    response
}
