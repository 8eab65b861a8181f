//! The App itself: where it is installed, and what GitHub could not deliver to it.

use std::collections::{BTreeMap, HashMap};

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::auth::Auth;
use super::client::{Ask, GitHub};
use super::error::GitHubError;
use super::wire::{User, login, millis};

/// Pages of 100 deliveries that are read at most.
const DELIVERY_PAGES: usize = 200;

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

/// A delivery that never arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedDelivery {
    /// The newest attempt, to be repeated.
    pub id: i64,
    /// Stays the same over all attempts.
    pub guid: String,
    /// GitHub's name of the event.
    pub event: String,
    /// When the newest attempt was made, Unix milliseconds.
    pub delivered_at: i64,
}

#[derive(Deserialize)]
struct Attempt {
    id: i64,
    guid: String,
    delivered_at: String,
    status: String,
    #[serde(default)]
    status_code: i64,
    event: String,
}

impl GitHub {
    /// All installations of the App, at most 10,000.
    ///
    /// # Errors
    /// See [`GitHubError`]; so for every call here.
    pub async fn installations(&self) -> Result<Vec<Installation>, GitHubError> {
        let ask = Ask::get(Auth::App, "/app/installations?per_page=100".to_owned());
        let (pages, _) = self.pages::<Vec<Wire>>(ask, 100).await?;
        Ok(pages.into_iter().flatten().map(Installation::from).collect())
    }

    /// One installation.
    pub async fn installation(&self, id: i64) -> Result<Installation, GitHubError> {
        self.json::<Wire>(Ask::get(Auth::App, format!("/app/installations/{id}"))).await.map(Installation::from)
    }

    /// Deliveries since then of which no attempt arrived, oldest first, each once.
    pub async fn failed_deliveries(&self, since_ms: i64) -> Result<Vec<FailedDelivery>, GitHubError> {
        let mut attempts = Vec::new();
        let mut next = Some("/app/hook/deliveries?per_page=100".to_owned());
        for _ in 0..DELIVERY_PAGES {
            let Some(path) = next.take() else { break };
            let (page, after): (Vec<Attempt>, _) = self.page(Ask::get(Auth::App, path)).await?;
            // Newest first: one that is too old ends the reading.
            let old = page.iter().any(|a| millis(&a.delivered_at).is_some_and(|at| at < since_ms));
            attempts.extend(page);
            next = after.filter(|_| !old);
        }
        Ok(failed(attempts, since_ms))
    }

    /// Has GitHub deliver again, with the same GUID. Doing it twice is harmless: the GUID is taken once.
    pub async fn redeliver(&self, id: i64) -> Result<(), GitHubError> {
        let path = format!("/app/hook/deliveries/{id}/attempts");
        self.send(Ask::write(Auth::App, Method::POST, path, json!({}))).await.map(drop)
    }
}

fn failed(attempts: Vec<Attempt>, since_ms: i64) -> Vec<FailedDelivery> {
    let mut newest: HashMap<String, (bool, FailedDelivery)> = HashMap::new();
    for attempt in attempts {
        let arrived = attempt.status == "OK" || (200..300).contains(&attempt.status_code);
        let delivered_at = millis(&attempt.delivered_at).unwrap_or(0);
        let this = FailedDelivery { id: attempt.id, guid: attempt.guid.clone(), event: attempt.event, delivered_at };
        let (any, best) = newest.entry(attempt.guid).or_insert_with(|| (false, this.clone()));
        *any |= arrived;
        if this.delivered_at > best.delivered_at {
            *best = this;
        }
    }
    let mut failed: Vec<_> =
        newest.into_values().filter(|(any, d)| !any && d.delivered_at >= since_ms).map(|(_, d)| d).collect();
    failed.sort_by_key(|d| (d.delivered_at, d.id));
    failed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(id: i64, guid: &str, second: u32, code: i64) -> Attempt {
        Attempt {
            id,
            guid: guid.into(),
            delivered_at: format!("2026-11-23T00:00:{second:02}Z"),
            status: if code == 202 { "OK".into() } else { "Service Unavailable".into() },
            status_code: code,
            event: "push".into(),
        }
    }

    #[test]
    fn a_guid_is_failed_only_when_no_attempt_arrived() {
        let since = millis("2026-11-23T00:00:05Z").unwrap();
        let list = vec![
            attempt(5, "twice", 30, 503),
            attempt(4, "healed", 20, 202),
            attempt(3, "healed", 15, 503),
            attempt(2, "twice", 10, 503),
            attempt(1, "too old", 1, 503),
        ];
        let got: Vec<_> = failed(list, since).into_iter().map(|d| (d.id, d.guid)).collect();
        assert_eq!(got, [(5, "twice".to_owned())]);
    }
}
