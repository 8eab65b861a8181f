//! `/login` where people sign in with GitHub: one button, and what went wrong with the last try.

use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Who, html};
use crate::domain::speech::pages::Notice;

/// What the page shows.
#[derive(Clone, Debug, Default)]
pub struct SignIn {
    /// Where to go afterwards: an address of this site.
    pub back: String,
    /// Somebody has just signed out.
    pub out: bool,
    /// Why the last try did not end well.
    pub notice: Option<Notice>,
}

#[derive(Template)]
#[template(path = "fairway/signin.html")]
struct Page<'a> {
    title: &'static str,
    feed: &'static str,
    tab: &'static str,
    who: &'a Who,
    out: bool,
    notice: Option<&'a Notice>,
    back: &'a str,
    to: String,
}

impl SignIn {
    /// The page as HTML. The button leads to `/login/github`.
    pub fn render(&self) -> String {
        let to = match self.back.as_str() {
            "" | "/" => "/login/github".to_owned(),
            back => format!("/login/github?to={}", utf8_percent_encode(back, NON_ALPHANUMERIC)),
        };
        html(&Page {
            title: "Sign in",
            feed: "",
            tab: "login",
            who: &Who::default(),
            out: self.out,
            notice: self.notice.as_ref(),
            back: if self.back == "/" { "" } else { &self.back },
            to,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::speech::pages::{NotSignedIn, not_signed_in};

    #[test]
    fn the_button_remembers_the_page_and_a_failed_try_is_told() {
        let page = SignIn { back: "/runs/7".into(), ..SignIn::default() }.render();
        assert!(page.contains("href=\"/login/github?to=%2Fruns%2F7\"") && page.contains("/runs/7"), "{page}");
        let notice = Some(not_signed_in(NotSignedIn::Used));
        let page = SignIn { back: "/".into(), out: false, notice }.render();
        assert!(page.contains("href=\"/login/github\"") && page.contains("used before"), "{page}");
        assert!(SignIn { out: true, ..SignIn::default() }.render().contains("signed out"));
    }
}
