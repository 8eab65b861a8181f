//! The cooldown over all that a change of a lock brings in: a client that is asked for one version may bring others along.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::{Answers, Looked, Package, Policy, age};
use crate::domain::update::advisory::canonical;
use crate::domain::update::model::{Ecosystem, Locked, Origin, Release, Why};
use crate::domain::update::rules;

/// A version that a change of a lock brings in before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Early {
    /// Whose rules.
    pub ecosystem: Ecosystem,
    /// The lock.
    pub file: String,
    /// The package.
    pub name: String,
    /// The version.
    pub version: String,
    /// [`Why::Cooldown`] or [`Why::UnknownAge`].
    pub why: Why,
}

/// A version of a package that ends an advisory, and waits for nothing.
pub type Exempt = (Ecosystem, String, String);

/// What a registry has to be asked about before [`early`] can tell: every package of which the new lock has a version that the
/// old one has not.
pub fn brought(old: &[Locked], new: &[Locked]) -> Vec<Package> {
    let mut packages: Vec<Package> = gained(old, new).into_iter().filter_map(package).collect();
    packages.sort();
    packages.dedup();
    packages
}

/// Every version that a change brings in and that is too young or of unknown age, by lock, package and version. Nothing where
/// the policy has no cooldown.
///
/// Only the versions named in `fixes` are exempt: what a client brings along with them waits like anything else. What comes
/// from a repository or an archive rather than from a registry, and was not there before, has no age that anybody knows.
pub fn early(
    (old, new): (&[Locked], &[Locked]),
    answers: &Answers,
    policy: &Policy,
    fixes: &BTreeSet<Exempt>,
) -> Vec<Early> {
    let fixes: BTreeSet<Exempt> =
        fixes.iter().map(|(of, name, version)| (*of, canonical(*of, name), version.clone())).collect();
    let mut all = Vec::new();
    for locked in gained(old, new) {
        let name = canonical(locked.ecosystem, &locked.name);
        if fixes.contains(&(locked.ecosystem, name, locked.version.clone())) {
            continue;
        }
        let Some(why) = age(published(locked, answers), policy) else { continue };
        all.push(Early {
            ecosystem: locked.ecosystem,
            file: locked.file.clone(),
            name: locked.name.clone(),
            version: locked.version.clone(),
            why,
        });
    }
    all.sort_by(|a, b| (&a.file, &a.name, &a.version).cmp(&(&b.file, &b.name, &b.version)));
    all.dedup();
    all
}

/// What the new lock has and the old one has not, each lock for itself.
fn gained<'a>(old: &[Locked], new: &'a [Locked]) -> Vec<&'a Locked> {
    let had: BTreeSet<_> = old.iter().map(key).collect();
    new.iter().filter(|locked| !own(&locked.origin) && !had.contains(&key(locked))).collect()
}

type Key<'a> = (Ecosystem, &'a str, String, &'a str, (u8, &'a str));

/// By what a locked package is the same as before. Locks are read without the commit of what comes from Git, so one that moves
/// there under the same version is not seen here.
fn key(locked: &Locked) -> Key<'_> {
    let origin = match &locked.origin {
        Origin::Registry => (0, ""),
        Origin::Named(name) => (1, name.as_str()),
        Origin::Elsewhere(place) => (2, place.as_str()),
    };
    let name = canonical(locked.ecosystem, &locked.name);
    (locked.ecosystem, &locked.file, name, &locked.version, origin)
}

/// The repository's own folders, which nobody published, in the words of the locks.
fn own(origin: &Origin) -> bool {
    let Origin::Elsewhere(place) = origin else { return false };
    let kind = place.split([' ', ':']).next().unwrap_or(place);
    let kinds = ["path", "workspace", "file", "link", "portal", "editable", "directory", "virtual"];
    kinds.contains(&kind) || place.starts_with('.')
}

fn package(locked: &Locked) -> Option<Package> {
    let registry = match &locked.origin {
        Origin::Registry => None,
        Origin::Named(name) => Some(name.clone()),
        Origin::Elsewhere(_) => return None,
    };
    Some(Package { ecosystem: locked.ecosystem, registry, name: locked.name.clone() })
}

/// Locks write some versions otherwise than registries do: `2024.2` and `2024.2.0` are one in Python.
fn published(locked: &Locked, answers: &Answers) -> Option<i64> {
    let Some(Looked::Releases(releases)) = answers.get(&package(locked)?) else { return None };
    let same = |release: &&Release| {
        rules::compare(locked.ecosystem, &release.version, &locked.version) == Some(Ordering::Equal)
    };
    let exact = releases.iter().find(|release| release.version == locked.version);
    exact.or_else(|| releases.iter().find(same))?.published
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::update::COOLDOWN;

    const DAY: i64 = 24 * 60 * 60 * 1000;
    const NOW: i64 = 1_800_000_000_000;

    fn locked(ecosystem: Ecosystem, lines: &[&str]) -> Vec<Locked> {
        let one = |line: &&str| {
            let (name, version) = line.split_once(' ').expect("name version");
            let (version, origin) = match version.split_once(" from ") {
                None => (version, Origin::Registry),
                Some((version, "r")) => (version, Origin::Named("r".to_owned())),
                Some((version, place)) => (version, Origin::Elsewhere(place.to_owned())),
            };
            let (name, version, file) = (name.to_owned(), version.to_owned(), "lock".to_owned());
            Locked { ecosystem, file, name, version, origin, needs: Vec::new() }
        };
        lines.iter().map(one).collect()
    }

    /// From lines `name version days`; `?` for an age that nobody knows.
    fn answers(ecosystem: Ecosystem, lines: &[&str]) -> Answers {
        let mut answers = Answers::new();
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            let package = Package { ecosystem, registry: None, name: words[0].to_owned() };
            let published = words[2].parse::<i64>().ok().map(|days| NOW - days * DAY);
            let release = Release { version: words[1].to_owned(), published, ..Release::default() };
            match answers.entry(package).or_insert_with(|| Looked::Releases(Vec::new())) {
                Looked::Releases(releases) => releases.push(release),
                Looked::Not(_) => unreachable!("none is put in"),
            }
        }
        answers
    }

    fn told(found: &[Early]) -> Vec<String> {
        let why = |why: &Why| match why {
            Why::Cooldown(ripe) => format!("in {} days", (ripe - NOW) / DAY),
            other => format!("{other:?}"),
        };
        found.iter().map(|one| format!("{} {} {}", one.name, one.version, why(&one.why))).collect()
    }

    fn cargo(old: &[&str], new: &[&str], known: &[&str]) -> Vec<String> {
        let (old, new) = (locked(Ecosystem::Cargo, old), locked(Ecosystem::Cargo, new));
        let known = answers(Ecosystem::Cargo, known);
        told(&early((&old, &new), &known, &Policy::at(NOW), &BTreeSet::new()))
    }

    #[test]
    fn what_is_brought_along_waits_as_well() {
        let old = ["asked 1.0.0", "along 1.0.0", "same 2.0.0"];
        let new = ["asked 1.0.1", "along 1.0.9", "added 0.1.0", "same 2.0.0"];
        let known = ["asked 1.0.1 30", "along 1.0.0 900", "along 1.0.9 1", "added 0.1.0 0", "same 2.0.0 0"];
        assert_eq!(cargo(&old, &new, &known), ["added 0.1.0 in 3 days", "along 1.0.9 in 2 days"]);
        assert_eq!(cargo(&new, &old, &known), ["asked 1.0.0 UnknownAge"], "a version back is judged like any other");
        assert_eq!(cargo(&new, &new, &known), [""; 0], "what was there before is nobody's news");
    }

    #[test]
    fn it_ends_to_the_millisecond() {
        let (old, new) = (locked(Ecosystem::Cargo, &[]), locked(Ecosystem::Cargo, &["a 1.0.0"]));
        let known = answers(Ecosystem::Cargo, &["a 1.0.0 0"]);
        let at = |now: i64| early((&old, &new), &known, &Policy::at(now), &BTreeSet::new()).len();
        assert_eq!((at(NOW + COOLDOWN - 1), at(NOW + COOLDOWN)), (1, 0));
        let none = Policy { cooldown: 0, ..Policy::at(NOW) };
        assert_eq!(early((&old, &new), &known, &none, &BTreeSet::new()), []);
    }

    #[test]
    fn an_age_that_nobody_knows_is_none() {
        let known = ["a 1.0.0 ?", "b 1.0.0 -2", "c 2.0.0 90"];
        let new = ["a 1.0.0", "b 1.0.0", "c 1.0.0", "d 1.0.0"];
        let all = ["a 1.0.0 UnknownAge", "b 1.0.0 UnknownAge", "c 1.0.0 UnknownAge", "d 1.0.0 UnknownAge"];
        assert_eq!(cargo(&[], &new, &known), all, "no time, one to come, no such version, no such package");
        let (new, mut known) = (locked(Ecosystem::Cargo, &["a 1.0.0"]), Answers::new());
        known.insert(package(&new[0]).expect("a package"), Looked::Not("it did not answer".to_owned()));
        let found = early((&[], &new), &known, &Policy::at(NOW), &BTreeSet::new());
        assert_eq!(told(&found), ["a 1.0.0 UnknownAge"], "a registry that keeps quiet opens no way around");
    }

    #[test]
    fn a_fix_waits_for_nothing_and_its_company_does() {
        let (old, new) = (
            locked(Ecosystem::Python, &["Foo.Bar 1.0", "x 1.0"]),
            locked(Ecosystem::Python, &["foo-bar 1.1", "x 1.1"]),
        );
        let known = answers(Ecosystem::Python, &["foo-bar 1.1.0 0", "x 1.1 1"]);
        let fixes = BTreeSet::from([(Ecosystem::Python, "foo_bar".to_owned(), "1.1".to_owned())]);
        assert_eq!(told(&early((&old, &new), &known, &Policy::at(NOW), &fixes)), ["x 1.1 in 2 days"]);
        let other = BTreeSet::from([(Ecosystem::Npm, "foo_bar".to_owned(), "1.1".to_owned())]);
        let all = ["foo-bar 1.1 in 3 days", "x 1.1 in 2 days"];
        assert_eq!(told(&early((&old, &new), &known, &Policy::at(NOW), &other)), all);
    }

    #[test]
    fn names_and_versions_are_compared_as_python_does() {
        let (old, new) = (locked(Ecosystem::Python, &["Foo.Bar 1.0"]), locked(Ecosystem::Python, &["foo-bar 1.0"]));
        assert_eq!(brought(&old, &new), []);
        let new = locked(Ecosystem::Python, &["tz 2024.2"]);
        let known = answers(Ecosystem::Python, &["tz 2024.2.0 90"]);
        assert_eq!(early((&[], &new), &known, &Policy::at(NOW), &BTreeSet::new()), []);
    }

    #[test]
    fn another_place_is_another_package() {
        let old = ["a 1.0.0", "own 0.1.0 from path", "g 1.0.0 from git https://code.test/g"];
        let new = ["a 1.0.0 from r", "own 0.2.0 from path", "g 1.0.0 from git https://code.test/fork/g"];
        let told = cargo(&old, &new, &["a 1.0.0 90"]);
        assert_eq!(told, ["a 1.0.0 UnknownAge", "g 1.0.0 UnknownAge"]);
        let (old, new) = (locked(Ecosystem::Cargo, &old), locked(Ecosystem::Cargo, &new));
        let asked: Vec<(Option<String>, String)> =
            brought(&old, &new).into_iter().map(|package| (package.registry, package.name)).collect();
        assert_eq!(asked, [(Some("r".to_owned()), "a".to_owned())]);
    }

    #[test]
    fn each_lock_is_for_itself() {
        let (here, mut there) = (locked(Ecosystem::Npm, &["a 1.0.0"]), locked(Ecosystem::Npm, &["a 1.0.0"]));
        there[0].file = "web/lock".to_owned();
        let both = [here.clone(), there].concat();
        let known = answers(Ecosystem::Npm, &["a 1.0.0 1"]);
        let found = early((&here, &both), &known, &Policy::at(NOW), &BTreeSet::new());
        assert_eq!(found.iter().map(|one| one.file.as_str()).collect::<Vec<_>>(), ["web/lock"]);
    }
}
