//! The App itself: who it is, where it is installed, what GitHub delivers to it, and how it is registered.

mod deliveries;
mod register;

pub use deliveries::{Delivered, FailedDelivery, Hook, Newest};
pub use register::{Registered, register};

use std::collections::BTreeMap;

use serde::Deserialize;

use super::auth::{Auth, Scope};
use super::client::{Ask, GitHub};
use super::error::GitHubError;
use super::wire::{Repository, User, login};

const META: Scope = &[("metadata", "read")];

/// The App as GitHub knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppInfo {
    /// The name for people.
    pub name: String,
    /// The name in addresses.
    pub slug: String,
    /// Login of the account that owns it.
    pub owner: String,
    /// Whether that is an organisation.
    pub of_organisation: bool,
    /// Its page.
    pub html_url: String,
    /// What it asks for: name to `read`, `write` or `admin`.
    pub permissions: BTreeMap<String, String>,
    /// The events that it subscribes to.
    pub events: Vec<String>,
}

#[derive(Deserialize)]
struct Integration {
    name: String,
    #[serde(default)]
    slug: String,
    #[serde(default)]
    owner: Option<User>,
    #[serde(default)]
    html_url: String,
    #[serde(default)]
    permissions: BTreeMap<String, String>,
    #[serde(default)]
    events: Vec<String>,
}

impl From<Integration> for AppInfo {
    fn from(wire: Integration) -> AppInfo {
        AppInfo {
            of_organisation: wire.owner.as_ref().and_then(|owner| owner.kind.as_deref()) == Some("Organization"),
            owner: login(wire.owner),
            name: wire.name,
            slug: wire.slug,
            html_url: wire.html_url,
            permissions: wire.permissions,
            events: wire.events,
        }
    }
}

/// One account that installed the App.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// GitHub's id.
    pub id: i64,
    /// Login of the account.
    pub account: String,
    /// Whether the account or GitHub suspended it.
    pub suspended: bool,
    /// What was granted: name to `read`, `write` or `admin`.
    pub permissions: BTreeMap<String, String>,
    /// The webhook events that GitHub sends for it.
    pub events: Vec<String>,
    /// The page where the account's owner sees and changes it.
    pub html_url: String,
}

#[derive(Deserialize)]
struct Wire {
    id: i64,
    account: Option<User>,
    #[serde(default)]
    suspended_at: Option<String>,
    #[serde(default)]
    permissions: BTreeMap<String, String>,
    #[serde(default)]
    events: Vec<String>,
    #[serde(default)]
    html_url: String,
}

impl From<Wire> for Installation {
    fn from(wire: Wire) -> Installation {
        Installation {
            id: wire.id,
            account: login(wire.account),
            suspended: wire.suspended_at.is_some(),
            permissions: wire.permissions,
            events: wire.events,
            html_url: wire.html_url,
        }
    }
}

#[derive(Deserialize)]
struct Seen {
    total_count: i64,
    repositories: Vec<Repository>,
}

impl GitHub {
    /// The App itself.
    ///
    /// # Errors
    /// See [`GitHubError`]; so for every call here.
    pub async fn app(&self) -> Result<AppInfo, GitHubError> {
        self.json::<Integration>(Ask::get(Auth::App, "/app".to_owned())).await.map(AppInfo::from)
    }

    /// One repository that an installation opens, as `owner/name`, and how many there are.
    pub async fn first_repository(&self, installation: i64) -> Result<Option<(String, i64)>, GitHubError> {
        let auth = Auth::Installation { installation, repo: None, scope: META };
        let seen: Seen = self.json(Ask::get(auth, "/installation/repositories?per_page=1".to_owned())).await?;
        let first = seen.repositories.into_iter().next().map(|repo| repo.into_repo(installation));
        Ok(first.map(|repo| (format!("{}/{}", repo.owner, repo.name), seen.total_count)))
    }

    /// All installations of the App, at most 10,000.
    pub async fn installations(&self) -> Result<Vec<Installation>, GitHubError> {
        let ask = Ask::get(Auth::App, "/app/installations?per_page=100".to_owned());
        let (pages, _) = self.pages::<Vec<Wire>>(ask, 100).await?;
        Ok(pages.into_iter().flatten().map(Installation::from).collect())
    }

    /// One installation.
    pub async fn installation(&self, id: i64) -> Result<Installation, GitHubError> {
        self.json::<Wire>(Ask::get(Auth::App, format!("/app/installations/{id}"))).await.map(Installation::from)
    }
}
