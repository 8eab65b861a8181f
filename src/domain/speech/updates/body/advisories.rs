//! What the update ends, and what stays.

use super::Fixed;
use crate::domain::speech::updates::foreign::{line, link, quoted};
use crate::domain::speech::updates::left::why;
use crate::domain::update::advisory::fix::Left;
use crate::domain::update::advisory::{Finding, Reach, Severity};

/// So many of each are named.
const MOST: usize = 60;
/// An advisory's title is cut here, in characters.
const TITLE: usize = 200;

/// GitHub's word.
pub(super) fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "low",
        Severity::Moderate => "moderate",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

pub(super) fn fixed(all: &[Fixed]) -> Option<String> {
    let mut told: Vec<(&Finding, String)> = Vec::new();
    for Fixed { finding, reach } in all {
        // One lock after the other may have it.
        if !told.iter().any(|(known, _)| same(known, finding)) {
            told.push((finding, format!("- {}{}\n", item(finding), used(finding, reach))));
        }
    }
    told.sort_by_key(|(finding, _)| order(finding));
    section("### Advisories that end", told.into_iter().map(|(_, text)| text).collect())
}

pub(super) fn left(all: &[Left], at: i64) -> Option<String> {
    let mut told: Vec<(&Finding, String)> = Vec::new();
    for left in all {
        if !told.iter().any(|(known, _)| same(known, &left.finding)) {
            told.push((&left.finding, format!("- {}\n  It stays: {}.\n", item(&left.finding), line(&why(left, at)))));
        }
    }
    told.sort_by_key(|(finding, _)| order(finding));
    section("### Advisories that stay", told.into_iter().map(|(_, text)| text).collect())
}

fn same(a: &Finding, b: &Finding) -> bool {
    (a.id(), a.ecosystem, &a.name, &a.version) == (b.id(), b.ecosystem, &b.name, &b.version)
}

/// The worst first.
fn order(finding: &Finding) -> (std::cmp::Reverse<Option<Severity>>, String, String, String) {
    let Finding { name, version, severity, .. } = finding;
    (std::cmp::Reverse(*severity), name.clone(), version.clone(), finding.id().to_owned())
}

fn section(title: &str, lines: Vec<String>) -> Option<String> {
    let more = lines.len().saturating_sub(MOST);
    let shown: String = lines.iter().take(MOST).map(String::as_str).collect();
    let more = if more > 0 { format!("- and {more} more\n") } else { String::new() };
    (!lines.is_empty()).then(|| format!("{title}\n\n{shown}{more}"))
}

fn item(finding: &Finding) -> String {
    let id = link(&line(finding.id()), finding.url.as_deref());
    let severity = finding.severity.map_or("no severity given", word);
    let also: Vec<String> = finding.ids.iter().skip(1).take(5).map(|id| line(id)).collect();
    let also = if also.is_empty() { String::new() } else { format!("; also {}", also.join(", ")) };
    let title: String = finding.title.chars().take(TITLE).collect();
    let title = if title.trim().is_empty() { String::new() } else { format!(": {}", line(title.trim())) };
    format!("**{id}** in {} ({severity}{also}){title}", quoted(&format!("{} {}", finding.name, finding.version)))
}

fn used(finding: &Finding, reach: &Reach) -> String {
    match reach {
        Reach::Used(places) => {
            let mut shown: Vec<String> = places.iter().take(3).map(|place| quoted(place)).collect();
            shown.extend((places.len() > 3).then(|| format!("{} more places", places.len() - 3)));
            let place = if shown.is_empty() { String::new() } else { format!(": {}", shown.join(", ")) };
            format!("\n  **Used here**{place}.")
        }
        Reach::NotUsed => {
            let mut names: Vec<String> = finding.functions.iter().take(3).map(|name| quoted(name)).collect();
            let more = finding.functions.len().saturating_sub(names.len());
            names.extend((more > 0).then(|| format!("{more} more")));
            // Who brings a package in is nobody's own code.
            let between = if finding.direct() { "" } else { ", but the packages that bring it in may call it" };
            format!("\n  Not used here by name: no file names {}{between}.", names.join(" or "))
        }
        Reach::Unknown => "\n  Whether it is used here is not known.".to_owned(),
    }
}
