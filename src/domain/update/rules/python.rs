//! Versions of Python distributions: PEP 440, and the carets of Poetry.

use std::cmp::Ordering;
use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};

use crate::domain::update::model::Step;

/// Which of two is newer; `None` where one is no version. `3.2` and `3.2.0` are one.
pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    Some(version(a)?.cmp(&version(b)?))
}

/// Whether its authors call it unfinished. A post-release is finished.
pub(super) fn prerelease(text: &str) -> bool {
    version(text).is_some_and(|version| version.any_prerelease())
}

/// How far apart two versions are. PEP 440 promises nothing, so what Poetry's caret and Cargo promise holds: the first
/// number that is not 0 breaks. Within a year calendar versions are one series.
pub(super) fn step(from: &str, to: &str) -> Option<Step> {
    let (from, to) = (version(from)?, version(to)?);
    let same = from.epoch() == to.epoch() && kept(&from) == kept(&to);
    Some(if same { Step::Safe } else { Step::Breaking })
}

/// The numbers that a safe update leaves as they are: up to the first that is not 0, three at most.
fn kept(version: &Version) -> Vec<u64> {
    let number = |at: usize| version.release().get(at).copied().unwrap_or(0);
    let last = (0..3).find(|at| number(*at) > 0).unwrap_or(2);
    (0..=last).map(number).collect()
}

/// Specifiers of PEP 440, or a requirement of Poetry's.
pub(super) fn admits(requirement: &str, wanted: &str) -> bool {
    takes(requirement, wanted) == Some(true)
}

/// `None` where either cannot be read.
fn takes(requirement: &str, wanted: &str) -> Option<bool> {
    let wanted = version(wanted)?;
    for way in requirement.split("||").flat_map(|way| way.split(" | ")) {
        let taken = way.split(',').map(|part| part_takes(part.trim(), &wanted));
        if taken.collect::<Option<Vec<bool>>>()?.into_iter().all(|taken| taken) {
            return Some(true);
        }
    }
    Some(false)
}

fn part_takes(part: &str, wanted: &Version) -> Option<bool> {
    if part.is_empty() || part == "*" {
        return Some(true);
    }
    let at_least = |low: &Version| wanted >= low;
    if let Some(rest) = part.strip_prefix('^') {
        let low = version(rest)?;
        return Some(at_least(&low) && low.epoch() == wanted.epoch() && starts_with(wanted, &caret(&low)));
    }
    if let Some(rest) = part.strip_prefix('~').filter(|rest| !rest.starts_with('=')) {
        let low = version(rest)?;
        let fixed = &low.release()[..low.release().len().min(2)];
        return Some(at_least(&low) && low.epoch() == wanted.epoch() && starts_with(wanted, fixed));
    }
    // Poetry's bare version is an exact one. Local labels of what is wanted do not count, as with pip.
    let text =
        if part.starts_with(|first: char| first.is_ascii_digit()) { format!("=={part}") } else { part.to_owned() };
    Some(VersionSpecifiers::from_str(&text).ok()?.contains(wanted))
}

/// What `^` leaves as it is; unlike [`kept`], `^0` and `^0.0` are as wide as they are short.
fn caret(low: &Version) -> Vec<u64> {
    let release = low.release();
    let last = release.iter().position(|number| *number > 0).unwrap_or(release.len().saturating_sub(1));
    release[..=last.min(release.len().saturating_sub(1))].to_vec()
}

fn starts_with(version: &Version, numbers: &[u64]) -> bool {
    let release = version.release();
    numbers.iter().enumerate().all(|(at, number)| release.get(at).copied().unwrap_or(0) == *number)
}

/// The lowest version that a requirement names as its floor: `3.8` of `>=3.8,<4`.
pub(super) fn floor(requirement: &str) -> Option<String> {
    let ways = requirement.split("||").filter_map(|way| {
        let lows = way.split(',').filter_map(|part| {
            let part = part.trim();
            let rest = [">=", "~=", "===", "==", "^", "~", ">"].iter().find_map(|sign| part.strip_prefix(sign));
            let bare = part.starts_with(|first: char| first.is_ascii_digit()).then_some(part);
            version(rest.or(bare)?.trim().trim_end_matches(".*"))
        });
        lows.max()
    });
    ways.min().map(|version| version.to_string())
}

/// `==1.2` is one version, `==1.2.*` is not. A bare version is Poetry's way to say the same.
pub(super) fn exact(requirement: &str) -> Option<String> {
    let text = requirement.trim();
    let exact = text.strip_prefix("===").or_else(|| text.strip_prefix("==")).unwrap_or(text).trim();
    version(exact).map(|_| exact.to_owned())
}

/// `needs` is `requires-python`; `has` is another or a version, and the lowest that it promises decides.
pub(super) fn runs_on(needs: &str, has: &str) -> Option<bool> {
    let lowest = floor(has)?;
    takes(needs, &lowest)
}

fn version(text: &str) -> Option<Version> {
    Version::from_str(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::{Ordering, Step, admits, compare, exact, floor, prerelease, runs_on, step, takes};

    #[test]
    fn versions_are_ordered_as_pep_440_says() {
        assert_eq!(compare("3.2", "3.2.0"), Some(Ordering::Equal));
        let sorted = ["1.0.dev1", "1.0a1", "1.0b2", "1.0rc1", "1.0", "1.0+local", "1.0.post1", "1.1", "1.10", "1!0.1"];
        for pair in sorted.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Some(Ordering::Less), "{pair:?}");
        }
        assert_eq!(compare("2024.10", "2024.9"), Some(Ordering::Greater));
        assert_eq!(compare("banana", "1"), None);
    }

    #[test]
    fn what_is_unfinished_is_known() {
        assert_eq!(["21.6b0", "1.0rc1", "1.0.dev3"].map(prerelease), [true; 3]);
        assert_eq!(["1.0", "1.0.post1", "2024.10", "nonsense"].map(prerelease), [false; 4]);
    }

    #[test]
    fn the_first_number_that_is_not_zero_breaks() {
        let safe = [
            ("3.2.0", "3.2.25"),
            ("3.2", "3.3"),
            ("0.14.0", "0.14.9"),
            ("2021.5.30", "2021.10.8"),
            ("0.0.5", "0.0.5.post1"),
        ];
        for (from, to) in safe {
            assert_eq!(step(from, to), Some(Step::Safe), "{from} to {to}");
        }
        let breaking = [
            ("3.2", "4.0"),
            ("0.14.0", "0.54.0"),
            ("0.0.5", "0.0.6"),
            ("2021.5.30", "2026.1.1"),
            ("0.910", "0.991"),
            ("1.0", "1!1.0"),
        ];
        for (from, to) in breaking {
            assert_eq!(step(from, to), Some(Step::Breaking), "{from} to {to}");
        }
        assert_eq!(step("1", "latest"), None);
    }

    #[test]
    fn requirements_take_what_pip_and_poetry_take() {
        let taken = [
            ("==3.2.0", "3.2"),
            (">=1,<2", "1.9"),
            ("~=1.4.2", "1.4.9"),
            ("==1.*", "1.7"),
            ("", "5"),
            ("*", "5"),
            ("^1.2", "1.9"),
            ("^0.3", "0.3.7"),
            ("^0", "0.9"),
            ("~1.2", "1.2.9"),
            ("~1", "1.9"),
            ("1.2.3", "1.2.3"),
            ("^1 || ^3", "3.1"),
            (">=2024.1", "2024.10"),
        ];
        for (requirement, version) in taken {
            assert!(admits(requirement, version), "{requirement} {version}");
        }
        let leaves = [
            ("==3.2.0", "3.2.1"),
            ("~=1.4.2", "1.5"),
            ("^1.2", "2.0"),
            ("^0.3", "0.4"),
            ("^0.0.3", "0.0.4"),
            ("~1.2", "1.3"),
            ("!=1.5", "1.5"),
        ];
        for (requirement, version) in leaves {
            assert_eq!(takes(requirement, version), Some(false), "{requirement} {version}");
        }
        assert_eq!(takes("at least 3", "3"), None);
        assert!(!admits("at least 3", "3"));
    }

    #[test]
    fn the_floor_and_the_pin_of_a_requirement() {
        assert_eq!(floor(">=3.8,<4").as_deref(), Some("3.8"));
        assert_eq!(floor("^3.9").as_deref(), Some("3.9"));
        assert_eq!(floor(">=3.8,!=3.9.0").as_deref(), Some("3.8"));
        assert_eq!(floor("~3.11").as_deref(), Some("3.11"));
        assert_eq!(floor("==3.10.*").as_deref(), Some("3.10"));
        assert_eq!(floor("<4"), None);
        assert_eq!(exact("==21.6b0").as_deref(), Some("21.6b0"));
        assert_eq!(exact("2024.10").as_deref(), Some("2024.10"));
        assert_eq!([">=1", "==1.*", "==1,!=1", ""].map(exact), [const { None }; 4]);
    }

    #[test]
    fn a_release_runs_where_the_lowest_promise_is_kept() {
        assert_eq!(runs_on(">=3.8", ">=3.8"), Some(true));
        assert_eq!(runs_on(">=3.9", ">=3.8,<4"), Some(false));
        assert_eq!(runs_on(">=3.7,!=3.8.*", "3.8"), Some(false));
        assert_eq!(runs_on(">=3.9", "3.11.4"), Some(true));
        assert_eq!(runs_on(">=3.9", "<4"), None);
    }
}
