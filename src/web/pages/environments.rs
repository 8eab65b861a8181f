//! `/environments`: what is live where, who holds it and why, who waits, and what to type.

use askama::Template;

use super::words::{Piece, pieces};
use super::{Who, html, words};

/// What the page shows.
#[derive(Clone, Debug, Default)]
pub struct Environments {
    /// Unix milliseconds.
    pub now: i64,
    /// Who looks.
    pub who: Who,
    /// Why something may be missing; empty when nothing is.
    pub note: String,
    /// By repository and name.
    pub all: Vec<Environment>,
}

/// One environment. Texts are Markdown of Fairway's own sentences: code is shown as code, and nothing else is drawn.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `owner/name`.
    pub repo: String,
    /// As in `fairway.toml`.
    pub name: String,
    /// What is live.
    pub live: String,
    /// What is on its way.
    pub coming: Option<Coming>,
    /// Who holds it and why; nobody, when empty.
    pub holders: Vec<String>,
    /// Who waits and for what, in order.
    pub queue: Vec<Waiting>,
    /// How the last rollout ended.
    pub last: Option<Last>,
    /// The next line to type.
    pub next: String,
}

/// A rollout on its way.
#[derive(Clone, Debug, Default)]
pub struct Coming {
    /// What comes.
    pub version: String,
    /// It has everything and is only watched.
    pub full: bool,
    /// Its share of the traffic, in basis points.
    pub basis_points: u16,
    /// Share, time and bad requests.
    pub progress: String,
}

/// A command in the queue.
#[derive(Clone, Debug, Default)]
pub struct Waiting {
    /// Whose, and what.
    pub what: String,
    /// What it waits for.
    pub told: String,
}

/// A rollout that is over.
#[derive(Clone, Debug, Default)]
pub struct Last {
    /// Whether it stayed.
    pub stayed: bool,
    /// The commit, and the verdict.
    pub words: String,
    /// Unix milliseconds.
    pub at: i64,
}

#[derive(Template)]
#[template(path = "fairway/environments.html")]
struct Page<'a> {
    title: &'static str,
    feed: &'static str,
    tab: &'static str,
    who: &'a Who,
    note: &'a str,
    rows: Vec<Row>,
}

struct Row {
    repo: String,
    name: String,
    live: Vec<Piece>,
    coming: Option<ComingRow>,
    holders: Vec<Vec<Piece>>,
    queue: Vec<(Vec<Piece>, Vec<Piece>)>,
    last: Option<(&'static str, Vec<Piece>, String)>,
    next: Vec<Piece>,
}

struct ComingRow {
    label: &'static str,
    version: Vec<Piece>,
    progress: String,
    basis_points: u16,
}

impl Environments {
    /// The page as HTML.
    pub fn render(&self) -> String {
        let row = |one: &Environment| Row {
            repo: one.repo.clone(),
            name: one.name.clone(),
            live: pieces(&one.live),
            coming: one.coming.as_ref().map(|coming| ComingRow {
                label: if coming.full { "Watched" } else { "On its way" },
                version: pieces(&coming.version),
                progress: coming.progress.clone(),
                basis_points: coming.basis_points.min(10_000),
            }),
            holders: one.holders.iter().map(|words| pieces(words)).collect(),
            queue: one.queue.iter().map(|waiting| (pieces(&waiting.what), pieces(&waiting.told))).collect(),
            last: one.last.as_ref().map(|last| {
                let icon = if last.stayed { "success" } else { "failure" };
                (icon, pieces(&last.words), words::ago(last.at, self.now))
            }),
            next: pieces(&one.next),
        };
        html(&Page {
            title: "Environments",
            feed: "/environments/events",
            tab: "environments",
            who: &self.who,
            note: &self.note,
            rows: self.all.iter().map(row).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_holds_and_who_waits_is_shown_and_an_empty_page_says_what_to_do() {
        let one = Environment {
            repo: "acme/<shop>".into(),
            name: "staging".into(),
            live: "`99b86b4` of #1".into(),
            coming: Some(Coming {
                version: "`d625836`".into(),
                full: false,
                basis_points: 2_500,
                progress: "25 % · 1 min".into(),
            }),
            holders: vec!["alice locked it".into()],
            queue: vec![Waiting { what: "#2 by bob".into(), told: "Waits: #1 is before it.".into() }],
            last: Some(Last { stayed: false, words: "`abc`: aborted".into(), at: 0 }),
            next: "`/unlock staging` opens it.".into(),
        };
        let page = Environments { now: 120_000, all: vec![one], ..Environments::default() }.render();
        for part in [
            "acme/&#60;shop&#62;",
            "<code>99b86b4</code> of #1",
            "width=\"2500\"",
            "alice locked it",
            "#2 by bob",
            "<code>/unlock staging</code> opens it.",
            "2m ago",
        ] {
            assert!(page.contains(part), "{part} is missing in {page}");
        }
        assert!(Environments::default().render().contains("No environment yet"));
    }
}
