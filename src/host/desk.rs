//! What the admin socket acts on: the shelf, the keeper, and the doors of services with a port of their own.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::handover::Inherited;
use super::keeper::Keeper;
use super::lanes::Lanes;
use super::listen::{Ends, Kind};
use super::shelf::{Place, Placed, Shelf};
use super::{Door, Release, Slot, TargetError};

/// What a release answers when it is taken off the shelf may take so long.
pub(super) const DRAIN: Duration = Duration::from_secs(30);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Everything that the admin socket acts on.
#[derive(Debug)]
pub struct Host {
    /// The services.
    pub shelf: Arc<Shelf>,
    /// Their processes.
    pub keeper: Arc<Keeper>,
    /// By port.
    pub(super) doors: tokio::sync::Mutex<BTreeMap<u16, Own>>,
    pub(super) lanes: Arc<Lanes>,
    pub(super) bind: IpAddr,
    pub(super) ends: Ends,
    /// `true` while a successor has its word: nothing that is written down changes then.
    pub(super) frozen: tokio::sync::RwLock<bool>,
}

/// The listener of a service with a port of its own.
#[derive(Debug)]
pub struct Own {
    service: String,
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
        // Nobody closes meanwhile what is not on the shelf yet.
        let mut doors = self.doors.lock().await;
        if let Door::Port(port) = door {
            let opened = self.open(&mut doors, (name, *port), None).await;
            opened.map_err(|error| TargetError::Refused(format!("{error:#}")))?;
        }
        let place = || self.keeper.place(release);
        let put = self.shelf.prepare(name, door, place, &release.id);
        self.close(&mut doors, name);
        if let (Some((slot, old)), Some(place)) = (put?, self.shelf.get(name)) {
            self.end(place, slot, old);
        }
        Ok(())
    }

    /// Ends what runs in a place without traffic, and closes the door that was its alone.
    ///
    /// # Errors
    /// `Refused` when the place has traffic; `Away` when the disk does not take it.
    pub async fn retire(&self, name: &str, slot: Slot) -> Result<(), TargetError> {
        let Some(place) = self.shelf.get(name) else { return Ok(()) };
        let mut doors = self.doors.lock().await;
        if let Some(old) = self.shelf.retire(&place, slot)? {
            self.end(place, slot, old);
        }
        self.close(&mut doors, name);
        Ok(())
    }

    /// Ends what is off the shelf once its last request is answered, or after a while.
    fn end(&self, place: Arc<Place>, slot: Slot, old: Placed) {
        let keeper = self.keeper.clone();
        tokio::spawn(async move {
            let answered = async {
                // First a moment for a request that has just been dealt out and is not counted yet.
                tokio::time::sleep(LOOK).await;
                while place.in_flight(slot).load(Ordering::Relaxed) > 0 {
                    tokio::time::sleep(LOOK).await;
                }
            };
            let _ = tokio::time::timeout(DRAIN, answered).await;
            place.still(|stored| {
                // It may be back.
                if !stored.slots.values().any(|placed| placed.release.id == old.release.id) {
                    keeper.end(&place.name, &old);
                }
            });
        });
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

    /// Listens for a service that has come back from disk, on the listeners that a predecessor had, where there was one.
    pub(super) async fn reopen(&self, place: &Place, mut inherited: Option<&mut Inherited>) -> anyhow::Result<()> {
        let mut doors = self.doors.lock().await;
        for door in place.now().doors() {
            if let Door::Port(port) = door {
                let listener = inherited.as_mut().and_then(|from| from.ports.remove(port));
                self.open(&mut doors, (&place.name, *port), listener).await?;
            }
        }
        Ok(())
    }

    /// Listens on a service's own port, once.
    async fn open(
        &self,
        doors: &mut BTreeMap<u16, Own>,
        (name, port): (&str, u16),
        inherited: Option<std::net::TcpListener>,
    ) -> anyhow::Result<()> {
        match doors.get(&port) {
            Some(own) if own.service == name => return Ok(()),
            Some(own) => anyhow::bail!("the port {port} leads to the service {} already", own.service),
            None => {}
        }
        let listener = match inherited {
            Some(listener) => tcp(listener)?,
            None => TcpListener::bind(SocketAddr::new(self.bind, port))
                .await
                .with_context(|| format!("port {port} cannot be listened on; another program may have it"))?,
        };
        let (listener, stop) = (Arc::new(listener), self.ends.soft.child_token());
        let kind = Kind::Own(name.into());
        self.ends.listen(listener.clone(), kind, self.lanes.clone(), stop.clone());
        doors.insert(port, Own { service: name.to_owned(), listener, stop });
        Ok(())
    }

    /// Leaves the ports that lead to a service and are no door of it any more.
    fn close(&self, doors: &mut BTreeMap<u16, Own>, name: &str) {
        let stored = self.shelf.get(name).map(|place| place.now());
        doors.retain(|port, own| {
            let mut wanted = stored.iter().flat_map(|stored| stored.doors());
            let stays = own.service != name || wanted.any(|door| *door == Door::Port(*port));
            if !stays {
                own.stop.cancel();
            }
            stays
        });
    }
}

/// For the runtime.
pub(super) fn tcp(listener: std::net::TcpListener) -> std::io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}
