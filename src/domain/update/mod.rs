//! Updates: which versions a repository could have, which of them it should, and which advisories that would end.

mod model;
pub mod rules;

pub use model::{Declared, Ecosystem, Found, Held, Locked, Origin, Proposal, Purpose, Release, Step, Why};
