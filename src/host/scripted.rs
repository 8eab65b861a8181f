//! A target that does at once what it is told, and whose traffic is set by hand: for tests.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;

use super::{Door, Held, Release, Service, Slot, Split, Target, TargetError};
use crate::domain::rollout::{Counts, Health, Probed};

/// Services by name. Clones are the same target.
#[derive(Clone, Debug, Default)]
pub struct Scripted {
    services: Arc<Mutex<BTreeMap<String, Service>>>,
    kept: Arc<Mutex<BTreeMap<String, Vec<String>>>>,
    away: Arc<AtomicBool>,
}

impl Scripted {
    /// Looks at a service.
    pub fn look(&self, service: &str) -> Option<Service> {
        self.lock().get(service).cloned()
    }

    /// Beginnings of the releases of a service that it was last told to keep.
    pub fn kept(&self, service: &str) -> Vec<String> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(service).cloned().unwrap_or_default()
    }

    /// Changes a service as the world would: traffic comes in, a process dies.
    pub fn act(&self, service: &str, change: impl FnOnce(&mut Service)) {
        if let Some(service) = self.lock().get_mut(service) {
            change(service);
        }
    }

    /// So many requests to a version, so many of them bad or slow. Where nobody times answers, none is slow.
    pub fn traffic(&self, service: &str, version: &str, more: Counts) {
        self.act(service, |service| {
            let Some(held) = service.slots.values().find(|held| held.version == version) else { return };
            let counts = service.counts.entry(held.release.clone()).or_default();
            let slow = service.split.slow_ms.map_or(0, |_| more.slow);
            *counts = counts.and(Counts { slow, ..more });
        });
    }

    /// From now on it does not answer, or does again. What it serves goes on meanwhile.
    pub fn away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    fn answers(&self) -> Result<(), TargetError> {
        match self.away.load(Ordering::SeqCst) {
            true => Err(TargetError::Away("it was told not to answer".to_owned())),
            false => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Service>> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Target for Scripted {
    fn observe<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<Option<Service>, TargetError>> {
        Box::pin(std::future::ready(self.answers().map(|()| self.look(service))))
    }

    fn prepare<'a>(
        &'a self,
        service: &'a str,
        _door: &'a Door,
        release: &'a Release,
    ) -> BoxFuture<'a, Result<(), TargetError>> {
        if let Err(away) = self.answers() {
            return Box::pin(std::future::ready(Err(away)));
        }
        let mut all = self.lock();
        let at = all.entry(service.to_owned()).or_insert_with(|| Service { boot: "1".into(), ..Service::default() });
        if at.slot_of(&release.id).is_none() {
            let slot = at.split.stable.map_or(Slot::A, Slot::other);
            let health = if release.start.contains("never") { Health::Starting } else { Health::Ready };
            let held = Held { release: release.id.clone(), version: release.version.clone(), health, in_flight: 0 };
            at.slots.insert(slot, held);
            at.generation += 1;
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn split<'a>(
        &'a self,
        service: &'a str,
        generation: u64,
        split: &'a Split,
    ) -> BoxFuture<'a, Result<(), TargetError>> {
        let mut all = self.lock();
        let answer = match all.get_mut(service) {
            _ if self.answers().is_err() => self.answers(),
            Some(at) if at.generation == generation => {
                at.split = split.clone();
                at.generation += 1;
                Ok(())
            }
            Some(at) => Err(TargetError::Stale(at.generation)),
            None => Err(TargetError::Refused(format!("there is no service {service}"))),
        };
        Box::pin(std::future::ready(answer))
    }

    fn probe<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<(), TargetError>> {
        self.act(service, |service| {
            let bad = |slot: Option<Slot>| {
                let held = slot.and_then(|slot| service.slots.get(&slot));
                let bad = u64::from(held.is_none_or(|held| held.health != Health::Ready));
                Counts { requests: 1, bad, slow: 0 }
            };
            let (candidate, stable) = (bad(service.split.candidate), bad(service.split.stable));
            let before = service.probed;
            service.probed = Probed { candidate: before.candidate.and(candidate), stable: before.stable.and(stable) };
        });
        Box::pin(std::future::ready(self.answers()))
    }

    fn retire<'a>(&'a self, service: &'a str, slot: Slot) -> BoxFuture<'a, Result<(), TargetError>> {
        if let Err(away) = self.answers() {
            return Box::pin(std::future::ready(Err(away)));
        }
        if let Some(at) = self.lock().get_mut(service) {
            at.slots.remove(&slot);
            at.generation += 1;
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn keep<'a>(&'a self, service: &'a str, kept: &'a [String]) -> BoxFuture<'a, Result<(), TargetError>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(service.to_owned(), kept.to_vec());
        Box::pin(std::future::ready(Ok(())))
    }
}
