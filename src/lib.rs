//! Fairway: a self-hosted GitHub App that keeps every repository of an organisation on a golden path.
//!
//! The rooms, lowest first: `domain` decides and speaks, purely. `clock`, `settings` and `telemetry` are the only readers of time
//! and environment. `store`, `github`, `engine` and `host` are the outside. `context` holds their handles. `worker` and `web` do the work,
//! `app` composes, `cli` is what people start. `playground` is a stand-in for GitHub that knows none of them.

pub mod app;
pub mod cli;
pub mod clock;
pub mod context;
pub mod domain;
pub mod engine;
pub mod github;
pub mod host;
pub mod playground;
pub mod registry;
pub mod settings;
pub mod store;
pub mod telemetry;
pub mod web;
pub mod worker;
