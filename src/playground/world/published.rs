//! A published crate, as a registry has it.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

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
    pub archive: Vec<u8>,
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
