//! `/audit`: who did what to what, when, and what came of it.

use askama::Template;

use super::{Who, html, words};

/// What the page shows.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// Unix milliseconds.
    pub now: i64,
    /// Who looks.
    pub who: Who,
    /// The newest first.
    pub acts: Vec<Act>,
    /// Older ones are those before this row.
    pub older: Option<i64>,
    /// Nothing newer is left out.
    pub newest: bool,
}

/// Something that somebody did.
#[derive(Clone, Debug, Default)]
pub struct Act {
    /// Unix milliseconds.
    pub at: i64,
    /// Login, or words for whoever has the token.
    pub who: String,
    /// What.
    pub what: String,
    /// To what; may be empty.
    pub subject: String,
    /// What came of it; empty when that is not known.
    pub outcome: String,
}

#[derive(Template)]
#[template(path = "fairway/audit.html")]
struct Page<'a> {
    title: &'static str,
    feed: &'static str,
    tab: &'static str,
    who: &'a Who,
    rows: Vec<Row<'a>>,
    older: Option<i64>,
    newest: bool,
}

struct Row<'a> {
    act: &'a Act,
    date: String,
    ago: String,
    icon: &'static str,
}

fn icon(outcome: &str) -> &'static str {
    match outcome {
        done if done.starts_with("done") => "success",
        nothing if nothing.starts_with("nothing") => "neutral",
        refused if refused.starts_with("refused") => "cancelled",
        "" => "queued",
        _ => "failure",
    }
}

impl Audit {
    /// The page as HTML.
    pub fn render(&self) -> String {
        let row = |act| Row::new(act, self.now);
        html(&Page {
            title: "Audit",
            feed: "",
            tab: "audit",
            who: &self.who,
            rows: self.acts.iter().map(row).collect(),
            older: self.older,
            newest: self.newest,
        })
    }
}

impl<'a> Row<'a> {
    fn new(act: &'a Act, now: i64) -> Row<'a> {
        Row { act, date: words::date(act.at), ago: words::ago(act.at, now), icon: icon(&act.outcome) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_is_told_with_its_end_and_one_without_says_so() {
        let act = |outcome: &str| Act {
            at: 1_767_614_400_000,
            who: "al<ice".into(),
            what: "retry".into(),
            subject: "job 4".into(),
            outcome: outcome.into(),
        };
        let audit = Audit {
            now: 1_767_614_460_000,
            acts: vec![act("done: it goes on as job 9"), act("")],
            older: Some(7),
            ..Audit::default()
        };
        let page = audit.render();
        for part in [
            "al&#60;ice",
            "job 4",
            "done: it goes on as job 9",
            "its end is not known",
            "2026-01-05 12:00:00 UTC",
            "1m ago",
            "/audit?before=7",
            "href=\"/audit\"",
        ] {
            assert!(page.contains(part), "{part} is missing in {page}");
        }
        assert!(Audit { newest: true, ..Audit::default() }.render().contains("Nothing was done here yet"));
    }
}
