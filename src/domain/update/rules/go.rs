//! Versions of Go modules: semver behind a `v`. The major version is part of a module's name, so that within one name everything
//! is promised to fit, except before v1.

use std::cmp::Ordering;

use semver::Version;

use crate::domain::update::model::Step;

fn read(text: &str) -> Option<Version> {
    Version::parse(text.trim().strip_prefix('v')?).ok()
}

/// `+incompatible` says nothing of the order.
pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    Some(read(a)?.cmp_precedence(&read(b)?))
}

pub(super) fn step(from: &str, to: &str) -> Option<Step> {
    let (from, to) = (read(from)?, read(to)?);
    let safe = from.major == to.major && (from.major > 0 || from.minor == to.minor);
    Some(if safe { Step::Safe } else { Step::Breaking })
}

/// A line of `go.mod` is the lowest version; which one is taken follows from all of them.
pub(super) fn admits(requirement: &str, version: &str) -> bool {
    compare(requirement, version) == Some(Ordering::Equal)
}

/// A commit that has no version (`v0.0.0-20240101000000-0123456789ab`) counts as one, too.
pub(super) fn prerelease(version: &str) -> bool {
    read(version).is_some_and(|version| !version.pre.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{Ordering, Step, admits, compare, prerelease, step};

    #[test]
    fn within_a_name_only_v0_breaks() {
        assert_eq!(compare("v1.2.0", "v1.10.0"), Some(Ordering::Less));
        assert_eq!(compare("v2.0.0+incompatible", "v2.0.0"), Some(Ordering::Equal));
        assert_eq!(compare("1.2.0", "v1.2.1"), None);
        assert_eq!([step("v1.2.0", "v1.9.0"), step("v0.2.0", "v0.2.9")], [Some(Step::Safe); 2]);
        assert_eq!(
            [step("v0.2.0", "v0.3.0"), step("v2.0.0+incompatible", "v3.0.0+incompatible")],
            [Some(Step::Breaking); 2]
        );
        assert!(admits("v1.2.0", "v1.2.0") && !admits("v1.2.0", "v1.2.1"));
        assert!(prerelease("v0.0.0-20240101000000-0123456789ab") && !prerelease("v1.0.0+incompatible"));
    }
}
