//! A host without processes: two places, a split that is compared and swapped, and counters.

use fairway::domain::rollout::{Counts, Health, Probed, Weight};
use fairway::host::{Held, Service, Slot, Split, TargetError};

/// As much of `fairway host` as a watcher sees.
pub struct Target(pub Service);

impl Target {
    pub fn new() -> Target {
        Target(Service { boot: "1".into(), ..Service::default() })
    }

    /// As the host does it: into the place that is not stable's, and never over what still has traffic.
    pub fn prepare(&mut self, release: &str, health: Health) -> Result<(), TargetError> {
        let at = &mut self.0;
        if at.slot_of(release).is_some() {
            return Ok(());
        }
        let slot = at.split.stable.map_or(Slot::A, Slot::other);
        if at.split.candidate == Some(slot) && at.split.weight > 0 {
            return Err(TargetError::Refused("the candidate's place still has traffic".to_owned()));
        }
        let held = Held { release: release.to_owned(), version: String::new(), health, in_flight: 0 };
        at.slots.insert(slot, held);
        (at.split.candidate, at.split.weight) = (None, 0);
        at.generation += 1;
        Ok(())
    }

    pub fn split(&mut self, generation: u64, split: Split) -> Result<(), TargetError> {
        let at = &mut self.0;
        if at.generation != generation {
            return Err(TargetError::Stale(at.generation));
        }
        if [split.stable, split.candidate].into_iter().flatten().any(|slot| !at.slots.contains_key(&slot)) {
            return Err(TargetError::Refused("nothing runs there".to_owned()));
        }
        at.split = split;
        at.generation += 1;
        Ok(())
    }

    pub fn retire(&mut self, slot: Slot) -> Result<(), TargetError> {
        let at = &mut self.0;
        if at.split.stable == Some(slot) || (at.split.candidate == Some(slot) && at.split.weight > 0) {
            return Err(TargetError::Refused("that place has traffic".to_owned()));
        }
        if let Some(old) = at.slots.remove(&slot) {
            if at.split.candidate == Some(slot) {
                at.split.candidate = None;
            }
            at.counts.remove(&old.release);
            at.generation += 1;
        }
        Ok(())
    }

    /// What share each release has, those without any left out.
    pub fn served(&self) -> Vec<(String, Weight)> {
        let at = &self.0;
        let mut all = Vec::new();
        for (slot, held) in &at.slots {
            let share = match at.split {
                _ if at.split.stable == Some(*slot) => 10_000 - at.split.weight,
                _ if at.split.candidate == Some(*slot) => at.split.weight,
                _ => 0,
            };
            if share > 0 {
                all.push((held.release.clone(), Weight::of(share)));
            }
        }
        all
    }

    /// The share of one release.
    pub fn share(&self, release: &str) -> Weight {
        self.served().into_iter().find(|(name, _)| name == release).map_or(Weight::ZERO, |(_, share)| share)
    }

    /// Where nobody times answers, none is slow.
    pub fn counts(&mut self, release: &str, more: Counts) {
        let slow = self.0.split.slow_ms.map_or(0, |_| more.slow);
        let counts = self.0.counts.entry(release.to_owned()).or_default();
        *counts = counts.and(Counts { slow, ..more });
    }

    /// Both are asked once; who is well answers well.
    pub fn probe(&mut self) {
        let at = &mut self.0;
        let one = |slot: Option<Slot>| {
            let held = slot.and_then(|slot| at.slots.get(&slot));
            Counts { requests: 1, bad: u64::from(held.is_none_or(|held| held.health != Health::Ready)), slow: 0 }
        };
        let (candidate, stable) = (one(at.split.candidate), one(at.split.stable));
        let Probed { candidate: c, stable: s } = at.probed;
        at.probed = Probed { candidate: c.and(candidate), stable: s.and(stable) };
    }

    /// It starts anew: the split is on disk, the counters are not.
    pub fn restarts(&mut self) {
        self.0.boot.push('+');
        self.0.counts.clear();
        self.0.probed = Probed::default();
    }
}
