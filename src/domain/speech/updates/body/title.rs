//! The title, and the message of the commit: plain text for GitHub, where `@` and `#` would mean something.

use std::collections::BTreeSet;

use super::table::{arrow, distinct, shown};
use super::{Change, Kind, Update};
use crate::domain::speech::updates::foreign::cut;
use crate::domain::update::Ecosystem;
use crate::domain::update::pin::labelled;

/// Where titles are cut in lists, in characters.
const MOST: usize = 72;
/// So many lines of the commit's message name changes.
const LINES: usize = 100;

/// The pull request's title and the first line of its commit: what merging does, in the imperative, at most 72 characters.
pub fn title(update: &Update) -> String {
    let changes = distinct(&update.changes);
    let asked: Vec<&Change> = match changes.iter().filter(|change| change.direct).count() {
        0 => changes.iter().collect(),
        _ => changes.iter().filter(|change| change.direct).collect(),
    };
    let tries = match &update.kind {
        Kind::Security(_) => security(update),
        Kind::Breaking => match asked.as_slice() {
            [one] => vec![format!("Update {} to {} (breaking)", name(one), version(one))],
            many => vec![format!("Update {}, which may break", count(many))],
        },
        Kind::Safe => safe(&asked),
        Kind::Group(group) => vec![
            format!("Update {} of the group {}", count(&asked), plain(group)),
            format!("Update a group of {}", count(&asked)),
        ],
    };
    let fits = tries.iter().find(|text| text.chars().count() <= MOST).or(tries.last());
    cut(fits.map_or("Update packages", String::as_str), MOST)
}

fn safe(asked: &[&Change]) -> Vec<String> {
    match asked {
        [one] => {
            let to = version(one);
            vec![format!("Update {} to {to}", name(one)), format!("Update {} to {to}", cut(&name(one), 40))]
        }
        [one, two] if one.name != two.name => vec![format!("Update {} and {}", name(one), name(two)), counted(asked)],
        many => vec![counted(many)],
    }
}

fn counted(changes: &[&Change]) -> String {
    format!("Update {}", count(changes))
}

fn security(update: &Update) -> Vec<String> {
    let ids: BTreeSet<&str> = update.fixed.iter().map(|fixed| fixed.finding.id()).collect();
    let names: BTreeSet<&str> = update.fixed.iter().map(|fixed| fixed.finding.name.as_str()).collect();
    let what = match ids.len() {
        1 => ids.first().map(|id| plain(id)).unwrap_or_default(),
        n => format!("{n} advisories"),
    };
    match names.len() {
        0 => vec!["Fix advisories".to_owned()],
        1 => {
            let name = names.first().map(|name| plain(name)).unwrap_or_default();
            vec![format!("Fix {what} in {name}"), format!("Fix {what} in one package")]
        }
        n => vec![format!("Fix {what} in {n} packages")],
    }
}

/// `7 Rust packages`; of several ecosystems `7 packages`.
fn count(changes: &[&Change]) -> String {
    let mut kinds: Vec<Ecosystem> = changes.iter().map(|change| change.ecosystem).collect();
    kinds.dedup();
    let (one, many) = match kinds.as_slice() {
        [Ecosystem::Cargo] => ("Rust package", "Rust packages"),
        [Ecosystem::Npm] => ("npm package", "npm packages"),
        [Ecosystem::Python] => ("Python package", "Python packages"),
        [Ecosystem::Actions] => ("GitHub action", "GitHub actions"),
        [Ecosystem::Image] => ("image", "images"),
        [Ecosystem::Go] => ("Go module", "Go modules"),
        [Ecosystem::Toolchain] => ("toolchain", "toolchains"),
        _ => ("package", "packages"),
    };
    format!("{} {}", changes.len(), if changes.len() == 1 { one } else { many })
}

/// The new version; with the beginning of its commit or digest where that alone changes.
fn version(change: &Change) -> String {
    let pin = change.pin.as_ref().filter(|_| change.from.as_deref() == Some(change.to.as_str()));
    labelled(&plain(&shown(&change.to)), pin.map(|pin| pin.to.as_str()))
}

fn name(change: &Change) -> String {
    match (change.ecosystem, change.name.as_str()) {
        (Ecosystem::Toolchain, "rust") => "Rust".to_owned(),
        (Ecosystem::Toolchain, "node") => "Node".to_owned(),
        (Ecosystem::Toolchain, "python") => "Python".to_owned(),
        (_, name) => plain(name),
    }
}

/// The commit's message: the title, what changes in a line each, and what that ends. Nothing in it closes an issue, skips a
/// check or names an author.
pub fn message(update: &Update) -> String {
    let changes = distinct(&update.changes);
    let mut out = format!("{}\n\n", title(update));
    for change in changes.iter().take(LINES) {
        let step = match &change.pin {
            Some(pin) => {
                let from = change.from.as_deref().map(shown).unwrap_or_default();
                let (from, to) = (labelled(&plain(&from), Some(&pin.from)), plain(&shown(&change.to)));
                format!("{from} to {}", labelled(&to, Some(&pin.to)))
            }
            None => arrow(change.from.as_deref(), &change.to, plain),
        };
        out.push_str(&format!("- {} {step}\n", plain(&change.name)));
    }
    for (name, version) in update.removed.iter().take(LINES) {
        out.push_str(&format!("- {} {} goes\n", plain(name), plain(version)));
    }
    let rest = changes.len().saturating_sub(LINES) + update.removed.len().saturating_sub(LINES);
    if rest > 0 {
        out.push_str(&format!("- and {rest} more\n"));
    }
    let ends: BTreeSet<(&str, &str)> =
        update.fixed.iter().map(|fixed| (fixed.finding.id(), fixed.finding.name.as_str())).collect();
    if !ends.is_empty() {
        out.push_str("\nEnds:\n");
        for (id, name) in ends.iter().take(LINES) {
            out.push_str(&format!("- {} in {}\n", plain(id), plain(name)));
        }
        if ends.len() > LINES {
            out.push_str(&format!("- and {} more\n", ends.len() - LINES));
        }
    }
    out
}

/// What names, versions and identifiers are made of; anything else is a question mark. `@` begins a scope and is else the
/// start of a mention, so it stays in front of `name/` only. Brackets are missing because `[skip ci]` is read by machines.
fn plain(text: &str) -> String {
    let scope = text.starts_with('@') && text.matches('@').count() == 1 && text.contains('/');
    let fits = |(at, c): (usize, char)| match c {
        '@' if at == 0 && scope => c,
        c if c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '+' | '~' | '!' | ':') => c,
        _ => '?',
    };
    text.char_indices().map(fits).collect()
}
