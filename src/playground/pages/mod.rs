//! What people see of the playground in a browser: repositories, pull requests, checks. Near enough to GitHub that
//! nobody has to learn it. Everything works by plain links and forms; a short script makes it live.

mod acts;
mod apps;
mod checks;
mod chrome;
mod code;
mod conversation;
mod deliveries;
mod diff;
mod files;
mod git;
mod live;
mod login;
mod markdown;
mod merge;
mod pull;
mod words;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::{from_fn, map_response};
use axum::response::Response;
use axum::routing::{get, post};

use super::Playground;

/// Nothing but our own stylesheet, script and forms: what an App writes cannot load or run anything.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The pages, under people's addresses: `/`, `/OWNER/NAME`, `/OWNER/NAME/pull/1` and below, those of GitHub Apps, and `/-/` for
/// what is nobody's repository.
pub fn router(playground: Playground) -> Router {
    Router::new()
        .route("/", get(code::repos))
        .route("/-/style.css", get(live::style))
        .route("/-/live.js", get(live::script))
        .route("/-/changes", get(live::changes))
        .route("/-/deliveries", get(deliveries::page_of))
        .route("/-/speaker", post(acts::speaker))
        .route("/{owner}/{name}", get(code::root))
        .route("/{owner}/{name}/tree/{rev}", get(code::branch))
        .route("/{owner}/{name}/tree/{rev}/{*path}", get(code::path))
        .route("/{owner}/{name}/commits", get(files::history))
        .route("/{owner}/{name}/compare/{branch}", get(files::compare))
        .route("/{owner}/{name}/commit/{sha}", get(files::commit))
        .route("/{owner}/{name}/commit/{sha}/checks", get(checks::of_commit))
        .route("/{owner}/{name}/runs/{id}", get(checks::run))
        .route("/login/oauth/authorize", get(login::ask).post(login::answer))
        .route("/-/repositories", post(acts::create))
        .route("/{owner}/{name}/pulls", get(pull::list).post(acts::open))
        .route("/{owner}/{name}/pull/{number}/{act}", post(acts::pull))
        .route("/{owner}/{name}/checks/{id}/rerequest", post(acts::rerequest))
        .route("/{owner}/{name}/checks/{id}/press", post(acts::press))
        .route("/{owner}/{name}/suites/{id}/rerequest", post(acts::rerequest_suite))
        .route("/{owner}/{name}/pull/{number}", get(conversation::conversation))
        .route("/{owner}/{name}/pull/{number}/commits", get(files::commits_of_pull))
        .route("/{owner}/{name}/pull/{number}/checks", get(checks::of_pull))
        .route("/{owner}/{name}/pull/{number}/files", get(files::of_pull))
        .layer(from_fn(acts::own_forms_only))
        .merge(apps::router())
        .layer(map_response(guarded))
        .with_state(playground)
}

async fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    // A page that needs another one has set it.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

#[cfg(test)]
mod tests;
