//! Who is asked: a question that is on its way already is waited for, and a registry that never answers is given up.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use super::AT_ONCE;
use super::fetch::{Failure, Fetched};

/// After so many failures in a row without one answer, a registry is not asked for the rest.
const PATIENCE: usize = 3;

/// Questions on their way, by address: whoever has the same one waits for the answer.
#[derive(Default)]
pub(super) struct Flights(std::sync::Mutex<BTreeMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl Flights {
    pub(super) fn of(&self, address: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut flights = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(flight) = flights.get(address).and_then(Weak::upgrade) {
            return flight;
        }
        if flights.len() >= AT_ONCE * 4 {
            flights.retain(|_, flight| flight.strong_count() > 0);
        }
        let flight = Arc::default();
        flights.insert(address.to_owned(), Arc::downgrade(&flight));
        flight
    }
}

/// Whether a registry is worth another question.
#[derive(Default)]
pub(super) struct Mood {
    answered: AtomicUsize,
    failed: AtomicUsize,
    last: std::sync::Mutex<String>,
}

impl Mood {
    pub(super) fn hear(&self, fetched: &Result<Fetched, Failure>) {
        match fetched {
            Err(failure) if failure.down => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                if let Ok(mut last) = self.last.lock() {
                    last.clone_from(&failure.why);
                }
            }
            _ => {
                self.answered.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// What its last failure was, where it is not worth another question.
    pub(super) fn hopeless(&self) -> Option<String> {
        let lost = self.answered.load(Ordering::Relaxed) == 0 && self.failed.load(Ordering::Relaxed) >= PATIENCE;
        let last = || self.last.lock().map(|last| last.clone()).unwrap_or_default();
        lost.then(last)
    }
}
