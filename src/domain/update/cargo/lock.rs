//! One Cargo.lock, of any of its versions: packages, where they come from, and which needs which.

use std::collections::HashMap;

use serde::Deserialize;

use crate::domain::update::address;
use crate::domain::update::model::{Ecosystem, Locked, Origin};
use crate::domain::update::source::{Lines, broken, readable};

/// The newest format that is known; a newer one is read as far as it can be.
const NEWEST: u32 = 4;

#[derive(Deserialize)]
struct File {
    version: Option<u32>,
    #[serde(default)]
    package: Vec<Package>,
    /// Cargo wrote the package of a folder here until 2018.
    root: Option<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

/// What a lock has, with places that begin at `base`, and what was wrong with it.
pub(super) fn read(path: &str, text: &str, base: usize) -> Result<(Vec<Locked>, Vec<String>), String> {
    let text = readable(path, text)?;
    let file: File = toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| Lines::of(text).at(span.start));
        broken(path, line, error.message())
    })?;
    let mut notes = Vec::new();
    if let Some(version) = file.version.filter(|version| *version > NEWEST) {
        notes.push(format!(
            "{path} has the format {version}; this version of Fairway knows {NEWEST}, and read it as that."
        ));
    }
    let packages: Vec<Package> = file.root.into_iter().chain(file.package).collect();
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, package) in packages.iter().enumerate() {
        places.entry(&package.name).or_default().push(at);
    }
    let mut missing = Vec::new();
    let mut locked = Vec::with_capacity(packages.len());
    for package in &packages {
        let mut needs = Vec::with_capacity(package.dependencies.len());
        for dependency in &package.dependencies {
            match find(&packages, &places, dependency) {
                Some(at) => needs.push(base + at),
                None => missing.push(dependency.split(' ').next().unwrap_or_default()),
            }
        }
        locked.push(Locked {
            ecosystem: Ecosystem::Cargo,
            file: path.to_owned(),
            name: package.name.clone(),
            version: package.version.clone(),
            origin: origin(package.source.as_deref()),
            needs,
        });
    }
    if let Some(first) = missing.first() {
        let count = missing.len();
        notes.push(format!(
            "{path} needs what it does not hold ({first}, {count} in all); type: cargo generate-lockfile"
        ));
    }
    Ok((locked, notes))
}

/// `name`, `name 1.0.0` or `name 1.0.0 (source)`: as much as makes it the only one.
fn find(packages: &[Package], places: &HashMap<&str, Vec<usize>>, dependency: &str) -> Option<usize> {
    let mut words = dependency.splitn(3, ' ');
    let named = places.get(words.next()?)?;
    let version = words.next();
    let source = words.next().map(|source| source.trim_start_matches('(').trim_end_matches(')'));
    let fits = |at: &&usize| {
        let package = &packages[**at];
        version.is_none_or(|version| package.version == version)
            && source.is_none_or(|source| package.source.as_deref() == Some(source))
    };
    named.iter().find(fits).copied()
}

/// Cargo writes the source that was replaced, not the one that replaces it, so its default registry always looks alike.
fn origin(source: Option<&str>) -> Origin {
    let Some(source) = source else { return Origin::Elsewhere("path".to_owned()) };
    match source.split_once('+') {
        Some(("registry" | "sparse", address)) if default_registry(address) => Origin::Registry,
        Some(("registry" | "sparse", address)) => Origin::Named(address::shown(address)),
        Some((kind, address)) => Origin::Elsewhere(format!("{kind} {}", address::shown(address))),
        None => Origin::Elsewhere(address::shown(source)),
    }
}

fn default_registry(address: &str) -> bool {
    let bare = |address: &str| address.trim_end_matches('/').to_owned();
    let sparse = crates_index::sparse::URL.trim_start_matches("sparse+");
    address.ends_with("/rust-lang/crates.io-index") || bare(address) == bare(sparse)
}
