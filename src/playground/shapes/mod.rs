//! GitHub's JSON, one builder per object. The fields are those that GitHub's own OpenAPI description requires.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::world::World;

mod app;
mod check;
mod commit;
mod deployment;
mod pull;
mod repo;
mod talk;

pub use talk::REACTIONS;

/// A time as GitHub writes it: UTC, whole seconds.
pub fn iso(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
}

/// Reads GitHub's time back to Unix milliseconds.
pub fn from_iso(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

/// An opaque id as GraphQL wants it.
pub fn node_id(kind: &str, id: u64) -> String {
    STANDARD.encode(format!("{kind}:{id}"))
}

/// The number in a node id of this kind.
pub fn of_node_id(kind: &str, node: &str) -> Option<u64> {
    let text = String::from_utf8(STANDARD.decode(node).ok()?).ok()?;
    text.strip_prefix(kind)?.strip_prefix(':')?.parse().ok()
}

impl World {
    /// A `simple-user`: person, bot or organisation. A login nobody has becomes GitHub's ghost.
    pub fn user_json(&self, login: &str) -> Value {
        let (id, login, kind) = match (self.users.get(login), self.orgs.get(login)) {
            (Some(user), _) => (user.id, user.login.as_str(), if user.bot { "Bot" } else { "User" }),
            (None, Some(org)) => (org.id, org.login.as_str(), "Organization"),
            (None, None) => (10137, "ghost", "User"),
        };
        let url = format!("{}/users/{login}", self.url);
        json!({
            "login": login,
            "id": id,
            "node_id": node_id("User", id),
            "avatar_url": format!("{}/avatars/{login}", self.url),
            "gravatar_id": "",
            "url": url,
            "html_url": format!("{}/{login}", self.url),
            "followers_url": format!("{url}/followers"),
            "following_url": format!("{url}/following{{/other_user}}"),
            "gists_url": format!("{url}/gists{{/gist_id}}"),
            "starred_url": format!("{url}/starred{{/owner}}{{/repo}}"),
            "subscriptions_url": format!("{url}/subscriptions"),
            "organizations_url": format!("{url}/orgs"),
            "repos_url": format!("{url}/repos"),
            "events_url": format!("{url}/events{{/privacy}}"),
            "received_events_url": format!("{url}/received_events"),
            "type": kind,
            "site_admin": false,
        })
    }

    /// The `organization` of a webhook; null for a person's account.
    pub fn organization_json(&self, login: &str) -> Value {
        let Some(org) = self.orgs.get(login) else {
            return Value::Null;
        };
        let url = format!("{}/orgs/{login}", self.url);
        json!({
            "login": org.login,
            "id": org.id,
            "node_id": node_id("Organization", org.id),
            "url": url,
            "repos_url": format!("{url}/repos"),
            "events_url": format!("{url}/events"),
            "hooks_url": format!("{url}/hooks"),
            "issues_url": format!("{url}/issues"),
            "members_url": format!("{url}/members{{/member}}"),
            "public_members_url": format!("{url}/public_members{{/member}}"),
            "avatar_url": format!("{}/avatars/{login}", self.url),
            "description": Value::Null,
        })
    }
}
