//! JUnit XML: each failed test case becomes an annotation on the line that its text names.

use roxmltree::{Document, Node, ParsingOptions};

use super::annotation::{Annotation, Level, Report, Span, relative};

/// A larger report is not read: 20 MB.
pub(super) const MAX_BYTES: usize = 20 * 1024 * 1024;
/// roxmltree goes as deep as the input does; real reports are far from this.
const MAX_NODES: u32 = 1_000_000;

/// Failures and errors of test cases. A case without any place is counted in the note. Never fails; `roots` as for
/// `relative`.
pub fn junit(bytes: &[u8], roots: &[&str]) -> Report {
    if bytes.len() > MAX_BYTES {
        return Report::unreadable("JUnit", "it is larger than 20 MB");
    }
    let text = String::from_utf8_lossy(bytes);
    if depth(&text) > 200 {
        return Report::unreadable("JUnit", "it is nested more than 200 deep");
    }
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = match Document::parse_with_options(text.trim_start_matches('\u{feff}').trim_start(), options) {
        Ok(document) => document,
        Err(error) => return Report::unreadable("JUnit", error),
    };
    let mut report = Report::default();
    let mut placeless = 0usize;
    for case in document.descendants().filter(|node| node.has_tag_name("testcase")) {
        for bad in case.children().filter(|node| node.has_tag_name("failure") || node.has_tag_name("error")) {
            let Some(annotation) = failure(case, bad, roots) else {
                placeless += 1;
                continue;
            };
            if !report.push("JUnit", annotation) {
                return report;
            }
        }
    }
    if placeless > 0 {
        report.note = Some(format!("{placeless} failed tests of the JUnit report name no file of this repository."));
    }
    report
}

/// How deep elements are nested, by a rough count that only has to stop what would exhaust the stack.
fn depth(text: &str) -> usize {
    let (mut now, mut most) = (0usize, 0usize);
    for tag in text.split('<').skip(1) {
        let end = tag.split('>').next().unwrap_or(tag);
        match tag.as_bytes().first() {
            Some(b'/') => now = now.saturating_sub(1),
            Some(b'!' | b'?') => {}
            _ if end.ends_with('/') => {}
            _ => now += 1,
        }
        most = most.max(now);
    }
    most
}

fn failure(case: Node<'_, '_>, bad: Node<'_, '_>, roots: &[&str]) -> Option<Annotation> {
    let body = bad.text().unwrap_or("");
    let message = bad.attribute("message").unwrap_or("");
    let (path, line) = by_attributes(case, roots)
        .or_else(|| place(message, roots))
        .or_else(|| body.lines().take(200).find_map(|line| place(line, roots)))?;
    let name = case.attribute("name").unwrap_or("test");
    let title = match case.attribute("classname") {
        Some(class) if !class.is_empty() && !name.starts_with(class) => format!("{class}: {name}"),
        _ => name.to_owned(),
    };
    let span = Span { lines: (line, line), ..Span::default() };
    let shown = if message.is_empty() { body } else { message };
    Some(Annotation::new(path, span, Level::Failure, &title, shown).with_details(body))
}

fn by_attributes(case: Node<'_, '_>, roots: &[&str]) -> Option<(String, u64)> {
    let path = relative(case.attribute("file")?, roots)?;
    let line = case.attribute("line").and_then(|line| line.parse().ok()).unwrap_or(1);
    Some((path, line))
}

/// The first `path/file.ext:12` in a line of text, as panics and tracebacks print it.
fn place(line: &str, roots: &[&str]) -> Option<(String, u64)> {
    let line = line.get(..line.floor_char_boundary(2000)).unwrap_or("");
    let words = line.split(|c: char| c.is_whitespace() || "()[]\"'`,".contains(c));
    words
        .filter_map(|word| {
            let (path, rest) = word.trim_start_matches("file://").split_once(':')?;
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or("");
            let number = digits.parse().ok().filter(|n| *n > 0)?;
            let file = path.rsplit('/').next()?;
            file.rsplit_once('.').filter(|(stem, ext)| !stem.is_empty() && ext.chars().all(char::is_alphanumeric))?;
            let path = relative(path, roots)?;
            (!path.contains("//")).then_some((path, number))
        })
        .next()
}
