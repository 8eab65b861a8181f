//! Which lines a pull request changed, so that annotations speak only of those.

use std::ops::RangeInclusive;

use super::annotation::Annotation;

/// One file of a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// Its path at the head.
    pub path: String,
    /// GitHub's `patch`; it leaves it out for binary files and for large changes.
    pub patch: Option<String>,
}

/// The lines of the new file that a `patch` of `pulls/N/files` adds, as ranges in order. Hunks that cannot be read
/// are left out.
pub fn changed_lines(patch: &str) -> Vec<RangeInclusive<u32>> {
    let mut ranges: Vec<RangeInclusive<u32>> = Vec::new();
    let mut line: Option<u32> = None;
    for row in patch.split('\n') {
        if let Some(header) = row.strip_prefix("@@ ") {
            line = hunk_start(header);
            continue;
        }
        let Some(number) = line else { continue };
        match row.as_bytes().first() {
            Some(b'+') => {
                match ranges.last_mut() {
                    Some(last) if last.end().saturating_add(1) == number => *last = *last.start()..=number,
                    _ => ranges.push(number..=number),
                }
                line = number.checked_add(1);
            }
            Some(b'-' | b'\\') => {}
            _ => line = number.checked_add(1),
        }
    }
    ranges
}

/// The 12 of `-10,3 +12,4 @@`.
fn hunk_start(header: &str) -> Option<u32> {
    let new = header.split(' ').find_map(|part| part.strip_prefix('+'))?;
    new.split(',').next()?.parse().ok()
}

/// Keeps what touches a changed line, and says how many were dropped. A file without a `patch` counts as changed
/// throughout.
pub fn on_changed_lines(annotations: Vec<Annotation>, changes: &[FileChange]) -> (Vec<Annotation>, usize) {
    let ranges: std::collections::HashMap<&str, Option<Vec<RangeInclusive<u32>>>> =
        changes.iter().map(|change| (change.path.as_str(), change.patch.as_deref().map(changed_lines))).collect();
    let all = annotations.len();
    let kept: Vec<Annotation> = annotations
        .into_iter()
        .filter(|annotation| match ranges.get(annotation.path.as_str()) {
            None => false,
            Some(None) => true,
            Some(Some(ranges)) => ranges
                .iter()
                .any(|range| *range.start() <= annotation.end_line && annotation.start_line <= *range.end()),
        })
        .collect();
    let dropped = all - kept.len();
    (kept, dropped)
}
