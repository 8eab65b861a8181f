//! `/account`: who one is here, where one is signed in, and how to sign out.

use askama::Template;

use super::{Who, html, words};

/// What the page shows.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Unix milliseconds.
    pub now: i64,
    /// Who looks.
    pub who: Who,
    /// The newest first.
    pub sessions: Vec<Session>,
}

/// A browser in which one is signed in. Times are Unix milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// It is this one.
    pub here: bool,
    /// Since when.
    pub created_at: i64,
    /// The last use.
    pub seen_at: i64,
    /// Until when at most.
    pub expires_at: i64,
}

#[derive(Template)]
#[template(path = "fairway/account.html")]
struct Page<'a> {
    title: &'static str,
    feed: &'static str,
    tab: &'static str,
    who: &'a Who,
    rows: Vec<Row>,
}

struct Row {
    here: bool,
    since: String,
    seen: String,
    ends: String,
}

impl Account {
    /// The page as HTML. Its buttons post `csrf` to `/logout` and to `/logout/everywhere`.
    pub fn render(&self) -> String {
        let row = |session: &Session| Row {
            here: session.here,
            since: words::ago(session.created_at, self.now),
            seen: words::ago(session.seen_at, self.now),
            ends: words::due(session.expires_at, self.now),
        };
        html(&Page {
            title: "Account",
            feed: "",
            tab: "account",
            who: &self.who,
            rows: self.sessions.iter().map(row).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_out_carry_the_token_and_this_browser_is_named() {
        let who = Who { login: "al<ice".into(), known: true, admin: false, csrf: "c\"s".into() };
        let session = Session { here: true, created_at: 0, seen_at: 60_000, expires_at: 7_200_000 };
        let page = Account { now: 120_000, who, sessions: vec![session] }.render();
        for part in
            ["al&#60;ice", "action=\"/logout\"", "action=\"/logout/everywhere\"", "c&#34;s", "this browser", "1m ago"]
        {
            assert!(page.contains(part), "{part} is missing in {page}");
        }
    }
}
