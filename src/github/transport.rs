//! One request to GitHub and its answer, over octocrab. Its own retries are off (the feature is not built in): a job
//! that fails is repeated as a job, after reading back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, IF_NONE_MATCH, USER_AGENT};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt, Limited};
use octocrab::{OctoBody, Octocrab};

use super::error::{number, text};

/// The largest answer that is read; GitHub's own are far smaller.
const ANSWER_BYTES: usize = 32 * 1024 * 1024;

/// The time, in Unix milliseconds.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Who we are at which GitHub.
#[derive(Clone)]
pub struct Config {
    /// Where the API is, for example `https://api.github.com`; on GitHub Enterprise it ends in `/api/v3`.
    pub api_url: String,
    /// The App's id.
    pub app_id: i64,
    /// The App's private key in PEM: PKCS#1, as GitHub gives it, or PKCS#8.
    pub private_key: String,
    /// GitHub refuses requests without one.
    pub user_agent: String,
    /// Where the time comes from.
    pub now: Now,
    /// How long a read may take; both stay under half a lease.
    pub read_timeout: Duration,
    /// How long a write may take.
    pub write_timeout: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            api_url: "https://api.github.com".to_owned(),
            app_id: 0,
            private_key: String::new(),
            user_agent: "fairway".to_owned(),
            now: Arc::new(|| 0),
            read_timeout: Duration::from_secs(15),
            write_timeout: Duration::from_secs(20),
        }
    }
}

/// Why a client cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The key.
    #[error(
        "the private key is no RSA key in PEM ({0}): give the whole file that GitHub made, from -----BEGIN to -----END"
    )]
    Key(String),
    /// The address.
    #[error("`{0}` is no address of GitHub's API: give one like `https://api.github.com` or `https://HOST/api/v3`")]
    Url(String),
    /// The HTTP client.
    #[error("the HTTP client cannot be built: {0}")]
    Client(String),
}

/// What GitHub last said about an installation's hourly limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests an hour.
    pub limit: i64,
    /// Requests left.
    pub remaining: i64,
    /// When the hour is over, Unix milliseconds.
    pub reset_ms: i64,
}

/// A request, ready but for its address.
pub(super) struct Call<'a> {
    /// GET changes nothing; everything else may.
    pub method: Method,
    /// Complete.
    pub url: &'a str,
    /// The header of that name; none for what needs no credentials.
    pub authorization: Option<&'a str>,
    /// The media type wanted.
    pub accept: &'static str,
    /// JSON.
    pub body: Option<Vec<u8>>,
    /// The entity tag of what we have.
    pub etag: Option<&'a str>,
}

/// An answer, whatever it says.
pub(super) struct Raw {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub bytes: Bytes,
}

impl Raw {
    /// The entity tag, if it has one.
    pub fn etag(&self) -> Option<&str> {
        self.headers.get(ETAG).and_then(|v| v.to_str().ok())
    }
}

/// The wire.
pub(super) struct Transport {
    crab: Octocrab,
    /// The API's address, without a slash at its end.
    pub base: String,
    /// The time.
    pub now: Now,
    user_agent: String,
    read_timeout: Duration,
    write_timeout: Duration,
    rates: Mutex<HashMap<i64, Rate>>,
    /// Per installation, not budgeted yet.
    reads: Mutex<HashMap<i64, i64>>,
}

impl Transport {
    /// No request is made, but a tokio runtime must be there: octocrab keeps a task.
    pub fn new(config: &Config) -> Result<Transport, ConfigError> {
        let base = config.api_url.trim_end_matches('/').to_owned();
        let bad = || ConfigError::Url(config.api_url.clone());
        let uri: http::Uri = base.parse().map_err(|_| bad())?;
        if uri.host().is_none() || !matches!(uri.scheme_str(), Some("http" | "https")) || uri.query().is_some() {
            return Err(bad());
        }
        let client = |e: octocrab::Error| ConfigError::Client(e.to_string());
        // Without the path: octocrab would put `/api/v3` before what is not below it, such as an Enterprise's GraphQL.
        let origin = format!("{}://{}", uri.scheme_str().unwrap_or_default(), uri.authority().ok_or_else(bad)?);
        let crab = Octocrab::builder().base_uri(origin).map_err(client)?;
        let crab =
            crab.set_connect_timeout(Some(Duration::from_secs(10).min(config.read_timeout))).build().map_err(client)?;
        Ok(Transport {
            crab,
            base,
            now: config.now.clone(),
            user_agent: config.user_agent.clone(),
            read_timeout: config.read_timeout,
            write_timeout: config.write_timeout,
            rates: Mutex::default(),
            reads: Mutex::default(),
        })
    }

    /// Sends once. The error says why there is no answer; nothing is known then about what was done.
    pub async fn call(&self, call: Call<'_>) -> Result<Raw, String> {
        let limit = if call.method == Method::GET { self.read_timeout } else { self.write_timeout };
        match tokio::time::timeout(limit, self.exchange(call)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no answer within {} s", limit.as_secs_f32())),
        }
    }

    async fn exchange(&self, call: Call<'_>) -> Result<Raw, String> {
        let mut request = http::Request::builder()
            .method(call.method)
            .uri(call.url)
            .header(USER_AGENT, &self.user_agent)
            .header(ACCEPT, call.accept)
            .header("x-github-api-version", "2022-11-28");
        if let Some(authorization) = call.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(etag) = call.etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if call.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = call.body.map_or_else(OctoBody::empty, OctoBody::from);
        let request = request.body(body).map_err(|e| format!("the request cannot be built: {e}"))?;
        let response = self.crab.send(request).await.map_err(|e| chain(&e))?;
        let (parts, body) = response.into_parts();
        let bytes =
            Limited::new(body, ANSWER_BYTES).collect().await.map_err(|e| format!("the answer broke off: {e}"))?;
        Ok(Raw { status: parts.status, headers: parts.headers, bytes: bytes.to_bytes() })
    }

    /// Remembers what an answer says about the hourly limit.
    pub fn note_rate(&self, installation: i64, headers: &HeaderMap) {
        // GraphQL has an hourly limit of its own.
        if text(headers, "x-ratelimit-resource").is_some_and(|resource| resource != "core") {
            return;
        }
        let number = |name| number(headers, name);
        let seen = (number("x-ratelimit-limit"), number("x-ratelimit-remaining"), number("x-ratelimit-reset"));
        if let (Some(limit), Some(remaining), Some(reset)) = seen {
            let rate = Rate { limit, remaining, reset_ms: reset.saturating_mul(1_000) };
            self.rates.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(installation, rate);
        }
    }

    /// One more read of an installation.
    pub fn note_read(&self, installation: i64) {
        *self.reads.lock().unwrap_or_else(std::sync::PoisonError::into_inner).entry(installation).or_default() += 1;
    }

    /// How many reads since this was last asked.
    pub fn reads_since(&self, installation: i64) -> i64 {
        let mut reads = self.reads.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        reads.remove(&installation).unwrap_or_default()
    }

    /// What was last seen.
    pub fn rate(&self, installation: i64) -> Option<Rate> {
        self.rates.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(&installation).copied()
    }
}

/// An error with its causes; without octocrab's backtrace.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        words.push(cause.to_string());
        next = cause.source();
    }
    words.dedup();
    if words.is_empty() { "the connection broke".to_owned() } else { words.join(": ") }
}
