//! The App's own page, and installing it on an account.

use anyhow::{Context, ensure};
use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::super::chrome::{Chrome, Lost, Visit, page};
use super::{act, install_for, names};
use crate::playground::Playground;
use crate::playground::world::World;

#[derive(Template)]
#[template(path = "playground/app.html")]
struct AppPage {
    chrome: Chrome,
    name: String,
    slug: String,
    owner: String,
    accounts: Option<Vec<String>>,
}

fn about(world: &World, visit: &Visit, slug: &str) -> Option<AppPage> {
    if world.app.slug != slug {
        return None;
    }
    let owner = world.app_json()["owner"]["login"].as_str().unwrap_or_default().to_owned();
    let name = world.app.name.clone();
    let chrome = visit.chrome(format!("GitHub App · {name}"), world, None);
    Some(AppPage { chrome, name, slug: slug.to_owned(), owner, accounts: None })
}

/// `GET /apps/SLUG`.
pub async fn app(
    visit: Visit,
    State(playground): State<Playground>,
    Path(slug): Path<String>,
) -> Result<Response, Lost> {
    let shown = playground.look(|world| about(world, &visit, &slug));
    Ok(page(&shown.ok_or_else(|| visit.lost(&format!("The App {slug}")))?))
}

/// `GET /apps/SLUG/installations/new`.
pub async fn choose(
    visit: Visit,
    State(playground): State<Playground>,
    Path(slug): Path<String>,
) -> Result<Response, Lost> {
    let shown = playground.look(|world| {
        let accounts = Some(world.installable(&visit.speaker));
        Some(AppPage { accounts, ..about(world, &visit, &slug)? })
    });
    Ok(page(&shown.ok_or_else(|| visit.lost(&format!("The App {slug}")))?))
}

/// What the form holds.
#[derive(Debug, Deserialize)]
pub struct Chosen {
    account: String,
    #[serde(default)]
    repositories: String,
    #[serde(rename = "as")]
    speaker: Option<String>,
}

/// `POST /apps/SLUG/installations`.
pub async fn install(
    mut visit: Visit,
    State(playground): State<Playground>,
    Path(slug): Path<String>,
    Form(chosen): Form<Chosen>,
) -> Result<Response, Lost> {
    visit.speak_as(chosen.speaker.as_deref());
    if playground.look(|world| world.app.slug != slug) {
        return Err(visit.lost(&format!("The App {slug}")));
    }
    let id = install_for(&playground, &visit, (&chosen.account, &names(&chosen.repositories)))?;
    Ok(Redirect::to(&address(&playground, &chosen.account, id)).into_response())
}

fn address(playground: &Playground, account: &str, id: u64) -> String {
    match playground.look(|world| world.orgs.contains_key(account)) {
        true => format!("/organizations/{account}/settings/installations/{id}"),
        false => format!("/settings/installations/{id}"),
    }
}

#[derive(Template)]
#[template(path = "playground/installation.html")]
struct Installed {
    chrome: Chrome,
    id: u64,
    name: String,
    account: String,
    repositories: String,
    permissions: Vec<(String, String)>,
    wanted: Vec<(String, String)>,
}

/// `GET /settings/installations/ID`.
pub async fn installed_own(visit: Visit, state: State<Playground>, Path(id): Path<u64>) -> Result<Response, Lost> {
    let account = visit.speaker.clone();
    installed(visit, state, Path((account, id))).await
}

/// `GET /organizations/ORG/settings/installations/ID`.
pub async fn installed(
    visit: Visit,
    State(playground): State<Playground>,
    Path((account, id)): Path<(String, u64)>,
) -> Result<Response, Lost> {
    let shown = playground.look(|world| {
        let at = world.installations.get(&id).filter(|at| at.account == account)?;
        if !world.manages(&visit.speaker, &account) {
            return None;
        }
        let wanted = world.app.permissions.iter().filter(|(name, level)| at.permissions.get(*name) != Some(level));
        let chosen = at.selection.as_ref();
        Some(Installed {
            chrome: visit.chrome(format!("Installed · {}", world.app.name), world, None),
            id,
            name: world.app.name.clone(),
            repositories: chosen.map_or_else(
                || "All repositories".to_owned(),
                |ids| {
                    let names = ids.iter().filter_map(|id| world.repos.get(id)).map(|repo| repo.name.clone());
                    names.collect::<Vec<_>>().join(", ")
                },
            ),
            permissions: at.permissions.clone().into_iter().collect(),
            wanted: wanted.map(|(name, level)| (name.clone(), level.clone())).collect(),
            account: account.clone(),
        })
    });
    Ok(page(&shown.ok_or_else(|| visit.lost(&format!("Installation {id}")))?))
}

/// `POST /organizations/ORG/settings/installations/ID/accept`: takes the permissions that the App asks for by now.
pub async fn accept(
    visit: Visit,
    State(playground): State<Playground>,
    Path((account, id)): Path<(String, u64)>,
) -> Result<Response, Lost> {
    act(&playground, &visit, |world| {
        let at = world.installations.get(&id).filter(|at| at.account == account);
        let held = at.context("There is no such installation.")?.permissions.clone();
        ensure!(world.manages(&visit.speaker, &account), "{} may not do this for {account}.", visit.speaker);
        for (name, level) in world.app.permissions.clone() {
            if held.get(&name) != Some(&level) {
                world.grant(id, &visit.speaker, &name, Some(&level));
            }
        }
        Ok(())
    })?;
    Ok(Redirect::to(&address(&playground, &account, id)).into_response())
}
