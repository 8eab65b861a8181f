//! What an update pull request says: its title, its body, and the message of its commit.
//!
//! All that is not ours in it (names, versions, advisories, changelogs, logs) may be hostile and is made harmless here. The same
//! input gives the same text, so that nothing is edited unless something changed: ages are those of the time when it was made.

mod advisories;
mod packages;
mod states;
mod table;
mod title;

pub use title::{message, title};

use crate::domain::run::{Conclusion, cut_markdown};
use crate::domain::update::advisory::fix::{Left, Proof};
use crate::domain::update::advisory::{Finding, Reach, Severity};
use crate::domain::update::artefact::Artefact;
use crate::domain::update::{Ecosystem, Pin};

/// GitHub takes 65,536 characters; the rest is for the marker.
const MOST: usize = 65_000;
/// What must be left for changelogs to be begun with at all.
const ROOM: usize = 400;

/// All that an update pull request is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// What it is about.
    pub kind: Kind,
    /// Versions that change, in any order; one that several files share may stand there several times.
    pub changes: Vec<Change>,
    /// Name and version of what leaves a lock without another version taking its place.
    pub removed: Vec<(String, String)>,
    /// Advisories that the new locks do not have any more, by a second audit.
    pub fixed: Vec<Fixed>,
    /// Those of this severity that stay, and why.
    pub left: Vec<Left>,
    /// Of a security update: how sure it is that no smaller change does it; `None` where nobody searched.
    pub proof: Option<Proof>,
    /// What the published packages say, for as many of the changes as were looked into.
    pub artefacts: Vec<Artefact>,
    /// The checks on its commit, in the order to be shown.
    pub checks: Vec<Check>,
    /// What merging it does.
    pub merging: Merging,
    /// What was tried with it and is left out, because checks fail with it.
    pub taken_out: Vec<TakenOut>,
    /// How many newer versions of this repository's packages are held back.
    pub held: usize,
    /// Where the page stands that says why, `https`; `None` where there is none.
    pub page: Option<String>,
    /// How far it is.
    pub standing: Standing,
    /// Why it does not get further by itself, a sentence without a full stop; empty: it does.
    pub trouble: String,
    /// When its commit was made, Unix milliseconds: ages are of that time.
    pub at: i64,
}

/// What an update is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It ends advisories; the worst severity that a database gives them.
    Security(Option<Severity>),
    /// Versions whose authors promise that nothing breaks.
    Safe,
    /// A version that may break something, alone.
    Breaking,
    /// What `fairway.toml` groups under this name.
    Group(String),
}

/// A version that changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// Whose rules.
    pub ecosystem: Ecosystem,
    /// The package.
    pub name: String,
    /// The version now; `None`: it is added.
    pub from: Option<String>,
    /// The version then.
    pub to: String,
    /// When that was published, Unix milliseconds; `None`: nobody says.
    pub published: Option<i64>,
    /// Whether a manifest asks for it; else something else needs it.
    pub direct: bool,
    /// Whether its authors do not promise that nothing breaks.
    pub breaking: bool,
    /// Whether the lock alone changes.
    pub lock_only: bool,
    /// Where the line names a commit or a digest: that one and the new one.
    pub pin: Option<Pin>,
}

/// An advisory that ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// It, as the first audit found it.
    pub finding: Finding,
    /// Whether this repository uses what is wrong.
    pub reach: Reach,
}

/// A check on the update's commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The pipeline's name.
    pub name: String,
    /// What came of it; `None`: it has not ended.
    pub conclusion: Option<Conclusion>,
    /// How long it took, in milliseconds.
    pub took: Option<i64>,
    /// Its page, `https`.
    pub url: Option<String>,
}

/// What merging does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merging {
    /// The environments to which what arrives on the default branch goes by itself.
    pub deploys: Vec<String>,
    /// The rule by which Fairway merges it itself, as it stands in the file: `automerge = ["security"]`. `None`: a person does.
    pub by: Option<String>,
}

/// What was taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenOut {
    /// The package.
    pub name: String,
    /// The version now.
    pub from: Option<String>,
    /// The version that fails.
    pub to: String,
    /// The pipeline that fails with it.
    pub check: String,
    /// The last lines of its log, as they came.
    pub log: String,
}

/// How far the pull request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Open, and Fairway's.
    Open,
    /// Open, and somebody pushed to its branch: the login, as far as it is known.
    Edited(Option<String>),
    /// Merged.
    Merged,
    /// Closed by somebody: these versions are not wanted.
    Closed,
    /// Closed by Fairway, because nothing of it is left to do: why, a sentence without a full stop.
    Over(String),
}

/// The whole body, without a marker: at most 65,000 bytes. Where that is too little, changelogs are shortened first.
pub fn body(update: &Update) -> String {
    let changes = table::distinct(&update.changes);
    let mut head: Vec<String> = states::banner(update).into_iter().collect();
    head.push(states::summary(update, &changes));
    head.extend(packages::warning(&update.artefacts));
    head.push(table::table(update, &changes));
    head.extend(advisories::fixed(&update.fixed));
    head.extend(advisories::left(&update.left, update.at));
    head.extend(table::moved(&changes));
    head.extend(states::taken_out(&update.taken_out));
    let mut tail: Vec<String> = packages::differences(&update.artefacts).into_iter().collect();
    tail.extend(states::checks(&update.checks));
    tail.push(states::merging(update));
    tail.extend(states::commands(update, &changes));
    let taken: usize = head.iter().chain(&tail).map(|part| part.len() + 1).sum();
    let room = MOST.saturating_sub(taken);
    let logs = if room > ROOM { packages::changelogs(&update.artefacts, room) } else { None };
    head.extend(logs);
    head.extend(tail);
    cut_markdown(&head.join("\n"), MOST)
}

#[cfg(test)]
mod tests;
