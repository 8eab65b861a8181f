//! Tags of actions and images, and versions of toolchains: dotted numbers between what must stay the same (`v4.1`,
//! `3.12-slim`).

use std::cmp::Ordering;

use crate::domain::update::model::Step;

struct Tag<'t> {
    before: &'t str,
    numbers: Vec<u64>,
    after: &'t str,
}

fn read(text: &str) -> Option<Tag<'_>> {
    let text = text.split('@').next().unwrap_or(text).trim();
    let begin = text.find(|c: char| c.is_ascii_digit())?;
    let (before, rest) = text.split_at(begin);
    let fine = before.is_empty() || matches!(before, "v" | "go" | "V") || before.ends_with(['-', '/', '_']);
    let ends = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (dotted, after) = rest.split_at(ends);
    let numbers: Option<Vec<u64>> = dotted.split('.').map(|part| part.parse().ok()).collect();
    numbers.filter(|_| fine).map(|numbers| Tag { before, numbers, after })
}

/// Two tags that say more or less exactly what they are, or that are of different kinds, have no order: `v4` is not older than
/// `v4.2`, and `20-alpine` has nothing to do with `22-slim`.
pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (read(a)?, read(b)?);
    let same = a.before == b.before && a.after == b.after && a.numbers.len() == b.numbers.len();
    same.then(|| a.numbers.cmp(&b.numbers))
}

/// How many numbers it has.
pub(super) fn numbers(text: &str) -> usize {
    read(text).map_or(0, |tag| tag.numbers.len())
}

/// The first number that is not 0 breaks.
pub(super) fn step(from: &str, to: &str) -> Option<Step> {
    let (from, to) = (read(from)?, read(to)?);
    let kept = from.numbers.iter().position(|number| *number > 0).unwrap_or(0) + 1;
    Some(if from.numbers.get(..kept) == to.numbers.get(..kept) { Step::Safe } else { Step::Breaking })
}

/// `v4` moves with every v4.x.
pub(super) fn admits(requirement: &str, version: &str) -> bool {
    let (Some(wanted), Some(version)) = (read(requirement), read(version)) else { return requirement == version };
    wanted.before == version.before && wanted.after == version.after && version.numbers.starts_with(&wanted.numbers)
}

/// What stands behind the numbers says it, where it says anything of the kind.
pub(super) fn prerelease(text: &str) -> bool {
    let early = |tag: Tag<'_>| {
        let mut words = tag.after.split(|c: char| !c.is_ascii_alphabetic());
        words.any(|word| {
            matches!(word, "alpha" | "beta" | "rc" | "dev" | "nightly" | "canary" | "pre" | "preview" | "a" | "b")
        })
    };
    read(text).is_some_and(early)
}

/// A tag is the version that it is.
pub(super) fn floor(requirement: &str) -> Option<String> {
    read(requirement).map(|_| requirement.split('@').next().unwrap_or(requirement).to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Ordering, Step, admits, compare, floor, prerelease, step};

    #[test]
    fn only_tags_of_one_kind_have_an_order() {
        assert_eq!(compare("v4.1.0", "v4.2.0"), Some(Ordering::Less));
        assert_eq!(compare("20-alpine", "22-alpine"), Some(Ordering::Less));
        assert_eq!(compare("3.9-slim", "3.12-slim"), Some(Ordering::Less));
        assert_eq!(compare("1.22@sha256:aa", "1.23"), Some(Ordering::Less));
        for (a, b) in [("v4", "v4.2"), ("20-alpine", "22-slim"), ("v4", "4"), ("latest", "22"), ("bookworm", "trixie")]
        {
            assert_eq!(compare(a, b), None, "{a} {b}");
        }
    }

    #[test]
    fn the_first_number_that_is_not_zero_breaks() {
        assert_eq!([step("v4.1", "v4.2"), step("v4", "v5")], [Some(Step::Safe), Some(Step::Breaking)]);
        assert_eq!([step("0.3.1", "0.3.9"), step("0.3.1", "0.4.0")], [Some(Step::Safe), Some(Step::Breaking)]);
        assert!(
            admits("v4", "v4.2.0") && admits("main", "main") && !admits("v4", "v5.0.0") && !admits("v4.1", "v4.11")
        );
        assert!(prerelease("3.14.0-rc1") && prerelease("v5.0.0-beta.1") && prerelease("3.14.0b2"));
        assert!(!prerelease("20-alpine") && !prerelease("12.1-bookworm"));
        assert_eq!(floor("22-slim@sha256:aa").as_deref(), Some("22-slim"));
    }
}
