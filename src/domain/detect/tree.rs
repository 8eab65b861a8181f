//! The listing of a repository, and which of its folders hold somebody else's code.

/// What stands under a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A plain file.
    File,
    /// A file that may be started.
    Executable,
    /// A symbolic link; it is never followed.
    Link,
    /// Another repository's commit.
    Submodule,
}

impl Mode {
    /// From the octal text of a Git tree; `None` for a folder and for what is unknown.
    pub fn from_git(mode: &str) -> Option<Mode> {
        match mode {
            "100644" | "100664" => Some(Mode::File),
            "100755" => Some(Mode::Executable),
            "120000" => Some(Mode::Link),
            "160000" => Some(Mode::Submodule),
            _ => None,
        }
    }
}

/// One path of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the root, with `/` between names.
    pub path: String,
    /// What it is.
    pub mode: Mode,
    /// In bytes, where the listing says so.
    pub size: Option<u64>,
}

/// All paths of a repository, folders left out.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Sorted by path.
    entries: Vec<Entry>,
    /// Whether there is more than is listed.
    pub truncated: bool,
}

impl Tree {
    /// Takes the paths in any order.
    pub fn new(mut entries: Vec<Entry>, truncated: bool) -> Tree {
        entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        entries.dedup_by(|a, b| a.path == b.path);
        Tree { entries, truncated }
    }

    /// All of them, in the order of their paths.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What stands under exactly this path.
    pub fn get(&self, path: &str) -> Option<&Entry> {
        let at = self.entries.binary_search_by(|entry| entry.path.as_str().cmp(path)).ok()?;
        self.entries.get(at)
    }

    /// Whether a file, and no link, stands under this path.
    pub fn has(&self, path: &str) -> bool {
        self.get(path).is_some_and(|entry| matches!(entry.mode, Mode::File | Mode::Executable))
    }

    /// Everything below a folder; the root is the empty name.
    pub fn below<'t>(&'t self, dir: &str) -> impl Iterator<Item = &'t Entry> + use<'t> {
        let start = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        let from = self.entries.partition_point(|entry| entry.path < start);
        self.entries[from..].iter().take_while(move |entry| entry.path.starts_with(&start))
    }

    /// The first of these names that is a file in the folder.
    pub fn first<'n>(&self, dir: &str, names: &[&'n str]) -> Option<&'n str> {
        names.iter().find(|name| self.has(&join(dir, name))).copied()
    }
}

/// `dir/name`, or only the name at the root.
pub fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

/// The folder and the name of a path.
pub fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Whether `path` is the folder `dir` or stands in it.
pub fn within(path: &str, dir: &str) -> bool {
    dir.is_empty() || path.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A path put together from a folder and a relative one; `None` when it leaves the repository.
pub fn resolve(dir: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = dir.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// Whose code a folder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The project's own.
    Own,
    /// Examples, samples, tests: the project itself only where there is nothing else.
    Aside,
    /// Brought from elsewhere, or made by a tool.
    Foreign,
}

const FOREIGN: &[&str] = &[
    "node_modules",
    "bower_components",
    "jspm_packages",
    "vendor",
    "third_party",
    "third-party",
    "thirdparty",
    "3rdparty",
    "external",
    "target",
    "build",
    "dist",
    "out",
    "testdata",
    "test-data",
    "test_data",
    "fixtures",
    "__fixtures__",
    "fixture",
    "__snapshots__",
    "snapshots",
    "venv",
    "site-packages",
    "Pods",
    "Carthage",
    "_build",
    "deps",
    "obj",
    "cookiecutter",
    "__pycache__",
];
const ASIDE: &[&str] = &[
    "example",
    "examples",
    "sample",
    "samples",
    "demo",
    "demos",
    "test",
    "tests",
    "e2e",
    "spec",
    "benchmark",
    "benchmarks",
    "bench",
    "benches",
    "template",
    "templates",
    "playground",
    "playgrounds",
    "tutorial",
    "tutorials",
    "scaffold",
    "boilerplate",
    "__tests__",
    "integration-tests",
    "integration_tests",
    "fuzz",
    "contrib",
    "docs-src",
];

/// Whose code stands in this folder, by the names on the way to it.
pub fn place(dir: &str) -> Place {
    let mut place = Place::Own;
    for name in dir.split('/').filter(|name| !name.is_empty()) {
        if FOREIGN.contains(&name) || (name.starts_with('.') && name != ".github") {
            return Place::Foreign;
        }
        if ASIDE.contains(&name) || name.contains("{{") {
            place = Place::Aside;
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_told_by_every_name_on_the_way() {
        assert_eq!(place(""), Place::Own);
        assert_eq!(place("services/api"), Place::Own);
        assert_eq!(place("api/vendor/x"), Place::Foreign);
        assert_eq!(place("examples/todo"), Place::Aside);
        assert_eq!(place("examples/node_modules"), Place::Foreign);
        assert_eq!(place(".venv/lib"), Place::Foreign);
    }

    #[test]
    fn a_relative_path_never_leaves_the_repository() {
        assert_eq!(resolve("services/api", "../shared"), Some("services/shared".to_owned()));
        assert_eq!(resolve("api", "./lib//x/."), Some("api/lib/x".to_owned()));
        assert_eq!(resolve("api", "../../etc"), None);
    }

    #[test]
    fn what_is_below_a_folder_is_found_without_its_neighbours() {
        let entry = |path: &str| Entry { path: path.to_owned(), mode: Mode::File, size: None };
        let tree = Tree::new(["a/x", "a-b/y", "a/z/w", "b"].map(entry).to_vec(), false);
        let below: Vec<&str> = tree.below("a").map(|entry| entry.path.as_str()).collect();
        assert_eq!(below, ["a/x", "a/z/w"]);
    }
}
