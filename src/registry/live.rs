//! Registries and databases of advisories as the server has them.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::databases::{Databases, Refreshed, Standing};
use super::{How, Packages, Registries, artefact};
use crate::domain::update::advisory::Book;
use crate::domain::update::artefact::Artefact;
use crate::domain::update::{Answers, Package, Release};

/// Both.
pub struct Live {
    registries: Registries,
    databases: Databases,
}

impl Live {
    /// Both together.
    pub fn new(registries: Registries, databases: Databases) -> Live {
        Live { registries, databases }
    }
}

impl Packages for Live {
    fn look_up<'a>(&'a self, packages: &'a [Package], how: How) -> BoxFuture<'a, Answers> {
        Box::pin(self.registries.look_up(packages, how, &|_| {}))
    }

    fn artefacts<'a>(&'a self, wanted: &'a [artefact::Wanted]) -> BoxFuture<'a, Vec<Artefact>> {
        Box::pin(self.registries.artefacts(wanted))
    }

    fn detail(&self, wanted: Vec<(Package, Release)>, now: i64) -> BoxFuture<'_, Vec<Release>> {
        Box::pin(self.registries.detail(wanted, now))
    }

    fn book(&self) -> Arc<Book> {
        self.databases.book()
    }

    fn refresh(&self, now: i64) -> BoxFuture<'_, Refreshed> {
        Box::pin(self.databases.refresh(now))
    }

    fn tell(&self, book: Book) -> BoxFuture<'_, ()> {
        Box::pin(self.databases.tell(book))
    }

    fn stale(&self, now: i64) -> bool {
        self.databases.stale(now)
    }

    fn standing(&self) -> Standing {
        self.databases.standing()
    }

    fn every_ms(&self) -> i64 {
        self.databases.every_ms()
    }
}
