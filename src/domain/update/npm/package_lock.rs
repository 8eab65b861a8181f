//! `package-lock.json` and `npm-shrinkwrap.json`, versions 2 and 3: where each package lies in `node_modules` decides who gets
//! it, as in Node itself.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::json::{self, members, text, what};
use super::lock::{Lock, Wishes, locked};
use super::{Origin, spec};
use crate::domain::update::source::{broken, folder, join, safe};

#[derive(Deserialize)]
struct File<'t> {
    #[serde(rename = "lockfileVersion")]
    version: Option<u32>,
    #[serde(borrow, default)]
    packages: Packages<'t>,
}

/// By the path that they lie on.
type Packages<'t> = BTreeMap<String, Entry<'t>>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'t> {
    name: Option<String>,
    version: Option<String>,
    resolved: Option<String>,
    #[serde(default)]
    link: bool,
    #[serde(borrow)]
    dependencies: Option<&'t RawValue>,
    #[serde(borrow)]
    dev_dependencies: Option<&'t RawValue>,
    #[serde(borrow)]
    optional_dependencies: Option<&'t RawValue>,
    #[serde(borrow)]
    peer_dependencies: Option<&'t RawValue>,
}

impl Entry<'_> {
    fn asks(&self) -> impl Iterator<Item = (String, String)> {
        let tables = [self.dependencies, self.dev_dependencies, self.optional_dependencies, self.peer_dependencies];
        tables.into_iter().flatten().flat_map(members).filter_map(|(name, value)| Some((name, text(value)?)))
    }
}

/// Reads one; the error is a sentence.
pub fn read(file: &str, source: &str) -> Result<Lock, String> {
    let parsed: File<'_> =
        serde_json::from_str(source).map_err(|error| broken(file, json::line(&error), what(&error)))?;
    if parsed.version.is_none_or(|version| version < 2) {
        let how = "it is older than npm 7; `npm install --package-lock-only` of a newer npm writes what can be read";
        return Err(broken(file, None, how));
    }
    let packages = parsed.packages;
    let own = packages.iter().filter(|(_, entry)| !entry.link);
    let places: BTreeMap<&str, usize> = own.clone().enumerate().map(|(at, (path, _))| (path.as_str(), at)).collect();
    let mut all = Vec::with_capacity(places.len());
    let mut wishes: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    let mut strangers = Vec::new();
    for (path, entry) in own {
        let version = entry.version.as_deref().unwrap_or_default();
        let mut one = locked(file, (called(path, entry), version), origin(path, entry));
        let dir = importer(path).then(|| join(folder(file), path)).flatten();
        let mut asks = dir.map(|dir| wishes.entry(dir).or_default());
        for (name, said) in entry.asks() {
            let Some(at) = find(&packages, path, &name).and_then(|path| places.get(path).copied()) else { continue };
            one.needs.push(at);
            strangers.extend(spec::foreign(&said).map(|place| (at, place)));
            if let Some(asks) = &mut asks {
                asks.insert(name, at);
            }
        }
        all.push(one);
    }
    for (at, place) in strangers {
        if all[at].origin == Origin::Registry {
            all[at].origin = Origin::Elsewhere(place);
        }
    }
    Ok(Lock { file: file.to_owned(), locked: all, wishes: Wishes::Folder(wishes) }.settled())
}

/// Whether a path is the root's or a workspace's, not an installed package's.
fn importer(path: &str) -> bool {
    !path.contains("node_modules/")
}

/// An alias lies under its own name and says the real one.
fn called<'e>(path: &'e str, entry: &'e Entry<'_>) -> &'e str {
    let lies = path.rsplit_once("node_modules/").map_or(path, |(_, name)| name);
    entry.name.as_deref().unwrap_or(lies)
}

fn origin(path: &str, entry: &Entry<'_>) -> Origin {
    match entry.resolved.as_deref() {
        _ if importer(path) => Origin::Elsewhere("workspace".to_owned()),
        Some(address) if address.starts_with("git") || address.starts_with("file:") => Origin::Elsewhere(safe(address)),
        _ => Origin::Registry,
    }
}

/// Where Node finds a package that the one at `from` asks for: beside it, else in the folders above.
fn find<'p>(packages: &'p Packages<'_>, from: &str, name: &str) -> Option<&'p str> {
    let mut inner = Some(from);
    while let Some(path) = inner {
        let wanted =
            if path.is_empty() { format!("node_modules/{name}") } else { format!("{path}/node_modules/{name}") };
        if let Some((path, entry)) = packages.get_key_value(&wanted) {
            let target = entry.resolved.as_deref().filter(|_| entry.link).unwrap_or(path);
            return packages.get_key_value(target).map(|(path, _)| path.as_str());
        }
        inner = match path.rfind("node_modules/") {
            Some(at) => Some(path[..at].trim_end_matches('/')),
            None => (!path.is_empty()).then(|| folder(path)),
        };
    }
    None
}
