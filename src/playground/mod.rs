//! A stateful GitHub on a local port, for tests and for people. It imports nothing of Fairway's, so that a mistake
//! about GitHub is not made twice by one hand.

pub mod faults;
pub mod git;
mod handle;
pub mod limits;
pub mod people;
pub mod keys;
mod auth;
mod refs;
pub mod rest;
pub mod shapes;
pub mod webhooks;
pub mod world;

pub use handle::Playground;
