//! Fairway's own pages, as values: each has a struct that says what it shows and a `render`. They ask nobody for
//! anything, so what a page says can be tested without a server. The listener that serves them fills the structs.

pub mod account;
pub mod ansi;
pub mod audit;
pub mod engines;
pub mod environments;
pub mod error;
pub mod jobs;
pub mod login;
pub mod overview;
pub mod plans;
pub mod repositories;
pub mod run;
pub mod setup;
pub mod signin;
pub mod updates;
mod words;

use askama::Template;

/// The stylesheet; to be served at `/assets/style.css`.
pub const STYLE: &str = include_str!("../../../templates/style.css");
/// The script that makes pages live; to be served at `/assets/live.js`.
pub const SCRIPT: &str = include_str!("../../../templates/live.js");
/// `Content-Security-Policy` of every page: nothing but our own stylesheet, script and forms, so that no log line can
/// load or run anything.
pub const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Who looks, as the frame of a page shows it.
#[derive(Clone, Debug, Default)]
pub struct Who {
    /// The login; empty for whoever has the token, and where nobody is known.
    pub login: String,
    /// Somebody was let in.
    pub known: bool,
    /// May see and do what the command line can.
    pub admin: bool,
    /// Goes into every form; the listener compares it with the session's.
    pub csrf: String,
}

/// The page as HTML. Rendering fails only when memory does; then the page says so.
fn html(page: &impl Template) -> String {
    page.render().unwrap_or_else(|error| format!("This page could not be drawn: {error}"))
}
