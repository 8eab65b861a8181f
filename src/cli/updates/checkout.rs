//! The texts of a checkout that tell of its packages.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use crate::cli::onboard::checkout;
use crate::domain::detect::{Mode, Tree};
use crate::domain::update::advisory::{Sources, language};
use crate::domain::update::{Ecosystem, Files, Found, extract, reads};

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

/// A source file that is longer was not written by hand.
const LONGEST: u64 = 1024 * 1024;

/// The checkout's own code in the languages of these packages.
pub(super) fn sources(root: &Path, wanted: &BTreeSet<Ecosystem>) -> anyhow::Result<Sources> {
    if wanted.is_empty() {
        return Ok(Sources::default());
    }
    let tree = checkout::list(root)?;
    let mut sources = Sources { whole: !tree.truncated, ..Sources::default() };
    let own = |path: &str| language(path).is_some_and(|language| wanted.contains(&language));
    for entry in tree.entries().iter().filter(|entry| own(&entry.path)) {
        let file = root.join(&entry.path);
        let meta = std::fs::symlink_metadata(&file);
        // What a link leads to is listed where it is, or is not the checkout's.
        if meta.as_ref().is_ok_and(|meta| meta.file_type().is_symlink()) {
            continue;
        }
        let short = meta.is_ok_and(|meta| meta.is_file() && meta.len() <= LONGEST);
        match short.then(|| text(&file).ok()).flatten() {
            Some(text) => drop(sources.texts.insert(entry.path.clone(), text)),
            None => sources.whole = false,
        }
    }
    Ok(sources)
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
