//! Of which releases more must be known before it can be decided: a list of tags says neither when they were published nor what
//! is behind an image's tag, and to ask for that of every tag would be too much.

use super::{Answers, Line, Looked, Package, Policy, current};
use crate::domain::update::model::{Declared, Ecosystem, Found, Release, Step};
use crate::domain::update::pin;

/// So many versions of one line are asked about, from the newest on; what is older waits for another look.
const MOST: usize = 5;

/// Releases that would be offered if they were old enough, and of which that is not known yet; those that a pinned image could
/// go to, too. Asking about them may bring up others, until there are none.
pub fn open(found: &Found, answers: &Answers, policy: &Policy) -> Vec<(Package, Release)> {
    let mut all: Vec<(Package, Release)> = Vec::new();
    for declared in found.declared.iter().filter(|declared| silent(declared.ecosystem)) {
        let Some(package) = Package::of(declared) else { continue };
        let Some(Looked::Releases(releases)) = answers.get(&package) else { continue };
        let Ok(Some(from)) = current(declared, releases) else { continue };
        let line = Line { declared, releases, found, policy };
        let steps = [Step::Safe, Step::Breaking].into_iter().filter_map(|step| next(&line, &from, step));
        let same = pin::named(declared).and_then(|_| releases.iter().find(|release| release.version == from));
        let same = same.filter(|release| declared.ecosystem == Ecosystem::Image && unasked(declared, release, policy));
        for release in steps.chain(same) {
            if !all.iter().any(|(known, other)| *known == package && other.version == release.version) {
                all.push((package.clone(), release.clone()));
            }
        }
    }
    all
}

/// Whether lists of versions have no times there.
fn silent(ecosystem: Ecosystem) -> bool {
    matches!(ecosystem, Ecosystem::Actions | Ecosystem::Image | Ecosystem::Go)
}

/// Whether something is missing that nobody was asked for yet.
fn unasked(declared: &Declared, release: &Release, policy: &Policy) -> bool {
    let bare = pin::named(declared).is_some() && release.commit.is_none();
    release.unknown.is_none() && ((policy.cooldown > 0 && release.published.is_none()) || bare)
}

/// The newest release of a step that is not known well enough, unless a newer one is good as it is.
fn next<'a>(line: &Line<'a>, from: &str, step: Step) -> Option<&'a Release> {
    let renewed = pin::renewed(line.declared, line.releases, from).filter(|_| step == Step::Safe);
    for release in line.candidates(from, step).into_iter().chain(renewed).take(MOST) {
        if line.refusal(from, release).is_some() {
            continue;
        }
        if unasked(line.declared, release, line.policy) {
            return Some(release);
        }
        line.objection(from, release)?;
    }
    None
}
