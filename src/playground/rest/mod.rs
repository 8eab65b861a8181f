//! GitHub's REST API: `door` lets a request in and keeps the rules, `routes` says which handler answers it, and a
//! file per noun holds the handlers.

mod advisories;
mod answer;
mod apps;
mod call;
mod checks;
mod comments;
mod contents;
mod deployments;
pub mod door;
mod gitdata;
pub mod graphql;
mod labels;
mod misc;
mod pulls;
mod repos;
mod routes;

pub use answer::{Answer, Body};
