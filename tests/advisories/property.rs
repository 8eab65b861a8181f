//! The search against trying everything, on small graphs.

use std::collections::{BTreeMap, BTreeSet};

use fairway::domain::update::advisory::fix::{Offers, Proof, fix, missing};
use fairway::domain::update::advisory::{Book, audit};
use fairway::domain::update::{Found, Locked, Origin};
use proptest::prelude::*;
use semver::{Version, VersionReq};

use crate::world::{all, book, found, offers};

const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const VERSIONS: [&str; 5] = ["0.1.0", "0.1.1", "1.0.0", "1.1.0", "1.2.0"];
const REQUIREMENTS: [&str; 8] = ["^0.1", "^1", "^1.1", "*", ">=0.1.1", "=1.1.0", "<1.1", "=0.1.0"];

type Id = (String, Version);

/// A registry, what the manifest requires, what is affected, and the chances by which the lock is made.
#[derive(Clone, Debug)]
struct Case {
    registry: Vec<String>,
    manifest: Vec<String>,
    advisories: Vec<String>,
    chances: Vec<usize>,
}

fn case() -> impl Strategy<Value = Case> {
    let need = (0..NAMES.len(), 0..REQUIREMENTS.len());
    let release = (proptest::bool::weighted(0.8), prop::collection::vec(need.clone(), 0..3));
    let registry = prop::collection::vec(release, NAMES.len() * VERSIONS.len());
    let manifest = prop::collection::vec(need, 1..4);
    let patched = prop::sample::select(vec![">=1.1.0", ">=1.2.0", ">=1.0.0", "=0.1.1", "=0.1.1; >=1.1.0", ""]);
    let advisories = prop::collection::vec((0..NAMES.len(), patched), 1..4);
    let chances = prop::collection::vec(0..5usize, 16);
    (registry, manifest, advisories, chances).prop_map(|(registry, manifest, advisories, chances)| {
        let line = |(name, req): &(usize, usize)| format!("{} {}", NAMES[*name], REQUIREMENTS[*req]);
        let lines = registry.iter().enumerate().filter(|(_, (there, _))| *there).map(|(at, (_, needs))| {
            let needs: Vec<String> = needs.iter().map(line).collect();
            format!("{} {}: {}", NAMES[at / VERSIONS.len()], VERSIONS[at % VERSIONS.len()], needs.join("; "))
        });
        let advisory =
            |(at, (name, patched)): (usize, &(usize, &str))| format!("RUSTSEC-{at} {}: {patched}", NAMES[*name]);
        Case {
            registry: lines.collect(),
            manifest: manifest.iter().map(line).collect(),
            advisories: advisories.iter().enumerate().map(advisory).collect(),
            chances,
        }
    })
}

fn promise(v: &Version) -> (u64, u64) {
    if v.major == 0 { (0, v.minor) } else { (v.major, 0) }
}

fn takes(requirement: &str, version: &Version) -> bool {
    VersionReq::parse(requirement).expect("a requirement").matches(version)
}

fn needs<'o>(offers: &'o Offers, id: &Id) -> Vec<(&'o str, &'o str)> {
    let offer = offers[&id.0].iter().find(|offer| offer.version == id.1.to_string()).expect("there");
    offer.needs.iter().map(|need| (need.name.as_str(), need.requirement.as_str())).collect()
}

/// A lock made by following chances; `None` where they lead nowhere.
fn lock(case: &Case, offers: &Offers) -> Option<Found> {
    let mut have: BTreeMap<(String, (u64, u64)), Version> = BTreeMap::new();
    let mut edges: BTreeMap<Id, BTreeSet<Id>> = BTreeMap::new();
    let mut chances = case.chances.iter().cycle();
    let mut queue: Vec<(Option<Id>, String, String)> = Vec::new();
    for line in &case.manifest {
        let (name, requirement) = line.split_once(' ').expect("two words");
        queue.push((None, name.to_owned(), requirement.to_owned()));
    }
    while let Some((by, name, requirement)) = queue.pop() {
        let there: Vec<Version> = have.iter().filter(|((n, _), _)| *n == name).map(|(_, v)| v.clone()).collect();
        let met = there.into_iter().find(|version| takes(&requirement, version));
        let version = met.or_else(|| {
            let all: Vec<Version> = offers.get(&name)?.iter().map(|o| o.version.parse().expect("a version")).collect();
            let open = |v: &&Version| takes(&requirement, v) && !have.contains_key(&(name.clone(), promise(v)));
            let open: Vec<&Version> = all.iter().filter(open).collect();
            let chance = *chances.next().expect("endless");
            (!open.is_empty()).then(|| open[chance % open.len()].clone())
        })?;
        let id = (name.clone(), version.clone());
        if have.insert((name, promise(&version)), version).is_none() {
            edges.entry(id.clone()).or_default();
            for (name, requirement) in needs(offers, &id) {
                queue.push((Some(id.clone()), name.to_owned(), requirement.to_owned()));
            }
        }
        if let Some(by) = by {
            edges.entry(by).or_default().insert(id);
        }
    }
    let text = |(name, version): &Id| format!("{name} {version}");
    let lines: Vec<String> = edges
        .iter()
        .map(|(id, needs)| format!("{}: {}", text(id), needs.iter().map(text).collect::<Vec<_>>().join(", ")))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let manifest: Vec<&str> = case.manifest.iter().map(String::as_str).collect();
    Some(found(&lines, &manifest))
}

type Key = (String, String, (u64, u64));

fn findings(set: &[Id], book: &Book) -> BTreeSet<Key> {
    let lines: Vec<String> = set.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let audit = audit(&found(&lines, &[]), book);
    audit
        .vulnerable
        .iter()
        .map(|f| (f.id().to_owned(), f.name.clone(), promise(&f.version.parse().expect("ok"))))
        .collect()
}

fn ids(locked: &[Locked]) -> Vec<Id> {
    let registry = locked.iter().filter(|l| l.origin == Origin::Registry);
    registry.map(|l| (l.name.clone(), l.version.parse().expect("a version"))).collect()
}

fn closed(set: &[Id], manifest: &[String], offers: &Offers) -> bool {
    let met = |name: &str, requirement: &str| set.iter().any(|(n, v)| n == name && takes(requirement, v));
    let slots: BTreeSet<(&str, (u64, u64))> = set.iter().map(|(name, v)| (name.as_str(), promise(v))).collect();
    slots.len() == set.len()
        && manifest.iter().all(|line| line.split_once(' ').is_some_and(|(name, requirement)| met(name, requirement)))
        && set.iter().all(|id| needs(offers, id).iter().all(|(name, requirement)| met(name, requirement)))
}

/// New versions of packages that the lock has, packages that it gets, and the steps; `None` where one goes back.
fn cost(set: &[Id], old: &[Id], offers: &Offers) -> Option<(usize, usize, u64)> {
    let mut cost = (0, 0, 0);
    for (name, version) in set.iter().filter(|id| !old.contains(id)) {
        let mut locked: Vec<&Version> = old.iter().filter(|(n, _)| n == name).map(|(_, v)| v).collect();
        locked.sort();
        let Some(lowest) = locked.first() else {
            cost.1 += 1;
            continue;
        };
        let compatible = locked.iter().find(|v| promise(v) == promise(version));
        if version <= compatible.unwrap_or(lowest) {
            return None;
        }
        let near = compatible.or_else(|| locked.iter().rfind(|v| **v < version)).expect("the lowest is below");
        let all = offers[name].iter().map(|o| o.version.parse::<Version>().expect("a version"));
        let between = all.filter(|v| v > near && v <= version).count();
        cost.0 += 1;
        cost.2 += u64::try_from(between).expect("few") + if compatible.is_none() { 10_000 } else { 0 };
    }
    Some(cost)
}

/// Of all sets the one that ends the most findings with the least cost.
fn brute(case: &Case, old: &[Id], book: &Book, offers: &Offers) -> (usize, (usize, usize, u64)) {
    let before = findings(old, book);
    let mut slots: BTreeMap<(String, (u64, u64)), Vec<Id>> = BTreeMap::new();
    for (name, releases) in offers {
        for release in releases {
            let version: Version = release.version.parse().expect("a version");
            slots.entry((name.clone(), promise(&version))).or_default().push((name.clone(), version));
        }
    }
    let mut sets: Vec<Vec<Id>> = vec![Vec::new()];
    for choices in slots.values() {
        let with =
            |set: &Vec<Id>| choices.iter().map(|id| [set.clone(), vec![id.clone()]].concat()).collect::<Vec<_>>();
        let more: Vec<Vec<Id>> = sets.iter().flat_map(with).collect();
        sets.extend(more);
    }
    let mut best = None;
    for set in sets.iter().filter(|set| closed(set, &case.manifest, offers)) {
        let after = findings(set, book);
        let Some(cost) = cost(set, old, offers).filter(|_| after.is_subset(&before)) else { continue };
        let ended = before.len() - after.len();
        if best.is_none_or(|(most, least)| ended > most || (ended == most && cost < least)) {
            best = Some((ended, cost));
        }
    }
    best.expect("the lock itself is one")
}

/// `PROPTEST_CASES` for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_global_rejects: 200_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_smaller_is_overlooked(case in case()) {
        let registry: Vec<&str> = case.registry.iter().map(String::as_str).collect();
        let offers = offers(&registry);
        let lock = lock(&case, &offers);
        prop_assume!(lock.is_some());
        let lock = lock.expect("just looked");
        let advisories: Vec<&str> = case.advisories.iter().map(String::as_str).collect();
        let book = book(&advisories);
        let old = ids(&lock.locked);
        let before = findings(&old, &book);
        prop_assume!(!before.is_empty());

        let fix = fix(&lock, "Cargo.lock", all(&book), &offers, 50_000);
        let new = ids(&fix.lock);
        prop_assert!(closed(&new, &case.manifest, &offers), "not closed: {:?}", new);
        let after = findings(&new, &book);
        prop_assert!(after.is_subset(&before));
        prop_assert_eq!(fix.left.len(), after.len());
        let got = (before.len() - after.len(), cost(&new, &old, &offers).expect("never back"));
        prop_assert_eq!(got, brute(&case, &old, &book, &offers), "{:?}", fix);
        prop_assert_eq!(fix.proof, Proof::Smallest);

        // With only what it asks for looked up it is the same.
        let mut known = Offers::new();
        loop {
            let missing = missing(&lock, "Cargo.lock", all(&book), &known, 50_000);
            if missing.is_empty() {
                break;
            }
            for name in missing {
                prop_assert!(known.insert(name.clone(), offers[&name].clone()).is_none(), "asked for {} twice", name);
            }
        }
        let asked = fairway::domain::update::advisory::fix::fix(&lock, "Cargo.lock", all(&book), &known, 50_000);
        let new = ids(&asked.lock);
        let got = (before.len() - findings(&new, &book).len(), cost(&new, &old, &offers).expect("never back"));
        prop_assert_eq!(got, brute(&case, &old, &book, &offers), "with {:?}: {:?}", known.keys(), asked);
        prop_assert_eq!((asked.proof, asked.wanted.len()), (Proof::Smallest, 0));
    }
}
