//! Updates: which versions a repository could have, which of them it should, and which advisories that would end.

pub mod actions;
pub mod address;
pub mod advisory;
pub mod cargo;
mod decide;
pub mod go;
mod ignore;
pub mod image;
mod model;
pub mod npm;
pub mod python;
pub mod rules;
mod source;
pub mod toolchain;
mod wish;
mod yaml;

pub use decide::{Answers, COOLDOWN, Decision, Looked, Package, Policy, Unknown, decide, now};
pub use ignore::Ignore;
pub use model::{Declared, Dependency, Ecosystem, Found, Held, Locked, Origin, Proposal, Purpose, Release, Step, Why};
pub use source::Files;
pub use wish::policy;
