//! What `fairway updates` says: what is offered and how far it goes, what is held back and why, what nobody could look up.

pub mod body;
pub mod course;
mod explain;
pub mod fleet;
pub mod foreign;
pub mod left;
pub mod security;
pub mod sources;

use std::collections::{BTreeMap, BTreeSet};

pub use explain::explain;

use crate::domain::update::pin::{labelled, short};
use crate::domain::update::{Decision, Ecosystem, Found, Held, Origin, Proposal, Step, Why};

const DAY: i64 = 24 * 60 * 60 * 1000;

/// The whole listing; `now` is in Unix milliseconds.
pub fn listing(found: &Found, decision: &Decision, now: i64) -> String {
    let mut out = format!("{}\n", summary(found));
    let (safe, breaking): (Vec<&Proposal>, Vec<&Proposal>) =
        decision.proposals.iter().partition(|proposal| proposal.step == Step::Safe);
    section(&mut out, ("Safe updates", "their authors promise that nothing breaks"), proposals(&safe, now));
    section(&mut out, ("Breaking updates", "read what changed first"), proposals(&breaking, now));
    section(&mut out, ("Held back", "newer, and not offered"), held(&decision.held, now));
    let unknown = decision.unknown.iter().map(|line| Said::of((&line.name, &line.why), (&line.file, line.line)));
    let (lines, count) = (by_reason(unknown.collect()), decision.unknown.len());
    counted(&mut out, ("Not looked up", "nothing is known, so nothing is said"), (lines, count));
    let left = left(found);
    let count = left.len();
    counted(&mut out, ("Left alone", "from Git or a folder"), (by_reason(left), count));
    let mut notes = found.notes.clone();
    notes.dedup();
    section(&mut out, ("Not read", "as it stands"), notes);
    if decision.proposals.is_empty() && decision.unknown.is_empty() && !found.declared.is_empty() {
        let rest = if decision.held.is_empty() { "" } else { " that may be taken" };
        out.push_str(&format!("\nEverything has the newest version{rest}.\n"));
    }
    out
}

fn summary(found: &Found) -> String {
    if found.declared.is_empty() {
        return "No manifest here asks for a package that Fairway knows how to look up.".to_owned();
    }
    let mut files: Vec<&str> = found.declared.iter().map(|line| line.file.as_str()).collect();
    files.sort_unstable();
    files.dedup();
    let place = match files.as_slice() {
        [one] => (*one).to_owned(),
        many => format!("{} manifests", many.len()),
    };
    let promised: Vec<String> =
        found.toolchains.iter().map(|(name, version)| format!("{} {version} is promised", title(name))).collect();
    let promised = if promised.is_empty() { String::new() } else { format!("; {}", promised.join(", ")) };
    format!("{} dependencies in {place}, {} packages locked{promised}.", found.declared.len(), found.locked.len())
}

/// A toolchain by the name that people know.
fn title(toolchain: &str) -> &str {
    match toolchain {
        "rust" => "Rust",
        "node" => "Node",
        "python" => "Python",
        other => other,
    }
}

fn section(out: &mut String, heading: (&str, &str), lines: Vec<String>) {
    let count = lines.len();
    counted(out, heading, (lines, count));
}

fn counted(out: &mut String, (title, remark): (&str, &str), (lines, count): (Vec<String>, usize)) {
    if lines.is_empty() {
        return;
    }
    out.push_str(&format!("\n{title} ({count}): {remark}\n"));
    for line in lines {
        out.push_str(&format!("  {line}\n"));
    }
}

/// Names in one column, what is said of them in the next.
fn rows(rows: Vec<(String, String)>) -> Vec<String> {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    rows.into_iter().map(|(name, what)| format!("{name:<width$}  {what}")).collect()
}

/// What is to be said of a line of a manifest.
struct Said {
    name: String,
    why: String,
    place: String,
}

impl Said {
    fn of((name, why): (&str, &str), (file, line): (&str, u32)) -> Said {
        Said { name: name.to_owned(), why: why.to_owned(), place: format!("{file}:{line}") }
    }
}

/// What holds for several is said once, with their names below it.
fn by_reason(all: Vec<Said>) -> Vec<String> {
    let mut reasons: BTreeMap<&str, Vec<&Said>> = BTreeMap::new();
    for said in &all {
        reasons.entry(&said.why).or_default().push(said);
    }
    let (alone, together): (Vec<_>, Vec<_>) = reasons.into_iter().partition(|(_, of)| of.len() == 1);
    let alone = alone.iter().flat_map(|(_, of)| of.iter());
    let mut lines = rows(alone.map(|said| (said.name.clone(), format!("{} ({})", said.why, said.place))).collect());
    for (why, of) in together {
        lines.push(format!("{} lines: {why}", of.len()));
        let names: BTreeSet<&str> = of.iter().map(|said| said.name.as_str()).collect();
        lines.extend(wrapped(names.into_iter()).into_iter().map(|line| format!("  {line}")));
    }
    lines
}

/// Names with commas, in lines of at most some 100 characters.
fn wrapped<'n>(names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for name in names {
        match lines.last_mut() {
            Some(line) if line.chars().count() + name.chars().count() < 98 => line.push_str(&format!(", {name}")),
            Some(line) => {
                line.push(',');
                lines.push(name.to_owned());
            }
            None => lines.push(name.to_owned()),
        }
    }
    lines
}

/// One line for an update that several manifests share.
fn proposals(proposals: &[&Proposal], now: i64) -> Vec<String> {
    let mut groups: BTreeMap<(Ecosystem, &str, String), Vec<&Proposal>> = BTreeMap::new();
    for proposal in proposals {
        groups.entry((proposal.ecosystem, &proposal.name, steps(proposal))).or_default().push(proposal);
    }
    let width = groups.keys().map(|(_, _, steps)| steps.chars().count()).max().unwrap_or_default();
    let told = groups.into_iter().map(|((_, name, steps), group)| {
        let place = match group.as_slice() {
            [one] => format!("{}:{}", one.file, one.line),
            [one, rest @ ..] => format!("{}:{} and {} more", one.file, one.line, rest.len()),
            [] => String::new(),
        };
        let lock = if group.iter().all(|proposal| proposal.lock_only) { ", lock only" } else { "" };
        let age = group.first().map(|proposal| age(proposal.published, now)).unwrap_or_default();
        (name.to_owned(), format!("{steps:<width$}  {place}{lock}, {age}{}", moved(group.first().copied())))
    });
    rows(told.collect())
}

/// From which version to which, with commits or digests where the line names them.
fn steps(proposal: &Proposal) -> String {
    let pin = proposal.pin.as_ref();
    let (from, to) = (pin.map(|pin| pin.from.as_str()), pin.map(|pin| pin.to.as_str()));
    arrow(&labelled(&proposal.from, from), &labelled(&proposal.to, to))
}

/// A word about a tag that is not what was pinned.
fn moved(proposal: Option<&Proposal>) -> String {
    let moved = proposal.and_then(|proposal| Some((&proposal.from, proposal.pin.as_ref()?.moved.as_deref()?)));
    moved.map_or_else(String::new, |(tag, commit)| format!("; {tag} is {} now", short(commit)))
}

fn arrow(from: &str, to: &str) -> String {
    // Only what is behind the tag is newer.
    if from == to { format!("{from} as it is now") } else { format!("{from} -> {to}") }
}

/// How old something is that was published at a time in Unix milliseconds.
pub fn age(published: Option<i64>, now: i64) -> String {
    let Some(published) = published else { return "of unknown age".to_owned() };
    match now.saturating_sub(published) / DAY {
        ..=0 => "from today".to_owned(),
        1 => "1 day old".to_owned(),
        days @ 2..=60 => format!("{days} days old"),
        days @ 61..=730 => format!("{} months old", days / 30),
        days => format!("{} years old", days / 365),
    }
}

fn held(held: &[Held], now: i64) -> Vec<String> {
    let mut lines: Vec<(String, String)> = held
        .iter()
        .map(|held| (held.name.clone(), format!("{}: {}", arrow(&held.from, &held.to), why(held, now))))
        .collect();
    lines.sort();
    lines.dedup();
    rows(lines)
}

/// Why a version is not offered: a sentence without a full stop.
pub fn why(held: &Held, now: i64) -> String {
    reason(held.ecosystem, &held.why, now)
}

/// The same, of a package of an ecosystem.
pub fn reason(ecosystem: Ecosystem, why: &Why, now: i64) -> String {
    match why {
        Why::Cooldown(ripe) => {
            format!("too young, {} to wait (`cooldown` of [updates] in fairway.toml)", wait(*ripe, now))
        }
        Why::Undated { ripe: Some(ripe), why } => format!(
            "nobody says when it was published ({why}); it counts from when Fairway first met it, {} to wait (`cooldown` of [updates] in fairway.toml)",
            wait(*ripe, now)
        ),
        Why::Undated { ripe: None, why } => format!(
            "nobody says when it was published ({why}); it is asked for again at the next look, and `cooldown = \"0\"` of [updates] in fairway.toml takes it all the same"
        ),
        Why::UnknownAge => {
            "the registry does not say when it was published, so nobody knows whether it is old enough".to_owned()
        }
        Why::Toolchain { needs, has } => {
            let (name, word) = match ecosystem {
                Ecosystem::Npm => ("Node", "engines"),
                Ecosystem::Python => ("Python", "requires-python"),
                _ => ("Rust", "rust-version"),
            };
            format!("needs {name} {needs}, and {has} is promised ({word})")
        }
        Why::Ignored(rule) => format!("ignored by the rule `{rule}` of [updates] in fairway.toml"),
        Why::Pinned => "the manifest pins the version exactly".to_owned(),
        Why::Unpinnable(why) | Why::Passed(why) => why.clone(),
        Why::Limit(limit) => format!("the limit is reached: {limit}"),
    }
}

/// How long until a time.
fn wait(ripe: i64, now: i64) -> String {
    let hours = (ripe.saturating_sub(now).max(0) + DAY / 24 - 1) / (DAY / 24);
    if hours <= 48 { format!("{hours} hours") } else { format!("{} days", (hours + 23) / 24) }
}

fn left(found: &Found) -> Vec<Said> {
    let lines = found.declared.iter().filter_map(|line| match &line.origin {
        Origin::Elsewhere(from) => Some(Said::of((&line.name, from), (&line.file, line.line))),
        _ => None,
    });
    lines.collect()
}

#[cfg(test)]
mod tests;
