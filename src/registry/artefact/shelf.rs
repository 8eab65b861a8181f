//! Facts about packages on disk. What cannot be read or written is found out again.

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::domain::update::Package;
use crate::domain::update::artefact::Contents;

/// Another shape of `Contents`, or another way to find it out, gets another number.
const SHAPE: &str = "packages-1";
/// What a file may unpack to.
const LARGEST: usize = 8 * 1024 * 1024;

pub(in crate::registry) struct Shelf {
    folder: Option<PathBuf>,
}

/// The name of a file: of whose facts they are, and of which bytes.
pub(super) fn key(package: &Package, version: &str, checksum: &str) -> String {
    let digest = Sha256::digest(format!("{:?}\n{}\n{version}\n{checksum}", package.ecosystem, package.name));
    let readable: String = package.name.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    format!("{readable}-{}", &hex::encode(digest)[..32])
}

impl Shelf {
    pub(in crate::registry) fn new(folder: Option<PathBuf>) -> Shelf {
        Shelf { folder: folder.map(|folder| folder.join(SHAPE)) }
    }

    pub(super) fn take(&self, key: &str) -> Option<Contents> {
        let packed = std::fs::read(self.path(key)?).ok()?;
        serde_json::from_slice(&zstd::bulk::decompress(&packed, LARGEST).ok()?).ok()
    }

    /// A full disk costs the next look time and this one nothing.
    pub(super) fn put(&self, key: &str, contents: &Contents) {
        if let Some(path) = self.path(key)
            && let Err(error) = write(&path, contents)
        {
            tracing::debug!(%error, path = %path.display(), "what is in a package is not kept");
        }
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        let folder = key.get(key.len().saturating_sub(2)..)?;
        Some(self.folder.as_ref()?.join(folder).join(format!("{key}.zst")))
    }
}

/// Whole or not at all, also where two write at once.
fn write(path: &std::path::Path, contents: &Contents) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    let packed = zstd::bulk::compress(&serde_json::to_vec(contents)?, 3)?;
    std::io::Write::write_all(file.as_file_mut(), &packed)?;
    file.persist(path)?;
    Ok(())
}
