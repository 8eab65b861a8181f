//! Lets in who is signed in, and sends everybody else to where they can.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::back::local;
use super::{Gate, SESSION};
use crate::github::Somebody;
use crate::store::SessionRow;
use crate::web::access::{Age, Word};
use crate::web::session::{IDLE_MS, Person, Viewer, digest};

/// The last use of a session is noted to the minute, in milliseconds.
const MINUTE: i64 = 60_000;

/// Puts the [`Viewer`] of a request's cookie into it.
pub async fn guard(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    match gate.session(request.headers()).await {
        Err(error) => crate::web::live::Failed::from(error).into_response(),
        Ok(None) => asked(&request),
        Ok(Some(session)) => {
            request.extensions_mut().insert(gate.viewer(session).await);
            next.run(request).await
        }
    }
}

/// A browser gets the sign-in page and comes back from there; a program gets words.
fn asked(request: &Request) -> Response {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if !accept.is_some_and(|accept| accept.contains("text/html")) {
        let words = "sign in with GitHub at /login; programs use the private listener and its token\n";
        return (StatusCode::UNAUTHORIZED, words).into_response();
    }
    let wanted = request.uri().path_and_query().map_or("/", |wanted| wanted.as_str());
    match local(wanted) {
        "/" => Redirect::to("/login").into_response(),
        to if request.method() == Method::GET => {
            Redirect::to(&format!("/login?to={}", utf8_percent_encode(to, NON_ALPHANUMERIC))).into_response()
        }
        _ => Redirect::to("/login").into_response(),
    }
}

impl Gate {
    /// The session of a request's cookie, if it has not ended.
    pub(super) async fn session(&self, headers: &HeaderMap) -> anyhow::Result<Option<SessionRow>> {
        let value = SESSION.of(headers, self.https);
        let Some(id) = value.and_then(|value| self.key.open("session", value)) else { return Ok(None) };
        let now = self.site.ctx.clock.now();
        self.site.ctx.store.session(&digest(id), (now, now - IDLE_MS)).await
    }

    async fn viewer(&self, session: SessionRow) -> Viewer {
        let (ctx, now) = (&self.site.ctx, self.site.ctx.clock.now());
        if session.seen_at <= now - MINUTE
            && let Err(error) = ctx.store.see_session(&session.id, now).await
        {
            tracing::warn!("the use of a session was not noted: {error:#}");
        }
        let who = Somebody { id: session.user_id, login: session.login };
        let admin = self.site.access.administers(ctx, &who, Age::Minute).await == Word::Yes;
        Viewer {
            csrf: self.key.csrf(&session.id),
            person: Some(Person { who, session: session.id }),
            admin,
            origins: vec![self.origin.clone()],
            by_hand: false,
            age: Age::Minute,
        }
    }
}
