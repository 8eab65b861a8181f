//! All advisories at hand, found by package; several databases' words for one thing together.

use std::collections::{BTreeMap, BTreeSet};

use super::order::Point;
use super::{Advisory, Unusable, canonical, osv, rustsec};
use crate::domain::update::model::Ecosystem;

/// Advisories, by package.
#[derive(Clone, Debug, Default)]
pub struct Book {
    /// Those that cannot be used; the others are not touched by them.
    pub unusable: Vec<Unusable>,
    /// How many were read, with those that were withdrawn or are about other ecosystems.
    pub read: usize,
    /// Of these, taken back.
    pub withdrawn: usize,
    /// What those are called.
    taken_back: BTreeSet<String>,
    advisories: Vec<Advisory>,
    by_package: BTreeMap<Ecosystem, BTreeMap<String, Vec<Group>>>,
}

/// One thing that is wrong with one package, under all its names.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// The first is the one to call it by.
    pub(super) ids: Vec<String>,
    /// Indices of advisories and of their parts about this package.
    members: Vec<(usize, usize)>,
}

/// Whether a version is affected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    No,
    Yes,
    /// It is no version as the ecosystem writes them.
    Unclear,
}

/// Whether a file is one of a database, by its name. A database has a README too.
pub fn concerns(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("md") => name.starts_with("RUSTSEC-"),
        Some("json" | "yaml" | "yml") => !name.starts_with('.'),
        _ => false,
    }
}

/// Reads files by their names: `.md` as RustSec's, `.json` and `.yaml` as OSV's; others are passed over.
pub fn read<P: AsRef<str>, T: AsRef<str>>(files: impl Iterator<Item = (P, T)>) -> Book {
    let mut advisories = Vec::new();
    let mut unusable = Vec::new();
    for (path, text) in files {
        let (path, text) = (path.as_ref(), text.as_ref());
        let result = match path.rsplit_once('.').map(|(_, extension)| extension) {
            // A database has a README too.
            Some("md") if concerns(path) => Some(rustsec::read(path, text)),
            Some("json") => osv::json(path, text),
            Some("yaml" | "yml") => osv::yaml(path, text),
            _ => None,
        };
        match result {
            Some(Ok(advisory)) => advisories.push(advisory),
            Some(Err(one)) => unusable.push(one),
            None => {}
        }
    }
    Book::new(advisories, unusable)
}

impl Book {
    /// The order in which advisories come does not matter.
    pub fn new(mut advisories: Vec<Advisory>, mut unusable: Vec<Unusable>) -> Book {
        let read = advisories.len();
        let withdrawn = advisories.iter().filter(|advisory| advisory.withdrawn).count();
        let taken_back = advisories.iter().filter(|one| one.withdrawn).map(|one| one.id.clone()).collect();
        advisories.retain(|advisory| !advisory.withdrawn && !advisory.affected.is_empty());
        advisories.sort_by(|a, b| rank(&a.id).cmp(&rank(&b.id)));
        unusable.sort_by(|a, b| (&a.id, &a.file).cmp(&(&b.id, &b.file)));
        let mut parts: BTreeMap<(Ecosystem, &str), Vec<(usize, usize)>> = BTreeMap::new();
        for (at, advisory) in advisories.iter().enumerate() {
            for (part, affected) in advisory.affected.iter().enumerate() {
                parts.entry((affected.ecosystem, affected.package.as_str())).or_default().push((at, part));
            }
        }
        let mut by_package: BTreeMap<Ecosystem, BTreeMap<String, Vec<Group>>> = BTreeMap::new();
        for ((ecosystem, package), members) in parts {
            let groups = groups(&advisories, &members);
            by_package.entry(ecosystem).or_default().insert(package.to_owned(), groups);
        }
        Book { unusable, read, withdrawn, taken_back, advisories, by_package }
    }

    /// Several databases as one.
    pub fn together(books: Vec<Book>) -> Book {
        let (mut advisories, mut unusable, mut read, mut withdrawn) = (Vec::new(), Vec::new(), 0, 0);
        let mut taken_back = BTreeSet::new();
        for book in books {
            advisories.extend(book.advisories);
            unusable.extend(book.unusable);
            read += book.read;
            withdrawn += book.withdrawn;
            taken_back.extend(book.taken_back);
        }
        Book { read, withdrawn, taken_back, ..Book::new(advisories, unusable) }
    }

    /// The packages about which this one says something else than an earlier one: something new, changed, or taken back.
    pub fn changed_since(&self, old: &Book) -> Vec<(Ecosystem, String)> {
        fn by_id(book: &Book) -> BTreeMap<&str, Vec<&Advisory>> {
            let mut all: BTreeMap<&str, Vec<&Advisory>> = BTreeMap::new();
            for one in &book.advisories {
                all.entry(one.id.as_str()).or_default().push(one);
            }
            all
        }
        let (new, old) = (by_id(self), by_id(old));
        let mut changed = BTreeSet::new();
        for id in new.keys().chain(old.keys()) {
            let (now, before) = (new.get(id), old.get(id));
            if now != before {
                let all = now.into_iter().chain(before).flatten().flat_map(|one| &one.affected);
                changed.extend(all.map(|affected| (affected.ecosystem, affected.package.clone())));
            }
        }
        changed.into_iter().collect()
    }

    /// Whether what nobody can use, and the counts, are those of another one.
    pub fn reads_like(&self, other: &Book) -> bool {
        let counts = |book: &Book| (book.read, book.withdrawn);
        counts(self) == counts(other) && self.unusable == other.unusable
    }

    /// Whether a database took an advisory of this name back.
    pub fn took_back(&self, id: &str) -> bool {
        self.taken_back.contains(id)
    }

    pub(super) fn about(&self, ecosystem: Ecosystem, package: &str) -> &[Group] {
        let Some(packages) = self.by_package.get(&ecosystem) else { return &[] };
        packages.get(&canonical(ecosystem, package)).map_or(&[], Vec::as_slice)
    }

    /// Whom the advisory is held against, the best-known database first.
    pub(super) fn members(&self, group: &Group) -> impl Iterator<Item = (&Advisory, &super::Affected)> {
        group.members.iter().filter_map(|(at, part)| {
            let advisory = self.advisories.get(*at)?;
            Some((advisory, advisory.affected.get(*part)?))
        })
    }

    /// Why it is no vulnerability. Where one database calls a vulnerability what another only mentions, it is one.
    pub(super) fn informational(&self, group: &Group) -> Option<&str> {
        let all: Option<Vec<&str>> = self.members(group).map(|(one, _)| one.informational.as_deref()).collect();
        all.and_then(|all| all.first().copied())
    }

    /// Affected is what any of the databases says is affected: of two that disagree one knows more.
    pub(super) fn verdict(&self, group: &Group, version: &str) -> Verdict {
        let mut verdict = Verdict::No;
        for (_, affected) in self.members(group) {
            if affected.versions.iter().any(|one| one == version) {
                return Verdict::Yes;
            }
            let Some(point) = Point::read(affected.ecosystem, version) else {
                verdict = Verdict::Unclear;
                continue;
            };
            let same = |one: &String| {
                Point::read(affected.ecosystem, one).and_then(|one| one.cmp(&point)) == Some(std::cmp::Ordering::Equal)
            };
            let within = affected.spans.iter().any(|span| span.contains(affected.ecosystem, &point) == Some(true));
            if within || affected.versions.iter().any(same) {
                return Verdict::Yes;
            }
        }
        verdict
    }
}

/// Which name people of an ecosystem know best.
fn rank(id: &str) -> (u8, &str) {
    let rank = match id.split('-').next() {
        Some("RUSTSEC" | "GO" | "PYSEC") => 0,
        Some("GHSA") => 1,
        Some("CVE") => 3,
        _ => 2,
    };
    (rank, id)
}

/// Those that share a name, directly or over others, are one. Only within a package: one CVE can be about several.
fn groups(advisories: &[Advisory], members: &[(usize, usize)]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for &(at, part) in members {
        let advisory = &advisories[at];
        let mut group = Group { ids: Vec::new(), members: vec![(at, part)] };
        group.ids.push(advisory.id.clone());
        group.ids.extend(advisory.aliases.iter().cloned());
        let (same, others): (Vec<Group>, Vec<Group>) =
            groups.into_iter().partition(|other| other.ids.iter().any(|id| group.ids.contains(id)));
        groups = others;
        for other in same {
            group.ids.extend(other.ids);
            group.members.extend(other.members);
        }
        group.members.sort_unstable();
        group.members.dedup();
        groups.push(group);
    }
    for group in &mut groups {
        group.ids.sort_by(|a, b| rank(a).cmp(&rank(b)));
        group.ids.dedup();
        // It is called by a name under which it was read.
        let first = group.members.first().map(|(at, _)| &advisories[*at].id);
        if let Some(place) = first.and_then(|first| group.ids.iter().position(|id| id == first)) {
            let name = group.ids.remove(place);
            group.ids.insert(0, name);
        }
    }
    groups.sort_by(|a, b| a.ids.cmp(&b.ids));
    groups
}
