//! What goes back: status, headers, body, and GitHub's error bodies.

use serde_json::{Value, json};

const DOCS: &str = "https://docs.github.com/rest";

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
}

/// A body.
#[derive(Clone, Debug)]
pub enum Body {
    /// None.
    Empty,
    /// JSON.
    Json(Value),
    /// Bytes with their content type.
    Raw(Vec<u8>, &'static str),
}

impl Answer {
    /// JSON with this status.
    pub fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Body::Json(body) }
    }

    /// 200.
    pub fn ok(body: Value) -> Self {
        Self::json(200, body)
    }

    /// 201.
    pub fn created(body: Value) -> Self {
        Self::json(201, body)
    }

    /// A status without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Body::Empty }
    }

    /// Bytes.
    pub fn raw(bytes: Vec<u8>, kind: &'static str) -> Self {
        Self { status: 200, headers: Vec::new(), body: Body::Raw(bytes, kind) }
    }

    /// The same with one header more.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// A `basic-error`.
    pub fn error(status: u16, message: &str) -> Self {
        Self::json(status, json!({ "message": message, "documentation_url": DOCS, "status": status.to_string() }))
    }

    /// 404.
    pub fn not_found() -> Self {
        Self::error(404, "Not Found")
    }

    /// 409 of the Git Data API on an empty repository.
    pub fn empty_repository() -> Self {
        Self::error(409, "Git Repository is empty.")
    }

    /// 422 with one entry of `errors`.
    pub fn invalid(resource: &str, field: &str, code: &str, message: &str) -> Self {
        let error = json!({ "resource": resource, "field": field, "code": code, "message": message });
        let body =
            json!({ "message": "Validation Failed", "errors": [error], "documentation_url": DOCS, "status": "422" });
        Self::json(422, body)
    }

    /// 422 as the newer endpoints write it: one sentence.
    pub fn unprocessable(message: &str) -> Self {
        Self::error(422, message)
    }
}
