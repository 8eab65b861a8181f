//! A lock held against the advisories.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::book::{Book, Group, Verdict};
use super::{Severity, Unusable};
use crate::domain::update::model::{Ecosystem, Found, Locked, Origin};

/// Something known about a locked version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Its names; the first is the one to call it by.
    pub ids: Vec<String>,
    /// One line; empty where nobody has one.
    pub title: String,
    /// Where to read more.
    pub url: Option<String>,
    /// The worst that a database says; `None`: none does.
    pub severity: Option<Severity>,
    /// When it was published, as the database writes it.
    pub published: Option<String>,
    /// Why it blocks nothing: `unmaintained`, `unsound`, `notice`. `None`: a vulnerability.
    pub informational: Option<String>,
    /// What must be called to be touched by it; empty where no database says.
    pub functions: Vec<String>,
    /// Whose rules.
    pub ecosystem: Ecosystem,
    /// The lock.
    pub file: String,
    /// The package.
    pub name: String,
    /// The locked version.
    pub version: String,
    /// The package's place in the list of locked ones.
    pub place: usize,
    /// How it got here: names and versions from a direct dependency to the package itself.
    pub chain: Vec<(String, String)>,
}

impl Finding {
    /// The name to call it by.
    pub fn id(&self) -> &str {
        self.ids.first().map_or("", String::as_str)
    }

    /// Whether it is for the manifest's own lines.
    pub fn direct(&self) -> bool {
        self.chain.len() == 1
    }
}

/// A locked package that could not be held against an advisory about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unjudged {
    /// The advisory.
    pub id: String,
    /// The lock.
    pub file: String,
    /// The package.
    pub name: String,
    /// What is no version as its ecosystem writes them.
    pub version: String,
}

/// What a lock has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Vulnerabilities, by lock, package, version and name.
    pub vulnerable: Vec<Finding>,
    /// What is worth knowing and blocks nothing, in the same order.
    pub informational: Vec<Finding>,
    /// Advisories about locked packages that cannot be used.
    pub unusable: Vec<Unusable>,
    /// Packages that could not be judged.
    pub unjudged: Vec<Unjudged>,
}

/// Every locked package of a registry against every advisory about it. What comes from elsewhere has a name and a version
/// like another package's, and is another.
pub fn audit(found: &Found, book: &Book) -> Audit {
    let mut audit = Audit::default();
    let mut ways: Option<Ways> = None;
    for (place, locked) in found.locked.iter().enumerate() {
        if locked.origin != Origin::Registry {
            continue;
        }
        for group in book.about(locked.ecosystem, &locked.name) {
            match book.verdict(group, &locked.version) {
                Verdict::No => {}
                Verdict::Unclear => audit.unjudged.push(Unjudged {
                    id: group.ids.first().cloned().unwrap_or_default(),
                    file: locked.file.clone(),
                    name: locked.name.clone(),
                    version: locked.version.clone(),
                }),
                Verdict::Yes => {
                    let chain = ways.get_or_insert_with(|| Ways::new(found)).to(found, place);
                    let finding = finding(book, group, (place, locked), chain);
                    let list = match finding.informational {
                        Some(_) => &mut audit.informational,
                        None => &mut audit.vulnerable,
                    };
                    list.push(finding);
                }
            }
        }
    }
    for list in [&mut audit.vulnerable, &mut audit.informational] {
        list.sort_by(|a, b| (&a.file, &a.name, &a.version, &a.ids).cmp(&(&b.file, &b.name, &b.version, &b.ids)));
    }
    audit.unusable = about(found, book);
    audit
}

fn about(found: &Found, book: &Book) -> Vec<Unusable> {
    let locked = |(ecosystem, package): &(Ecosystem, String)| {
        found.locked.iter().any(|l| l.ecosystem == *ecosystem && super::canonical(*ecosystem, &l.name) == *package)
    };
    // One of which nobody can read whom it is about may be about this.
    let ours = |one: &&Unusable| one.packages.is_empty() || one.packages.iter().any(locked);
    book.unusable.iter().filter(ours).cloned().collect()
}

fn finding(book: &Book, group: &Group, (place, locked): (usize, &Locked), chain: Vec<(String, String)>) -> Finding {
    let members: Vec<_> = book.members(group).collect();
    let mut functions: Vec<String> = members.iter().flat_map(|(_, affected)| affected.functions.clone()).collect();
    functions.sort();
    functions.dedup();
    Finding {
        ids: group.ids.clone(),
        title: members.iter().map(|(one, _)| one.title.clone()).find(|title| !title.is_empty()).unwrap_or_default(),
        url: members.iter().find_map(|(one, _)| one.url.clone()),
        severity: members.iter().filter_map(|(one, _)| one.severity).max(),
        published: members.iter().filter_map(|(one, _)| one.published.clone()).min(),
        informational: book.informational(group).map(str::to_owned),
        functions,
        ecosystem: locked.ecosystem,
        file: locked.file.clone(),
        name: locked.name.clone(),
        version: locked.version.clone(),
        place,
        chain,
    }
}

/// For every package the neighbour on the shortest way from a direct dependency.
struct Ways(Vec<Option<Option<usize>>>);

impl Ways {
    fn new(found: &Found) -> Ways {
        let mut ways: Vec<Option<Option<usize>>> = vec![None; found.locked.len()];
        let mut queue: VecDeque<usize> = VecDeque::new();
        for place in direct(found) {
            if ways[place].is_none() {
                ways[place] = Some(None);
                queue.push_back(place);
            }
        }
        while let Some(place) = queue.pop_front() {
            for &need in &found.locked[place].needs {
                if ways.get(need).is_some_and(Option::is_none) {
                    ways[need] = Some(Some(place));
                    queue.push_back(need);
                }
            }
        }
        Ways(ways)
    }

    fn to(&self, found: &Found, place: usize) -> Vec<(String, String)> {
        let mut chain = Vec::new();
        let mut at = Some(place);
        // Each step is nearer to a direct dependency, so it ends.
        while let Some(locked) = at.and_then(|at| found.locked.get(at)) {
            chain.push((locked.name.clone(), locked.version.clone()));
            at = at.and_then(|at| self.0.get(at).copied().flatten().flatten());
        }
        chain.reverse();
        chain
    }
}

/// What the manifests ask for. A package that nobody asks for and nobody needs is taken for one, or a member of the workspace.
fn direct(found: &Found) -> Vec<usize> {
    let mut asked: BTreeMap<(Ecosystem, &str), Vec<&str>> = BTreeMap::new();
    for declared in &found.declared {
        let versions = asked.entry((declared.ecosystem, declared.name.as_str())).or_default();
        versions.extend(declared.locked.iter().map(String::as_str));
    }
    let mut needed = vec![false; found.locked.len()];
    for (place, locked) in found.locked.iter().enumerate() {
        for &need in locked.needs.iter().filter(|need| **need != place) {
            if let Some(needed) = needed.get_mut(need) {
                *needed = true;
            }
        }
    }
    let mut places = Vec::new();
    let mut tops = Vec::new();
    for (place, locked) in found.locked.iter().enumerate() {
        let versions = asked.get(&(locked.ecosystem, locked.name.as_str()));
        if versions.is_some_and(|versions| versions.contains(&locked.version.as_str())) {
            places.push(place);
        } else if locked.origin != Origin::Registry && !needed[place] {
            // A member of the workspace: what it needs is direct, where the manifests do not say.
            tops.extend(locked.needs.iter().copied().filter(|need| *need < found.locked.len()));
        } else if !needed[place] {
            tops.push(place);
        }
    }
    places.extend(tops);
    places
}
