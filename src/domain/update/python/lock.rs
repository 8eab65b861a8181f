//! `uv.lock` and `poetry.lock`.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Value;

use super::requirement::normal;
use super::{Dependency, Ecosystem, Lines, Locked, Origin};
use crate::domain::update::source::{broken, safe};

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    /// uv leaves it out where the project's own version is dynamic.
    version: Option<String>,
    source: Option<BTreeMap<String, Value>>,
    /// A list in `uv.lock`, a table in `poetry.lock`.
    dependencies: Option<Value>,
    #[serde(default, rename = "optional-dependencies")]
    optional: BTreeMap<String, Value>,
    #[serde(default, rename = "dev-dependencies")]
    development: BTreeMap<String, Value>,
}

/// What one has.
pub struct Lock {
    /// In its order.
    pub locked: Vec<Locked>,
    /// What they require, by their place, as far as the lock says so.
    pub asks: BTreeMap<usize, Vec<Dependency>>,
}

/// Reads one; the error is a sentence. `Origin::Named` has an address until somebody knows its name.
pub fn read(file: &str, text: &str) -> Result<Lock, String> {
    let parsed: File = toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| Lines::of(text).at(span.start));
        broken(file, line, error.message())
    })?;
    let packages = parsed.package;
    let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, package) in packages.iter().enumerate() {
        places.entry(normal(&package.name)).or_default().push(at);
    }
    let locked = packages.iter().map(|package| Locked {
        ecosystem: Ecosystem::Python,
        file: file.to_owned(),
        name: normal(&package.name),
        version: package.version.clone().unwrap_or_default(),
        origin: package.source.as_ref().map_or(Origin::Registry, origin),
        needs: needs(package, &packages, &places),
    });
    let asks = packages.iter().map(asks).enumerate().filter(|(_, asks)| !asks.is_empty());
    Ok(Lock { locked: locked.collect(), asks: asks.collect() })
}

/// uv: `{ registry = "…" }`, `{ git = "…" }`, `{ editable = "." }`. Poetry: `type`, `url` and `reference`.
fn origin(source: &BTreeMap<String, Value>) -> Origin {
    let text = |key: &str| source.get(key).and_then(Value::as_str);
    if let Some(address) = text("registry") {
        return Origin::Named(safe(address));
    }
    match (text("type"), text("reference")) {
        (Some("legacy"), Some(name)) => return Origin::Named(name.to_owned()),
        (Some(kind), _) => return Origin::Elsewhere(format!("{kind} {}", safe(text("url").unwrap_or_default()))),
        _ => {}
    }
    let first = source.iter().find_map(|(kind, value)| Some((kind, value.as_str()?)));
    first.map_or(Origin::Elsewhere("unknown".to_owned()), |(kind, address)| {
        Origin::Elsewhere(format!("{kind} {}", safe(address)))
    })
}

fn needs(package: &Package, packages: &[Package], places: &BTreeMap<String, Vec<usize>>) -> Vec<usize> {
    let mut needs = Vec::new();
    let lists = package.dependencies.iter().chain(package.optional.values()).chain(package.development.values());
    for (name, version) in lists.flat_map(names) {
        let of = places.get(&normal(name)).map(Vec::as_slice).unwrap_or_default();
        let same = |at: &&usize| version.is_none() || packages[**at].version.as_deref() == version;
        needs.extend(of.iter().filter(same));
    }
    needs.sort_unstable();
    needs.dedup();
    needs
}

/// Names, and the version where uv says which of several is meant.
fn names<'v>(value: &'v Value) -> Vec<(&'v str, Option<&'v str>)> {
    match value {
        Value::Array(items) => {
            let one =
                |item: &'v Value| Some((item.get("name")?.as_str()?, item.get("version").and_then(Value::as_str)));
            items.iter().filter_map(one).collect()
        }
        Value::Table(table) => table.keys().map(|name| (name.as_str(), None)).collect(),
        _ => Vec::new(),
    }
}

/// Poetry says everything, with the extra in the marker; uv only names, and under which extra.
fn asks(package: &Package) -> Vec<Dependency> {
    let brought =
        package.optional.iter().flat_map(|(extra, list)| names(list).into_iter().map(move |(name, _)| (extra, name)));
    let mut all: Vec<Dependency> = brought
        .map(|(extra, name)| Dependency {
            name: normal(name),
            optional: true,
            by: vec![normal(extra)],
            ..Dependency::default()
        })
        .collect();
    let Some(Value::Table(table)) = &package.dependencies else { return all };
    for (name, said) in table {
        // Several where they differ from one Python to the next.
        let several = said.as_array().map(|list| list.iter().collect()).unwrap_or_else(|| vec![said]);
        for one in several {
            let text = |key: &str| one.get(key).and_then(Value::as_str);
            let Some(requirement) = one.as_str().or_else(|| text("version")) else { continue };
            all.push(Dependency {
                name: normal(name),
                requirement: requirement.to_owned(),
                optional: one.get("optional").and_then(Value::as_bool).unwrap_or_default(),
                marker: text("markers").map(Into::into),
                ..Dependency::default()
            });
        }
    }
    all
}
