//! The sources as one tree: which files there are, which are tests, which nobody declares.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use crate::facts::Facts;

/// One source file.
pub struct File {
    /// Relative to the crate, with `/`: `src/web/hook.rs`.
    pub path: String,
    /// The module that it is: `["web", "hook"]`; empty for `lib.rs` and `main.rs`.
    pub module: Vec<String>,
    pub facts: Facts,
    /// How many lines there are outside of tests.
    pub lines: usize,
    /// Whether it is declared under `cfg(test)`, or stands in `tests/`.
    pub is_test: bool,
}

impl File {
    /// The top room, by the design's names: `web`, `main`.
    pub fn room(&self) -> &str {
        match self.path.as_str() {
            "src/main.rs" => "main",
            "src/lib.rs" => "lib",
            _ => self.module.first().map_or("", String::as_str),
        }
    }
}

pub struct Tree {
    pub files: Vec<File>,
    /// Files under `src` that no `mod` reaches.
    pub dead: Vec<String>,
    /// Files of the crate that cannot be parsed, with the reason.
    pub broken: Vec<(String, String)>,
}

impl Tree {
    pub fn read(root: &Path) -> Tree {
        let mut texts = BTreeMap::new();
        for folder in ["src", "tests"] {
            collect(&root.join(folder), folder, &mut texts);
        }
        Tree::of(&texts)
    }

    /// A tree from path to text.
    pub fn of(texts: &BTreeMap<String, String>) -> Tree {
        let mut tree = Tree { files: Vec::new(), dead: Vec::new(), broken: Vec::new() };
        for (path, text) in texts {
            let module = module_of(path);
            match syn::parse_file(text) {
                Err(error) => tree.broken.push((path.clone(), error.to_string())),
                Ok(syntax) => {
                    let facts = Facts::of(&syntax, &module);
                    let tested = facts.test_lines.iter().map(|(from, to)| to - from + 1).sum();
                    tree.files.push(File {
                        path: path.clone(),
                        lines: text.lines().count().saturating_sub(tested),
                        is_test: !path.starts_with("src/"),
                        module,
                        facts,
                    });
                }
            }
        }
        tree.follow_mods();
        tree
    }

    /// Walks `mod` declarations from `lib.rs` and `main.rs`.
    fn follow_mods(&mut self) {
        let mut production = BTreeSet::new();
        let mut reached = BTreeSet::new();
        let roots = ["src/lib.rs", "src/main.rs"];
        let mut next: Vec<(String, bool)> = roots.iter().map(|r| ((*r).to_owned(), false)).collect();
        while let Some((path, is_test)) = next.pop() {
            let is_new = reached.insert(path.clone());
            let is_newly_production = !is_test && production.insert(path.clone());
            if !is_new && !is_newly_production {
                continue;
            }
            let Some(file) = self.files.iter().find(|file| file.path == path) else {
                continue;
            };
            for (name, under_test) in &file.facts.mods {
                for candidate in mod_files(&path, name) {
                    next.push((candidate, is_test || *under_test));
                }
            }
        }
        for file in &mut self.files {
            file.is_test |= !production.contains(&file.path);
        }
        let in_src = self.files.iter().filter(|file| file.path.starts_with("src/"));
        let dead = in_src.filter(|file| !reached.contains(&file.path));
        self.dead = dead.map(|file| file.path.clone()).collect();
    }
}

/// Where `mod name;` in `path` may lie.
fn mod_files(path: &str, name: &str) -> [String; 2] {
    let stem = path.trim_end_matches(".rs");
    let folder = match stem.rsplit_once('/') {
        Some((folder, "mod" | "lib" | "main")) => folder,
        _ => stem,
    };
    [format!("{folder}/{name}.rs"), format!("{folder}/{name}/mod.rs")]
}

fn module_of(path: &str) -> Vec<String> {
    let stem = path.trim_start_matches("src/").trim_end_matches(".rs");
    let parts = stem.split('/').map(str::to_owned);
    parts.filter(|part| !matches!(part.as_str(), "mod" | "lib" | "main")).collect()
}

fn collect(folder: &Path, name: &str, into: &mut BTreeMap<String, String>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        if path.is_dir() {
            collect(&path, &name, into);
        } else if name.ends_with(".rs") {
            into.insert(name, std::fs::read_to_string(&path).expect("a source file can be read"));
        }
    }
}

/// Every text that git tracks. Data that is GitHub's, not ours, is left out.
pub fn tracked_texts(root: &Path) -> BTreeMap<String, String> {
    let listed = Command::new("git")
        .args([
            // Or git refuses a checkout that another user owns, and nothing would be checked.
            "-c",
            "safe.directory=*",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .expect("git is installed by scripts/setup");
    let names = String::from_utf8_lossy(&listed.stdout).into_owned();
    let ours = names.split('\0').filter(|name| !name.is_empty() && !name.starts_with("tests/contract/"));
    ours.filter_map(|name| Some((name.to_owned(), std::fs::read_to_string(root.join(name)).ok()?))).collect()
}
