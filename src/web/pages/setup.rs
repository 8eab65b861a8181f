//! Pages of setting Fairway up: one that leads to GitHub by itself, and notices.

use askama::Template;

use super::{Who, html};
use crate::domain::speech::setup::page::{Words, start};

/// Sends the form of the first page without anybody pressing its button; to be served at `/assets/go.js`.
pub const GO: &str = include_str!("../../../templates/go.js");

/// Something to read, and at most one way on.
#[derive(Clone, Debug)]
pub struct Notice {
    /// What it says.
    pub words: Words,
    /// Words and address.
    pub link: Option<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "fairway/notice.html")]
struct NoticePage<'a> {
    title: &'static str,
    feed: &'static str,
    tab: &'static str,
    who: &'a Who,
    next: &'a str,
    link: &'a Option<(&'static str, String)>,
}

impl Notice {
    /// The page as HTML.
    pub fn render(&self) -> String {
        html(&NoticePage {
            title: self.words.title,
            feed: "",
            tab: "login",
            who: &Who::default(),
            next: &self.words.next,
            link: &self.link,
        })
    }
}

/// The page that goes on to GitHub.
#[derive(Clone, Debug)]
pub struct Start {
    /// Where the manifest goes, with `state`.
    pub action: String,
    /// The manifest, JSON.
    pub manifest: String,
}

#[derive(Template)]
#[template(path = "fairway/manifest.html")]
struct StartPage<'a> {
    title: &'static str,
    feed: &'static str,
    tab: &'static str,
    who: &'a Who,
    next: &'a str,
    action: &'a str,
    manifest: &'a str,
}

impl Start {
    /// The page as HTML.
    pub fn render(&self) -> String {
        let words = start();
        html(&StartPage {
            title: words.title,
            feed: "",
            tab: "login",
            who: &Who::default(),
            next: &words.next,
            action: &self.action,
            manifest: &self.manifest,
        })
    }
}
