//! The same traffic before several judges: who ends a good rollout, and who finds a bad one when.

use super::rivals::{Judge, Minute};
use crate::domain::dice::Dice;
use crate::domain::rollout::{Counts, Evidence};

/// 10 %, 25 % and 50 %, ten minutes each.
const SHARES: [f64; 3] = [0.1, 0.25, 0.5];
const MINUTES_EACH: u64 = 10;

/// The judges, in the order of a row's cells.
pub const JUDGES: [&str; 8] = [
    "Flagger >= 99 %, threshold 1",
    "Flagger, threshold 10",
    "Argo >= 95 %/5 min, limit 0",
    "Argo, limit 3",
    "Fisher p < .05, peeking",
    "Beta P > .95, peeking",
    "E >= 20",
    "E >= 100",
];

/// Traffic of one kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Case {
    /// Requests a second, of both versions.
    pub per_second: f64,
    /// In words.
    pub name: &'static str,
    /// The part of stable's that fails.
    pub stable_bad: f64,
    /// The part of the candidate's that fails.
    pub candidate_bad: f64,
}

impl Case {
    /// Whether whoever ends it is wrong.
    pub fn healthy(&self) -> bool {
        self.candidate_bad <= self.stable_bad
    }
}

/// The eleven cases of the table.
pub fn cases() -> Vec<Case> {
    let case = |per_second, name, stable_bad, candidate_bad| Case { per_second, name, stable_bad, candidate_bad };
    vec![
        case(0.1, "healthy .5 %", 0.005, 0.005),
        case(0.1, "healthy 2 %", 0.02, 0.02),
        case(0.1, "x20 (10 %)", 0.005, 0.1),
        case(0.1, "outage", 0.005, 1.0),
        case(1.0, "healthy .5 %", 0.005, 0.005),
        case(1.0, "healthy 2 %", 0.02, 0.02),
        case(1.0, "x5 (2.5 %)", 0.005, 0.025),
        case(1.0, "x20 (10 %)", 0.005, 0.1),
        case(10.0, "healthy 2 %", 0.02, 0.02),
        case(10.0, "x5 (2.5 %)", 0.005, 0.025),
        case(10.0, "outage", 0.005, 1.0),
    ]
}

/// What one judge did in one case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// The part of all runs that it ended, 0 to 1.
    pub ended: f64,
    /// The middle one of the minutes in which it did; `None` when it ended none.
    pub minute: Option<u64>,
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The case.
    pub case: Case,
    /// How often it was drawn.
    pub runs: u64,
    /// One for each of `JUDGES`.
    pub cells: Vec<Cell>,
}

/// Plays one case so many times. The same seed gives the same row, whatever other cases are played.
pub fn compare(case: Case, runs: u64, seed: u64) -> Row {
    let mut minutes: Vec<Vec<u64>> = vec![Vec::new(); JUDGES.len()];
    for run in 0..runs {
        let mut dice = Dice::new(seed.wrapping_add(run.wrapping_mul(0x9e37_79b9)));
        let ended = once(case, &mut dice);
        for (all, minute) in minutes.iter_mut().zip(ended) {
            all.extend(minute);
        }
    }
    let cells = minutes.into_iter().map(|mut minutes| {
        minutes.sort_unstable();
        Cell { ended: minutes.len() as f64 / runs.max(1) as f64, minute: minutes.get(minutes.len() / 2).copied() }
    });
    Row { case, runs, cells: cells.collect() }
}

fn judges() -> [Judge; JUDGES.len()] {
    let (none, sum) = (Counts::default(), Evidence::default());
    [
        Judge::Flagger { threshold: 1, failed: 0 },
        Judge::Flagger { threshold: 10, failed: 0 },
        Judge::Argo { limit: 0, failed: 0, since: none },
        Judge::Argo { limit: 3, failed: 0, since: none },
        Judge::Fisher(none, none),
        Judge::Beta(none, none),
        Judge::Evidence { limit: 20.0, sum },
        Judge::Evidence { limit: 100.0, sum },
    ]
}

/// In which minute each judge ended it.
fn once(case: Case, dice: &mut Dice) -> [Option<u64>; JUDGES.len()] {
    let mut judges = judges();
    let mut ended = [None; JUDGES.len()];
    for (stage, share) in (0..).zip(SHARES) {
        for minute in 1..=MINUTES_EACH {
            let requests = dice.arrivals(case.per_second * 60.0);
            let own = dice.of(requests, share);
            let candidate = Counts { requests: own, bad: dice.of(own, case.candidate_bad), slow: 0 };
            let rest = requests - own;
            let stable = Counts { requests: rest, bad: dice.of(rest, case.stable_bad), slow: 0 };
            let minute = Minute { number: stage * MINUTES_EACH + minute, share, candidate, stable };
            for (judge, ended) in judges.iter_mut().zip(&mut ended) {
                if ended.is_none() && judge.ends(&minute) {
                    *ended = Some(minute.number);
                }
            }
        }
    }
    ended
}
