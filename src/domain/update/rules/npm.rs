//! Versions of npm packages: semver as npm's client reads it.

use std::cmp::Ordering;

use nodejs_semver::{Range, Version};

use crate::domain::update::model::Step;

/// Which of two is newer; `None` where one is no version. What stands behind a `+` does not count.
pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    Some(version(a)?.cmp(&version(b)?))
}

/// Whether its authors call it unfinished.
pub(super) fn prerelease(text: &str) -> bool {
    version(text).is_some_and(|version| version.is_prerelease())
}

/// How far apart two versions are: safe is what `^` would take, so that a 0.x minor breaks.
pub(super) fn step(from: &str, to: &str) -> Option<Step> {
    let (from, to) = (version(from)?, version(to)?);
    let kept = |version: &Version| match (version.major(), version.minor()) {
        (0, 0) => (0, 0, version.patch()),
        (0, minor) => (0, minor, 0),
        (major, _) => (major, 0, 0),
    };
    Some(if kept(&from) == kept(&to) { Step::Safe } else { Step::Breaking })
}

/// A tag such as `latest` takes none.
pub(super) fn admits(requirement: &str, wanted: &str) -> bool {
    range(requirement).zip(version(wanted)).is_some_and(|(range, wanted)| range.satisfies(&wanted))
}

/// The lowest version that a range takes: `18.0.0` of `^18 || >=20`.
pub(super) fn floor(requirement: &str) -> Option<String> {
    let lowest = range(requirement)?.min_version()?;
    // `*` and `<20` promise nothing below.
    (lowest.major() > 0 || lowest.minor() > 0 || lowest.patch() > 0).then(|| lowest.to_string())
}

/// `1.2.3` is one version, as `=1.2.3` is.
pub(super) fn exact(requirement: &str) -> Option<String> {
    let text = requirement.trim();
    let text = text.strip_prefix('=').unwrap_or(text).trim_start();
    let text = text.strip_prefix('v').unwrap_or(text);
    version(text).map(|_| text.to_owned())
}

/// `needs` is a package's `engines`; `has` is the repository's, or a version. The lowest of each of its alternatives has to be
/// taken, not all of it: most packages leave out the odd releases of Node, which nobody promises to work with.
pub(super) fn runs_on(needs: &str, has: &str) -> Option<bool> {
    let needs = range(needs)?;
    let lowest: Option<Vec<Version>> = has.split("||").map(|way| range(way)?.min_version()).collect();
    Some(lowest?.iter().all(|version| needs.satisfies(version)))
}

fn range(text: &str) -> Option<Range> {
    Range::parse(text.trim()).ok()
}

fn version(text: &str) -> Option<Version> {
    // npm is loose with a leading `v` and blanks, not with missing numbers.
    Version::parse(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::{Ordering, Step, admits, compare, exact, floor, prerelease, runs_on, step};

    #[test]
    fn versions_are_ordered() {
        let sorted = ["1.0.0-alpha.1", "1.0.0-rc.2", "1.0.0-rc.10", "1.0.0", "1.0.1", "1.10.0"];
        for pair in sorted.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Some(Ordering::Less), "{pair:?}");
        }
        assert_eq!(compare("1.0.0+meta", "1.0.0"), Some(Ordering::Equal));
        assert_eq!([compare("latest", "1.0.0"), compare("2024.10", "1.0.0")], [None, None]);
        assert!(prerelease("3.0.0-beta.5") && !prerelease("1.0.0+meta"));
    }

    #[test]
    fn the_caret_says_what_is_safe() {
        for (from, to) in [("1.2.3", "1.9.0"), ("0.3.1", "0.3.9"), ("1.0.0", "1.0.1+meta")] {
            assert_eq!(step(from, to), Some(Step::Safe), "{from} to {to}");
        }
        for (from, to) in [("1.2.3", "2.0.0"), ("0.3.1", "0.4.0"), ("0.0.3", "0.0.4"), ("0.9.0", "1.0.0")] {
            assert_eq!(step(from, to), Some(Step::Breaking), "{from} to {to}");
        }
    }

    #[test]
    fn ranges_take_what_npm_takes() {
        let takes = [
            ("^1.2.3", "1.9.0"),
            ("~1.2", "1.2.9"),
            ("1.x", "1.4.0"),
            ("*", "5.0.0"),
            ("", "5.0.0"),
            (">=1 <3", "2.9.9"),
            ("1.2.3 - 1.4", "1.4.9"),
            ("^16 || ^18", "18.2.0"),
            ("1.2.3", "1.2.3"),
            ("^0.3.1", "0.3.9"),
        ];
        for (range, version) in takes {
            assert!(admits(range, version), "{range} {version}");
        }
        for (range, version) in
            [("^1.2.3", "2.0.0"), ("^0.3.1", "0.4.0"), ("^1.0.0", "1.5.0-beta.1"), ("~1.2", "1.3.0")]
        {
            assert!(!admits(range, version), "{range} {version}");
        }
        assert!(!admits("latest", "1.0.0"));
    }

    #[test]
    fn the_floor_and_the_pin_of_a_range() {
        assert_eq!(floor(">=18").as_deref(), Some("18.0.0"));
        assert_eq!(floor("^18.12 || >=20").as_deref(), Some("18.12.0"));
        assert_eq!([floor("*"), floor("<20"), floor("current")], [None, None, None]);
        assert_eq!(exact("=1.2.3").as_deref(), Some("1.2.3"));
        assert_eq!(["^1.2.3", "1.x", "latest"].map(exact), [const { None }; 3]);
    }

    #[test]
    fn a_release_runs_where_every_lowest_promise_is_kept() {
        assert_eq!(runs_on(">=16", ">=18"), Some(true));
        assert_eq!(runs_on("^18.18.0 || ^20.9.0 || >=21.1.0", ">=20.9"), Some(true));
        assert_eq!(runs_on(">=20", "^18 || ^20"), Some(false));
        assert_eq!(runs_on(">=18", "20.11.1"), Some(true));
        assert_eq!(runs_on(">=18", "lts/*"), None);
    }
}
