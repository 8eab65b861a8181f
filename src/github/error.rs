//! What can go wrong at GitHub, sorted by what the caller has to do about it.

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

/// GitHub asks for at least this pause when it names none, in milliseconds.
const PAUSE_MS: i64 = 60_000;
/// Longest part of GitHub's message that is kept.
const MESSAGE_BYTES: usize = 1_000;

/// Why a call to GitHub gave no answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GitHubError {
    /// GitHub wants no requests of this installation for a while.
    #[error("GitHub's {} rate limit is reached; the next request may go out at {until_ms} (Unix ms)", if *secondary { "secondary" } else { "primary" })]
    RateLimited {
        /// Unix milliseconds.
        until_ms: i64,
        /// The limit on bursts and content, not the hourly one.
        secondary: bool,
    },
    /// It is not there, or this App may not see it: GitHub does not tell these apart.
    #[error("GitHub has no {what}, or the App may not see it")]
    NotFound {
        /// Method and path.
        what: String,
    },
    /// The App may not do this.
    #[error("GitHub refused {what}: {message}{}", needs.as_ref().map(|n| format!(" (it needs the permission {n})")).unwrap_or_default())]
    Forbidden {
        /// Method and path.
        what: String,
        /// GitHub's words.
        message: String,
        /// `X-Accepted-GitHub-Permissions`, for example `checks=write`.
        needs: Option<String>,
    },
    /// The key, the App's id or the token is not accepted, even after a new token.
    #[error(
        "GitHub does not accept the App's credentials: {message}. Check FAIRWAY_APP_ID, FAIRWAY_PRIVATE_KEY and this machine's time"
    )]
    Unauthorized {
        /// GitHub's words.
        message: String,
    },
    /// The account suspended the installation.
    #[error("the App's installation is suspended; the account's owner can resume it in the App's settings at GitHub")]
    Suspended,
    /// The request itself is wrong (422); repeating it cannot help.
    #[error("GitHub cannot process {what}: {message}")]
    Invalid {
        /// Method and path.
        what: String,
        /// GitHub's words, with its list of errors.
        message: String,
    },
    /// The state at GitHub does not allow it now (409, 405).
    #[error("GitHub answered conflict to {what}: {message}")]
    Conflict {
        /// Method and path.
        what: String,
        /// GitHub's words.
        message: String,
    },
    /// A write that may have happened: read back before it is repeated.
    #[error("it is not known whether {what} happened: {why}")]
    Ambiguous {
        /// Method and path.
        what: String,
        /// A status, a time-out or a broken connection.
        why: String,
    },
    /// A read without an answer; it can be repeated.
    #[error("GitHub gave no answer to {what}: {why}")]
    Unavailable {
        /// Method and path.
        what: String,
        /// A status, a time-out or a broken connection.
        why: String,
    },
    /// Something between us and GitHub answered, not its API.
    #[error("{what} was not answered by GitHub's API ({why}). Check FAIRWAY_GITHUB_URL and proxies in between")]
    NotJson {
        /// Method and path.
        what: String,
        /// What came instead.
        why: String,
    },
}

/// What a request was, as far as its failures go.
pub(super) struct Subject<'a> {
    /// Method and path, for people.
    pub what: &'a str,
    /// Whether it may change something.
    pub write: bool,
    /// Unix milliseconds.
    pub now: i64,
}

impl Subject<'_> {
    /// No answer, or one that says nothing about what was done.
    pub fn doubt(&self, why: String) -> GitHubError {
        let what = self.what.to_owned();
        if self.write { GitHubError::Ambiguous { what, why } } else { GitHubError::Unavailable { what, why } }
    }

    /// An answer from something else than the API. After a write it proves nothing.
    pub fn not_json(&self, why: String) -> GitHubError {
        let what = self.what.to_owned();
        if self.write { GitHubError::Ambiguous { what, why } } else { GitHubError::NotJson { what, why } }
    }
}

#[derive(Default, Deserialize)]
struct Body {
    #[serde(default)]
    message: String,
    #[serde(default)]
    errors: Vec<serde_json::Value>,
}

impl Body {
    fn words(&self) -> String {
        let mut words = self.message.clone();
        for error in &self.errors {
            let text = error.get("message").unwrap_or(error);
            words.push_str("; ");
            words.push_str(&text.as_str().map_or_else(|| text.to_string(), str::to_owned));
        }
        cut(&words)
    }
}

fn cut(text: &str) -> String {
    let mut end = text.len().min(MESSAGE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// Turns an answer that is no success into what it means.
pub(super) fn classify(status: StatusCode, headers: &HeaderMap, bytes: &[u8], subject: &Subject<'_>) -> GitHubError {
    let body: Option<Body> = serde_json::from_slice(bytes).ok();
    let from_api = body.is_some() || bytes.is_empty();
    let body = body.unwrap_or_default();
    if let Some(limited) = rate_limit(status, headers, &body.message, subject.now) {
        return limited;
    }
    if status.is_server_error() {
        return subject.doubt(format!("status {}", status.as_u16()));
    }
    if !from_api {
        let what = subject.what.to_owned();
        return GitHubError::NotJson { what, why: format!("status {} with {}", status.as_u16(), kind(headers)) };
    }
    refusal(status, headers, &body, subject)
}

fn refusal(status: StatusCode, headers: &HeaderMap, body: &Body, subject: &Subject<'_>) -> GitHubError {
    let (what, message) = (subject.what.to_owned(), body.words());
    match status.as_u16() {
        401 => GitHubError::Unauthorized { message },
        403 if body.message.to_ascii_lowercase().contains("suspended") => GitHubError::Suspended,
        403 | 451 => GitHubError::Forbidden {
            what,
            message,
            needs: text(headers, "x-accepted-github-permissions").map(str::to_owned),
        },
        404 | 410 => GitHubError::NotFound { what },
        405 | 409 => GitHubError::Conflict { what, message },
        400 | 422 => GitHubError::Invalid { what, message },
        other => subject.doubt(format!("status {other}: {message}")),
    }
}

fn rate_limit(status: StatusCode, headers: &HeaderMap, message: &str, now: i64) -> Option<GitHubError> {
    let spent = number(headers, "x-ratelimit-remaining") == Some(0);
    let retry_after = number(headers, "retry-after");
    let message = message.to_ascii_lowercase();
    let told = message.contains("rate limit") || message.contains("abuse detection");
    let refused = match status.as_u16() {
        429 => true,
        403 => spent || retry_after.is_some() || told,
        _ => false,
    };
    refused.then(|| limited(headers, &message, now))
}

/// Until when GitHub wants no requests. The order is its own: `retry-after`, then the reset when nothing remains, then a minute.
pub(super) fn limited(headers: &HeaderMap, message: &str, now: i64) -> GitHubError {
    let spent = number(headers, "x-ratelimit-remaining") == Some(0);
    let retry_after = number(headers, "retry-after");
    let reset = number(headers, "x-ratelimit-reset").filter(|_| spent);
    let until_ms = match (retry_after, reset) {
        (Some(seconds), _) => now.saturating_add(seconds.max(0).saturating_mul(1_000)),
        (None, Some(second)) => second.saturating_mul(1_000).max(now),
        (None, None) => now.saturating_add(PAUSE_MS),
    };
    GitHubError::RateLimited { until_ms, secondary: !spent || message.to_ascii_lowercase().contains("secondary") }
}

/// A header that holds a whole number.
pub(super) fn number(headers: &HeaderMap, name: &str) -> Option<i64> {
    text(headers, name).and_then(|v| v.trim().parse().ok())
}

/// The kind of body, for people.
pub(super) fn kind(headers: &HeaderMap) -> String {
    text(headers, "content-type").map_or_else(|| "no content type".to_owned(), cut)
}

/// A header that is text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(status: u16, headers: &[(&'static str, &str)], body: &str, write: bool) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let subject = Subject { what: "PATCH /x", write, now: 1_000_000 };
        format!("{:?}", classify(StatusCode::from_u16(status).unwrap(), &map, body.as_bytes(), &subject))
    }

    #[test]
    fn rate_limits_follow_githubs_order_of_headers() {
        let both = [("retry-after", "7"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "5000")];
        assert_eq!(judge(403, &both, "{}", true), "RateLimited { until_ms: 1007000, secondary: false }");
        assert_eq!(judge(429, &both[1..], "{}", true), "RateLimited { until_ms: 5000000, secondary: false }");
        let words = r#"{"message":"You have exceeded a secondary rate limit."}"#;
        assert_eq!(judge(403, &[], words, true), "RateLimited { until_ms: 1060000, secondary: true }");
        let reset_only = [("x-ratelimit-remaining", "10"), ("x-ratelimit-reset", "5000")];
        assert_eq!(judge(429, &reset_only, "<html>", false), "RateLimited { until_ms: 1060000, secondary: true }");
    }

    #[test]
    fn a_plain_403_is_no_rate_limit_and_names_the_permission() {
        let answer = judge(
            403,
            &[("x-accepted-github-permissions", "checks=write")],
            r#"{"message":"Resource not accessible by integration"}"#,
            true,
        );
        assert_eq!(
            answer,
            r#"Forbidden { what: "PATCH /x", message: "Resource not accessible by integration", needs: Some("checks=write") }"#
        );
        assert_eq!(judge(403, &[], r#"{"message":"This installation has been suspended"}"#, true), "Suspended");
    }

    #[test]
    fn doubt_depends_on_whether_something_may_have_changed() {
        assert_eq!(judge(502, &[], "<html>", true), r#"Ambiguous { what: "PATCH /x", why: "status 502" }"#);
        assert_eq!(judge(502, &[], "<html>", false), r#"Unavailable { what: "PATCH /x", why: "status 502" }"#);
        assert_eq!(
            judge(404, &[("content-type", "text/html")], "<html>", false),
            r#"NotJson { what: "PATCH /x", why: "status 404 with text/html" }"#
        );
    }

    #[test]
    fn the_list_of_errors_is_kept() {
        let body = r#"{"message":"Validation Failed","errors":[{"message":"too long"},"odd"]}"#;
        assert_eq!(
            judge(422, &[], body, true),
            r#"Invalid { what: "PATCH /x", message: "Validation Failed; too long; odd" }"#
        );
        assert_eq!(judge(409, &[], "{}", true), r#"Conflict { what: "PATCH /x", message: "" }"#);
    }
}
