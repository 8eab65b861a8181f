//! A registry of crates beside the stand-in: a sparse index and its archives, for whoever must not ask the internet.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::shapes::iso;
use super::world::World;

/// One published version.
#[derive(Clone, Debug)]
pub struct Crate {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it depends on: name and requirement.
    pub needs: Vec<(String, String)>,
    /// When it was published; Unix milliseconds.
    pub published: i64,
    /// Withdrawn by its authors.
    pub yanked: bool,
    /// The archive, packed.
    archive: Vec<u8>,
}

impl Crate {
    /// Packs a library of one file, with a changelog beside it.
    pub fn new((name, version): (&str, &str), needs: &[(&str, &str)], published: i64, source: &str) -> Crate {
        let lines: String = needs.iter().map(|(name, asks)| format!("{name} = \"{asks}\"\n")).collect();
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n\n[lib]\npath = \"src/lib.rs\"\n\n[dependencies]\n{lines}"
        );
        let changes = format!("# Changes\n\n## {version}\n\n- What {version} of {name} brings.\n");
        let files = [("Cargo.toml", manifest.as_str()), ("src/lib.rs", source), ("CHANGELOG.md", changes.as_str())];
        let owned = |(name, asks): &(&str, &str)| ((*name).to_owned(), (*asks).to_owned());
        Crate {
            name: name.to_owned(),
            version: version.to_owned(),
            needs: needs.iter().map(owned).collect(),
            published,
            yanked: false,
            archive: pack(&format!("{name}-{version}"), &files),
        }
    }

    /// Its line in the index.
    fn line(&self) -> Value {
        let needs: Vec<Value> = self
            .needs
            .iter()
            .map(|(name, asks)| {
                json!({ "name": name, "req": asks, "features": [], "optional": false, "default_features": true,
                        "target": Value::Null, "kind": "normal" })
            })
            .collect();
        json!({
            "name": self.name,
            "vers": self.version,
            "deps": needs,
            "cksum": hex::encode(Sha256::digest(&self.archive)),
            "features": {},
            "yanked": self.yanked,
            "pubtime": iso(self.published),
        })
    }
}

/// A gzipped tar with everything in one folder. Written to memory, so that nothing can fail but memory.
fn pack(folder: &str, files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        // A name of this registry's own is never too long for a header.
        let _ = tar.append_data(&mut header, format!("{folder}/{path}"), text.as_bytes());
    }
    let bytes = tar.into_inner().unwrap_or_default();
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    let _ = packed.write_all(&bytes);
    packed.finish().unwrap_or_default()
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
            self.crates.iter().filter(|one| one.name == name).map(|one| one.line().to_string()).collect();
        (!lines.is_empty()).then(|| lines.join("\n").into_bytes())
    }
}
