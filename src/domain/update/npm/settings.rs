//! Registries that a repository's own `.npmrc` or `.yarnrc.yml` names. Tokens beside them are not read.

use std::collections::BTreeMap;

use super::{Files, Origin, folder, readable, upwards};
use crate::domain::update::source::safe;
use crate::domain::update::yaml::walk;

/// By folder: scope, empty for all packages, to where it is taken from.
pub struct Registries(BTreeMap<String, BTreeMap<String, Origin>>);

impl Registries {
    /// From every such file of a checkout.
    pub fn read(files: &Files) -> Registries {
        let mut all: BTreeMap<String, BTreeMap<String, Origin>> = BTreeMap::new();
        for (file, text) in files {
            let read = match file.rsplit('/').next() {
                Some(".npmrc") => npmrc,
                Some(".yarnrc.yml") => yarnrc,
                _ => continue,
            };
            if let Ok(text) = readable(file, text) {
                all.entry(folder(file).to_owned()).or_default().extend(read(text));
            }
        }
        Registries(all)
    }

    /// Where a package that a registry has comes from, for the manifest in `dir`.
    pub fn of(&self, dir: &str, name: &str) -> Origin {
        let scope = name.split_once('/').map_or("", |(scope, _)| scope);
        let mut tables = upwards(dir).filter_map(|dir| self.0.get(dir));
        let found = tables.find_map(|table| table.get(scope).or_else(|| table.get("")));
        found.cloned().unwrap_or(Origin::Registry)
    }
}

fn npmrc(text: &str) -> Vec<(String, Origin)> {
    let line = |line: &str| {
        let (key, value) = line.split_once('=')?;
        let scope = key.trim().strip_suffix("registry")?;
        match scope.strip_suffix(':') {
            Some(scope) => Some((scope.to_owned(), Origin::Named(scope.to_owned()))),
            None => scope.is_empty().then(|| (String::new(), Origin::Named(safe(value.trim())))),
        }
    };
    text.lines().filter_map(line).collect()
}

fn yarnrc(text: &str) -> Vec<(String, Origin)> {
    let mut found = Vec::new();
    let mut visit = |path: &[String], text: Option<&str>, _: u32| {
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        match (parts.as_slice(), text) {
            (["npmScopes", scope, "npmRegistryServer"], Some(_)) => {
                let scope = format!("@{scope}");
                found.push((scope.clone(), Origin::Named(scope)));
            }
            (["npmRegistryServer"], Some(address)) => found.push((String::new(), Origin::Named(safe(address)))),
            _ => {}
        }
    };
    // What cannot be read names no registry; yarn says so itself.
    let _ = walk(text, &mut visit);
    found
}
