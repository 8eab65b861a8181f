//! A step's output as HTML: colours become classes, everything else that a terminal would obey is dropped, and all
//! text is escaped, because a log is written by whoever wrote the code under test.

const COLOURS: [&str; 8] = ["a-black", "a-red", "a-green", "a-yellow", "a-blue", "a-magenta", "a-cyan", "a-white"];

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Look {
    colour: Option<usize>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
}

impl Look {
    fn classes(self) -> String {
        let flags = [(self.bold, "a-b"), (self.dim, "a-d"), (self.italic, "a-i"), (self.underline, "a-u")];
        let mut names: Vec<&str> = flags.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
        names.extend(self.colour.and_then(|colour| COLOURS.get(colour)));
        names.join(" ")
    }

    /// Obeys the numbers of one `ESC [ ... m`.
    fn obey(&mut self, numbers: &str) {
        let mut numbers = numbers.split([';', ':']).map(|n| n.parse::<usize>().unwrap_or(0));
        while let Some(number) = numbers.next() {
            match number {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                3 => self.italic = true,
                4 => self.underline = true,
                22 => (self.bold, self.dim) = (false, false),
                23 => self.italic = false,
                24 => self.underline = false,
                30..=37 => self.colour = Some(number - 30),
                90..=97 => self.colour = Some(number - 90),
                38 => self.colour = extended(&mut numbers),
                48 => drop(extended(&mut numbers)),
                39 => self.colour = None,
                _ => {}
            }
        }
    }
}

/// `5;N` and `2;R;G;B`: the first sixteen of the palette are ours, others are text in its own colour.
fn extended(numbers: &mut impl Iterator<Item = usize>) -> Option<usize> {
    match numbers.next() {
        Some(5) => numbers.next().filter(|n| *n < 16).map(|n| n % 8),
        Some(2) => {
            numbers.by_ref().take(3).for_each(drop);
            None
        }
        _ => None,
    }
}

/// HTML of a piece of terminal output; it can only hold `<span class="...">` with our own classes.
pub fn to_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let (mut look, mut shown) = (Look::default(), Look::default());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => escape(&mut chars, &mut look),
            '\u{9b}' => control(&mut chars, &mut look),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' => out.push('\n'),
            c if c.is_control() && c != '\n' && c != '\t' => {}
            c => {
                if look != shown && c != '\n' {
                    turn(&mut out, shown, look);
                    shown = look;
                }
                push(&mut out, c);
            }
        }
    }
    turn(&mut out, shown, Look::default());
    out
}

fn turn(out: &mut String, from: Look, to: Look) {
    if from.classes() != "" {
        out.push_str("</span>");
    }
    if to.classes() != "" {
        out.push_str("<span class=\"");
        out.push_str(&to.classes());
        out.push_str("\">");
    }
}

/// What follows ESC: `[` is a control sequence, `]` a title or a link, anything else is one character.
fn escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, look: &mut Look) {
    match chars.next() {
        Some('[') => control(chars, look),
        Some(']' | 'P' | '^' | '_' | 'X') => {
            while let Some(c) = chars.next() {
                if c == '\u{7}' || (c == '\u{1b}' && chars.next_if_eq(&'\\').is_some()) {
                    break;
                }
            }
        }
        Some('(' | ')') => drop(chars.next()),
        _ => {}
    }
}

fn control(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, look: &mut Look) {
    let mut numbers = String::new();
    while let Some(c) = chars.next_if(|c| matches!(c, '\u{20}'..='\u{3f}')) {
        numbers.push(c);
    }
    if chars.next_if(|c| matches!(c, '\u{40}'..='\u{7e}')) == Some('m') {
        look.obey(&numbers);
    }
}

fn push(out: &mut String, c: char) {
    match c {
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '&' => out.push_str("&amp;"),
        '"' => out.push_str("&quot;"),
        '\'' => out.push_str("&#39;"),
        _ => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn colours_become_classes() {
        assert_eq!(to_html("\u{1b}[1;31merror\u{1b}[0m: no"), "<span class=\"a-b a-red\">error</span>: no");
        assert_eq!(to_html("\u{1b}[38;5;10mok\u{1b}[39m \u{1b}[38;2;1;2;3mx"), "<span class=\"a-green\">ok</span> x");
        assert_eq!(to_html("a\u{1b}[2K\u{1b}]0;title\u{7}b\u{1b}]8;;http://x\u{1b}\\c"), "abc");
        assert_eq!(to_html("10%\r20%\r\ndone"), "10%\n20%\ndone");
    }

    #[test]
    fn markup_is_text() {
        assert_eq!(to_html("<b a=\"1\">&'"), "&lt;b a=&quot;1&quot;&gt;&amp;&#39;");
    }

    const ESC: char = '\u{1b}';

    proptest! {
        #[test]
        fn no_tag_of_the_input_survives(text in "([<>a-z\"'&/=\\x1b\\[\\]0-9;m\\r\\n\\x07\\x9b]|.){0,200}") {
            let html = to_html(&text);
            let mut rest = html.as_str();
            let mut open = 0i32;
            while let Some(at) = rest.find('<') {
                rest = &rest[at..];
                let end = rest.find('>').expect("a tag of ours is closed");
                let tag = &rest[..=end];
                let own = tag.strip_prefix("<span class=\"").and_then(|t| t.strip_suffix("\">"));
                let classes_are_ours = own.is_some_and(|own| own.split(' ').all(|name| name.starts_with("a-") && name.chars().all(|c| c.is_ascii_lowercase() || c == '-')));
                prop_assert!(tag == "</span>" || classes_are_ours, "{tag}");
                open += if tag == "</span>" { -1 } else { 1 };
                prop_assert!((0..=1).contains(&open));
                rest = &rest[end + 1..];
            }
            prop_assert_eq!(open, 0);
            prop_assert!(!html.contains(ESC));
        }
    }
}
