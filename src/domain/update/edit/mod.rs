//! From what is wanted to what is changed: manifests as texts, locks by their ecosystem's own client.
//!
//! A manifest changes by one requirement at a time and by no other byte, and the same reader that found the line says
//! afterwards whether it is so. One change that cannot be made is none at all: there is no half of a plan.

mod cargo;
mod failure;
mod go;
mod locks;
mod npm;
mod npmrc;
mod overrides;
mod pin;
mod python;
mod raise;
mod sheet;
mod yarn;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::course::Item;
use super::model::Ecosystem;
use super::{Files, extract, rules};
pub use failure::{MARK, failure};
use sheet::Sheet;

/// One call of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// The folder that it is called in, from the root of the checkout; empty: the root.
    pub folder: String,
    /// Manifests as they are to be when it begins, by path: with the very version where a client takes the newest otherwise.
    /// Also what else the client is to find.
    pub before: Vec<(String, String)>,
    /// Variables.
    pub env: Vec<(String, String)>,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Whether another one of these may have to come first: those that fail are called again as long as one of them gets on.
    pub waits: bool,
}

/// A version that a lock is to have in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// The lock.
    pub lock: String,
    /// The package.
    pub name: String,
    /// The version.
    pub version: String,
}

/// What a client writes in a file of its own, and what becomes a part of another one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    /// The file that it is put into.
    pub file: String,
    /// The file that the client writes; it is nobody's afterwards.
    pub from: String,
    /// Lines of the file, from 1, with the package and its version then: their hashes are what is put there.
    pub lines: Vec<(u32, String, String)>,
}

impl Command {
    fn of(folder: &str, argv: impl IntoIterator<Item = impl Into<String>>) -> Command {
        Command { folder: folder.to_owned(), argv: argv.into_iter().map(Into::into).collect(), ..Command::default() }
    }
}

/// What is to be done to a checkout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Manifests as they are to be, by path.
    pub files: Vec<(String, String)>,
    /// Calls, in order.
    pub commands: Vec<Command>,
    /// Locks that the calls may change.
    pub locks: Vec<String>,
    /// What the calls write apart.
    pub pieces: Vec<Piece>,
    /// What they are to have then.
    pub wants: Vec<Want>,
    /// What they are not to have any more then.
    pub ends: Vec<Want>,
}

impl Plan {
    /// Every file that is to be kept of what the calls leave.
    pub fn kept(&self) -> impl Iterator<Item = &String> {
        let pieces = self.pieces.iter().map(|piece| &piece.from);
        self.files.iter().map(|(path, _)| path).chain(&self.locks).chain(pieces)
    }

    /// What was kept, with every piece in its place.
    ///
    /// # Errors
    /// A client did not write what it was asked for: in words.
    pub fn joined(&self, mut files: Vec<(String, String)>) -> Result<Vec<(String, String)>, String> {
        let mut wanted: BTreeMap<&str, Vec<(u32, String, String, &str)>> = BTreeMap::new();
        let pieces: Vec<(String, String)> =
            files.extract_if(.., |(path, _)| self.pieces.iter().any(|piece| piece.from == *path)).collect();
        for Piece { file, from, lines } in &self.pieces {
            let answer = pieces.iter().find(|(path, _)| path == from).map_or("", |(_, text)| text.as_str());
            let lines = lines.iter().map(|(line, name, version)| (*line, name.clone(), version.clone(), answer));
            wanted.entry(file).or_default().extend(lines);
        }
        for (file, wanted) in wanted {
            let text = files.iter_mut().find(|(path, _)| path == file).map(|(_, text)| text);
            let text = text.ok_or_else(|| format!("{file} did not come back from the client's run"))?;
            *text = python::put(file, text, wanted)?;
        }
        Ok(files)
    }

    /// What the clients did not do, as a sentence. `after`: manifests and locks as the clients left them.
    pub fn unmet(&self, after: &Files) -> Option<String> {
        let locked = extract(after).locked;
        let has = |Want { lock, name, version }: &Want| {
            let of: Vec<_> = locked.iter().filter(|one| one.file == *lock && one.name == *name).collect();
            let same = |ecosystem: Ecosystem, other: &str| {
                other == version || rules::compare(ecosystem, other, version) == Some(Ordering::Equal)
            };
            let it = of.iter().any(|one| same(one.ecosystem, &one.version));
            (it, of.iter().map(|one| one.version.as_str()).collect::<Vec<&str>>())
        };
        let missing = self.wants.iter().find_map(|want| {
            let (it, other) = has(want);
            (!it).then(|| failure::other(&want.lock, (&want.name, &want.version), &other))
        });
        let stays =
            || self.ends.iter().find(|end| has(end).0).map(|end| failure::stays(&end.lock, (&end.name, &end.version)));
        missing.or_else(stays)
    }
}

/// Whether a lock's client can bring a package to a version that no manifest names, where everybody takes it who asks for it.
pub fn alone(ecosystem: Ecosystem, lock: &str) -> bool {
    match ecosystem {
        Ecosystem::Npm => npm::alone(lock),
        Ecosystem::Python => true,
        _ => false,
    }
}

/// Whether a lock keeps for each who asks for a package which version that is, so that a manifest's line moves its own alone.
pub fn apart(ecosystem: Ecosystem, lock: &str) -> bool {
    ecosystem == Ecosystem::Npm && npm::apart(lock)
}

/// A change, and what its line says once the manifest is edited.
struct Change<'i> {
    item: &'i Item,
    /// The requirement; `None`: no manifest changes.
    edited: Option<String>,
}

/// What to write and what to call for these changes.
///
/// # Errors
/// Why they cannot be made, in words.
pub fn plan(texts: &Files, items: &[Item]) -> Result<Plan, String> {
    let mut sheet = Sheet::new(texts);
    let mut changes = Vec::with_capacity(items.len());
    for item in items {
        // Go's manifest is its client's to write.
        let stays = item.lock_only || item.line == 0 || item.ecosystem == Ecosystem::Go;
        let edited = if stays { None } else { Some(sheet.change(item)?) };
        changes.push(Change { item, edited });
    }
    let mut plan = Plan { files: sheet.files(), ..Plan::default() };
    let of = |ecosystem: Ecosystem| changes.iter().filter(move |change| change.item.ecosystem == ecosystem).collect();
    cargo::calls(texts, of(Ecosystem::Cargo), &mut plan)?;
    npm::calls(texts, of(Ecosystem::Npm), &mut plan)?;
    python::calls(texts, of(Ecosystem::Python), &mut plan)?;
    go::calls(texts, of(Ecosystem::Go), &mut plan)?;
    plan.locks.sort();
    plan.locks.dedup();
    Ok(plan)
}

#[cfg(test)]
mod tests;
