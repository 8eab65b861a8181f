//! Cargo's `--message-format=json`: compiler errors and lints on their primary span.

use serde::Deserialize;

use super::annotation::{Annotation, Level, Report, Span, relative};
use super::junit::MAX_BYTES;

#[derive(Deserialize)]
struct Line {
    reason: String,
    message: Option<Diagnostic>,
}

#[derive(Deserialize)]
struct Diagnostic {
    message: String,
    level: String,
    code: Option<Code>,
    #[serde(default)]
    spans: Vec<Place>,
    rendered: Option<String>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Place {
    file_name: String,
    is_primary: bool,
    line_start: u64,
    line_end: u64,
    column_start: u64,
    column_end: u64,
}

/// Each diagnostic once. Lines that are not JSON are skipped, because build scripts print between them.
/// Never fails; `roots` as for `relative`.
pub fn cargo_json(bytes: &[u8], roots: &[&str]) -> Report {
    if bytes.len() > MAX_BYTES {
        return Report::unreadable("cargo-json", "it is larger than 20 MB");
    }
    let mut report = Report::default();
    let mut known = false;
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| line.first() == Some(&b'{')) {
        let Ok(line) = serde_json::from_slice::<Line>(line) else {
            continue;
        };
        known = true;
        let Some(diagnostic) = line.message.filter(|_| line.reason == "compiler-message") else {
            continue;
        };
        let Some(annotation) = annotation(&diagnostic, roots) else {
            continue;
        };
        // A library is compiled once more for its tests and then says everything twice.
        if !report.annotations.contains(&annotation) && !report.push("cargo-json", annotation) {
            break;
        }
    }
    if !known && !bytes.trim_ascii().is_empty() {
        return Report::unreadable("cargo-json", "no line of it is a message of cargo");
    }
    report
}

fn annotation(diagnostic: &Diagnostic, roots: &[&str]) -> Option<Annotation> {
    let level = match diagnostic.level.as_str() {
        "warning" => Level::Warning,
        "note" | "help" => Level::Notice,
        _ => Level::Failure,
    };
    let place = diagnostic.spans.iter().find(|place| place.is_primary)?;
    let path = relative(&place.file_name, roots)?;
    let span =
        Span { lines: (place.line_start, place.line_end), columns: (Some(place.column_start), Some(place.column_end)) };
    let title = diagnostic.code.as_ref().map_or("", |code| code.code.as_str());
    let details = diagnostic.rendered.as_deref().unwrap_or("");
    Some(Annotation::new(path, span, level, title, &diagnostic.message).with_details(details))
}
