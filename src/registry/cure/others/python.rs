//! By what a distribution in a lock holds another one: Poetry's lock says so, of others their published metadata do.

use super::{Known, Looked, package, releases};
use crate::domain::update::{Dependency, Ecosystem, Locked, Package, Release, python, rules};
use crate::registry::How;

/// Whether a compiled requirements file does not say who requires what, so that everything in it may.
pub(super) fn unsaid(known: &Known<'_>, (ecosystem, file): (Ecosystem, &str)) -> bool {
    let of_it = |one: &&Locked| one.file == file;
    let own = known.found.declared.iter().any(|line| line.file == file);
    ecosystem == Ecosystem::Python && !own && known.found.locked.iter().filter(of_it).all(|one| one.needs.is_empty())
}

/// The requirements; `None`: they could not be looked up. Empty only where nobody says that it needs anything. `at` is its place
/// in the lock.
pub(super) async fn requirements(known: &Known<'_>, (at, holder): (usize, &Locked), name: &str) -> Option<Vec<String>> {
    let asks = known.found.asks.get(&at).map(Vec::as_slice).unwrap_or_default();
    let published = if python::says(asks, name) { Vec::new() } else { published(known, holder).await? };
    let promise = known.found.toolchains.iter().find(|(toolchain, _)| toolchain == "python");
    let promise = promise.map(|(_, promise)| promise.as_str());
    let all = python::requirements((asks, &published), name, promise);
    Some(all).filter(|all| !all.is_empty() || holder.needs.is_empty())
}

/// Asks about everything in a file at once, so that what is asked one by one afterwards is known.
pub(super) async fn learn(known: &Known<'_>, file: &str) {
    let all: Vec<(Package, &Locked)> =
        known.found.locked.iter().filter(|one| one.file == file).filter_map(|one| Some((package(one)?, one))).collect();
    let packages: Vec<Package> = all.iter().map(|(package, _)| package.clone()).collect();
    let answers = known.packages.look_up(&packages, How { now: known.policy.now, deep: false }).await;
    let listed = all.into_iter().filter_map(|(package, one)| {
        let Some(Looked::Releases(releases)) = answers.get(&package) else { return None };
        let release = releases.iter().find(|release| same(release, one))?.clone();
        Some((package, release))
    });
    known.packages.detail(listed.collect(), known.policy.now).await;
}

/// What it requires, as published.
async fn published(known: &Known<'_>, holder: &Locked) -> Option<Vec<Dependency>> {
    let package = package(holder)?;
    let release = releases(known, holder, false).await?.into_iter().find(|release| same(release, holder))?;
    let told = known.packages.detail(vec![(package, release)], known.policy.now).await.pop()?;
    told.unknown.is_none().then_some(told.dependencies)
}

fn same(release: &Release, locked: &Locked) -> bool {
    let order = || rules::compare(Ecosystem::Python, &release.version, &locked.version);
    release.version == locked.version || order() == Some(std::cmp::Ordering::Equal)
}
