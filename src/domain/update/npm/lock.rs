//! What every kind of lock comes to.

use std::collections::BTreeMap;

use super::{Ecosystem, Locked, Origin};

/// A lock that was read.
pub struct Lock {
    /// From the root of the checkout.
    pub file: String,
    /// `needs` are places in this very list.
    pub locked: Vec<Locked>,
    pub wishes: Wishes,
}

/// How a lock says whose wish a version fulfils.
pub enum Wishes {
    /// By the folder of the manifest, from the root of the checkout, and the name in it.
    Folder(BTreeMap<String, BTreeMap<String, usize>>),
    /// By name and range, whoever asks: yarn.
    Range(BTreeMap<String, usize>),
}

impl Lock {
    /// The version for a line of the manifest in `folder`; `None` where the lock does not have it.
    pub fn find(&self, folder: &str, (name, said): (&str, &str)) -> Option<&Locked> {
        let at = match &self.wishes {
            Wishes::Folder(all) => all.get(folder)?.get(name),
            Wishes::Range(all) => {
                [format!("{name}@{said}"), format!("{name}@npm:{said}")].iter().find_map(|key| all.get(key))
            }
        };
        self.locked.get(*at?)
    }

    /// Whether the manifest in this folder belongs to the lock.
    pub fn knows(&self, folder: &str) -> bool {
        match &self.wishes {
            Wishes::Folder(all) => all.contains_key(folder),
            Wishes::Range(_) => true,
        }
    }

    /// Needs in order, each once.
    pub fn settled(mut self) -> Lock {
        for one in &mut self.locked {
            one.needs.sort_unstable();
            one.needs.dedup();
        }
        self
    }
}

/// A locked package that needs nothing yet.
pub fn locked(file: &str, (name, version): (&str, &str), origin: Origin) -> Locked {
    let (ecosystem, file) = (Ecosystem::Npm, file.to_owned());
    Locked { ecosystem, file, name: name.to_owned(), version: version.to_owned(), origin, needs: Vec::new() }
}
