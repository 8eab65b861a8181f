//! Manifests while they are edited: one requirement is replaced where it stands, and everything else keeps its bytes.

use std::collections::BTreeMap;

use super::pin;
use super::raise::raise;
use crate::domain::update::course::Item;
use crate::domain::update::model::{Declared, Ecosystem, Found};
use crate::domain::update::pin::same;
use crate::domain::update::source::{Files, is};
use crate::domain::update::{actions, cargo, go, image, npm, python, rules, toolchain};

/// So many places are tried for a requirement; a manifest in one line may have its text often.
const TRIED: usize = 200;

/// Manifests of a checkout, those that were edited and all others.
pub struct Sheet<'f> {
    texts: &'f Files,
    edited: BTreeMap<&'f str, String>,
    /// File, line and name of what was changed, with what stands there now.
    done: Vec<(&'f str, u32, String, String)>,
}

impl<'f> Sheet<'f> {
    pub fn new(texts: &'f Files) -> Sheet<'f> {
        Sheet { texts, edited: BTreeMap::new(), done: Vec::new() }
    }

    /// What was edited, by path.
    pub fn files(self) -> Vec<(String, String)> {
        self.edited.into_iter().map(|(path, text)| (path.to_owned(), text)).collect()
    }

    /// Changes the item's line, once however often it is asked, and gives the new requirement.
    ///
    /// # Errors
    /// Why that cannot be, in words.
    pub fn change(&mut self, item: &Item) -> Result<String, String> {
        match &item.pin {
            Some(of) => self.put(item, |_| Ok(pin::requirement(item, of))),
            None => self.put(item, |old| raise(item.ecosystem, old, &item.to)),
        }
    }

    /// Puts the very version in the item's line, for a client that otherwise takes the newest one.
    ///
    /// # Errors
    /// As for `change`.
    pub fn pin(&mut self, item: &Item, exact: &str) -> Result<String, String> {
        self.put(item, |_| Ok(exact.to_owned()))
    }

    fn put(&mut self, item: &Item, new: impl Fn(&str) -> Result<String, String>) -> Result<String, String> {
        let Item { ecosystem, name, line, from, to, .. } = item;
        let Some((file, text)) = self.texts.get_key_value(&item.file) else {
            return Err(format!("{} is not there any more; the next look finds where {name} is", item.file));
        };
        let known = self.done.iter().find(|(of, at, called, _)| of == file && at == line && called == name);
        if let Some((.., now)) = known {
            let takes = match &item.pin {
                Some(of) => *now == pin::requirement(item, of),
                None => rules::admits(*ecosystem, now, to),
            };
            return takes.then(|| now.clone()).ok_or_else(|| {
                format!("{file}:{line} cannot ask for two versions of {name} at once; take {to} apart from the others")
            });
        }
        let text = self.edited.get(file.as_str()).unwrap_or(text);
        let before = read(*ecosystem, file, text);
        let about = |one: &Declared| match &item.pin {
            Some(of) => pin::speaks_of(one, of),
            None => speaks_of(one, from),
        };
        let of_item = |one: &Declared| one.line == *line && one.name == *name && about(one);
        let Some(at) = before.declared.iter().position(of_item) else {
            let why = before.notes.first().filter(|_| before.declared.is_empty());
            return Err(why.cloned().unwrap_or_else(|| {
                format!("{file}:{line} does not ask for {name} {from} any more; the next look finds what it asks for")
            }));
        };
        let old = &before.declared[at].requirement;
        let new = new(old).map_err(|why| format!("{file}:{line} asks for {name} {old}, {why}"))?;
        let replaced = replace(text, (item, file), (&before, at), &new).ok_or_else(|| {
            format!(
                "{file}:{line} spells `{old}` of {name} so that it cannot be replaced safely; write {to} there by hand"
            )
        })?;
        self.edited.insert(file, replaced);
        self.done.push((file, *line, name.clone(), new.clone()));
        Ok(new)
    }
}

/// Whether the line is about the version that the item begins at.
fn speaks_of(declared: &Declared, from: &str) -> bool {
    let Declared { ecosystem, requirement, locked, .. } = declared;
    rules::admits(*ecosystem, requirement, from)
        || rules::floor(*ecosystem, requirement).as_deref() == Some(from)
        || locked.iter().any(|version| version == from)
}

/// The text with the requirement of one line replaced: the nearest place behind the line's begin at which nothing else
/// changes for whoever reads the file.
fn replace(text: &str, of: (&Item, &str), (before, at): (&Found, usize), new: &str) -> Option<String> {
    let one = &before.declared[at];
    let old = one.requirement.as_str();
    if old.is_empty() {
        return None;
    }
    let mut expected = bare(before);
    expected[at].requirement = new.to_owned();
    // A number in a comment that is not the version in use is none of ours.
    let comment = expected[at].locked.first().filter(|old| same(old, &of.0.from));
    let comment = comment.map(|old| (old.clone(), pin::comment(old, &of.0.to)));
    if let Some((_, new)) = &comment {
        expected[at].locked = vec![new.clone()];
    }
    let begin = begin(text, one.line)?;
    let whole = |found: &usize| {
        let number = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit() || c == '.');
        !number(text[..*found].chars().next_back()) && !number(text[*found + old.len()..].chars().next())
    };
    let places = text[begin..].match_indices(old).map(|(found, _)| begin + found).filter(whole);
    places.take(TRIED).find_map(|found| {
        let mut tried = format!("{}{new}{}", &text[..found], &text[found + old.len()..]);
        if let Some((old, to)) = &comment {
            tried = pin::commented(&tried, found + new.len(), (old, to))?;
        }
        (bare(&read(of.0.ecosystem, of.1, &tried)) == expected).then_some(tried)
    })
}

/// Where a line, from 1, begins.
fn begin(text: &str, line: u32) -> Option<usize> {
    let before = usize::try_from(line).ok()?.checked_sub(1)?;
    let ends = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
    ends.take(before + 1).nth(before)
}

/// What the lines say, without what only a lock would add. The version of a pinned action stands in the line itself.
fn bare(found: &Found) -> Vec<Declared> {
    let plain = |one: &Declared| {
        let locked = if one.ecosystem == Ecosystem::Actions { one.locked.clone() } else { Vec::new() };
        Declared { locked, ..one.clone() }
    };
    found.declared.iter().map(plain).collect()
}

/// What one manifest says, by itself: under a name that its reader takes wherever it stands.
pub fn read(ecosystem: Ecosystem, file: &str, text: &str) -> Found {
    let name = file.rsplit('/').next().unwrap_or(file);
    type Reader = fn(&Files) -> Found;
    let (reader, name): (Reader, &str) = match ecosystem {
        Ecosystem::Cargo => (cargo::extract, name),
        Ecosystem::Npm => (npm::extract, name),
        Ecosystem::Python if is(file, "pyproject.toml") => (python::extract, name),
        Ecosystem::Python => (python::extract, "requirements.txt"),
        Ecosystem::Actions => (actions::extract, "action.yml"),
        Ecosystem::Image => (image::extract, name),
        Ecosystem::Go => (go::extract, name),
        Ecosystem::Toolchain => (toolchain::extract, name),
    };
    reader(&[(name.to_owned(), text.to_owned())].into())
}
