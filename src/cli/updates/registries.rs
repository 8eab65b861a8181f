//! Where this person's own package clients would ask.

use std::path::PathBuf;

use crate::domain::update::{Ecosystem, Found};
use crate::registry::cargo::{Crates, Indexes};
use crate::registry::npm::Npm;
use crate::registry::python::Python;
use crate::registry::{Config, Registries, Source};
use crate::settings::Ambient;

/// The registries that what was found needs; `now` is in Unix milliseconds.
pub(super) async fn registries(found: &Found, anew: bool, now: i64) -> anyhow::Result<Registries> {
    let ambient = Ambient::read();
    let (env, home) = (&ambient.clients, ambient.home.as_deref());
    let cache = ambient.cache.as_ref().map(|cache| cache.join("fairway").join("registries"));
    let cargo = env.get("CARGO_HOME").map(PathBuf::from).or_else(|| home.map(|home| home.join(".cargo")));
    let indexes = Indexes::read(cargo.as_deref(), env.clone());
    let common = ["https_proxy", "http_proxy", "all_proxy"].iter().find_map(|name| env.get(*name).cloned());
    let proxy = indexes.proxy().or(common).map(|proxy| (proxy, env.get("no_proxy").cloned()));
    let mut sources: Vec<Box<dyn Source>> = vec![Box::new(Crates::new(indexes))];
    let kept = || cache.clone().map(|folder| (folder, now));
    // A client may have to be asked, which can take longer than all look-ups: only where it is needed.
    if needed(found, Ecosystem::Npm) {
        sources.push(Box::new(Npm::read(home, env, kept()).await));
    }
    if needed(found, Ecosystem::Python) {
        sources.push(Box::new(Python::read(home, env, kept()).await));
    }
    Registries::new(&Config { cache, anew, proxy, ..Config::default() }, sources)
}

fn needed(found: &Found, ecosystem: Ecosystem) -> bool {
    found.declared.iter().any(|declared| declared.ecosystem == ecosystem)
}
