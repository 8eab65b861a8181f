//! Which lock of npm, pnpm or yarn a manifest has.

use crate::domain::update::source::{Files, folder, join, upwards};

/// The first that a folder has counts.
pub const LOCKS: [&str; 4] = ["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock"];

/// The lock that counts for a manifest.
pub fn lock(texts: &Files, manifest: &str) -> Option<String> {
    let beside = |dir: &str| LOCKS.iter().filter_map(|name| join(dir, name)).find(|path| texts.contains_key(path));
    upwards(folder(manifest)).find_map(beside)
}
