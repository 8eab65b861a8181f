//! The smallest change of a lock that ends every advisory that can be ended.
//!
//! A lock is a set of packages, at most one in each range of compatible versions, in which everybody finds what they require.
//! What is looked for is such a set without the affected versions and with as few versions as possible that the lock does not
//! have yet. That is a question for a SAT solver: whether there is one at all, and none that costs less.
//!
//! A package that nobody looked up is taken to have whatever is required of it, and to require nothing. What the smallest change
//! rests on is looked up then, until it rests on nothing of the kind: there is nothing smaller then, whatever the rest has.
//!
//! Which features are on is a guess here, and `links` are not known: the client that makes the change has the last word, and its lock is audited again.

mod least;
mod offered;
mod relock;
mod search;
mod view;
mod why;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::audit::{Finding, audit};
use super::book::Book;
use crate::domain::update::model::{Dependency, Ecosystem, Found, Locked, Release, Why};
use crate::domain::update::rules;
use search::Model;
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
    /// What it requires, without what only its own development does. Features are taken to stay as they are, as far as the lock
    /// shows which are on: those of which it has all that they bring.
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

/// Decisions that are tried for one lock unless the caller says otherwise; some seconds at the most.
pub const EFFORT: u32 = 200_000;

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
    /// It, or what it takes to end it, was not looked up.
    NotLookedUp,
    /// Who requires it takes a release that is free of it, and the lock's client cannot be told to take that one alone.
    Client,
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

/// Against what a lock is held.
#[derive(Clone, Copy, Debug)]
pub struct Against<'b> {
    /// All that is known: no change brings in what it is about.
    pub book: &'b Book,
    /// The names of what is to end; `None`: all of it.
    pub only: Option<&'b BTreeSet<String>>,
}

impl Against<'_> {
    /// What is open in a lock, and which of it is to end.
    fn open(&self, part: &Found) -> (Vec<Finding>, Vec<bool>) {
        let open = audit(part, self.book).vulnerable;
        let wanted = |finding: &Finding| self.only.is_none_or(|only| finding.ids.iter().any(|id| only.contains(id)));
        let wanted = open.iter().map(wanted).collect();
        (open, wanted)
    }
}

/// The packages that have to be looked up before `fix` can say what the smallest change is: those that a change would rest on
/// if they had whatever is required of them. Empty: `fix` misses nothing.
pub fn missing(found: &Found, lock: &str, against: Against<'_>, offers: &Offers, effort: u32) -> Vec<String> {
    let part = world::only(found, lock);
    let (open, wanted) = against.open(&part);
    if unknown(&part, &wanted) {
        return Vec::new();
    }
    let mut world = World::new(&part, (&open, &wanted), against.book, offers);
    let best = Model::new(&mut world, true, effort).best();
    best.map(|best| best.wanted.into_iter().collect()).unwrap_or_default()
}

/// Where there is nothing to end, or nobody knows how.
fn unknown(part: &Found, wanted: &[bool]) -> bool {
    !wanted.contains(&true) || part.locked.first().is_some_and(|l| l.ecosystem != Ecosystem::Cargo)
}

/// The smallest change of `lock`, a file of `found`, that ends every advisory that can be ended, and brings in no other.
///
/// Where not all can be ended together, as many as possible are. The same input gives the same answer. What was not looked up
/// changes nothing; `wanted` has what of that matters.
pub fn fix(found: &Found, lock: &str, against: Against<'_>, offers: &Offers, effort: u32) -> Fix {
    let part = world::only(found, lock);
    let (open, wanted) = against.open(&part);
    if unknown(&part, &wanted) {
        let open = open.into_iter().zip(wanted).filter(|(_, wanted)| *wanted);
        return nothing(part, open.map(|(finding, _)| finding).collect());
    }
    let mut world = World::new(&part, (&open, &wanted), against.book, offers);
    let best = Best::of(&mut world, effort);
    let lock = world.lock(&part, &best.items);
    let after = Found { locked: lock.clone(), declared: part.declared.clone(), ..Found::default() };
    let after = audit(&after, against.book).vulnerable;
    let stays = |goal: &usize| after.iter().any(|finding| same(&world, finding, &open[*goal]));
    let (kept, fixed): (Vec<usize>, Vec<usize>) = (0..open.len()).filter(|goal| wanted[*goal]).partition(stays);
    let findings = |goals: &[usize]| goals.iter().map(|goal| open[*goal].clone()).collect::<Vec<Finding>>();
    let fixed = findings(&fixed);
    let mut looked_at = best.looked_at;
    let blockers = blockers(&mut world, (&best, &kept, &fixed), effort, &mut looked_at);
    let left = findings(&kept).into_iter().zip(blockers);
    let left = left.map(|(finding, blocker)| Left { free: why::free(&world, &finding), finding, blocker }).collect();
    let (changes, removed) = changes(&part.locked, &lock);
    Fix {
        moved: moved(&part.locked, &lock, &removed),
        changes,
        removed,
        fixed,
        left,
        proof: best.proof,
        wanted: best.wanted.into_iter().collect(),
        assumed: world.assumed.iter().cloned().collect(),
        lock,
        looked_at,
    }
}

/// The best lock that can be had with what was looked up.
struct Best {
    items: Vec<usize>,
    proof: Proof,
    wanted: BTreeSet<String>,
    /// Whether it is known that no more findings can be ended together.
    most: bool,
    looked_at: u32,
}

impl Best {
    fn of(world: &mut World<'_>, effort: u32) -> Best {
        let mut best =
            Best { items: Vec::new(), proof: Proof::AtLeast(0), wanted: BTreeSet::new(), most: false, looked_at: 0 };
        let Some(free) = Model::new(world, true, effort).best() else { return best };
        best.looked_at = free.looked_at;
        best.wanted.clone_from(&free.wanted);
        if free.wanted.is_empty() {
            return Best { items: free.items, proof: free.proof, most: free.cost[0].exact, ..best };
        }
        let Some(firm) = Model::new(world, false, effort).best() else { return best };
        best.looked_at += firm.looked_at;
        // Whatever there is where it was not looked, it takes no less than if there were whatever is required.
        let equal = |upto: usize| (0..=upto).all(|at| firm.cost[at] == free.cost[at] && free.cost[at].exact);
        let proof = match () {
            () if equal(3) => Proof::Smallest,
            () if equal(1) => Proof::Fewest,
            () if equal(0) => Proof::AtLeast(usize::try_from(free.cost[1].bound).unwrap_or(usize::MAX)),
            () => Proof::AtLeast(0),
        };
        Best { items: firm.items, proof, most: equal(0), ..best }
    }
}

/// Of those that stay, why.
fn blockers(
    world: &mut World<'_>,
    (best, kept, fixed): (&Best, &[usize], &[Finding]),
    effort: u32,
    looked_at: &mut u32,
) -> Vec<Blocker> {
    let ids: BTreeSet<String> = fixed.iter().map(|finding| finding.id().to_owned()).collect();
    let mut can = |free: bool| -> Vec<Option<bool>> {
        let mut model = Model::new(world, free, effort);
        let answers = kept.iter().map(|goal| model.can_end(*goal)).collect();
        *looked_at += model.looked_at();
        answers
    };
    let (free, firm) = if kept.is_empty() { (Vec::new(), Vec::new()) } else { (can(true), can(false)) };
    let answers = kept.iter().zip(free.into_iter().zip(firm));
    let blocker = |(goal, answers): (&usize, (Option<bool>, Option<bool>))| match answers {
        _ if world.goals[*goal].is_none() => Blocker::NotLookedUp,
        (Some(false), _) => why::blocker(world, *goal),
        (_, Some(true)) if best.most => Blocker::Conflict(ids.iter().cloned().collect()),
        (Some(true), Some(false)) => Blocker::NotLookedUp,
        _ => Blocker::Bound,
    };
    answers.map(blocker).collect()
}

/// The same advisory about the same package in the same range of compatible versions.
fn same(world: &World<'_>, a: &Finding, b: &Finding) -> bool {
    a.id() == b.id() && a.name == b.name && world.compatible(&a.version, &b.version)
}

fn nothing(part: Found, open: Vec<Finding>) -> Fix {
    let left = open.into_iter();
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
