//! The end of a log as a person can read it, whatever a step printed.

/// The last lines, oldest first: at most `max_lines` and `max_chars` characters. Escape sequences are gone, a
/// progress bar is its last state, bytes that are not UTF-8 show as the replacement character. The cost depends on
/// the limits, not on the log's length.
pub fn tail(log: &[u8], max_lines: usize, max_chars: usize) -> String {
    // Raw bytes shrink when cleaned, progress bars most of all, so look at more than will be shown.
    let window = max_chars.saturating_mul(16).clamp(4096, 4 * 1024 * 1024);
    let from = log.len().saturating_sub(window);
    let text = String::from_utf8_lossy(log.get(from..).unwrap_or_default());
    let text = strip_ansi(&text);
    let lines: Vec<String> = text.trim_end().split('\n').map(last_state).collect();
    let shown = lines.get(lines.len().saturating_sub(max_lines)..).unwrap_or_default().join("\n");
    let surplus = shown.chars().count().saturating_sub(max_chars);
    shown.chars().skip(surplus).collect()
}

/// What a terminal would show of a line that was written over with carriage returns.
fn last_state(line: &str) -> String {
    let line = line.trim_end_matches('\r');
    let last = line.rsplit('\r').find(|part| !part.trim().is_empty()).unwrap_or("");
    last.chars().filter(|c| !c.is_control() || *c == '\t').collect()
}

/// The text without terminal escape sequences (colours, cursor moves, titles, links).
pub fn strip_ansi(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{9b}' => skip_csi(&mut chars),
            '\u{1b}' => match chars.next() {
                Some('[') => skip_csi(&mut chars),
                Some(']' | 'P' | 'X' | '^' | '_') => skip_string(&mut chars),
                Some('(' | ')' | '*' | '+' | '#' | '%') => {
                    chars.next();
                }
                // A line's end is never part of a sequence; a broken one must not eat it.
                Some('\n') => plain.push('\n'),
                _ => {}
            },
            c => plain.push(c),
        }
    }
    plain
}

type Chars<'t> = std::iter::Peekable<std::str::Chars<'t>>;

/// Parameters up to the final letter.
fn skip_csi(chars: &mut Chars<'_>) {
    while chars.next_if(|c| matches!(c, '\u{20}'..='\u{3f}')).is_some() {}
    chars.next_if(|c| matches!(c, '\u{40}'..='\u{7e}'));
}

/// Up to BEL or ESC \, or the end of the line when neither comes.
fn skip_string(chars: &mut Chars<'_>) {
    while let Some(c) = chars.next_if(|c| *c != '\n') {
        if c == '\u{7}' {
            return;
        }
        if c == '\u{1b}' {
            chars.next_if(|c| *c == '\\');
            return;
        }
    }
}
