//! Whether the candidate is worse than stable. If both are equally good, a bad request comes from the candidate with
//! the chance of its traffic share; the evidence against it is a mean of likelihood ratios over how many times worse
//! it might be. It may be looked at after every request without becoming less true.

use serde::{Deserialize, Serialize};

/// How many times worse the candidate might be.
const TIMES: [f64; 7] = [1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0];

/// At this evidence one of a hundred good candidates would ever be taken back. (`1/α` with α = 1 %.) Where several signals
/// are looked at, each has its part of α.
pub const LIMIT: f64 = 100.0;
/// After the last stage the comparison is with the past, which was another time of day.
pub const WARM_LIMIT: f64 = 1_000.0;

/// What was counted while the share stood still.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Bad requests of the candidate.
    pub candidate: u64,
    /// Bad requests of stable.
    pub stable: u64,
    /// The candidate's share of the traffic, between 0 and 1.
    pub share: f64,
}

/// The evidence so far: one logarithm for each of `TIMES`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence([f64; 7]);

impl Evidence {
    /// With what else was counted. Where one of both had no traffic, there is nothing to compare.
    pub fn and(mut self, interval: Interval) -> Evidence {
        let Interval { candidate, stable, share } = interval;
        if !(share > 0.0 && share < 1.0) {
            return self;
        }
        let (x, all) = (candidate as f64, candidate.saturating_add(stable) as f64);
        for (log, r) in self.0.iter_mut().zip(TIMES) {
            *log += x * r.ln() - all * (share * r + 1.0 - share).ln();
        }
        self
    }

    /// How many times better "it is worse" explains what was counted than "it is not": 1 at the beginning.
    pub fn value(&self) -> f64 {
        let most = self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // The largest is taken out first, so that nothing overflows before it has to.
        let sum: f64 = self.0.iter().map(|log| (log - most).exp()).sum();
        most.exp() * sum / TIMES.len() as f64
    }
}

/// The evidence of all these intervals.
pub fn evidence(intervals: &[Interval]) -> f64 {
    intervals.iter().fold(Evidence::default(), |so_far, interval| so_far.and(*interval)).value()
}

/// A difference of rates below this is nobody's reason to go back.
const FLOOR: f64 = 0.005;

/// Whether the evidence is enough, and the difference worth it. `(bad, requests)` of both; stable without requests
/// counts as clean.
pub fn convicts(evidence: f64, limit: f64, candidate: (u64, u64), stable: (u64, u64)) -> bool {
    let rate = |(bad, all): (u64, u64)| if all == 0 { 0.0 } else { bad as f64 / all as f64 };
    evidence >= limit && rate(candidate) - rate(stable) >= FLOOR
}
