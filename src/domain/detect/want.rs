//! The first phase: which files must be read, told by their paths alone.

use std::collections::BTreeSet;

use super::text::{MAX_BYTES, Note};
use super::tree::{Mode, Place, Tree, join, place, split};

/// At most so many files are asked for.
pub const MAX_FILES: usize = 64;
/// A manifest deeper than this is nobody's unit.
const MAX_DEPTH: usize = 6;

/// What to read, and what will not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Paths of files, the most telling first.
    pub paths: Vec<String>,
    /// What was refused.
    pub notes: Vec<Note>,
}

/// Manifests by name, with the family that they belong to.
const MANIFESTS: &[(&str, &str)] = &[
    ("Cargo.toml", "rust"),
    ("go.mod", "go"),
    ("go.work", "go"),
    ("package.json", "node"),
    ("pnpm-workspace.yaml", "node"),
    ("pyproject.toml", "python"),
    ("setup.py", "python"),
    ("setup.cfg", "python"),
    ("requirements.txt", "python"),
    ("Pipfile", "python"),
    ("pom.xml", "java"),
    ("build.gradle", "gradle"),
    ("build.gradle.kts", "gradle"),
    ("settings.gradle", "gradle"),
    ("settings.gradle.kts", "gradle"),
    ("global.json", "dotnet"),
    ("Gemfile", "ruby"),
    ("composer.json", "php"),
    ("mix.exs", "elixir"),
    ("deno.json", "deno"),
    ("deno.jsonc", "deno"),
    ("dagger.json", "dagger"),
    ("hugo.toml", "site"),
    ("hugo.yaml", "site"),
    ("mkdocs.yml", "site"),
    ("_config.yml", "site"),
    ("book.toml", "site"),
    ("Dockerfile", "docker"),
    ("Makefile", "task"),
    ("GNUmakefile", "task"),
    ("makefile", "task"),
    ("justfile", "task"),
    ("Justfile", "task"),
];
/// Small files beside a manifest that pin a version or tell of a tool.
const BESIDE: &[&str] = &[
    "rust-toolchain.toml",
    "rust-toolchain",
    ".nvmrc",
    ".node-version",
    ".python-version",
    ".ruby-version",
    ".java-version",
    ".tool-versions",
    "requirements-dev.txt",
    "requirements/dev.txt",
    "requirements-test.txt",
    "tox.ini",
    "noxfile.py",
];
/// Lock files: a manifest with its own is a unit of its own.
const LOCKS: &[&str] = &[
    "Cargo.lock",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "pnpm-lock.yaml",
    "yarn.lock",
    "bun.lock",
    "bun.lockb",
    "uv.lock",
    "poetry.lock",
    "Pipfile.lock",
    "go.sum",
    "Gemfile.lock",
    "composer.lock",
    "mix.lock",
    "deno.lock",
    "gradlew",
    "mvnw",
];

/// The family of a manifest; `None` for any other file.
pub fn family(name: &str) -> Option<&'static str> {
    if let Some((_, family)) = MANIFESTS.iter().find(|(known, _)| *known == name) {
        return Some(family);
    }
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    matches!(ending, "csproj" | "fsproj" | "vbproj" | "sln" | "slnx").then_some("dotnet")
}

/// Whether the path is a workflow of GitHub Actions.
pub fn is_workflow(path: &str) -> bool {
    path.strip_prefix(".github/workflows/")
        .is_some_and(|name| !name.contains('/') && (name.ends_with(".yml") || name.ends_with(".yaml")))
}

struct Candidate<'t> {
    path: &'t str,
    rank: (Place, u8, usize),
    size: Option<u64>,
}

/// Chooses by path alone. The result is the same for the same listing.
pub fn wanted(tree: &Tree) -> Wanted {
    let mut found = Vec::new();
    let mut manifests: BTreeSet<(&str, &str)> = BTreeSet::new();
    for entry in tree.entries() {
        // A name with a line break could be written into no pattern of `paths`.
        if !matches!(entry.mode, Mode::File | Mode::Executable) || entry.path.contains(char::is_control) {
            continue;
        }
        if is_workflow(&entry.path) {
            found.push(Candidate { path: &entry.path, rank: (Place::Own, 1, 0), size: entry.size });
            continue;
        }
        let (dir, name) = split(&entry.path);
        let Some(family) = family(name) else { continue };
        let (place, depth) = (place(dir), if dir.is_empty() { 0 } else { dir.split('/').count() });
        if place == Place::Foreign || depth > MAX_DEPTH {
            continue;
        }
        // Folders come after their parents here, so a member is known by the manifest above it.
        let member = depth > 0 && above(dir).any(|dir| manifests.contains(&(dir, family)));
        manifests.insert((dir, family));
        let own_lock = || LOCKS.iter().any(|lock| tree.get(&join(dir, lock)).is_some());
        let rank = match (depth, family) {
            (0, _) => 0,
            (_, "task" | "docker" | "site") => 4,
            _ if member && !own_lock() => 5,
            _ => 2,
        };
        found.push(Candidate { path: &entry.path, rank: (place, rank, depth), size: entry.size });
    }
    let dirs: BTreeSet<(&str, Place)> =
        found.iter().filter(|c| c.rank.1 != 1).map(|c| (split(c.path).0, c.rank.0)).collect();
    for (dir, place) in dirs {
        let depth = dir.split('/').count();
        for name in BESIDE {
            if let Some(entry) = tree.get(&join(dir, name)).filter(|entry| entry.mode == Mode::File) {
                found.push(Candidate { path: &entry.path, rank: (place, 3, depth), size: entry.size });
            }
        }
    }
    chosen(found)
}

fn above(dir: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(dir), |dir| if dir.is_empty() { None } else { Some(split(dir).0) }).skip(1)
}

fn chosen(mut found: Vec<Candidate<'_>>) -> Wanted {
    // Asides are read only where the project has nothing of its own.
    if found.iter().any(|c| c.rank.0 == Place::Own && c.rank.1 != 1) {
        found.retain(|c| c.rank.0 == Place::Own);
    }
    found.sort_by(|a, b| (a.rank, a.path).cmp(&(b.rank, b.path)));
    found.dedup_by(|a, b| a.path == b.path);
    let mut wanted = Wanted::default();
    let mut left = 0;
    for candidate in found {
        match candidate.size {
            Some(bytes) if bytes > MAX_BYTES => {
                wanted.notes.push(Note::TooLarge { path: candidate.path.to_owned(), bytes });
            }
            _ if wanted.paths.len() >= MAX_FILES => left += 1,
            _ => wanted.paths.push(candidate.path.to_owned()),
        }
    }
    if left > 0 {
        wanted.notes.push(Note::NotRead { files: left });
    }
    wanted
}
