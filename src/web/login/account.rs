//! `/account`: who one is here, where else one is signed in, and the ways out.

use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};

use super::{Gate, SESSION};
use crate::domain::speech::pages::Outcome;
use crate::web::acts::told;
use crate::web::live::Failed;
use crate::web::pages::account::{Account, Session};
use crate::web::session::{IDLE_MS, Viewer};

/// The page and its buttons.
pub fn routes() -> Router<Gate> {
    Router::new()
        .route("/account", get(show))
        .route("/logout", post(sign_out))
        .route("/logout/everywhere", post(sign_out_everywhere))
}

async fn show(State(gate): State<Gate>, Extension(viewer): Extension<Viewer>) -> Result<Html<String>, Failed> {
    let now = gate.site.ctx.clock.now();
    let mut sessions = Vec::new();
    if let Some(person) = &viewer.person {
        for row in gate.site.ctx.store.sessions_of(person.who.id, (now, now - IDLE_MS)).await? {
            let here = row.id == person.session;
            sessions.push(Session {
                here,
                created_at: row.created_at,
                seen_at: row.seen_at,
                expires_at: row.expires_at,
            });
        }
    }
    Ok(Html(Account { now, who: viewer.who(), sessions }.render()))
}

async fn sign_out(State(gate): State<Gate>, Extension(viewer): Extension<Viewer>) -> Result<Response, Failed> {
    if let Some(person) = &viewer.person {
        gate.site.ctx.store.end_session(&person.session).await?;
    }
    Ok(told(gate.out(), Outcome::Done(String::new())))
}

async fn sign_out_everywhere(
    State(gate): State<Gate>,
    Extension(viewer): Extension<Viewer>,
) -> Result<Response, Failed> {
    let mut ended = 0;
    if let Some(person) = &viewer.person {
        ended = gate.site.ctx.store.end_sessions(person.who.id).await?;
    }
    let more = format!("{ended} session{}", if ended == 1 { "" } else { "s" });
    Ok(told(gate.out(), Outcome::Done(more)))
}

impl Gate {
    /// The sign-in page, without the cookie.
    fn out(&self) -> Response {
        ([(header::SET_COOKIE, SESSION.clear(self.https))], Redirect::to("/login?out=1")).into_response()
    }
}
