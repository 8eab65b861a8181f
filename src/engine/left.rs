//! Whose a temporary directory is: its name bears a mark of the process that made it, so that the next process knows what
//! one that was killed left behind.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

/// Tells this process from an earlier one with the same id: in a container that starts again all have the same.
static OWN: OnceLock<String> = OnceLock::new();

/// What the name of a directory begins with, after `kind`.
pub fn prefix(kind: &str) -> String {
    format!("{kind}{}-{}-", std::process::id(), own())
}

fn own() -> &'static str {
    OWN.get_or_init(|| uuid::Uuid::new_v4().simple().to_string())
}

/// The directories of this kind in `base` whose process is gone.
pub fn left(base: &Path, kind: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(base).into_iter().flatten().flatten();
    let gone = |name: &str| name.strip_prefix(kind).is_some_and(is_gone);
    entries.filter(|entry| entry.file_name().to_str().is_some_and(gone)).map(|entry| entry.path()).collect()
}

/// Removes one of them; what cannot be removed is told and left.
pub fn remove(dir: &Path) {
    if let Err(error) = std::fs::remove_dir_all(dir) {
        tracing::warn!("{} was left behind and cannot be removed: {error}", dir.display());
    }
}

/// Whether the process of this mark is gone; what has no mark is nobody's of ours.
fn is_gone(mark: &str) -> bool {
    let Some((id, rest)) = mark.split_once('-') else { return false };
    let Some(id) = id.parse().ok().and_then(Pid::from_raw) else { return false };
    if id == rustix::process::getpid() {
        return rest.split('-').next() != Some(own());
    }
    test_kill_process(id) == Err(Errno::SRCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_is_told_from_what_is_used_by_process_and_not_by_its_id_alone() {
        let base = tempfile::tempdir().expect("a directory");
        // A process that has ended, so that its id is nobody's.
        let mut gone = std::process::Command::new("true").spawn().expect("true");
        gone.wait().expect("it ends");
        let (dead, ours) = (gone.id(), std::process::id());
        let names = [
            format!("{}x", prefix("kind-")),
            format!("kind-{dead}-mark-x"),
            format!("kind-{ours}-mark-x"),
            format!("other-{dead}-mark-x"),
            "kind-".to_owned(),
            "kind-word-x".to_owned(),
        ];
        for name in &names {
            std::fs::create_dir(base.path().join(name)).expect("a directory");
        }
        let mut found = left(base.path(), "kind-");
        found.sort();
        let mut wanted = [base.path().join(&names[1]), base.path().join(&names[2])];
        wanted.sort();
        assert_eq!(found, wanted, "an earlier process of our id is gone as well");
        remove(&found[0]);
        assert!(!found[0].exists() && found[1].exists());
    }
}
