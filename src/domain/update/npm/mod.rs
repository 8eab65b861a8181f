//! npm, pnpm and yarn: `package.json`, `pnpm-workspace.yaml`, and the three locks.

mod json;
mod lock;
pub(super) mod manifest;
mod package_lock;
pub(super) mod pnpm;
mod settings;
pub(super) mod spec;
pub(super) mod yarn;

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Declared, Ecosystem, Found, Locked, Origin, Purpose};
use super::rules;
use super::source::{Files, Lines, folder, is, readable, upwards};
use lock::Lock;
use manifest::Ask;
use settings::Registries;

type Reader = fn(&str, &str) -> Result<Lock, String>;

const LOCKS: [(&str, Reader); 4] = [
    ("package-lock.json", package_lock::read),
    ("npm-shrinkwrap.json", package_lock::read),
    ("pnpm-lock.yaml", pnpm::read),
    ("yarn.lock", yarn::read),
];

/// Whether extraction wants to read this file.
pub fn reads(path: &str) -> bool {
    let foreign = path.split('/').any(|part| part == "node_modules");
    let own = ["package.json", "pnpm-workspace.yaml", ".npmrc", ".yarnrc.yml"].iter().any(|name| is(path, name));
    !foreign && (own || LOCKS.iter().any(|(name, _)| is(path, name)))
}

/// The own name of what a package asks for under a name, and the range; `None` where that is no registry's.
pub fn asked(name: &str, said: &str) -> Option<(String, String)> {
    let spec::Spec { name, range, origin } = spec::read(name, said)?;
    (origin == Origin::Registry).then_some((name, range))
}

/// What a checkout asks for, and what it has locked.
pub fn extract(files: &Files) -> Found {
    let mut found = Found::default();
    let locks = locks(files, &mut found.notes);
    let registries = Registries::read(files);
    let mut nodes = BTreeSet::new();
    let mut apart: BTreeMap<(&str, String), BTreeSet<String>> = BTreeMap::new();
    for (file, asks) in manifests(files, &mut nodes, &mut found.notes) {
        let dir = folder(&file);
        let beside = |above: &str| locks.iter().find(|lock| folder(&lock.file) == above && lock.knows(dir));
        let lock = upwards(dir).find_map(beside);
        for Ask { mut declared, wish } in asks {
            if let Some(lock) = lock {
                declared.locked = versions(lock, dir, &declared, wish.as_ref());
                if wish.is_some() && disagree(&declared) {
                    apart.entry((&lock.file, file.clone())).or_default().insert(declared.name.clone());
                }
            }
            if declared.origin == Origin::Registry {
                declared.origin = registries.of(dir, &declared.name);
            }
            found.declared.push(declared);
        }
    }
    found.notes.extend(apart.iter().map(|((lock, manifest), names)| disagreement(lock, manifest, names)));
    found.toolchains.extend(rules::lowest(Ecosystem::Npm, nodes).map(|node| ("node".to_owned(), node)));
    for lock in locks {
        append(&mut found.locked, lock, &registries);
    }
    found.declared.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    found
}

fn locks(files: &Files, notes: &mut Vec<String>) -> Vec<Lock> {
    let mut locks = Vec::new();
    for (file, text) in files.iter().filter(|(file, _)| reads(file)) {
        let Some((_, read)) = LOCKS.iter().find(|(name, _)| is(file, name)) else { continue };
        match readable(file, text).and_then(|text| read(file, text)) {
            Ok(lock) => locks.push(lock),
            Err(note) => notes.push(note),
        }
    }
    locks
}

/// Every manifest with what it asks for.
fn manifests(files: &Files, nodes: &mut BTreeSet<String>, notes: &mut Vec<String>) -> Vec<(String, Vec<Ask>)> {
    let mut all = Vec::new();
    for (file, text) in files.iter().filter(|(file, _)| reads(file)) {
        let asks = if is(file, "package.json") {
            readable(file, text).and_then(|text| manifest::read(file, text)).map(|manifest| {
                nodes.extend(manifest.node);
                notes.extend(manifest.notes);
                manifest.asks
            })
        } else if is(file, "pnpm-workspace.yaml") {
            readable(file, text).and_then(|text| pnpm::workspace(file, text))
        } else {
            continue;
        };
        match asks {
            Ok(asks) => all.push((file.clone(), asks)),
            Err(note) => notes.push(note),
        }
    }
    all
}

/// What the lock has for a line. For catalogs and overrides that is every version that their range takes.
fn versions(lock: &Lock, dir: &str, declared: &Declared, wish: Option<&(String, String)>) -> Vec<String> {
    if let Some((name, said)) = wish {
        return lock.find(dir, (name, said)).map(|locked| locked.version.clone()).into_iter().collect();
    }
    let same = lock.locked.iter().filter(|locked| locked.name == declared.name);
    let taken = same.filter(|locked| rules::admits(Ecosystem::Npm, &declared.requirement, &locked.version));
    taken.map(|locked| locked.version.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Whether the lock has nothing for a line, or what the line does not take. A tag takes anything.
fn disagree(declared: &Declared) -> bool {
    let range = rules::floor(Ecosystem::Npm, &declared.requirement).is_some();
    let fits = |version: &String| !range || rules::admits(Ecosystem::Npm, &declared.requirement, version);
    declared.origin == Origin::Registry && !declared.locked.iter().any(fits)
}

fn disagreement(lock: &str, manifest: &str, names: &BTreeSet<String>) -> String {
    let shown: Vec<&str> = names.iter().map(String::as_str).take(3).collect();
    let shown = match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    };
    let client = match lock.rsplit('/').next() {
        Some("pnpm-lock.yaml") => "pnpm",
        Some("yarn.lock") => "yarn",
        _ => "npm",
    };
    format!("{lock} does not have what {manifest} asks for ({shown}): run `{client} install` and commit the lock")
}

/// Appends a lock whose `needs` are places in itself.
fn append(all: &mut Vec<Locked>, lock: Lock, registries: &Registries) {
    let begin = all.len();
    all.extend(lock.locked.into_iter().map(|mut locked| {
        locked.needs.iter_mut().for_each(|need| *need += begin);
        if locked.origin == Origin::Registry {
            locked.origin = registries.of(folder(&locked.file), &locked.name);
        }
        locked
    }));
}

#[cfg(test)]
mod tests;
