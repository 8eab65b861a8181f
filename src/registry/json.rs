//! JSON as it comes, in pieces cut anywhere: what nobody wants is skipped and never kept, so that a document of 20 MB costs the
//! memory of what is wanted of it.
//!
//! It checks that the document is whole and that its brackets fit, not that what it skips is JSON to the letter.

/// A text longer than this is nothing that is wanted here: 256 KiB.
const LONGEST: usize = 256 * 1024;
/// No registry's document is deeper.
const DEEPEST: usize = 64;

/// Who wants what. Paths are the keys that lead to a value; entries of a list have the path of the list.
pub(super) trait Listener {
    /// Whether to read the value at this path, or to look into the container there.
    fn wants(&self, path: &[String]) -> bool;

    /// An object or a list begins.
    fn begin(&mut self, _path: &[String], _object: bool) {}

    /// A value that was wanted: a text without its quotes, or a number, `true`, `false` or `null` as written.
    ///
    /// # Errors
    /// Why the answer is not what it should be.
    fn value(&mut self, path: &[String], value: &str) -> Result<(), String>;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Value,
    Key,
    Colon,
    After,
    Text { key: bool, keep: bool, escaped: bool },
    Literal { keep: bool },
    Done,
}

/// Reads one document.
pub(super) struct Scanner<L> {
    pub listener: L,
    state: State,
    /// Whether each open container is an object.
    open: Vec<bool>,
    path: Vec<String>,
    /// How many containers that nobody wants are open.
    skipped: usize,
    /// Within a text of such a container, and whether its next letter is escaped.
    skipped_text: Option<bool>,
    token: Vec<u8>,
}

fn broken() -> String {
    "the answer is not the JSON that belongs there".to_owned()
}

impl<L: Listener> Scanner<L> {
    pub fn new(listener: L) -> Scanner<L> {
        let (open, path, token) = (Vec::new(), Vec::new(), Vec::new());
        Scanner { listener, state: State::Value, open, path, skipped: 0, skipped_text: None, token }
    }

    /// The next bytes.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        while !bytes.is_empty() {
            let read = if self.skipped > 0 {
                self.skip(bytes)
            } else if let State::Text { key, keep, escaped } = self.state {
                self.text(bytes, (key, keep, escaped))?
            } else {
                self.byte(bytes[0])?
            };
            bytes = &bytes[read..];
        }
        Ok(())
    }

    /// The end; the listener, if the document is whole.
    pub fn end(self) -> Result<L, String> {
        if self.state == State::Done { Ok(self.listener) } else { Err("the answer ends too early".to_owned()) }
    }

    /// How many bytes of a token wait for the rest of it.
    #[cfg(test)]
    pub fn kept(&self) -> usize {
        self.token.capacity()
    }

    /// Looks for the end of what nobody wants; how many bytes were read.
    fn skip(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() && self.skipped > 0 {
            match self.skipped_text {
                Some(true) => {
                    self.skipped_text = Some(false);
                    at += 1;
                }
                Some(false) => {
                    let Some(next) = memchr::memchr2(b'"', b'\\', &bytes[at..]) else { return bytes.len() };
                    self.skipped_text = (bytes[at + next] == b'\\').then_some(true);
                    at += next + 1;
                }
                None => {
                    match bytes[at] {
                        b'"' => self.skipped_text = Some(false),
                        b'{' | b'[' => self.skipped += 1,
                        b'}' | b']' => self.skipped -= 1,
                        _ => {}
                    }
                    at += 1;
                }
            }
        }
        if self.skipped == 0 {
            self.closed();
        }
        at
    }

    /// Within a key or a text that begins or goes on here.
    fn text(&mut self, bytes: &[u8], (key, keep, escaped): (bool, bool, bool)) -> Result<usize, String> {
        let mut take = |piece: &[u8]| {
            let fits = !keep || self.token.len() + piece.len() <= LONGEST;
            if keep && fits {
                self.token.extend_from_slice(piece);
            }
            fits.then_some(()).ok_or_else(broken)
        };
        if escaped {
            take(&bytes[..1])?;
            self.state = State::Text { key, keep, escaped: false };
            return Ok(1);
        }
        let Some(next) = memchr::memchr2(b'"', b'\\', bytes) else {
            take(bytes)?;
            return Ok(bytes.len());
        };
        if bytes[next] == b'\\' {
            take(&bytes[..=next])?;
            self.state = State::Text { key, keep, escaped: true };
            return Ok(next + 1);
        }
        take(&bytes[..next])?;
        if key {
            self.path.push(unescaped(&std::mem::take(&mut self.token))?);
            self.state = State::Colon;
        } else {
            if keep {
                let text = unescaped(&std::mem::take(&mut self.token))?;
                self.listener.value(&self.path, &text)?;
            }
            self.closed();
        }
        Ok(next + 1)
    }

    fn byte(&mut self, byte: u8) -> Result<usize, String> {
        if let State::Literal { keep } = self.state {
            if byte.is_ascii_alphanumeric() || b"+-.".contains(&byte) {
                if self.token.len() > 64 {
                    return Err(broken());
                }
                self.token.push(byte);
                return Ok(1);
            }
            let token = std::mem::take(&mut self.token);
            if keep {
                self.listener.value(&self.path, &String::from_utf8_lossy(&token))?;
            }
            // What ended it is read anew.
            self.closed();
            return Ok(0);
        }
        if byte.is_ascii_whitespace() {
            return Ok(1);
        }
        let inner = self.open.last().copied();
        match (self.state, byte, inner) {
            (State::Value, b'{' | b'[', _) => self.begin(byte == b'{')?,
            (State::Key | State::After, b'}', Some(true)) | (State::Value | State::After, b']', Some(false)) => {
                self.open.pop();
                self.closed();
            }
            (State::Value, b'"', Some(_)) => {
                let keep = self.listener.wants(&self.path);
                self.state = State::Text { key: false, keep, escaped: false };
            }
            (State::Value, b'-' | b'0'..=b'9' | b'a'..=b'z', Some(_)) => {
                self.token.push(byte);
                self.state = State::Literal { keep: self.listener.wants(&self.path) };
            }
            (State::Key, b'"', _) => self.state = State::Text { key: true, keep: true, escaped: false },
            (State::Colon, b':', _) => self.state = State::Value,
            (State::After, b',', Some(object)) => self.state = if object { State::Key } else { State::Value },
            _ => return Err(broken()),
        }
        Ok(1)
    }

    fn begin(&mut self, object: bool) -> Result<(), String> {
        if self.open.len() >= DEEPEST {
            return Err(broken());
        }
        if !self.listener.wants(&self.path) {
            self.skipped = 1;
            return Ok(());
        }
        self.listener.begin(&self.path, object);
        self.open.push(object);
        self.state = if object { State::Key } else { State::Value };
        Ok(())
    }

    /// After a value.
    fn closed(&mut self) {
        match self.open.last() {
            Some(true) => {
                self.path.pop();
                self.state = State::After;
            }
            Some(false) => self.state = State::After,
            None => self.state = State::Done,
        }
    }
}

/// Unix milliseconds; an unreadable time is no time.
pub(super) fn time(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

fn unescaped(token: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(token).map_err(|_| broken())?;
    if !text.contains('\\') {
        return Ok(text.to_owned());
    }
    serde_json::from_str(&format!("\"{text}\"")).map_err(|_| broken())
}

#[cfg(test)]
mod tests {
    use super::{Listener, Scanner};

    /// Wants everything below `a` and nothing else.
    struct A(Vec<String>);

    impl Listener for A {
        fn wants(&self, path: &[String]) -> bool {
            path.first().is_none_or(|first| first == "a")
        }

        fn begin(&mut self, path: &[String], object: bool) {
            self.0.push(format!("{} {}", path.join("."), if object { "{" } else { "[" }));
        }

        fn value(&mut self, path: &[String], value: &str) -> Result<(), String> {
            self.0.push(format!("{} {value}", path.join(".")));
            Ok(())
        }
    }

    fn read(pieces: &[&[u8]]) -> Result<Vec<String>, String> {
        let mut scanner = Scanner::new(A(Vec::new()));
        for piece in pieces {
            scanner.feed(piece)?;
        }
        scanner.end().map(|listener| listener.0)
    }

    const TEXT: &str = r#" {"x": "skip \" }", "y": {"z": ["}", "\\", {"a": 1}]}, "a": {"b": "q\"\u00e9", "c": [1, -2.5e3, {"d": null}], "e": {}},"n":7} "#;

    #[test]
    fn wherever_the_pieces_are_cut_the_same_is_read() {
        let whole = read(&[TEXT.as_bytes()]).expect("whole");
        assert_eq!(whole, [" {", "a {", "a.b q\"é", "a.c [", "a.c 1", "a.c -2.5e3", "a.c {", "a.c.d null", "a.e {"]);
        for cut in 0..TEXT.len() {
            let (before, after) = TEXT.as_bytes().split_at(cut);
            assert_eq!(read(&[before, after]).as_ref(), Ok(&whole), "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = TEXT.as_bytes().chunks(1).collect();
        assert_eq!(read(&bytes), Ok(whole));
    }

    #[test]
    fn what_is_cut_off_or_no_json_is_refused() {
        for cut in 1..TEXT.trim_end().len() {
            assert!(read(&[&TEXT.as_bytes()[..cut]]).is_err(), "cut at {cut}");
        }
        for text in
            ["<!doctype html>", "", "\"text\"", "{\"a\": ]}", "{\"a\" 1}", "{} {}", "{\"a\": \"\\x\"}", "{\"a\": 1] "]
        {
            assert!(read(&[text.as_bytes()]).is_err(), "{text}");
        }
        assert!(read(&["{\"a\":".repeat(100).as_bytes()]).is_err());
        assert!(read(&[format!("{{\"a\":\"{}\"}}", "x".repeat(300_000)).as_bytes()]).is_err());
    }
}
