//! GitHub's list of advisories. It is one for everybody and needs no permission, so that one installation's questions serve all
//! repositories; a repository's Dependabot alerts repeat it, a request a repository, and only where somebody turned them on.

use serde_json::Value;

use crate::domain::update::advisory::{Document, Question, documents, word};
use crate::github::auth::{Auth, Scope};
use crate::github::client::{Ask, GitHub};
use crate::github::error::GitHubError;
use crate::github::wire::escape;

/// What every App has.
const ANY: Scope = &[("metadata", "read")];
/// Pages of a hundred; a hundred packages never had more.
const PAGES: usize = 40;
/// A list of changes this long is a wave of corrections, and is asked for by package.
const CHANGED: usize = 20;

impl GitHub {
    /// What GitHub says of packages, with what it took back.
    ///
    /// # Errors
    /// `NotFound` where an Enterprise server has no such list; else see [`GitHubError`]. So for both calls.
    pub async fn advisories_about(&self, installation: i64, question: &Question) -> Result<Vec<Document>, GitHubError> {
        let ecosystem = word(question.ecosystem).unwrap_or("other");
        let names = escape(&question.names.join(","));
        let path = format!("/advisories?ecosystem={ecosystem}&affects={names}&per_page=100");
        let (found, cut) = self.advisories(installation, path, PAGES).await?;
        // A list that does not end is no answer: what is missing would look as if it had been taken back.
        let why = || format!("more than {PAGES} pages about {} packages", question.names.len());
        if cut { Err(GitHubError::Unavailable { what: LIST.to_owned(), why: why() }) } else { Ok(found) }
    }

    /// What changed since a day, `YYYY-MM-DD`; `None`: too much to be listed.
    pub async fn advisories_since(&self, installation: i64, day: &str) -> Result<Option<Vec<Document>>, GitHubError> {
        let since = escape(&format!(">={day}"));
        let path = format!("/advisories?modified={since}&sort=updated&direction=desc&per_page=100");
        let (found, cut) = self.advisories(installation, path, CHANGED).await?;
        Ok((!cut).then_some(found))
    }

    async fn advisories(
        &self,
        installation: i64,
        path: String,
        cap: usize,
    ) -> Result<(Vec<Document>, bool), GitHubError> {
        let auth = Auth::Installation { installation, repo: None, scope: ANY };
        let (pages, cut) = self.pages::<Value>(Ask::get(auth, path), cap).await?;
        let mut found = Vec::new();
        for page in &pages {
            let no_list = || GitHubError::NotJson { what: LIST.to_owned(), why: "it is no list".to_owned() };
            found.extend(documents(page).ok_or_else(no_list)?);
        }
        Ok((found, cut))
    }
}

/// The request, as its errors name it.
pub const LIST: &str = "GET /advisories";
