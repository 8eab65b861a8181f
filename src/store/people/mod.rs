//! People on the pages: who is signed in, and what they did.

mod audit;
mod sessions;

pub use audit::{ActRow, NewAct};
pub use sessions::SessionRow;
