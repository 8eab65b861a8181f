//! Why an advisory cannot be ended: who requires what, up to a manifest.

use std::collections::BTreeSet;

use semver::Version;

use super::view::{Alive, Relief, State, Unmet, View};
use super::world::World;
use super::{Blocker, Link, Offer};
use crate::domain::update::advisory::audit::Finding;
use crate::domain::update::advisory::book::Verdict;
use crate::domain::update::model::Ecosystem;

/// Of a finding of which the search says that it cannot be ended.
pub(super) fn blocker(world: &mut World<'_>, goal: usize) -> Blocker {
    let finding = world.finding(goal);
    let Some(item) = world.goals[goal] else { return Blocker::NotLookedUp };
    if !world.offers.contains_key(&finding.name) {
        return Blocker::NotLookedUp;
    }
    if free(world, finding).is_none() && refused(world, finding, None).is_none() {
        return Blocker::NoRelease;
    }
    let state = State { goals: vec![goal], ..State::default() };
    let start = State { gone: BTreeSet::from([item]), ..state.clone() };
    let mut alive = Alive::new(start);
    let view = View::of(world, &state);
    let mut relief = Relief::new(&view, &state);
    let mut links = Vec::new();
    let mut seen = BTreeSet::new();
    let mut at = item;
    while seen.insert(at) {
        let holders: Vec<Unmet> = view.holds.get(&at).cloned().unwrap_or_default();
        // Who cannot be mended at all, and of those the nearest to a manifest.
        let ranked = holders.into_iter().enumerate().map(|(place, holder)| {
            let ways = relief.of(world, &mut alive, holder).map_or(usize::MAX, |slots| slots.len());
            (ways, holder.0.is_some(), place, holder)
        });
        let Some((_, _, _, (owner, req))) = ranked.min_by_key(|(ways, inner, place, _)| (*ways, *inner, *place)) else {
            break;
        };
        let requirement = world.reqs[req].text.clone();
        let package = world.text(world.reqs[req].name).to_owned();
        let refused = (at == item).then(|| refused(world, finding, Some(&requirement))).flatten();
        let by = owner.map(|owner| (world.text(world.items[owner].name).to_owned(), world.items[owner].text.clone()));
        links.push(Link { by, package, requirement, refused });
        match owner {
            Some(owner) => at = owner,
            None => break,
        }
    }
    Blocker::Chain(links)
}

/// Releases above the locked one that are free of it, the lowest first.
fn releases<'a>(world: &World<'a>, finding: &Finding) -> Vec<(Version, &'a Offer)> {
    let Ok(locked) = Version::parse(&finding.version) else { return Vec::new() };
    let groups = world.book.about(Ecosystem::Cargo, &finding.name);
    let Some(group) = groups.iter().find(|group| group.ids == finding.ids) else { return Vec::new() };
    let offers = world.offers.get(&finding.name).map_or(&[][..], Vec::as_slice);
    let mut free: Vec<(Version, &Offer)> = offers
        .iter()
        .filter(|offer| !offer.yanked)
        .filter_map(|offer| Some((Version::parse(&offer.version).ok()?, offer)))
        .filter(|(version, _)| version.pre.is_empty() && *version > locked)
        .filter(|(_, offer)| world.book.verdict(group, &offer.version) == Verdict::No)
        .collect();
    free.sort_by(|(a, _), (b, _)| a.cmp(b));
    free
}

/// The lowest release above the locked one that is free of a finding.
pub(super) fn free(world: &World<'_>, finding: &Finding) -> Option<String> {
    let releases = releases(world, finding);
    let chosen = releases.iter().find(|(_, offer)| offer.refused.is_none()).or_else(|| releases.first());
    chosen.map(|(_, offer)| offer.version.clone())
}

/// The lowest one that would do and is not to be chosen.
fn refused(
    world: &World<'_>,
    finding: &Finding,
    requirement: Option<&str>,
) -> Option<(String, crate::domain::update::model::Why)> {
    let requirement = requirement.map(semver::VersionReq::parse).and_then(Result::ok);
    let releases = releases(world, finding).into_iter();
    let mut fitting = releases.filter(|(version, _)| requirement.as_ref().is_none_or(|req| req.matches(version)));
    fitting.find_map(|(_, offer)| Some((offer.version.clone(), offer.refused.clone()?)))
}
