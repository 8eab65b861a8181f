//! The handle that tests, the command line and the pages hold: the world behind a lock, and news of every change.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::keys;
use super::world::{FaultKind, World};

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
    stop: CancellationToken,
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
                stop: CancellationToken::new(),
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

    /// Where it listens: the API, git and pages alike. No slash at the end.
    pub fn url(&self) -> String {
        self.look(|world| world.url.clone())
    }

    /// The App's id.
    pub fn app_id(&self) -> u64 {
        self.look(|world| world.app.id)
    }

    /// The App's private key: PKCS#1 PEM, for tests only.
    pub fn private_key_pem(&self) -> &'static str {
        keys::PRIVATE
    }

    /// The secret that signs webhooks.
    pub fn webhook_secret(&self) -> String {
        self.look(|world| world.app.webhook_secret.clone())
    }

    /// Where webhooks go from now on.
    pub fn set_webhook_url(&self, url: impl Into<String>) {
        let url = url.into();
        self.act(|world| world.app.webhook_url = Some(url));
    }

    /// Waits until every delivery was tried.
    pub async fn delivered(&self) {
        let mut changes = self.changes();
        while self.look(|world| world.sending > 0 || !world.outbox.is_empty()) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Takes the recorded faults of one kind: a test that provokes them says so with this.
    pub fn forgive(&self, kind: FaultKind) -> Vec<String> {
        self.act_quietly(|world| {
            let (taken, kept) = std::mem::take(&mut world.faults).into_iter().partition(|fault| fault.kind == kind);
            world.faults = kept;
            let taken: Vec<super::world::Fault> = taken;
            taken.into_iter().map(|fault| fault.what).collect()
        })
    }

    /// Stops serving and sending.
    pub fn shutdown(&self) {
        self.inner.stop.cancel();
    }

    /// Ends a test.
    ///
    /// # Panics
    /// When a rule of GitHub's was broken: unknown route, missing permission, passed limit, bad token.
    #[track_caller]
    pub fn finish(&self) {
        self.shutdown();
        let faults = self.look(|world| world.faults.clone());
        let list: Vec<String> = faults.iter().map(|fault| format!("{:?}: {}", fault.kind, fault.what)).collect();
        assert!(list.is_empty(), "the playground recorded {} faults:\n{}", list.len(), list.join("\n"));
    }

    /// Cancelled by `shutdown`.
    pub(super) fn stop(&self) -> CancellationToken {
        self.inner.stop.clone()
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.inner.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
