//! How an ecosystem reads its versions: which is newer, which is safe, which a requirement takes. One file an ecosystem; what
//! cannot be read as a version there has no order, and nothing is decided about it.

mod cargo;
mod go;
mod npm;
mod python;
mod tag;

use std::cmp::Ordering;

use super::model::{Ecosystem, Step};

/// Which of two versions is newer by the ecosystem's own order; `None` where one of them is no version there.
pub fn compare(ecosystem: Ecosystem, a: &str, b: &str) -> Option<Ordering> {
    match ecosystem {
        Ecosystem::Cargo => cargo::compare(a, b),
        Ecosystem::Npm => npm::compare(a, b),
        Ecosystem::Python => python::compare(a, b),
        Ecosystem::Go => go::compare(a, b),
        Ecosystem::Actions | Ecosystem::Image | Ecosystem::Toolchain => tag::compare(a, b),
    }
}

/// How far it is from one version to another; `None` where `to` is not newer or one of them is no version there.
pub fn step(ecosystem: Ecosystem, from: &str, to: &str) -> Option<Step> {
    if compare(ecosystem, from, to)? != Ordering::Less {
        return None;
    }
    match ecosystem {
        Ecosystem::Cargo => cargo::step(from, to),
        Ecosystem::Npm => npm::step(from, to),
        Ecosystem::Python => python::step(from, to),
        Ecosystem::Go => go::step(from, to),
        Ecosystem::Actions | Ecosystem::Image | Ecosystem::Toolchain => tag::step(from, to),
    }
}

/// Whether a requirement, as a manifest writes it, takes a version. What cannot be read takes none.
pub fn admits(ecosystem: Ecosystem, requirement: &str, version: &str) -> bool {
    match ecosystem {
        Ecosystem::Cargo => cargo::admits(requirement, version),
        Ecosystem::Npm => npm::admits(requirement, version),
        Ecosystem::Python => python::admits(requirement, version),
        Ecosystem::Go => go::admits(requirement, version),
        Ecosystem::Actions | Ecosystem::Image | Ecosystem::Toolchain => tag::admits(requirement, version),
    }
}

/// The version that a requirement pins because somebody wants no other, as `=1.2.3` does in Cargo. In npm and Python an exact
/// version is how many write every line, and says nothing of the kind.
pub fn pinned(ecosystem: Ecosystem, requirement: &str) -> Option<String> {
    match ecosystem {
        Ecosystem::Cargo => cargo::pinned(requirement),
        _ => None,
    }
}

/// The one version that a requirement takes and no other; `None` for a requirement that takes several.
pub fn exact(ecosystem: Ecosystem, requirement: &str) -> Option<String> {
    match ecosystem {
        Ecosystem::Cargo => cargo::pinned(requirement),
        Ecosystem::Npm => npm::exact(requirement),
        Ecosystem::Python => python::exact(requirement),
        _ => None,
    }
}

/// The lowest version that a requirement speaks of, which stands for "the version now" where there is no lock.
pub fn floor(ecosystem: Ecosystem, requirement: &str) -> Option<String> {
    match ecosystem {
        Ecosystem::Cargo => cargo::floor(requirement),
        Ecosystem::Npm => npm::floor(requirement),
        Ecosystem::Python => python::floor(requirement),
        Ecosystem::Go => Some(requirement.to_owned()),
        Ecosystem::Actions | Ecosystem::Image | Ecosystem::Toolchain => tag::floor(requirement),
    }
}

/// Whether a version is one of a Go module that had no `go.mod` yet, although its major version would have to be in its name.
pub fn incompatible(ecosystem: Ecosystem, version: &str) -> bool {
    ecosystem == Ecosystem::Go && version.ends_with("+incompatible")
}

/// How many numbers a tag has: three in `v4.1.2`, one in `v4`; 0 where it is no version.
pub fn tag_numbers(tag: &str) -> usize {
    tag::numbers(tag)
}

/// Whether a version is one before a release (`1.0.0-rc.1`, `21.6b0`).
pub fn prerelease(ecosystem: Ecosystem, version: &str) -> bool {
    match ecosystem {
        Ecosystem::Cargo => cargo::prerelease(version),
        Ecosystem::Npm => npm::prerelease(version),
        Ecosystem::Python => python::prerelease(version),
        Ecosystem::Go => go::prerelease(version),
        Ecosystem::Actions | Ecosystem::Image | Ecosystem::Toolchain => tag::prerelease(version),
    }
}

/// Whether a version is one before 1.0.
pub fn zero(version: &str) -> bool {
    version.trim_start_matches(['v', 'V']).split('.').next() == Some("0")
}

/// Whether a release that needs a toolchain (`1.74`, `>=18`) works with the one that the repository promises (`1.70`, `>=16`):
/// with all of it, where that is a range. `None` where one of the two cannot be read.
pub fn runs_on(ecosystem: Ecosystem, needs: &str, has: &str) -> Option<bool> {
    match ecosystem {
        Ecosystem::Cargo => cargo::runs_on(needs, has),
        Ecosystem::Npm => npm::runs_on(needs, has),
        Ecosystem::Python => python::runs_on(needs, has),
        _ => None,
    }
}

/// The lowest of what several manifests promise to work with, as written.
pub fn lowest(ecosystem: Ecosystem, promises: impl IntoIterator<Item = String>) -> Option<String> {
    let floors = promises.into_iter().filter_map(|promise| Some((floor(ecosystem, &promise)?, promise)));
    let lower = floors.min_by(|(a, _), (b, _)| compare(ecosystem, a, b).unwrap_or(Ordering::Equal));
    lower.map(|(_, promise)| promise)
}
