//! What a look does about advisories.

use crate::domain::update::course::{Cure, Exposed};
use crate::domain::update::{Files, Found, Policy};
use crate::registry::Packages;

/// What is open, and what ends it.
#[derive(Default)]
pub struct Fixes {
    /// The most severe first.
    pub cures: Vec<Cure>,
    /// All that the locks are open to.
    pub exposed: Vec<Exposed>,
    /// What could not be found out, a sentence each.
    pub notes: Vec<String>,
}

/// Audits the locks and looks for the smallest changes.
pub async fn fixes(_packages: &dyn Packages, _found: &Found, (_policy, _texts): (&Policy, &Files)) -> Fixes {
    Fixes::default()
}
