//! The lock and what the registry has, as numbers: packages, versions, requirements. What nobody asks about is not put together.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use semver::{Version, VersionReq};

use super::Offers;
use crate::domain::update::advisory::audit::Finding;
use crate::domain::update::advisory::book::Book;
use crate::domain::update::model::{Dependency, Found, Locked, Origin};

/// A package in one version, locked or to be had.
pub(super) struct Item {
    pub(super) name: usize,
    pub(super) version: Version,
    /// As published.
    pub(super) text: String,
    /// Its range of compatible versions; a lock has one of each.
    pub(super) slot: usize,
    /// Its place in the lock.
    pub(super) place: Option<usize>,
    /// The findings that it would keep.
    pub(super) keeps: Vec<usize>,
    /// How far it is from the lock: releases between, far more where it is not compatible.
    pub(super) jump: u64,
    /// Requirements, and who meets them in the lock.
    pub(super) needs: Option<Vec<(usize, Option<usize>)>>,
    /// What it requires by name, until somebody asks.
    pub(super) raw: Vec<(String, String)>,
}

/// A package.
pub(super) struct Name {
    pub(super) text: String,
    pub(super) locked: Vec<usize>,
    pub(super) fresh: Option<Vec<usize>>,
}

/// A requirement on a package.
pub(super) struct Req {
    pub(super) name: usize,
    pub(super) text: String,
    pub(super) parsed: VersionReq,
    /// Who meets it in the lock.
    pub(super) locked: Vec<usize>,
    fresh: Option<Vec<usize>>,
}

pub(super) struct World<'a> {
    pub(super) items: Vec<Item>,
    pub(super) reqs: Vec<Req>,
    /// What the manifests require, and who meets it in the lock.
    pub(super) roots: Vec<(usize, Option<usize>)>,
    /// For every finding the item that has it; `None` also where it is not to end.
    pub(super) goals: Vec<Option<usize>>,
    pub(super) assumed: BTreeSet<(String, String)>,
    pub(super) offers: &'a Offers,
    pub(super) book: &'a Book,
    pub(super) names: Vec<Name>,
    pub(super) by_name: HashMap<String, usize>,
    by_req: HashMap<(usize, String), usize>,
    pub(super) slots: HashMap<(usize, (u64, u64, u64)), usize>,
    /// Of every slot the package.
    owners: Vec<usize>,
    /// Every requirement on a package that is known of, to see which of its versions are alike.
    pub(super) asked: BTreeMap<String, BTreeSet<String>>,
    /// Names that a locked package needs now.
    pub(super) edges: Vec<BTreeSet<String>>,
    pub(super) findings: &'a [Finding],
}

/// The part of what was found that belongs to one lock: its packages, and the manifests that it is the nearest lock of.
pub(super) fn only(found: &Found, lock: &str) -> Found {
    let folder = |file: &str| file.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let mut places = vec![None; found.locked.len()];
    let mut locked: Vec<Locked> = Vec::new();
    for (place, one) in found.locked.iter().enumerate().filter(|(_, one)| one.file == lock) {
        places[place] = Some(locked.len());
        locked.push(one.clone());
    }
    for one in &mut locked {
        one.needs = one.needs.iter().filter_map(|need| places.get(*need).copied().flatten()).collect();
    }
    let ecosystem = locked.first().map(|one| one.ecosystem);
    let locks: BTreeSet<&str> =
        found.locked.iter().filter(|one| Some(one.ecosystem) == ecosystem).map(|one| one.file.as_str()).collect();
    let nearest = |manifest: &str| {
        let above = |lock: &&&str| manifest.starts_with(&folder(lock));
        locks.iter().filter(above).max_by_key(|lock| folder(lock).len()).is_some_and(|nearest| *nearest == lock)
    };
    let ours = found.declared.iter().filter(|d| Some(d.ecosystem) == ecosystem && nearest(&d.file));
    Found { declared: ours.cloned().collect(), locked, ..Found::default() }
}

/// Cargo's ranges of compatible versions.
pub(super) fn promise(version: &Version) -> (u64, u64, u64) {
    match (version.major, version.minor) {
        (0, 0) => (0, 0, version.patch),
        (0, minor) => (0, minor, 0),
        (major, _) => (major, 0, 0),
    }
}

pub(super) fn compatible(a: &str, b: &str) -> bool {
    match (Version::parse(a), Version::parse(b)) {
        (Ok(a), Ok(b)) => promise(&a) == promise(&b),
        _ => a == b,
    }
}

impl<'a> World<'a> {
    pub(super) fn new(
        found: &Found,
        (findings, wanted): (&'a [Finding], &[bool]),
        book: &'a Book,
        offers: &'a Offers,
    ) -> World<'a> {
        let mut world = World {
            items: Vec::new(),
            reqs: Vec::new(),
            roots: Vec::new(),
            goals: Vec::new(),
            assumed: BTreeSet::new(),
            offers,
            book,
            names: Vec::new(),
            by_name: HashMap::new(),
            by_req: HashMap::new(),
            slots: HashMap::new(),
            owners: Vec::new(),
            asked: BTreeMap::new(),
            edges: vec![BTreeSet::new(); found.locked.len()],
            findings,
        };
        let places = world.lay(found);
        for name in offers.keys() {
            for choice in world.eligible(name) {
                choice.needs.iter().for_each(|(name, req)| world.asks(name, req));
            }
        }
        let needs = world.requirements(found, &places);
        for (item, needs) in needs {
            let needs = needs.into_iter().map(|(req, to)| (world.req(&req.0, &req.1), to)).collect();
            world.items[item].needs = Some(needs);
        }
        world.root(found, &places);
        let item = |finding: &Finding| places.get(finding.place).copied().flatten();
        world.goals = findings.iter().zip(wanted).map(|(finding, wanted)| item(finding).filter(|_| *wanted)).collect();
        world
    }

    fn asks(&mut self, name: &str, requirement: &str) {
        if let Some(known) = self.asked.get_mut(name) {
            if !known.contains(requirement) {
                known.insert(requirement.to_owned());
            }
        } else {
            self.asked.insert(name.to_owned(), BTreeSet::from([requirement.to_owned()]));
        }
    }

    /// The packages of the lock as items; those of which the version cannot be read, or that are no registry's, have none.
    fn lay(&mut self, found: &Found) -> Vec<Option<usize>> {
        let mut places = Vec::new();
        for (place, locked) in found.locked.iter().enumerate() {
            let names = locked.needs.iter().filter_map(|need| found.locked.get(*need));
            self.edges[place] = names.map(|need| need.name.clone()).collect();
            let version = Version::parse(&locked.version).ok().filter(|_| locked.origin == Origin::Registry);
            places.push(version.map(|version| {
                let name = self.name(&locked.name);
                let slot = self.slot(name, &version);
                let text = locked.version.clone();
                let place = Some(place);
                let item = Item { name, version, text, slot, place, keeps: vec![], jump: 0, needs: None, raw: vec![] };
                self.items.push(item);
                self.names[name].locked.push(self.items.len() - 1);
                self.items.len() - 1
            }));
        }
        places
    }

    /// What every locked package requires of the others: by what was published where that fits, else by what is compatible.
    fn requirements(&mut self, found: &Found, places: &[Option<usize>]) -> Vec<(usize, Vec<Edge>)> {
        let mut all = Vec::new();
        for (place, locked) in found.locked.iter().enumerate() {
            let Some(item) = places[place] else { continue };
            let offer = self.offers.get(&locked.name).and_then(|o| o.iter().find(|o| o.version == locked.version));
            let mut needs: Vec<Edge> = Vec::new();
            for need in locked.needs.iter().copied() {
                let Some((target, version)) = places[need].map(|item| (item, self.items[item].version.clone())) else {
                    continue;
                };
                let name = &found.locked[need].name;
                let published = offer.map_or(&[][..], |offer| &offer.needs).iter();
                let fits = |need: &&Dependency| need.name == *name && takes(&need.requirement, &version);
                let fitting: Vec<String> = published.filter(fits).map(|need| need.requirement.clone()).collect();
                if fitting.is_empty() {
                    self.assumed.insert((format!("{} {}", locked.name, locked.version), name.clone()));
                    needs.push(((name.clone(), caret(&version)), Some(target)));
                }
                needs.extend(fitting.into_iter().map(|req| ((name.clone(), req), Some(target))));
            }
            needs.sort();
            needs.dedup();
            for ((name, req), _) in &needs {
                self.asks(name, req);
            }
            all.push((item, needs));
        }
        all
    }

    /// What the manifests require. Who is needed by something of no registry, or by nobody, is taken to be required as it is.
    fn root(&mut self, found: &Found, places: &[Option<usize>]) {
        let mut roots: BTreeSet<((String, String), Option<usize>)> = BTreeSet::new();
        let mut covered: HashSet<usize> = HashSet::new();
        let mut needed = HashSet::new();
        for (place, locked) in found.locked.iter().enumerate().filter(|(place, _)| places[*place].is_some()) {
            let others = locked.needs.iter().filter(|need| **need != place);
            needed.extend(others.filter_map(|need| places.get(*need).copied().flatten()));
        }
        for declared in found.declared.iter().filter(|declared| declared.origin == Origin::Registry) {
            let req = declared.requirement.trim();
            let locked = self.by_name.get(&declared.name).map_or(Vec::new(), |name| self.names[*name].locked.clone());
            let meant = |item: &usize| declared.locked.is_empty() || declared.locked.contains(&self.items[*item].text);
            let met: Vec<usize> =
                locked.into_iter().filter(|item| takes(req, &self.items[*item].version)).filter(meant).collect();
            covered.extend(met.iter().copied());
            // Of several that would do, it is the one that is there for nobody else. A lock that has none is no lock of that
            // manifest.
            let meant = |item: &usize| (!needed.contains(item), &self.items[*item].version);
            if let Some(item) = met.into_iter().max_by(|a, b| meant(a).cmp(&meant(b))) {
                roots.insert(((declared.name.clone(), req.to_owned()), Some(item)));
            }
        }
        for locked in found.locked.iter().zip(places).filter(|(_, item)| item.is_none()).map(|(locked, _)| locked) {
            let items: Vec<usize> =
                locked.needs.iter().filter_map(|need| places.get(*need).copied().flatten()).collect();
            needed.extend(items.iter().copied());
            for item in items.into_iter().filter(|item| !covered.contains(item)) {
                let name = self.names[self.items[item].name].text.clone();
                self.assumed.insert((format!("{} {}", locked.name, locked.version), name.clone()));
                roots.insert(((name, caret(&self.items[item].version)), Some(item)));
            }
        }
        for item in places.iter().flatten().filter(|item| !needed.contains(item) && !covered.contains(item)) {
            let name = self.names[self.items[*item].name].text.clone();
            roots.insert(((name, caret(&self.items[*item].version)), Some(*item)));
        }
        for ((name, req), _) in &roots {
            self.asks(name, req);
        }
        self.roots = roots.into_iter().map(|((name, req), item)| (self.req(&name, &req), item)).collect();
    }

    fn name(&mut self, text: &str) -> usize {
        if let Some(name) = self.by_name.get(text) {
            return *name;
        }
        self.names.push(Name { text: text.to_owned(), locked: Vec::new(), fresh: None });
        self.by_name.insert(text.to_owned(), self.names.len() - 1);
        self.names.len() - 1
    }

    pub(super) fn slot(&mut self, name: usize, version: &Version) -> usize {
        let next = self.owners.len();
        let slot = *self.slots.entry((name, promise(version))).or_insert(next);
        if slot == next {
            self.owners.push(name);
        }
        slot
    }

    /// The package's name.
    pub(super) fn text(&self, name: usize) -> &str {
        &self.names[name].text
    }

    fn req(&mut self, name: &str, text: &str) -> usize {
        let name = self.name(name);
        if let Some(req) = self.by_req.get(&(name, text.to_owned())) {
            return *req;
        }
        // What cannot be read is met by nothing.
        let parsed = VersionReq::parse(text).ok();
        let meets = |item: &&usize| parsed.as_ref().is_some_and(|req| req.matches(&self.items[**item].version));
        let locked = self.names[name].locked.iter().filter(meets).copied().collect();
        let fresh = parsed.is_none().then(Vec::new);
        let parsed = parsed.unwrap_or_default();
        self.reqs.push(Req { name, text: text.to_owned(), parsed, locked, fresh });
        self.by_req.insert((name, text.to_owned()), self.reqs.len() - 1);
        self.reqs.len() - 1
    }

    /// What an item requires, and who meets it in the lock.
    pub(super) fn needs(&mut self, item: usize) -> &[(usize, Option<usize>)] {
        if self.items[item].needs.is_none() {
            let raw = std::mem::take(&mut self.items[item].raw);
            let needs = raw.iter().map(|(name, req)| (self.req(name, req), None)).collect();
            self.items[item].needs = Some(needs);
        }
        self.items[item].needs.as_deref().unwrap_or_default()
    }

    /// The versions to be had that meet a requirement, the nearest first.
    pub(super) fn fresh(&mut self, req: usize) -> &[usize] {
        if self.reqs[req].fresh.is_none() {
            let mut all = self.versions(self.reqs[req].name).to_vec();
            all.retain(|item| self.reqs[req].parsed.matches(&self.items[*item].version));
            self.reqs[req].fresh = Some(all);
        }
        self.reqs[req].fresh.as_deref().unwrap_or_default()
    }

    /// All that are to be had of a package, the nearest first.
    pub(super) fn versions(&mut self, name: usize) -> &[usize] {
        self.offer(name);
        self.names[name].fresh.as_deref().unwrap_or_default()
    }

    pub(super) fn meets(&self, req: usize, item: usize) -> bool {
        self.reqs[req].name == self.items[item].name && self.reqs[req].parsed.matches(&self.items[item].version)
    }

    pub(super) fn compatible(&self, a: &str, b: &str) -> bool {
        compatible(a, b)
    }

    /// Whom the lock has in a range of compatible versions.
    pub(super) fn there(&self, slot: usize) -> Option<usize> {
        self.names[self.owners[slot]].locked.iter().copied().find(|item| self.items[*item].slot == slot)
    }

    /// Who in the lock meets the requirements of who is in it.
    pub(super) fn kept(&self, item: usize) -> impl Iterator<Item = usize> {
        self.items[item].needs.iter().flatten().filter_map(|(_, kept)| *kept)
    }

    /// By name and version.
    pub(super) fn order(&self, item: usize) -> (&str, &Version) {
        (self.text(self.items[item].name), &self.items[item].version)
    }

    /// A package's versions in the lock.
    pub(super) fn locked(&self, name: usize) -> &[usize] {
        &self.names[name].locked
    }

    /// A finding.
    pub(super) fn finding(&self, goal: usize) -> &'a Finding {
        &self.findings[goal]
    }
}

type Edge = ((String, String), Option<usize>);

fn takes(requirement: &str, version: &Version) -> bool {
    VersionReq::parse(requirement.trim()).is_ok_and(|requirement| requirement.matches(version))
}

fn caret(version: &Version) -> String {
    let mut version = version.clone();
    version.build = semver::BuildMetadata::EMPTY;
    format!("^{version}")
}
