//! What the admin socket acts on: the shelf, the keeper, and the doors of services with a port of their own.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::keeper::Keeper;
use super::listen::{Ends, Kind};
use super::proxy::Proxy;
use super::shelf::Shelf;
use super::{Door, Release, TargetError};

/// Everything that the admin socket acts on.
#[derive(Debug)]
pub struct Host {
    /// The services.
    pub shelf: Arc<Shelf>,
    /// Their processes.
    pub keeper: Arc<Keeper>,
    pub(super) doors: tokio::sync::Mutex<BTreeMap<String, Own>>,
    pub(super) proxy: Proxy,
    pub(super) bind: IpAddr,
    pub(super) ends: Ends,
    /// `true` while a successor has its word: nothing that is written down changes then.
    pub(super) frozen: tokio::sync::RwLock<bool>,
}

/// The listener of a service with a port of its own.
#[derive(Debug)]
pub struct Own {
    pub(super) port: u16,
    pub(super) listener: Arc<TcpListener>,
    stop: CancellationToken,
}

impl Host {
    /// Has a release run, without traffic.
    ///
    /// # Errors
    /// `Refused` when its name, its door or its code may not be; `Away` when the disk does not take it.
    pub async fn prepare(&self, name: &str, door: &Door, release: &Release) -> Result<(), TargetError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if name.is_empty() || name.len() > 100 || !name.bytes().all(plain) {
            return Err(TargetError::Refused("a service's name has 1 to 100 of `a-z`, `0-9` and `-`".to_owned()));
        }
        self.open(name, door, None).await.map_err(|error| TargetError::Refused(format!("{error:#}")))?;
        let place = || self.keeper.place(release);
        if let Some(old) = self.shelf.prepare(name, door, place, &release.id)? {
            self.keeper.end(name, &old);
        }
        Ok(())
    }

    /// Forgets what is left of a service's releases that run nowhere and whose id begins with none of `kept`.
    pub fn keep(&self, name: &str, kept: &[String]) {
        let Some(place) = self.shelf.get(name) else { return };
        // Nothing comes to run here meanwhile.
        place.still(|stored| {
            let runs = |id: &str| stored.slots.values().any(|placed| placed.release.id == id);
            self.keeper.forget(name, |id| runs(id) || kept.iter().any(|begin| id.starts_with(begin.as_str())));
        });
    }

    /// Listens on a service's own port, once; on the listener that a predecessor had, where there was one.
    pub(super) async fn open(
        &self,
        name: &str,
        door: &Door,
        inherited: Option<std::net::TcpListener>,
    ) -> anyhow::Result<()> {
        let mut doors = self.doors.lock().await;
        let port = if let Door::Port(port) = door { Some(*port) } else { None };
        if doors.get(name).map(|own| own.port) == port {
            return Ok(());
        }
        if let Some(old) = doors.remove(name) {
            old.stop.cancel();
        }
        let Some(port) = port else { return Ok(()) };
        let listener = match inherited {
            Some(listener) => tcp(listener)?,
            None => TcpListener::bind(SocketAddr::new(self.bind, port))
                .await
                .with_context(|| format!("port {port} cannot be listened on; another program may have it"))?,
        };
        let (listener, stop) = (Arc::new(listener), self.ends.soft.child_token());
        let kind = Kind::Own(name.to_owned());
        self.ends.listen(listener.clone(), kind, self.proxy.clone(), stop.clone());
        doors.insert(name.to_owned(), Own { port, listener, stop });
        Ok(())
    }
}

/// For the runtime.
pub(super) fn tcp(listener: std::net::TcpListener) -> std::io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}
