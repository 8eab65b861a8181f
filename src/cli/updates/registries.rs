//! Where this person's own package clients would ask.

use std::path::Path;
use std::process::Stdio;

use crate::domain::update::Found;
use crate::registry::Registries;
use crate::registry::here::Here;
use crate::settings::Ambient;

/// The registries that what was found needs; `now` is in Unix milliseconds.
pub(super) async fn registries(root: &Path, found: &Found, anew: bool, now: i64) -> anyhow::Result<Registries> {
    let needed = |ecosystem| found.declared.iter().any(|declared| declared.ecosystem == ecosystem);
    let forge = origin(root).await;
    Here { forge, ..here(&Ambient::read()) }.registries(needed, (anew, now)).await
}

/// What package clients read here.
pub(super) fn here(ambient: &Ambient) -> Here {
    let cache = ambient.cache.as_ref().map(|cache| cache.join("fairway").join("registries"));
    Here { env: ambient.clients.clone(), home: ambient.home.clone(), forge: None, cache, guarded: false }
}

/// Where the checkout came from, by its own Git configuration, which no commit can change.
async fn origin(root: &Path) -> Option<String> {
    let mut git = tokio::process::Command::new("git");
    git.args(["config", "--get", "remote.origin.url"]).current_dir(root).stdin(Stdio::null()).stderr(Stdio::null());
    let said = git.kill_on_drop(true).output().await.ok()?;
    let origin = String::from_utf8(said.stdout).ok()?.trim().to_owned();
    (said.status.success() && !origin.is_empty()).then_some(origin)
}
