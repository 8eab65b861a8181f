//! `/login`: asks for the token that `fairway serve` printed.

use askama::Template;

use super::html;

/// What the page shows.
#[derive(Clone, Debug, Default)]
pub struct Login {
    /// The last try was wrong.
    pub wrong: bool,
    /// Where to go afterwards: an address of this site.
    pub back: String,
}

#[derive(Template)]
#[template(path = "fairway/login.html")]
struct Page<'a> {
    title: &'static str,
    feed: &'static str,
    tab: &'static str,
    wrong: bool,
    back: &'a str,
}

impl Login {
    /// The page as HTML. It posts `token` and `back` to `/login`.
    pub fn render(&self) -> String {
        html(&Page { title: "Log in", feed: "", tab: "login", wrong: self.wrong, back: &self.back })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_token_is_named() {
        assert!(Login { wrong: true, back: "/jobs".into() }.render().contains("not the token"));
        assert!(!Login::default().render().contains("not the token"));
    }
}
