//! A stretch of versions, and how Cargo's requirements become such stretches.

use std::cmp::Ordering;
use std::ops::Bound;

use semver::{Comparator, Op, Prerelease, Version, VersionReq};

use super::order::Point;
use crate::domain::update::model::Ecosystem;

/// All versions between two ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The lower end.
    pub from: Bound<String>,
    /// The upper end.
    pub to: Bound<String>,
}

impl Span {
    /// Whether a version lies in it; `None` where an end is no version of that ecosystem.
    pub(super) fn contains(&self, ecosystem: Ecosystem, version: &Point) -> Option<bool> {
        let side = |bound: &Bound<String>, outside: Ordering| match bound {
            Bound::Unbounded => Some(true),
            Bound::Included(end) => Some(version.cmp(&Point::read(ecosystem, end)?)? != outside),
            Bound::Excluded(end) => Some(version.cmp(&Point::read(ecosystem, end)?)? == outside.reverse()),
        };
        Some(side(&self.from, Ordering::Less)? && side(&self.to, Ordering::Greater)?)
    }
}

/// Both ends of a requirement's versions; its comparators all have to hold.
type Ends = (Bound<Version>, Bound<Version>);

/// What lies in none of the requirements. RustSec names what is *not* affected, and what is not named is.
///
/// Done with ends rather than with `VersionReq::matches`, which takes no pre-release that a requirement does not name: 2.0.0-rc.1
/// is patched by `>= 1.5`.
pub(super) fn outside(requirements: &[VersionReq]) -> Vec<Span> {
    let mut clear: Vec<Ends> = requirements.iter().map(ends).filter(|ends| !empty(ends)).collect();
    clear.sort_by(|a, b| lower(&a.0, &b.0));
    let mut spans = Vec::new();
    // Where the clear versions so far end; `None` before the first version of all.
    let mut reached: Option<Bound<Version>> = None;
    for (from, to) in clear {
        let gap = match &reached {
            None => (Bound::Unbounded, turned(&from)),
            Some(end) => (turned(end), turned(&from)),
        };
        let open = matches!(from, Bound::Unbounded) || matches!(reached, Some(Bound::Unbounded));
        if !open && !empty(&gap) {
            spans.push(span(&gap));
        }
        reached = Some(match reached {
            Some(end) if upper(&end, &to) == Ordering::Greater => end,
            _ => to,
        });
    }
    match reached {
        None => spans.push(Span { from: Bound::Unbounded, to: Bound::Unbounded }),
        Some(Bound::Unbounded) => {}
        Some(end) => spans.push(span(&(turned(&end), Bound::Unbounded))),
    }
    spans
}

/// Whether every version that one requirement takes is taken by another; `false` where that is not plain to see.
pub(super) fn narrower(inner: &str, outer: &str) -> bool {
    let plain = |text: &str| {
        VersionReq::parse(text)
            .ok()
            .filter(|req| req.comparators.iter().all(|c| c.pre.is_empty()))
            .map(|req| ends(&req))
    };
    let (Some(inner), Some(outer)) = (plain(inner), plain(outer)) else { return false };
    lower(&inner.0, &outer.0) != Ordering::Less && upper(&inner.1, &outer.1) != Ordering::Greater
}

fn span((from, to): &Ends) -> Span {
    Span { from: text(from), to: text(to) }
}

fn text(bound: &Bound<Version>) -> Bound<String> {
    bound.as_ref().map(Version::to_string)
}

/// The same place seen from the other side.
fn turned(bound: &Bound<Version>) -> Bound<Version> {
    match bound {
        Bound::Included(v) => Bound::Excluded(v.clone()),
        Bound::Excluded(v) => Bound::Included(v.clone()),
        Bound::Unbounded => Bound::Unbounded,
    }
}

fn lower(a: &Bound<Version>, b: &Bound<Version>) -> Ordering {
    match (a, b) {
        (Bound::Unbounded, Bound::Unbounded) => Ordering::Equal,
        (Bound::Unbounded, _) => Ordering::Less,
        (_, Bound::Unbounded) => Ordering::Greater,
        (Bound::Included(x), Bound::Excluded(y)) => x.cmp_precedence(y).then(Ordering::Less),
        (Bound::Excluded(x), Bound::Included(y)) => x.cmp_precedence(y).then(Ordering::Greater),
        (Bound::Included(x), Bound::Included(y)) | (Bound::Excluded(x), Bound::Excluded(y)) => x.cmp_precedence(y),
    }
}

fn upper(a: &Bound<Version>, b: &Bound<Version>) -> Ordering {
    match (a, b) {
        (Bound::Unbounded, Bound::Unbounded) => Ordering::Equal,
        (Bound::Unbounded, _) => Ordering::Greater,
        (_, Bound::Unbounded) => Ordering::Less,
        (Bound::Included(x), Bound::Excluded(y)) => x.cmp_precedence(y).then(Ordering::Greater),
        (Bound::Excluded(x), Bound::Included(y)) => x.cmp_precedence(y).then(Ordering::Less),
        (Bound::Included(x), Bound::Included(y)) | (Bound::Excluded(x), Bound::Excluded(y)) => x.cmp_precedence(y),
    }
}

fn empty((from, to): &Ends) -> bool {
    let (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) = (from, to) else {
        return false;
    };
    let both = matches!((from, to), (Bound::Included(_), Bound::Included(_)));
    match a.cmp_precedence(b) {
        Ordering::Less => false,
        Ordering::Equal => !both,
        Ordering::Greater => true,
    }
}

fn ends(requirement: &VersionReq) -> Ends {
    let mut all: Ends = (Bound::Unbounded, Bound::Unbounded);
    for comparator in &requirement.comparators {
        let (from, to) = one(comparator);
        if lower(&from, &all.0) == Ordering::Greater {
            all.0 = from;
        }
        if upper(&to, &all.1) == Ordering::Less {
            all.1 = to;
        }
    }
    all
}

fn one(c: &Comparator) -> Ends {
    let mut base = Version::new(c.major, c.minor.unwrap_or(0), c.patch.unwrap_or(0));
    base.pre = c.pre.clone();
    let full = c.minor.is_some() && c.patch.is_some();
    // The first version after all that `1`, `1.2` or `1.2.3` can stand for.
    let past = match (c.minor, c.patch) {
        (Some(minor), Some(_)) => Version::new(c.major, minor, base.patch.saturating_add(1)),
        (Some(minor), None) => Version::new(c.major, minor.saturating_add(1), 0),
        _ => Version::new(c.major.saturating_add(1), 0, 0),
    };
    let below = |v: Version| Bound::Excluded(first(v));
    match c.op {
        Op::GreaterEq => (Bound::Included(base), Bound::Unbounded),
        Op::Greater if full => (Bound::Excluded(base), Bound::Unbounded),
        Op::Greater => (Bound::Included(past), Bound::Unbounded),
        Op::Less => (Bound::Unbounded, Bound::Excluded(base)),
        Op::LessEq if full => (Bound::Unbounded, Bound::Included(base)),
        Op::LessEq => (Bound::Unbounded, below(past)),
        Op::Exact if full => (Bound::Included(base.clone()), Bound::Included(base)),
        Op::Tilde if full => {
            let next = Version::new(base.major, base.minor.saturating_add(1), 0);
            (Bound::Included(base), below(next))
        }
        Op::Exact | Op::Tilde | Op::Wildcard => (Bound::Included(base), below(past)),
        _ => {
            let next = match (c.major, c.minor, c.patch) {
                (0, None, _) => Version::new(1, 0, 0),
                (0, Some(0), None) => Version::new(0, 1, 0),
                (0, Some(0), Some(patch)) => Version::new(0, 0, patch.saturating_add(1)),
                (0, Some(minor), _) => Version::new(0, minor.saturating_add(1), 0),
                (major, ..) => Version::new(major.saturating_add(1), 0, 0),
            };
            (Bound::Included(base), below(next))
        }
    }
}

/// The lowest pre-release: `^1` ends before 2.0.0-alpha, not after it.
fn first(mut version: Version) -> Version {
    version.pre = Prerelease::new("0").unwrap_or(Prerelease::EMPTY);
    version
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(clear: &[&str], version: &str) -> bool {
        let requirements: Vec<VersionReq> = clear.iter().map(|r| VersionReq::parse(r).expect(r)).collect();
        let point = Point::read(Ecosystem::Cargo, version).expect(version);
        outside(&requirements).iter().any(|s| s.contains(Ecosystem::Cargo, &point) == Some(true))
    }

    #[test]
    fn what_no_requirement_names_is_affected() {
        let tokio = [">= 1.18.4, < 1.19.0", ">= 1.20.3, < 1.21.0", ">= 1.23.1", "< 1.7.0"];
        for (version, expected) in [
            ("1.6.9", false),
            ("1.7.0", true),
            ("1.18.3", true),
            ("1.18.4", false),
            ("1.19.0", true),
            ("1.20.3", false),
            ("1.21.0", true),
            ("1.23.0", true),
            ("1.23.1", false),
            ("2.0.0-rc.1", false),
        ] {
            assert_eq!(inside(&tokio, version), expected, "{version}");
        }
        assert!(inside(&[], "0.0.1"), "nothing clear: everything is affected");
        assert!(!inside(&["*"], "3.0.0"));
        assert!(!inside(&["=1.2.3"], "1.2.3") && inside(&["=1.2.3"], "1.2.4") && inside(&["=1.2.3"], "1.2.2"));
        assert!(!inside(&["^1.2", ">=2"], "1.9.9") && inside(&["^1.2", ">=2"], "2.0.0-alpha"));
        assert!(!inside(&["<1", ">=1"], "1.0.0") && !inside(&["<=1.0.0", ">1.0.0"], "1.0.1"));
        assert!(!inside(&["> 1.2"], "1.3.0") && inside(&["> 1.2"], "1.2.9"));
        assert!(!inside(&["~0.3.1"], "0.3.9") && inside(&["~0.3.1"], "0.4.0"));
        assert!(inside(&[">=2, <1"], "1.5.0"), "a requirement that nothing meets clears nothing");
    }
}
