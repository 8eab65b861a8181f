//! Registering the App by a manifest: the page that shows what an App asks for, with a name to change, and the way
//! back with a code. Whoever the form comes from, nothing is done before a person presses the button here.

mod install;

use anyhow::{Context, Result, ensure};
use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::Value;

use super::acts::own_forms_only;
use super::chrome::{Chrome, Lost, Visit, page};
use crate::playground::Playground;
use crate::playground::people::Installing;
use crate::playground::world::World;

/// These pages. Of their forms only the manifest may come from another site: it is the App's own page that sends it.
pub fn router() -> axum::Router<Playground> {
    let own = axum::Router::new()
        .route("/settings/apps", post(create_own))
        .route("/organizations/{org}/settings/apps", post(create))
        .route("/apps/{slug}", get(install::app))
        .route("/apps/{slug}/installations/new", get(install::choose))
        .route("/apps/{slug}/installations", post(install::install))
        .route("/settings/installations/{id}", get(install::installed_own))
        .route("/organizations/{org}/settings/installations/{id}", get(install::installed))
        .route("/organizations/{org}/settings/installations/{id}/accept", post(install::accept))
        .layer(from_fn(own_forms_only));
    axum::Router::new()
        .route("/settings/apps/new", post(confirm_own))
        .route("/organizations/{org}/settings/apps/new", post(confirm))
        .merge(own)
}

#[derive(Template)]
#[template(path = "playground/app_new.html")]
struct NewApp {
    chrome: Chrome,
    owner: String,
    action: String,
    name: String,
    manifest: String,
    state: String,
    hook: String,
    home: String,
    permissions: Vec<(String, String)>,
    events: Vec<String>,
    wrong: String,
}

/// What stands in the address of the manifest page.
#[derive(Debug, Default, Deserialize)]
pub struct With {
    #[serde(default)]
    state: String,
}

/// What an App's own page sends.
#[derive(Debug, Deserialize)]
pub struct Sent {
    manifest: String,
}

/// What a person sends back.
#[derive(Debug, Deserialize)]
pub struct Confirmed {
    name: String,
    manifest: String,
    #[serde(default)]
    state: String,
    #[serde(rename = "as")]
    speaker: Option<String>,
}

/// `POST /settings/apps/new?state=S`.
async fn confirm_own(
    visit: Visit,
    state: State<Playground>,
    with: Query<With>,
    sent: Form<Sent>,
) -> Result<Response, Lost> {
    let owner = visit.speaker.clone();
    confirm(visit, state, Path(owner), with, sent).await
}

/// `POST /organizations/ORG/settings/apps/new?state=S`.
async fn confirm(
    visit: Visit,
    State(playground): State<Playground>,
    Path(owner): Path<String>,
    Query(with): Query<With>,
    Form(sent): Form<Sent>,
) -> Result<Response, Lost> {
    let manifest = read(&playground, &visit, (&sent.manifest, &owner)).map_err(|error| visit.refused(&error))?;
    let name = manifest["name"].as_str().unwrap_or_default().to_owned();
    Ok(shown(&playground, &visit, &Draft { manifest, owner, name, state: with.state, wrong: String::new() }))
}

/// The manifest, when this person may register Apps for the account and GitHub takes it.
fn read(playground: &Playground, visit: &Visit, (text, owner): (&str, &str)) -> Result<Value> {
    let manifest = serde_json::from_str(text).context("Invalid GitHub App configuration. Error: it is no JSON")?;
    playground.look(|world| {
        ensure!(world.manages(&visit.speaker, owner), "{} may not register Apps for {owner}.", visit.speaker);
        world.check_manifest(&manifest)
    })?;
    Ok(manifest)
}

struct Draft {
    manifest: Value,
    owner: String,
    name: String,
    state: String,
    wrong: String,
}

fn shown(playground: &Playground, visit: &Visit, draft: &Draft) -> Response {
    let manifest = &draft.manifest;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let permissions = manifest["default_permissions"].as_object().into_iter().flatten();
    let events = manifest["default_events"].as_array().into_iter().flatten();
    let shown = playground.look(|world| NewApp {
        chrome: visit.chrome("Register new GitHub App".to_owned(), world, None),
        action: if world.orgs.contains_key(&draft.owner) {
            format!("/organizations/{}/settings/apps", draft.owner)
        } else {
            "/settings/apps".to_owned()
        },
        owner: draft.owner.clone(),
        name: draft.name.clone(),
        manifest: manifest.to_string(),
        state: draft.state.clone(),
        hook: text(&manifest["hook_attributes"]["url"]),
        home: text(&manifest["url"]),
        permissions: permissions.map(|(name, level)| (name.clone(), text(level))).collect(),
        events: events.map(text).collect(),
        wrong: draft.wrong.clone(),
    });
    let mut response = page(&shown);
    // The answer to this form leads to where the manifest says, which is another site.
    let origin = origin(&text(&manifest["redirect_url"]));
    let policy = super::POLICY.replace("form-action 'self'", &format!("form-action 'self' {origin}"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Scheme, host and port of an address, if it has nothing that could mean more in a header.
fn origin(url: &str) -> String {
    let end = url.match_indices('/').nth(2).map_or(url.len(), |(at, _)| at);
    let plain = |c: char| c.is_ascii_alphanumeric() || ":/.-[]".contains(c);
    url.get(..end).filter(|origin| origin.chars().all(plain)).unwrap_or_default().to_owned()
}

/// `POST /settings/apps`: the button.
async fn create_own(
    visit: Visit,
    state: State<Playground>,
    Form(confirmed): Form<Confirmed>,
) -> Result<Response, Lost> {
    let owner = visit.speaker.clone();
    create(visit, state, Path(owner), Form(confirmed)).await
}

/// `POST /organizations/ORG/settings/apps`: the button.
async fn create(
    mut visit: Visit,
    State(playground): State<Playground>,
    Path(owner): Path<String>,
    Form(confirmed): Form<Confirmed>,
) -> Result<Response, Lost> {
    visit.speak_as(confirmed.speaker.as_deref());
    let manifest = read(&playground, &visit, (&confirmed.manifest, &owner)).map_err(|error| visit.refused(&error))?;
    let made = playground.act(|world| world.confirm_manifest(manifest.clone(), &confirmed.name, &owner));
    match made {
        Ok(code) => {
            let back = manifest["redirect_url"].as_str().unwrap_or_default();
            let joint = if back.contains('?') { '&' } else { '?' };
            let state = super::words::encoded(&confirmed.state);
            Ok(Redirect::to(&format!("{back}{joint}code={code}&state={state}")).into_response())
        }
        Err(error) => {
            let wrong = format!("{error:#}");
            let draft = Draft { manifest, owner, name: confirmed.name, state: confirmed.state, wrong };
            Ok(shown(&playground, &visit, &draft))
        }
    }
}

/// Does something to the world for this person.
fn act<T>(playground: &Playground, visit: &Visit, change: impl FnOnce(&mut World) -> Result<T>) -> Result<T, Lost> {
    playground.act(change).map_err(|error| visit.refused(&error))
}

/// Names between spaces or commas.
fn names(text: &str) -> Vec<String> {
    text.split([' ', ',']).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Installs the App for who looks.
fn install_for(
    playground: &Playground,
    visit: &Visit,
    (account, repositories): (&str, &[String]),
) -> Result<u64, Lost> {
    act(playground, visit, |world| world.install(&Installing { account, repositories, by: &visit.speaker }))
}

#[cfg(test)]
mod tests;
