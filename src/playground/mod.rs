//! A stateful GitHub on a local port, for tests and for people. It imports nothing of Fairway's, so that a mistake
//! about GitHub is not made twice by one hand.

mod advisories;
mod auth;
mod crates;
mod desk;
pub mod faults;
pub mod git;
mod handle;
pub mod keys;
pub mod limits;
pub mod pages;
pub mod people;

mod refs;
pub mod rest;
mod server;
pub mod shapes;
mod smart_http;
mod start;
#[cfg(test)]
mod tests;
mod timeline;
pub mod webhooks;
pub mod world;

pub use advisories::NewAdvisory;
pub use desk::{PullDesk, RepoDesk};
pub use handle::Playground;
pub use start::PlaygroundOptions;
