//! Who looks at the private pages, and what all of them need.

use axum::Extension;
use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::telemetry::Metrics;

/// What the private pages need.
#[derive(Clone)]
pub struct Private {
    /// The handles.
    pub ctx: Context,
    /// Asked for by every page.
    pub token: String,
    /// Renders `/metrics`.
    pub metrics: Metrics,
}

/// What a form must send back, so that no other site's page can press our buttons.
#[derive(Clone)]
pub struct Csrf(pub String);

/// Compares digests, so that the time it takes says nothing of where two tokens differ.
pub fn same(a: &str, b: &str) -> bool {
    Sha256::digest(a) == Sha256::digest(b)
}

/// Whether a form was sent from one of our own pages.
pub fn genuine(Extension(csrf): &Extension<Csrf>, sent: &str) -> bool {
    same(&csrf.0, sent)
}
