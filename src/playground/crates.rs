//! A registry of crates beside the stand-in: a sparse index and its archives, for whoever must not ask the internet.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::shapes::iso;
use super::world::{Crate, World};

/// A version's line in the index.
fn line(one: &Crate) -> Value {
    let needs: Vec<Value> = one
        .needs
        .iter()
        .map(|(name, asks)| {
            json!({ "name": name, "req": asks, "features": [], "optional": false, "default_features": true,
                        "target": Value::Null, "kind": "normal" })
        })
        .collect();
    json!({
        "name": one.name,
        "vers": one.version,
        "deps": needs,
        "cksum": hex::encode(Sha256::digest(&one.archive)),
        "features": {},
        "yanked": one.yanked,
        "pubtime": iso(one.published),
    })
}

impl World {
    /// Publishes a version.
    pub fn publish(&mut self, new: Crate) {
        self.crates.push(new);
    }

    /// What the registry has at a path below `/crates/`: `config.json`, an index file, or an archive below `dl/`.
    pub(super) fn crate_file(&self, path: &str) -> Option<Vec<u8>> {
        if path == "config.json" {
            let config = json!({ "dl": format!("{}/crates/dl/{{crate}}/{{version}}", self.url), "api": Value::Null });
            return Some(config.to_string().into_bytes());
        }
        if let Some(rest) = path.strip_prefix("dl/") {
            let (name, version) = rest.split_once('/')?;
            let found = self.crates.iter().find(|one| one.name == name && one.version == version)?;
            return Some(found.archive.clone());
        }
        let name = path.rsplit('/').next()?;
        let lines: Vec<String> =
            self.crates.iter().filter(|one| one.name == name).map(|one| line(one).to_string()).collect();
        (!lines.is_empty()).then(|| lines.join("\n").into_bytes())
    }
}
