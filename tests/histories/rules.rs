//! What must hold: at every moment, when the world has come to rest, and at the end.

use fairway::domain::ask::Said;
use fairway::domain::command::Order;
use fairway::domain::rollout::{Health, Outcome, Phase, Steer, Undecided, Weight};

use crate::world::{Row, World};

/// Rounds after which the world must have come to rest: a candidate that never gets ready takes two minutes.
const ROUNDS: usize = 400;

impl World {
    /// At every moment.
    pub fn holds(&self) {
        let seed = self.seed;
        let going: Vec<&Row> = self.rows.iter().filter(|row| !row.ended()).collect();
        assert!(going.len() <= 1, "seed {seed}: {} rollouts at once", going.len());
        let served = self.target.served();
        let known = |release: &String| {
            self.truth.as_ref().is_some_and(|(_, live)| live == release)
                || going.iter().any(|row| row.release == *release)
        };
        for (release, share) in &served {
            assert!(known(release), "seed {seed}: {release} has {share} and is neither live nor on its way");
        }
        let split = &self.target.0.split;
        assert!(
            split.stable.is_some() || matches!(split.weight, 0 | 10_000),
            "seed {seed}: a part of the traffic goes nowhere"
        );
        for row in &going {
            let back = row.state.as_ref().map(|state| &state.phase);
            if let Some(Phase::Ending(outcome)) = back.filter(|phase| **phase != Phase::Ending(Outcome::Live)) {
                let share = self.target.share(&row.release);
                assert_eq!(share, Weight::ZERO, "seed {seed}: the row says {outcome:?} before the traffic is gone");
            }
        }
    }

    /// A share has risen.
    pub fn rose(&mut self, at: usize, to: Weight) {
        let seed = self.seed;
        let row = &mut self.rows[at];
        let state = row.state.as_ref().unwrap_or_else(|| panic!("seed {seed}: {to} before anything was written down"));
        assert_eq!(state.target, to, "seed {seed}: no row knows of {to}");
        let stages = &state.plan.stages;
        let by_hand = row.spec.hold_at == Some(to) || row.orders.contains(&Steer::Weight(to));
        let stage = stages.iter().position(|stage| stage.weight == to);
        let follows = stage.is_some_and(|i| i == 0 || row.most >= stages[i - 1].weight);
        assert!(by_hand || follows, "seed {seed}: {to} after {} in {stages:?}", row.most);
        let asked = row.orders[row.heard..state.heard].iter().any(|o| matches!(o, Steer::Promote | Steer::Weight(_)));
        // Nobody asked, so it must have stayed where it was for long enough, and have answered something there. A share that a
        // look took away before it was cut off is given back: that is the same stage, judged anew.
        let most = row.most;
        let typed = row.spec.hold_at == Some(most) || row.orders.contains(&Steer::Weight(most));
        let left = stages.iter().find(|stage| stage.weight == most && !typed);
        if let Some(left) = left.filter(|_| !asked && !by_hand && to > most) {
            assert!(row.stayed_ms >= left.stay_ms, "seed {seed}: left {} after {} ms", left.weight, row.stayed_ms);
            let late = state.plan.undecided == Undecided::Advance && row.stayed_ms >= state.plan.stage_max_ms;
            assert!(late || row.requests > 0 || state.plan.back, "seed {seed}: nothing was measured before {to}");
        }
        // What is given back is the same stage: it stayed there before.
        if to != most {
            (row.stayed_ms, row.requests) = (0, 0);
        }
        (row.most, row.heard) = (most.max(to), state.heard);
    }

    /// Nothing fails any more, and everybody listens. What waits for people goes on waiting.
    pub fn calms_down(&mut self) {
        self.calm = true;
        for held in self.target.0.slots.values_mut() {
            held.health = Health::Ready;
        }
        let (mut same, mut before) = (0, String::new());
        for _ in 0..ROUNDS {
            self.calm_round();
            let now = self.shape();
            same = if now == before && self.mail.is_empty() { same + 1 } else { 0 };
            before = now;
            // Longer than any stage, and than a candidate may take to get ready.
            if same > 40 {
                return;
            }
        }
        panic!("seed {}: it never comes to rest: {before}", self.seed);
    }

    fn calm_round(&mut self) {
        self.traffic(3_900);
        self.rings();
        for _ in 0..200 {
            if self.mail.is_empty() {
                break;
            }
            self.reacts();
            self.holds();
        }
        self.looks_well();
        self.holds();
    }

    /// Where everything stands, but for numbers that only grow.
    fn shape(&self) -> String {
        let row = self.rows.last().and_then(|row| row.state.as_ref());
        let phase = row.map(|state| (state.phase.clone(), state.target, state.paused, state.undecided));
        let queue = self.env.as_ref().map_or(0, |env| env.queue.len());
        format!("{phase:?} {:?} {} waiting, {} mails", self.target.served(), queue, self.mail.len())
    }

    /// At rest: what the row of the environment says is what serves, and what is held is held where somebody wanted it.
    pub fn rests(&self) {
        let seed = self.seed;
        let Some(env) = &self.env else { return assert!(self.rows.is_empty(), "seed {seed}") };
        let going = self.rows.iter().find(|row| !row.ended());
        assert_eq!(env.going.as_ref().map(|g| g.number), going.map(|row| row.number), "seed {seed}: who is on its way");
        let served = self.target.served();
        let Some(row) = going else {
            let live = env.live.as_ref().map(|live| &live.sha);
            assert_eq!(live, self.truth.as_ref().map(|(sha, _)| sha), "seed {seed}: what is live");
            let wanted: Vec<_> = self.truth.iter().map(|(_, release)| (release.clone(), Weight::ALL)).collect();
            assert_eq!(served, wanted, "seed {seed}: what serves");
            return self.obeyed();
        };
        let state = row.state.as_ref().unwrap_or_else(|| panic!("seed {seed}: nobody looks at it"));
        let held = state.paused || state.plan.hold_at.is_some() || state.asks();
        assert!(held && state.phase != Phase::Warm, "seed {seed}: it stands still at {} for no reason", state.target);
        assert_eq!(self.target.share(&row.release), state.target, "seed {seed}: the share it should have");
        // The last share that somebody typed and was promised is the one it has, unless they let it go on.
        let last = row.orders.iter().rfind(|order| matches!(order, Steer::Weight(_) | Steer::Resume | Steer::Promote));
        if let (Some(Steer::Weight(weight)), Phase::Baking) = (last, &state.phase) {
            assert_eq!(state.target, *weight, "seed {seed}: the share that was typed");
        }
        self.obeyed();
    }

    /// Nobody is left without an answer, and what was to be taken away is away.
    fn obeyed(&self) {
        let seed = self.seed;
        let env = self.env.as_ref().expect("something was asked");
        let waits = |comment: i64| {
            let queued = env.queue.iter().map(|waiting| &waiting.ask);
            let on_its_way = env.going.iter().flat_map(|going| going.asked.iter().chain([&going.ask]));
            queued.chain(on_its_way).any(|ask| ask.comment == Some(comment))
        };
        for (comment, typed) in &self.typed {
            if typed.ask.order == Order::Withdraw {
                continue;
            }
            let said = typed.said.unwrap_or_else(|| panic!("seed {seed}: {:?} was never answered", typed.ask));
            assert!(said != Said::Pending || waits(*comment), "seed {seed}: {:?} was dropped", typed.ask);
            let takes_back = matches!(typed.ask.order, Order::Abort { .. } | Order::Rollback { .. });
            // Its own way back may have failed, and that is said too; what begins later is another story.
            let later = self.rows.len() > typed.begun;
            let failed = self.rows.last().is_some_and(|row| {
                row.state.as_ref().and_then(|state| state.ended()).is_some_and(|end| end != Outcome::Live)
                    && row.spec.base.is_some()
                    && Some(&row.release) != typed.bad.as_ref()
            });
            if said == Said::Done && takes_back && !later && !failed {
                let bad = typed.bad.as_ref().expect("there was something to take back");
                assert_eq!(self.target.share(bad), Weight::ZERO, "seed {seed}: {:?} took nothing back", typed.ask);
            }
        }
    }

    /// Somebody opens every lock and lets everything go on.
    pub fn is_let_through(&mut self) {
        for _ in 0..60 {
            let Some(env) = &self.env else { return };
            if env.going.is_none() && env.queue.is_empty() {
                return;
            }
            let pull = env.going.as_ref().and_then(|going| going.ask.pull).unwrap_or(1);
            let asks = self.rows.last().and_then(|row| row.state.as_ref()).is_some_and(|state| state.asks());
            self.asks(Order::Unlock, "alice", pull);
            self.asks(Order::Unfreeze, "alice", pull);
            self.asks(if asks { Order::Promote } else { Order::Resume }, "alice", pull);
            self.calms_down();
        }
    }

    /// Nothing is on its way and nobody waits.
    pub fn is_over(&self) {
        let seed = self.seed;
        let Some(env) = &self.env else { return };
        assert!(env.going.is_none() && env.queue.is_empty(), "seed {seed}: never over: {}", self.shape());
        self.rests();
        assert!(self.typed.values().all(|typed| typed.said != Some(Said::Pending)), "seed {seed}: somebody waits");
    }
}
