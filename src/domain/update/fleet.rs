//! How updates stand in all repositories: plain rows, and what is to be seen first.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::advisory::{Reach, Severity};
use super::model::{Ecosystem, Held};

/// All that is known, of the repositories that somebody may read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fleet {
    /// Repositories that were looked at.
    pub repositories: usize,
    /// When the newest advisories came; Unix milliseconds; `None`: none ever did.
    pub advisories_at: Option<i64>,
    /// Every advisory that a repository has or lately had, one a repository and package.
    pub exposures: Vec<Exposure>,
    /// Update pull requests that are open, and candidates that are to become one.
    pub pulls: Vec<Pull>,
    /// What is newer and not offered: the repository and what.
    pub held: Vec<(String, Held)>,
    /// What was not looked up: repository, package, and why, a sentence without a full stop.
    pub unknown: Vec<(String, String, String)>,
}

/// An advisory in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// Its names; the first is the one to call it by.
    pub ids: Vec<String>,
    /// One line; may be empty.
    pub title: String,
    /// Where to read more.
    pub url: Option<String>,
    /// `None`: no database says.
    pub severity: Option<Severity>,
    /// When it was published; Unix milliseconds.
    pub published: Option<i64>,
    /// The package.
    pub package: String,
    /// The version that the default branch has or had.
    pub version: String,
    /// `owner/name`.
    pub repo: String,
    /// Whether that repository's own code names what it is about.
    pub reach: Reach,
    /// Since when Fairway knows of it here; Unix milliseconds.
    pub since: i64,
    /// Where a release with it still runs.
    pub running: Vec<Running>,
    /// What is done about it.
    pub cure: Cure,
}

/// A release with a vulnerable version that serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// The environment.
    pub environment: String,
    /// Since when that release serves there; Unix milliseconds.
    pub since: i64,
    /// Its part of the traffic, in percent; another release has the rest.
    pub percent: u8,
}

/// What is done about an exposure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cure {
    /// A pull request is open: its address and number, and what it waits for.
    Pull(String, i64, Wait),
    /// There will be one: what for it waits.
    Coming(Wait),
    /// Nothing can be done, and why: a sentence without a full stop.
    None(String),
    /// The repository's people do not want it: why, Markdown without a full stop.
    Unwanted(String),
    /// The default branch does not have it any more since then; Unix milliseconds.
    Merged(i64),
    /// Neither the default branch nor any environment has it any more since then; Unix milliseconds.
    Ended(i64),
}

/// What an update waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// To be made.
    Turn,
    /// Its checks run.
    Checks,
    /// The time that `schedule` names; when that is next, Unix milliseconds.
    Schedule(Option<i64>),
    /// CI minutes: used of those that a week has.
    Minutes(u32, u32),
    /// Somebody to merge it.
    Person,
    /// Its turn in the queue of updates that are merged together: its place, from 1.
    Queue(usize),
    /// Somebody to mend it: the pipeline that fails with it.
    Red(String),
    /// Somebody who pushed to its branch.
    Edited(String),
    /// The ecosystem's client did not make the change: what it said.
    Client(String),
    /// It is open and does not go on by itself: why, in words.
    Stuck(String),
}

/// An update pull request, or what is to become one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pull {
    /// `owner/name`.
    pub repo: String,
    /// Its title.
    pub title: String,
    /// Its address and number; `None`: not opened yet.
    pub at: Option<(String, i64)>,
    /// Whether it ends advisories.
    pub security: bool,
    /// Since when there is a candidate; Unix milliseconds.
    pub since: i64,
    /// What it waits for.
    pub wait: Wait,
}

impl Exposure {
    /// Whether it is over.
    pub fn ended(&self) -> bool {
        matches!(self.cure, Cure::Ended(_))
    }

    /// The name to call it by.
    pub fn id(&self) -> &str {
        self.ids.first().map_or("", String::as_str)
    }
}

/// An advisory about a package, with every repository that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concern<'a> {
    /// In one of them; what all share is taken from here.
    pub first: &'a Exposure,
    /// Where something runs first, then those that are known the longest.
    pub places: Vec<&'a Exposure>,
}

impl Fleet {
    /// Without the repositories that somebody may not read.
    #[must_use]
    pub fn only(mut self, may: impl Fn(&str) -> bool, repositories: usize) -> Fleet {
        self.repositories = repositories;
        self.exposures.retain(|exposure| may(&exposure.repo));
        self.pulls.retain(|pull| may(&pull.repo));
        self.held.retain(|(repo, _)| may(repo));
        self.unknown.retain(|(repo, ..)| may(repo));
        self
    }

    /// Open advisories: those that run somewhere first, then the worst, then the oldest.
    pub fn open(&self) -> Vec<Concern<'_>> {
        self.concerns(|exposure| !exposure.ended())
    }

    /// Those that are over, the last first.
    pub fn over(&self) -> Vec<&Exposure> {
        let mut over: Vec<(i64, &Exposure)> = Vec::new();
        for exposure in &self.exposures {
            if let Cure::Ended(at) = exposure.cure {
                over.push((at, exposure));
            }
        }
        over.sort_by_key(|(at, exposure)| (Reverse(*at), &exposure.repo, &exposure.package, exposure.id()));
        over.into_iter().map(|(_, exposure)| exposure).collect()
    }

    fn concerns(&self, wanted: impl Fn(&Exposure) -> bool) -> Vec<Concern<'_>> {
        let mut groups: BTreeMap<(&str, &str), Vec<&Exposure>> = BTreeMap::new();
        for exposure in self.exposures.iter().filter(|exposure| wanted(exposure)) {
            groups.entry((exposure.id(), &exposure.package)).or_default().push(exposure);
        }
        let mut all: Vec<Concern<'_>> = Vec::new();
        for mut places in groups.into_values() {
            places.sort_by_key(|one| (one.running.is_empty(), one.since, &one.repo, &one.version));
            all.extend(places.first().copied().map(|first| Concern { first, places }));
        }
        let oldest = |concern: &Concern<'_>| concern.places.iter().map(|place| place.since).min();
        all.sort_by_key(|concern| {
            let idle = concern.first.running.is_empty();
            let Exposure { severity, package, .. } = concern.first;
            (idle, Reverse(*severity), oldest(concern), concern.first.id(), package)
        });
        all
    }

    /// Since when the oldest open advisory is known; Unix milliseconds.
    pub fn oldest(&self) -> Option<i64> {
        self.exposures.iter().filter(|exposure| !exposure.ended()).map(|exposure| exposure.since).min()
    }

    /// How many environments serve a release with an open advisory.
    pub fn serving(&self) -> usize {
        let of = |exposure: &Exposure| {
            let repo = exposure.repo.clone();
            exposure.running.iter().map(move |running| (repo.clone(), running.environment.clone())).collect::<Vec<_>>()
        };
        self.exposures.iter().filter(|exposure| !exposure.ended()).flat_map(of).collect::<BTreeSet<_>>().len()
    }

    /// What is held back, once for all repositories that hold it back for the same reason.
    pub fn held(&self) -> Vec<(&Held, Vec<&str>)> {
        let mut groups: Vec<(&Held, Vec<&str>)> = Vec::new();
        let mut places: BTreeMap<(Ecosystem, &str, &str, String), usize> = BTreeMap::new();
        for (repo, held) in &self.held {
            let key = (held.ecosystem, held.name.as_str(), held.to.as_str(), format!("{:?}", held.why));
            let place = *places.entry(key).or_insert_with(|| {
                groups.push((held, Vec::new()));
                groups.len() - 1
            });
            groups[place].1.push(repo);
        }
        for (_, repos) in &mut groups {
            repos.sort_unstable();
            repos.dedup();
        }
        groups.sort_by_key(|(held, _)| (held.ecosystem, &held.name, &held.to));
        groups
    }

    /// What was not looked up, by reason: the packages, and the repositories.
    pub fn unknown(&self) -> Vec<(&str, BTreeSet<&str>, BTreeSet<&str>)> {
        let mut groups: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
        for (repo, package, why) in &self.unknown {
            let (packages, repos) = groups.entry(why).or_default();
            packages.insert(package);
            repos.insert(repo);
        }
        groups.into_iter().map(|(why, (packages, repos))| (why, packages, repos)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::update::model::Why;

    fn exposure(id: &str, repo: &str, since: i64, cure: Cure) -> Exposure {
        Exposure {
            ids: vec![id.to_owned()],
            title: String::new(),
            url: None,
            severity: Some(Severity::Low),
            published: None,
            package: "x".to_owned(),
            version: "1.0.0".to_owned(),
            repo: repo.to_owned(),
            reach: Reach::Unknown,
            since,
            running: Vec::new(),
            cure,
        }
    }

    #[test]
    fn what_runs_comes_first_then_the_worst_then_the_oldest() {
        let mut fleet = Fleet {
            exposures: vec![
                exposure("old", "a/1", 1, Cure::Coming(Wait::Turn)),
                exposure("runs", "a/2", 5, Cure::Coming(Wait::Turn)),
                exposure("runs", "a/1", 4, Cure::Coming(Wait::Turn)),
                exposure("worst", "a/1", 9, Cure::None("no release is free of it".to_owned())),
                exposure("gone", "a/1", 0, Cure::Ended(8)),
                exposure("gone before", "a/1", 0, Cure::Ended(7)),
            ],
            ..Fleet::default()
        };
        fleet.exposures[1].running.push(Running { environment: "production".to_owned(), since: 2, percent: 100 });
        fleet.exposures[3].severity = Some(Severity::Critical);
        let order: Vec<_> = fleet.open().iter().map(|one| (one.first.id().to_owned(), one.places.len())).collect();
        assert_eq!(order, [("runs".to_owned(), 2), ("worst".to_owned(), 1), ("old".to_owned(), 1)]);
        assert_eq!(fleet.open()[0].places[0].repo, "a/2");
        assert_eq!(fleet.over().iter().map(|one| one.id()).collect::<Vec<_>>(), ["gone", "gone before"]);
        assert_eq!((fleet.oldest(), fleet.serving()), (Some(1), 1));
    }

    #[test]
    fn the_same_reason_is_told_once_for_all_repositories() {
        let held = |to: &str, why| Held {
            ecosystem: Ecosystem::Cargo,
            name: "x".to_owned(),
            file: "Cargo.toml".to_owned(),
            from: "1.0.0".to_owned(),
            to: to.to_owned(),
            why,
        };
        let fleet = Fleet {
            held: vec![
                ("a/2".to_owned(), held("1.1.0", Why::Pinned)),
                ("a/1".to_owned(), held("1.1.0", Why::Pinned)),
                ("a/1".to_owned(), held("1.1.0", Why::UnknownAge)),
            ],
            unknown: ["p", "q", "p"].map(|name| ("a/1".to_owned(), name.to_owned(), "it is slow".to_owned())).to_vec(),
            ..Fleet::default()
        };
        let told: Vec<_> = fleet.held().into_iter().map(|(held, repos)| (held.why.clone(), repos)).collect();
        assert_eq!(told, [(Why::Pinned, vec!["a/1", "a/2"]), (Why::UnknownAge, vec!["a/1"])]);
        let unknown = fleet.unknown();
        assert_eq!((unknown.len(), unknown[0].1.len(), unknown[0].2.len()), (1, 2, 1));
        let seen = fleet.only(|repo| repo == "a/2", 1);
        assert_eq!((seen.repositories, seen.held().len(), seen.unknown().len()), (1, 1, 0));
        assert_eq!(seen.held()[0].1, ["a/2"]);
    }
}
