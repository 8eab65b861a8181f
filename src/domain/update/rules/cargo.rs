//! Cargo's versions: semver, where the leftmost number that is not zero is the one that promises.

use std::cmp::Ordering;

use semver::{Op, Version, VersionReq};

use crate::domain::update::model::Step;

fn read(version: &str) -> Option<Version> {
    Version::parse(version.trim()).ok()
}

/// What stands after `+` says which sources a release was made of, not that it is newer.
pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    Some(read(a)?.cmp_precedence(&read(b)?))
}

pub(super) fn step(from: &str, to: &str) -> Option<Step> {
    let (from, to) = (read(from)?, read(to)?);
    let promise = |v: &Version| match (v.major, v.minor) {
        (0, 0) => (0, 0, v.patch),
        (0, minor) => (0, minor, 0),
        (major, _) => (major, 0, 0),
    };
    Some(if promise(&from) == promise(&to) { Step::Safe } else { Step::Breaking })
}

pub(super) fn admits(requirement: &str, version: &str) -> bool {
    let Ok(requirement) = VersionReq::parse(requirement.trim()) else { return false };
    read(version).is_some_and(|version| requirement.matches(&version))
}

pub(super) fn pinned(requirement: &str) -> Option<String> {
    let requirement = VersionReq::parse(requirement.trim()).ok()?;
    let [one] = requirement.comparators.as_slice() else { return None };
    // `=1.2` takes every 1.2.x and so pins nothing.
    let patch = one.patch.filter(|_| one.op == Op::Exact)?;
    Some(full(one.major, one.minor?, patch, &one.pre))
}

pub(super) fn floor(requirement: &str) -> Option<String> {
    let requirement = VersionReq::parse(requirement.trim()).ok()?;
    let lower = |op: Op| matches!(op, Op::Exact | Op::GreaterEq | Op::Greater | Op::Tilde | Op::Caret | Op::Wildcard);
    let one = requirement.comparators.iter().find(|c| lower(c.op))?;
    Some(full(one.major, one.minor.unwrap_or(0), one.patch.unwrap_or(0), &one.pre))
}

fn full(major: u64, minor: u64, patch: u64, pre: &semver::Prerelease) -> String {
    let mut version = Version::new(major, minor, patch);
    version.pre = pre.clone();
    version.to_string()
}

pub(super) fn prerelease(version: &str) -> bool {
    read(version).is_some_and(|version| !version.pre.is_empty())
}

/// `1.74` is `1.74.0`. A nightly or a beta of a version is taken for that version, as Cargo does.
pub(super) fn runs_on(needs: &str, has: &str) -> Option<bool> {
    Some(toolchain(has)? >= toolchain(needs)?)
}

fn toolchain(text: &str) -> Option<(u64, u64, u64)> {
    let text = text.trim();
    let bare = text.split_once('-').map_or(text, |(version, _)| version);
    let mut numbers = bare.split('.').map(|part| part.parse::<u64>().ok());
    let major = numbers.next()??;
    let minor = numbers.next().map_or(Some(0), |n| n)?;
    let patch = numbers.next().map_or(Some(0), |n| n)?;
    numbers.next().is_none().then_some((major, minor, patch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leftmost_number_that_is_not_zero_promises() {
        let cases = [
            ("1.0.48", "1.0.104", Step::Safe),
            ("1.0.30", "2.0.21", Step::Breaking),
            ("0.3.1", "0.3.4", Step::Safe),
            ("0.3.1", "0.6.0", Step::Breaking),
            ("0.0.3", "0.0.4", Step::Breaking),
            ("3.0.0-beta.5", "3.2.25", Step::Safe),
            ("1.2.1+spec-1.1.0", "1.2.2+spec-1.1.0", Step::Safe),
        ];
        for (from, to, expected) in cases {
            assert_eq!(step(from, to), Some(expected), "{from} to {to}");
        }
    }

    #[test]
    fn what_stands_after_a_plus_makes_nothing_newer() {
        assert_eq!(compare("1.2.1+spec-1.1.0", "1.2.1"), Some(Ordering::Equal));
        assert_eq!(compare("1.2.1+spec-1.1.0", "1.10.0"), Some(Ordering::Less));
        assert_eq!(compare("2024.10", "1.0.0"), None, "two numbers are no version of a crate");
        assert_eq!(compare("1.0.0-rc.1", "1.0.0"), Some(Ordering::Less));
    }

    #[test]
    fn a_requirement_takes_what_cargo_would() {
        assert!(admits("3.0.0-beta.5", "3.2.25"));
        assert!(admits("1", "1.99.0") && !admits("1", "2.0.0"));
        assert!(admits("0.3", "0.3.9") && !admits("0.3", "0.4.0"));
        assert!(admits(">=1, <3", "2.5.0") && admits("*", "0.1.0"));
        assert!(!admits("1", "1.5.0-beta.1"), "a version before a release only where one was asked for");
        assert!(!admits("not a requirement", "1.0.0"));
    }

    #[test]
    fn only_three_numbers_after_an_equals_sign_pin() {
        assert_eq!(pinned("=1.2.3"), Some("1.2.3".to_owned()));
        assert_eq!(pinned("= 1.0.0-rc.1"), Some("1.0.0-rc.1".to_owned()));
        assert_eq!(pinned("=1.2"), None);
        assert_eq!(pinned("1.2.3"), None);
        assert_eq!(floor("~1.2"), Some("1.2.0".to_owned()));
        assert_eq!(floor("<2"), None);
        assert_eq!(floor("<3, >=1.5"), Some("1.5.0".to_owned()));
    }

    #[test]
    fn a_toolchain_has_one_to_three_numbers() {
        assert_eq!(runs_on("1.74", "1.74.0"), Some(true));
        assert_eq!(runs_on("1.74.1", "1.74"), Some(false));
        assert_eq!(runs_on("1.9", "1.74"), Some(true));
        assert_eq!(runs_on("1.85.0-nightly", "1.85"), Some(true));
        assert_eq!(runs_on("stable", "1.74"), None);
    }
}
