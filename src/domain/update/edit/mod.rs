//! From what is wanted to what is changed: manifests as texts, locks by their ecosystem's own client.
//!
//! A manifest changes by one requirement at a time and by no other byte, and the same reader that found the line says
//! afterwards whether it is so. One change that cannot be made is none at all: there is no half of a plan.

mod cargo;
mod failure;
mod raise;
mod sheet;

use super::Files;
use super::course::Item;
use super::model::Ecosystem;
pub use failure::failure;
use sheet::Sheet;

/// One call of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The folder that it is called in, from the root of the checkout; empty: the root.
    pub folder: String,
    /// Program and arguments.
    pub argv: Vec<String>,
}

impl Command {
    fn of(folder: &str, argv: impl IntoIterator<Item = impl Into<String>>) -> Command {
        Command { folder: folder.to_owned(), argv: argv.into_iter().map(Into::into).collect() }
    }
}

/// What is to be done to a checkout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Manifests as they are to be, by path.
    pub files: Vec<(String, String)>,
    /// Calls, in order.
    pub commands: Vec<Command>,
    /// Locks that the calls may change.
    pub locks: Vec<String>,
}

/// A change, and what its line says once the manifest is edited.
struct Change<'i> {
    item: &'i Item,
    /// The requirement; `None`: no manifest changes.
    edited: Option<String>,
}

/// What to write and what to call for these changes.
///
/// # Errors
/// Why they cannot be made, in words.
pub fn plan(texts: &Files, items: &[Item]) -> Result<Plan, String> {
    let mut sheet = Sheet::new(texts);
    let mut changes = Vec::with_capacity(items.len());
    for item in items {
        let edited = if item.lock_only || item.line == 0 { None } else { Some(sheet.change(item)?) };
        changes.push(Change { item, edited });
    }
    let mut plan = Plan { files: sheet.files(), ..Plan::default() };
    let of = |ecosystem: Ecosystem| changes.iter().filter(move |change| change.item.ecosystem == ecosystem).collect();
    cargo::calls(texts, of(Ecosystem::Cargo), &mut plan)?;
    for change in &changes {
        let Item { ecosystem, name, .. } = change.item;
        if *ecosystem != Ecosystem::Cargo {
            return Err(format!("{name} is not Cargo's, and this version of Fairway changes nothing else"));
        }
    }
    plan.locks.sort();
    plan.locks.dedup();
    Ok(plan)
}

#[cfg(test)]
mod tests;
