//! Everything that is done on the pages goes through here: it comes from one of our own forms, its sender may do it, and it
//! stands in the audit before it is done and after.

use std::collections::BTreeMap;

use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use super::access::{Age, Word};
use super::live::Failed;
use super::pages::error;
use super::session::{Site, Viewer, same};
use crate::domain::deed::Deed;
use crate::domain::speech::pages::{self as speech, Notice, Outcome};
use crate::settings::Orgs;
use crate::store::NewAct;

/// No form of ours is longer.
const LONGEST: usize = 64 * 1024;

/// Fields of a form or of a query, decoded. Of several with one name the last is taken.
pub fn fields(raw: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(raw);
    let decode =
        |part: &str| percent_encoding::percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(n, v)| (decode(n), decode(v))).collect()
}

/// What a form does. One that is not here does nothing.
fn deed(route: &str, path: &str, fields: &BTreeMap<String, String>) -> Option<Deed> {
    let text = |name: &str| fields.get(name).filter(|value| !value.is_empty() && value.len() <= 1_000).cloned();
    Some(match route {
        "/jobs/{id}/retry" => Deed::Retry { job: path.split('/').nth(2)?.parse().ok()? },
        "/engines/drain" => match text("drain")?.as_str() {
            "true" => Deed::Drain { engine: text("address")? },
            "false" => Deed::Undrain { engine: text("address")? },
            _ => return None,
        },
        "/repositories/{id}/onboard" => Deed::Onboard { repo: path.split('/').nth(2)?.parse().ok()? },
        "/logout" => Deed::SignOut,
        "/logout/everywhere" => Deed::SignOutEverywhere,
        _ => return None,
    })
}

/// A response together with what came of the act, for the audit.
pub fn told(mut response: Response, outcome: Outcome) -> Response {
    response.extensions_mut().insert(outcome);
    response
}

/// The layer around all pages. What only looks passes.
pub async fn watch(
    State(site): State<Site>,
    Extension(viewer): Extension<Viewer>,
    request: Request,
    next: Next,
) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str).to_owned();
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LONGEST).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let fields = fields(&body);
    let Some(deed) = deed(&route, parts.uri.path(), &fields) else {
        let page = error::notice(&viewer.who(), &speech::nothing_here(viewer.login(), parts.uri.path()));
        return (StatusCode::NOT_FOUND, Html(page)).into_response();
    };
    let act = new_act(viewer.name(), viewer.person.as_ref().map(|p| p.who.id), (&deed, site.ctx.clock.now()));
    let act = match site.ctx.store.begin_act(&act).await {
        Ok(act) => act,
        Err(error) => return Failed::from(error).into_response(),
    };
    if let Err((why, notice)) = allowed(&site, &viewer, &deed, (&parts.headers, &fields)).await {
        ended(&site, act, &Outcome::Refused(why)).await;
        return (StatusCode::FORBIDDEN, Html(error::notice(&viewer.who(), &notice))).into_response();
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    let outcome = response.extensions().get::<Outcome>().cloned().unwrap_or_else(|| by_status(response.status()));
    ended(&site, act, &outcome).await;
    response
}

fn by_status(status: StatusCode) -> Outcome {
    match status {
        status if status.is_server_error() => Outcome::Failed,
        status if status.is_client_error() => Outcome::Refused("it was not understood"),
        _ => Outcome::Done(String::new()),
    }
}

/// Whether this form is ours, and its sender may do what it does. Who owns what is asked of GitHub anew.
async fn allowed(
    site: &Site,
    viewer: &Viewer,
    deed: &Deed,
    (headers, fields): (&HeaderMap, &BTreeMap<String, String>),
) -> Result<(), (&'static str, Notice)> {
    if !same_site(headers, viewer) {
        return Err(("the form came from another site", speech::stale_form()));
    }
    if !same(&viewer.csrf, fields.get("csrf").map_or("", String::as_str)) {
        return Err(("the form is not of this session", speech::stale_form()));
    }
    if !deed.needs_admin() {
        return Ok(());
    }
    let word = match &viewer.person {
        None if viewer.admin => Word::Yes,
        None => Word::No,
        Some(person) => site.access.administers(&site.ctx, &person.who, Age::New).await,
    };
    match word {
        Word::Yes => Ok(()),
        Word::No => Err(("not an admin", admins_only(site, viewer))),
        Word::Unknown(why) => Err(("GitHub cannot be asked", speech::cannot_act(why))),
    }
}

/// What somebody reads who is no admin.
pub fn admins_only(site: &Site, viewer: &Viewer) -> Notice {
    let orgs: Vec<&str> = match &site.ctx.policy.orgs {
        Orgs::Any => Vec::new(),
        Orgs::Only(orgs) => orgs.iter().map(String::as_str).collect(),
    };
    speech::admins_only(viewer.name(), &orgs)
}

/// Browsers say where a form comes from. One that says nothing is no browser, and has to have sent its credential by hand.
fn same_site(headers: &HeaderMap, viewer: &Viewer) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?").to_owned());
    let (site, origin) = (text("sec-fetch-site"), text(header::ORIGIN.as_str()));
    if site.is_none() && origin.is_none() {
        return viewer.by_hand;
    }
    site.is_none_or(|site| site == "same-origin") && origin.is_none_or(|origin| viewer.origins.contains(&origin))
}

/// An act as it is noted.
pub fn new_act(who: &str, user_id: Option<i64>, (deed, now): (&Deed, i64)) -> NewAct {
    let (what, subject) = (speech::what(deed).to_owned(), speech::subject(deed));
    NewAct { at: now, who: who.to_owned(), user_id, what, subject }
}

/// Notes what came of an act. It is done by now, so an error is told in the log alone.
pub async fn ended(site: &Site, act: i64, outcome: &Outcome) {
    if let Err(error) = site.ctx.store.end_act(act, &speech::outcome(outcome)).await {
        tracing::error!("the end of act {act} is not in the audit: {error:#}");
    }
}

/// Nothing but admins beyond this layer. Forms are looked at by [`watch`].
pub async fn for_admins(
    State(site): State<Site>,
    Extension(viewer): Extension<Viewer>,
    request: Request,
    next: Next,
) -> Response {
    if viewer.admin || !request.method().is_safe() {
        return next.run(request).await;
    }
    let page = error::notice(&viewer.who(), &admins_only(&site, &viewer));
    (StatusCode::FORBIDDEN, Html(page)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_and_the_last_of_a_name_counts() {
        let read = fields(b"a=1&a=2&b=x+y%2Fz&c&=d&%zz=%");
        let read: Vec<(&str, &str)> = read.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(read, [("", "d"), ("%zz", "%"), ("a", "2"), ("b", "x y/z"), ("c", "")]);
    }

    #[test]
    fn a_form_that_nobody_knows_does_nothing() {
        let form = fields(b"drain=true&address=tcp://e:1");
        assert_eq!(deed("/engines/drain", "/engines/drain", &form), Some(Deed::Drain { engine: "tcp://e:1".into() }));
        assert_eq!(deed("/jobs/{id}/retry", "/jobs/7/retry", &form), Some(Deed::Retry { job: 7 }));
        for (route, path) in [("/jobs/{id}/retry", "/jobs/x/retry"), ("/runs/{id}", "/runs/7"), ("", "/none")] {
            assert_eq!(deed(route, path, &form), None, "{route}");
        }
        assert_eq!(deed("/engines/drain", "/engines/drain", &fields(b"drain=perhaps&address=x")), None);
    }

    #[test]
    fn a_browser_says_where_a_form_comes_from_and_who_says_nothing_sends_the_token_by_hand() {
        let viewer = |by_hand| Viewer {
            person: None,
            admin: true,
            csrf: String::new(),
            origins: vec!["https://fairway.example".into()],
            by_hand,
            age: Age::Minute,
        };
        let asks = |pairs: &[(&'static str, &str)], by_hand| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            same_site(&headers, &viewer(by_hand))
        };
        let ours = ("origin", "https://fairway.example");
        assert!(asks(&[ours], false) && asks(&[("sec-fetch-site", "same-origin"), ours], false));
        assert!(asks(&[("sec-fetch-site", "same-origin")], false) && asks(&[], true));
        for bad in [
            &[][..],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[("origin", "https://fairway.example.evil.example")],
            &[("sec-fetch-site", "cross-site"), ours],
            &[("sec-fetch-site", "same-site"), ours],
            &[("sec-fetch-site", "none"), ours],
            &[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")],
        ] {
            assert!(!asks(bad, false), "{bad:?}");
        }
        assert!(!asks(&[("origin", "https://evil.example")], true), "also with the token");
    }
}
