//! What a session tells while it works: server-sent events with OpenTelemetry's JSON in them. Good for showing, never for
//! judging: pass or fail is the answer to the query.

use base64::Engine as _;
use futures_util::TryStreamExt as _;
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _};
use tokio::sync::mpsc;
use tokio_util::io::StreamReader;

use super::client::Trace;
use super::session::Session;

/// The largest event that is kept whole, in bytes; a larger one is passed over.
const EVENT: u64 = 64 * 1024 * 1024;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// Output of containers.
    Logs,
    /// Beginnings and ends of work.
    Traces,
}

/// One thing told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A piece of output; not a line.
    Output {
        /// Whose.
        trace: Trace,
        /// Standard error rather than standard output.
        error: bool,
        /// As printed.
        bytes: Vec<u8>,
    },
    /// One stream of a command ended.
    Ended {
        /// Whose.
        trace: Trace,
    },
    /// A command really runs.
    Ran {
        /// Whose.
        trace: Trace,
    },
    /// A query for an exit code was answered; whatever ran for it was told before.
    Answered {
        /// Whose.
        trace: Trace,
    },
}

/// A request for one feed, to be sent by the one who reads it.
pub fn request(session: &Session, feed: Feed) -> reqwest::RequestBuilder {
    let path = match feed {
        Feed::Logs => "/v1/logs",
        Feed::Traces => "/v1/traces",
    };
    session.http.get(session.url(path)).basic_auth(&session.params.session_token, Some(""))
}

/// Reads a feed until it ends or nobody listens.
pub async fn follow(request: reqwest::RequestBuilder, feed: Feed, tell: mpsc::Sender<Told>) {
    let Ok(reply) = request.send().await else { return };
    if !reply.status().is_success() {
        return;
    }
    let mut body = StreamReader::new(reply.bytes_stream().map_err(std::io::Error::other));
    let (mut line, mut skipping) = (Vec::new(), false);
    while (&mut body).take(EVENT).read_until(b'\n', &mut line).await.is_ok_and(|n| n > 0) {
        let whole = line.ends_with(b"\n");
        if let Some(data) = line.strip_prefix(b"data:").filter(|_| whole && !skipping) {
            for told in parse(feed, data) {
                if tell.send(told).await.is_err() {
                    return;
                }
            }
        }
        skipping = !whole;
        line.clear();
    }
}

fn parse(feed: Feed, data: &[u8]) -> Vec<Told> {
    // Feeds are for showing: what cannot be read is not shown.
    match feed {
        Feed::Logs => serde_json::from_slice::<Logs>(data).map(|logs| logs.told()).unwrap_or_default(),
        Feed::Traces => serde_json::from_slice::<Traces>(data).map(|traces| traces.told()).unwrap_or_default(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Logs {
    #[serde(default)]
    resource_logs: Vec<ResourceLogs>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceLogs {
    #[serde(default)]
    scope_logs: Vec<ScopeLogs>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScopeLogs {
    #[serde(default)]
    log_records: Vec<LogRecord>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogRecord {
    #[serde(default)]
    body: Value,
    #[serde(default)]
    attributes: Vec<Attribute>,
    #[serde(default)]
    trace_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Traces {
    #[serde(default)]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans {
    #[serde(default)]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScopeSpans {
    #[serde(default)]
    spans: Vec<Span>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Span {
    #[serde(default)]
    trace_id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    end_time_unix_nano: String,
}

/// The end of a span that has not ended, as the engine writes it.
const NOT_ENDED: &str = "11651379494838206464";

impl Span {
    fn told(self) -> Option<Told> {
        let trace = trace(&self.trace_id)?;
        match self.name.as_str() {
            "resume withExec" => Some(Told::Ran { trace }),
            "Container.exitCode" if self.end_time_unix_nano != NOT_ENDED => Some(Told::Answered { trace }),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct Attribute {
    key: String,
    #[serde(default)]
    value: Value,
}

impl Attribute {
    fn is_true(&self) -> bool {
        self.value.get("boolValue").and_then(Value::as_bool).unwrap_or(false)
    }

    /// OpenTelemetry's JSON writes 64-bit integers as strings.
    fn number(&self) -> Option<i64> {
        let value = self.value.get("intValue")?;
        value.as_i64().or_else(|| value.as_str()?.parse().ok())
    }
}

fn flag(attributes: &[Attribute], key: &str) -> bool {
    attributes.iter().any(|a| a.key == key && a.is_true())
}

/// Ids are in base64, not in hexadecimal as OpenTelemetry's JSON would have them.
fn trace(id: &str) -> Option<Trace> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(id).ok()?;
    Some(Trace(u128::from_be_bytes(bytes.try_into().ok()?)))
}

impl Logs {
    fn told(self) -> Vec<Told> {
        let scopes = self.resource_logs.into_iter().flat_map(|r| r.scope_logs);
        scopes.flat_map(|s| s.log_records).filter_map(LogRecord::told).collect()
    }
}

impl LogRecord {
    fn told(self) -> Option<Told> {
        let trace = trace(&self.trace_id)?;
        let stream = self.attributes.iter().find(|a| a.key == "stdio.stream").and_then(Attribute::number)?;
        if flag(&self.attributes, "stdio.eof") {
            return Some(Told::Ended { trace });
        }
        // The same again, for the engine's own screen.
        if flag(&self.attributes, "dagger.io/logs.verbose") {
            return None;
        }
        // Taken and not copied: an event may be as large as a busy step can make it.
        let Value::Object(mut body) = self.body else { return None };
        let Some(Value::String(text)) = body.remove("stringValue") else { return None };
        Some(Told::Output { trace, error: stream == 2, bytes: text.into_bytes() })
    }
}

impl Traces {
    fn told(self) -> Vec<Told> {
        let scopes = self.resource_spans.into_iter().flat_map(|r| r.scope_spans);
        scopes.flat_map(|s| s.spans).filter_map(Span::told).collect()
    }
}
