//! Python: `requirements*.txt` and `.in`, `pyproject.toml` by PEP 621, PEP 735 and Poetry, `uv.lock`, `poetry.lock`.
//!
//! A requirements file is a lock for what it pins exactly, unless a `.in` of the same name stands beside it: then it is
//! the lock of that one, and nothing is declared in it.

mod lock;
mod marker;
mod metadata;
mod pyproject;
mod requirement;
mod requirements;

use std::collections::{BTreeMap, BTreeSet};

pub use metadata::{requirements, requires, says};
pub use requirement::normal;

use super::model::{Declared, Dependency, Ecosystem, Found, Locked, Origin, Purpose};
use super::rules;
use super::source::{Files, Lines, folder, is, readable, upwards};

const LOCKS: [&str; 2] = ["uv.lock", "poetry.lock"];

/// Whether extraction wants to read this file.
pub fn reads(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name == "pyproject.toml" || LOCKS.contains(&name) || requirements::named(path)
}

/// What a checkout asks for, and what it has locked.
pub fn extract(files: &Files) -> Found {
    let mut found = Found::default();
    for (file, text) in files.iter().filter(|(file, _)| LOCKS.iter().any(|lock| is(file, lock))) {
        match readable(file, text).and_then(|text| lock::read(file, text)) {
            Ok(lock) => append(&mut found, lock),
            Err(note) => found.notes.push(note),
        }
    }
    pyprojects(files, &mut found);
    requirements::read(files, &mut found);
    attach(&mut found);
    name_indexes(files, &mut found);
    found.declared.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    found
}

/// Appends a lock whose places are in itself.
fn append(found: &mut Found, lock: lock::Lock) {
    let begin = found.locked.len();
    found.asks.extend(lock.asks.into_iter().map(|(at, asks)| (at + begin, asks)));
    found.locked.extend(lock.locked.into_iter().map(|mut locked| {
        locked.needs.iter_mut().for_each(|need| *need += begin);
        locked
    }));
}

fn pyprojects(files: &Files, found: &mut Found) {
    let mut promises = BTreeSet::new();
    for (file, text) in files.iter().filter(|(file, _)| is(file, "pyproject.toml")) {
        match readable(file, text).and_then(|text| pyproject::read(file, text)) {
            Ok(project) => {
                found.declared.extend(project.declared);
                promises.extend(project.python);
            }
            Err(note) => found.notes.push(note),
        }
    }
    found.toolchains.extend(rules::lowest(Ecosystem::Python, promises).map(|promise| ("python".to_owned(), promise)));
}

/// Says of every line of a `pyproject.toml` what the nearest lock above it has.
fn attach(found: &mut Found) {
    let mut versions: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    let mut locks: BTreeSet<&str> = BTreeSet::new();
    for locked in &found.locked {
        locks.insert(&locked.file);
        versions.entry((&locked.file, &locked.name)).or_default().insert(&locked.version);
    }
    for declared in found.declared.iter_mut().filter(|declared| is(&declared.file, "pyproject.toml")) {
        let beside = |dir: &str| {
            let path = |name: &str| if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") };
            LOCKS.iter().map(|name| path(name)).find(|path| locks.contains(path.as_str()))
        };
        let Some(lock) = upwards(folder(&declared.file)).find_map(beside) else { continue };
        let has = versions.get(&(lock.as_str(), declared.name.as_str()));
        declared.locked = has.into_iter().flatten().map(|version| (*version).to_owned()).collect();
    }
}

/// Indexes that `[[tool.uv.index]]` and `[[tool.poetry.source]]` name: what a lock took from there has their name.
fn name_indexes(files: &Files, found: &mut Found) {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for (file, text) in files.iter().filter(|(file, _)| is(file, "pyproject.toml")) {
        if let Ok(text) = readable(file, text) {
            names.extend(pyproject::indexes(text));
        }
    }
    for locked in &mut found.locked {
        if let Origin::Named(address) = &locked.origin {
            locked.origin = match names.get(address) {
                Some(name) => Origin::Named(name.clone()),
                // The lock always writes an address; one that nobody named is the client's own.
                None if is(&locked.file, "uv.lock") => Origin::Registry,
                None => continue,
            };
        }
    }
}

/// A line of a manifest that asks for `requirement`.
fn declared(
    place: (&str, &Lines, usize),
    purpose: Purpose,
    (name, requirement, origin): (String, String, Origin),
) -> Declared {
    let (file, lines, at) = place;
    let (ecosystem, line) = (Ecosystem::Python, lines.at(at));
    Declared { ecosystem, name, file: file.to_owned(), line, requirement, purpose, origin, locked: Vec::new() }
}

#[cfg(test)]
mod tests;
