//! Where this person's own package clients would ask.

use crate::domain::update::Found;
use crate::registry::Registries;
use crate::registry::here::Here;
use crate::settings::Ambient;

/// The registries that what was found needs; `now` is in Unix milliseconds.
pub(super) async fn registries(found: &Found, anew: bool, now: i64) -> anyhow::Result<Registries> {
    let needed = |ecosystem| found.declared.iter().any(|declared| declared.ecosystem == ecosystem);
    here(&Ambient::read()).registries(needed, (anew, now)).await
}

/// What package clients read here.
pub(super) fn here(ambient: &Ambient) -> Here {
    let cache = ambient.cache.as_ref().map(|cache| cache.join("fairway").join("registries"));
    Here { env: ambient.clients.clone(), home: ambient.home.clone(), cache }
}
