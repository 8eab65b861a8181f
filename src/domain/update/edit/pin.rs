//! Lines that name a commit or a digest: it, and the version beside it, change in one go.

use crate::domain::update::course::Item;
use crate::domain::update::model::{Declared, Ecosystem, Pin};
use crate::domain::update::pin::named;

/// What the line asks for then.
pub fn requirement(item: &Item, pin: &Pin) -> String {
    match item.ecosystem {
        Ecosystem::Image => format!("{}@{}", item.to, pin.to),
        _ => pin.to.clone(),
    }
}

/// Whether the line is what the pin was made for.
pub fn speaks_of(declared: &Declared, pin: &Pin) -> bool {
    named(declared) == Some(pin.from.as_str())
}

/// The version that the comment names then, spelt as the old one is: with a `v` or without.
pub fn comment(old: &str, to: &str) -> String {
    let bare = to.strip_prefix('v').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(to);
    match (old.starts_with('v'), bare.starts_with(|c: char| c.is_ascii_digit())) {
        (true, true) => format!("v{bare}"),
        (false, true) => bare.to_owned(),
        _ => to.to_owned(),
    }
}

/// The text with the version of a comment replaced: in the line that `from` (a byte) is in, behind it, as a whole word.
pub fn commented(text: &str, from: usize, (old, new): (&str, &str)) -> Option<String> {
    let line = text[from..].find('\n').map_or(text.len(), |end| from + end);
    let begin = from + text[from..line].find('#')?;
    let part = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || ".-_+".contains(c));
    let whole = |at: &usize| !part(text[..*at].chars().next_back()) && !part(text[*at + old.len()..].chars().next());
    let at = text[begin..line].match_indices(old).map(|(at, _)| begin + at).find(whole)?;
    Some(format!("{}{new}{}", &text[..at], &text[at + old.len()..]))
}
