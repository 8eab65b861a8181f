//! What to read when there is no page: what happened and what to do next.

use askama::Template;

use super::{Who, html};
use crate::domain::speech::pages::Notice;

#[derive(Template)]
#[template(path = "fairway/error.html")]
struct Page<'a> {
    title: &'a str,
    feed: &'static str,
    tab: &'static str,
    who: &'a Who,
    next: &'a str,
}

/// A notice as HTML.
pub fn notice(who: &Who, notice: &Notice) -> String {
    html(&Page { title: &notice.title, feed: "", tab: "", who, next: &notice.words })
}

/// 500 as HTML; `id` stands beside the error in the log.
pub fn failed(id: &str) -> String {
    let next = format!(
        "Fairway could not make this page. The reason is in its log beside {id}. Try again; if it stays, run `fairway doctor`."
    );
    html(&Page { title: "Something broke", feed: "", tab: "", who: &Who::default(), next: &next })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::speech::pages::nothing_here;

    #[test]
    fn an_error_says_what_to_do_and_escapes_the_path() {
        let page = notice(&Who::default(), &nothing_here(None, "/<x>"));
        assert!(page.contains("/&#60;x&#62; does not exist") && page.contains("href=\"/\""), "{page}");
        assert!(failed("e-7").contains("e-7"));
    }
}
