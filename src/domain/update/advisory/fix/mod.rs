//! The smallest change of a lock that ends every advisory that can be ended.
//!
//! A lock is a set of packages, at most one in each range of compatible versions, in which everybody finds what they require.
//! What is looked for is such a set without the affected versions and with as few versions as possible that the lock does not
//! have yet. The search starts from the lock, takes the affected versions out, and mends one unmet requirement after the other
//! in every way there is: by another version of what is required, or by doing without who requires it. Both ways together
//! leave nothing out, so what is found with the fewest new versions is the smallest.
//!
//! Features are not known here, nor `links`: the client that makes the change has the last word, and its lock is audited again.

mod bound;
mod offered;
mod relock;
mod search;
mod view;
mod why;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::audit::{Audit, Finding, audit};
use super::book::Book;
use crate::domain::update::model::{Dependency, Ecosystem, Found, Locked, Release, Why};
use crate::domain::update::rules;
use bound::Cost;
use search::{Answer, Outcome};
use world::World;

/// A release that a lock could have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// As published.
    pub version: String,
    /// Withdrawn by its authors; never chosen, but a lock may have it.
    pub yanked: bool,
    /// Why it is not to be chosen, for example because of the toolchain that it needs.
    pub refused: Option<Why>,
    /// What it requires, without what only its own development does. What only a feature does is taken to stay as it is in the
    /// lock: there where it is there, off where it is off.
    pub needs: Vec<Dependency>,
}

impl Offer {
    /// Of a registry's answer, with the reason why it is not to be chosen.
    pub fn of(release: &Release, refused: Option<Why>) -> Offer {
        let Release { version, yanked, dependencies, .. } = release;
        Offer { version: version.clone(), yanked: *yanked, refused, needs: dependencies.clone() }
    }
}

/// What the registry has, by name. A name that is missing was not looked up; one without releases is not there.
pub type Offers = BTreeMap<String, Vec<Offer>>;

/// States that are looked at for one lock unless the caller says otherwise; some seconds at the most.
pub const EFFORT: u32 = 2_000;

/// A version that enters the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The package.
    pub name: String,
    /// The version that goes for it; `None`: it is added.
    pub from: Option<String>,
    /// The version that comes.
    pub to: String,
}

/// How sure it is that there is nothing smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Proof {
    /// All smaller changes were looked at, and among those of this size none makes smaller steps.
    Smallest,
    /// As many versions have to change; smaller steps there may be, since the search ended at its bound.
    Fewest,
    /// The search ended at its bound: fewer versions than this number do not do, but fewer than found might.
    AtLeast(usize),
}

/// Who requires what, on the way from an affected package up to a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Name and version of who requires it; `None`: the manifest.
    pub by: Option<(String, String)>,
    /// The package that is required.
    pub package: String,
    /// The requirement, as published.
    pub requirement: String,
    /// A release that would do and is not to be chosen, and why.
    pub refused: Option<(String, Why)>,
}

/// Why an advisory stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Blocker {
    /// No release is free of it.
    NoRelease,
    /// Who holds it, the nearest first.
    Chain(Vec<Link>),
    /// It could be ended, but not together with these others that are.
    Conflict(Vec<String>),
    /// The search ended at its bound before it found a way or that there is none.
    Bound,
    /// The package was not looked up.
    NotLookedUp,
    /// How this ecosystem's locks are put together is not known here.
    Ecosystem,
}

/// An advisory that stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// It.
    pub finding: Finding,
    /// Why.
    pub blocker: Blocker,
    /// The lowest release above the locked one that is free of it, whoever requires what.
    pub free: Option<String>,
}

/// What to change, and what that does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What enters the lock, by name.
    pub changes: Vec<Change>,
    /// What leaves it without another version taking its place.
    pub removed: Vec<(String, String)>,
    /// Of `removed` those that go because who requires them is met by another version of the lock: from it, to that one. The
    /// client has to be told, since it leaves alone what still would do.
    pub moved: Vec<Change>,
    /// What the new lock does not have any more, by a second audit.
    pub fixed: Vec<Finding>,
    /// What it still has, by the same audit.
    pub left: Vec<Left>,
    /// How sure it is.
    pub proof: Proof,
    /// Packages that matter and were not looked up; with them the answer may be another one.
    pub wanted: Vec<String>,
    /// Who requires something by a requirement that nobody told, so that "compatible" was taken for it.
    pub assumed: Vec<(String, String)>,
    /// The lock as it would be.
    pub lock: Vec<Locked>,
    /// States that were looked at.
    pub looked_at: u32,
}

/// The smallest change of `lock`, a file of `found`, that ends every advisory that can be ended.
///
/// Where not all can be ended together, as many as possible are. The same input gives the same answer.
pub fn fix(found: &Found, lock: &str, book: &Book, offers: &Offers, effort: u32) -> Fix {
    let part = world::only(found, lock);
    let before = audit(&part, book);
    if before.vulnerable.is_empty() || part.locked.first().is_some_and(|l| l.ecosystem != Ecosystem::Cargo) {
        return nothing(part, before);
    }
    let mut world = World::new(&part, &before.vulnerable, book, offers);
    let mut left: BTreeMap<usize, Blocker> = BTreeMap::new();
    let mut goals: Vec<usize> = Vec::new();
    let mut looked_at = 0;
    for goal in 0..before.vulnerable.len() {
        let answer = search::run(&mut world, &[goal], effort / 4);
        looked_at += answer.looked_at;
        match answer.outcome {
            Outcome::Found { .. } => goals.push(goal),
            Outcome::None => drop(left.insert(goal, why::blocker(&mut world, goal))),
            Outcome::Bound => drop(left.insert(goal, Blocker::Bound)),
        }
    }
    let mut together = together(&mut world, &goals, effort);
    looked_at += together.looked_at;
    let ended: BTreeSet<&str> = together.goals.iter().map(|goal| before.vulnerable[*goal].id()).collect();
    for goal in goals.iter().filter(|goal| !together.goals.contains(goal)) {
        let ids: Vec<String> = ended.iter().map(|id| (*id).to_owned()).collect();
        left.insert(*goal, if together.bound { Blocker::Bound } else { Blocker::Conflict(ids) });
    }
    let lock = world.lock(&part, &together.items);
    let after = audit(&Found { locked: lock.clone(), declared: part.declared.clone(), ..Found::default() }, book);
    let (changes, removed) = changes(&part.locked, &lock);
    let moved = moved(&part.locked, &lock, &removed);
    if left.values().any(|blocker| *blocker == Blocker::Bound) {
        together.proof = Proof::AtLeast(0);
    }
    let stays = |finding: &Finding| after.vulnerable.iter().any(|f| same(&world, f, finding));
    let fixed = before.vulnerable.iter().filter(|finding| !stays(finding)).cloned().collect();
    let left = before
        .vulnerable
        .iter()
        .enumerate()
        .filter(|(_, finding)| stays(finding))
        .map(|(goal, finding)| Left {
            finding: finding.clone(),
            blocker: left.get(&goal).cloned().unwrap_or(Blocker::Bound),
            free: why::free(&world, finding),
        })
        .collect();
    Fix {
        changes,
        removed,
        moved,
        fixed,
        left,
        proof: together.proof,
        wanted: world.wanted.iter().cloned().collect(),
        assumed: world.assumed.iter().cloned().collect(),
        lock,
        looked_at,
    }
}

/// The same advisory about the same package in the same range of compatible versions.
fn same(world: &World<'_>, a: &Finding, b: &Finding) -> bool {
    a.id() == b.id() && a.name == b.name && world.compatible(&a.version, &b.version)
}

fn nothing(part: Found, before: Audit) -> Fix {
    let left = before.vulnerable.into_iter();
    Fix {
        changes: Vec::new(),
        removed: Vec::new(),
        moved: Vec::new(),
        fixed: Vec::new(),
        left: left.map(|finding| Left { finding, blocker: Blocker::Ecosystem, free: None }).collect(),
        proof: Proof::Smallest,
        wanted: Vec::new(),
        assumed: Vec::new(),
        lock: part.locked,
        looked_at: 0,
    }
}

/// The most findings that can be ended at once, and how.
struct Together {
    goals: Vec<usize>,
    items: Vec<usize>,
    proof: Proof,
    /// Whether a set was given up, so that there may be a better one.
    bound: bool,
    looked_at: u32,
}

/// Sets of findings that are tried where not all can be ended at once.
const SETS: usize = 300;

fn together(world: &mut World<'_>, goals: &[usize], effort: u32) -> Together {
    let mut all = Together { goals: Vec::new(), items: Vec::new(), proof: Proof::Smallest, bound: false, looked_at: 0 };
    let mut tried = 0;
    for without in 0..goals.len() {
        let mut best: Option<(Cost, Vec<usize>, Vec<usize>, Proof)> = None;
        for set in subsets(goals, goals.len() - without) {
            tried += 1;
            if tried > SETS {
                all.bound = true;
                break;
            }
            let Answer { outcome, looked_at } = search::run(world, &set, effort);
            all.looked_at += looked_at;
            match outcome {
                Outcome::Found { items, cost, proof } if best.as_ref().is_none_or(|(other, ..)| cost < *other) => {
                    best = Some((cost, set, items, proof));
                }
                Outcome::Bound => all.bound = true,
                _ => {}
            }
        }
        if let Some((_, goals, items, proof)) = best {
            // What is known of the smallest change for fewer findings says nothing about one for more.
            let proof = if all.bound { Proof::AtLeast(0) } else { proof };
            return Together { goals, items, proof, ..all };
        }
        if tried > SETS {
            break;
        }
    }
    if all.bound {
        all.proof = Proof::AtLeast(0);
    }
    all
}

/// All subsets of a size, in the order of their members.
fn subsets(all: &[usize], size: usize) -> Vec<Vec<usize>> {
    let mut sets = Vec::new();
    let mut places: Vec<usize> = (0..size).collect();
    loop {
        sets.push(places.iter().filter_map(|place| all.get(*place).copied()).collect());
        let Some(turn) = (0..size).rev().find(|turn| places[*turn] + size - turn < all.len()) else { return sets };
        places[turn] += 1;
        for next in turn + 1..size {
            places[next] = places[next - 1] + 1;
        }
        if sets.len() > SETS {
            return sets;
        }
    }
}

type Gone = Vec<(String, String)>;

fn changes(before: &[Locked], after: &[Locked]) -> (Vec<Change>, Gone) {
    let ids = |list: &[Locked]| -> BTreeSet<(String, String)> {
        list.iter().map(|l| (l.name.clone(), l.version.clone())).collect()
    };
    let (old, new) = (ids(before), ids(after));
    let mut gone: Vec<(String, String)> = old.difference(&new).cloned().collect();
    let mut changes = Vec::new();
    for (name, to) in new.difference(&old) {
        // Of several versions that leave, the compatible one went for it, else the nearest below.
        let compatible = gone.iter().position(|(other, from)| other == name && world::compatible(from, to));
        let place = compatible.or_else(|| gone.iter().rposition(|(other, _)| other == name));
        let from = place.map(|place| gone.remove(place).1);
        changes.push(Change { name: name.clone(), from, to: to.clone() });
    }
    (changes, gone)
}

/// What those who stay have for what was removed.
fn moved(before: &[Locked], after: &[Locked], removed: &[(String, String)]) -> Vec<Change> {
    let needs = |lock: &[Locked], owner: &Locked, name: &str| -> BTreeSet<String> {
        let needs = owner.needs.iter().filter_map(|need| lock.get(*need));
        needs.filter(|need| need.name == name).map(|need| need.version.clone()).collect()
    };
    let mut moved = Vec::new();
    for (name, from) in removed {
        let owners = before.iter().filter(|owner| needs(before, owner, name).contains(from));
        let stays = |owner: &Locked| {
            after.iter().find(|l| (&l.name, &l.version, &l.origin) == (&owner.name, &owner.version, &owner.origin))
        };
        let new = owners.filter_map(stays).flat_map(|owner| needs(after, owner, name));
        let to = new.max_by(|a, b| rules::compare(Ecosystem::Cargo, a, b).unwrap_or(a.cmp(b)));
        moved.extend(to.map(|to| Change { name: name.clone(), from: Some(from.clone()), to }));
    }
    moved
}
