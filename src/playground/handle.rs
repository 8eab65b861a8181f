//! The handle that tests, the command line and the pages hold: the world behind a lock, and news of every change.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use super::world::World;

/// A running GitHub. Cheap to clone; all clones are the same GitHub.
#[derive(Clone, Debug)]
pub struct Playground {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    world: Mutex<World>,
    changes: watch::Sender<u64>,
    wake: Notify,
}

impl Playground {
    /// A handle on a world that nobody serves yet.
    pub(super) fn new(world: World) -> Self {
        let (changes, _) = watch::channel(0);
        Self {
            inner: Arc::new(Inner {
                world: Mutex::new(world),
                changes,
                wake: Notify::new(),
            }),
        }
    }

    /// Looks at the world. The lock must not be held over an await.
    pub fn look<T>(&self, see: impl FnOnce(&World) -> T) -> T {
        see(&self.lock())
    }

    /// Changes the world; webhooks go out and pages are told.
    pub fn act<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut self.lock());
        self.inner.wake.notify_one();
        self.inner.changes.send_modify(|revision| *revision += 1);
        result
    }

    /// Changes the world without a webhook: what GitHub does when it loses one.
    pub fn silently<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        self.act(|world| {
            world.muted = true;
            let result = change(world);
            world.muted = false;
            result
        })
    }

    /// Takes from the world what nobody needs to be told of.
    pub(super) fn act_quietly<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut self.lock())
    }

    /// Changes with every change of the world.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    /// Waits until something changed since the last wait.
    pub(super) async fn woken(&self) {
        self.inner.wake.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.inner
            .world
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
