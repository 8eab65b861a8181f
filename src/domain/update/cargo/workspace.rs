//! Which manifest belongs to which workspace. A workspace that names another one as its own leads nowhere, and is said.

use std::collections::BTreeMap;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::manifest::Manifest;
use crate::domain::detect::{Place, join, place, resolve, split, within};
use crate::domain::update::model::Origin;

/// The workspaces of a checkout.
pub(super) struct Workspaces {
    /// Folder of a manifest to the folder of the workspace, or itself, whose lock it uses.
    roots: BTreeMap<String, String>,
    /// Folders of workspaces, and what each lists.
    lists: Vec<(String, GlobSet)>,
    /// Folders that a manifest takes a crate from, by the folder of that manifest.
    paths: Vec<(String, String)>,
}

impl Workspaces {
    pub(super) fn new(manifests: &BTreeMap<String, Manifest>, notes: &mut Vec<String>) -> Workspaces {
        let mut workspaces = Workspaces { roots: BTreeMap::new(), lists: Vec::new(), paths: Vec::new() };
        for (dir, manifest) in manifests {
            if let Some(workspace) = &manifest.workspace {
                workspaces.lists.push((dir.clone(), globs(dir, &workspace.members)));
            }
            for ask in &manifest.asks {
                if let Origin::Elsewhere(from) = &ask.origin
                    && let Some(path) = from.strip_prefix("path ").and_then(|path| resolve(dir, path))
                {
                    workspaces.paths.push((dir.clone(), path));
                }
            }
            let root = root(manifests, dir, manifest).unwrap_or_else(|why| {
                notes.push(why);
                dir.clone()
            });
            workspaces.roots.insert(dir.clone(), root);
        }
        workspaces
    }

    /// The folder whose lock and `[workspace]` count for the manifest in `dir`.
    pub(super) fn root(&self, dir: &str) -> Option<&str> {
        self.roots.get(dir).map(String::as_str)
    }

    /// Whether a manifest of the project itself names this folder as its own: as a member, or by its path. Nothing that stands
    /// in a folder for other people's code is believed about another one there.
    pub(super) fn lists(&self, dir: &str, least: Place) -> bool {
        let trusted = |owner: &str| place(owner) <= least;
        self.lists.iter().any(|(owner, globs)| trusted(owner) && globs.is_match(dir))
            || self.paths.iter().any(|(owner, path)| trusted(owner) && path == dir)
    }
}

/// Cargo's rule: what the package names, else itself, else the nearest folder above with a workspace that does not exclude it.
fn root(manifests: &BTreeMap<String, Manifest>, dir: &str, manifest: &Manifest) -> Result<String, String> {
    if manifest.workspace.is_some() {
        return Ok(dir.to_owned());
    }
    if let Some(named) = &manifest.root {
        let target = resolve(dir, named);
        let is_one = |target: &String| manifests.get(target).is_some_and(|manifest| manifest.workspace.is_some());
        return target.filter(is_one).ok_or_else(|| {
            format!(
                "{} names {named} as its workspace, and that is none; it was read alone.",
                join(dir, super::MANIFEST)
            )
        });
    }
    let mut above = dir;
    while !above.is_empty() {
        above = split(above).0;
        let Some(workspace) = manifests.get(above).and_then(|manifest| manifest.workspace.as_ref()) else { continue };
        let excluded = workspace.exclude.iter().filter_map(|path| resolve(above, path)).any(|path| within(dir, &path));
        if !excluded {
            return Ok(above.to_owned());
        }
    }
    Ok(dir.to_owned())
}

/// A pattern that is none lists nothing, which cargo says better than we could.
fn globs(dir: &str, members: &[String]) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for member in members {
        let Some(path) = resolve(dir, member) else { continue };
        if let Ok(glob) = GlobBuilder::new(&path).literal_separator(true).build() {
            set.add(glob);
        }
    }
    set.build().unwrap_or_default()
}
