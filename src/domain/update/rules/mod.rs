//! How an ecosystem reads its versions: which is newer, which is safe, which a requirement takes. One file an ecosystem; what
//! cannot be read as a version there has no order, and nothing is decided about it.

mod cargo;

use std::cmp::Ordering;

use super::model::{Ecosystem, Step};

/// Which of two versions is newer by the ecosystem's own order; `None` where one of them is no version there.
pub fn compare(ecosystem: Ecosystem, a: &str, b: &str) -> Option<Ordering> {
    match ecosystem {
        Ecosystem::Cargo => cargo::compare(a, b),
        _ => None,
    }
}

/// How far it is from one version to another; `None` where `to` is not newer or one of them is no version there.
pub fn step(ecosystem: Ecosystem, from: &str, to: &str) -> Option<Step> {
    if compare(ecosystem, from, to)? != Ordering::Less {
        return None;
    }
    match ecosystem {
        Ecosystem::Cargo => cargo::step(from, to),
        _ => None,
    }
}

/// Whether a requirement, as a manifest writes it, takes a version. What cannot be read takes none.
pub fn admits(ecosystem: Ecosystem, requirement: &str, version: &str) -> bool {
    match ecosystem {
        Ecosystem::Cargo => cargo::admits(requirement, version),
        _ => false,
    }
}

/// The one version that a requirement takes and no other, as in `=1.2.3`; `None` for a requirement that takes several.
pub fn pinned(ecosystem: Ecosystem, requirement: &str) -> Option<String> {
    match ecosystem {
        Ecosystem::Cargo => cargo::pinned(requirement),
        _ => None,
    }
}

/// The lowest version that a requirement speaks of, which stands for "the version now" where there is no lock.
pub fn floor(ecosystem: Ecosystem, requirement: &str) -> Option<String> {
    match ecosystem {
        Ecosystem::Cargo => cargo::floor(requirement),
        _ => None,
    }
}

/// Whether a version is one before a release (`1.0.0-rc.1`, `21.6b0`).
pub fn prerelease(ecosystem: Ecosystem, version: &str) -> bool {
    match ecosystem {
        Ecosystem::Cargo => cargo::prerelease(version),
        _ => false,
    }
}

/// Whether a release that needs a toolchain (`1.74`, `>=18`) works with the one that the repository promises (`1.70`, `>=16`):
/// with all of it, where that is a range. `None` where one of the two cannot be read.
pub fn runs_on(ecosystem: Ecosystem, needs: &str, has: &str) -> Option<bool> {
    match ecosystem {
        Ecosystem::Cargo => cargo::runs_on(needs, has),
        _ => None,
    }
}
