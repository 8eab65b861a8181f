//! Plans that were read.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::plan::Source;

/// So many plans are remembered; more than one process follows at once is rare.
const KEPT: usize = 32;

/// Which plan: `owner/name`, commit, folder.
pub type At = (String, String, String);

/// What a plan is made of at a commit never changes, and a hundred repositories may want it in the same minute.
#[derive(Debug, Default)]
pub struct Plans(Mutex<VecDeque<(At, Arc<Vec<Source>>)>>);

impl Plans {
    /// What it is made of, if that is remembered.
    pub fn get(&self, at: &At) -> Option<Arc<Vec<Source>>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(known, _)| known == at).map(|(_, sources)| sources.clone())
    }

    /// Remembers it, and forgets the oldest when there are too many.
    pub fn put(&self, at: At, sources: Arc<Vec<Source>>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back((at, sources));
    }
}
