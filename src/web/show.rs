//! All pages together, and what they are served with.

use axum::http::{HeaderValue, header};
use axum::middleware;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};

use super::acts::for_admins;
use super::pages;
use super::readable::not_here;
use super::session::{Site, Viewer};

/// All pages, for whoever was let in. Those for admins let in nobody else.
pub fn routes(site: &Site) -> Router<Site> {
    let admins = Router::new()
        .merge(super::jobs::routes())
        .merge(super::engines::routes())
        .merge(super::audit::routes())
        .route_layer(middleware::from_fn_with_state(site.clone(), for_admins));
    Router::new()
        .merge(super::overview::routes())
        .merge(super::runs::routes())
        .merge(super::environments::routes())
        .merge(super::fleet::routes())
        .merge(admins)
        .fallback(lost)
}

/// What pages need to look as they do; open to all, because it says nothing.
pub fn assets() -> Router {
    let serve = |kind: &'static str, text: &'static str| async move { ([(header::CONTENT_TYPE, kind)], text) };
    Router::new()
        .route("/assets/style.css", get(move || serve("text/css; charset=utf-8", pages::STYLE)))
        .route("/assets/live.js", get(move || serve("text/javascript; charset=utf-8", pages::SCRIPT)))
}

/// No page of ours loads or runs what a log line says, stays in a shared cache, or is shown from one after signing out.
pub async fn headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(pages::POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn lost(Extension(viewer): Extension<Viewer>, uri: axum::http::Uri) -> Response {
    not_here(&viewer, uri.path())
}
