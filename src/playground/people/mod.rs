//! What people do on this GitHub: each is a method of `World`, used by the REST API, the pages and the tests alike.

mod apps;
mod checks;
mod login;
mod members;
mod pulls;
mod queue;
mod reviews;
mod seed;
mod talk;

pub use apps::Installing;
pub use login::NoAuthorization;
pub use pulls::NewPull;
pub use seed::{NewRepo, Push};
