//! Judges that others use, as their documentation shows them, to stand beside ours. All look once a minute.

use crate::domain::rollout::{Counts, Evidence, Interval, log_factorial};

/// A minute, as every judge sees it.
#[derive(Clone, Copy, Debug)]
pub struct Minute {
    /// From 1.
    pub number: u64,
    /// The candidate's share of the traffic, 0 to 1.
    pub share: f64,
    /// Counted in this minute.
    pub candidate: Counts,
    /// Counted in this minute.
    pub stable: Counts,
}

/// A judge with what it remembers.
#[derive(Clone, Debug)]
pub enum Judge {
    /// Flagger: each minute the success rate must be at least 99 %, and no data is a failed check. Failed checks add up over the
    /// whole analysis; so many end it.
    Flagger {
        /// So many.
        threshold: u64,
        /// So far.
        failed: u64,
    },
    /// Argo Rollouts: every five minutes the success rate of these must be at least 95 %, and no data is a failed measurement.
    /// More failures than the limit end it.
    Argo {
        /// The limit.
        limit: u64,
        /// So far.
        failed: u64,
        /// Since the last measurement.
        since: Counts,
    },
    /// Fisher's exact test of everything so far, one-sided, asked again every minute.
    Fisher(Counts, Counts),
    /// The chance that the candidate's rate is above stable's, each with an even prior, asked again every minute. Nobody would end
    /// a candidate of which no request failed, though this chance alone would where there are few.
    Beta(Counts, Counts),
    /// Ours, without the floor of half a point.
    Evidence {
        /// The limit.
        limit: f64,
        /// So far.
        sum: Evidence,
    },
}

impl Judge {
    /// Whether it ends the rollout after this minute.
    pub fn ends(&mut self, minute: &Minute) -> bool {
        match self {
            Judge::Flagger { threshold, failed } => {
                *failed += u64::from(!good(minute.candidate, 0.99));
                *failed >= *threshold
            }
            Judge::Argo { limit, failed, since } => {
                *since = since.and(minute.candidate);
                if minute.number.is_multiple_of(5) {
                    *failed += u64::from(!good(std::mem::take(since), 0.95));
                }
                *failed > *limit
            }
            Judge::Fisher(candidate, stable) => {
                (*candidate, *stable) = (candidate.and(minute.candidate), stable.and(minute.stable));
                fisher(*candidate, *stable) < 0.05
            }
            Judge::Beta(candidate, stable) => {
                (*candidate, *stable) = (candidate.and(minute.candidate), stable.and(minute.stable));
                candidate.bad > 0 && worse(*candidate, *stable) > 0.95
            }
            Judge::Evidence { limit, sum } => {
                let (candidate, stable) = (minute.candidate.bad, minute.stable.bad);
                *sum = sum.and(Interval { candidate, stable, share: minute.share });
                sum.value() >= *limit
            }
        }
    }
}

fn good(counts: Counts, least: f64) -> bool {
    counts.requests > 0 && (counts.requests - counts.bad) as f64 >= least * counts.requests as f64
}

fn log_choose(n: f64, k: f64) -> f64 {
    log_factorial(n) - log_factorial(k) - log_factorial(n - k)
}

/// How likely so many bad ones, or more, would be the candidate's if they were dealt out blindly.
pub fn fisher(candidate: Counts, stable: Counts) -> f64 {
    let (n, m) = (candidate.requests as f64, stable.requests as f64);
    let bad = candidate.bad + stable.bad;
    let mut term = {
        let (x, y) = (candidate.bad as f64, stable.bad as f64);
        (log_choose(n, x) + log_choose(m, y) - log_choose(n + m, bad as f64)).exp()
    };
    let mut sum = 0.0;
    for x in candidate.bad..=bad.min(candidate.requests) {
        sum += term;
        if term < sum * 1e-12 {
            break;
        }
        // From x to x + 1 of the candidate's, one fewer of stable's.
        let (x, y) = (x as f64, (bad - x) as f64);
        term *= (n - x) * y / ((x + 1.0) * (m - y + 1.0));
    }
    sum.min(1.0)
}

/// The chance that the candidate's rate is above stable's, where before anything was seen every rate was as likely.
pub fn worse(candidate: Counts, stable: Counts) -> f64 {
    let log_beta = |a: f64, b: f64| log_factorial(a - 1.0) + log_factorial(b - 1.0) - log_factorial(a + b - 1.0);
    let (a, b) = ((stable.bad + 1) as f64, (stable.requests - stable.bad + 1) as f64);
    let rest = (candidate.requests - candidate.bad + 1) as f64;
    let terms = (0..=candidate.bad).map(|i| {
        let i = i as f64;
        (log_beta(a + i, b + rest) - (rest + i).ln() - log_beta(1.0 + i, rest) - log_beta(a, b)).exp()
    });
    terms.sum::<f64>().min(1.0)
}
