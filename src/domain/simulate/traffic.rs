//! Where the requests of a simulation come from.

use super::record::Line;
use crate::domain::dice::Dice;
use crate::domain::rollout::{Counts, Weight};

/// Requests that are drawn by chance.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// Requests a second, of both versions together.
    pub per_second: f64,
    /// The part of stable's that fails, 0 to 1.
    pub stable_bad: f64,
    /// The part of the candidate's that fails, 0 to 1.
    pub candidate_bad: f64,
    /// Until then, in milliseconds, the candidate fails as stable does.
    pub from_ms: i64,
}

/// Requests as they were counted once. How many came and how often each version failed is the record's; which version a
/// request goes to is the simulation's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorded {
    spans: Vec<Span>,
}

/// What was counted up to a moment, since the one before.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Span {
    until_ms: i64,
    requests: u64,
    stable_bad: f64,
    candidate_bad: f64,
}

/// One or the other.
#[derive(Clone, Debug, PartialEq)]
pub enum Traffic {
    /// By chance.
    Drawn(Drawn),
    /// From a record.
    Recorded(Recorded),
}

impl Recorded {
    /// From lines in any order, and the name that the candidate has in them. Every other name is stable. A version that is not
    /// in a span fails as it did in the span before; a candidate that was never seen, as stable.
    pub fn new(lines: &[Line], candidate: &str) -> Recorded {
        let mut times: Vec<i64> = lines.iter().map(|line| line.at_ms).collect();
        times.sort_unstable();
        times.dedup();
        let begin = times.first().copied().unwrap_or_default();
        let (mut stable_bad, mut own) = (0.0, None);
        let mut spans = Vec::new();
        for at in times {
            let (mut old, mut new) = (Counts::default(), Counts::default());
            for line in lines.iter().filter(|line| line.at_ms == at) {
                let counts = if line.version == candidate { &mut new } else { &mut old };
                counts.requests = counts.requests.saturating_add(line.total);
                counts.bad = counts.bad.saturating_add(line.bad);
            }
            stable_bad = rate(old).unwrap_or(stable_bad);
            own = rate(new).or(own);
            spans.push(Span {
                until_ms: at - begin,
                requests: old.requests.saturating_add(new.requests),
                stable_bad,
                candidate_bad: own.unwrap_or(stable_bad),
            });
        }
        // The first span has no beginning of its own: it is taken to be as long as the second.
        let first = spans.get(1).map_or(1_000, |span| span.until_ms);
        for span in &mut spans {
            span.until_ms += first;
        }
        Recorded { spans }
    }
}

fn rate(counts: Counts) -> Option<f64> {
    (counts.requests > 0).then(|| counts.bad as f64 / counts.requests as f64)
}

impl Traffic {
    /// When it ends, in milliseconds; `None`: never.
    pub fn ends(&self) -> Option<i64> {
        match self {
            Traffic::Drawn(_) => None,
            Traffic::Recorded(recorded) => Some(recorded.spans.last().map_or(0, |span| span.until_ms)),
        }
    }

    /// What is counted between two moments, of stable and of the candidate.
    pub fn between(&self, (from, to): (i64, i64), weight: Weight, dice: &mut Dice) -> (Counts, Counts) {
        let (requests, stable_bad, candidate_bad) = match self {
            Traffic::Drawn(drawn) => {
                let turned = to > drawn.from_ms;
                let bad = if turned { drawn.candidate_bad } else { drawn.stable_bad };
                (dice.arrivals(drawn.per_second * (to - from) as f64 / 1_000.0), drawn.stable_bad, bad)
            }
            Traffic::Recorded(recorded) => recorded.between(from, to),
        };
        let to_candidate = dice.of(requests, weight.share());
        let mut counts = |requests: u64, bad: f64| Counts { requests, bad: dice.of(requests, bad), slow: 0 };
        let candidate = counts(to_candidate, candidate_bad);
        (counts(requests - to_candidate, stable_bad), candidate)
    }
}

impl Recorded {
    /// Requests, spread evenly over their span, and the rates of the span where they are.
    fn between(&self, from: i64, to: i64) -> (u64, f64, f64) {
        let (mut requests, mut begin, mut rates) = (0, 0, (0.0, 0.0));
        for span in self.spans.iter() {
            if span.until_ms > from && begin < to {
                let long = (span.until_ms - begin).max(1) as u128;
                let until =
                    |at: i64| u128::from(span.requests) * (at.clamp(begin, span.until_ms) - begin) as u128 / long;
                requests += (until(to) - until(from)) as u64;
                rates = (span.stable_bad, span.candidate_bad);
            }
            begin = span.until_ms;
        }
        (requests, rates.0, rates.1)
    }
}
