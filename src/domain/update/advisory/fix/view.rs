//! What a state of the search looks like: who is there, which requirements nobody meets, and how many new versions it takes at
//! least to mend that.

use std::collections::{BTreeSet, HashMap};

use super::world::World;

/// What was decided so far.
#[derive(Clone, Default)]
pub(super) struct State {
    /// Versions that are in, in the order in which they were chosen.
    pub(super) new: Vec<usize>,
    /// Locked ones that are out: affected, replaced or done without.
    pub(super) gone: BTreeSet<usize>,
    /// The findings that have to end.
    pub(super) goals: Vec<usize>,
}

/// A requirement and who has it; `None`: a manifest.
pub(super) type Unmet = (Option<usize>, usize);

/// A state, walked through from the manifests on.
#[derive(Default)]
pub(super) struct View {
    pub(super) unmet: Vec<Unmet>,
    /// Everybody who is needed.
    pub(super) reached: Vec<usize>,
    /// Who needs a locked package that nobody else can stand in for.
    pub(super) holds: HashMap<usize, Vec<Unmet>>,
    seen: Vec<bool>,
}

impl State {
    pub(super) fn has(&self, world: &World<'_>, item: usize) -> bool {
        if world.items[item].place.is_none() {
            return self.new.contains(&item);
        }
        !self.gone.contains(&item)
    }

    /// Whether somebody meets a requirement.
    pub(super) fn met(&self, world: &World<'_>, req: usize) -> bool {
        self.met_without(world, req, usize::MAX)
    }

    /// Whether somebody else does.
    fn met_without(&self, world: &World<'_>, req: usize, out: usize) -> bool {
        world.reqs[req].locked.iter().any(|item| *item != out && self.has(world, *item))
            || self.new.iter().any(|item| world.meets(req, *item))
    }

    /// Whether a version can still be chosen.
    fn open(&self, world: &World<'_>, item: usize) -> bool {
        let one = &world.items[item];
        !one.keeps.iter().any(|goal| self.goals.contains(goal))
            && !self.new.iter().any(|there| world.items[*there].slot == one.slot)
    }
}

impl View {
    pub(super) fn of(world: &mut World<'_>, state: &State) -> View {
        let mut view = View { seen: vec![false; world.items.len()], ..View::default() };
        let mut queue = Vec::new();
        let roots = world.roots.clone();
        for (req, kept) in roots {
            view.follow(world, state, ((None, req), kept), &mut queue);
        }
        let mut next = 0;
        while let Some(item) = queue.get(next).copied() {
            next += 1;
            let needs = world.needs(item).to_vec();
            for (req, kept) in needs {
                view.follow(world, state, ((Some(item), req), kept), &mut queue);
            }
        }
        view.reached = queue;
        view
    }

    /// The one who met a requirement in the lock goes on meeting it; else a new one does, else another locked one.
    fn follow(&mut self, world: &World<'_>, state: &State, edge: (Unmet, Option<usize>), queue: &mut Vec<usize>) {
        let ((owner, req), kept) = edge;
        let new = state
            .new
            .iter()
            .copied()
            .filter(|item| world.meets(req, *item))
            .max_by_key(|item| &world.items[*item].version);
        let locked = || world.reqs[req].locked.iter().copied().filter(|item| state.has(world, *item));
        let kept = kept.filter(|item| state.has(world, *item));
        let Some(target) = kept.or(new).or_else(|| locked().next_back()) else {
            self.unmet.push((owner, req));
            return;
        };
        if new.is_none() && locked().nth(1).is_none() && world.items[target].place.is_some() {
            self.holds.entry(target).or_default().push((owner, req));
        }
        if self.seen.len() <= target {
            self.seen.resize(target + 1, false);
        }
        if !std::mem::replace(&mut self.seen[target], true) {
            queue.push(target);
        }
    }
}

/// New versions of which a mended state has at least one. `None`: it cannot be said.
pub(super) type OneOf = Option<BTreeSet<usize>>;

/// What it takes to mend a state.
pub(super) struct Relief<'v> {
    view: &'v View,
    state: &'v State,
    gone: HashMap<usize, OneOf>,
    visiting: BTreeSet<usize>,
}

impl<'v> Relief<'v> {
    pub(super) fn new(view: &'v View, state: &'v State) -> Relief<'v> {
        Relief { view, state, gone: HashMap::new(), visiting: BTreeSet::new() }
    }

    /// A requirement that is not met, or not any more, is met by a new version, or who has it is out.
    pub(super) fn of(&mut self, world: &mut World<'_>, alive: &mut Alive, (owner, req): Unmet) -> OneOf {
        let mut items: BTreeSet<usize> = choices(world, alive, self.state, req).into_iter().collect();
        if let Some(owner) = owner.filter(|owner| world.items[*owner].place.is_some()) {
            items.extend(self.out(world, alive, owner)?);
        }
        Some(items)
    }

    /// To be out, each of those who hold it has to be mended; any one of them is a bound, and the tightest is taken.
    pub(super) fn out(&mut self, world: &mut World<'_>, alive: &mut Alive, item: usize) -> OneOf {
        if let Some(known) = self.gone.get(&item) {
            return known.clone();
        }
        if !self.visiting.insert(item) {
            return None;
        }
        let mut best: OneOf = None;
        for unmet in self.view.holds.get(&item).into_iter().flatten() {
            let items = self.of(world, alive, *unmet).map(|items| self.helping(world, alive, item, items));
            let tighter = match (&items, &best) {
                (Some(items), Some(best)) => rank(world, items) < rank(world, best),
                (Some(_), None) => true,
                (None, _) => false,
            };
            if tighter {
                best = items;
            }
        }
        self.visiting.remove(&item);
        // What was cut short by a circle holds here alone.
        if self.visiting.is_empty() || best.is_some() {
            self.gone.insert(item, best.clone());
        }
        best
    }
}

impl Relief<'_> {
    /// Of versions one of which is there once `out` is out, those that do not require in turn one of the others, because only
    /// `out` met what they require.
    fn helping(
        &self,
        world: &mut World<'_>,
        alive: &mut Alive,
        out: usize,
        mut items: BTreeSet<usize>,
    ) -> BTreeSet<usize> {
        for item in items.clone() {
            for (req, _) in world.needs(item).to_vec() {
                let alone = world.meets(req, out) && !self.state.met_without(world, req, out);
                if alone {
                    let choices = choices(world, alive, self.state, req);
                    if choices.iter().all(|choice| *choice != item && items.contains(choice)) {
                        items.remove(&item);
                        break;
                    }
                }
            }
        }
        items
    }
}

/// The fewer ranges, then the fewer versions, the tighter.
fn rank(world: &World<'_>, items: &BTreeSet<usize>) -> (usize, usize) {
    let slots: BTreeSet<usize> = items.iter().map(|item| world.items[*item].slot).collect();
    (slots.len(), items.len())
}

/// The versions that could be chosen for a requirement, the nearest first.
pub(super) fn choices(world: &mut World<'_>, alive: &mut Alive, state: &State, req: usize) -> Vec<usize> {
    if let Some(known) = alive.round.get(&req) {
        return known.clone();
    }
    let fresh = world.fresh(req).to_vec();
    let open: Vec<usize> =
        fresh.into_iter().filter(|item| state.open(world, *item) && alive.is(world, *item)).collect();
    alive.round.insert(req, open.clone());
    open
}

/// Which versions could ever be in: each of their requirements is met by somebody who could.
pub(super) struct Alive {
    start: State,
    known: HashMap<usize, bool>,
    /// What `choices` found for the state that is looked at.
    round: HashMap<usize, Vec<usize>>,
}

impl Alive {
    pub(super) fn new(start: State) -> Alive {
        Alive { start, known: HashMap::new(), round: HashMap::new() }
    }

    fn is(&mut self, world: &mut World<'_>, item: usize) -> bool {
        if let Some(known) = self.known.get(&item) {
            return *known;
        }
        // In a circle each may count on the others.
        self.known.insert(item, true);
        let needs = world.needs(item).to_vec();
        let alive = needs.into_iter().all(|(req, _)| {
            world.reqs[req].locked.iter().any(|locked| self.start.has(world, *locked))
                || world.fresh(req).to_vec().into_iter().any(|one| self.start.open(world, one) && self.is(world, one))
        });
        self.known.insert(item, alive);
        alive
    }
}
