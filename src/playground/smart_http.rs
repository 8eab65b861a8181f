//! Git over HTTP by git's own CGI program, `git http-backend`: clone, fetch and push.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header, request::Parts};
use axum::response::{IntoResponse, Response};

use super::auth::{Caller, holds};
use super::git;
use super::handle::Playground;
use super::world::{Role, World};

/// A git path, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitPath {
    /// `owner/name`.
    pub full_name: String,
    /// What follows `.git`, with its slash.
    pub rest: String,
}

/// Reads `/OWNER/NAME.git/...`.
pub fn parse(path: &str) -> Option<GitPath> {
    let (name, rest) = path.trim_start_matches('/').split_once(".git/")?;
    let (owner, repo) = name.split_once('/')?;
    let known =
        matches!(rest, "info/refs" | "git-upload-pack" | "git-receive-pack" | "HEAD") || rest.starts_with("objects/");
    (known && !repo.contains('/') && !owner.is_empty())
        .then(|| GitPath { full_name: name.to_owned(), rest: format!("/{rest}") })
}

/// What a git request may do, once allowed.
struct Admitted {
    repo: u64,
    login: String,
    /// Path of the repository below the root, as GitHub spells it.
    place: String,
    root: std::path::PathBuf,
}

/// Answers a git request.
pub async fn serve(playground: Playground, parts: Parts, body: Bytes) -> Response {
    let Some(path) = parse(parts.uri.path()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let writes = path.rest.ends_with("git-receive-pack") || query.contains("git-receive-pack");
    let authorization = value(&parts.headers, "authorization");
    let admitted = match playground.look(|world| admit(world, &path, authorization.as_deref(), writes)) {
        Ok(admitted) => admitted,
        Err((status, message)) => {
            let mut response = (status, message).into_response();
            if status == StatusCode::UNAUTHORIZED {
                response
                    .headers_mut()
                    .insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Basic realm=\"playground\""));
            }
            return response;
        }
    };
    let pushed = path.rest.ends_with("git-receive-pack");
    let done = tokio::task::spawn_blocking(move || {
        let out = backend(&admitted, &parts, &body);
        if pushed {
            let noticed = playground.act(|world| world.notice_refs(admitted.repo, &admitted.login));
            if let Err(error) = noticed {
                eprintln!("playground: after a push: {error:#}");
            }
        }
        out
    });
    match done.await {
        Ok(Ok(out)) => respond(&out),
        Ok(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

type Refusal = (StatusCode, &'static str);

fn admit(world: &World, path: &GitPath, authorization: Option<&str>, writes: bool) -> Result<Admitted, Refusal> {
    let caller =
        world.caller(authorization).map_err(|_| (StatusCode::UNAUTHORIZED, "Invalid username or password."))?;
    let ask = (StatusCode::UNAUTHORIZED, "Say who you are.");
    let hidden = if matches!(caller, Caller::Nobody) { ask } else { (StatusCode::NOT_FOUND, "Repository not found.") };
    let repo = world.repo(&path.full_name).or_else(|| world.moved(&path.full_name)).ok_or(hidden)?;
    let (login, reads, may_write) = match &caller {
        Caller::Nobody | Caller::App | Caller::Client => (String::new(), !repo.private, false),
        Caller::Person(login) | Caller::User(login) => {
            let role = world.role(repo, login);
            (login.clone(), role.is_some(), role >= Some(Role::Write))
        }
        Caller::Installation(token) => {
            let here = token.repos.as_ref().is_none_or(|ids| ids.contains(&repo.id))
                && world
                    .installations
                    .get(&token.installation)
                    .is_some_and(|at| at.account == repo.owner && at.suspended_at.is_none());
            let (reads, writes) =
                (holds(&token.permissions, "contents:read"), holds(&token.permissions, "contents:write"));
            (world.bot(), here && reads || !repo.private, here && writes)
        }
    };
    if !reads {
        return Err(hidden);
    }
    if writes && !may_write {
        let nobody = matches!(caller, Caller::Nobody | Caller::App);
        return Err(if nobody { ask } else { (StatusCode::FORBIDDEN, "Permission to this repository denied.") });
    }
    if writes && repo.archived {
        return Err((StatusCode::FORBIDDEN, "This repository was archived so it is read-only."));
    }
    let place = format!("/{}/{}.git{}", repo.owner, repo.name, path.rest);
    Ok(Admitted { repo: repo.id, login, place, root: world.dir.clone() })
}

fn backend(admitted: &Admitted, parts: &Parts, body: &Bytes) -> anyhow::Result<Vec<u8>> {
    let mut command = git::clean("git");
    command.arg("http-backend");
    command.env("GIT_PROJECT_ROOT", &admitted.root).env("GIT_HTTP_EXPORT_ALL", "1");
    command.env("PATH_INFO", &admitted.place).env("REQUEST_METHOD", parts.method.as_str());
    command.env("QUERY_STRING", parts.uri.query().unwrap_or_default()).env("CONTENT_LENGTH", body.len().to_string());
    command.env("REMOTE_ADDR", "127.0.0.1");
    if !admitted.login.is_empty() {
        command.env("REMOTE_USER", &admitted.login);
    }
    for (header, variable) in [
        ("content-type", "CONTENT_TYPE"),
        ("content-encoding", "HTTP_CONTENT_ENCODING"),
        ("git-protocol", "GIT_PROTOCOL"),
    ] {
        if let Some(value) = value(&parts.headers, header) {
            command.env(variable, value);
        }
    }
    let output = git::answer(command, body)?;
    // Also a refusal ("not our ref") is an answer in git's protocol, and GitHub passes it on.
    anyhow::ensure!(!output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(output.stdout)
}

fn value(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// Turns what a CGI program wrote into an answer.
fn respond(out: &[u8]) -> Response {
    let end = out.windows(4).position(|at| at == b"\r\n\r\n").unwrap_or(out.len());
    let head = String::from_utf8_lossy(&out[..end]).into_owned();
    let mut response = Response::builder();
    for (name, value) in head.lines().filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("status") {
            let code = value.split(' ').next().and_then(|code| code.parse::<u16>().ok()).unwrap_or(500);
            response = response.status(code);
        } else {
            response = response.header(name, value);
        }
    }
    let body = out.get(end + 4..).unwrap_or_default().to_vec();
    response.body(Body::from(body)).unwrap_or_else(|_| StatusCode::BAD_GATEWAY.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_paths_are_told_from_pages() {
        let of = |path: &str| parse(path).map(|path| (path.full_name, path.rest));
        assert_eq!(of("/acme/shop.git/info/refs"), Some(("acme/shop".into(), "/info/refs".into())));
        assert_eq!(of("/acme/shop.git/git-receive-pack"), Some(("acme/shop".into(), "/git-receive-pack".into())));
        assert_eq!(of("/acme/shop.git/../../x"), None);
        assert_eq!(of("/acme/shop/pull/1"), None);
    }
}
