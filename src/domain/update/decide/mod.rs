//! Which versions are offered and which are held back, and why: the newest safe one and the newest breaking one apart, for
//! every line that asks for something.

mod ask;
mod early;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ignore::Ignore;
use super::model::{Declared, Ecosystem, Found, Held, Origin, Proposal, Release, Step, Why};
use super::pin;
use super::rules;
pub use ask::open;
pub use early::{Early, Exempt, brought, early};

/// What is asked of a registry.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Package {
    /// Whose rules.
    pub ecosystem: Ecosystem,
    /// The registry by the name that a manifest gives it; `None` for the usual one.
    pub registry: Option<String>,
    /// Its name.
    pub name: String,
}

impl Package {
    /// What a line asks for; `None` for what no registry has.
    pub fn of(declared: &Declared) -> Option<Package> {
        let registry = match &declared.origin {
            Origin::Registry => None,
            Origin::Named(name) => Some(name.clone()),
            Origin::Elsewhere(_) => return None,
        };
        Some(Package { ecosystem: declared.ecosystem, registry, name: declared.name.clone() })
    }
}

/// What came of a look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// Every version that the registry has, in any order.
    Releases(Vec<Release>),
    /// Why there are none: a sentence without a full stop.
    Not(String),
}

/// All look-ups by what was asked.
pub type Answers = BTreeMap<Package, Looked>;

/// Three days, in milliseconds: most poisoned releases were found within hours.
pub const COOLDOWN: i64 = 3 * 24 * 60 * 60 * 1000;

/// What the decision is by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Unix milliseconds.
    pub now: i64,
    /// How old a release must be, in milliseconds; 0 takes what came a moment ago, and what nobody knows the age of.
    pub cooldown: i64,
    /// What a person does not want.
    pub ignore: Vec<Ignore>,
}

impl Policy {
    /// Three days, and nothing ignored.
    pub fn at(now: i64) -> Policy {
        Policy { now, cooldown: COOLDOWN, ignore: Vec::new() }
    }
}

/// A line that nothing can be said about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknown {
    /// Whose rules.
    pub ecosystem: Ecosystem,
    /// The package.
    pub name: String,
    /// The manifest.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// Why it was not looked up: a sentence without a full stop.
    pub why: String,
}

/// All that follows from what was found and what registries know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What is offered, by file and line, the safe one first.
    pub proposals: Vec<Proposal>,
    /// What is newer and not offered.
    pub held: Vec<Held>,
    /// What was not looked up; it is not up to date, it is not known.
    pub unknown: Vec<Unknown>,
    /// How many lines have the newest that there is.
    pub newest: usize,
}

/// Decides about every line that a registry could know something of.
pub fn decide(found: &Found, answers: &Answers, policy: &Policy) -> Decision {
    let mut decision = Decision::default();
    for declared in &found.declared {
        let Some(package) = Package::of(declared) else { continue };
        match answers.get(&package) {
            Some(Looked::Releases(releases)) => {
                let before = decision.proposals.len() + decision.held.len();
                match current(declared, releases) {
                    Ok(from) => one(&Line { declared, releases, found, policy }, from.as_deref(), &mut decision),
                    Err(why) => {
                        decision.unknown.push(unknown(declared, why));
                        continue;
                    }
                }
                decision.newest += usize::from(decision.proposals.len() + decision.held.len() == before);
            }
            Some(Looked::Not(why)) => decision.unknown.push(unknown(declared, why.clone())),
            None => decision.unknown.push(unknown(declared, "nobody asked for it".to_owned())),
        }
    }
    decision
}

fn unknown(declared: &Declared, why: String) -> Unknown {
    Unknown {
        ecosystem: declared.ecosystem,
        name: declared.name.clone(),
        file: declared.file.clone(),
        line: declared.line,
        why,
    }
}

/// The version that a line has now: the newest that the lock has for it, or the lowest that it takes. `None` for one that takes
/// anything and is not locked.
pub fn now(declared: &Declared) -> Option<String> {
    let newest = |a: String, b: String| if newer(declared.ecosystem, &a, &b) { a } else { b };
    let locked = declared.locked.iter().cloned().reduce(newest);
    locked.or_else(|| rules::floor(declared.ecosystem, &declared.requirement))
}

/// The version that a line has now, also where it names a commit or a digest.
///
/// # Errors
/// Why nobody can tell which version that is: a sentence without a full stop.
pub fn current(declared: &Declared, releases: &[Release]) -> Result<Option<String>, String> {
    match pin::named(declared) {
        Some(_) => pin::version(declared, releases),
        None => Ok(now(declared)),
    }
}

fn newer(ecosystem: Ecosystem, a: &str, b: &str) -> bool {
    rules::compare(ecosystem, a, b) == Some(Ordering::Greater)
}

/// What stands against a release whoever asks for it: it needs a newer toolchain than the checkout promises.
pub fn objection(found: &Found, ecosystem: Ecosystem, release: &Release) -> Option<Why> {
    let needs = release.needs.as_ref()?;
    let name = match ecosystem {
        Ecosystem::Cargo => "rust",
        Ecosystem::Npm => "node",
        Ecosystem::Python => "python",
        _ => return None,
    };
    let (_, has) = found.toolchains.iter().find(|(toolchain, _)| toolchain == name)?;
    let fits = rules::runs_on(ecosystem, needs, has)?;
    (!fits).then(|| Why::Toolchain { needs: needs.clone(), has: has.clone() })
}

/// Why a version of this age is not taken yet; `None`: it is old enough.
fn age(published: Option<i64>, policy: &Policy) -> Option<Why> {
    let Policy { now, cooldown, .. } = *policy;
    if cooldown <= 0 {
        return None;
    }
    match published {
        // A time that is still to come is no time.
        Some(published) if published <= now => {
            let ripe = published.saturating_add(cooldown);
            (ripe > now).then_some(Why::Cooldown(ripe))
        }
        _ => Some(Why::UnknownAge),
    }
}

/// The same of a release, which may have no time: then it counts from when Fairway first met it, which is a bound that nobody
/// can lie about.
fn youth(release: &Release, policy: &Policy) -> Option<Why> {
    let Some(why) = release.unknown.as_ref().filter(|_| release.published.is_none() && policy.cooldown > 0) else {
        return age(release.published, policy);
    };
    let ripe = release.seen.map(|seen| seen.saturating_add(policy.cooldown));
    let waits = ripe.is_none_or(|ripe| ripe > policy.now);
    waits.then(|| Why::Undated { ripe, why: why.clone() })
}

/// One line and all that is known about it.
struct Line<'a> {
    declared: &'a Declared,
    releases: &'a [Release],
    found: &'a Found,
    policy: &'a Policy,
}

fn one(line: &Line<'_>, from: Option<&str>, decision: &mut Decision) {
    let Some(from) = from else { return };
    // From before 1.0 the last version before it is a smaller way than the one past it, and both are offered.
    for (step, zero) in [(Step::Safe, None), (Step::Breaking, Some(true)), (Step::Breaking, Some(false))] {
        let mut whys: Vec<Why> = Vec::new();
        let renewed = pin::renewed(line.declared, line.releases, from).filter(|_| step == Step::Safe);
        let candidates = line.candidates(from, step).into_iter().chain(renewed);
        for release in candidates.filter(|it| zero.is_none_or(|zero| rules::zero(&it.version) == zero)) {
            let pinned = pin::named(line.declared).is_some();
            let admits = rules::admits(line.declared.ecosystem, &line.declared.requirement, &release.version);
            let lock_only = admits && !pinned;
            if lock_only && line.declared.locked.is_empty() {
                // Without a lock, whoever builds takes it already.
                break;
            }
            let why = match (line.objection(from, release), pin::of(line.declared, line.releases, (from, release))) {
                (Some(why), _) => why,
                (None, Err(why)) => Why::Unpinnable(why),
                (None, Ok(pin)) => {
                    decision.proposals.push(Proposal { pin, ..line.proposal(from, release, (step, lock_only)) });
                    break;
                }
            };
            // Of each reason the newest version is enough.
            let told = whys.iter().any(|other| std::mem::discriminant(other) == std::mem::discriminant(&why));
            if !told {
                decision.held.push(line.held(from, release, why.clone()));
                whys.push(why);
            }
        }
    }
}

impl<'a> Line<'a> {
    /// What is newer by this step, newest first: nothing that its authors took back, and nothing before its release unless such
    /// a one is in use and there is no release yet.
    fn candidates(&self, from: &str, step: Step) -> Vec<&'a Release> {
        let ecosystem = self.declared.ecosystem;
        let fits = |release: &&Release| !release.yanked && rules::step(ecosystem, from, &release.version) == Some(step);
        let (early, mut released): (Vec<&Release>, Vec<&Release>) =
            self.releases.iter().filter(fits).partition(|release| rules::prerelease(ecosystem, &release.version));
        if released.is_empty() && step == Step::Safe && rules::prerelease(ecosystem, from) {
            released = early;
        }
        released.sort_by(|a, b| rules::compare(ecosystem, &b.version, &a.version).unwrap_or(Ordering::Equal));
        released
    }

    fn objection(&self, from: &str, release: &Release) -> Option<Why> {
        self.refusal(from, release).or_else(|| youth(release, self.policy))
    }

    /// What stands against it whatever its age.
    fn refusal(&self, from: &str, release: &Release) -> Option<Why> {
        let Line { declared, policy, .. } = self;
        if let Some(rule) = policy.ignore.iter().find(|rule| rule.covers(declared, &release.version)) {
            return Some(Why::Ignored(rule.text.clone()));
        }
        if rules::pinned(declared.ecosystem, &declared.requirement).is_some() {
            return Some(Why::Pinned);
        }
        self.passed(from, release).or_else(|| self.toolchain(from, release))
    }

    /// Whoever uses a version of that kind already goes on with it.
    fn passed(&self, from: &str, release: &Release) -> Option<Why> {
        let kind = rules::incompatible(self.declared.ecosystem, from);
        release.passed.as_ref().filter(|_| !kind).map(|why| Why::Passed(why.clone()))
    }

    /// A promise that the version in use does not keep either holds back only what asks for more than that one.
    fn toolchain(&self, from: &str, release: &Release) -> Option<Why> {
        let ecosystem = self.declared.ecosystem;
        let why = objection(self.found, ecosystem, release)?;
        let in_use = self.releases.iter().find(|other| other.version == from);
        let in_use = in_use.filter(|release| objection(self.found, ecosystem, release).is_some());
        let (has, needs) = (in_use.and_then(|release| release.needs.as_ref()), release.needs.as_ref());
        let no_more = has
            .zip(needs)
            .is_some_and(|(has, needs)| has == needs || rules::runs_on(ecosystem, needs, has) == Some(true));
        (!no_more).then_some(why)
    }

    fn proposal(&self, from: &str, release: &Release, (step, lock_only): (Step, bool)) -> Proposal {
        Proposal {
            ecosystem: self.declared.ecosystem,
            name: self.declared.name.clone(),
            file: self.declared.file.clone(),
            line: self.declared.line,
            from: from.to_owned(),
            to: release.version.clone(),
            step,
            lock_only,
            published: release.published,
            pin: None,
        }
    }

    fn held(&self, from: &str, release: &Release, why: Why) -> Held {
        Held {
            ecosystem: self.declared.ecosystem,
            name: self.declared.name.clone(),
            file: self.declared.file.clone(),
            from: from.to_owned(),
            to: release.version.clone(),
            why,
        }
    }
}

#[cfg(test)]
mod tests;
