//! What a repository asks for in `fairway.toml`, read strictly: a typing error is a problem on its line, never a
//! pipeline that silently does something else.

mod call;
mod check;
mod deploys;
mod digest;
mod duration;
mod environment;
mod floor;
mod freeze;
mod graph;
pub(in crate::domain) mod keys;
mod pipeline;
pub(in crate::domain) mod problem;
mod read;
mod select;
pub(in crate::domain) mod value;

pub use call::{Arg, Call, check_name};
pub use check::pipeline_name;
pub use deploys::needed;
pub use digest::digest;
pub use duration::duration;
pub use environment::{Environment, Frozen, Needs};
pub use floor::{Floor, Policy, Rule, Source, Who};
pub use freeze::Freeze;
pub use graph::{Cycle, Readiness, means, order, ready};
pub use keys::schema;
pub use pipeline::{
    DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS, MODULE, Pipeline, Project, Report, ReportKind, Service, Trigger,
};
pub use problem::{Problem, nearest};
pub use read::{MAX_BYTES, MAX_PIPELINES, parse};
pub use select::{Applies, Selected, select};

#[cfg(test)]
mod tests;
