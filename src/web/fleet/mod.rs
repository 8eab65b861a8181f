//! Pages over all repositories: how far each is on its way to the golden path, and who follows which plan.

mod plans;
mod repositories;
mod updates;

use axum::Router;

use super::session::Site;

/// The pages, and their buttons.
pub fn routes() -> Router<Site> {
    Router::new().merge(plans::routes()).merge(repositories::routes()).merge(updates::routes())
}
