//! Updates: which versions a repository could have, which of them it should, and which advisories that would end.

pub mod address;
pub mod advisory;
pub mod cargo;
mod decide;
mod ignore;
mod model;
pub mod rules;
mod wish;

pub use decide::{Answers, COOLDOWN, Decision, Looked, Package, Policy, Unknown, decide, now};
pub use ignore::Ignore;
pub use model::{Declared, Dependency, Ecosystem, Found, Held, Locked, Origin, Proposal, Purpose, Release, Step, Why};
pub use wish::policy;
