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
