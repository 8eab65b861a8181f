//! `/updates`: open advisories by age and by the environment where they still run, pull requests that are under way, what is
//! held back and why, and what nobody looked up.

use askama::Template;

use super::words::{Piece, date, pieces};
use super::{Who, html};
use crate::domain::speech::updates::{fleet as words, foreign, why};
use crate::domain::update::advisory::Severity;
use crate::domain::update::fleet::{Concern, Cure, Exposure, Fleet, Pull};

/// What the page shows.
#[derive(Clone, Debug, Default)]
pub struct Updates {
    /// Unix milliseconds.
    pub now: i64,
    /// Who looks.
    pub who: Who,
    /// Why something may be missing; empty when nothing is.
    pub note: String,
    /// Of the repositories that they may read.
    pub fleet: Fleet,
}

/// Rows of a table; the rest is counted.
const ROWS: usize = 100;
/// Repositories that are named in one row.
const NAMES: usize = 3;

/// An advisory about a package.
struct Advisory<'a> {
    id: &'a str,
    /// Other names, and when it was published.
    also: String,
    title: &'a str,
    url: Option<&'a str>,
    package: &'a str,
    severity: &'static str,
    /// The class of its colour.
    tone: &'static str,
    places: Vec<Place<'a>>,
    more: usize,
}

/// A repository that has it.
struct Place<'a> {
    repo: &'a str,
    version: &'a str,
    /// Whether its code names what the advisory is about; empty: nobody knows.
    used: String,
    /// Environments, each with since when.
    running: Vec<(&'a str, String)>,
    known: String,
    moment: String,
    pull: Option<&'a str>,
    said: Vec<Piece>,
}

struct Line<'a> {
    pull: &'a Pull,
    since: String,
    said: Vec<Piece>,
}

struct Back {
    name: String,
    from: String,
    to: String,
    why: Vec<Piece>,
    repos: String,
}

struct Over<'a> {
    one: &'a Exposure,
    open: String,
    ended: String,
}

struct Unknown<'a> {
    why: &'a str,
    packages: String,
    repos: String,
}

#[derive(Template)]
#[template(path = "fairway/updates.html")]
struct Page<'a> {
    title: &'static str,
    feed: &'static str,
    tab: &'static str,
    who: &'a Who,
    note: &'a str,
    standing: String,
    news: String,
    open: usize,
    serving: usize,
    oldest: String,
    advisories: Vec<Advisory<'a>>,
    over: Vec<Over<'a>>,
    pulls: Vec<Line<'a>>,
    pull_count: usize,
    held: Vec<Back>,
    held_count: usize,
    unknown: Vec<Unknown<'a>>,
    unknown_count: usize,
    looked: bool,
}

impl Updates {
    /// The page as HTML.
    pub fn render(&self) -> String {
        let fleet = &self.fleet;
        let open = fleet.open();
        let (held, unknown) = (fleet.held(), fleet.unknown());
        html(&Page {
            title: "Updates",
            feed: "/updates/events",
            tab: "updates",
            who: &self.who,
            note: &self.note,
            standing: words::standing(fleet),
            news: match fleet.advisories_at {
                Some(at) => format!("Advisories as of {} ago.", words::span(self.now - at)),
                None => "No database of advisories was read yet, so none can be found.".to_owned(),
            },
            open: open.len(),
            serving: fleet.serving(),
            oldest: fleet.oldest().map(|at| words::span(self.now - at)).unwrap_or_default(),
            advisories: open.iter().take(ROWS).map(|concern| self.advisory(concern)).collect(),
            over: fleet.over().into_iter().take(ROWS).map(|one| self.over(one)).collect(),
            pulls: self.pulls(),
            pull_count: fleet.pulls.len(),
            held: held.iter().take(ROWS).map(|(held, repos)| self.back(held, repos)).collect(),
            held_count: held.len(),
            unknown: unknown
                .iter()
                .take(ROWS)
                .map(|(why, packages, repos)| {
                    let list =
                        |names: &std::collections::BTreeSet<&str>| some(&names.iter().copied().collect::<Vec<_>>());
                    Unknown { why, packages: list(packages), repos: list(repos) }
                })
                .collect(),
            unknown_count: unknown.iter().map(|(_, packages, _)| packages.len()).sum(),
            looked: fleet.repositories > 0,
        })
    }

    fn advisory<'a>(&self, concern: &Concern<'a>) -> Advisory<'a> {
        let first = concern.first;
        let mut also: Vec<String> = first.ids.iter().skip(1).take(3).cloned().collect();
        also.extend(first.published.map(|at| format!("published {}", day(at))));
        let (severity, tone) = severity(first.severity);
        Advisory {
            id: first.id(),
            also: also.join(", "),
            title: &first.title,
            url: first.url.as_deref().and_then(foreign::address),
            package: &first.package,
            severity,
            tone,
            places: concern.places.iter().take(ROWS).map(|place| self.place(place)).collect(),
            more: concern.places.len().saturating_sub(ROWS),
        }
    }

    fn place<'a>(&self, place: &'a Exposure) -> Place<'a> {
        let serves = !place.running.is_empty();
        let running = place.running.iter().map(|running| {
            let part = if running.percent < 100 { format!("{} %, ", running.percent) } else { String::new() };
            (running.environment.as_str(), format!("{part}for {}", words::span(self.now - running.since)))
        });
        Place {
            repo: &place.repo,
            version: &place.version,
            used: words::used(&place.reach),
            running: running.collect(),
            known: words::span(self.now - place.since),
            moment: date(place.since),
            pull: match &place.cure {
                Cure::Pull(url, ..) => foreign::address(url),
                _ => None,
            },
            said: pieces(&words::cure(&place.cure, serves, self.now)),
        }
    }

    fn over<'a>(&self, one: &'a Exposure) -> Over<'a> {
        let at = if let Cure::Ended(at) = one.cure { at } else { self.now };
        Over { one, open: words::span(at - one.since), ended: format!("{} ago", words::span(self.now - at)) }
    }

    /// Fixes first, then the oldest.
    fn pulls(&self) -> Vec<Line<'_>> {
        let mut pulls: Vec<&Pull> = self.fleet.pulls.iter().collect();
        pulls.sort_by_key(|pull| (!pull.security, pull.since, &pull.repo, &pull.title));
        let line = |pull| Line {
            pull,
            since: words::span(self.now - pull.since),
            said: pieces(&words::waits(&pull.wait, self.now)),
        };
        pulls.into_iter().take(ROWS).map(line).collect()
    }

    fn back(&self, held: &crate::domain::update::Held, repos: &[&str]) -> Back {
        let why = pieces(&why(held, self.now));
        let (name, from, to) = (held.name.clone(), held.from.clone(), held.to.clone());
        Back { name, from, to, why, repos: some(repos) }
    }
}

fn severity(severity: Option<Severity>) -> (&'static str, &'static str) {
    match severity {
        Some(Severity::Critical) => ("critical", "bad"),
        Some(Severity::High) => ("high", "bad"),
        Some(Severity::Moderate) => ("moderate", "wait"),
        Some(Severity::Low) => ("low", "dim"),
        None => ("no severity given", "dim"),
    }
}

fn day(at: i64) -> String {
    date(at).split(' ').next().unwrap_or("").to_owned()
}

/// The first names, and how many more there are.
fn some(names: &[&str]) -> String {
    let shown = names.iter().take(NAMES).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests;
