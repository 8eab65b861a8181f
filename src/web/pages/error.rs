//! What to read when there is no page: what happened and what to do next.

use askama::Template;

use super::html;

#[derive(Template)]
#[template(path = "fairway/error.html")]
struct Page<'a> {
    title: &'a str,
    feed: &'static str,
    tab: &'static str,
    next: &'a str,
}

/// 404 as HTML.
pub fn not_found(path: &str) -> String {
    let next = format!("{path} does not exist, or it was purged because it is old. Start at the overview.");
    html(&Page { title: "Not found", feed: "", tab: "", next: &next })
}

/// 500 as HTML; `id` stands beside the error in the log.
pub fn failed(id: &str) -> String {
    let next = format!(
        "Fairway could not make this page. The reason is in its log beside {id}. Try again; if it stays, run `fairway doctor`."
    );
    html(&Page { title: "Something broke", feed: "", tab: "", next: &next })
}

/// 403 as HTML, for a form whose token does not fit the session.
pub fn stale_form() -> String {
    html(&Page {
        title: "This form is too old",
        feed: "",
        tab: "",
        next: "Go back, load the page again and press the button once more.",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_to_do_and_escapes_the_path() {
        let page = not_found("/<x>");
        assert!(page.contains("/&#60;x&#62; does not exist") && page.contains("href=\"/\""), "{page}");
        assert!(failed("e-7").contains("e-7"));
        assert!(stale_form().contains("load the page again"));
    }
}
