//! From the lines that ask to what the lock gives each of them.

use std::collections::{BTreeMap, HashMap};

use super::manifest::{Ask, Manifest};
use super::workspace::Workspaces;
use crate::domain::detect::join;
use crate::domain::update::model::{Declared, Ecosystem, Found, Locked, Origin};
use crate::domain::update::rules;

/// So many disagreements between a manifest and its lock are listed one by one.
const LISTED: usize = 5;

/// Adds every line of the manifests in `taken`, with what the locks in `found` have for it.
pub(super) fn declare(
    manifests: &BTreeMap<String, Manifest>,
    workspaces: &Workspaces,
    taken: &[String],
    found: &mut Found,
) {
    let mut declared = Vec::new();
    let mut apart = Vec::new();
    let locks = Locks::new(&found.locked);
    for dir in taken {
        let Some(manifest) = manifests.get(dir) else { continue };
        let root = workspaces.root(dir).unwrap_or(dir);
        for ask in &manifest.asks {
            let Some(requirement) = &ask.requirement else { continue };
            let askers: Vec<&str> = if ask.shared {
                inheritors(manifests, workspaces, dir, ask)
            } else {
                manifest.package.as_deref().into_iter().collect()
            };
            let given = locks.given(&join(root, super::LOCK), ask, requirement, &askers);
            if let Some(other) = &given.disagrees {
                apart.push(format!(
                    "{}:{} asks for {} {requirement}, and {} has {other}; type: cargo update --workspace",
                    join(dir, super::MANIFEST),
                    ask.line,
                    ask.name,
                    join(root, super::LOCK)
                ));
            }
            declared.push(Declared {
                ecosystem: Ecosystem::Cargo,
                name: ask.name.clone(),
                file: join(dir, super::MANIFEST),
                line: ask.line,
                requirement: requirement.clone(),
                purpose: ask.purpose,
                origin: given.patched.unwrap_or_else(|| ask.origin.clone()),
                locked: given.versions,
            });
        }
    }
    let more = apart.len().saturating_sub(LISTED);
    apart.truncate(LISTED);
    found.notes.extend(apart);
    if more > 0 {
        found.notes.push(format!("{more} more lines of manifests disagree with their locks."));
    }
    found.declared = declared;
}

/// The packages that inherit a line of `[workspace.dependencies]`.
fn inheritors<'m>(
    manifests: &'m BTreeMap<String, Manifest>,
    workspaces: &Workspaces,
    root: &str,
    shared: &Ask,
) -> Vec<&'m str> {
    let members = manifests.iter().filter(|(dir, _)| workspaces.root(dir) == Some(root));
    let inherits = |manifest: &&Manifest| {
        manifest.asks.iter().any(|ask| !ask.shared && ask.requirement.is_none() && ask.key == shared.key)
    };
    members.map(|(_, manifest)| manifest).filter(inherits).filter_map(|m| m.package.as_deref()).collect()
}

/// What a lock has for a line.
#[derive(Default)]
struct Given {
    versions: Vec<String>,
    /// Where the lock takes it from, if that is not the registry: `[patch]`.
    patched: Option<Origin>,
    /// What the lock has instead.
    disagrees: Option<String>,
}

struct Locks<'f> {
    locked: &'f [Locked],
    /// By lock and name.
    places: HashMap<&'f str, HashMap<&'f str, Vec<usize>>>,
}

impl<'f> Locks<'f> {
    fn new(locked: &'f [Locked]) -> Locks<'f> {
        let mut places: HashMap<&str, HashMap<&str, Vec<usize>>> = HashMap::new();
        for (at, package) in locked.iter().enumerate() {
            places.entry(&package.file).or_default().entry(&package.name).or_default().push(at);
        }
        Locks { locked, places }
    }

    fn at(&self, file: &str, name: &str) -> &[usize] {
        self.places.get(file).and_then(|names| names.get(name)).map_or(&[], Vec::as_slice)
    }

    /// Those that a package which asks really uses; where none of them is in the lock, all that the requirement takes.
    fn given(&self, file: &str, ask: &Ask, requirement: &str, askers: &[&str]) -> Given {
        let named = self.at(file, &ask.name);
        if matches!(ask.origin, Origin::Elsewhere(_)) || !self.places.contains_key(file) {
            return Given::default();
        }
        let takes = |at: &&usize| rules::admits(Ecosystem::Cargo, requirement, &self.locked[**at].version);
        let needed: Vec<usize> = askers
            .iter()
            .flat_map(|asker| self.at(file, asker))
            .filter(|at| matches!(self.locked[**at].origin, Origin::Elsewhere(_)))
            .flat_map(|at| &self.locked[*at].needs)
            .copied()
            .collect();
        let mut hits: Vec<usize> = named.iter().filter(takes).filter(|at| needed.contains(at)).copied().collect();
        if hits.is_empty() {
            hits = named.iter().filter(takes).copied().collect();
        }
        let mut given = Given::default();
        if let [first, ..] = hits.as_slice()
            && let Some(from) = hits.iter().map(|at| &self.locked[*at].origin).find(|from| elsewhere(from))
        {
            // Somebody put another copy in the registry's place; it is theirs to move.
            let Locked { version, .. } = &self.locked[*first];
            given.versions.push(version.clone());
            given.patched = Some(from.clone());
            return given;
        }
        given.versions = hits.iter().map(|at| self.locked[*at].version.clone()).collect();
        given.versions.dedup();
        // A line of the workspace that nobody inherits has nothing in the lock.
        if hits.is_empty() && !askers.is_empty() {
            let others: Vec<&str> = named.iter().map(|at| self.locked[*at].version.as_str()).collect();
            given.disagrees = Some(if others.is_empty() { "none".to_owned() } else { others.join(" and ") });
        }
        given
    }
}

fn elsewhere(origin: &Origin) -> bool {
    matches!(origin, Origin::Elsewhere(_))
}
