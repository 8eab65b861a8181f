//! Updates: which versions a repository could have, which of them it should, and which advisories that would end.

pub mod actions;
pub mod address;
pub mod advisory;
pub mod artefact;
pub mod cargo;
pub mod course;
mod decide;
pub mod edit;
pub mod fleet;
pub mod go;
mod ignore;
pub mod image;
mod model;
pub mod npm;
pub mod pin;
pub mod python;
pub mod rules;
mod source;
pub mod toolchain;
mod wish;
mod yaml;

pub use decide::{Answers, COOLDOWN, Decision, Early, Exempt, Looked, Package, Policy, Unknown};
pub use decide::{brought, current, decide, early, now, objection, open};
pub use ignore::Ignore;
pub use model::{
    Declared, Dependency, Ecosystem, Found, Held, Locked, Origin, Pin, Proposal, Purpose, Release, Step, Why,
};
pub use source::Files;
pub use wish::policy;

/// Whether a file by this path tells something of what a checkout depends on.
pub fn reads(path: &str) -> bool {
    let others = [npm::reads, python::reads, go::reads, actions::reads, image::reads, toolchain::reads];
    // Of a crate its workspace tells whether it is one of the repository's own.
    cargo::reads(path) || (!source::foreign(path) && others.iter().any(|reads| reads(path)))
}

/// All that a checkout's files say, of every ecosystem.
pub fn extract(files: &Files) -> Found {
    let mut all = Found::default();
    // Where two promise a toolchain the first one counts: a manifest before a file that only picks a version.
    let extracts = [
        cargo::extract,
        npm::extract,
        python::extract,
        go::extract,
        actions::extract,
        image::extract,
        toolchain::extract,
    ];
    for found in extracts.iter().map(|extract| extract(files)) {
        let begin = all.locked.len();
        all.declared.extend(found.declared);
        all.asks.extend(found.asks.into_iter().map(|(at, asks)| (at + begin, asks)));
        all.locked.extend(found.locked.into_iter().map(|mut locked| {
            locked.needs.iter_mut().for_each(|need| *need += begin);
            locked
        }));
        for (name, version) in found.toolchains {
            if !all.toolchains.iter().any(|(known, _)| *known == name) {
                all.toolchains.push((name, version));
            }
        }
        all.notes.extend(found.notes);
    }
    all
}
