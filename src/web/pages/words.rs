//! Times as people read them.

use pulldown_cmark::{Event, Parser};

/// How long ago, from Unix milliseconds.
pub fn ago(at: i64, now: i64) -> String {
    match (now - at) / 1000 {
        ..=9 => "just now".to_owned(),
        s @ 10..=59 => format!("{s}s ago"),
        s @ 60..=3599 => format!("{}m ago", s / 60),
        s @ 3600..=86_399 => format!("{}h ago", s / 3600),
        s => format!("{}d ago", s / 86_400),
    }
}

/// A moment to the second, from Unix milliseconds.
pub fn date(at: i64) -> String {
    let moment = jiff::Timestamp::from_millisecond(at);
    moment.map(|moment| moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()).unwrap_or_default()
}

/// When something is due, from Unix milliseconds.
pub fn due(at: i64, now: i64) -> String {
    match (at - now) / 1000 {
        ..=0 => "now".to_owned(),
        s @ 1..=59 => format!("in {s}s"),
        s @ 60..=3599 => format!("in {}m", s / 60),
        s @ 3600..=172_799 => format!("in {}h", s / 3600),
        s => format!("in {}d", s / 86_400),
    }
}

/// A size on disk, in decimal units.
pub fn bytes(bytes: u64) -> String {
    match bytes {
        ..1_000_000 => format!("{} kB", bytes / 1_000),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// A length of time in milliseconds.
pub fn took(ms: i64) -> String {
    match ms.max(0) {
        ms @ 0..=999 => format!("{ms}ms"),
        ms @ 1000..=59_999 => format!("{}.{}s", ms / 1000, ms % 1000 / 100),
        ms => format!("{}m {:02}s", ms / 60_000, ms / 1000 % 60),
    }
}

/// A part of a sentence.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece {
    /// Shown as code.
    pub code: bool,
    /// Plain text.
    pub text: String,
}

/// Sentences are Markdown because GitHub shows them too. Of it only code is kept.
pub fn pieces(markdown: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for event in Parser::new(markdown) {
        let (code, text) = match event {
            Event::Code(text) => (true, text.into_string()),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => (false, text.into_string()),
            Event::SoftBreak | Event::HardBreak => (false, " ".to_owned()),
            _ => continue,
        };
        match pieces.last_mut().filter(|last| last.code == code) {
            Some(last) => last.text.push_str(&text),
            None => pieces.push(Piece { code, text }),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        assert_eq!(
            (ago(0, 5_000), ago(0, 65_000), ago(0, 90_000_000)),
            ("just now".into(), "1m ago".into(), "1d ago".into())
        );
        assert_eq!((due(0, 5), due(61_000, 0)), ("now".into(), "in 1m".into()));
        assert_eq!((took(40), took(4_250), took(61_000)), ("40ms".into(), "4.2s".into(), "1m 01s".into()));
    }

    #[test]
    fn a_sentence_keeps_its_code_and_nothing_else_of_its_markdown() {
        let piece = |code, text: &str| Piece { code, text: text.to_owned() };
        assert_eq!(
            pieces("`a<b>` of #7 by al\\_ice <script>x</script>"),
            [piece(true, "a<b>"), piece(false, " of #7 by al_ice <script>x</script>")]
        );
        assert_eq!(pieces(""), []);
    }
}
