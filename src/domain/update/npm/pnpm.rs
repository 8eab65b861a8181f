//! `pnpm-lock.yaml`, versions 5 to 9, and the catalogs and overrides of `pnpm-workspace.yaml`.

use std::collections::{BTreeMap, BTreeSet};

use super::lock::{Lock, Wishes, locked};
use super::manifest::{Ask, ask, selected};
use super::spec::{cut, foreign};
use super::{Locked, Origin, Purpose};
use crate::domain::update::source::{broken, folder, join, safe};
use crate::domain::update::yaml::walk;

const TABLES: [&str; 3] = ["dependencies", "devDependencies", "optionalDependencies"];

/// Names to versions.
type Table = BTreeMap<String, String>;

/// What the file says, before anything is looked up in it.
#[derive(Default)]
struct Read {
    /// By the path of the manifest.
    importers: BTreeMap<String, Table>,
    /// By key: what stands in `packages` and in `snapshots`.
    packages: BTreeMap<String, Table>,
    /// The version of what is no registry's, by key.
    versions: Table,
    /// By selector, as they were when the lock was made.
    overrides: Table,
    /// Keys without peers, and names of what only others can bring them.
    peers: BTreeSet<(String, String)>,
}

/// One that has a version of a package.
#[derive(Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its own name.
    pub name: String,
    /// Its version; empty where the lock does not say one.
    pub version: String,
    /// What it calls the package: an alias, or its name.
    pub called: String,
}

impl Read {
    fn visit(&mut self, path: &[&str], text: Option<&str>) {
        let put = |into: &mut BTreeMap<String, Table>, key: &str, entry: Option<(&str, &str)>| {
            let table = into.entry(key.to_owned()).or_default();
            table.extend(entry.map(|(name, version)| (name.to_owned(), version.to_owned())));
        };
        match (path, text) {
            (["importers", importer], None) => put(&mut self.importers, importer, None),
            (["importers", importer, table, name] | ["importers", importer, table, name, "version"], Some(version))
                if TABLES.contains(table) =>
            {
                put(&mut self.importers, importer, Some((name, version)));
            }
            // A lock of one package alone, before version 9.
            ([table, name] | [table, name, "version"], Some(version)) if TABLES.contains(table) => {
                put(&mut self.importers, ".", Some((name, version)));
            }
            (["packages" | "snapshots", key], None) => put(&mut self.packages, key, None),
            (["packages" | "snapshots", key, table, name], Some(version)) if TABLES.contains(table) => {
                put(&mut self.packages, key, Some((name, version)));
            }
            (["packages", key, "peerDependencies", name], Some(_)) => {
                self.peers.insert((bare(key).to_owned(), (*name).to_owned()));
            }
            (["overrides", selector], Some(version)) => {
                self.overrides.insert((*selector).to_owned(), version.to_owned());
            }
            (["packages", key, "version"], Some(version)) => {
                self.versions.insert((*key).to_owned(), version.to_owned());
            }
            _ => {}
        }
    }
}

/// Reads one; the error is a sentence.
pub fn read(file: &str, text: &str) -> Result<Lock, String> {
    let read = parse(file, text)?;
    let mut all: Vec<Locked> = Vec::new();
    // The same version with other peers is the same version.
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut known: BTreeMap<(String, String), usize> = BTreeMap::new();
    for key in read.packages.keys() {
        let (name, version, origin) = named(key, &read.versions);
        let at = *known.entry((name, version)).or_insert_with_key(|(name, version)| {
            all.push(locked(file, (name, version), origin));
            all.len() - 1
        });
        places.insert(key, at);
    }
    for (key, asks) in &read.packages {
        let needs = asks.iter().filter_map(|(name, version)| find(&places, name, version));
        all[places[key.as_str()]].needs.extend(needs);
    }
    let wishes = importers(file, &read, &places, &mut all);
    Ok(Lock { file: file.to_owned(), locked: all, wishes: Wishes::Folder(wishes) }.settled())
}

fn parse(file: &str, text: &str) -> Result<Read, String> {
    let mut read = Read::default();
    let mut visit = |path: &[String], text: Option<&str>, _: u32| {
        // All that is looked at lies less deep.
        let parts: Vec<&str> = path.iter().take(6).map(String::as_str).collect();
        read.visit(&parts, text);
    };
    walk(text, &mut visit).map_err(|line| broken(file, line, "it is not the YAML that pnpm writes"))?;
    Ok(read)
}

/// The overrides that a lock was made with, wherever they stand, by their selectors; the error is a sentence.
pub fn overrides(file: &str, text: &str) -> Result<Table, String> {
    parse(file, text).map(|read| read.overrides)
}

/// Which packages of a lock take a version of a package, without the workspace's own and those that get it from their peers;
/// the error is a sentence.
pub fn holders(file: &str, text: &str, (name, version): (&str, &str)) -> Result<Vec<Holder>, String> {
    let read = parse(file, text)?;
    let is_it = |key: &str| {
        let (of, at, origin) = named(key, &read.versions);
        (of.as_str(), at.as_str()) == (name, version) && origin == Origin::Registry
    };
    let places: BTreeMap<&str, usize> =
        read.packages.keys().filter(|key| is_it(key)).map(|key| (key.as_str(), 0)).collect();
    let mut holders = Vec::new();
    for (key, asks) in &read.packages {
        let has = asks.iter().filter(|(called, version)| find(&places, called, version).is_some());
        for (called, _) in has.filter(|(called, _)| !read.peers.contains(&(bare(key).to_owned(), (*called).clone()))) {
            let (name, version, origin) = named(key, &read.versions);
            // What lies elsewhere is called as those call it who ask for it, so only its own name can be known.
            let name = if origin == Origin::Registry { name } else { cut(key).0.to_owned() };
            let holder = Holder { name, version, called: called.clone() };
            if !holders.contains(&holder) {
                holders.push(holder);
            }
        }
    }
    Ok(holders)
}

/// Adds the workspace's own packages, and tells what each asks for.
fn importers(
    file: &str,
    read: &Read,
    places: &BTreeMap<&str, usize>,
    all: &mut Vec<Locked>,
) -> BTreeMap<String, BTreeMap<String, usize>> {
    let begin = all.len();
    let own: BTreeMap<&str, usize> =
        read.importers.keys().enumerate().map(|(at, importer)| (importer.as_str(), begin + at)).collect();
    let origin = || Origin::Elsewhere("workspace".to_owned());
    all.extend(own.keys().map(|importer| locked(file, (importer, ""), origin())));
    let mut wishes = BTreeMap::new();
    for (importer, asks) in &read.importers {
        let Some(dir) = join(folder(file), importer) else { continue };
        let of: &mut BTreeMap<String, usize> = wishes.entry(dir).or_default();
        for (name, version) in asks {
            let linked = version.strip_prefix("link:").and_then(|path| join(importer, path));
            let linked = linked.and_then(|path| own.get(if path.is_empty() { "." } else { &path }).copied());
            if let Some(at) = linked.or_else(|| find(places, name, version)) {
                of.insert(name.clone(), at);
                all[own[importer.as_str()]].needs.push(at);
            }
        }
    }
    wishes
}

/// A wish names a key's end, or the whole key where it is an alias.
fn find(places: &BTreeMap<&str, usize>, name: &str, version: &str) -> Option<usize> {
    let keys = [format!("{name}@{version}"), format!("/{name}@{version}"), format!("/{name}/{version}")];
    keys.iter().map(String::as_str).chain([version]).find_map(|key| places.get(key).copied())
}

/// A key without peers.
fn bare(key: &str) -> &str {
    key.split('(').next().unwrap_or(key)
}

/// `name@1.0.0(peer@2)`, `/name@1.0.0(peer@2)`, `/name/1.0.0_peer@2`, or an address.
fn named(key: &str, versions: &Table) -> (String, String, Origin) {
    let bare = bare(key);
    let short = bare.strip_prefix('/').unwrap_or(bare);
    let (mut name, mut version) = cut(short);
    // In versions before 6 the last part is the version, and only behind its `_` there may be an `@`.
    let last = short.rsplit_once('/').filter(|_| short.len() < bare.len());
    if let Some((before, last)) = last
        && !last.split('_').next().is_some_and(|version| version.contains('@'))
    {
        (name, version) = (before, last.split('_').next().unwrap_or(last));
    }
    let address = if version.is_empty() { Some(safe(bare)) } else { foreign(version) };
    match address {
        Some(place) => {
            let name = if version.is_empty() { place.clone() } else { name.to_owned() };
            (name, versions.get(bare).cloned().unwrap_or_default(), Origin::Elsewhere(place))
        }
        None => (name.to_owned(), version.to_owned(), Origin::Registry),
    }
}

/// What `pnpm-workspace.yaml` asks for.
pub fn workspace(file: &str, text: &str) -> Result<Vec<Ask>, String> {
    let mut asks = Vec::new();
    let mut visit = |path: &[String], text: Option<&str>, line: u32| {
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        let name = match parts.as_slice() {
            ["catalog", name] | ["catalogs", _, name] => Some((*name).to_owned()),
            ["overrides", selector] => selected(selector),
            _ => None,
        };
        let declared = name.zip(text).and_then(|(name, text)| ask((file, line, Purpose::Runtime), &name, text));
        asks.extend(declared.map(|declared| Ask { declared, wish: None }));
    };
    walk(text, &mut visit).map_err(|line| broken(file, line, "it is not YAML that can be read"))?;
    Ok(asks)
}
