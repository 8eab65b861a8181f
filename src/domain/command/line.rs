//! The one line of a comment that may be a command, found as GitHub's Markdown would show it.

use pulldown_cmark::{Event, Options, Parser, Tag};

/// Longer first lines are prose or an attack.
const MAX_LINE: usize = 1024;

/// The first line that is not blank, when it is shown as plain text or as one code span that fills it; `None` in a
/// quote, a fence, an indented block, HTML, a heading, a list or a table.
pub(super) fn first(body: &str) -> Option<String> {
    let body = body.trim_start_matches('\u{feff}');
    let mut start = 0;
    for line in body.split_inclusive('\n') {
        if !line.trim().is_empty() {
            break;
        }
        start += line.len();
    }
    let line = body.get(start..)?.split(['\n', '\r']).next()?;
    if line.len() > MAX_LINE || !shown_as_text(line) {
        return None;
    }
    let line = line.trim();
    let bare = line.trim_matches('`').trim();
    let wrapped = line.starts_with('`') && line.ends_with('`') && !bare.contains('`');
    if wrapped { Some(bare.to_owned()) } else { Some(line.to_owned()) }
}

/// Whether Markdown begins with a paragraph of text. One line is enough to know: what opens a block opens it there,
/// and an underline below that would make it a heading changes nothing about what was meant.
fn shown_as_text(line: &str) -> bool {
    let mut events = Parser::new_ext(line, Options::empty());
    if !matches!(events.next(), Some(Event::Start(Tag::Paragraph))) {
        return false;
    }
    matches!(events.next(), Some(Event::Text(_) | Event::Code(_)))
}

/// A person's text made fit to be repeated: without control characters, and without those that turn the
/// direction of writing or have no width, which could make a sentence read as something else.
pub fn plain(text: &str) -> String {
    text.chars().filter(|c| !hidden(*c)).collect()
}

pub(super) fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{61c}' | '\u{ad}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{2028}' | '\u{2029}')
        || matches!(c, '\u{e0000}'..='\u{e007f}')
}
