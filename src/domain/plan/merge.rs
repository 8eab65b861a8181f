//! A plan's next version meets what the owner made of the last one: what they changed stays.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::onboard::File;

/// What happens to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is written.
    Write(File),
    /// It goes.
    Remove(String),
}

/// A file that stays as it is, because both sides changed it and only a person can say what is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Which.
    pub path: String,
    /// What the plan changed there, as a unified diff.
    pub diff: String,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// What is written and removed.
    pub changes: Vec<Change>,
    /// What stays, though the plan moved on there.
    pub conflicts: Vec<Conflict>,
    /// Files of the plan that the owner deleted; they stay deleted.
    pub deleted: Vec<String>,
}

/// Merges three ways: `old` and `new` as the plan's versions render, `ours` as the repository has the same paths now.
pub fn merge(old: &[File], new: &[File], ours: &BTreeMap<String, String>) -> Merged {
    let by = |files: &[File]| files.iter().map(|file| (file.path.clone(), file.clone())).collect::<BTreeMap<_, _>>();
    let (old, new) = (by(old), by(new));
    let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut merged = Merged::default();
    for path in paths {
        match (old.get(path), new.get(path), ours.get(path)) {
            (Some(old), Some(new), _) if old == new => {}
            (Some(_), _, None) => merged.deleted.extend(new.contains_key(path).then(|| path.clone())),
            (None, Some(new), None) => merged.changes.push(Change::Write(new.clone())),
            (Some(old), None, Some(ours)) if old.text == *ours => merged.changes.push(Change::Remove(path.clone())),
            (_, Some(new), Some(ours)) if new.text == *ours => {}
            (old, new, Some(ours)) => both(path, (old, new, ours), &mut merged),
            (None, None, None) => {}
        }
    }
    merged
}

/// Both sides have it, and not alike.
fn both(path: &str, (old, new, ours): (Option<&File>, Option<&File>, &str), merged: &mut Merged) {
    let text = |file: Option<&File>| file.map_or(String::new(), |file| file.text.clone());
    let (before, after) = (text(old), text(new));
    if let (Some(_), Some(new), Ok(text)) = (old, new, diffy::merge(&before, ours, &after)) {
        merged.changes.push(Change::Write(File { text, ..new.clone() }));
        return;
    }
    let diff = diffy::create_patch(&before, &after).to_string();
    merged.conflicts.push(Conflict { path: path.to_owned(), diff });
}
