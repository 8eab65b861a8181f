//! The search: with one version more to change each time, until a set is found or there is nothing left to try.

use std::collections::{BTreeSet, HashSet};

use super::Proof;
use super::bound::{Bound, Cost, Ways};
use super::view::{Alive, State, View};
use super::world::World;

/// More than this is no small change any more.
const MOST: usize = 60;

pub(super) enum Outcome {
    /// These make up the new lock.
    Found { items: Vec<usize>, cost: Cost, proof: Proof },
    /// There is no such set.
    None,
    /// The search ended before it was found, or found not to be.
    Bound,
}

pub(super) struct Answer {
    pub(super) outcome: Outcome,
    pub(super) looked_at: u32,
}

struct Search<'w, 'a> {
    world: &'w mut World<'a>,
    alive: Alive,
    effort: u32,
    looked_at: u32,
    /// Versions that may change now.
    most: usize,
    /// What it takes at least where something was left out because of that.
    next: Option<usize>,
    best: Option<(Vec<usize>, Cost)>,
    seen: HashSet<(BTreeSet<usize>, BTreeSet<usize>, BTreeSet<usize>)>,
}

/// Ends the findings `goals`, looking at no more than about twice `effort` states.
pub(super) fn run(world: &mut World<'_>, goals: &[usize], effort: u32) -> Answer {
    let gone: BTreeSet<usize> = goals.iter().filter_map(|goal| world.goals[*goal]).collect();
    let start = State { gone, goals: goals.to_vec(), ..State::default() };
    let alive = Alive::new(start.clone());
    let mut search =
        Search { world, alive, effort, looked_at: 0, most: 0, next: None, best: None, seen: HashSet::new() };
    let mut state = start.clone();
    let mut most = 0;
    while most <= MOST {
        (search.most, search.next) = (most, None);
        search.seen.clear();
        search.step(&mut state);
        let ended = search.looked_at >= search.effort;
        if let Some((items, cost)) = search.best.take() {
            let proof = if ended { Proof::Fewest } else { Proof::Smallest };
            return Answer { outcome: Outcome::Found { items, cost, proof }, looked_at: search.looked_at };
        }
        if ended {
            return search.anything(start, most);
        }
        let Some(next) = search.next else {
            return Answer { outcome: Outcome::None, looked_at: search.looked_at };
        };
        most = next;
    }
    Answer { outcome: Outcome::Bound, looked_at: search.looked_at }
}

impl Search<'_, '_> {
    /// Where the smallest cannot be found within the bound, as small a one as can be.
    fn anything(mut self, mut state: State, least: usize) -> Answer {
        self.most = usize::MAX;
        self.effort = self.looked_at.saturating_add(self.effort);
        self.seen.clear();
        self.step(&mut state);
        let ended = self.done();
        let outcome = match self.best.take() {
            Some((items, cost)) if ended => Outcome::Found { items, cost, proof: Proof::AtLeast(least) },
            Some((items, cost)) => Outcome::Found { items, cost, proof: Proof::Smallest },
            None if ended => Outcome::Bound,
            None => Outcome::None,
        };
        Answer { outcome, looked_at: self.looked_at }
    }

    fn done(&self) -> bool {
        self.looked_at >= self.effort
    }

    fn step(&mut self, state: &mut State) {
        if self.done() {
            return;
        }
        let new = state.new.iter().copied().collect();
        if !self.seen.insert((new, state.gone.clone(), state.stay.clone())) {
            return;
        }
        self.looked_at += 1;
        let view = View::of(self.world, state);
        if view.unmet.is_empty() {
            self.found(view.reached);
            return;
        }
        let before = state.gone.clone();
        if let Some(bound) = Bound::of(self.world, &mut self.alive, view, state) {
            self.branch(state, bound);
        }
        state.gone = before;
    }

    fn branch(&mut self, state: &mut State, bound: Bound) {
        let least = Cost::of(self.world, state.new.iter()).and(bound.cost);
        if least.changed > self.most {
            self.next = Some(self.next.map_or(least.changed, |next| next.min(least.changed)));
            return;
        }
        if self.best.as_ref().is_some_and(|(_, best)| least >= *best) {
            return;
        }
        match bound.ways {
            Ways::One(items) => {
                for item in items {
                    self.with(state, item);
                    if self.done() {
                        return;
                    }
                }
            }
            Ways::Or(item) => {
                state.stay.insert(item);
                self.step(state);
                state.stay.remove(&item);
                state.gone.insert(item);
                self.step(state);
                state.gone.remove(&item);
            }
            Ways::Done(reached) => self.found(reached),
        }
    }

    /// A lock has one version in a range of compatible ones, so the new one replaces what was there.
    fn with(&mut self, state: &mut State, item: usize) {
        let replaced = self.world.there(self.world.items[item].slot).filter(|there| state.gone.insert(*there));
        state.new.push(item);
        self.step(state);
        state.new.pop();
        if let Some(there) = replaced {
            state.gone.remove(&there);
        }
    }

    fn found(&mut self, items: Vec<usize>) {
        let cost = Cost::of(self.world, items.iter());
        if self.best.as_ref().is_none_or(|(_, best)| cost < *best) {
            self.best = Some((items, cost));
        }
    }
}
