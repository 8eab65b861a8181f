//! Answers kept by address with their entity tags: a 304 costs nothing of the hourly limit.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::HeaderMap;

/// Most answers kept.
const ENTRIES: usize = 2_000;
/// Most bytes of bodies kept.
const BYTES: usize = 16 * 1024 * 1024;

/// An answer that may be used again once GitHub says that it still holds.
pub(super) struct Kept {
    /// GitHub's mark of this version.
    pub etag: String,
    /// With the links to further pages.
    pub headers: HeaderMap,
    /// The body.
    pub bytes: Bytes,
}

#[derive(Default)]
struct Inner {
    entries: HashMap<String, Arc<Kept>>,
    order: VecDeque<String>,
    bytes: usize,
}

/// Bounded by entries and by bytes; the oldest goes first.
#[derive(Default)]
pub(super) struct Cache(Mutex<Inner>);

impl Cache {
    /// What is kept under this key.
    pub fn get(&self, key: &str) -> Option<Arc<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entries.get(key).cloned()
    }

    /// Keeps an answer, in place of an older one. One that would push out much else is not kept.
    pub fn put(&self, key: String, kept: Kept) {
        let size = kept.bytes.len();
        if size > BYTES / 8 {
            return;
        }
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let inner = &mut *inner;
        match inner.entries.insert(key.clone(), Arc::new(kept)) {
            Some(old) => inner.bytes -= old.bytes.len(),
            None => inner.order.push_back(key),
        }
        inner.bytes += size;
        while inner.order.len() > ENTRIES || inner.bytes > BYTES {
            let Some(oldest) = inner.order.pop_front() else { break };
            if let Some(gone) = inner.entries.remove(&oldest) {
                inner.bytes -= gone.bytes.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(size: usize) -> Kept {
        Kept { etag: "x".into(), headers: HeaderMap::new(), bytes: Bytes::from(vec![0; size]) }
    }

    #[test]
    fn both_limits_hold_and_the_oldest_goes_first() {
        let cache = Cache::default();
        for n in 0..ENTRIES + 1 {
            cache.put(n.to_string(), kept(1));
        }
        assert!(cache.get("0").is_none() && cache.get("1").is_some());
        for n in 0..10 {
            cache.put(format!("big {n}"), kept(BYTES / 8));
        }
        assert!(cache.get("big 0").is_none() && cache.get("big 9").is_some());
        cache.put("huge".into(), kept(BYTES / 8 + 1));
        assert!(cache.get("huge").is_none());
        assert!(cache.0.lock().unwrap().bytes <= BYTES);
    }

    #[test]
    fn a_newer_answer_takes_the_older_ones_place() {
        let cache = Cache::default();
        cache.put("a".into(), kept(10));
        cache.put("a".into(), kept(4));
        assert_eq!(cache.get("a").unwrap().bytes.len(), 4);
        assert_eq!(cache.0.lock().unwrap().bytes, 4);
    }
}
