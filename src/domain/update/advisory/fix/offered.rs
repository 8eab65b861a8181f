//! Which versions of a package could be chosen at all, and which of them are worth it.

use std::collections::BTreeSet;

use semver::{Version, VersionReq};

use super::Offer;
use super::world::{Item, World, promise};
use crate::domain::update::advisory::book::Verdict;
use crate::domain::update::advisory::span;
use crate::domain::update::model::{Dependency, Ecosystem};

/// A step out of the range of compatible versions is longer than any within it.
const BREAKING: u64 = 10_000;

/// A version that could be chosen, what it requires, and how far it is.
pub(super) struct Choice {
    version: Version,
    text: String,
    pub(super) needs: Vec<(String, String)>,
    jump: u64,
}

impl World<'_> {
    /// The versions that could be chosen: published, not refused, and never back behind the lock. Where the lock has a compatible
    /// version they have to be above that, else above the lowest that it has.
    pub(super) fn eligible(&self, name: &str) -> Vec<Choice> {
        let offers = self.offers.get(name).map_or(&[][..], Vec::as_slice);
        let mut releases: Vec<(Version, &Offer)> = offers
            .iter()
            .filter(|offer| !offer.yanked && offer.refused.is_none())
            .filter_map(|offer| Some((Version::parse(&offer.version).ok().filter(|v| v.pre.is_empty())?, offer)))
            .collect();
        releases.sort_by(|(a, _), (b, _)| a.cmp(b));
        let items = self.by_name.get(name).map_or(&[][..], |name| &self.names[*name].locked);
        let published = |text: &str| offers.iter().find(|offer| offer.version == text);
        let locked = items.iter().map(|item| &self.items[*item]);
        let mut locked: Vec<(&Version, Seen<'_>)> = locked
            .filter_map(|item| Some((&item.version, (published(&item.text), &self.edges[item.place?]))))
            .collect();
        locked.sort_by_key(|(version, _)| *version);
        let mut choices = Vec::new();
        for (rank, (version, offer)) in releases.iter().enumerate() {
            let compatible = locked.iter().find(|(other, _)| promise(other) == promise(version));
            if compatible.or(locked.first()).is_some_and(|(floor, _)| version.cmp_precedence(floor).is_le()) {
                continue;
            }
            let near = compatible.or_else(|| locked.iter().rfind(|(below, _)| *below < version));
            // What the lock does not have makes no steps.
            let steps = near.map_or(0, |(near, _)| releases[..=rank].iter().filter(|(one, _)| one > *near).count());
            let breaking = near.is_some() && compatible.is_none();
            choices.push(Choice {
                version: version.clone(),
                text: offer.version.clone(),
                needs: active(offer, near.map(|(_, seen)| *seen)),
                jump: u64::try_from(steps).unwrap_or(BREAKING) + if breaking { BREAKING } else { 0 },
            });
        }
        if locked.is_empty() {
            choices.reverse();
        }
        choices
    }

    /// Puts together which versions of a package could be chosen, without those that another is at least as good as: that keeps
    /// no more findings, is no farther, is taken by all that take it, and requires nothing beyond what it requires. Whatever set
    /// has the one could have the other in its place.
    pub(super) fn offer(&mut self, name: usize) {
        if self.names[name].fresh.is_some() {
            return;
        }
        self.names[name].fresh = Some(Vec::new());
        let text = self.text(name).to_owned();
        let asked: Vec<VersionReq> =
            self.asked.get(&text).into_iter().flatten().filter_map(|req| VersionReq::parse(req).ok()).collect();
        let mut kept: Vec<(Item, Vec<bool>)> = Vec::new();
        for choice in self.eligible(&text) {
            let Choice { version, text: release, needs: raw, jump } = choice;
            let slot = self.slot(name, &version);
            let Some(keeps) = self.keeps(&text, slot, &release) else { continue };
            let taken: Vec<bool> = asked.iter().map(|req| req.matches(&version)).collect();
            let item = Item { name, version, text: release, slot, place: None, keeps, jump, needs: None, raw };
            let one = (item, taken);
            if kept.iter().any(|other| as_good(other, &one)) {
                continue;
            }
            kept.retain(|other| !as_good(&one, other));
            kept.push(one);
        }
        kept.sort_by_key(|(item, _)| item.jump);
        let mut fresh = Vec::new();
        for (item, _) in kept {
            fresh.push(self.items.len());
            self.items.push(item);
        }
        self.names[name].fresh = Some(fresh);
    }

    /// The findings that a version would keep; `None` where it would bring one that the lock does not have.
    fn keeps(&self, name: &str, slot: usize, version: &str) -> Option<Vec<usize>> {
        let mut keeps = Vec::new();
        for group in self.book.about(Ecosystem::Cargo, name) {
            if self.book.informational(group).is_some() || self.book.verdict(group, version) == Verdict::No {
                continue;
            }
            let known = self.findings.iter().enumerate().filter(|(_, finding)| finding.ids == group.ids);
            let known = known.filter(|(_, finding)| finding.name == name).filter(|(goal, _)| {
                self.slots.get(&(self.by_name[name], self.promised(*goal))).is_some_and(|other| *other == slot)
            });
            let before = keeps.len();
            keeps.extend(known.map(|(goal, _)| goal));
            if keeps.len() == before {
                return None;
            }
        }
        Some(keeps)
    }

    fn promised(&self, goal: usize) -> (u64, u64, u64) {
        Version::parse(&self.findings[goal].version).map_or((0, 0, 0), |version| promise(&version))
    }
}

fn as_good((a, taken): &(Item, Vec<bool>), (b, other): &(Item, Vec<bool>)) -> bool {
    let implied = |(name, outer): &(String, String)| {
        b.raw.iter().any(|(other, inner)| other == name && (inner == outer || span::narrower(inner, outer)))
    };
    a.slot == b.slot
        && a.jump <= b.jump
        && a.keeps.iter().all(|goal| b.keeps.contains(goal))
        && taken.iter().zip(other).all(|(a, b)| *a || !*b)
        && a.raw.iter().all(implied)
}

/// A locked version: as published, and the names of what it needs in the lock.
type Seen<'s> = (Option<&'s Offer>, &'s BTreeSet<String>);

/// What a release requires, given what the version that it stands for needs in the lock: what it needs in any case, what that
/// one has, and what a feature brings that is on there as far as the lock shows.
fn active(offer: &Offer, near: Option<Seen<'_>>) -> Vec<(String, String)> {
    let on = |need: &&Dependency| match near {
        _ if !need.optional => true,
        Some((_, edges)) if edges.contains(&need.name) => true,
        Some((Some(old), edges)) => need.by.iter().any(|feature| shows(feature, old, edges)),
        _ => false,
    };
    let mut all: Vec<(String, String)> =
        offer.needs.iter().filter(on).map(|need| (need.name.clone(), need.requirement.clone())).collect();
    all.sort();
    all.dedup();
    all
}

/// Whether a feature is on: all that it brings is there. One that brings nothing leaves no trace, and counts as off.
fn shows(feature: &String, offer: &Offer, edges: &BTreeSet<String>) -> bool {
    let mut brought = offer.needs.iter().filter(|need| need.by.contains(feature)).peekable();
    brought.peek().is_some() && brought.all(|need| edges.contains(&need.name))
}
