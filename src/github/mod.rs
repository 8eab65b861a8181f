//! GitHub, as Fairway uses it: the only room that knows octocrab. Calls answer in our words, and every failure is one
//! of [`GitHubError`], so that a caller knows whether to wait, to read back or to give up.

mod app;
mod auth;
mod bring;
mod cache;
mod checks;
mod client;
mod comments;
mod error;
mod graphql;
mod heard;
mod parse;
mod people;
pub mod permissions;
mod plans;
mod pulls;
mod release;
mod repos;
mod transport;
pub mod webhook;
mod wire;

pub use app::{AppInfo, Delivered, FailedDelivery, Hook, Installation, Newest, Registered, register};
pub use auth::Auth;
pub use bring::{Bring, Brought, LIST, Moved, NewCandidate, Text};
pub use checks::{Action, CheckPayload};
pub use client::{Ask, GitHub, Reply, web_url};
pub use comments::Posted;
pub use error::GitHubError;
pub use graphql::Place;
pub use heard::{Heard, Known};
pub use people::{ExchangeError, LoginApp, Somebody};
pub use pulls::{ChangedFile, ChangedFiles};
pub use release::{DeploymentState, NewDeployment, Revert};
pub use repos::Access;
pub use transport::{Config, ConfigError, Now, Rate};
