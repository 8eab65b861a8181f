//! Calls of cargo that bring a lock to exactly the versions that are wanted, and to no newer ones.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, Command, Plan, Want};
use crate::domain::update::course::Item;
use crate::domain::update::model::{Ecosystem, Locked};
use crate::domain::update::source::{Files, folder, is};
use crate::domain::update::{cargo, rules};

const LOCK: &str = "Cargo.lock";

/// Adds what is to be called, one lock after another. A checkout without a lock needs no call.
pub fn calls(texts: &Files, changes: Vec<&Change<'_>>, plan: &mut Plan) -> Result<(), String> {
    if changes.is_empty() {
        return Ok(());
    }
    let locks = cargo::locks(texts);
    let found = cargo::extract(texts);
    let mut by_lock: BTreeMap<&str, Vec<&Change<'_>>> = BTreeMap::new();
    for change in changes {
        let Item { file, name, .. } = change.item;
        let lock = if is(file, LOCK) { Some(file) } else { locks.get(file) };
        match lock.filter(|lock| texts.contains_key(*lock)) {
            Some(lock) => by_lock.entry(lock).or_default().push(change),
            None if change.edited.is_some() => {}
            None => return Err(format!("there is no Cargo.lock that could change for {name} ({file})")),
        }
    }
    for (lock, changes) in by_lock {
        plan.locks.push(lock.to_owned());
        one(lock, changes, &found.locked, plan);
    }
    Ok(())
}

/// A manifest that does not take the old version any more makes cargo take the newest one, also where `--precise` names
/// another (cargo 1.95): first the lock follows the manifests, then each package goes to its version.
fn one(lock: &str, mut changes: Vec<&Change<'_>>, locked: &[Locked], plan: &mut Plan) {
    let order = order(locked);
    changes.sort_by_key(|change| order.get(&(lock, &change.item.name, &change.item.from)).copied());
    let follow = changes.iter().any(|change| !stays(change));
    let mut calls: Vec<(String, &str)> = Vec::new();
    let packages: BTreeSet<(&str, &str)> =
        changes.iter().map(|change| (&*change.item.name, &*change.item.from)).collect();
    let alone = packages.len() == 1 && !follow;
    for change in &changes {
        let Item { name, from, to, .. } = change.item;
        let there = |one: &Locked| one.file == lock && one.name == *name && promise(&one.version) == promise(to);
        if !stays(change) && locked.iter().filter(|one| there(one)).any(|one| !newer(to, &one.version)) {
            // Another package has it, or a newer one, in the lock, and the manifest takes the same.
            continue;
        }
        let version = if stays(change) && !follows(change.item, lock, locked, &packages) { from } else { to };
        let exact = alone || rules::prerelease(Ecosystem::Cargo, version);
        let spec = format!("{name}@{}", if exact { version.clone() } else { promise(version) });
        match calls.iter_mut().find(|(known, _)| *known == spec) {
            Some((_, known)) if newer(to, known) => *known = to,
            Some(_) => {}
            None => calls.push((spec, to)),
        }
    }
    let folder = folder(lock);
    plan.commands
        .extend(follow.then(|| Command { env: env(), ..Command::of(folder, ["cargo", "update", "--workspace"]) }));
    for (spec, to) in calls {
        let argv = ["cargo", "update", "--package", &spec, "--precise", to];
        plan.commands.push(Command { env: env(), waits: true, ..Command::of(folder, argv) });
        let name = spec.rsplit_once('@').map_or(spec.as_str(), |(name, _)| name);
        plan.wants.push(Want { lock: lock.to_owned(), name: name.to_owned(), version: to.to_owned() });
    }
}

/// Whether a package comes into its new range because all who need it are changed: it is there only after them, in the newest
/// version of that range.
fn follows(item: &Item, lock: &str, locked: &[Locked], changed: &BTreeSet<(&str, &str)>) -> bool {
    let Item { name, from, to, .. } = item;
    let is = |one: &Locked, version: &str| one.file == lock && one.name == *name && one.version == version;
    let needs = |one: &&Locked| one.needs.iter().any(|need| locked.get(*need).is_some_and(|one| is(one, from)));
    let mut owners = locked.iter().filter(needs).peekable();
    promise(from) != promise(to)
        && !locked.iter().any(|one| is(one, to))
        && owners.peek().is_some()
        && owners.all(|owner| changed.contains(&(owner.name.as_str(), owner.version.as_str())))
}

/// What a change brings in besides is such as the promised Rust compiles. Older cargos do not read it.
fn env() -> Vec<(String, String)> {
    vec![("CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS".to_owned(), "fallback".to_owned())]
}

/// Whether the manifest still takes what the lock has.
fn stays(change: &Change<'_>) -> bool {
    change.edited.as_ref().is_none_or(|edited| rules::admits(Ecosystem::Cargo, edited, &change.item.from))
}

fn newer(a: &str, b: &str) -> bool {
    rules::compare(Ecosystem::Cargo, a, b) == Some(std::cmp::Ordering::Greater)
}

/// The part of a version that a lock has only once: `1`, `0.8`, `0.0.3`. It names a package also after another call moved it.
fn promise(version: &str) -> String {
    let plain = version.split(['-', '+']).next().unwrap_or(version);
    let parts: Vec<&str> = plain.split('.').collect();
    let kept = parts.iter().position(|part| *part != "0").unwrap_or(parts.len().saturating_sub(1));
    parts[..=kept.min(parts.len().saturating_sub(1))].join(".")
}

/// Places of packages so that each stands before what it needs. A package that pins another one exactly (serde its derive) has
/// to move first and takes it along; the other way round cargo finds no answer.
fn order(locked: &[Locked]) -> BTreeMap<(&str, &str, &str), usize> {
    let mut done: Vec<usize> = Vec::with_capacity(locked.len());
    let mut seen = vec![false; locked.len()];
    for root in 0..locked.len() {
        let mut open: Vec<(usize, usize)> =
            if std::mem::replace(&mut seen[root], true) { Vec::new() } else { vec![(root, 0)] };
        while let Some((at, next)) = open.pop() {
            match locked[at].needs.get(next) {
                Some(need) => {
                    open.push((at, next + 1));
                    if let Some(seen @ false) = seen.get_mut(*need) {
                        *seen = true;
                        open.push((*need, 0));
                    }
                }
                None => done.push(at),
            }
        }
    }
    let key = |at: usize| (locked[at].file.as_str(), locked[at].name.as_str(), locked[at].version.as_str());
    done.into_iter().rev().enumerate().map(|(place, at)| (key(at), place)).collect()
}
