//! Pages over all repositories: how far each is on its way to the golden path, and who follows which plan.

mod plans;
mod repositories;

use axum::Router;

use super::session::Site;

/// Both pages, and their buttons.
pub fn routes() -> Router<Site> {
    Router::new().merge(plans::routes()).merge(repositories::routes())
}
