//! What a release needs of GitHub: evidence before it, a record of it, and the way back.

mod brought;
mod deployments;
mod evidence;
mod reverts;

pub use deployments::{DeploymentState, NewDeployment};
pub use reverts::Revert;
