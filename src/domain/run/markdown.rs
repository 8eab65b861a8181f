//! Other people's text inside our Markdown: it shows as it was typed and does nothing.

/// Text for a paragraph or a table cell: one line, no Markdown, no HTML, no mention, no reference, no hidden characters.
pub fn escape_md(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    for (at, c) in text.char_indices() {
        let rest = text.get(at + c.len_utf8()..).unwrap_or("");
        match c {
            '\n' | '\r' | '\t' => safe.push(' '),
            c if unseen(c) => {}
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            // A joint without width: an entity would not do, because GitHub looks for mentions after decoding.
            '@' | '#' => {
                safe.push(c);
                safe.push('\u{2060}');
            }
            // At the start these would begin a list or a heading; a colon before slashes an address.
            '-' | '+' | '=' if safe.is_empty() => safe.extend(['\\', c]),
            '.' if !safe.is_empty() && safe.bytes().all(|b| b.is_ascii_digit()) => safe.push_str("\\."),
            '\\' | '`' | '*' | '_' | '[' | ']' | '!' | '|' | '~' | '$' => safe.extend(['\\', c]),
            ':' if rest.starts_with("//") => safe.push_str("\\:"),
            c => safe.push(c),
        }
    }
    safe
}

/// Text as inline code (in a table cell a `|` must be escaped on top); in code GitHub sees no mention. Empty text gives a blank.
pub fn code(text: &str) -> String {
    let line: String =
        text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c }).filter(|c| !unseen(*c)).collect();
    let line = if line.trim().is_empty() { " ".to_owned() } else { line };
    let ticks = "`".repeat(longest_run(&line, '`') + 1);
    let blank = if line.starts_with('`') || line.ends_with('`') { " " } else { "" };
    format!("{ticks}{blank}{line}{blank}{ticks}")
}

/// A code block whose fence is longer than any inside. Ends with a newline.
pub fn fence(text: &str) -> String {
    let shown: String = text.chars().filter(|c| matches!(c, '\n' | '\t') || !unseen(*c)).collect();
    let fence = "`".repeat(longest_run(&shown, '`').max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", shown.trim_end_matches('\n'))
}

fn longest_run(text: &str, wanted: char) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == wanted { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// Control characters and those that turn the direction of writing: what is shown must be what is there.
pub fn unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
