//! Keeps Markdown under GitHub's limit without leaving a fence or a fold open.

/// GitHub refuses more in `summary`, `text` and comments. It counts characters; bytes are never fewer.
pub const MAX_OUTPUT: usize = 65_535;

const NOTE: &str = "\n\n*The rest is left out: GitHub shows at most 65,535 characters.*\n";

/// The text within `max` bytes: whole when it fits, else cut at a line's end with open fences and `<details>` closed
/// and a note below. Text that cannot hold even the note is cut hard.
pub fn cut_markdown(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let mut end = text.floor_char_boundary(max.saturating_sub(NOTE.len()));
    loop {
        let head = text.get(..end).unwrap_or("");
        let closing = closing(head);
        if head.len() + closing.len() + NOTE.len() <= max && (ends_line(head) || last_line_start(head) == 0) {
            return format!("{head}{closing}{NOTE}");
        }
        match last_line_start(head) {
            0 if end == 0 => {
                return text.get(..text.floor_char_boundary(max)).unwrap_or("").to_owned();
            }
            0 => end = text.floor_char_boundary(end.saturating_sub(closing.len().max(1))),
            start => end = start,
        }
    }
}

fn ends_line(head: &str) -> bool {
    head.ends_with('\n')
}

/// Where the last line begins, not counting an empty one behind the last newline.
fn last_line_start(head: &str) -> usize {
    let body = head.strip_suffix('\n').unwrap_or(head);
    body.rfind('\n').map_or(0, |at| at + 1)
}

/// What must follow so that nothing stays open.
fn closing(head: &str) -> String {
    let mut open: Option<(char, usize)> = None;
    let mut folds = 0usize;
    for line in head.lines() {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let bare = line.trim_start_matches(' ');
        let mark = bare.chars().next().filter(|c| matches!(c, '`' | '~') && indent < 4);
        let run = mark.map_or(0, |mark| bare.chars().take_while(|c| *c == mark).count());
        match (open, mark) {
            (Some((kind, length)), Some(mark))
                if mark == kind && run >= length && bare.trim_end().chars().all(|c| c == mark) =>
            {
                open = None;
            }
            (None, Some(mark)) if run >= 3 => open = Some((mark, run)),
            (None, _) => {
                folds += line.matches("<details").count();
                folds = folds.saturating_sub(line.matches("</details>").count());
            }
            _ => {}
        }
    }
    let mut closing = String::new();
    if let Some((mark, length)) = open {
        closing.push('\n');
        closing.extend(std::iter::repeat_n(mark, length));
    }
    if folds > 0 {
        closing.push_str("\n\n");
        closing.push_str(&"</details>".repeat(folds));
    }
    closing
}
