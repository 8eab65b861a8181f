//! The page of `fairway setup`: it sends the manifest to GitHub, takes the answer, and closes for good once there are
//! credentials.
//!
//! Nobody is signed in here, so a secret stands in its address: who has not seen the terminal gets no `state`, and an
//! answer without one is refused. Other programs of this machine, and pages of other sites, are outside.

mod states;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use tokio::sync::Notify;

use self::states::{States, Wrong};
use super::pages::{self, setup as page};
use super::session::same;
use crate::clock::Clock;
use crate::domain::manifest::{Manifest, Place};
use crate::domain::speech::setup::page::{self as speech, Words};
use crate::github::{self, GitHubError, Registered};

/// A code is exchanged so often while GitHub does not answer.
const TRIES: u32 = 3;
/// Between two tries.
const PAUSE: Duration = Duration::from_secs(2);

/// Of the page that goes on to GitHub. It says nothing of where its form may go: who signs in to GitHub by their
/// organisation's own page is led there on the way, and browsers count that to the form.
const LEADS_AWAY: &str =
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'";

/// Where GitHub brings the person and the code.
pub const CALLBACK: &str = "/callback";

/// Keeps the credentials somewhere; an error is shown to the person.
pub type Keep = dyn Fn(&Registered) -> anyhow::Result<()> + Send + Sync;

/// What the page needs to know.
pub struct Plan {
    /// What the App asks for.
    pub manifest: Manifest,
    /// What is different here; it redirects to [`CALLBACK`] of this page.
    pub place: Place,
    /// The organisation that is to own the App; `None`: whoever is signed in.
    pub org: Option<String>,
    /// Where GitHub's API is, and who asks.
    pub github: github::Config,
    /// Where this page is reached, without a slash at the end: scheme, host and port.
    pub here: String,
    /// The time.
    pub clock: Clock,
    /// Keeps the credentials.
    pub keep: Box<Keep>,
}

/// The page, for who starts it and waits for it.
#[derive(Clone)]
pub struct Desk(Arc<Inner>);

struct Inner {
    plan: Plan,
    key: String,
    states: Mutex<States>,
    /// Held while a code is exchanged, so that two answers do not make two files.
    registered: tokio::sync::Mutex<Option<Registered>>,
    done: Notify,
}

impl Desk {
    /// Makes the secret of the address.
    pub fn new(plan: Plan) -> Desk {
        let key = uuid::Uuid::new_v4().simple().to_string();
        let (states, registered) = (Mutex::default(), tokio::sync::Mutex::default());
        Desk(Arc::new(Inner { plan, key, states, registered, done: Notify::new() }))
    }

    /// The address to open.
    pub fn link(&self) -> String {
        format!("{}/{}", self.0.plan.here, self.0.key)
    }

    /// Waits until there are credentials, which are kept by then.
    pub async fn registered(&self) -> Registered {
        loop {
            let done = self.0.done.notified();
            if let Some(registered) = self.0.registered.lock().await.clone() {
                return registered;
            }
            done.await;
        }
    }

    /// The router of its listener, which is to be on a loopback address.
    pub fn router(&self) -> Router {
        Router::new()
            .route(CALLBACK, get(callback))
            .route("/{key}", get(start))
            .route("/assets/go.js", get(go))
            .fallback(nothing)
            .with_state(self.clone())
            .merge(super::show::assets())
    }

    async fn is_closed(&self) -> bool {
        self.0.registered.lock().await.is_some()
    }

    fn states(&self) -> std::sync::MutexGuard<'_, States> {
        self.0.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn go() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")], page::GO)
}

/// A page that says something.
fn respond(status: StatusCode, html: String, policy: &'static str) -> Response {
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    // GitHub learns where the person comes from, and nothing of the address' secret.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn notice(status: StatusCode, words: Words) -> Response {
    respond(status, page::Notice { words, link: None }.render(), pages::POLICY)
}

fn closed() -> Response {
    notice(StatusCode::GONE, speech::closed())
}

async fn nothing(State(desk): State<Desk>) -> Response {
    if desk.is_closed().await { closed() } else { notice(StatusCode::NOT_FOUND, speech::nothing()) }
}

async fn start(state: State<Desk>, Path(key): Path<String>) -> Response {
    let desk = &state.0;
    if !same(&key, &desk.0.key) || desk.is_closed().await {
        return nothing(state).await;
    }
    let plan = &desk.0.plan;
    let web = github::web_url(&plan.github.api_url);
    let given = desk.states().give(plan.clock.now());
    let path = match &plan.org {
        Some(org) => format!("organizations/{org}/settings/apps/new"),
        None => "settings/apps/new".to_owned(),
    };
    let manifest = plan.manifest.to_json(&plan.place).to_string();
    let page = page::Start { action: format!("{web}/{path}?state={given}"), manifest };
    respond(StatusCode::OK, page.render(), LEADS_AWAY)
}

/// What GitHub sends along.
#[derive(Default, Deserialize)]
struct Answer {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
}

async fn callback(State(desk): State<Desk>, answer: Result<Query<Answer>, QueryRejection>) -> Response {
    // What cannot be read has no `state` of ours.
    let Query(answer) = answer.unwrap_or_default();
    let plan = &desk.0.plan;
    let mut registered = desk.0.registered.lock().await;
    if registered.is_some() {
        return closed();
    }
    // Before anything else of the answer is looked at.
    if let Err(wrong) = desk.states().take(&answer.state, plan.clock.now()) {
        return match wrong {
            Wrong::Forged => notice(StatusCode::FORBIDDEN, speech::forged()),
            Wrong::Used => notice(StatusCode::FORBIDDEN, speech::used()),
            Wrong::Late => notice(StatusCode::FORBIDDEN, speech::late()),
        };
    }
    if answer.code.is_empty() {
        return notice(StatusCode::BAD_REQUEST, speech::no_code());
    }
    let new = match exchange(plan, &answer.code).await {
        Ok(new) => new,
        Err(why) => return notice(StatusCode::BAD_GATEWAY, speech::refused(&why)),
    };
    if let Err(error) = (plan.keep)(&new) {
        return notice(StatusCode::INTERNAL_SERVER_ERROR, speech::not_kept(&format!("{error:#}")));
    }
    let words = speech::done(&new.name);
    let link = Some(("Install it", format!("{}/installations/new", new.html_url)));
    *registered = Some(new);
    desk.0.done.notify_waiters();
    respond(StatusCode::OK, page::Notice { words, link }.render(), pages::POLICY)
}

/// The code for the credentials. GitHub takes a code once, so a try whose end is not known may have been the one.
async fn exchange(plan: &Plan, code: &str) -> Result<Registered, String> {
    let mut tried = 1;
    loop {
        match github::register(&plan.github, code).await {
            Err(GitHubError::NotFound { .. }) => return Err(speech::UNKNOWN_CODE.to_owned()),
            Err(GitHubError::Ambiguous { .. } | GitHubError::Unavailable { .. }) if tried < TRIES => {
                plan.clock.sleep(PAUSE).await;
                tried += 1;
            }
            answer => return answer.map_err(|error| error.to_string()),
        }
    }
}
