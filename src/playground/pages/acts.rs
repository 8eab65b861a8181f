//! What people do: every form of the pages ends here and leads back to a page. Who speaks is chosen freely, but each
//! does only what GitHub would let them do.

use anyhow::{Context, Result, ensure};
use axum::Form;
use axum::extract::{Path, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::playground::Playground;
use crate::playground::people::{NewPull, NewRepo};
use crate::playground::world::{Role, World};

use super::chrome::{COOKIE, Lost, Visit};

/// Refuses forms that another site sends.
pub async fn own_forms_only(request: Request, next: Next) -> Response {
    let from = request.headers().get("sec-fetch-site").map(|v| v.as_bytes());
    if request.method() == Method::POST && matches!(from, Some(b"cross-site" | b"same-site")) {
        return (StatusCode::FORBIDDEN, "This form came from another site.").into_response();
    }
    next.run(request).await
}

/// Who to be from now on.
#[derive(Debug, Deserialize)]
pub struct Switch {
    login: String,
    back: String,
}

/// `POST /-/speaker`.
pub async fn speaker(State(_): State<Playground>, Form(switch): Form<Switch>) -> Response {
    remembered(&switch.login, Redirect::to(local(&switch.back)))
}

fn remembered(login: &str, to: Redirect) -> Response {
    let login: String = login.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    let cookie = format!("{COOKIE}={login}; Path=/; SameSite=Strict; HttpOnly; Max-Age=31536000");
    ([(header::SET_COOKIE, cookie)], to).into_response()
}

/// An address of this site, or the front page.
fn local(back: &str) -> &str {
    let inside = back.starts_with('/') && !back.starts_with("//");
    if inside && !back.contains(['\\', '\r', '\n']) { back } else { "/" }
}

/// A new repository.
#[derive(Debug, Deserialize)]
pub struct NewRepository {
    owner: String,
    name: String,
    #[serde(rename = "as")]
    speaker: Option<String>,
}

/// `POST /-/repositories`: a repository with a README.
pub async fn create(
    mut visit: Visit,
    State(playground): State<Playground>,
    Form(new): Form<NewRepository>,
) -> Result<Response, Lost> {
    visit.speak_as(new.speaker.as_deref());
    let by = visit.speaker.clone();
    let full = format!("{}/{}", new.owner, new.name);
    let to = format!("/{full}");
    let made = work(&playground, move |world| {
        ensure!(
            !new.name.is_empty() && new.name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)),
            "A name has letters, digits, `-`, `_` and `.`."
        );
        let org = world.orgs.get(&new.owner).context("There is no such organisation.")?;
        ensure!(org.members.contains_key(&by), "{by} is no member of {}.", new.owner);
        let readme = format!("# {}\n", new.name);
        world.create_repo(&NewRepo { full_name: &full, private: false, files: &[("README.md", &readme)], by: &by })
    });
    made.await.map_err(|error| visit.refused(&error))?;
    Ok(Redirect::to(&to).into_response())
}

/// A new pull request.
#[derive(Debug, Deserialize)]
pub struct Opening {
    head: String,
    title: String,
    body: String,
    #[serde(rename = "as")]
    speaker: Option<String>,
}

/// `POST /OWNER/NAME/pulls`.
pub async fn open(
    mut visit: Visit,
    State(playground): State<Playground>,
    Path(name): Path<(String, String)>,
    Form(form): Form<Opening>,
) -> Result<Response, Lost> {
    visit.speak_as(form.speaker.as_deref());
    let by = visit.speaker.clone();
    let (owner, repo) = name.clone();
    let number = act(&visit, &playground, &name, Role::Write, move |world, repo| {
        let base = world.repos.get(&repo).context("no such repository")?.default_branch.clone();
        let body = plain(&form.body);
        world.open_pull(
            repo,
            &NewPull { author: &by, head: &form.head, base: &base, title: &form.title, body: &body, draft: false },
        )
    });
    let to = format!("/{owner}/{repo}/pull/{}", number.await?);
    Ok(remembered(&visit.speaker, Redirect::to(&to)))
}

/// What a form on a pull request's page holds; buttons without text send nothing.
#[derive(Debug, Default, Deserialize)]
pub struct Saying {
    #[serde(default)]
    body: String,
    quick: Option<String>,
    #[serde(rename = "as")]
    speaker: Option<String>,
}

/// `POST /OWNER/NAME/pull/N/ACT`: comment, merge, close, reopen, ready or approve.
pub async fn pull(
    mut visit: Visit,
    State(playground): State<Playground>,
    Path((owner, name, number, verb)): Path<(String, String, u64, String)>,
    Form(form): Form<Saying>,
) -> Result<Response, Lost> {
    visit.speak_as(form.speaker.as_deref());
    let by = visit.speaker.clone();
    let to = format!("/{owner}/{name}/pull/{number}");
    let need = if verb == "comment" { Role::Read } else { Role::Write };
    let name = (owner, name);
    let anchor = act(&visit, &playground, &name, need, move |world, repo| {
        let mut anchor = String::new();
        match verb.as_str() {
            "comment" => {
                let text = plain(form.quick.as_deref().unwrap_or(&form.body));
                ensure!(!text.trim().is_empty(), "A comment cannot be empty. Write something first.");
                anchor = format!("#issuecomment-{}", world.comment(repo, number, &by, &text)?);
            }
            "merge" => drop(world.merge_pull(repo, number, &by)?),
            "close" => world.close_pull(repo, number, &by)?,
            "reopen" => world.reopen_pull(repo, number, &by)?,
            "ready" => world.set_draft(repo, number, &by, false)?,
            "approve" => drop(world.review(repo, number, &by, ("APPROVED", ""))?),
            other => anyhow::bail!("There is no button `{other}`."),
        }
        Ok(anchor)
    });
    let to = format!("{to}{}", anchor.await?);
    Ok(remembered(&visit.speaker, Redirect::to(&to)))
}

/// Browsers send line ends as CR LF; GitHub stores what was typed with LF in the API's answers.
fn plain(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// Where a button leads back to, and which action it is.
#[derive(Debug, Deserialize)]
pub struct Button {
    back: String,
    #[serde(default)]
    identifier: String,
}

/// `POST /OWNER/NAME/checks/ID/rerequest`: "Re-run".
pub async fn rerequest(
    visit: Visit,
    State(playground): State<Playground>,
    Path((owner, name, check)): Path<(String, String, u64)>,
    Form(button): Form<Button>,
) -> Result<Response, Lost> {
    let by = visit.speaker.clone();
    act(&visit, &playground, &(owner, name), Role::Write, move |world, repo| world.rerequest(repo, check, &by)).await?;
    Ok(Redirect::to(local(&button.back)).into_response())
}

/// `POST /OWNER/NAME/checks/ID/press`: an action's button.
pub async fn press(
    visit: Visit,
    State(playground): State<Playground>,
    Path((owner, name, check)): Path<(String, String, u64)>,
    Form(button): Form<Button>,
) -> Result<Response, Lost> {
    let by = visit.speaker.clone();
    let back = local(&button.back).to_owned();
    act(&visit, &playground, &(owner, name), Role::Write, move |world, repo| {
        world.press(repo, check, &button.identifier, &by)
    })
    .await?;
    Ok(Redirect::to(&back).into_response())
}

/// `POST /OWNER/NAME/suites/ID/rerequest`: "Re-run all".
pub async fn rerequest_suite(
    visit: Visit,
    State(playground): State<Playground>,
    Path((owner, name, suite)): Path<(String, String, u64)>,
    Form(button): Form<Button>,
) -> Result<Response, Lost> {
    let by = visit.speaker.clone();
    let name = (owner, name);
    let rerun = act(&visit, &playground, &name, Role::Write, move |world, repo| {
        let suites = world.repos.get(&repo).map(|repo| &repo.suites);
        let sha =
            suites.and_then(|suites| suites.get(&suite)).context("There is no such check suite.")?.head_sha.clone();
        world.rerequest_suite(repo, &sha, &by)
    });
    rerun.await?;
    Ok(Redirect::to(local(&button.back)).into_response())
}

/// Does something in a repository for somebody with at least the role `need`.
async fn act<T: Send + 'static>(
    visit: &Visit,
    playground: &Playground,
    name: &(String, String),
    need: Role,
    change: impl FnOnce(&mut World, u64) -> Result<T> + Send + 'static,
) -> Result<T, Lost> {
    let (id, role) = visit.see(playground, name, |world, repo| Some((repo.id, world.role(repo, &visit.speaker))))?;
    if role.is_none_or(|role| role < need) {
        let text = format!(
            "{} may not do this here: it needs {} access. Switch to somebody else above.",
            visit.speaker,
            need.name()
        );
        return Err(visit.refused(&anyhow::anyhow!(text)));
    }
    work(playground, move |world| change(world, id)).await.map_err(|error| visit.refused(&error))
}

/// Changes run git, so they run where waiting is allowed.
async fn work<T: Send + 'static>(
    playground: &Playground,
    change: impl FnOnce(&mut World) -> Result<T> + Send + 'static,
) -> Result<T> {
    let playground = playground.clone();
    tokio::task::spawn_blocking(move || playground.act(change)).await.context("the playground stumbled")?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_lead_back_to_this_site_only() {
        assert_eq!(local("/acme/shop?x=1"), "/acme/shop?x=1");
        for bad in ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nSet-Cookie: x"] {
            assert_eq!(local(bad), "/", "{bad}");
        }
    }
}
