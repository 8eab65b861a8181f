//! What it costs at least to meet a set of clauses, by a SAT solver and the cores that it gives.
//!
//! A core is a set of costs that cannot all be spared. Each one that is found raises the bound by the cheapest of its members,
//! and is replaced by a count of them: one is paid, a second one costs again (Morgado, Dodaro and Marques-Silva, "Core-guided
//! MaxSAT with soft cardinality constraints", 2014). When nothing more has to be paid, the bound is what it costs.

use std::cell::Cell;
use std::collections::BTreeMap;

use batsat::{Callbacks, Lit, Solver, SolverInterface, SolverOpts, lbool};

/// Looks of the solver at a state: those that were taken, and how many it may take.
#[derive(Default)]
struct Budget {
    taken: Cell<u32>,
    most: Cell<u32>,
}

impl Callbacks for Budget {
    /// Asked at every decision and every restart; the same clauses are asked about in the same order each time.
    fn stop(&self) -> bool {
        self.taken.set(self.taken.get().saturating_add(1));
        self.taken.get() > self.most.get()
    }
}

/// A least cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Least {
    /// It costs no less.
    pub(super) bound: u64,
    /// It costs no more, either.
    pub(super) exact: bool,
}

/// Clauses, and the last assignment found that meets them.
pub(super) struct Clauses {
    sat: Solver<Budget>,
    model: Vec<bool>,
    effort: u32,
    /// Of a count of at least so many the literal that says that there is one more.
    more: BTreeMap<Lit, Lit>,
}

impl Clauses {
    pub(super) fn new(effort: u32) -> Clauses {
        let sat = Solver::new(SolverOpts::default(), Budget { most: Cell::new(effort), ..Budget::default() });
        Clauses { sat, model: Vec::new(), effort, more: BTreeMap::new() }
    }

    pub(super) fn literal(&mut self) -> Lit {
        Lit::new(self.sat.new_var_default(), true)
    }

    /// One of these holds.
    pub(super) fn one_of(&mut self, literals: impl IntoIterator<Item = Lit>) {
        self.sat.add_clause_reuse(&mut literals.into_iter().collect());
    }

    pub(super) fn implies(&mut self, a: Lit, b: Lit) {
        self.one_of([!a, b]);
    }

    /// Whether it holds in the last assignment.
    pub(super) fn holds(&self, literal: Lit) -> bool {
        let there = usize::try_from(literal.var().idx()).ok().and_then(|var| self.model.get(var));
        there.copied().unwrap_or(false) == literal.sign()
    }

    pub(super) fn looked_at(&self) -> u32 {
        self.sat.cb().taken.get()
    }

    /// Whether all of these can hold; `None`: the search ended at its bound. Keeps the assignment if they can.
    pub(super) fn solve(&mut self, all: &[Lit]) -> Option<bool> {
        let answer = self.sat.solve_limited(all);
        if answer == lbool::TRUE {
            self.model = self.sat.get_model().iter().map(|value| *value == lbool::TRUE).collect();
        }
        match () {
            () if answer == lbool::TRUE => Some(true),
            () if answer == lbool::FALSE => Some(false),
            () => None,
        }
    }

    /// Makes the sum of the weights of those that hold as small as it can be, for good. There has to be an assignment.
    pub(super) fn least(&mut self, weights: &BTreeMap<Lit, u64>) -> Least {
        let mut open = weights.clone();
        let mut bound: u64 = 0;
        // What weighs most is settled first: its cores raise the bound most.
        let mut floor = open.values().copied().max().unwrap_or(0);
        loop {
            let spared: Vec<Lit> = open.iter().filter(|(_, weight)| **weight >= floor).map(|(one, _)| !*one).collect();
            match self.solve(&spared) {
                None => {
                    self.descend(weights);
                    return Least { bound, exact: false };
                }
                Some(false) => match self.relax(&mut open, &spared) {
                    0 => return Least { bound, exact: false },
                    paid => bound = bound.saturating_add(paid),
                },
                Some(true) => match open.values().copied().filter(|weight| *weight < floor).max() {
                    Some(next) => floor = next,
                    None => {
                        // Whatever costs as little spares each of these.
                        spared.into_iter().for_each(|one| self.one_of([one]));
                        return Least { bound, exact: true };
                    }
                },
            }
        }
    }

    /// Pays for the core just found; how much that is. Nothing: the clauses cannot be met at all.
    fn relax(&mut self, open: &mut BTreeMap<Lit, u64>, spared: &[Lit]) -> u64 {
        let core: Vec<Lit> =
            spared.iter().filter(|one| self.sat.unsat_core_contains_var(one.var())).map(|one| !*one).collect();
        let pay = core.iter().filter_map(|one| open.get(one)).copied().min().unwrap_or(0);
        for one in &core {
            let left = open.remove(one).unwrap_or(0) - pay;
            if left > 0 {
                open.insert(*one, left);
            }
            // Of a count that is paid for, the next one may have to be.
            if let Some(more) = self.more.get(one) {
                *open.entry(*more).or_default() += pay;
            }
        }
        self.one_of(core.iter().copied());
        let counts = self.count(&core);
        for pair in counts.windows(2) {
            if let [one, next] = pair {
                self.more.insert(*one, *next);
            }
        }
        if let Some(second) = counts.get(1) {
            open.insert(*second, pay);
        }
        pay
    }

    /// Literals that hold where at least one, two, three and so on of these do.
    fn count(&mut self, all: &[Lit]) -> Vec<Lit> {
        if all.len() < 2 {
            return all.to_vec();
        }
        let (left, right) = all.split_at(all.len() / 2);
        let (left, right) = (self.count(left), self.count(right));
        let counts: Vec<Lit> = all.iter().map(|_| self.literal()).collect();
        for (a, one) in std::iter::once(None).chain(left.iter().copied().map(Some)).enumerate() {
            for (b, other) in std::iter::once(None).chain(right.iter().copied().map(Some)).enumerate() {
                let Some(sum) = (a + b).checked_sub(1).and_then(|sum| counts.get(sum)).copied() else { continue };
                self.one_of(one.into_iter().chain(other).map(|one| !one).chain([sum]));
            }
        }
        counts
    }

    /// Where the least cannot be found within the bound, one from which nothing can be spared alone: as far as that is found
    /// within it once more.
    fn descend(&mut self, weights: &BTreeMap<Lit, u64>) {
        self.sat.cb().most.set(self.looked_at().saturating_add(self.effort));
        let mut all: Vec<(u64, Lit)> = weights.iter().map(|(one, weight)| (*weight, *one)).collect();
        all.sort_by(|(a, _), (b, _)| b.cmp(a));
        for (_, one) in all {
            let spares = |other: &&Lit| !self.holds(**other);
            let mut spared: Vec<Lit> = weights.keys().filter(spares).map(|one| !*one).collect();
            if self.holds(one) {
                spared.push(!one);
                self.solve(&spared);
            }
        }
        let spared: Vec<Lit> = weights.keys().filter(|one| !self.holds(**one)).copied().collect();
        spared.into_iter().for_each(|one| self.one_of([!one]));
    }
}
