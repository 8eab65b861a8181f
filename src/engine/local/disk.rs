//! How much a run has written. Symbolic links are not followed, so that nothing outside is counted or read.

use std::path::{Path, PathBuf};

/// Whether everything below `root` is more than `most` bytes. Stops counting as soon as it knows.
pub async fn exceeds(root: &Path, most: u64) -> bool {
    let root = root.to_owned();
    tokio::task::spawn_blocking(move || measure(&root, most) > most).await.unwrap_or(false)
}

fn measure(root: &Path, enough: u64) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let mut left: Vec<PathBuf> = vec![root.to_owned()];
    let mut bytes = 0;
    while let Some(dir) = left.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_dir() {
                left.push(entry.path());
            }
            bytes += meta.blocks() * 512;
            if bytes > enough {
                return bytes;
            }
        }
    }
    bytes
}
