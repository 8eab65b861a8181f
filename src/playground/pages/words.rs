//! Small words and numbers as people read them: times, sizes, short names.

use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// A moment for a page: exact for machines and hovering, relative for reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// ISO 8601, UTC.
    pub iso: String,
    /// Like `5 minutes ago`.
    pub ago: String,
}

impl When {
    /// `at` as seen at `now`, both Unix milliseconds.
    pub fn new(at: i64, now: i64) -> Self {
        let iso = Timestamp::from_millisecond(at)
            .map_or_else(|_| String::new(), |t| t.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        Self { iso, ago: ago(now - at) }
    }
}

fn ago(ms: i64) -> String {
    let seconds = ms / 1000;
    let (count, unit) = match seconds {
        ..=9 => return "just now".to_owned(),
        10..=59 => (seconds, "second"),
        60..=3599 => (seconds / 60, "minute"),
        3600..=86_399 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{} ago", counted(count.unsigned_abs() as usize, unit))
}

/// `1 file`, `2 files`.
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// A length of time in milliseconds, like `850ms`, `4s` or `2m 05s`.
pub fn took(ms: i64) -> String {
    match ms.max(0) {
        ms @ 0..=999 => format!("{ms}ms"),
        ms @ 1000..=59_999 => format!("{}s", ms / 1000),
        ms => format!("{}m {:02}s", ms / 60_000, ms / 1000 % 60),
    }
}

/// The first seven characters of a SHA.
pub fn short(sha: &str) -> String {
    sha.chars().take(7).collect()
}

/// A branch or a file name as one segment of an address.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// A round letter that stands for somebody's picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Face {
    /// The whole name.
    pub login: String,
    /// Its first letter.
    pub letter: char,
    /// One of six colours.
    pub hue: u32,
    /// An App's own user.
    pub bot: bool,
}

impl Face {
    /// The face of a login; `NAME[bot]` is an App's.
    pub fn new(login: &str) -> Self {
        let name = login.strip_suffix("[bot]");
        Self {
            login: name.unwrap_or(login).to_owned(),
            letter: login.chars().next().unwrap_or('?'),
            hue: login.bytes().map(u32::from).sum::<u32>() % 6,
            bot: name.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_people_say_them() {
        assert_eq!(When::new(0, 5_000), When { iso: "1970-01-01T00:00:00Z".into(), ago: "just now".into() });
        assert_eq!(When::new(0, 60_000).ago, "1 minute ago");
        assert_eq!(When::new(0, 7_300_000).ago, "2 hours ago");
        assert_eq!((took(850), took(4_400), took(125_000)), ("850ms".into(), "4s".into(), "2m 05s".into()));
    }

    #[test]
    fn an_app_is_shown_as_a_bot() {
        let face = Face::new("fairway[bot]");
        assert_eq!((face.login.as_str(), face.letter, face.bot), ("fairway", 'f', true));
        assert!(!Face::new("alice").bot);
    }
}
