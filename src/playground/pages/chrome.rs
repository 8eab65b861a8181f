//! What every page has around it: who looks, whom they can be instead, and what to say when there is nothing to see.

use std::convert::Infallible;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use crate::playground::Playground;
use crate::playground::world::{Repo, Role, World};

/// The cookie that remembers who speaks.
pub const COOKIE: &str = "speaker";

/// Who looks at what.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Login of a person in the world, or empty when nobody lives there.
    pub speaker: String,
    /// The address without host, with query.
    pub path: String,
    playground: Playground,
}

impl FromRequestParts<Playground> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, playground: &Playground) -> Result<Self, Infallible> {
        let wanted = parts.headers.get(header::COOKIE).and_then(|v| v.to_str().ok()).and_then(cookie);
        let speaker = playground.look(|world| speaker(world, wanted));
        let path = parts.uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
        Ok(Self { speaker, path, playground: playground.clone() })
    }
}

fn cookie(header: &str) -> Option<&str> {
    header
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
}

fn speaker(world: &World, wanted: Option<&str>) -> String {
    let mut people = world.users.values().filter(|user| !user.bot).map(|user| user.login.as_str());
    let known = wanted.and_then(|wanted| people.clone().find(|login| *login == wanted));
    known.or_else(|| people.next()).unwrap_or_default().to_owned()
}

/// The frame of a page.
#[derive(Clone, Debug)]
pub struct Chrome {
    /// In the browser's tab.
    pub title: String,
    /// Where this page is, to come back to.
    pub path: String,
    /// Who one can be.
    pub people: Vec<Person>,
}

/// Somebody that one can be.
#[derive(Clone, Debug)]
pub struct Person {
    /// The login.
    pub login: String,
    /// `maintainer`, `writer`, `stranger`, or nothing where no repository is in sight.
    pub what: &'static str,
    /// Is it now.
    pub chosen: bool,
}

impl Visit {
    /// The frame for a page about `repo`, or about none.
    pub fn chrome(&self, title: String, world: &World, repo: Option<&Repo>) -> Chrome {
        let people = world.users.values().filter(|user| !user.bot).map(|user| Person {
            login: user.login.clone(),
            what: repo.map_or("", |repo| standing(world.role(repo, &user.login))),
            chosen: user.login == self.speaker,
        });
        Chrome { title: format!("{title} · Playground"), path: self.path.clone(), people: people.collect() }
    }

    /// Looks at a repository that this person may see.
    pub fn see<T>(
        &self,
        playground: &Playground,
        name: &(String, String),
        look: impl FnOnce(&World, &Repo) -> Option<T>,
    ) -> Result<T, Lost> {
        let full = format!("{}/{}", name.0, name.1);
        let found = playground.look(|world| {
            let repo = world.repo(&full)?;
            world.role(repo, &self.speaker)?;
            look(world, repo)
        });
        found.ok_or_else(|| self.lost(&full))
    }

    /// Speaks as somebody else for this request, when there is such a person.
    pub fn speak_as(&mut self, login: Option<&str>) {
        self.speaker = self.playground.look(|world| speaker(world, login.or(Some(&self.speaker))));
    }

    /// The page that says that something is not there.
    pub fn lost(&self, what: &str) -> Lost {
        let next = format!(
            "Either it does not exist, or {} may not see it. Switch to somebody else above, or go back to the list.",
            self.speaker
        );
        let what = format!("{what} is not here");
        Lost { status: StatusCode::NOT_FOUND, what, next, visit: Box::new(self.clone()) }
    }

    /// The page that says why something was not done.
    pub fn refused(&self, why: &anyhow::Error) -> Lost {
        let what = "That did not work".to_owned();
        Lost { status: StatusCode::UNPROCESSABLE_ENTITY, what, next: format!("{why:#}"), visit: Box::new(self.clone()) }
    }
}

/// A word for what somebody may do.
pub fn standing(role: Option<Role>) -> &'static str {
    match role {
        Some(Role::Admin | Role::Maintain) => "maintainer",
        Some(Role::Write) => "writer",
        _ => "stranger",
    }
}

/// There is no such thing, this person may not see it, or something could not be done.
#[derive(Debug)]
pub struct Lost {
    status: StatusCode,
    what: String,
    next: String,
    visit: Box<Visit>,
}

#[derive(Template)]
#[template(path = "playground/lost.html")]
struct LostPage {
    chrome: Chrome,
    what: String,
    next: String,
}

impl IntoResponse for Lost {
    fn into_response(self) -> Response {
        let visit = &self.visit;
        let chrome = visit.playground.look(|world| visit.chrome(self.what.clone(), world, None));
        (self.status, page(&LostPage { chrome, what: self.what, next: self.next })).into_response()
    }
}

/// A rendered page.
pub fn page(template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("This page could not be drawn: {error}")).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        assert_eq!(cookie("a=b; speaker=bob; c=d"), Some("bob"));
        assert_eq!(cookie("speakers=bob"), None);
    }
}
