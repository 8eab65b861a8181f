//! What it costs at least to mend a state, and where to go on.
//!
//! From an unmet requirement follows that the mended lock has at least one of certain new versions. Where all of these are in
//! one range of compatible versions, the lock has exactly one of them, and what all of them require in turn follows as well.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::view::{Alive, Relief, State, View, choices};
use super::world::World;

/// New versions of packages that the lock has, packages that it gets, and the sum of their steps; the first matters most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cost {
    pub(super) changed: usize,
    pub(super) added: usize,
    pub(super) steps: u64,
}

impl Cost {
    pub(super) fn of<'i>(world: &World<'_>, items: impl Iterator<Item = &'i usize>) -> Cost {
        let mut cost = Cost::default();
        for item in items.map(|item| &world.items[*item]).filter(|item| item.place.is_none()) {
            let known = !world.locked(item.name).is_empty();
            cost.changed += usize::from(known);
            cost.added += usize::from(!known);
            cost.steps = cost.steps.saturating_add(item.jump);
        }
        cost
    }

    pub(super) fn and(self, other: Cost) -> Cost {
        Cost {
            changed: self.changed + other.changed,
            added: self.added + other.added,
            steps: self.steps.saturating_add(other.steps),
        }
    }
}

/// The ways on from a state: all that there are.
pub(super) enum Ways {
    /// The lock has one of these, the most promising first.
    One(Vec<usize>),
    /// A locked package stays as it is, or it is out.
    Or(usize),
    /// Nothing is unmet any more once those are out who cannot stay: others in the lock meet what they met.
    Done(Vec<usize>),
}

/// A bound, and where to go on.
pub(super) struct Bound {
    pub(super) cost: Cost,
    pub(super) ways: Ways,
}

/// Ranges that are looked into again when fewer versions are left in them.
const ROUNDS: usize = 400;

/// What a version requires that nobody meets: per package the versions that would.
type Wants = BTreeMap<usize, BTreeSet<usize>>;

/// What follows.
struct Follows<'s> {
    state: &'s State,
    known: Known,
    todo: Vec<usize>,
    wants: HashMap<usize, Option<Wants>>,
}

/// What does not cease to hold when somebody else is found to be out.
#[derive(Default)]
struct Known {
    /// In these ranges the mended lock has one of these.
    single: BTreeMap<usize, BTreeSet<usize>>,
    /// It has one of each of these.
    several: BTreeSet<BTreeSet<usize>>,
}

impl<'s> Follows<'s> {
    fn of(
        world: &mut World<'_>,
        alive: &mut Alive,
        (view, state): (&View, &'s State),
        mut known: Known,
    ) -> Option<Follows<'s>> {
        let several = std::mem::take(&mut known.several);
        let todo = known.single.keys().copied().collect();
        let mut follows = Follows { state, known, todo, wants: HashMap::new() };
        let mut relief = Relief::new(view, state);
        for unmet in &view.unmet {
            if let Some(items) = relief.of(world, alive, *unmet) {
                follows.add(world, alive, items)?;
            }
        }
        for items in several {
            follows.add(world, alive, items)?;
        }
        let mut rounds = 0;
        while let Some(slot) = follows.todo.pop().filter(|_| rounds < ROUNDS) {
            rounds += 1;
            follows.expand(world, alive, slot)?;
        }
        Some(follows)
    }

    /// Who is out in any case: who requires what cannot be, and who is replaced.
    fn out(&self, world: &mut World<'_>, alive: &mut Alive, view: &View) -> BTreeSet<usize> {
        let mut out = BTreeSet::new();
        for (owner, req) in &view.unmet {
            if let Some(owner) = owner.filter(|owner| world.items[*owner].place.is_some())
                && choices(world, alive, self.state, *req).is_empty()
            {
                out.insert(owner);
            }
        }
        for (slot, items) in &self.known.single {
            out.extend(world.there(*slot).filter(|old| !items.contains(old) && !self.state.gone.contains(old)));
        }
        out
    }

    /// Where to go on. Where only one version is left there is nothing to choose. Then it is settled who stays, those first who
    /// leave the most open: a bound is tight only then. Packages that the lock has come before those that it would get, since
    /// they count; else what a bound is to cut off would be tried with every version of the others.
    fn ways(&self, world: &mut World<'_>, alive: &mut Alive, view: &View) -> Ways {
        let items = |items: &BTreeSet<usize>| Ways::One(items.iter().copied().collect());
        if let Some(one) = self.known.single.values().find(|items| items.len() == 1) {
            return items(one);
        }
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for set in &self.known.several {
            let slots: BTreeSet<usize> = set.iter().map(|item| world.items[*item].slot).collect();
            for slot in slots {
                let there = world.there(slot).filter(|there| !self.state.gone.contains(there));
                if let Some(there) = there.filter(|there| !self.state.stay.contains(there)) {
                    *counts.entry(there).or_default() += 1;
                }
            }
        }
        if let Some((item, _)) = counts.into_iter().max_by_key(|(item, count)| (*count, std::cmp::Reverse(*item))) {
            return Ways::Or(item);
        }
        let rank = |(slot, items): &(&usize, &BTreeSet<usize>)| (world.strange(**slot), items.len(), **slot);
        if let Some((_, one)) = self.known.single.iter().min_by_key(rank) {
            return items(one);
        }
        let mut best = (usize::MAX, Ways::One(Vec::new()));
        for (owner, req) in &view.unmet {
            let open = |owner: &usize| world.items[*owner].place.is_some() && !self.state.stay.contains(owner);
            let ways = match owner.filter(open) {
                Some(owner) => (2, Ways::Or(owner)),
                None => {
                    let items = choices(world, alive, self.state, *req);
                    (items.len(), Ways::One(items))
                }
            };
            if ways.0 < best.0 {
                best = ways;
            }
        }
        best.1
    }

    /// `None`: somebody is required whom there cannot be.
    fn wants(&mut self, world: &mut World<'_>, alive: &mut Alive, item: usize) -> Option<&Wants> {
        if !self.wants.contains_key(&item) {
            let mut wants = Some(Wants::new());
            for (req, _) in world.needs(item).to_vec() {
                if self.state.met(world, req) {
                    continue;
                }
                let choices: BTreeSet<usize> = choices(world, alive, self.state, req).into_iter().collect();
                wants = wants.filter(|_| !choices.is_empty());
                let Some(wants) = &mut wants else { break };
                wants.insert(world.reqs[req].name, choices);
            }
            self.wants.insert(item, wants);
        }
        self.wants.get(&item).and_then(Option::as_ref)
    }

    /// The lock has one of these. Where one of them requires one of the others, the lock has one of the others anyway.
    /// `None`: it cannot be.
    fn add(&mut self, world: &mut World<'_>, alive: &mut Alive, mut items: BTreeSet<usize>) -> Option<()> {
        let mut slots: BTreeSet<usize> = items.iter().map(|item| world.items[*item].slot).collect();
        if slots.len() > 1 {
            for item in items.clone() {
                let wants = self.wants(world, alive, item);
                let implied = |wants: &Wants| wants.values().any(|one| !one.contains(&item) && one.is_subset(&items));
                if wants.is_none_or(implied) {
                    items.remove(&item);
                }
            }
            slots = items.iter().map(|item| world.items[*item].slot).collect();
        }
        let slot = *slots.first()?;
        if slots.len() > 1 {
            self.known.several.insert(items);
            return Some(());
        }
        let left = match self.known.single.get(&slot) {
            Some(known) => known.intersection(&items).copied().collect(),
            None => items,
        };
        if left.is_empty() {
            return None;
        }
        if self.known.single.get(&slot) != Some(&left) {
            self.known.single.insert(slot, left);
            self.todo.push(slot);
        }
        Some(())
    }

    /// What every version that is left in a range requires and nobody meets.
    fn expand(&mut self, world: &mut World<'_>, alive: &mut Alive, slot: usize) -> Option<()> {
        let mut common: Option<Wants> = None;
        let mut left = BTreeSet::new();
        for item in self.known.single.get(&slot).cloned().unwrap_or_default() {
            let Some(wants) = self.wants(world, alive, item) else { continue };
            match &mut common {
                None => common = Some(wants.clone()),
                Some(common) => {
                    common.retain(|name, _| wants.contains_key(name));
                    for (name, items) in common {
                        items.extend(wants.get(name).into_iter().flatten().copied());
                    }
                }
            }
            left.insert(item);
        }
        if left.is_empty() {
            return None;
        }
        self.known.single.insert(slot, left);
        for items in common.unwrap_or_default().into_values() {
            self.add(world, alive, items)?;
        }
        Some(())
    }

    /// Each needs a new version of its own where no version is in two of them.
    fn cost(&self, world: &World<'_>) -> Cost {
        let mut all: Vec<(bool, usize, BTreeSet<usize>, u64)> = Vec::new();
        for items in self.known.single.values().chain(&self.known.several) {
            let slots: BTreeSet<usize> = items.iter().map(|item| world.items[*item].slot).collect();
            let near = items.iter().map(|item| world.items[*item].jump).min().unwrap_or(0);
            all.push((slots.iter().any(|slot| world.strange(*slot)), slots.len(), slots, near));
        }
        all.sort();
        let mut used: BTreeSet<usize> = BTreeSet::new();
        let mut least = Cost::default();
        for (strange, _, slots, steps) in all {
            if slots.is_disjoint(&used) {
                least = least.and(Cost { changed: usize::from(!strange), added: usize::from(strange), steps });
                used.extend(slots);
            }
        }
        least
    }
}

impl Bound {
    /// Of a state with something unmet, to which it adds who is out in any case. `None`: it cannot be mended.
    pub(super) fn of(world: &mut World<'_>, alive: &mut Alive, mut view: View, state: &mut State) -> Option<Bound> {
        let mut known = Known::default();
        loop {
            alive.turn();
            let follows = Follows::of(world, alive, (&view, state), known)?;
            let cost = follows.cost(world);
            let out = follows.out(world, alive, &view);
            if out.is_empty() {
                let ways = match follows.ways(world, alive, &view) {
                    Ways::One(items) => Ways::One(ordered(world, state, items)),
                    other => other,
                };
                return Some(Bound { cost, ways });
            }
            if !out.is_disjoint(&state.stay) {
                return None;
            }
            known = follows.known;
            state.gone.extend(out);
            view = View::of(world, state);
            if view.unmet.is_empty() {
                return Some(Bound { cost: Cost::default(), ways: Ways::Done(view.reached) });
            }
        }
    }
}

/// Who brings the least along first, then who is nearest.
fn ordered(world: &mut World<'_>, state: &State, items: Vec<usize>) -> Vec<usize> {
    let mut ranked = Vec::new();
    for item in items {
        let needs = world.needs(item).to_vec();
        let unmet = needs.iter().filter(|(req, _)| !state.met(world, *req)).count();
        ranked.push((unmet, world.items[item].jump, item));
    }
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, _, item)| item).collect()
}
