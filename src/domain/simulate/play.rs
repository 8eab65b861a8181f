//! One rollout from its first look to its end, with traffic that somebody made up or recorded.

use super::traffic::Traffic;
use crate::domain::dice::Dice;
use crate::domain::rollout::{Action, Counts, Health, Observation, Plan, Probed, Rollout, Signal, Weight, step};

/// How it is played.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What the rollout goes by.
    pub plan: Plan,
    /// Between two looks; milliseconds.
    pub every_ms: i64,
    /// The last look at the latest; milliseconds.
    pub until_ms: i64,
    /// Chance.
    pub seed: u64,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// It goes on.
    Share {
        /// To this.
        to: Weight,
        /// From this.
        from: Weight,
        /// What the candidate answered there.
        candidate: Counts,
        /// What stable answered meanwhile.
        stable: Counts,
    },
    /// It stayed its longest, and asks.
    Asks(Box<Rollout>),
    /// It ended.
    Ended(Box<Rollout>),
}

/// What was seen at one look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Milliseconds since the first look.
    pub at_ms: i64,
    /// The candidate's share.
    pub weight: Weight,
    /// Counted since the beginning.
    pub candidate: Counts,
    /// Counted since the beginning.
    pub stable: Counts,
    /// Against the candidate.
    pub evidence: f64,
    /// From where on it goes back.
    pub limit: f64,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Played {
    /// In order, with the milliseconds since the first look.
    pub marks: Vec<(i64, Mark)>,
    /// Every look.
    pub points: Vec<Point>,
    /// The end, or where it was when time was over.
    pub rollout: Rollout,
}

/// Plays it. A target does at once what it is told and the candidate is healthy: only the judge and the stages decide.
pub fn play(setup: &Setup, traffic: &Traffic) -> Played {
    let mut dice = Dice::new(setup.seed);
    let mut seen = Observation {
        now: 0,
        weight: Some(Weight::ZERO),
        boot: String::new(),
        health: Health::Ready,
        candidate: Counts::default(),
        stable: Counts::default(),
        probed: Probed::default(),
        slow_ms: None,
    };
    let mut played = Played { marks: Vec::new(), points: Vec::new(), rollout: Rollout::new(setup.plan.clone()) };
    let until = traffic.ends().map_or(setup.until_ms, |end| end.min(setup.until_ms));
    while seen.now <= until {
        look(&mut played, &mut seen);
        if played.rollout.ended().is_some() {
            break;
        }
        let next = seen.now + setup.every_ms.max(1);
        let (stable, candidate) = traffic.between((seen.now, next), seen.weight.unwrap_or_default(), &mut dice);
        seen.stable = seen.stable.and(stable);
        seen.candidate = seen.candidate.and(candidate);
        seen.now = next;
    }
    played
}

fn look(played: &mut Played, seen: &mut Observation) {
    let before = played.rollout.clone();
    let (after, actions) = step(before.clone(), &[], seen);
    let mut mark = |what| played.marks.push((seen.now, what));
    for action in actions {
        if let Action::Write(weight) = action {
            if weight > Weight::ZERO {
                let old = before.looked.as_ref();
                let since = |now: Counts, old: Option<Counts>| now.since(old.unwrap_or_default());
                mark(Mark::Share {
                    to: weight,
                    from: seen.weight.unwrap_or_default(),
                    candidate: before.here.and(since(seen.candidate, old.map(|old| old.candidate))),
                    stable: before.here_stable.and(since(seen.stable, old.map(|old| old.stable))),
                });
            }
            seen.weight = Some(weight);
        }
    }
    if after.asks() && !before.asks() {
        mark(Mark::Asks(Box::new(after.clone())));
    }
    if after.over() && !before.over() {
        mark(Mark::Ended(Box::new(after.clone())));
    }
    let (evidence, limit) = after.judged(Signal::Bad);
    played.points.push(Point {
        at_ms: seen.now,
        weight: seen.weight.unwrap_or_default(),
        candidate: seen.candidate,
        stable: seen.stable,
        evidence,
        limit,
    });
    played.rollout = after;
}
