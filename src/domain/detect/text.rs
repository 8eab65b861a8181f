//! Texts as they are found in repositories, and what is said of those that cannot be used.

use std::collections::BTreeMap;

/// A longer manifest is not read: 1 MiB.
pub const MAX_BYTES: u64 = 1024 * 1024;

/// What was not looked at, or not believed, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A manifest over `MAX_BYTES`.
    TooLarge {
        /// Which.
        path: String,
        /// Its size.
        bytes: u64,
    },
    /// Manifests beyond the limit of files.
    NotRead {
        /// How many.
        files: usize,
    },
    /// A file that does not have the shape that its name promises.
    Broken {
        /// Which.
        path: String,
        /// The line, from 1, where that is known.
        line: Option<u32>,
    },
    /// A file with bytes that are no UTF-8; they were replaced.
    NotUtf8 {
        /// Which.
        path: String,
    },
    /// GitHub's listing ends before the repository does.
    Truncated {
        /// How many paths it has.
        entries: usize,
    },
    /// Another repository inside of this one; it is not looked into.
    Submodule {
        /// Where.
        path: String,
    },
    /// A step of a workflow that no pipeline takes over.
    LeftOut {
        /// The workflow.
        path: String,
        /// The line of the step.
        line: u32,
        /// Its first line.
        run: String,
        /// Why not.
        why: Why,
    },
    /// `fairway.toml` is there already.
    Existing,
}

/// Why a step of a workflow is not taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It needs a secret.
    Secret,
    /// It needs a Docker daemon.
    Docker,
    /// It brings something to the outside.
    Delivers,
    /// It speaks to GitHub Actions.
    Actions,
}

/// Whether the steps of a text are separated as they should be is none of a reader's business: byte order mark and
/// carriage returns go, bytes that are no UTF-8 become U+FFFD.
pub fn clean(bytes: &[u8]) -> (String, bool) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = String::from_utf8_lossy(bytes);
    let whole = matches!(text, std::borrow::Cow::Borrowed(_));
    let text = if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.into_owned() };
    (text, whole)
}

/// The texts that were read, by path.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    texts: BTreeMap<String, String>,
    pub(super) notes: Vec<Note>,
}

impl Texts {
    /// Takes one file's bytes; what is too large is noted and not kept.
    pub fn add(&mut self, path: &str, bytes: &[u8]) {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if size > MAX_BYTES {
            return self.refuse(path, size);
        }
        let (text, whole) = clean(bytes);
        if !whole {
            self.notes.push(Note::NotUtf8 { path: path.to_owned() });
        }
        self.texts.insert(path.to_owned(), text);
    }

    /// Notes a file that was not read because it has so many bytes.
    pub fn refuse(&mut self, path: &str, bytes: u64) {
        self.notes.push(Note::TooLarge { path: path.to_owned(), bytes });
    }

    pub(super) fn get(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().map(String::as_str)
    }
}

/// The line, from 1, in which `needle` first stands.
pub fn line_of(text: &str, needle: &str) -> Option<u32> {
    text.find(needle).map(|at| line_at(text, at))
}

/// The line, from 1, of an offset in bytes.
pub fn line_at(text: &str, at: usize) -> u32 {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    u32::try_from(before.iter().filter(|b| **b == b'\n').count() + 1).unwrap_or(u32::MAX)
}

/// The first number with dots in a text, such as `3.12` in `>=3.12,<4`.
pub fn version(text: &str) -> Option<String> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let rest = text.get(start..)?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let found = rest.get(..end)?.trim_end_matches('.');
    (found.len() <= 20).then(|| found.to_owned())
}

/// The first `parts` numbers of a version: `1.2` of `1.2.3`.
pub fn short(version: &str, parts: usize) -> String {
    version.split('.').take(parts).collect::<Vec<_>>().join(".")
}

/// Major and minor, for comparing.
pub fn pair(version: &str) -> (u32, u32) {
    let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_people_mean_them() {
        assert_eq!(clean(b"\xef\xbb\xbfa\r\nb\rc\n"), ("a\nb\nc\n".to_owned(), true));
        assert_eq!(clean(b"a\xffb"), ("a\u{fffd}b".to_owned(), false));
        assert_eq!(version("~> 3.2.1 "), Some("3.2.1".to_owned()));
        assert_eq!(version("lts/*"), None);
        assert_eq!(line_of("a\nb\nc", "c"), Some(3));
    }
}
