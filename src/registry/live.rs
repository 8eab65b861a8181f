//! Registries and databases of advisories as the server has them.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::databases::Databases;
use super::{How, Packages, Registries, artefact};
use crate::domain::update::advisory::Book;
use crate::domain::update::artefact::Artefact;
use crate::domain::update::{Answers, Ecosystem, Package};

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

    fn book(&self) -> Arc<Book> {
        self.databases.book()
    }

    fn refresh(&self) -> BoxFuture<'_, Result<Vec<(Ecosystem, String)>, String>> {
        Box::pin(self.databases.refresh())
    }

    fn every_ms(&self) -> i64 {
        self.databases.every_ms()
    }
}
