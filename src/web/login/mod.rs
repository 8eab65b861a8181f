//! "Sign in with GitHub": the App's own user authorization, with a state that this browser alone has and once, and PKCE.
//! The person's token is asked who they are and then ended; what they may is asked with the App's own credentials.

mod account;
pub mod back;
pub mod cookie;
mod guard;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware;
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::access::in_short;
use super::acts::{self, fields};
use super::live::Failed;
use super::pages::signin::SignIn;
use super::session::{LONGEST_MS, Site, digest, random};
use crate::domain::deed::Deed;
use crate::domain::speech::pages::{NotSignedIn, Notice, Outcome, not_signed_in};
use crate::github::{ExchangeError, LoginApp, Somebody};
use crate::settings;
use crate::store::SessionRow;
use back::local;
use cookie::{Cookie, CookieKey};

/// Somebody who is signed in.
const SESSION: Cookie = Cookie { name: "fairway", seconds: LONGEST_MS / 1000 };
/// Somebody who is on their way to GitHub and back.
const LOGIN: Cookie = Cookie { name: "fairway-login", seconds: STATE_MS / 1000 };
/// GitHub's answer is taken for so long, in milliseconds.
const STATE_MS: i64 = 600_000;
/// Answers of GitHub's that are looked into at once; each may cost a row and a request, and the door must not wait for them.
const AT_ONCE: usize = 4;
/// Nobody waits longer for their token to be ended; it then ends by itself.
const END_TOKEN: Duration = Duration::from_secs(3);

/// What signing in needs. Cheap to clone.
#[derive(Clone)]
pub struct Gate {
    site: Site,
    app: Arc<LoginApp>,
    key: CookieKey,
    origin: String,
    https: bool,
    slots: Arc<Semaphore>,
}

impl Gate {
    /// People sign in as the settings say; cookies are signed with `key`.
    pub fn new(site: Site, sign_in: &settings::SignIn, key: CookieKey) -> Gate {
        let app = LoginApp {
            client_id: sign_in.client_id.clone(),
            client_secret: sign_in.client_secret.clone(),
            callback: sign_in.callback(),
        };
        Gate {
            site,
            app: Arc::new(app),
            key,
            origin: sign_in.url.clone(),
            https: sign_in.is_https(),
            slots: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

/// The pages for people who sign in.
pub fn router(gate: Gate) -> Router {
    let guarded = super::show::routes(&gate.site)
        .with_state(gate.site.clone())
        .merge(account::routes().with_state(gate.clone()))
        .layer(middleware::from_fn_with_state(gate.site.clone(), acts::watch))
        .layer(middleware::from_fn_with_state(gate.clone(), guard::guard));
    Router::new()
        .route("/login", get(ask))
        .route("/login/github", get(begin))
        .route("/login/callback", get(callback))
        .with_state(gate)
        .merge(guarded)
        .merge(super::show::assets())
        .layer(middleware::map_response(super::show::headers))
}

/// Why somebody is not signed in, as a page.
struct Refusal {
    status: StatusCode,
    notice: Notice,
}

fn refuse(status: StatusCode, why: NotSignedIn<'_>) -> Turned {
    Turned::Refused(Refusal { status, notice: not_signed_in(why) })
}

/// Nobody was signed in.
enum Turned {
    Refused(Refusal),
    Broken(Failed),
}

impl<E: Into<anyhow::Error>> From<E> for Turned {
    fn from(error: E) -> Turned {
        Turned::Broken(Failed::from(error))
    }
}

/// `/login?to=PAGE`: a button. Nobody is sent to GitHub unasked, or signing out would sign in again.
async fn ask(State(gate): State<Gate>, headers: HeaderMap, RawQuery(query): RawQuery) -> Result<Response, Failed> {
    let fields = fields(query.as_deref().unwrap_or_default().as_bytes());
    let back = local(fields.get("to").map_or("/", String::as_str)).to_owned();
    if gate.session(&headers).await?.is_some() {
        return Ok(Redirect::to(&back).into_response());
    }
    let page = SignIn { back, out: fields.contains_key("out"), ..SignIn::default() };
    Ok(Html(page.render()).into_response())
}

/// `/login/github?to=PAGE`: off to GitHub. What is needed when they come back goes with their browser, signed.
async fn begin(State(gate): State<Gate>, RawQuery(query): RawQuery) -> Response {
    let fields = fields(query.as_deref().unwrap_or_default().as_bytes());
    let back = local(fields.get("to").map_or("/", String::as_str));
    let (state, verifier) = (random(), random());
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
    let begun = format!("{}~{state}~{verifier}~{back}", gate.site.ctx.clock.now());
    let cookie = LOGIN.set(&gate.key.sign("login", &begun), gate.https);
    let url = gate.site.ctx.github.authorize_url(&gate.app, &state, &challenge);
    ([(header::SET_COOKIE, cookie)], Redirect::to(&url)).into_response()
}

/// `/login/callback?code=..&state=..`: back from GitHub.
async fn callback(State(gate): State<Gate>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let answer = fields(query.as_deref().unwrap_or_default().as_bytes());
    let over = LOGIN.clear(gate.https);
    match gate.sign_in(&headers, &answer).await {
        Ok((session, back)) => {
            let cookie = SESSION.set(&gate.key.sign("session", &session), gate.https);
            let cookies = AppendHeaders([(header::SET_COOKIE, over), (header::SET_COOKIE, cookie)]);
            (cookies, Redirect::to(&back)).into_response()
        }
        Err(Turned::Refused(Refusal { status, notice })) => {
            let page = SignIn { notice: Some(notice), back: "/".to_owned(), ..SignIn::default() };
            (status, [(header::SET_COOKIE, over)], Html(page.render())).into_response()
        }
        Err(Turned::Broken(failed)) => ([(header::SET_COOKIE, over)], failed).into_response(),
    }
}

/// A sign-in that this browser began.
struct Begun {
    state: String,
    verifier: String,
    back: String,
}

impl Gate {
    /// Signs somebody in. Gives the new session's id, and where they wanted to go.
    async fn sign_in(
        &self,
        headers: &HeaderMap,
        answer: &BTreeMap<String, String>,
    ) -> Result<(String, String), Turned> {
        let begun = self.begun(headers, answer)?;
        let _slot = self.slots.acquire().await;
        let (ctx, now) = (&self.site.ctx, self.site.ctx.clock.now());
        if !ctx.store.use_state(&digest(&begun.state), now).await? {
            return Err(refuse(StatusCode::BAD_REQUEST, NotSignedIn::Used));
        }
        let who = self.identify(answer, &begun.verifier).await?;
        let (id, older) = (random(), self.session(headers).await?.map(|session| session.id));
        let row = SessionRow {
            id: digest(&id),
            user_id: who.id,
            login: who.login.clone(),
            created_at: now,
            seen_at: now,
            expires_at: now + LONGEST_MS,
        };
        let act = acts::new_act(&who.login, Some(who.id), (&Deed::SignIn, now));
        let act = ctx.store.begin_act(&act).await?;
        ctx.store.begin_session(&row, older.as_deref()).await?;
        acts::ended(&self.site, act, &Outcome::Done(String::new())).await;
        Ok((id, begun.back))
    }

    /// The state that came back has to be the one in this browser's cookie, signed by us and young.
    fn begun(&self, headers: &HeaderMap, answer: &BTreeMap<String, String>) -> Result<Begun, Turned> {
        let forged = || refuse(StatusCode::BAD_REQUEST, NotSignedIn::Forged);
        let cookie =
            LOGIN.of(headers, self.https).and_then(|value| self.key.open("login", value)).ok_or_else(forged)?;
        let mut parts = cookie.splitn(4, '~').map(str::to_owned);
        let (Some(at), Some(state), Some(verifier), Some(back)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(forged());
        };
        if !super::session::same(&state, answer.get("state").map_or("", String::as_str)) {
            return Err(forged());
        }
        let age = at.parse().map_or(i64::MAX, |at: i64| self.site.ctx.clock.now() - at);
        if !(0..STATE_MS).contains(&age) {
            return Err(refuse(StatusCode::BAD_REQUEST, NotSignedIn::Late));
        }
        // It was looked at before it was signed; a second look costs nothing.
        let back = local(&back).to_owned();
        Ok(Begun { state, verifier, back })
    }

    /// Asks GitHub who came back. The token is gone when this returns.
    async fn identify(&self, answer: &BTreeMap<String, String>, verifier: &str) -> Result<Somebody, Turned> {
        match answer.get("error").map(String::as_str) {
            None => {}
            Some("access_denied") => return Err(refuse(StatusCode::FORBIDDEN, NotSignedIn::Declined)),
            Some("redirect_uri_mismatch") => return Err(self.misplaced()),
            Some(error) => {
                let words: String =
                    answer.get("error_description").map_or(error, String::as_str).chars().take(300).collect();
                return Err(refuse(StatusCode::FORBIDDEN, NotSignedIn::Refused(&words)));
            }
        }
        let code = answer.get("code").filter(|code| !code.is_empty() && code.len() <= 200);
        let code = code.ok_or_else(|| refuse(StatusCode::BAD_REQUEST, NotSignedIn::Code))?;
        let github = &self.site.ctx.github;
        let token = github.exchange(&self.app, code, verifier).await.map_err(|error| self.not_exchanged(error))?;
        let who = github.whose(&token).await;
        match tokio::time::timeout(END_TOKEN, github.revoke(&self.app, &token)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!("a person's token was not ended and ends by itself: {error}"),
            Err(_) => tracing::warn!("a person's token was not ended in time and ends by itself"),
        }
        who.map_err(|error| {
            tracing::warn!("nobody was signed in: {error}");
            refuse(StatusCode::SERVICE_UNAVAILABLE, NotSignedIn::Away(in_short(&error)))
        })
    }

    fn not_exchanged(&self, error: ExchangeError) -> Turned {
        match error {
            ExchangeError::Code => refuse(StatusCode::BAD_REQUEST, NotSignedIn::Code),
            ExchangeError::Credentials => {
                tracing::error!("nobody can sign in: GitHub refuses FAIRWAY_CLIENT_ID and FAIRWAY_CLIENT_SECRET");
                refuse(StatusCode::BAD_GATEWAY, NotSignedIn::Credentials)
            }
            ExchangeError::Redirect => self.misplaced(),
            ExchangeError::Refused(words) => refuse(StatusCode::FORBIDDEN, NotSignedIn::Refused(&words)),
            ExchangeError::GitHub(error) => {
                tracing::warn!("nobody was signed in: {error}");
                refuse(StatusCode::SERVICE_UNAVAILABLE, NotSignedIn::Away(in_short(&error)))
            }
        }
    }

    fn misplaced(&self) -> Turned {
        tracing::error!("nobody can sign in: {} is no callback URL of the App", self.app.callback);
        refuse(StatusCode::BAD_GATEWAY, NotSignedIn::Callback(&self.app.callback))
    }
}
