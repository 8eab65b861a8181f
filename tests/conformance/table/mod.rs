//! The table of cases.

mod around;
mod ends;
mod faults;
mod kept;
mod output;
mod time;

use crate::case::Case;

/// All cases.
pub fn all() -> Vec<Case> {
    let rooms = [ends::cases(), output::cases(), around::cases(), time::cases(), kept::cases(), faults::cases()];
    rooms.into_iter().flatten().collect()
}
