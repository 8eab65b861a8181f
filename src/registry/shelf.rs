//! Answers on disk: small, each in a file of its own, and never believed more than a registry. What cannot be read or written is
//! asked for again.

use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::update::{Package, Release};

/// Another shape of `Kept` gets another number, and older files are asked for again.
const SHAPE: &str = "1";

/// An answer and what it takes to ask whether it still holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    /// When the registry last said so; Unix milliseconds.
    pub asked: i64,
    /// Whether what releases depend on was read.
    pub deep: bool,
    /// Which document it was.
    pub address: String,
    pub etag: Option<String>,
    /// `Last-Modified`, as it came.
    pub modified: Option<String>,
    pub releases: Vec<Release>,
}

pub(super) struct Shelf {
    folder: Option<PathBuf>,
}

impl Shelf {
    pub(super) fn new(folder: Option<PathBuf>) -> Shelf {
        Shelf { folder: folder.map(|folder| folder.join(SHAPE)) }
    }

    pub(super) fn take(&self, package: &Package, address: &str) -> Option<Kept> {
        let bytes = std::fs::read(self.path(package, address)?).ok()?;
        let kept: Kept = serde_json::from_slice(&bytes).ok()?;
        (kept.address == address).then_some(kept)
    }

    /// What is kept under an address of its own.
    pub(super) fn detail<T: DeserializeOwned>(&self, address: &str) -> Option<T> {
        serde_json::from_slice(&std::fs::read(self.place(address)?).ok()?).ok()
    }

    /// Keeps it; gives whether it is kept.
    pub(super) fn keep<T: Serialize>(&self, address: &str, detail: &T) -> bool {
        let Some(path) = self.place(address) else { return false };
        let written = write(&path, detail);
        if let Err(error) = &written {
            tracing::debug!(%error, path = %path.display(), "what is known of a version is not kept");
        }
        written.is_ok()
    }

    fn place(&self, address: &str) -> Option<PathBuf> {
        let digest = hex::encode(Sha256::digest(address));
        Some(self.folder.as_ref()?.join("details").join(&digest[..2]).join(format!("{}.json", &digest[..40])))
    }

    /// A full disk costs the next look-up time and this one nothing.
    pub(super) fn put(&self, package: &Package, kept: &Kept) {
        if let Some(path) = self.path(package, &kept.address)
            && let Err(error) = write(&path, kept)
        {
            tracing::debug!(%error, path = %path.display(), "an answer of a registry is not kept");
        }
    }

    /// Names of packages may hold what names of files may not.
    fn path(&self, package: &Package, address: &str) -> Option<PathBuf> {
        let digest = hex::encode(Sha256::digest(address));
        let readable: String = package.name.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
        Some(self.folder.as_ref()?.join(&digest[..2]).join(format!("{readable}-{}.json", &digest[..24])))
    }
}

/// Whole or not at all, also where two write at once.
fn write(path: &std::path::Path, kept: &impl Serialize) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(std::io::BufWriter::new(file.as_file_mut()), kept)?;
    file.persist(path)?;
    Ok(())
}
