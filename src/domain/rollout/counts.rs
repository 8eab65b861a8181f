//! What is counted of a version, and what of that speaks against it.

use serde::{Deserialize, Serialize};

use super::judge::Evidence;

/// Requests, counted since something began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All.
    pub requests: u64,
    /// Answered with 5xx, or not at all; one a client and ten seconds.
    pub bad: u64,
    /// Whose answer began too late; one a client and ten seconds. A host of an older version does not say.
    #[serde(default)]
    pub slow: u64,
}

impl Counts {
    /// Both together.
    pub fn and(self, more: Counts) -> Counts {
        Counts {
            requests: self.requests.saturating_add(more.requests),
            bad: self.bad.saturating_add(more.bad),
            slow: self.slow.saturating_add(more.slow),
        }
    }

    /// What came since `old`, of a counter that never runs backwards.
    pub fn since(self, old: Counts) -> Counts {
        Counts {
            requests: self.requests.saturating_sub(old.requests),
            bad: self.bad.saturating_sub(old.bad),
            slow: self.slow.saturating_sub(old.slow),
        }
    }

    /// Those of them that speak against the version.
    pub fn against(self, signal: Signal) -> u64 {
        match signal {
            Signal::Bad => self.bad,
            Signal::Slow => self.slow,
        }
    }

    /// Their share, 0 to 1. What had no request is clean.
    pub fn rate(self, signal: Signal) -> f64 {
        if self.requests == 0 { 0.0 } else { self.against(signal) as f64 / self.requests as f64 }
    }
}

/// What Fairway asked both versions itself, always as often the one as the other, since something began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    /// The candidate.
    pub candidate: Counts,
    /// Stable.
    pub stable: Counts,
}

/// What a version is judged by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Requests that failed.
    #[default]
    Bad,
    /// Answers that began too late.
    Slow,
}

/// What was counted while answers were timed by the bound that the rollout goes by. Before that, and at a host that
/// times nothing, none is slow, and that would say more than anybody knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timed {
    /// Of the candidate, since it began to have traffic.
    pub candidate: Counts,
    /// Of stable, until the candidate had everything.
    pub stable: Counts,
    /// Of the candidate, where it is now.
    pub here: Counts,
    /// Of stable, meanwhile.
    pub here_stable: Counts,
    /// Against the candidate, from while both had traffic.
    pub evidence: Evidence,
    /// The candidate's first slow answer since it began to have traffic, or since it has all; Unix milliseconds.
    pub since: Option<i64>,
}
