//! What can go wrong between Fairway and an engine: where in a run, and how.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::graphql::Field;
use crate::wire;

/// One trouble.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    pub phase: Phase,
    pub kind: Kind,
}

/// Where in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The CLI, before there is a session.
    Start,
    /// The feeds.
    Feeds,
    Source,
    Image,
    Secret,
    Cache,
    Service,
    Step,
    Report,
    Export,
}

/// How.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The engine is gone: 502 in plain text, as recorded, and so from then on.
    Gone,
    /// The connection ends in the middle of an answer.
    Cut,
    /// No answer ever comes.
    Hang,
    /// Something else than JSON.
    Rubbish,
    /// A null where a value should be.
    Null,
    /// `data: null` without an error.
    NoData,
    /// Errors without words.
    Wordless,
    /// The session's token is not taken any more.
    Expired,
    /// The error that was recorded under this name.
    Recorded(&'static str),
    /// The CLI says nothing.
    Mute,
    /// The CLI ends at once, with words.
    Dies,
    /// The CLI does not end when its input is closed.
    Stays,
    /// The CLI has a lot to say.
    Talks,
}

impl Phase {
    /// Whether this is the query with which that part of a run begins.
    pub fn is_at(self, fields: &[Field]) -> bool {
        let asks = |name: &str| fields.iter().any(|field| field.asks(name));
        let exports = |to: &str| {
            let export = fields.iter().find_map(|field| field.find("export"));
            export.and_then(|field| field.text("path")).is_some_and(|path| path.ends_with(to))
        };
        match self {
            Phase::Start | Phase::Feeds => false,
            Phase::Source => asks("entries"),
            Phase::Image => asks("from") && !asks("asService"),
            Phase::Secret => asks("setSecret"),
            Phase::Cache => asks("cacheVolume"),
            Phase::Service => asks("start"),
            Phase::Step => asks("exitCode"),
            Phase::Report => exports("reports"),
            Phase::Export => exports("export"),
        }
    }
}

impl Kind {
    /// Whether every later query meets it too.
    pub fn lasts(self) -> bool {
        matches!(self, Kind::Gone | Kind::Expired)
    }

    /// The answer to a query; `None`: there is none.
    pub fn answer(self, fields: &[Field]) -> Option<Response> {
        Some(match self {
            Kind::Gone => {
                let (status, words) = wire::recording("engine_gone_during_query.json");
                (code(status), words.as_str().unwrap_or_default().to_owned()).into_response()
            }
            Kind::Cut => {
                let parts = [Ok("{\"data\":{".to_owned()), Err(std::io::Error::other("cut"))];
                Body::from_stream(futures_util::stream::iter(parts)).into_response()
            }
            Kind::Rubbish => "<html>\u{1b}[31m\u{0} what is this?</html>".into_response(),
            Kind::Null => axum::Json(json!({ "data": nothing(fields) })).into_response(),
            Kind::NoData => axum::Json(json!({ "data": null })).into_response(),
            Kind::Wordless => axum::Json(json!({ "errors": [{}, 7], "data": null })).into_response(),
            Kind::Expired => code(wire::recording("unauthorized.json").0).into_response(),
            Kind::Recorded(name) => {
                let (status, body) = wire::recording(name);
                (code(status), axum::Json(body)).into_response()
            }
            Kind::Hang | Kind::Mute | Kind::Dies | Kind::Stays | Kind::Talks => return None,
        })
    }
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).expect("a status")
}

/// The fields that were asked for, with null at the end of each.
fn nothing(fields: &[Field]) -> Value {
    let one = |field: &Field| {
        let value = if field.below.is_empty() { Value::Null } else { nothing(&field.below) };
        (field.key.clone(), value)
    };
    Value::Object(fields.iter().map(one).collect())
}

impl Fault {
    /// What the CLI does instead of its work.
    pub fn script(&self, port: u16) -> Option<String> {
        match (self.phase, self.kind) {
            (Phase::Start, Kind::Mute) => Some("exec cat\n".to_owned()),
            (Phase::Start, Kind::Dies) => Some("echo 'engine is too old' >&2\nexit 1\n".to_owned()),
            (Phase::Start, Kind::Rubbish) => Some("head -c 100000 /dev/zero\n".to_owned()),
            (Phase::Start, Kind::Hang) => Some("printf '{\"port\":'\nexec cat\n".to_owned()),
            (Phase::Start, Kind::Gone) => {
                Some("printf '{\"port\":9,\"session_token\":\"fake-0\"}\\n'\nexec cat\n".to_owned())
            }
            (Phase::Start, Kind::Expired) => {
                Some(format!("printf '{{\"port\":{port},\"session_token\":\"old\"}}\\n'\nexec cat\n"))
            }
            (Phase::Start, Kind::Talks) => {
                let much = "head -c 3000000 /dev/zero";
                Some(format!(
                    "{much} >&2\nprintf '{{\"port\":{port},\"session_token\":\"fake-0\"}}\\n'\n{much}\n{much} >&2\nexec cat\n"
                ))
            }
            (_, Kind::Stays) => {
                Some(format!("printf '{{\"port\":{port},\"session_token\":\"fake-0\"}}\\n'\nexec sleep 300\n"))
            }
            _ => None,
        }
    }

    /// What a feed says instead.
    pub fn feed(&self) -> Option<Response> {
        let rubbish =
            "data: {\"resourceLogs\":7}\n\ndata\ndata: [\n\n\u{0}\u{1}\nid: x\ndata: {\"resourceSpans\":[{}]}\n\n";
        match (self.phase, self.kind) {
            (Phase::Feeds, Kind::Rubbish) => Some(rubbish.into_response()),
            (Phase::Feeds, Kind::Gone) => Some(StatusCode::BAD_GATEWAY.into_response()),
            (Phase::Feeds, Kind::Hang) => Some(
                Body::from_stream(futures_util::stream::pending::<Result<String, std::io::Error>>()).into_response(),
            ),
            (Phase::Feeds, Kind::Cut) => Kind::Cut.answer(&[]),
            _ => None,
        }
    }
}
