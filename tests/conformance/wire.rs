//! What an engine answers, in the form of the recordings in `tests/data/dagger`: a real engine's answers to the same.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Where the recordings lie.
const RECORDINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/dagger");
/// Of each stream of a failed command, an error holds so much of the end.
const CAP: usize = 102_400;
/// The end of a span that still runs.
const NOT_ENDED: &str = "11651379494838206464";

/// What went wrong with a field.
#[derive(Clone, Debug)]
pub enum Problem {
    /// The engine's refusal.
    Said(String),
    /// A command ended badly.
    Exec { message: String, cmd: Vec<String>, exit: i32, stdout: Vec<u8>, stderr: Vec<u8> },
    /// The query does not fit the schema.
    Invalid(String),
}

/// Where a recording lies.
pub fn place(name: &str) -> PathBuf {
    Path::new(RECORDINGS).join(name)
}

/// A recording's status and body.
pub fn recording(name: &str) -> (u16, Value) {
    let text = std::fs::read_to_string(place(name)).expect("the recording lies in the repository");
    let whole: Value = serde_json::from_str(&text).expect("a recording is JSON");
    (whole["status"].as_u64().expect("a status") as u16, whole["response_body"].clone())
}

/// The message of a recorded error with its own words replaced by ours.
pub fn recorded_message(name: &str, replace: &[(&str, &str)]) -> String {
    let (_, body) = recording(name);
    let message = body["errors"][0]["message"].as_str().expect("a message");
    replace.iter().fold(without_trace(message), |text, (from, to)| text.replace(from, to))
}

fn without_trace(message: &str) -> String {
    message.split(" [traceparent:").next().unwrap_or_default().to_owned()
}

/// An error as the engine gives it: 200 and no data, or 422 for a query that does not fit.
pub fn error(problem: &Problem, path: &[String], trace: u128) -> (u16, Value) {
    let traced = |message: &str| format!("{message} [traceparent:{trace:032x}-{:016x}]", 0x51_u64);
    match problem {
        Problem::Said(message) => {
            (200, json!({ "errors": [{ "message": traced(message), "path": path }], "data": null }))
        }
        Problem::Exec { message, cmd, exit, stdout, stderr } => {
            let extensions = json!({
                "_type": "EXEC_ERROR",
                "cmd": cmd,
                "exitCode": exit,
                "stdout": capped(stdout),
                "stderr": capped(stderr),
            });
            let error = json!({ "message": traced(message), "path": path, "extensions": extensions });
            (200, json!({ "errors": [error], "data": null }))
        }
        Problem::Invalid(message) => {
            let (status, mut body) = recording("graphql_unknown_field.json");
            body["errors"][0]["message"] = json!(message);
            (status, body)
        }
    }
}

/// A query that cannot be read.
pub fn syntax_error(message: &str) -> (u16, Value) {
    let (status, mut body) = recording("graphql_syntax_error.json");
    body["errors"][0]["message"] = json!(message);
    (status, body)
}

fn capped(stream: &[u8]) -> String {
    let text = String::from_utf8_lossy(stream);
    let text = text.trim_end();
    match text.len().checked_sub(CAP) {
        None | Some(0) => text.to_owned(),
        Some(over) => {
            let cut = (over..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
            format!("[omitting {cut} bytes]...{}", &text[cut..])
        }
    }
}

/// An id of ours in the form of the engine's: base64, with the type's name in it.
pub fn id(kind: &str, number: usize) -> String {
    STANDARD.encode(format!("\u{12}{number}:{kind}"))
}

/// The number in an id.
pub fn number(id: &str) -> Option<usize> {
    let text = String::from_utf8(STANDARD.decode(id).ok()?).ok()?;
    text.strip_prefix('\u{12}')?.split_once(':')?.0.parse().ok()
}

/// The first event of a feed.
pub const SUBSCRIBED: &str = "id: \nevent: subscribed\ndata\n\n";

fn binary(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// A piece of output; `None`: the stream's end.
pub fn log(trace: u128, stream: u8, body: Option<&str>) -> Value {
    let mut attributes = vec![json!({ "key": "stdio.stream", "value": { "intValue": stream.to_string() } })];
    if body.is_none() {
        attributes.push(json!({ "key": "stdio.eof", "value": { "boolValue": true } }));
    }
    let record = json!({
        "timeUnixNano": "1795401020582319705",
        "body": { "stringValue": body.unwrap_or_default() },
        "attributes": attributes,
        "traceId": binary(&trace.to_be_bytes()),
        "spanId": binary(&[0x41; 8]),
    });
    let scope = json!({ "scope": { "name": "dagger.io/engine.buildkit" }, "logRecords": [record] });
    json!({ "resourceLogs": [{ "resource": resource(), "scopeLogs": [scope] }] })
}

/// The same piece once more, as the engine has it for its own screen.
pub fn verbose(trace: u128, body: &str) -> Value {
    let mut event = log(trace, 1, Some(body));
    let attributes = &mut event["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["attributes"];
    attributes
        .as_array_mut()
        .expect("a list")
        .push(json!({ "key": "dagger.io/logs.verbose", "value": { "boolValue": true } }));
    event
}

/// The beginning or the end of a piece of work.
pub fn span(trace: u128, name: &str, ended: bool) -> Value {
    let span = json!({
        "traceId": binary(&trace.to_be_bytes()),
        "spanId": binary(&[0x53; 8]),
        "parentSpanId": binary(&[0x52; 8]),
        "flags": 256,
        "name": name,
        "kind": "SPAN_KIND_INTERNAL",
        "startTimeUnixNano": "1795401020520700932",
        "endTimeUnixNano": if ended { "1795401020901836801" } else { NOT_ENDED },
        "status": {},
    });
    let scope = json!({ "scope": { "name": "dagger.io/dagql" }, "spans": [span] });
    json!({ "resourceSpans": [{ "resource": resource(), "scopeSpans": [scope] }] })
}

fn resource() -> Value {
    json!({ "attributes": [{ "key": "service.name", "value": { "stringValue": "dagger-engine" } }] })
}
