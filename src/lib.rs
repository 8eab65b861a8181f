//! Fairway: a self-hosted GitHub App that keeps repositories on a golden path.

pub mod clock;
pub mod domain;
pub mod engine;
pub mod github;
pub mod playground;
pub mod settings;
pub mod store;
pub mod telemetry;
