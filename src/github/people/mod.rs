//! Who somebody is, by GitHub's word: "Sign in with GitHub" (the App's own user authorization), who owns an
//! organisation, and who may read a repository.

mod exchange;

pub use exchange::{ExchangeError, LoginApp};

use http::Method;
use serde::Deserialize;
use serde_json::json;

use crate::domain::ids::Repo;
use crate::github::auth::{Auth, Scope};
use crate::github::client::{Ask, GitHub};
use crate::github::error::GitHubError;
use crate::github::repos::Access;
use crate::github::wire::{Id, User, escape, login};
use crate::settings::Secret;

const MEMBERS: Scope = &[("members", "read")];
const META: Scope = &[("metadata", "read")];

/// Somebody, as GitHub knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Somebody {
    /// GitHub's number; stays when the login changes.
    pub id: i64,
    /// The login.
    pub login: String,
}

#[derive(Deserialize)]
struct Membership {
    state: String,
    role: String,
    user: Option<Id>,
}

#[derive(Deserialize)]
struct Standing {
    #[serde(flatten)]
    access: Access,
    user: Option<Id>,
}

#[derive(Deserialize)]
struct Wire {
    id: i64,
    #[serde(flatten)]
    user: User,
}

impl GitHub {
    /// Whose token it is.
    ///
    /// # Errors
    /// See [`GitHubError`]; so for every call here.
    pub async fn whose(&self, token: &Secret) -> Result<Somebody, GitHubError> {
        let wire: Wire = self.as_user(token, "/user").await?;
        Ok(Somebody { id: wire.id, login: login(Some(wire.user)) })
    }

    /// Ends a person's token before its time.
    pub async fn revoke(&self, app: &LoginApp, token: &Secret) -> Result<(), GitHubError> {
        let path = format!("/applications/{}/token", escape(&app.client_id));
        self.as_client(app, Method::DELETE, &path, json!({ "access_token": token.reveal() })).await
    }

    /// What somebody may do in a repository, as of now; `None` when GitHub has another person under that login. The
    /// repository is named by its number: its name may be another one's by now.
    pub async fn access_of(&self, repo: &Repo, who: &Somebody) -> Result<Option<Access>, GitHubError> {
        let path = format!("/repositories/{}/collaborators/{}/permission", repo.id, escape(&who.login));
        let standing: Standing = self.json(Ask::get(Auth::of(repo, META), path)).await?;
        Ok(standing.user.is_some_and(|user| user.id == who.id).then_some(standing.access))
    }

    /// Whether somebody owns an account: an organisation by its word, a person's account by being that person.
    pub async fn owns(&self, account: &str, who: &Somebody) -> Result<bool, GitHubError> {
        if account.eq_ignore_ascii_case(&who.login) {
            return Ok(true);
        }
        let path = format!("/orgs/{}/installation", escape(account));
        let installation: Id = match self.json(Ask::get(Auth::App, path)).await {
            Err(GitHubError::NotFound { .. }) => return Ok(false),
            answer => answer?,
        };
        let auth = Auth::Installation { installation: installation.id, repo: None, scope: MEMBERS };
        let path = format!("/orgs/{}/memberships/{}", escape(account), escape(&who.login));
        match self.json::<Membership>(Ask::get(auth, path)).await {
            Err(GitHubError::NotFound { .. }) => Ok(false),
            answer => Ok(answer?.owner(who)),
        }
    }
}

impl Membership {
    fn owner(&self, who: &Somebody) -> bool {
        self.role == "admin" && self.state == "active" && self.user.as_ref().is_some_and(|user| user.id == who.id)
    }
}
