//! Fairway: a self-hosted GitHub App that keeps repositories on a golden path.

pub mod domain;
pub mod engine;
pub mod github;
pub mod playground;
pub mod store;
