//! What this process knows of GitHub's list of advisories, and how the asking goes.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::update::advisory::Told;

/// What this process knows of the list.
#[derive(Default)]
pub struct Heard {
    known: Mutex<Known>,
    turn: tokio::sync::Mutex<()>,
}

/// What was told, and how the asking goes.
#[derive(Default)]
pub struct Known {
    /// What was told.
    pub told: Told,
    /// When changes were asked for last, Unix milliseconds; `None`: nothing was asked yet.
    pub polled: Option<i64>,
    /// Why nothing comes, a sentence without a full stop; empty: it does.
    pub trouble: String,
    /// Whether GitHub refused it, rather than not to answer.
    pub refused: bool,
    /// Times in a row that nothing came.
    pub failures: u32,
    /// GitHub is not asked before; Unix milliseconds.
    pub not_before: i64,
}

impl Heard {
    /// What is known.
    pub fn known(&self) -> MutexGuard<'_, Known> {
        // Every change to it is one call, so that it is whole whatever happened to whoever held the lock.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One asks at a time: many repositories with the same packages want to know at once.
    pub async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }
}
