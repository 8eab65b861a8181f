//! "Authorize": where an App sends people who are to say who they are. Here one picks that, too.

use std::collections::BTreeMap;

use askama::Template;
use axum::Form;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::chrome::{Chrome, Visit, page};
use super::words::Face;
use crate::playground::Playground;
use crate::playground::people::NoAuthorization;
use crate::playground::server::query;
use crate::playground::world::{Authorization, Role, World};

#[derive(Template)]
#[template(path = "playground/authorize.html")]
struct Authorize {
    chrome: Chrome,
    app: String,
    back_to: String,
    people: Vec<Somebody>,
    asked: Authorization,
    method: &'static str,
}

struct Somebody {
    face: Face,
    what: String,
    chosen: bool,
}

/// `GET /login/oauth/authorize`.
pub async fn ask(visit: Visit, State(playground): State<Playground>, RawQuery(raw): RawQuery) -> Response {
    let fields = query(&raw.unwrap_or_default());
    let asked = match playground.look(|world| world.authorization(&fields)) {
        Ok(asked) => asked,
        Err(why) => return refused(&visit, why),
    };
    let origin = origin(&asked.redirect_uri);
    let mut response = playground.look(|world| {
        let people = world.users.values().filter(|user| !user.bot).map(|user| Somebody {
            face: Face::new(&user.login),
            what: standing(world, &user.login),
            chosen: user.login == visit.speaker,
        });
        page(&Authorize {
            chrome: visit.chrome(format!("Authorize {}", world.app.name), world, None),
            app: world.app.name.clone(),
            back_to: origin.clone(),
            people: people.collect(),
            method: if asked.code_challenge.is_empty() { "" } else { "S256" },
            asked: asked.clone(),
        })
    });
    // A browser holds a form to this policy also where its answer leads elsewhere.
    let policy = super::POLICY.replace("form-action 'self'", &format!("form-action 'self' {origin}"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// `POST /login/oauth/authorize`: the form of that page, with `act` from its button.
pub async fn answer(
    visit: Visit,
    State(playground): State<Playground>,
    Form(fields): Form<BTreeMap<String, String>>,
) -> Response {
    let asked = match playground.look(|world| world.authorization(&fields)) {
        Ok(asked) => asked,
        Err(why) => return refused(&visit, why),
    };
    if fields.get("act").is_none_or(|act| act != "authorize") {
        return Redirect::to(&playground.look(|world| world.decline(&asked))).into_response();
    }
    let login = fields.get("login").map_or("", String::as_str);
    match playground.act(|world| world.authorize(&asked, login)) {
        Ok(to) => Redirect::to(&to).into_response(),
        Err(error) => visit.refused(&error).into_response(),
    }
}

fn refused(visit: &Visit, why: NoAuthorization) -> Response {
    match why {
        NoAuthorization::UnknownApp => visit.lost("That App").into_response(),
        NoAuthorization::Mismatch(Some(to)) => Redirect::to(&to).into_response(),
        NoAuthorization::Mismatch(None) => {
            let why = "Be careful! The redirect_uri is not associated with this application: it has no callback URL.";
            visit.refused(&anyhow::anyhow!(why)).into_response()
        }
        NoAuthorization::Challenge(why) => (StatusCode::BAD_REQUEST, why).into_response(),
    }
}

/// Scheme, host and port of an address.
fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    format!("{scheme}://{}", rest.split(['/', '?', '#']).next().unwrap_or_default())
}

/// What somebody is in the organisations here.
fn standing(world: &World, login: &str) -> String {
    let is = |org: &crate::playground::world::Org| {
        let role = org.members.get(login)?;
        let word = if *role == Role::Admin { "owner" } else { role.name() };
        Some(format!("{word} in {}", org.login))
    };
    let all: Vec<String> = world.orgs.values().filter_map(is).collect();
    if all.is_empty() { "a stranger".to_owned() } else { all.join(", ") }
}
