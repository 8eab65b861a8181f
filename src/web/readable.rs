//! What somebody may read, and what they read instead.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use futures_util::StreamExt;

use super::access::Word;
use super::pages::error;
use super::session::{Site, Viewer};
use crate::domain::ids::Repo;
use crate::domain::speech::pages as speech;
use crate::store::RepoRow;

/// Repositories that GitHub is asked about at once for one page.
const AT_ONCE: usize = 8;

/// There is no such page, or not for this person.
pub fn not_here(viewer: &Viewer, path: &str) -> Response {
    let page = error::notice(&viewer.who(), &speech::nothing_here(viewer.login(), path));
    (StatusCode::NOT_FOUND, Html(page)).into_response()
}

/// GitHub cannot be asked what this person may read.
pub fn not_known(viewer: &Viewer, why: &str) -> Response {
    let page = error::notice(&viewer.who(), &speech::cannot_ask(why));
    (StatusCode::SERVICE_UNAVAILABLE, Html(page)).into_response()
}

/// A repository's row as the rest of Fairway names it.
pub fn named(row: &RepoRow) -> Repo {
    Repo {
        installation: row.installation_id,
        id: row.id,
        owner: row.owner.clone(),
        name: row.name.clone(),
        default_branch: row.default_branch.clone(),
    }
}

/// Which of these repositories somebody may read; and why it is not known of others, if it is not.
pub async fn readable(
    site: &Site,
    viewer: &Viewer,
    repos: BTreeMap<i64, Repo>,
) -> (BTreeMap<i64, bool>, Option<&'static str>) {
    let asked = repos.into_values().map(|repo| async move { (repo.id, viewer.reads(site, &repo).await) });
    let answers: Vec<_> = futures_util::stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
    let unknown =
        answers.iter().find_map(|(_, reading)| if let Word::Unknown(why) = reading { Some(*why) } else { None });
    (answers.into_iter().map(|(repo, reading)| (repo, reading == Word::Yes)).collect(), unknown)
}
