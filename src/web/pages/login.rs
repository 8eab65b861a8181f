//! `/login` of the private listener: asks for the token that `fairway serve` printed.

use askama::Template;

use super::{Who, html};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct Login {
    /// The last try was wrong.
    pub wrong: bool,
    /// Where to go afterwards: an address of this site.
    pub back: String,
    /// Where people sign in with GitHub instead, or why nobody can.
    pub sign_in: Result<String, &'static str>,
}

#[derive(Template)]
#[template(path = "fairway/login.html")]
struct Page<'a> {
    title: &'static str,
    feed: &'static str,
    tab: &'static str,
    who: &'a Who,
    wrong: bool,
    back: &'a str,
    elsewhere: &'a str,
    why: &'a str,
}

impl Login {
    /// The page as HTML. It posts `token` and `back` to `/login`.
    pub fn render(&self) -> String {
        html(&Page {
            title: "Log in",
            feed: "",
            tab: "login",
            who: &Who::default(),
            wrong: self.wrong,
            back: &self.back,
            elsewhere: self.sign_in.as_deref().unwrap_or_default(),
            why: self.sign_in.as_ref().err().copied().unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_token_is_named_and_so_is_the_other_way_in() {
        let page = |wrong, sign_in| Login { wrong, back: "/jobs".into(), sign_in }.render();
        let off = page(true, Err("FAIRWAY_PUBLIC_URL is not set"));
        assert!(off.contains("not the token") && off.contains("FAIRWAY_PUBLIC_URL is not set"), "{off}");
        let on = page(false, Ok("https://fairway.example".into()));
        assert!(!on.contains("not the token") && on.contains("href=\"https://fairway.example\""), "{on}");
    }
}
