//! What GitHub delivered to the App, by its own list: what it could not, and the payloads for who reads them there.

use std::collections::HashMap;

use http::Method;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::super::auth::Auth;
use super::super::client::{Ask, GitHub};
use super::super::error::GitHubError;
use super::super::wire::millis;

/// Pages of 100 deliveries that are read at most.
const DELIVERY_PAGES: usize = 200;

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

/// A delivery that GitHub made, whether it arrived or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// An attempt of it.
    pub id: i64,
    /// Stays the same over all attempts.
    pub guid: String,
    /// GitHub's name of the event.
    pub event: String,
    /// When its first attempt in the list was made, Unix milliseconds.
    pub at: i64,
}

/// Where webhooks go, by GitHub's word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Hook {
    /// Empty when there is none.
    #[serde(default)]
    pub url: String,
    /// `json` or `form`.
    #[serde(default)]
    pub content_type: String,
}

/// The newest delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newest {
    /// GitHub's name of the event.
    pub event: String,
    /// GitHub's words, when it did not arrive.
    pub failed: Option<String>,
}

#[derive(Deserialize)]
struct Whole<'a> {
    #[serde(borrow)]
    request: Request<'a>,
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

impl Attempt {
    fn arrived(&self) -> bool {
        self.status == "OK" || (200..300).contains(&self.status_code)
    }
}

impl GitHub {
    /// Deliveries since then of which no attempt arrived, oldest first, each once.
    ///
    /// # Errors
    /// See [`GitHubError`]; so for every call here.
    pub async fn failed_deliveries(&self, since_ms: i64) -> Result<Vec<FailedDelivery>, GitHubError> {
        Ok(failed(self.attempts(since_ms).await?, since_ms))
    }

    /// Has GitHub deliver again, with the same GUID. Doing it twice is harmless: the GUID is taken once.
    pub async fn redeliver(&self, id: i64) -> Result<(), GitHubError> {
        let path = format!("/app/hook/deliveries/{id}/attempts");
        self.send(Ask::write(Auth::App, Method::POST, path, json!({}))).await.map(drop)
    }

    /// Deliveries since then, arrived or not, oldest first, each once.
    pub async fn deliveries(&self, since_ms: i64) -> Result<Vec<Delivered>, GitHubError> {
        Ok(once(self.attempts(since_ms).await?, since_ms))
    }

    /// What a delivery said, byte for byte as GitHub lists it; `None` when GitHub does not have it any more.
    pub async fn payload(&self, id: i64) -> Result<Option<Vec<u8>>, GitHubError> {
        let ask = Ask::get(Auth::App, format!("/app/hook/deliveries/{id}"));
        let reply = match self.send(ask).await {
            Err(GitHubError::NotFound { .. }) => return Ok(None),
            answer => answer?,
        };
        let whole: Whole<'_> = serde_json::from_slice(&reply.bytes).map_err(|error| GitHubError::NotJson {
            what: format!("GET /app/hook/deliveries/{id}"),
            why: error.to_string(),
        })?;
        Ok(whole.request.payload.map(|payload| payload.get().as_bytes().to_vec()))
    }

    /// Where webhooks go. An App without a webhook has an empty address.
    pub async fn hook(&self) -> Result<Hook, GitHubError> {
        match self.json(Ask::get(Auth::App, "/app/hook/config".to_owned())).await {
            Err(GitHubError::NotFound { .. }) => Ok(Hook::default()),
            answer => answer,
        }
    }

    /// How the newest delivery went; `None` before the first.
    pub async fn newest_delivery(&self) -> Result<Option<Newest>, GitHubError> {
        let page: Vec<Attempt> = self.json(Ask::get(Auth::App, "/app/hook/deliveries?per_page=1".to_owned())).await?;
        Ok(page.into_iter().next().map(|attempt| Newest {
            failed: (!attempt.arrived()).then(|| attempt.status.clone()),
            event: attempt.event,
        }))
    }

    async fn attempts(&self, since_ms: i64) -> Result<Vec<Attempt>, GitHubError> {
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
        Ok(attempts)
    }
}

/// Each GUID by its oldest attempt.
fn once(attempts: Vec<Attempt>, since_ms: i64) -> Vec<Delivered> {
    let mut oldest: HashMap<String, Delivered> = HashMap::new();
    for attempt in attempts {
        let at = millis(&attempt.delivered_at).unwrap_or(0);
        let this = Delivered { id: attempt.id, guid: attempt.guid.clone(), event: attempt.event, at };
        let known = oldest.entry(attempt.guid).or_insert_with(|| this.clone());
        if (this.at, this.id) < (known.at, known.id) {
            *known = this;
        }
    }
    let mut all: Vec<Delivered> = oldest.into_values().filter(|d| d.at >= since_ms).collect();
    all.sort_by_key(|d| (d.at, d.id));
    all
}

fn failed(attempts: Vec<Attempt>, since_ms: i64) -> Vec<FailedDelivery> {
    let mut newest: HashMap<String, (bool, FailedDelivery)> = HashMap::new();
    for attempt in attempts {
        let arrived = attempt.arrived();
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

    #[test]
    fn a_list_tells_each_guid_once_in_the_order_in_which_it_happened() {
        let since = millis("2026-11-23T00:00:05Z").unwrap();
        let list = vec![
            attempt(5, "first", 40, 202),
            attempt(4, "second", 20, 202),
            attempt(3, "third", 20, 503),
            attempt(2, "first", 10, 503),
            attempt(1, "too old", 1, 202),
        ];
        let got: Vec<_> = once(list, since).into_iter().map(|d| (d.id, d.guid)).collect();
        assert_eq!(got, [(2, "first".to_owned()), (3, "third".to_owned()), (4, "second".to_owned())]);
    }
}
