//! Why there is no update of one package, or which there is.

use std::collections::VecDeque;

use super::{age, arrow, steps, why};
use crate::domain::project::nearest;
use crate::domain::update::{
    Answers, Decision, Declared, Found, Looked, Origin, Package, Step, current, now as now_of, pin, rules,
};

/// Everything that is known about `name`; `now` is in Unix milliseconds.
pub fn explain(found: &Found, answers: &Answers, decision: &Decision, (name, now): (&str, i64)) -> String {
    let asked: Vec<&Declared> = found.declared.iter().filter(|line| same(&line.name, name)).collect();
    let mut out = Vec::new();
    for line in &asked {
        let place = format!("{}:{}", line.file, line.line);
        if let Origin::Elsewhere(from) = &line.origin {
            out.push(format!("{place} takes {} from {from}; what is not from a registry is left alone.", line.name));
            continue;
        }
        let in_use = in_use(line, answers);
        let asks = match (pin::named(line), &in_use) {
            (Some(pin), Some(version)) => format!("pins {} to {}, which is {version}", line.name, pin::short(pin)),
            (Some(pin), None) => format!("pins {} to {}", line.name, pin::short(pin)),
            (None, _) if line.locked.is_empty() => {
                format!("asks for {} {}; no lock has it", line.name, line.requirement)
            }
            (None, _) => {
                format!("asks for {} {}; locked at {}", line.name, line.requirement, line.locked.join(" and "))
            }
        };
        out.push(format!("{place} {asks}."));
        out.extend(known(line, answers));
        out.extend(offered((line, in_use), decision, now));
    }
    if asked.is_empty() {
        out.extend(transitive(found, name));
    }
    if out.is_empty() {
        let names: Vec<&str> = found
            .declared
            .iter()
            .map(|d| d.name.as_str())
            .chain(found.locked.iter().map(|l| l.name.as_str()))
            .collect();
        let near = nearest(name, &names).map(|near| format!(" Did you mean {near}?")).unwrap_or_default();
        out.push(format!("Nothing here asks for {name}, and no lock has it.{near}"));
    }
    out.join("\n") + "\n"
}

/// Registries take `-`, `_` and capital letters for the same, and so do people.
fn same(a: &str, b: &str) -> bool {
    let plain = |text: &str| text.to_ascii_lowercase().replace('_', "-");
    plain(a) == plain(b)
}

/// The version that a line has now.
fn in_use(line: &Declared, answers: &Answers) -> Option<String> {
    match Package::of(line).and_then(|package| answers.get(&package)) {
        Some(Looked::Releases(releases)) => current(line, releases).ok().flatten(),
        _ => now_of(line),
    }
}

fn known(line: &Declared, answers: &Answers) -> Vec<String> {
    let Some(package) = Package::of(line) else { return Vec::new() };
    match answers.get(&package) {
        Some(Looked::Not(why)) => vec![format!("  It was not looked up: {why}.")],
        None => vec!["  It was not looked up.".to_owned()],
        Some(Looked::Releases(releases)) => {
            let yanked = releases.iter().filter(|release| release.yanked).count();
            let early = releases.iter().filter(|r| rules::prerelease(line.ecosystem, &r.version)).count();
            let mut facts = vec![match releases.len() {
                1 => "One version is published".to_owned(),
                count => format!("{count} versions are published"),
            }];
            facts.extend((yanked > 0).then(|| format!("{yanked} of them withdrawn")));
            facts.extend((early > 0).then(|| format!("{early} before a release")));
            vec![format!("  {}.", facts.join(", "))]
        }
    }
}

fn offered((line, in_use): (&Declared, Option<String>), decision: &Decision, now: i64) -> Vec<String> {
    let here = |file: &str, name: &str| file == line.file && name == line.name;
    let mut out: Vec<String> = Vec::new();
    for offer in decision.proposals.iter().filter(|p| here(&p.file, &p.name) && p.line == line.line) {
        let step = if offer.step == Step::Safe { "safe" } else { "breaking" };
        let what = if offer.lock_only { "the lock alone changes" } else { "the manifest changes" };
        out.push(format!("  Offered, {step}: {}; {what}, {}.", steps(offer), age(offer.published, now)));
    }
    for held in decision.held.iter().filter(|held| here(&held.file, &held.name)) {
        out.push(format!("  Not offered: {}; {}.", arrow(&held.from, &held.to), why(held, now)));
    }
    let unknown = decision.unknown.iter().any(|u| here(&u.file, &u.name) && u.line == line.line);
    if let Some(pinned) =
        decision.unknown.iter().find(|u| here(&u.file, &u.name) && u.line == line.line && in_use.is_none())
    {
        out.extend(pin::named(line).map(|_| format!("  Nothing can be said: {}.", pinned.why)));
    }
    if out.is_empty() && !unknown && Package::of(line).is_some() {
        out.push(match in_use {
            None => "  It takes any version and is not locked, so every build takes the newest.".to_owned(),
            Some(_) if line.locked.is_empty() && pin::named(line).is_none() => {
                "  Nothing is offered: without a lock, a build takes the newest version that the manifest admits already.".to_owned()
            }
            Some(version) => format!("  Nothing is offered: {version} is the newest there is."),
        });
    }
    out
}

/// What only a lock has, and how it got there.
fn transitive(found: &Found, name: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (place, locked) in found.locked.iter().enumerate().filter(|(_, locked)| same(&locked.name, name)) {
        let own = matches!(&locked.origin, Origin::Elsewhere(from) if from == "path");
        if own {
            out.push(format!("{} {} is a package of this repository.", locked.name, locked.version));
            continue;
        }
        let way = way(found, place).join(" -> ");
        out.push(format!(
            "No manifest asks for {}; {} has {} because of {way}.\n  It moves with what needs it, or alone: cargo update --package {}@{}",
            locked.name, locked.file, locked.version, locked.name, locked.version
        ));
    }
    out
}

/// The shortest way from a package of the repository; only the package itself where nothing leads to it.
fn way(found: &Found, place: usize) -> Vec<&str> {
    let mut from: Vec<Option<usize>> = vec![None; found.locked.len()];
    let mut seen = vec![false; found.locked.len()];
    let own = |at: usize| matches!(&found.locked[at].origin, Origin::Elsewhere(from) if from == "path");
    let mut open: VecDeque<usize> = (0..found.locked.len()).filter(|at| own(*at)).collect();
    for at in &open {
        seen[*at] = true;
    }
    while let Some(at) = open.pop_front() {
        if at == place {
            break;
        }
        for next in &found.locked[at].needs {
            if let Some(mark) = seen.get_mut(*next).filter(|mark| !**mark) {
                *mark = true;
                from[*next] = Some(at);
                open.push_back(*next);
            }
        }
    }
    let mut way: Vec<&str> =
        std::iter::successors(Some(place), |at| from[*at]).map(|at| found.locked[at].name.as_str()).collect();
    way.reverse();
    way
}
