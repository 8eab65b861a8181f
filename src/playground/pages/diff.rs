//! Reads a unified diff into files and lines, and puts annotations on their lines. Pure.

use crate::playground::world::Annotation;

/// More lines than this of one file are not shown.
const MOST_LINES: usize = 1500;

/// One file of a diff.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileDiff {
    /// The path after the change (before it, for a deleted file).
    pub path: String,
    /// `added`, `deleted`, `renamed from X`, `binary` or nothing.
    pub note: String,
    /// Lines that came.
    pub added: usize,
    /// Lines that went.
    pub removed: usize,
    /// In order.
    pub lines: Vec<Line>,
    /// Annotations on lines that the diff does not show.
    pub elsewhere: Vec<Remark>,
    /// Lines that are not shown.
    pub hidden: usize,
}

/// A line of a diff.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// `add`, `del`, `same` or `hunk`.
    pub kind: &'static str,
    /// Number before the change.
    pub old: Option<u64>,
    /// Number after the change.
    pub new: Option<u64>,
    /// Without the sign.
    pub text: String,
    /// Annotations that end on this line.
    pub remarks: Vec<Remark>,
}

/// An annotation with the name of its check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// For example `fairway / test`.
    pub check: String,
    /// What it says.
    pub note: Annotation,
}

/// The files of a unified diff.
pub fn parse(text: &str) -> Vec<FileDiff> {
    let mut files: Vec<FileDiff> = Vec::new();
    let (mut old, mut new) = (0, 0);
    let mut in_hunk = false;
    for line in text.lines() {
        if let Some(names) = line.strip_prefix("diff --git ") {
            let path = names.rsplit_once(" b/").map_or(names, |(_, path)| path).trim_matches('"').to_owned();
            files.push(FileDiff { path, ..FileDiff::default() });
            in_hunk = false;
            continue;
        }
        let Some(file) = files.last_mut() else {
            continue;
        };
        if let Some((o, n)) = hunk(line) {
            (old, new, in_hunk) = (o, n, true);
            push(file, Line { kind: "hunk", text: line.to_owned(), ..Line::default() });
        } else if in_hunk {
            body_line(file, line, &mut old, &mut new);
        } else {
            header_line(file, line);
        }
    }
    files
}

fn header_line(file: &mut FileDiff, line: &str) {
    if line.starts_with("new file") {
        file.note = "added".to_owned();
    } else if line.starts_with("deleted file") {
        file.note = "deleted".to_owned();
    } else if let Some(from) = line.strip_prefix("rename from ") {
        file.note = format!("renamed from {from}");
    } else if line.starts_with("Binary files") {
        file.note = format!("{} binary", file.note).trim().to_owned();
    }
}

fn body_line(file: &mut FileDiff, line: &str, old: &mut u64, new: &mut u64) {
    let (sign, text) = line.split_at_checked(1).unwrap_or(("", ""));
    let text = text.to_owned();
    match sign {
        "+" => {
            file.added += 1;
            push(file, Line { kind: "add", new: Some(*new), text, ..Line::default() });
            *new += 1;
        }
        "-" => {
            file.removed += 1;
            push(file, Line { kind: "del", old: Some(*old), text, ..Line::default() });
            *old += 1;
        }
        "\\" => {}
        _ => {
            push(file, Line { kind: "same", old: Some(*old), new: Some(*new), text, ..Line::default() });
            (*old, *new) = (*old + 1, *new + 1);
        }
    }
}

fn push(file: &mut FileDiff, line: Line) {
    if file.lines.len() < MOST_LINES {
        file.lines.push(line);
    } else {
        file.hidden += 1;
    }
}

/// First line numbers of `@@ -A,B +C,D @@`.
fn hunk(line: &str) -> Option<(u64, u64)> {
    let (old, rest) = line.strip_prefix("@@ -")?.split_once(" +")?;
    let number = |range: &str| range.split([',', ' ']).next().and_then(|n| n.parse().ok());
    Some((number(old)?, number(rest)?))
}

/// Puts remarks on the lines they speak of; returns those on files that the diff does not touch.
pub fn annotate(files: &mut [FileDiff], remarks: Vec<Remark>) -> Vec<Remark> {
    let mut untouched = Vec::new();
    for remark in remarks {
        let Some(file) = files.iter_mut().find(|file| file.path == remark.note.path) else {
            untouched.push(remark);
            continue;
        };
        match file.lines.iter_mut().find(|line| line.new == Some(remark.note.end_line)) {
            Some(line) => line.remarks.push(remark),
            None => file.elsewhere.push(remark),
        }
    }
    untouched
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "diff --git a/src/lib.rs b/src/lib.rs\nindex 1..2 100644\n--- a/src/lib.rs\n+++ b/src/lib.rs\n@@ -1,3 +1,4 @@ fn a\n one\n-two\n+2\n+--- odd\n three\ndiff --git a/old b/new\nsimilarity index 100%\nrename from old\nrename to new\n";

    fn remark(path: &str, line: u64) -> Remark {
        let note = Annotation {
            path: path.into(),
            start_line: line,
            end_line: line,
            columns: None,
            level: "failure".into(),
            title: None,
            message: "no".into(),
            raw_details: None,
        };
        Remark { check: "fairway / test".into(), note }
    }

    #[test]
    fn lines_keep_both_numbers() {
        let files = parse(DIFF);
        let lines: Vec<_> =
            files[0].lines.iter().map(|l| format!("{} {:?} {:?} {}", l.kind, l.old, l.new, l.text)).collect();
        assert_eq!(
            lines,
            [
                "hunk None None @@ -1,3 +1,4 @@ fn a",
                "same Some(1) Some(1) one",
                "del Some(2) None two",
                "add None Some(2) 2",
                "add None Some(3) --- odd",
                "same Some(3) Some(4) three",
            ]
        );
        assert_eq!((files[0].added, files[0].removed), (2, 1));
        assert_eq!((files[1].path.as_str(), files[1].note.as_str()), ("new", "renamed from old"));
    }

    #[test]
    fn remarks_go_to_their_line_or_are_listed() {
        let mut files = parse(DIFF);
        let untouched =
            annotate(&mut files, vec![remark("src/lib.rs", 2), remark("src/lib.rs", 90), remark("README.md", 1)]);
        assert_eq!(files[0].lines[3].remarks.len(), 1);
        assert_eq!((files[0].elsewhere.len(), untouched.len()), (1, 1));
    }
}
