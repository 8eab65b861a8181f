//! What a checkout says about its crates: manifests and locks in, one list out. Nothing is asked and nothing is guessed; what
//! cannot be read is a sentence in the notes, and the rest is read all the same.

mod lock;
mod manifest;
mod resolve;
mod workspace;

use std::collections::BTreeMap;

use super::model::{Ecosystem, Found};
use super::rules;
use crate::domain::detect::{Place, join, place, split};
use manifest::{Given, Manifest};
use workspace::Workspaces;

/// The texts of a checkout by path, from its root and with `/`.
pub type Texts = BTreeMap<String, String>;

const MANIFEST: &str = "Cargo.toml";
const LOCK: &str = "Cargo.lock";
const TOOLCHAINS: [&str; 2] = ["rust-toolchain.toml", "rust-toolchain"];

/// Whether a file by this path is read here.
pub fn reads(path: &str) -> bool {
    let (dir, name) = split(path);
    // What is Foreign may be a member of a workspace all the same (`crates/build`); the manifests tell.
    let known = [MANIFEST, LOCK].contains(&name) || TOOLCHAINS.contains(&name);
    known && !dir.split('/').any(|name| matches!(name, "node_modules" | "target"))
}

/// All that the checkout's manifests and locks say.
pub fn extract(texts: &Texts) -> Found {
    let mut found = Found::default();
    let (manifests, broken) = manifests(texts);
    let workspaces = Workspaces::new(&manifests, &mut found.notes);
    let taken = taken(&manifests, &workspaces, &mut found.notes);
    // A manifest that cannot be read matters where it is the project's own.
    found.notes.extend(broken.into_iter().filter(|(dir, _)| place(dir) == Place::Own).map(|(_, why)| why));
    let mut roots: Vec<&str> = taken.iter().filter_map(|dir| workspaces.root(dir)).collect();
    roots.sort_unstable();
    roots.dedup();
    for root in roots {
        let path = join(root, LOCK);
        let Some(text) = texts.get(&path) else { continue };
        match lock::read(&path, text, found.locked.len()) {
            Ok((locked, notes)) => {
                found.locked.extend(locked);
                found.notes.extend(notes);
            }
            Err(why) => found.notes.push(why),
        }
    }
    resolve::declare(&manifests, &workspaces, &taken, &mut found);
    found.toolchains =
        toolchain(texts, &manifests, &taken, &workspaces).map(|v| ("rust".to_owned(), v)).into_iter().collect();
    found
}

/// The lock that counts for each manifest that can be read, by path, whether there is one or not.
pub fn locks(texts: &Texts) -> BTreeMap<String, String> {
    let (manifests, _) = manifests(texts);
    let workspaces = Workspaces::new(&manifests, &mut Vec::new());
    let lock = |dir: &str| join(workspaces.root(dir).unwrap_or(dir), LOCK);
    manifests.keys().map(|dir| (join(dir, MANIFEST), lock(dir))).collect()
}

/// What could be read, by folder; and folder and sentence of what could not.
fn manifests(texts: &Texts) -> (BTreeMap<String, Manifest>, Vec<(String, String)>) {
    let (mut read, mut broken) = (BTreeMap::new(), Vec::new());
    for (path, text) in texts {
        let (dir, name) = split(path);
        if name != MANIFEST {
            continue;
        }
        match manifest::read(path, text) {
            Ok(manifest) => drop(read.insert(dir.to_owned(), manifest)),
            Err(why) => broken.push((dir.to_owned(), why)),
        }
    }
    (read, broken)
}

/// The folders whose manifests count: the project's own, what its workspaces list, and examples where there is nothing else.
fn taken(manifests: &BTreeMap<String, Manifest>, workspaces: &Workspaces, notes: &mut Vec<String>) -> Vec<String> {
    let own: Vec<&String> = manifests.keys().filter(|dir| place(dir) == Place::Own).collect();
    let least = if own.is_empty() { Place::Aside } else { Place::Own };
    let (taken, left): (Vec<&String>, Vec<&String>) =
        manifests.keys().partition(|dir| place(dir) <= least || workspaces.lists(dir, least));
    if let Some(first) = left.first() {
        notes.push(format!(
            "Cargo.toml in folders for examples, tests or other people's code: {} left out ({}{}); a workspace that lists them brings them in.",
            left.len(),
            if left.len() == 1 { "" } else { "the first: " },
            join(first, MANIFEST)
        ));
    }
    taken.into_iter().cloned().collect()
}

/// The lowest version of Rust that anything here promises to work with, or that the repository builds with.
fn toolchain(
    texts: &Texts,
    manifests: &BTreeMap<String, Manifest>,
    taken: &[String],
    workspaces: &Workspaces,
) -> Option<String> {
    let promised = taken.iter().filter_map(|dir| match manifests.get(dir)?.rust.as_ref()? {
        Given::Here(version) => Some(version.clone()),
        Given::Inherited => manifests.get(workspaces.root(dir)?)?.workspace.as_ref()?.rust.clone(),
    });
    let used =
        texts.iter().filter(|(path, _)| TOOLCHAINS.contains(&split(path).1) && place(split(path).0) == Place::Own);
    let used = used.filter_map(|(_, text)| channel(text));
    let lower = |a: String, b: String| if rules::runs_on(Ecosystem::Cargo, &a, &b) == Some(true) { a } else { b };
    let numbered = |version: &String| rules::runs_on(Ecosystem::Cargo, version, version) == Some(true);
    promised.chain(used).map(|version| version.trim().to_owned()).filter(numbered).reduce(lower)
}

/// What a toolchain file names: `stable` and nightlies promise nothing that could be compared.
fn channel(text: &str) -> Option<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Ok(table) = text.parse::<toml::Table>() {
        return Some(table.get("toolchain")?.get("channel")?.as_str()?.to_owned());
    }
    text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned)
}

#[cfg(test)]
mod tests;
