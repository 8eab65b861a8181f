//! Versions of each ecosystem on one line, so that a range can be held against them.

use std::cmp::Ordering;
use std::str::FromStr;

use semver::Version;

use crate::domain::update::model::Ecosystem;

/// A version that can be compared with others of its ecosystem.
#[derive(Clone, Debug)]
pub(super) enum Point {
    Semver(Version),
    Python(Box<pep440_rs::Version>),
}

impl Point {
    /// `None`: no version as this ecosystem writes them.
    pub(super) fn read(ecosystem: Ecosystem, text: &str) -> Option<Point> {
        let text = text.trim();
        match ecosystem {
            Ecosystem::Python => pep440_rs::Version::from_str(text).ok().map(|v| Point::Python(Box::new(v))),
            Ecosystem::Cargo => Version::parse(text).ok().map(Point::Semver),
            _ => loose(text).map(Point::Semver),
        }
    }

    /// Build metadata says how a version was made, not which it is. `None`: versions of two ecosystems.
    pub(super) fn cmp(&self, other: &Point) -> Option<Ordering> {
        match (self, other) {
            (Point::Semver(a), Point::Semver(b)) => Some(a.cmp_precedence(b)),
            (Point::Python(a), Point::Python(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

/// `v4`, `1.2` and Go's `v1.2.3+incompatible` are versions too, where the ecosystem has tags rather than releases.
fn loose(text: &str) -> Option<Version> {
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    if let Ok(version) = Version::parse(text) {
        return Some(version);
    }
    let split = text.find(['-', '+']).unwrap_or(text.len());
    let (numbers, rest) = text.split_at(split);
    let dots = numbers.matches('.').count();
    (dots < 2).then(|| Version::parse(&format!("{numbers}{}{rest}", ".0".repeat(2 - dots))).ok())?
}
