//! Short replies to commands that were not carried out.

use crate::domain::run::escape_md;

/// How a reply is found again.
pub fn marker(comment: i64) -> String {
    format!("<!-- fairway:reply {comment} -->")
}

/// The whole reply: what was typed, then what to do about it.
pub fn render(line: &str, author: &str, answer: &str, marker: &str) -> String {
    let line = line.replace('`', "'");
    format!("> `{line}` ({})\n\n{answer}\n{marker}", escape_md(author))
}
