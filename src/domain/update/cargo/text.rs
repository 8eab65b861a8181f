//! What stands in front of every reader here: a TOML text that may be half a merge, and the line of a place in it.

/// Where a text is broken and how, as one sentence that names the file.
pub(super) fn broken(path: &str, text: &str, span: Option<std::ops::Range<usize>>, why: &str) -> String {
    if let Some(line) = merge_marker(text) {
        return format!("{path}:{line} has the marks of a merge that nobody ended; it was not read.");
    }
    let why = why.lines().next().unwrap_or_default().trim().trim_end_matches('.');
    match span {
        Some(span) => format!("{path}:{} is no TOML: {why}; it was not read.", line(text, span.start)),
        None => format!("{path} is no TOML: {why}; it was not read."),
    }
}

/// The line, from 1, of the first mark that Git leaves where it could not merge.
fn merge_marker(text: &str) -> Option<u32> {
    let at = text.lines().position(|line| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> "))?;
    u32::try_from(at + 1).ok()
}

/// The line, from 1, of a place in bytes.
pub(super) fn line(text: &str, at: usize) -> u32 {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    u32::try_from(before.iter().filter(|byte| **byte == b'\n').count() + 1).unwrap_or(u32::MAX)
}

/// Without a byte order mark.
pub(super) fn bare(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}
