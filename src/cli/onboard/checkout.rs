//! A checkout as detection wants it: the paths of a Git checkout with their modes, or of any folder, and the texts of the
//! few files that tell most.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use crate::domain::detect::{Entry, MAX_BYTES, Mode, Texts, Tree, Wanted};

/// More paths than this are not listed outside of Git.
const MAX_ENTRIES: usize = 200_000;
/// Folders deeper than this are not walked into.
const MAX_DEPTH: usize = 40;
/// What nobody commits, where no `.gitignore` says so.
const SKIPPED: &[&str] = &[".git", "node_modules", "target", ".venv", "__pycache__", ".hg", ".svn"];

/// All paths: what Git tracks and what it would track, or what stands in the folder.
pub fn list(root: &Path) -> anyhow::Result<Tree> {
    if !root.is_dir() {
        bail!("{} is no folder; name the root of a checkout", root.display());
    }
    match tracked(root)? {
        Some(tree) => Ok(tree),
        None => walked(root),
    }
}

/// `None` outside of a checkout, and without git.
fn tracked(root: &Path) -> anyhow::Result<Option<Tree>> {
    let listed = |args: &[&str]| -> anyhow::Result<Option<String>> {
        let mut git = Command::new("git");
        // A checkout that another user owns is only read.
        git.args(["-c", "safe.directory=*", "-c", "core.quotePath=false", "ls-files", "-z"])
            .args(args)
            .current_dir(root);
        match git.output() {
            Ok(output) if output.status.success() => Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned())),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).context("git cannot be started"),
        }
    };
    let Some(staged) = listed(&["--cached", "--stage"])? else { return Ok(None) };
    let mut entries = Vec::new();
    for line in staged.split('\0').filter(|line| !line.is_empty()) {
        let Some((meta, path)) = line.split_once('\t') else { continue };
        let mode = meta.split(' ').next().and_then(Mode::from_git);
        entries.extend(mode.map(|mode| Entry { path: path.to_owned(), mode, size: None }));
    }
    let others = listed(&["--others", "--exclude-standard"])?.unwrap_or_default();
    for path in others.split('\0').filter(|path| !path.is_empty() && !path.ends_with('/')) {
        let Ok(meta) = fs::symlink_metadata(root.join(path)) else { continue };
        entries.push(Entry { path: path.to_owned(), mode: mode(&meta), size: Some(meta.len()) });
    }
    // An empty index in a folder with files is a checkout before its first commit; `--others` has listed it.
    Ok(Some(Tree::new(entries, false)))
}

fn mode(meta: &fs::Metadata) -> Mode {
    use std::os::unix::fs::PermissionsExt;
    if meta.is_symlink() {
        Mode::Link
    } else if meta.permissions().mode() & 0o111 != 0 {
        Mode::Executable
    } else {
        Mode::File
    }
}

/// Links are listed and never followed, so a circle of them has no end to look for.
fn walked(root: &Path) -> anyhow::Result<Tree> {
    let mut entries = Vec::new();
    let mut open = vec![(root.to_owned(), String::new(), 0)];
    let mut truncated = false;
    while let Some((folder, below, depth)) = open.pop() {
        let read = match fs::read_dir(&folder) {
            Ok(read) => read,
            Err(error) if depth == 0 => {
                return Err(error).with_context(|| format!("{} cannot be read", root.display()));
            }
            Err(_) => continue,
        };
        for entry in read.flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let Ok(meta) = entry.path().symlink_metadata() else { continue };
            let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
            if entries.len() >= MAX_ENTRIES {
                truncated = true;
                open.clear();
                break;
            }
            if !meta.is_dir() {
                entries.push(Entry { path, mode: mode(&meta), size: Some(meta.len()) });
            } else if depth < MAX_DEPTH && !SKIPPED.contains(&name.as_str()) {
                open.push((entry.path(), path, depth + 1));
            }
        }
    }
    Ok(Tree::new(entries, truncated))
}

/// Reads what was wanted. A file that is gone, is no plain file, or cannot be read, is left out.
pub fn texts(root: &Path, wanted: &Wanted) -> Texts {
    let mut texts = Texts::default();
    for path in &wanted.paths {
        let full = root.join(path);
        let Ok(meta) = fs::symlink_metadata(&full) else { continue };
        if !meta.is_file() {
            continue;
        }
        if meta.len() > MAX_BYTES {
            texts.refuse(path, meta.len());
            continue;
        }
        let mut bytes = Vec::new();
        // It may have grown since.
        let read = fs::File::open(&full).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
        if read.is_ok() {
            texts.add(path, &bytes);
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::domain::detect::{Note, detect, wanted};

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        fs::create_dir_all(root.join("a/b")).expect("folders");
        fs::create_dir_all(root.join("node_modules/x")).expect("folders");
        symlink("../..", root.join("a/b/up")).expect("a circle");
        fs::write(root.join("node_modules/x/package.json"), "{}").expect("a file");
        fs::write(root.join("go.mod"), "module x\n\ngo 1.25\n").expect("a file");
        fs::write(root.join("run.sh"), "").expect("a file");
        fs::set_permissions(root.join("run.sh"), fs::Permissions::from_mode(0o755)).expect("a mode");
        fs::File::create(root.join("package.json")).and_then(|file| file.set_len(50_000_000)).expect("a hole");
        folder
    }

    fn told(tree: &Tree) -> Vec<(&str, Mode)> {
        tree.entries().iter().map(|entry| (entry.path.as_str(), entry.mode)).collect()
    }

    const EXPECTED: [(&str, Mode); 4] =
        [("a/b/up", Mode::Link), ("go.mod", Mode::File), ("package.json", Mode::File), ("run.sh", Mode::Executable)];

    #[test]
    fn a_folder_without_git_is_walked_and_no_link_is_followed() {
        let folder = folder();
        assert_eq!(told(&walked(folder.path()).expect("a listing")), EXPECTED);
        assert!(list(&folder.path().join("nowhere")).is_err());
    }

    #[test]
    fn a_checkout_is_listed_as_git_does_and_what_is_huge_is_not_read() {
        let folder = folder();
        fs::write(folder.path().join(".gitignore"), "/node_modules\n/.gitignore\n").expect("a file");
        for args in [["init", "--quiet"].as_slice(), &["add", "run.sh", "a"]] {
            let done = Command::new("git").args(args).current_dir(folder.path()).status().expect("git");
            assert!(done.success());
        }
        // Two are in the index, two are not tracked yet.
        let tree = list(folder.path()).expect("a listing");
        assert_eq!(told(&tree), EXPECTED);
        // A listing of what is tracked has no sizes; then the file itself is asked before it is read.
        let wanted = Wanted {
            paths: vec!["package.json".to_owned(), "go.mod".to_owned(), "a/b/up".to_owned()],
            ..wanted(&tree)
        };
        let detected = detect(&tree, &texts(folder.path(), &wanted));
        assert_eq!(detected.notes, [Note::TooLarge { path: "package.json".to_owned(), bytes: 50_000_000 }]);
        assert_eq!(detected.stacks.len(), 1);
    }
}
