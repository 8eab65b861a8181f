//! Who is served by what, and what came of it. The spread depends on nothing but the salt and the client.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::rollout::{Counts, Probed};

/// One bad request of a client counts for so long.
const BUCKET_MS: i64 = 10_000;

/// FNV-1a with a last stir: the same on every machine and in every build, which the standard hasher does not promise.
pub fn hash(parts: &[&[u8]]) -> u64 {
    let mut h: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        for byte in part.iter().chain(&[0xff]) {
            h = (h ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    // Without it close inputs stay close in the high bits.
    h = (h ^ (h >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    h = (h ^ (h >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^ (h >> 33)
}

/// Whether a client is among the candidate's at this weight. Who is in at 10 % is in at 25 %.
pub fn chosen(salt: &str, client: u64, weight: u16) -> bool {
    hash(&[salt.as_bytes(), &client.to_be_bytes()]) % 10_000 < u64::from(weight)
}

/// What came of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// It failed.
    pub bad: bool,
    /// It began too late.
    pub slow: bool,
}

/// The counters of one service.
#[derive(Debug, Default)]
pub struct Counters(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    counts: BTreeMap<String, Counts>,
    bucket: i64,
    seen: HashSet<u64>,
    probes: (String, Probed),
}

impl Counters {
    /// A request that was spread by chance has been answered.
    pub fn note(&self, release: &str, client: u64, (answer, now): (Answer, i64)) {
        let mut inner = self.lock();
        let bucket = now.div_euclid(BUCKET_MS);
        if inner.bucket != bucket {
            inner.bucket = bucket;
            inner.seen.clear();
        }
        // Somebody who tries again and again says the same thing again and again.
        let mut fresh = |said: bool, what: &[u8]| {
            u64::from(said && inner.seen.insert(hash(&[release.as_bytes(), &client.to_be_bytes(), what])))
        };
        let one = Counts { requests: 1, bad: fresh(answer.bad, b"bad"), slow: fresh(answer.slow, b"slow") };
        match inner.counts.get_mut(release) {
            Some(counts) => *counts = counts.and(one),
            None => drop(inner.counts.insert(release.to_owned(), one)),
        }
    }

    /// Candidate and stable have been asked by ourselves. Another candidate begins anew.
    pub fn probed(&self, candidate: &str, (new, old): (Answer, Answer)) {
        let mut inner = self.lock();
        if inner.probes.0 != candidate {
            inner.probes = (candidate.to_owned(), Probed::default());
        }
        let one = |answer: Answer| Counts { requests: 1, bad: answer.bad.into(), slow: answer.slow.into() };
        let Probed { candidate, stable } = inner.probes.1;
        inner.probes.1 = Probed { candidate: candidate.and(one(new)), stable: stable.and(one(old)) };
    }

    /// What came of asking this candidate, and stable beside it.
    pub fn probes(&self, candidate: Option<&str>) -> Probed {
        let inner = self.lock();
        if candidate == Some(inner.probes.0.as_str()) { inner.probes.1 } else { Probed::default() }
    }

    /// By release.
    pub fn all(&self) -> BTreeMap<String, Counts> {
        self.lock().counts.clone()
    }

    /// What is gone need not be counted for ever.
    pub fn forget(&self, release: &str) {
        self.lock().counts.remove(release);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_is_what_the_weight_says_and_nobody_moves_back() {
        let clients = 100_000u64;
        let mut before: Vec<bool> = vec![false; clients as usize];
        for weight in [100u16, 500, 2_500, 5_000] {
            let now: Vec<bool> = (0..clients).map(|c| chosen("9", hash(&[&c.to_be_bytes()]), weight)).collect();
            let count = now.iter().filter(|x| **x).count() as f64;
            let p = f64::from(weight) / 10_000.0;
            // 3.29 standard deviations: the two-sided bounds of 99.9 %.
            let off = (count - clients as f64 * p).abs() / (clients as f64 * p * (1.0 - p)).sqrt();
            assert!(off < 3.29, "{weight}: {count} is {off} deviations off");
            assert!(before.iter().zip(&now).all(|(was, is)| !was || *is), "somebody moved back at {weight}");
            before = now;
        }
        // Fixed for ever: another build must spread the same way.
        assert_eq!(hash(&[b"a", b"b"]), 15_117_536_209_396_698_268);
    }

    #[test]
    fn one_bad_and_one_slow_request_a_client_and_ten_seconds() {
        let counters = Counters::default();
        let (bad, slow) = (Answer { bad: true, slow: false }, Answer { bad: false, slow: true });
        for (client, now) in [(1, 0), (1, 5_000), (2, 6_000), (1, 10_000), (1, 9_000)] {
            counters.note("r", client, (bad, now));
        }
        counters.note("r", 1, (Answer::default(), 10_000));
        assert_eq!(counters.all()["r"], Counts { requests: 6, bad: 4, slow: 0 });
        // A slow one is another thing that the same client has to say.
        counters.note("s", 1, (bad, 20_000));
        for client in [1, 1, 2] {
            counters.note("s", client, (slow, 20_000));
        }
        assert_eq!(counters.all()["s"], Counts { requests: 4, bad: 1, slow: 2 });
    }
}
