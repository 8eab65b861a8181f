//! Fixes where Fairway does not put the lock together itself: a line of a manifest that goes to a free version, and a line of a
//! lock alone where everybody who requires it takes one. The client does it, and its lock is audited again.

mod python;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Known;
use crate::domain::update::advisory::fix::{Blocker, Left, Link};
use crate::domain::update::advisory::{Book, Finding, Reach, audit, canonical};
use crate::domain::update::course::{Cure, Ended, Item};
use crate::domain::update::{
    Declared, Dependency, Ecosystem, Found, Locked, Looked, Origin, Package, Release, current, edit, npm, objection,
    pin, rules,
};
use crate::registry::How;

/// Steps from a package up to a manifest that are looked up to say who holds it.
const STEPS: usize = 8;

/// Ends what can be ended, and says why the others stay.
pub(super) async fn others(known: &mut Known<'_>, (findings, book): (&[&Finding], &Arc<Book>), cure: &mut Cure) {
    direct(known, (findings, book), cure).await;
    // Advisories about the same locked package have one answer.
    let mut seen: Vec<(&Finding, Option<Stays>)> = Vec::new();
    for finding in findings {
        let of = |one: &Finding| (one.ecosystem, one.file.clone(), one.name.clone(), one.version.clone());
        let known_answer = seen.iter().find(|(other, _)| of(other) == of(finding)).map(|(_, answer)| answer.clone());
        let answer = match known_answer {
            Some(answer) => answer,
            None => {
                let line = cure.items.iter().any(|item| moves(item, finding));
                match line && !edit::apart(finding.ecosystem, &finding.file) {
                    true => None,
                    false => alone(known, (finding, book), line).await.map(|item| cure.items.extend(item)).err(),
                }
            }
        };
        match answer.clone() {
            Some((blocker, free)) => cure.left.push(Left { finding: (*finding).clone(), blocker, free }),
            None => cure.fixed.push(Ended { finding: (*finding).clone(), reach: Reach::Unknown }),
        }
        seen.push((finding, answer));
    }
    let items = cure.items.iter().filter(|item| item.ecosystem != Ecosystem::Cargo);
    let versions: BTreeSet<_> = items.map(|item| (item.ecosystem, &item.name, &item.from, &item.to)).collect();
    cure.extent.changed += versions.len();
}

/// Why an advisory stays, and which release is free of it whoever requires what.
type Stays = (Blocker, Option<String>);

/// Whether a change is one of the very package of a lock: a line of a manifest below it, or its own.
fn moves(item: &Item, finding: &Finding) -> bool {
    let folder = finding.file.rsplit_once('/').map_or("", |(folder, _)| folder);
    about(finding, item.ecosystem, &item.name, &item.from) && item.file.starts_with(folder)
}

/// Whether a finding is about that very version.
fn about(finding: &Finding, ecosystem: Ecosystem, name: &str, version: &str) -> bool {
    let same =
        || finding.version == version || rules::compare(ecosystem, &finding.version, version) == Some(Ordering::Equal);
    finding.ecosystem == ecosystem && canonical(ecosystem, &finding.name) == canonical(ecosystem, name) && same()
}

/// Where a manifest's line has an affected version: the lowest release above it that no advisory is about.
async fn direct(known: &mut Known<'_>, (findings, book): (&[&Finding], &Arc<Book>), cure: &mut Cure) {
    let mut lines: BTreeMap<Package, Vec<&Declared>> = BTreeMap::new();
    let named = |declared: &&Declared, finding: &&&Finding| {
        let ecosystem = declared.ecosystem;
        finding.ecosystem == ecosystem && canonical(ecosystem, &finding.name) == canonical(ecosystem, &declared.name)
    };
    for declared in known.found.declared.iter().filter(|line| findings.iter().any(|finding| named(line, &finding))) {
        if let Some(package) = Package::of(declared) {
            lines.entry(package).or_default().push(declared);
        }
    }
    let packages: Vec<Package> = lines.keys().cloned().collect();
    let answers = known.packages.look_up(&packages, How { now: known.policy.now, deep: false }).await;
    for (package, lines) in lines {
        let Some(Looked::Releases(releases)) = answers.get(&package) else { continue };
        for declared in lines {
            let Ok(Some(from)) = current(declared, releases) else { continue };
            let Declared { ecosystem, name, file, line, .. } = declared;
            // Another line of the same package may have a version that is free of it.
            if !findings.iter().any(|finding| about(finding, *ecosystem, name, &from)) {
                continue;
            }
            let free = free((*ecosystem, name, &from), releases, book);
            let Some(to) = free.into_iter().find(|release| chosen(known.found, *ecosystem, release)) else { continue };
            let Ok(pin) = pin::of(declared, releases, (&from, to)) else { continue };
            let admits = rules::admits(*ecosystem, &declared.requirement, &to.version);
            cure.items.push(Item {
                ecosystem: *ecosystem,
                name: name.clone(),
                file: file.clone(),
                line: *line,
                from,
                to: to.version.clone(),
                lock_only: admits && !declared.locked.is_empty(),
                published: to.published,
                pin,
            });
        }
    }
}

/// Who requires a package, and by what.
struct Holder {
    /// Its place in the lock; `None`: a manifest.
    at: Option<usize>,
    requirement: String,
}

/// Of a package that no manifest names: the lowest free release that everybody takes who requires it. The error says why there
/// is none, and which release is free whoever requires what. `line`: the manifests' own lines are changed already; `None` then
/// where nobody else requires it.
async fn alone(
    known: &mut Known<'_>,
    (finding, book): (&Finding, &Arc<Book>),
    line: bool,
) -> Result<Option<Item>, Stays> {
    let Finding { ecosystem, file, name, version, place, .. } = finding;
    let Some(releases) = releases(known, &known.found.locked[*place], false).await else {
        return Err((Blocker::NotLookedUp, None));
    };
    let free = free((*ecosystem, name, version), &releases, book);
    let Some(lowest) = free.first() else { return Err((Blocker::NoRelease, None)) };
    let fits: Vec<&&Release> = free.iter().filter(|release| chosen(known.found, *ecosystem, release)).collect();
    let lowest = Some(fits.first().map_or(*lowest, |release| **release).version.clone());
    let item = |to: &Release| Item {
        ecosystem: *ecosystem,
        name: name.clone(),
        file: file.clone(),
        line: 0,
        from: version.clone(),
        to: to.version.clone(),
        lock_only: true,
        published: to.published,
        pin: None,
    };
    match (ecosystem, fits.first()) {
        (Ecosystem::Npm | Ecosystem::Python, _) => {}
        // Nobody can require less than a version there: go takes the highest that anybody asks for.
        (Ecosystem::Go, Some(to)) => return Ok(Some(item(to))),
        _ => return Err((Blocker::Ecosystem, lowest)),
    }
    let Some(mut holders) = holders(known, (*ecosystem, file, name, version)).await else {
        return Err((Blocker::NotLookedUp, lowest));
    };
    if line {
        holders.retain(|holder| holder.at.is_some());
        if holders.is_empty() {
            return Ok(None);
        }
    }
    let takes = |holder: &Holder, release: &Release| rules::admits(*ecosystem, &holder.requirement, &release.version);
    let to = fits.iter().find(|release| holders.iter().all(|holder| takes(holder, release)));
    let Some(to) = to.filter(|_| !holders.is_empty()) else {
        let refused = |holder: &Holder| {
            let fitting = free.iter().find(|release| takes(holder, release));
            fitting.and_then(|release| Some((release.version.clone(), objection(known.found, *ecosystem, release)?)))
        };
        let held = |holder: &&Holder| !fits.iter().any(|release| takes(holder, release));
        let holder = holders.iter().find(held).or(holders.first());
        let refused = holder.and_then(refused);
        return Err((chain(known, (file, name), holder, refused).await, lowest));
    };
    if !edit::alone(*ecosystem, file) {
        return Err((Blocker::Client, Some(to.version.clone())));
    }
    Ok(Some(item(to)))
}

/// All who require a version of a lock; `None`: what one of them requires could not be looked up.
async fn holders(
    known: &Known<'_>,
    (ecosystem, file, name, version): (Ecosystem, &str, &str, &str),
) -> Option<Vec<Holder>> {
    let is_it = |one: &Locked| one.file == file && one.name == name && one.version == version;
    let unsaid = python::unsaid(known, (ecosystem, file));
    if unsaid {
        python::learn(known, file).await;
    }
    let needs = |one: &Locked| {
        unsaid && !is_it(one) || one.needs.iter().any(|need| known.found.locked.get(*need).is_some_and(is_it))
    };
    let mut holders = Vec::new();
    for (at, holder) in known.found.locked.iter().enumerate().filter(|(_, one)| one.file == file && needs(one)) {
        let requirements = match &holder.origin {
            Origin::Elsewhere(_) => continue,
            _ if ecosystem == Ecosystem::Python => python::requirements(known, (at, holder), name).await?,
            _ => requirements(known, holder, (name, version)).await?,
        };
        for requirement in requirements {
            if !holders.iter().any(|other: &Holder| other.requirement == requirement) {
                holders.push(Holder { at: Some(at), requirement });
            }
        }
    }
    let mut lines = known.found.declared.iter().filter(|line| line.name == name);
    let own = lines.find(|line| line.ecosystem == ecosystem && line.locked.iter().any(|one| one == version));
    holders.extend(own.map(|line| Holder { at: None, requirement: line.requirement.clone() }));
    Some(holders)
}

/// What a locked package requires of another one, as published: more than one range where it has it under several names, and
/// none where it gets it from its peers.
async fn requirements(known: &Known<'_>, holder: &Locked, (name, version): (&str, &str)) -> Option<Vec<String>> {
    let releases = releases(known, holder, true).await?;
    let release = releases.into_iter().find(|release| release.version == holder.version)?;
    let of = |needed: Dependency| match holder.ecosystem {
        Ecosystem::Npm => npm::asked(&needed.name, &needed.requirement),
        _ => Some((needed.name, needed.requirement)),
    };
    let asked: Vec<String> =
        release.dependencies.into_iter().filter_map(of).filter(|(of, _)| of == name).map(|(_, range)| range).collect();
    let has = |range: &&String| rules::admits(holder.ecosystem, range, version);
    let of_it: Vec<String> = asked.iter().filter(has).cloned().collect();
    // Where none takes what the lock has, somebody forced it.
    Some(if of_it.is_empty() { asked } else { of_it })
}

async fn releases(known: &Known<'_>, locked: &Locked, deep: bool) -> Option<Vec<Release>> {
    let package = package(locked)?;
    let mut answers = known.packages.look_up(std::slice::from_ref(&package), How { now: known.policy.now, deep }).await;
    match answers.remove(&package)? {
        Looked::Releases(releases) => Some(releases),
        Looked::Not(_) => None,
    }
}

/// What a registry knows it as; `None`: it is from none.
fn package(locked: &Locked) -> Option<Package> {
    let registry = match &locked.origin {
        Origin::Registry => None,
        Origin::Named(name) => Some(name.clone()),
        Origin::Elsewhere(_) => return None,
    };
    Some(Package { ecosystem: locked.ecosystem, registry, name: locked.name.clone() })
}

/// From who holds a package up to a manifest.
async fn chain(
    known: &Known<'_>,
    (file, name): (&str, &str),
    holder: Option<&Holder>,
    refused: Option<(String, crate::domain::update::Why)>,
) -> Blocker {
    let mut links: Vec<Link> = Vec::new();
    let mut next = holder.map(|Holder { at, requirement }| (*at, requirement.clone()));
    let (mut package, mut refused) = (name.to_owned(), refused);
    while let Some((at, requirement)) = next.take().filter(|_| links.len() < STEPS) {
        let holder = at.map(|at| &known.found.locked[at]);
        let by = holder.map(|holder| (holder.name.clone(), holder.version.clone()));
        links.push(Link { by, package, requirement, refused: refused.take() });
        let Some(holder) = holder else { break };
        package = holder.name.clone();
        let of = (holder.ecosystem, file, holder.name.as_str(), holder.version.as_str());
        let of = holders(known, of).await.unwrap_or_default();
        // A manifest that names it comes first: it is the end.
        let above = of.into_iter().max_by_key(|holder| holder.at.is_none());
        next = above.map(|Holder { at, requirement }| (at, requirement));
    }
    Blocker::Chain(links)
}

/// Releases above a version that no advisory is about, the lowest first.
fn free<'r>(
    (ecosystem, name, from): (Ecosystem, &str, &str),
    releases: &'r [Release],
    book: &Book,
) -> Vec<&'r Release> {
    let clean = |release: &&Release| {
        let (name, version, origin) = (name.to_owned(), release.version.clone(), Origin::Registry);
        let locked = Locked { ecosystem, file: String::new(), name, version, origin, needs: Vec::new() };
        audit(&Found { locked: vec![locked], ..Found::default() }, book).vulnerable.is_empty()
    };
    let above = |release: &&Release| !release.yanked && rules::step(ecosystem, from, &release.version).is_some();
    let plain = |release: &&Release| !rules::prerelease(ecosystem, &release.version);
    let mut free: Vec<&Release> = releases.iter().filter(above).filter(plain).filter(clean).collect();
    free.sort_by(|a, b| rules::compare(ecosystem, &a.version, &b.version).unwrap_or(Ordering::Equal));
    free
}

fn chosen(found: &Found, ecosystem: Ecosystem, release: &Release) -> bool {
    objection(found, ecosystem, release).is_none()
}
