//! The search, as clauses: every version is in or out, whoever is in finds what they require, and a range of compatible
//! versions has one at the most. Of all assignments the one is taken that ends the most findings, and of those the one with the
//! fewest versions that are new in the lock, with the fewest packages that are, and with the smallest steps.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use batsat::Lit;

use super::Proof;
use super::least::{Clauses, Least};
use super::view::{State, View};
use super::world::World;

/// The best lock that there is.
pub(super) struct Answer {
    /// Who is in it.
    pub(super) items: Vec<usize>,
    pub(super) proof: Proof,
    /// Findings that stay, new versions, new packages and steps: as few as there can be, where that was found out.
    pub(super) cost: [Least; 4],
    /// Packages that it takes to be whatever is required, because nobody looked them up.
    pub(super) wanted: BTreeSet<String>,
    pub(super) looked_at: u32,
}

/// What is weighed, the first before all others.
#[derive(Default)]
struct Weights {
    kept: BTreeMap<Lit, u64>,
    changed: BTreeMap<Lit, u64>,
    added: BTreeMap<Lit, u64>,
    steps: BTreeMap<Lit, u64>,
    /// Of a package that is added the newest version is the best.
    old: BTreeMap<Lit, u64>,
}

/// The clauses of one lock.
pub(super) struct Model<'w, 'a> {
    world: &'w mut World<'a>,
    clauses: Clauses,
    /// Whether what was not looked up is taken to be whatever is required. What cannot be then cannot be at all.
    free: bool,
    items: BTreeMap<usize, Lit>,
    reqs: HashMap<usize, Lit>,
    /// Some version of a package.
    some: HashMap<usize, Lit>,
    /// A version of a package that nobody looked up.
    unknown: BTreeMap<usize, Lit>,
    weights: Weights,
    goals: Vec<Option<Lit>>,
    todo: Vec<usize>,
}

impl<'w, 'a> Model<'w, 'a> {
    pub(super) fn new(world: &'w mut World<'a>, free: bool, effort: u32) -> Model<'w, 'a> {
        let mut model = Model {
            world,
            clauses: Clauses::new(effort),
            free,
            items: BTreeMap::new(),
            reqs: HashMap::new(),
            some: HashMap::new(),
            unknown: BTreeMap::new(),
            weights: Weights::default(),
            goals: Vec::new(),
            todo: Vec::new(),
        };
        for goal in model.world.goals.clone() {
            let stays = goal.map(|_| model.clauses.literal());
            model.weights.kept.extend(stays.map(|stays| (stays, 1)));
            model.goals.push(stays);
        }
        for (goal, item) in model.world.goals.clone().into_iter().enumerate() {
            if let (Some(item), Some(stays)) = (item, model.goals[goal]) {
                let item = model.item(item);
                model.clauses.implies(item, stays);
            }
        }
        for (req, _) in model.world.roots.clone() {
            let met = model.req(req);
            model.clauses.one_of([met]);
        }
        while let Some(item) = model.todo.pop() {
            model.needs(item);
        }
        model
    }

    pub(super) fn looked_at(&self) -> u32 {
        self.clauses.looked_at()
    }

    /// Whether a finding could be ended, whatever becomes of the others.
    pub(super) fn can_end(&mut self, goal: usize) -> Option<bool> {
        let stays = self.goals[goal]?;
        self.clauses.solve(&[!stays])
    }

    fn item(&mut self, item: usize) -> Lit {
        if let Some(known) = self.items.get(&item) {
            return *known;
        }
        let literal = self.clauses.literal();
        self.items.insert(item, literal);
        self.todo.push(item);
        literal
    }

    /// Who is in finds what they require.
    fn needs(&mut self, item: usize) {
        let literal = self.item(item);
        let one = &self.world.items[item];
        let guessed = one.place.is_some() && !self.known(one.name);
        for (req, _) in self.world.needs(item).to_vec() {
            // What it really requires is not known, so any version might do.
            let met = if guessed { self.some(self.world.reqs[req].name) } else { self.req(req) };
            self.clauses.implies(literal, met);
        }
    }

    fn known(&self, name: usize) -> bool {
        !self.free || self.world.offers.contains_key(self.world.text(name))
    }

    fn req(&mut self, req: usize) -> Lit {
        if let Some(known) = self.reqs.get(&req) {
            return *known;
        }
        let met = self.clauses.literal();
        self.reqs.insert(req, met);
        let name = self.world.reqs[req].name;
        self.name(name);
        let mut who = self.world.reqs[req].locked.clone();
        who.extend(self.world.fresh(req));
        let who: Vec<Lit> = who.into_iter().map(|item| self.item(item)).collect();
        self.clauses.one_of(who.into_iter().chain(self.unknown.get(&name).copied()).chain([!met]));
        met
    }

    fn some(&mut self, name: usize) -> Lit {
        if let Some(known) = self.some.get(&name) {
            return *known;
        }
        let some = self.clauses.literal();
        self.some.insert(name, some);
        self.name(name);
        let mut who = self.world.locked(name).to_vec();
        who.extend(self.world.versions(name));
        let who: Vec<Lit> = who.into_iter().map(|item| self.item(item)).collect();
        self.clauses.one_of(who.into_iter().chain(self.unknown.get(&name).copied()).chain([!some]));
        some
    }

    /// The versions of a package, range by range.
    fn name(&mut self, name: usize) {
        if self.unknown.contains_key(&name) {
            return;
        }
        let strange = self.world.locked(name).is_empty();
        if !self.known(name) {
            let literal = self.clauses.literal();
            self.unknown.insert(name, literal);
            let weights = if strange { &mut self.weights.added } else { &mut self.weights.changed };
            weights.insert(literal, 1);
            return;
        }
        let mut slots: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for item in self.world.versions(name).to_vec() {
            slots.entry(self.world.items[item].slot).or_default().push(item);
        }
        for (slot, items) in slots {
            if !self.items.contains_key(&items[0]) {
                self.slot(slot, &items, strange);
            }
        }
    }

    /// One version of a range at the most. For each place in it a literal says that it is that one or one farther.
    fn slot(&mut self, slot: usize, items: &[usize], strange: bool) {
        let from: Vec<Lit> = items.iter().map(|_| self.clauses.literal()).collect();
        let weights = if strange { &mut self.weights.added } else { &mut self.weights.changed };
        weights.insert(from[0], 1);
        if let Some(there) = self.world.there(slot) {
            let there = self.item(there);
            self.clauses.one_of([!there, !from[0]]);
        }
        let mut steps = 0;
        for (place, item) in items.iter().enumerate() {
            let literal = self.item(*item);
            self.clauses.implies(literal, from[place]);
            if let Some(next) = from.get(place + 1) {
                self.clauses.implies(*next, from[place]);
                self.clauses.implies(literal, !*next);
            }
            let jump = self.world.items[*item].jump;
            self.weights.steps.insert(from[place], jump.saturating_sub(steps));
            steps = jump;
            self.weights.old.insert(from[place], u64::from(strange && place > 0));
            for goal in self.world.items[*item].keeps.clone() {
                if let Some(stays) = self.goals[goal] {
                    self.clauses.implies(literal, stays);
                }
            }
        }
    }
}

impl Model<'_, '_> {
    /// The best that there is; `None` where not even one was found.
    pub(super) fn best(mut self) -> Option<Answer> {
        self.clauses.solve(&[]).filter(|found| *found)?;
        let Weights { kept, changed, added, steps, old } = std::mem::take(&mut self.weights);
        let least = |weights: &BTreeMap<Lit, u64>, clauses: &mut Clauses| {
            let weights = weights.iter().filter(|(_, weight)| **weight > 0);
            clauses.least(&weights.map(|(one, weight)| (*one, *weight)).collect())
        };
        let cost = [&kept, &changed, &added, &steps].map(|weights| least(weights, &mut self.clauses));
        least(&old, &mut self.clauses);
        let proof = match cost {
            _ if cost.iter().all(|least| least.exact) => Proof::Smallest,
            [kept, changed, ..] if kept.exact && changed.exact => Proof::Fewest,
            [kept, changed, ..] if kept.exact => Proof::AtLeast(usize::try_from(changed.bound).unwrap_or(usize::MAX)),
            _ => Proof::AtLeast(0),
        };
        let new = self.settle();
        let stays = |stays: &Option<Lit>| stays.is_some_and(|stays| !self.clauses.holds(stays));
        let ended: BTreeSet<usize> = (0..self.goals.len()).filter(|goal| stays(&self.goals[*goal])).collect();
        let state = self.state(new, &ended);
        let view = View::of(self.world, &state);
        let mut wanted: BTreeSet<usize> =
            self.unknown.iter().filter(|(_, one)| self.clauses.holds(**one)).map(|(name, _)| *name).collect();
        // Whether who stays takes what goes for what they had, their own requirements say.
        let moves = |item: usize| self.world.kept(item).any(|kept| !state.has(self.world, kept));
        let stays = view.reached.iter().filter(|item| self.world.items[**item].place.is_some() && moves(**item));
        wanted.extend(stays.map(|item| self.world.items[*item].name).filter(|name| !self.known(*name)));
        let wanted: BTreeSet<String> = wanted.into_iter().map(|name| self.world.text(name).to_owned()).collect();
        // A lock in which somebody misses something is none.
        let whole = view.unmet.is_empty() || !wanted.is_empty();
        whole.then_some(Answer { items: view.reached, proof, cost, wanted, looked_at: self.clauses.looked_at() })
    }

    /// Of several that are as good, the one that leaves alone whoever comes first by name and version.
    fn settle(&mut self) -> Vec<usize> {
        let mut fresh: Vec<(usize, Lit)> = self.items.iter().map(|(item, literal)| (*item, *literal)).collect();
        fresh.retain(|(item, _)| self.world.items[*item].place.is_none());
        fresh.sort_by(|(a, _), (b, _)| self.world.order(*a).cmp(&self.world.order(*b)));
        let mut new = Vec::new();
        for (item, literal) in fresh {
            if self.clauses.holds(literal) && self.clauses.solve(&[!literal]) != Some(true) {
                new.push(item);
                self.clauses.one_of([literal]);
            } else {
                self.clauses.one_of([!literal]);
            }
        }
        new
    }

    /// Of the lock all that can be there beside what is new.
    fn state(&mut self, new: Vec<usize>, ended: &BTreeSet<usize>) -> State {
        let mut state = State { new, goals: ended.iter().copied().collect(), ..State::default() };
        state.gone.extend(ended.iter().filter_map(|goal| self.world.goals[*goal]));
        state.gone.extend(state.new.iter().filter_map(|item| self.world.there(self.world.items[*item].slot)));
        let locked: Vec<usize> =
            self.items.keys().copied().filter(|item| self.world.items[*item].place.is_some()).collect();
        loop {
            let before = state.gone.len();
            for item in &locked {
                let guessed = !self.known(self.world.items[*item].name);
                if state.gone.contains(item) || guessed {
                    continue;
                }
                let mut needs = self.world.needs(*item).iter().map(|(req, _)| *req).collect::<Vec<_>>().into_iter();
                if needs.any(|req| !state.met(self.world, req) && !self.guessed(req)) {
                    state.gone.insert(*item);
                }
            }
            if state.gone.len() == before {
                return state;
            }
        }
    }

    /// Whether a requirement is met by a version that nobody looked up.
    fn guessed(&self, req: usize) -> bool {
        self.unknown.get(&self.world.reqs[req].name).is_some_and(|one| self.clauses.holds(*one))
    }
}
