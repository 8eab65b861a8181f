//! People, who type anything at any time.

use fairway::domain::ask::{Ask, Said};
use fairway::domain::command::{Order, Verb};
use fairway::domain::rollout::Weight;
use fairway::domain::task::Event;

use crate::world::{Typed, World};

impl World {
    /// Somebody types something, or something is merged.
    pub fn types(&mut self) {
        let order = self.an_order();
        let by = ["alice", "bob", "alice", "bob", "mallory"][self.dice.roll(5) as usize];
        let pull = 1 + self.dice.roll(3) as i64;
        self.asks(order, by, pull);
    }

    /// Asks it of the environment. Of two that come at once, the second is in the lane before the first is decided on.
    pub fn asks(&mut self, order: Order, by: &str, pull: i64) {
        let comment = 1 + self.typed.len() as i64;
        let merge = matches!(order, Order::Deploy { .. }) && self.dice.roll(5) == 0 && !self.calm;
        if self.dice.roll(2) == 0 {
            self.newest += 1;
        }
        let older = if self.dice.roll(5) == 0 { self.dice.roll(3) } else { 0 };
        let line = if self.dice.roll(8) == 0 { 'b' } else { 'a' };
        let newer = format!("{line}{:06}", self.newest.saturating_sub(older));
        let live = self.truth.as_ref().map(|(sha, _)| sha.clone()).filter(|_| self.dice.roll(6) == 0);
        let ask = Ask {
            repo: self.repo.clone(),
            pull: (!merge).then_some(pull),
            comment: (!merge).then_some(comment),
            by: if merge { String::new() } else { by.to_owned() },
            line: "/something".to_owned(),
            verb: Verb::Rollout,
            at: self.now,
            sha: live.unwrap_or(newer),
            merged: merge || self.dice.roll(2) == 0,
            order,
        };
        self.say(|| format!("types [{comment}]: {by} in #{pull}: {:?} {}", ask.order, ask.sha));
        if !merge {
            self.typed.insert(comment, Typed { ask: ask.clone(), said: None, bad: None, begun: 0 });
        }
        self.mail.push_back(Event::Ask(ask));
    }

    fn an_order(&mut self) -> Order {
        let reason = String::new();
        let for_ms = (self.dice.roll(2) == 0).then(|| 1_000 * self.dice.roll(60) as i64);
        match self.dice.roll(24) {
            0..=6 => Order::Deploy {
                sha: None,
                hotfix: (self.dice.roll(6) == 0).then(String::new),
                fixes: (self.dice.roll(3) == 0).then_some(1),
            },
            7..=9 => Order::Weight(Weight::of([100, 1_000, 2_500, 5_000, 9_000, 10_000][self.dice.roll(6) as usize])),
            10..=12 => Order::Promote,
            13 => Order::Pause,
            14 | 15 => Order::Resume,
            16 => Order::Abort { reason },
            17 | 18 => Order::Rollback { reason },
            19 => Order::Show,
            20 => Order::Lock { reason, for_ms },
            21 => Order::Unlock,
            22 if self.dice.roll(2) == 0 => Order::Freeze { reason, for_ms },
            22 => Order::Unfreeze,
            _ => Order::Withdraw,
        }
    }

    /// What a command is told.
    pub fn answered(&mut self, comment: i64, said: Said) {
        let seed = self.seed;
        let bad = self.bad.clone();
        let begun = self.rows.len();
        let typed = self.typed.get_mut(&comment).expect("only what was typed is answered");
        assert!(
            !matches!(typed.said, Some(Said::Done | Said::Refused)) || typed.said == Some(said),
            "seed {seed}: comment {comment}, {:?}, was {:?} and is {said:?}",
            typed.ask.order,
            typed.said
        );
        if typed.said.is_none() {
            typed.bad = bad;
        }
        (typed.said, typed.begun) = (Some(said), begun);
    }
}
