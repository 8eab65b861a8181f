//! What would have been: a traffic history, recorded or drawn, through the machine and the judge that real rollouts use; and
//! the same traffic before other judges.

mod compare;
mod play;
mod record;
mod rivals;
mod traffic;

pub use compare::{Case, Cell, JUDGES, Row, cases, compare};
pub use play::{Mark, Played, Point, Setup, play};
pub use record::{Line, Trouble, parse};
pub use traffic::{Drawn, Recorded, Traffic};

#[cfg(test)]
mod tests;
