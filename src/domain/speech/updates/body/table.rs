//! From, to, and how long ago that was published.

use jiff::Timestamp;

use super::{Change, Kind, Update};
use crate::domain::speech::updates::foreign::{cell, link, quoted};
use crate::domain::update::artefact::Artefact;
use crate::domain::update::pin::{labelled, short};

const DAY: i64 = 24 * 60 * 60 * 1000;
/// Rows of what was asked for, and of what comes with it.
const ROWS: usize = 100;

/// Each change once: what a manifest asks for first, then by name.
pub(super) fn distinct(changes: &[Change]) -> Vec<Change> {
    let mut all: Vec<Change> = Vec::new();
    for change in changes {
        let same = |other: &&mut Change| {
            (other.ecosystem, &other.name, &other.from, &other.to, &other.pin)
                == (change.ecosystem, &change.name, &change.from, &change.to, &change.pin)
        };
        match all.iter_mut().find(same) {
            Some(known) => {
                known.direct |= change.direct;
                known.breaking |= change.breaking;
                known.lock_only &= change.lock_only;
                known.published = known.published.or(change.published);
            }
            None => all.push(change.clone()),
        }
    }
    all.sort_by(|a, b| (!a.direct, a).cmp(&(!b.direct, b)));
    all
}

/// A version as people read it: a commit or a digest by its beginning, anything else at most 60 characters.
pub(super) fn shown(version: &str) -> String {
    let hex = |text: &str| text.chars().all(|c| c.is_ascii_hexdigit());
    if version.len() == 40 && hex(version) {
        return version.chars().take(12).collect();
    }
    match version.split_once("sha256:") {
        Some((before, digest)) if digest.len() == 64 && hex(digest) => {
            format!("{}sha256:{}", before.chars().take(40).collect::<String>(), &digest[..12])
        }
        _ if version.chars().count() > 60 => format!("{}...", version.chars().take(57).collect::<String>()),
        _ => version.to_owned(),
    }
}

/// `1.0 -> 1.1`, or the version alone.
pub(super) fn arrow(from: Option<&str>, to: &str, safe: impl Fn(&str) -> String) -> String {
    match from {
        Some(from) => format!("{} to {}", safe(&shown(from)), safe(&shown(to))),
        None => safe(&shown(to)),
    }
}

/// The whole table; what only comes along is folded away where there is much of it.
pub(super) fn table(update: &Update, changes: &[Change]) -> String {
    let direct = changes.iter().filter(|change| change.direct).count();
    let (first, rest) = if direct == 0 || changes.len() <= 12 { (changes, &[][..]) } else { changes.split_at(direct) };
    let mut out = rows(update, first);
    if !rest.is_empty() {
        let count = rest.len();
        out.push_str(&format!(
            "\n<details><summary>{count} more {} with {}</summary>\n\n{}\n</details>\n",
            if count == 1 { "comes" } else { "come" },
            if first.len() == 1 { "it" } else { "them" },
            rows(update, rest)
        ));
    }
    if !update.removed.is_empty() {
        let mut gone: Vec<String> =
            update.removed.iter().take(20).map(|(name, version)| cell(&format!("{name} {version}"))).collect();
        let more = update.removed.len().saturating_sub(20);
        gone.extend((more > 0).then(|| format!("{more} more")));
        out.push_str(&format!("\nNot needed any more: {}.\n", gone.join(", ")));
    }
    out
}

fn rows(update: &Update, changes: &[Change]) -> String {
    let mut out = String::from("| Package | From | To | Published | |\n|---|---|---|---|---|\n");
    for change in changes.iter().take(ROWS) {
        let pin = change.pin.as_ref();
        out.push_str(&format!(
            "| {} | {} | {} | {} | {} |\n",
            cell(&change.name),
            change
                .from
                .as_deref()
                .map_or("new".to_owned(), |from| cell(&pinned(from, pin.map(|pin| pin.from.as_str())))),
            cell(&pinned(&change.to, pin.map(|pin| pin.to.as_str()))),
            published(change.published, update.at),
            remarks(update, change),
        ));
    }
    if changes.len() > ROWS {
        out.push_str(&format!("| and {} more | | | | |\n", changes.len() - ROWS));
    }
    out
}

/// A version with the beginning of the commit or digest that the line names.
fn pinned(version: &str, pin: Option<&str>) -> String {
    labelled(&shown(version), pin)
}

/// Tags that are not what they were when they were pinned.
pub(super) fn moved(changes: &[Change]) -> Option<String> {
    let mut out = String::new();
    for change in changes.iter().take(ROWS) {
        let Some((pin, from)) = change.pin.as_ref().zip(change.from.as_ref()) else { continue };
        if let Some(moved) = &pin.moved {
            out.push_str(&format!(
                "- {} of {} is {} now, and {} is pinned here under that name.\n",
                quoted(&shown(from)),
                quoted(&change.name),
                quoted(short(moved)),
                quoted(short(&pin.from))
            ));
        }
    }
    let head = "### Tags that moved\n\nA tag of a release should stay where it is. Either somebody moved it, or the comment in \
                the file names another version than the one that is pinned; compare the two commits before you merge.\n\n";
    (!out.is_empty()).then(|| format!("{head}{out}"))
}

/// The day, and how long before the commit that was.
fn published(published: Option<i64>, at: i64) -> String {
    let day = |published: i64| Some((published, Timestamp::from_millisecond(published).ok()?));
    match published.and_then(day) {
        Some((published, moment)) if published <= at => {
            let before = match (at - published) / DAY {
                0 => "the same day".to_owned(),
                1 => "a day before".to_owned(),
                days @ 2..=60 => format!("{days} days before"),
                days @ 61..=730 => format!("{} months before", days / 30),
                days => format!("{} years before", days / 365),
            };
            format!("{}, {before}", moment.strftime("%Y-%m-%d"))
        }
        _ => "not known".to_owned(),
    }
}

fn remarks(update: &Update, change: &Change) -> String {
    let mut said = Vec::new();
    if change.breaking && update.kind != Kind::Breaking {
        said.push("**may break**".to_owned());
    }
    if !change.direct {
        said.push("transitive".to_owned());
    } else if change.lock_only {
        said.push("lock only".to_owned());
    }
    said.extend(compare(&update.artefacts, change).map(|url| link("commits", Some(url))));
    said.join(", ")
}

fn compare<'a>(artefacts: &'a [Artefact], change: &Change) -> Option<&'a str> {
    let same = |artefact: &&Artefact| {
        (artefact.ecosystem, &artefact.name, &artefact.from, &artefact.to)
            == (change.ecosystem, &change.name, &change.from, &change.to)
    };
    artefacts.iter().find(same)?.told.as_ref().ok()?.compare.as_deref()
}
