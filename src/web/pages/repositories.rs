//! `/repositories`: how far each repository is on its way to the golden path, and what waits for whom.

use askama::Template;

use super::words::{Piece, pieces};
use super::{Who, html, words};

/// What the page shows.
#[derive(Clone, Debug, Default)]
pub struct Repositories {
    /// Unix milliseconds.
    pub now: i64,
    /// Who looks.
    pub who: Who,
    /// Why something may be missing; empty when nothing is.
    pub note: String,
    /// How far all of them are together, in a sentence.
    pub standing: String,
    /// Of all that are to be onboarded, how many are decided, in basis points; `None`: none waits.
    pub done: Option<u16>,
    /// By name.
    pub all: Vec<Repository>,
}

/// One repository.
#[derive(Clone, Debug, Default)]
pub struct Repository {
    /// GitHub's id.
    pub id: i64,
    /// `owner/name`.
    pub name: String,
    /// How far it is; Markdown of Fairway's own sentences.
    pub stage: String,
    /// Its pull request at GitHub, and its number.
    pub pull: Option<(String, i64)>,
    /// Since when; Unix milliseconds.
    pub since: i64,
    /// Whether a pull request may be asked for.
    pub may_ask: bool,
}

#[derive(Template)]
#[template(path = "fairway/repositories.html")]
struct Page<'a> {
    title: &'static str,
    feed: &'static str,
    tab: &'static str,
    who: &'a Who,
    note: &'a str,
    standing: &'a str,
    done: Option<u16>,
    rows: Vec<(&'a Repository, Vec<Piece>, String)>,
}

impl Repositories {
    /// The page as HTML. The button posts `csrf` to `/repositories/ID/onboard`.
    pub fn render(&self) -> String {
        let mut rows = Vec::new();
        for one in &self.all {
            rows.push((one, pieces(&one.stage), words::ago(one.since, self.now)));
        }
        html(&Page {
            title: "Repositories",
            feed: "/repositories/events",
            tab: "repositories",
            who: &self.who,
            note: &self.note,
            standing: &self.standing,
            done: self.done,
            rows,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_repository_says_how_far_it_is_and_an_admin_may_ask_for_its_pull_request() {
        let one = Repository {
            id: 7,
            name: "acme/<shop>".into(),
            stage: "declined: `x` was closed".into(),
            pull: Some(("https://hub.example/acme/shop/pull/3".into(), 3)),
            since: 0,
            may_ask: true,
        };
        let who = Who { admin: true, csrf: "c".into(), ..Who::default() };
        let page =
            Repositories { who, now: 120_000, done: Some(2_500), all: vec![one.clone()], ..Repositories::default() };
        let page = page.render();
        for part in
            ["acme/&#60;shop&#62;", "<code>x</code>", "/pull/3", "action=\"/repositories/7/onboard\"", "2m ago", "2500"]
        {
            assert!(page.contains(part), "{part} is missing in {page}");
        }
        let page = Repositories { all: vec![one], ..Repositories::default() }.render();
        assert!(!page.contains("<form class=\"inline right\""), "{page}");
    }
}
