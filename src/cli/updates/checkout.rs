//! The texts of a checkout that tell of its packages.

use std::io::Read;
use std::path::Path;

use crate::cli::onboard::checkout;
use crate::domain::detect::{Mode, Tree};
use crate::domain::update::{Files, Found, extract, reads};

/// A longer file is not read: 64 MiB, which is ten times the longest lock that anybody is known to have.
const LARGEST: u64 = 64 * 1024 * 1024;
/// So many files are read; a repository with more is told so.
const MOST: usize = 5_000;

/// All that the checkout's manifests and locks say.
pub(super) fn found(root: &Path) -> anyhow::Result<Found> {
    let tree = checkout::list(root)?;
    let mut notes = Vec::new();
    let texts = texts(root, &tree, &mut notes);
    let mut found = extract(&texts);
    found.notes.extend(notes);
    if tree.truncated {
        found.notes.push("The folder has more files than were listed; name a smaller one.".to_owned());
    }
    Ok(found)
}

/// How the names end of files in which calls are looked for.
const SOURCES: [&str; 13] = ["rs", "js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts", "vue", "svelte", "py", "go"];
/// A source file that is longer was not written by hand.
const LONGEST: u64 = 1024 * 1024;

/// The checkout's own code, as far as it is in the languages of packages that are looked up.
pub(super) fn sources(root: &Path) -> anyhow::Result<Files> {
    let tree = checkout::list(root)?;
    let source = |path: &str| path.rsplit_once('.').is_some_and(|(_, end)| SOURCES.contains(&end));
    let mut texts = Files::new();
    for entry in tree.entries().iter().filter(|entry| source(&entry.path)) {
        let file = root.join(&entry.path);
        let short = std::fs::symlink_metadata(&file).is_ok_and(|meta| meta.is_file() && meta.len() <= LONGEST);
        // What cannot be read here names nothing, and a hint is all that comes of it.
        if let Some(text) = short.then(|| text(&file).ok()).flatten() {
            texts.insert(entry.path.clone(), text);
        }
    }
    Ok(texts)
}

fn texts(root: &Path, tree: &Tree, notes: &mut Vec<String>) -> Files {
    let plain = |mode: Mode| matches!(mode, Mode::File | Mode::Executable);
    let wanted = tree.entries().iter().filter(|entry| plain(entry.mode) && reads(&entry.path));
    let mut texts = Files::new();
    for entry in wanted {
        if texts.len() >= MOST {
            notes.push(format!("There are more than {MOST} manifests and locks; the rest was not read."));
            break;
        }
        match text(&root.join(&entry.path)) {
            Ok(text) => drop(texts.insert(entry.path.clone(), text)),
            Err(why) => notes.push(format!("{} was not read: {why}.", entry.path)),
        }
    }
    texts
}

fn text(path: &Path) -> Result<String, String> {
    let words = |error: std::io::Error| error.to_string();
    let meta = std::fs::symlink_metadata(path).map_err(words)?;
    if !meta.is_file() {
        return Err("it is no plain file".to_owned());
    }
    if meta.len() > LARGEST {
        return Err(format!("it is longer than {} MB", LARGEST / 1024 / 1024));
    }
    let mut bytes = Vec::new();
    // It may have grown since.
    std::fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes)).map_err(words)?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}
