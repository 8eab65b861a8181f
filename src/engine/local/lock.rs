//! A run's lock: held by whatever still lives of it. It is a file that is only ever removed by its holder, and whoever gets
//! it looks whether the file is still the one that has the name.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation::NonBlockingLockExclusive;

/// How often a held lock is tried again.
pub const AGAIN: Duration = Duration::from_millis(20);

/// How long the steps of a dropped run may take to end.
const LAST: Duration = Duration::from_secs(60);

/// The lock, or `None` when somebody has it. It is free again when the file is dropped.
pub fn take(path: &Path) -> std::io::Result<Option<File>> {
    loop {
        let file = File::options().create(true).append(true).open(path)?;
        match rustix::fs::flock(&file, NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let mine = file.metadata()?;
        // Its holder may have removed it between our opening and our locking.
        if std::fs::metadata(path).is_ok_and(|now| (now.dev(), now.ino()) == (mine.dev(), mine.ino())) {
            return Ok(Some(file));
        }
    }
}

/// Removes a run's directory and, if nothing of the run lives, its lock. Waits for the lock at most so long.
pub fn clear(root: &Path, lock: &Path, patience: Duration) {
    let end = Instant::now() + patience;
    let mut held = take(lock);
    while matches!(held, Ok(None)) && Instant::now() < end {
        std::thread::sleep(AGAIN);
        held = take(lock);
    }
    // What is left of a run is of no use; a file that cannot be removed now is removed at the next start.
    let _ = std::fs::remove_dir_all(root);
    if let Ok(Some(_held)) = held {
        let _ = std::fs::remove_file(lock);
    }
}

/// Removes what runs left that ended without their engine. `runs` has `RUN-ATTEMPT` directories and `RUN.lock` files.
pub fn sweep(runs: &Path) {
    for entry in std::fs::read_dir(runs).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        if let Some((run, _)) = name.split_once('-') {
            // The directory itself is locked by an engine that works in it.
            let free = File::open(&path).is_ok_and(|dir| rustix::fs::flock(&dir, NonBlockingLockExclusive).is_ok());
            let lock = runs.join(format!("{run}.lock"));
            if free && matches!(take(&lock), Ok(Some(_))) {
                clear(&path, &lock, Duration::ZERO);
            }
        }
    }
}

/// A run's directory while an engine works in it.
pub struct RunDir {
    root: PathBuf,
    lock: PathBuf,
    done: bool,
    _held: File,
}

impl RunDir {
    /// Makes it and marks it as in use.
    pub fn make(root: &Path, lock: &Path) -> std::io::Result<RunDir> {
        std::fs::create_dir_all(root)?;
        let held = File::open(root)?;
        rustix::fs::flock(&held, rustix::fs::FlockOperation::LockShared)?;
        Ok(RunDir { root: root.to_owned(), lock: lock.to_owned(), done: false, _held: held })
    }

    /// Clears it; nothing of this try lives any more.
    pub async fn clear(mut self) {
        self.done = true;
        let (root, lock) = (self.root.clone(), self.lock.clone());
        let _ = tokio::task::spawn_blocking(move || clear(&root, &lock, Duration::ZERO)).await;
    }
}

impl Drop for RunDir {
    /// Somebody dropped the run on its way: its guard ends the steps, and then the directory goes.
    fn drop(&mut self) {
        if !self.done {
            let (root, lock) = (std::mem::take(&mut self.root), std::mem::take(&mut self.lock));
            std::thread::spawn(move || clear(&root, &lock, LAST));
        }
    }
}
