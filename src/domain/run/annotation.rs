//! Annotations within GitHub's limits, whatever a report holds.

use serde::{Deserialize, Serialize};

/// GitHub takes this many in one request.
pub const BATCH: usize = 50;
/// More than this are read from no report, so that a huge one costs little.
pub const MAX_ANNOTATIONS: usize = 1000;

const MAX_MESSAGE: usize = 16 * 1024;
const MAX_TITLE: usize = 255;

/// A remark on lines of one file, as GitHub's API takes it. Lines and columns count from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    /// Relative to the repository's root.
    pub path: String,
    /// First line.
    pub start_line: u32,
    /// Last line, not before the first.
    pub end_line: u32,
    /// Only when both lines are the same.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub start_column: Option<u32>,
    /// Only with a `start_column`, and not before it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub end_column: Option<u32>,
    /// How bad.
    #[serde(rename = "annotation_level")]
    pub level: Level,
    /// At most 255 bytes.
    pub title: String,
    /// Never empty, at most 16 kB (GitHub would take 64).
    pub message: String,
    /// More, shown on demand; at most 16 kB.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub raw_details: Option<String>,
}

/// GitHub's three levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// For information.
    Notice,
    /// May need a look.
    Warning,
    /// Wrong.
    #[default]
    Failure,
}

/// What was read from one report file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// In the report's order, at most `MAX_ANNOTATIONS`.
    pub annotations: Vec<Annotation>,
    /// A sentence when it could not be read, or not wholly.
    pub note: Option<String>,
}

impl Report {
    pub(super) fn unreadable(kind: &str, why: impl std::fmt::Display) -> Self {
        let why: String = why.to_string().chars().filter(|c| !c.is_control()).take(200).collect();
        Report { annotations: Vec::new(), note: Some(format!("The {kind} report could not be read: {why}.")) }
    }

    /// Adds one; `false` when the report is full.
    pub(super) fn push(&mut self, kind: &str, annotation: Annotation) -> bool {
        if self.annotations.len() >= MAX_ANNOTATIONS {
            self.note = Some(format!("Only the first {MAX_ANNOTATIONS} remarks of the {kind} report were read."));
            return false;
        }
        self.annotations.push(annotation);
        true
    }
}

/// Where a remark stands, as a report says it: lines from 1, 0 for unknown.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    pub(super) lines: (u64, u64),
    pub(super) columns: (Option<u64>, Option<u64>),
}

impl Annotation {
    /// Puts everything within the limits.
    pub(super) fn new(path: String, span: Span, level: Level, title: &str, message: &str) -> Self {
        let start_line = line(span.lines.0);
        let end_line = line(span.lines.1).max(start_line);
        let column = |column: Option<u64>| column.filter(|n| *n > 0 && start_line == end_line).map(line);
        let start_column = column(span.columns.0);
        let end_column = column(span.columns.1).filter(|end| start_column.is_some_and(|start| start <= *end));
        let message = clean(message, MAX_MESSAGE);
        let title: String = clean(title, MAX_TITLE).replace('\n', " ");
        let message = match (message.is_empty(), title.is_empty()) {
            (false, _) => message,
            (true, false) => title.clone(),
            (true, true) => "No message.".to_owned(),
        };
        Annotation { path, start_line, end_line, start_column, end_column, level, title, message, raw_details: None }
    }

    pub(super) fn with_details(mut self, details: &str) -> Self {
        self.raw_details = Some(clean(details, MAX_MESSAGE)).filter(|details| !details.is_empty());
        self
    }
}

fn line(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(1).clamp(1, i32::MAX.unsigned_abs())
}

/// Without escape sequences and control characters, at most `max` bytes.
fn clean(text: &str, max: usize) -> String {
    let plain = super::tail::strip_ansi(text.get(..text.floor_char_boundary(max * 4)).unwrap_or(""));
    let plain: String = plain.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    let plain = plain.trim();
    plain.get(..plain.floor_char_boundary(max)).unwrap_or("").to_owned()
}

/// The path relative to the repository's root, or `None` when it lies outside. `roots` are the places where the
/// checkout may have stood while the steps ran, for example `/src`.
pub fn relative(path: &str, roots: &[&str]) -> Option<String> {
    let path = path.strip_prefix("file://").unwrap_or(path).replace('\\', "/");
    let inside = roots.iter().filter(|root| !root.trim_end_matches('/').is_empty()).find_map(|root| {
        let rest = path.strip_prefix(root.trim_end_matches('/'))?;
        rest.strip_prefix('/')
    });
    let rest = inside.unwrap_or(&path);
    if rest.starts_with('/') || rest.as_bytes().get(1) == Some(&b':') || rest.chars().any(char::is_control) {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in rest.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    (!parts.is_empty() && rest.len() <= 4096).then(|| parts.join("/"))
}

/// GitHub takes 50 in one request.
pub fn batches(annotations: &[Annotation]) -> impl Iterator<Item = &[Annotation]> {
    annotations.chunks(BATCH)
}
