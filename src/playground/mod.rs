//! A stateful GitHub on a local port, for tests and for people. It imports nothing of Fairway's, so that a mistake
//! about GitHub is not made twice by one hand.

mod auth;
pub mod faults;
pub mod git;
mod desk;
mod handle;
pub mod limits;
pub mod people;
pub mod keys;

mod refs;
mod server;
mod smart_http;
mod start;
mod timeline;
#[cfg(test)]
mod tests;
pub mod rest;
pub mod shapes;
pub mod webhooks;
pub mod world;

pub use desk::{PullDesk, RepoDesk};
pub use handle::Playground;
pub use start::PlaygroundOptions;
