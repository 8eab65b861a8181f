//! What `fairway updates` says of advisories: what is open, how it got here, the smallest change that ends it, what stays.

use std::collections::BTreeMap;

use super::{arrow, rows};
use crate::domain::update::advisory::fix::Proof;
use crate::domain::update::advisory::{Finding, Reach, Severity};
use crate::domain::update::course::{Cure, Extent};

/// Files that are named where one is used.
const PLACES: usize = 3;

/// A vulnerability that a lock has.
pub struct Line<'a> {
    /// It.
    pub finding: &'a Finding,
    /// Whether the checkout's own code names what it is about.
    pub reach: Reach,
    /// Why nothing ends it; empty: something does.
    pub stays: &'a str,
}

/// All that is known.
pub struct Report<'a> {
    /// What is open.
    pub lines: Vec<Line<'a>>,
    /// The smallest fixes, the worst severity first.
    pub cures: &'a [Cure],
    /// What is worth knowing and blocks nothing.
    pub informational: &'a [Finding],
    /// How many advisories the locks were held against.
    pub read: usize,
}

/// Where nothing was held against anything.
pub fn unread() -> &'static str {
    "Advisories were not looked at; type: fairway updates --offline-db FOLDER (a copy of RustSec's database, or an OSV export)\n"
}

/// The part of the listing.
pub fn security(report: &Report<'_>) -> String {
    let mut out = String::new();
    if report.read == 0 {
        return "Advisories: none could be read there, so nothing was held against any (a copy of RustSec's database has its files below crates/).\n".to_owned();
    }
    if report.lines.is_empty() {
        out.push_str(&format!("Nothing that is locked has an open advisory; {} were read.\n", report.read));
    } else {
        out.push_str(&format!("Advisories ({}): of the {} that were read\n", report.lines.len(), report.read));
        out.push_str(&open(report.lines.iter()));
    }
    for cure in report.cures {
        out.push_str(&fix(cure));
    }
    out.push_str(&aside(report.informational));
    out
}

/// What is open about one package, or nothing.
pub fn about(report: &Report<'_>, name: &str) -> String {
    let mut out = String::new();
    out.push_str(&open(report.lines.iter().filter(|line| line.finding.name == name)));
    for cure in report.cures {
        let ends = cure.fixed.iter().any(|ended| ended.finding.name == name);
        if ends || cure.items.iter().any(|item| item.name == name) {
            out.push_str(&fix(cure));
        }
    }
    out
}

/// By package, the worst first: one that is old has many.
fn open<'l, 'a: 'l>(lines: impl Iterator<Item = &'l Line<'a>>) -> String {
    let mut packages: BTreeMap<String, Vec<&Line<'_>>> = BTreeMap::new();
    for line in lines {
        packages.entry(way(line.finding)).or_default().push(line);
    }
    let worst = |lines: &[&Line<'_>]| lines.iter().map(|line| line.finding.severity).max();
    let mut packages: Vec<(String, Vec<&Line<'_>>)> = packages.into_iter().collect();
    packages.sort_by_key(|(_, lines)| std::cmp::Reverse(worst(lines)));
    let mut out = String::new();
    for (way, mut lines) in packages {
        lines.sort_by_key(|line| std::cmp::Reverse(line.finding.severity));
        // What is known of none of them is said once.
        let unknown = lines.iter().all(|line| line.reach == Reach::Unknown);
        let remark = if unknown { "; used: unknown" } else { "" };
        out.push_str(&format!("  {way}{remark}\n"));
        lines.iter().for_each(|line| out.push_str(&one(line, unknown)));
    }
    out
}

fn one(line: &Line<'_>, unknown: bool) -> String {
    let Line { finding, reach, stays } = line;
    let aliases = finding.ids.get(1..).unwrap_or_default().join(", ");
    let aliases = if aliases.is_empty() { aliases } else { format!(" ({aliases})") };
    let mut out = format!("    {:<8}  {}{aliases}: {}\n", word(finding.severity), finding.id(), title(finding));
    if !unknown {
        out.push_str(&format!("              {}\n", hint(finding, reach)));
    }
    if !stays.is_empty() {
        out.push_str(&format!("              stays: {stays}\n"));
    }
    out
}

/// Some databases have no titles, and the beginning of their text is one.
fn title(finding: &Finding) -> String {
    const LONGEST: usize = 100;
    match finding.title.char_indices().nth(LONGEST) {
        None if finding.title.is_empty() => "no title".to_owned(),
        None => finding.title.clone(),
        Some((end, _)) => {
            let cut = &finding.title[..end];
            format!("{} ...", cut.rsplit_once(' ').map_or(cut, |(words, _)| words))
        }
    }
}

fn word(severity: Option<Severity>) -> &'static str {
    severity.map_or("unrated", Severity::as_str)
}

/// How the package got here.
fn way(finding: &Finding) -> String {
    let steps: Vec<String> = finding.chain.iter().map(|(name, version)| format!("{name} {version}")).collect();
    match steps.as_slice() {
        [] | [_] => format!("{} {} in {}", finding.name, finding.version, finding.file),
        [above @ .., own] => format!("{own} in {}, by {}", finding.file, above.join(" -> ")),
    }
}

/// A hint, never a verdict.
fn hint(finding: &Finding, reach: &Reach) -> String {
    match reach {
        Reach::Used(places) => {
            let more = places.len().saturating_sub(PLACES);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let places = places.iter().take(PLACES).map(String::as_str).collect::<Vec<_>>().join(", ");
            format!("used: {} is named in {places}{more}", names(finding))
        }
        Reach::NotUsed => format!("not used by name: the sources here do not name {}", names(finding)),
        Reach::Unknown => "used: unknown".to_owned(),
    }
}

fn names(finding: &Finding) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<&str> = finding.functions.iter().take(SHOWN).map(String::as_str).collect();
    match finding.functions.len().saturating_sub(SHOWN) {
        0 => shown.join(" or "),
        more => format!("{} or {more} more", shown.join(", ")),
    }
}

fn fix(cure: &Cure) -> String {
    let ends = match cure.fixed.len() {
        1 => "1 advisory".to_owned(),
        count => format!("{count} advisories"),
    };
    let proof = match cure.proof {
        Some(proof) => sure(proof, &cure.extent),
        None => "the lowest releases that no advisory is about".to_owned(),
    };
    let mut out = format!("\nSmallest fix, {} ({ends}): {proof}\n", word(cure.severity));
    let mut places: BTreeMap<(&str, String), Vec<String>> = BTreeMap::new();
    for item in &cure.items {
        let place = if item.line == 0 { item.file.clone() } else { format!("{}:{}", item.file, item.line) };
        places.entry((&item.name, arrow(&item.from, &item.to))).or_default().push(place);
    }
    let width = places.keys().map(|(_, arrow)| arrow.chars().count()).max().unwrap_or_default();
    let told = places
        .into_iter()
        .map(|((name, arrow), places)| (name.to_owned(), format!("{arrow:<width$}  {}", places.join(", "))))
        .collect();
    for row in rows(told) {
        out.push_str(&format!("  {row}\n"));
    }
    for (what, packages) in [("added", &cure.extent.added), ("removed", &cure.extent.removed)] {
        let packages: Vec<String> = packages.iter().map(|(name, version)| format!("{name} {version}")).collect();
        if !packages.is_empty() {
            out.push_str(&format!("  {what}: {}\n", packages.join(", ")));
        }
    }
    out
}

/// How sure it is that a fix that comes to so much is the smallest: no full stop.
pub fn sure(proof: Proof, extent: &Extent) -> String {
    let Extent { changed, added, removed } = extent;
    let mut parts = match changed {
        1 => vec!["1 version changes".to_owned()],
        count => vec![format!("{count} versions change")],
    };
    let others = [(added.len(), "added"), (removed.len(), "removed")].into_iter().filter(|(count, _)| *count > 0);
    parts.extend(others.map(|(count, what)| format!("{count} {} {what}", if count == 1 { "is" } else { "are" })));
    let last = parts.pop().unwrap_or_default();
    let change = if parts.is_empty() { last } else { format!("{} and {last}", parts.join(", ")) };
    match proof {
        Proof::Smallest => format!("{change}; nothing smaller does"),
        Proof::Fewest => format!("{change}; no fewer changes do, smaller steps may"),
        Proof::AtLeast(least) if least > 0 && least < *changed => {
            format!(
                "{change}; fewer than {least} changes do not do, whether fewer than {changed} might was not found out"
            )
        }
        Proof::AtLeast(_) => format!("{change}; whether fewer would do was not found out"),
    }
}

/// Apart and short: nothing is to be done about it at once.
fn aside(findings: &[Finding]) -> String {
    let mut kinds: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for finding in findings {
        let kind = finding.informational.as_deref().unwrap_or("notice");
        kinds.entry(kind).or_default().push(format!("{} {} ({})", finding.name, finding.version, finding.id()));
    }
    let mut out = String::new();
    for (kind, mut of) in kinds {
        of.dedup();
        out.push_str(&format!("\nWorth knowing, {kind}: {}\n", of.join(", ")));
    }
    out
}
