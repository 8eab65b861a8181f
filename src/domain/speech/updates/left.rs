//! Why an advisory stays: who holds the package, up to the manifest.

use super::reason;
use crate::domain::update::advisory::fix::{Blocker, Left, Link};

/// Why it stays, plain text without a full stop; `now` is in Unix milliseconds.
pub fn why(left: &Left, now: i64) -> String {
    let why = match &left.blocker {
        Blocker::NoRelease => return "no release is free of it".to_owned(),
        Blocker::Chain(links) => chain(links, left, now),
        Blocker::Conflict(others) => {
            format!("it could be ended, but not together with what else is: {}", others.join(", "))
        }
        Blocker::Bound => "the search ended at its bound before it found a way, or that there is none".to_owned(),
        Blocker::NotLookedUp => "what it takes could not be looked up".to_owned(),
        Blocker::Client => "who requires it takes a release that is free of it, but the client cannot be told to take that one alone; an override does, or updating who requires it".to_owned(),
        Blocker::Ecosystem => "Fairway does not know how locks of this kind are put together".to_owned(),
    };
    match &left.free {
        Some(version) => format!("{why}; {} {version} is free of it", left.finding.name),
        None => why,
    }
}

fn chain(links: &[Link], left: &Left, now: i64) -> String {
    let ecosystem = left.finding.ecosystem;
    let said = links.iter().map(|Link { by, package, requirement, refused }| {
        let who = match by {
            Some((name, version)) => format!("{name} {version}"),
            None => "the manifest".to_owned(),
        };
        let refused = refused
            .as_ref()
            .map(|(version, why)| format!(" ({version} would do and is not taken: {})", reason(ecosystem, why, now)));
        let requirement = if requirement.is_empty() { "of any version" } else { requirement };
        format!("{who} requires {package} {requirement}{}", refused.unwrap_or_default())
    });
    let said: Vec<String> = said.collect();
    if said.is_empty() { "somebody requires it as it is".to_owned() } else { said.join(", and ") }
}
