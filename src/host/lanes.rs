//! Threads that serve connections, one a core. A connection stays on its thread from its first byte to its last, and so
//! do those that it uses towards a release: nothing of a request waits for another core to wake up.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::proxy::Proxy;

/// All of them. Dropped, they end, with whatever they still serve.
#[derive(Debug)]
pub struct Lanes {
    all: Vec<Lane>,
    next: AtomicUsize,
    _stop: DropGuard,
}

/// One thread.
#[derive(Debug)]
pub struct Lane {
    /// What runs on it.
    pub handle: Handle,
    /// Its own kept connections.
    pub proxy: Proxy,
}

impl Lanes {
    /// Starts as many as the runtime that this is called on has workers.
    ///
    /// # Errors
    /// When the system gives no more threads or descriptors.
    pub fn start(proxy: impl Fn() -> Proxy) -> std::io::Result<Lanes> {
        let stop = CancellationToken::new();
        let end = stop.clone().drop_guard();
        let lane = |at: usize| {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let (handle, stop) = (runtime.handle().clone(), stop.clone());
            let thread = std::thread::Builder::new().name(format!("lane {at}"));
            thread.spawn(move || runtime.block_on(stop.cancelled()))?;
            Ok(Lane { handle, proxy: proxy() })
        };
        let all = (0..Handle::current().metrics().num_workers()).map(lane).collect::<std::io::Result<_>>()?;
        Ok(Lanes { all, next: AtomicUsize::new(0), _stop: end })
    }

    /// Whose turn it is. There is one always.
    pub fn next(&self) -> Option<&Lane> {
        self.all.get(self.next.fetch_add(1, Ordering::Relaxed) % self.all.len().max(1))
    }
}
