//! All services of a host, as they stand on disk: what was acknowledged is there after a restart of everything.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use super::count::Counters;
use super::{Door, Held, Release, Service, Slot, Split, TargetError};
use crate::domain::rollout::Health;

/// A service as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stored {
    /// Grows with every change.
    pub generation: u64,
    /// How it is reached while nothing runs; else one of those of its releases.
    pub door: Door,
    /// Who gets what.
    pub split: Split,
    /// What runs where.
    pub slots: BTreeMap<Slot, Placed>,
}

impl Stored {
    /// How it is reached: by the door of each release that it has, so that a new door opens beside the old one and the
    /// old one closes with its release.
    pub fn doors(&self) -> impl Iterator<Item = &Door> {
        let own = self.slots.values().map(|placed| placed.door.as_ref().unwrap_or(&self.door));
        own.chain(self.slots.is_empty().then_some(&self.door))
    }
}

/// A release in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// What.
    pub release: Release,
    /// A port of the loopback for each process.
    pub ports: Vec<u16>,
    /// How its service is reached as long as it is there; absent in what an older host wrote.
    #[serde(default)]
    pub door: Option<Door>,
}

/// A service, and what changes with every request.
#[derive(Debug)]
pub struct Place {
    /// Its name.
    pub name: String,
    stored: RwLock<Arc<Stored>>,
    /// Since the proxy began this life.
    pub counters: Counters,
    health: Mutex<BTreeMap<String, Health>>,
    in_flight: [AtomicU64; 2],
    turn: AtomicUsize,
    /// Changes are made one after the other.
    change: Mutex<()>,
}

impl Place {
    fn new(name: &str, stored: Stored) -> Place {
        Place {
            name: name.to_owned(),
            stored: RwLock::new(Arc::new(stored)),
            counters: Counters::default(),
            health: Mutex::default(),
            in_flight: [AtomicU64::new(0), AtomicU64::new(0)],
            turn: AtomicUsize::new(0),
            change: Mutex::new(()),
        }
    }

    /// As it stands now.
    pub fn now(&self) -> Arc<Stored> {
        self.stored.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks while nothing changes.
    pub fn still(&self, look: impl FnOnce(&Stored)) {
        let _one = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        look(&self.now());
    }

    /// Requests being answered by a place.
    pub fn in_flight(&self, slot: Slot) -> &AtomicU64 {
        &self.in_flight[usize::from(slot == Slot::B)]
    }

    /// Which of several processes is next.
    pub fn turn(&self) -> usize {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }

    /// How a release is.
    pub fn health(&self, release: &str) -> Health {
        self.lock_health().get(release).cloned().unwrap_or(Health::Starting)
    }

    /// What a probe found.
    pub fn set_health(&self, release: &str, health: Health) {
        self.lock_health().insert(release.to_owned(), health);
    }

    fn lock_health(&self) -> MutexGuard<'_, BTreeMap<String, Health>> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For the admin socket.
    pub fn show(&self, boot: &str) -> Service {
        let stored = self.now();
        let candidate = stored.split.candidate.and_then(|slot| stored.slots.get(&slot));
        let candidate = candidate.map(|placed| placed.release.id.as_str());
        let held = |slot: Slot, placed: &Placed| Held {
            release: placed.release.id.clone(),
            version: placed.release.version.clone(),
            health: self.health(&placed.release.id),
            in_flight: self.in_flight(slot).load(Ordering::Relaxed),
        };
        Service {
            generation: stored.generation,
            boot: boot.to_owned(),
            split: stored.split.clone(),
            slots: stored.slots.iter().map(|(slot, placed)| (*slot, held(*slot, placed))).collect(),
            counts: self.counters.all(),
            probed: self.counters.probes(candidate),
        }
    }
}

/// All services.
#[derive(Debug)]
pub struct Shelf {
    dir: PathBuf,
    /// This life of the proxy.
    pub boot: String,
    places: RwLock<BTreeMap<String, Arc<Place>>>,
    /// The same by what is looked for with every request, in small letters.
    domains: RwLock<HashMap<String, Arc<Place>>>,
}

impl Shelf {
    /// Reads what a state directory holds; it is made when it is missing.
    ///
    /// # Errors
    /// When it cannot be made or read. A service whose file is damaged is an error too: it is not forgotten silently.
    pub fn open(state: &Path) -> anyhow::Result<Shelf> {
        use anyhow::Context as _;
        let dir = state.join("services");
        std::fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
        let mut places = BTreeMap::new();
        for entry in std::fs::read_dir(&dir)? {
            let path = entry?.path();
            if path.extension().is_none_or(|e| e != "json") {
                continue;
            }
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let stored = serde_json::from_slice(&std::fs::read(&path)?)
                .with_context(|| format!("{} is damaged; mend it, or move it away and deploy again", path.display()))?;
            places.insert(name.clone(), Arc::new(Place::new(&name, stored)));
        }
        let shelf = Shelf {
            dir,
            boot: uuid::Uuid::new_v4().simple().to_string(),
            places: RwLock::new(places),
            domains: RwLock::default(),
        };
        shelf.all().iter().for_each(|place| shelf.lead(place));
        Ok(shelf)
    }

    /// Its domains lead to it, and no others.
    fn lead(&self, place: &Arc<Place>) {
        let mut domains = self.domains.write().unwrap_or_else(PoisonError::into_inner);
        domains.retain(|_, other| other.name != place.name);
        for door in place.now().doors() {
            if let Door::Domain(name) = door {
                domains.insert(name.to_ascii_lowercase(), place.clone());
            }
        }
    }

    /// All of them.
    pub fn all(&self) -> Vec<Arc<Place>> {
        self.places.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The one of that name.
    pub fn get(&self, name: &str) -> Option<Arc<Place>> {
        self.places.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// The one that answers to a host name.
    pub fn by_domain(&self, domain: &str) -> Option<Arc<Place>> {
        let small = domain.bytes().all(|b| !b.is_ascii_uppercase());
        let domain = if small { Cow::Borrowed(domain) } else { Cow::Owned(domain.to_ascii_lowercase()) };
        self.domains.read().unwrap_or_else(PoisonError::into_inner).get(&*domain).cloned()
    }

    /// Puts a release into the place that is not stable's. Gives what was there and where, if it was another one.
    ///
    /// # Errors
    /// `Refused` when the place still has traffic, or another service has the door; `Away` when it cannot be kept.
    pub fn prepare(
        &self,
        name: &str,
        door: &Door,
        placed: impl FnOnce() -> Result<Placed, TargetError>,
        id: &str,
    ) -> Result<Option<(Slot, Placed)>, TargetError> {
        let taken =
            self.all().into_iter().find(|place| place.name != name && place.now().doors().any(|own| own == door));
        if let Some(other) = taken {
            return Err(TargetError::Refused(format!("{} leads to the service {} already", words(door), other.name)));
        }
        let place = self.get_or_make(name, door);
        let put = self.put(&place, door, placed, id);
        if place.now().generation == 0 {
            // What is not on disk is not there.
            self.places.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        }
        put
    }

    fn put(
        &self,
        place: &Arc<Place>,
        door: &Door,
        placed: impl FnOnce() -> Result<Placed, TargetError>,
        id: &str,
    ) -> Result<Option<(Slot, Placed)>, TargetError> {
        let _one = place.change.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stored = (*place.now()).clone();
        if let Some(own) = stored.slots.values_mut().find(|placed| placed.release.id == id) {
            if own.door.as_ref() != Some(door) {
                own.door = Some(door.clone());
                stored.door = door.clone();
                self.keep(place, stored)?;
            }
            return Ok(None);
        }
        let slot = stored.split.stable.map_or(Slot::A, Slot::other);
        if stored.split.candidate == Some(slot) && stored.split.weight > 0 {
            return Err(TargetError::Refused("the candidate's place still has traffic".to_owned()));
        }
        // What is there keeps the door that it came with.
        let before = stored.door.clone();
        for placed in stored.slots.values_mut() {
            placed.door.get_or_insert_with(|| before.clone());
        }
        let old = stored.slots.insert(slot, Placed { door: Some(door.clone()), ..placed()? });
        stored.split.candidate = None;
        stored.split.weight = 0;
        stored.door = door.clone();
        self.keep(place, stored)?;
        Ok(old.map(|old| (slot, old)))
    }

    fn get_or_make(&self, name: &str, door: &Door) -> Arc<Place> {
        let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
        let fresh = || {
            let stored = Stored { generation: 0, door: door.clone(), split: Split::default(), slots: BTreeMap::new() };
            Arc::new(Place::new(name, stored))
        };
        places.entry(name.to_owned()).or_insert_with(fresh).clone()
    }

    /// Compare and swap.
    ///
    /// # Errors
    /// `Stale` when the service has another generation; `Refused` when a place that shall have traffic is empty.
    pub fn split(&self, place: &Arc<Place>, generation: u64, split: &Split) -> Result<(), TargetError> {
        let _one = place.change.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stored = (*place.now()).clone();
        if stored.generation != generation {
            return Err(TargetError::Stale(stored.generation));
        }
        let empty = [split.stable, split.candidate].into_iter().flatten().find(|slot| !stored.slots.contains_key(slot));
        if let Some(slot) = empty {
            return Err(TargetError::Refused(format!("nothing runs in the place {slot:?}")));
        }
        if split.weight > 10_000 {
            return Err(TargetError::Refused("a weight is at most 10000 basis points".to_owned()));
        }
        stored.split = split.clone();
        self.keep(place, stored)
    }

    /// Empties a place without traffic. Gives what was there.
    ///
    /// # Errors
    /// `Refused` when it has traffic.
    pub fn retire(&self, place: &Arc<Place>, slot: Slot) -> Result<Option<Placed>, TargetError> {
        let _one = place.change.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stored = (*place.now()).clone();
        let served =
            stored.split.stable == Some(slot) || (stored.split.candidate == Some(slot) && stored.split.weight > 0);
        if served {
            return Err(TargetError::Refused("that place has traffic".to_owned()));
        }
        let Some(old) = stored.slots.remove(&slot) else { return Ok(None) };
        if let Some(door) = stored.slots.values().find_map(|left| left.door.clone()) {
            stored.door = door;
        }
        if stored.split.candidate == Some(slot) {
            stored.split.candidate = None;
        }
        self.keep(place, stored)?;
        place.counters.forget(&old.release.id);
        Ok(Some(old))
    }

    /// Writes it down, then makes it true. What cannot be written down does not happen.
    fn keep(&self, place: &Arc<Place>, mut stored: Stored) -> Result<(), TargetError> {
        stored.generation += 1;
        let path = self.dir.join(format!("{}.json", place.name));
        write(&path, &stored).map_err(|e| TargetError::Away(format!("{} cannot be written: {e}", path.display())))?;
        *place.stored.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(stored);
        self.lead(place);
        Ok(())
    }
}

fn words(door: &Door) -> String {
    match door {
        Door::Domain(name) => format!("the domain {name}"),
        Door::Port(port) => format!("the port {port}"),
    }
}

/// Atomically: a reader sees the old file or the new one, also after a power cut. Nobody else may read it, because a
/// release's variables stand in it.
pub fn write(path: &Path, value: &impl Serialize) -> std::io::Result<()> {
    let building = path.with_extension("new");
    let written = (|| {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&building)?;
        file.write_all(&serde_json::to_vec(value)?)?;
        file.sync_all()?;
        std::fs::rename(&building, path)
    })();
    if written.is_err() {
        // Half of it takes room that may be what is missing.
        let _ = std::fs::remove_file(&building);
        return written;
    }
    match path.parent() {
        Some(dir) => std::fs::File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}
