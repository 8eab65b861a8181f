//! Texts as they are found in repositories: what can be read of them, and where their lines and files are.

use std::collections::BTreeMap;

pub use super::address::shown as safe;

/// The files of a checkout that extraction may look at: path from the root, with `/`, to text.
pub type Files = BTreeMap<String, String>;

/// The text without its byte order mark; or, in a sentence, why it cannot be read.
pub fn readable<'t>(file: &str, text: &'t str) -> Result<&'t str, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match text.lines().position(|line| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ")) {
        Some(at) => Err(format!("{file} is not read: line {} is the marker of a merge that is not finished", at + 1)),
        None => Ok(text),
    }
}

/// A sentence about a file that does not have the shape that its name promises. `what` must not repeat its text, which may
/// hold secrets.
pub fn broken(file: &str, line: Option<u32>, what: &str) -> String {
    match line {
        Some(line) => format!("{file} is not read: line {line}: {what}"),
        None => format!("{file} is not read: {what}"),
    }
}

/// Whether a file in a folder is there to be filled in: it has a place like `{{ name }}`. `${{ .. }}` is GitHub's own and
/// `{{.Name}}` a program's.
pub fn template(file: &str, text: &str) -> bool {
    let place = |(at, _): (usize, &str)| {
        let inside = text[at + 2..].split("}}").next().unwrap_or_default();
        let ended = text[at + 2..].len() > inside.len();
        let name = inside.trim();
        let word = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte));
        ended && word && !text[..at].ends_with('$')
    };
    file.contains('/') && text.match_indices("{{").any(place)
}

/// Where the lines of a text begin.
pub struct Lines(Vec<usize>);

impl Lines {
    /// Counts once, so that each question costs a binary search.
    pub fn of(text: &str) -> Lines {
        Lines(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect())
    }

    /// The line, from 1, of a byte.
    pub fn at(&self, byte: usize) -> u32 {
        u32::try_from(self.0.partition_point(|end| *end < byte) + 1).unwrap_or(u32::MAX)
    }
}

/// Whether a path ends on a file of that name.
pub fn is(path: &str, name: &str) -> bool {
    path.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

/// Whether a file is below a folder for what others wrote or what tests are fed with.
pub fn foreign(path: &str) -> bool {
    folder(path).split('/').any(|name| FOREIGN.contains(&name))
}

/// Names that mean nothing else in any ecosystem.
const FOREIGN: [&str; 12] = [
    "node_modules",
    "vendor",
    "third_party",
    "site-packages",
    "venv",
    ".venv",
    "testdata",
    "test-data",
    "test_data",
    "fixtures",
    "__fixtures__",
    "__snapshots__",
];

/// The folder of a file; empty at the root.
pub fn folder(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A path below a folder, with `.` and `..` taken at their word; `None` if it leaves the checkout.
pub fn join(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The folder itself and all above it, the nearest first.
pub fn upwards(folder: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(folder), |inner| {
        (!inner.is_empty()).then(|| inner.rsplit_once('/').map_or("", |(outer, _)| outer))
    })
}

#[cfg(test)]
mod tests {
    use super::{Lines, join, readable, template, upwards};

    #[test]
    fn a_text_with_a_mark_is_read_and_one_in_mid_merge_is_not() {
        assert_eq!(readable("a", "\u{feff}x\r\n"), Ok("x\r\n"));
        let said = readable("web/package.json", "{\n<<<<<<< HEAD\n}").expect_err("a marker");
        assert_eq!(said, "web/package.json is not read: line 2 is the marker of a merge that is not finished");
    }

    #[test]
    fn a_file_that_is_to_be_filled_in_is_known_by_its_places() {
        assert!(template("plans/a/fairway.toml", "port = {{ port }}\n") && template("a/x", "a = \"{{slug}}\""));
        for text in ["a = \"${{ secrets }}\"", "f = '{{.State}}'", "f = '{{json .}}'", "{{ open", "{ {x} }", "{{}}"] {
            assert!(!template("a/fairway.toml", text), "{text}");
        }
        assert!(!template("fairway.toml", "port = {{ port }}\n"), "what stands at the root is the repository's own");
    }

    #[test]
    fn lines_count_from_one() {
        let lines = Lines::of("ab\ncd\n\ne");
        assert_eq!([0, 2, 3, 6, 7].map(|at| lines.at(at)), [1, 1, 2, 3, 4]);
    }

    #[test]
    fn what_tests_are_fed_with_is_nobodys_dependency() {
        let read = |path: &str| crate::domain::update::reads(path);
        assert!(read("web/package.json") && read("tests/requirements.txt") && read("crates/fixtures/Cargo.toml"));
        assert!(
            !read("lib/__fixtures__/Dockerfile") && !read("a/testdata/go.mod") && !read(".venv/lib/pyproject.toml")
        );
    }

    #[test]
    fn paths_stay_in_the_checkout() {
        assert_eq!(join("web/app", "../lib/./x"), Some("web/lib/x".into()));
        assert_eq!(join("web", "../../etc"), None);
        assert_eq!(upwards("a/b").collect::<Vec<_>>(), ["a/b", "a", ""]);
        assert_eq!(upwards("").collect::<Vec<_>>(), [""]);
    }
}
