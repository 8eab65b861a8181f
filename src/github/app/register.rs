//! The last step of registering an App: the code that GitHub brought becomes the App's credentials, once.

use http::Method;
use serde::Deserialize;

use super::super::error::{GitHubError, Subject, classify};
use super::super::transport::{Call, Config, Transport};
use super::super::wire::{self, User, escape, login};

/// An App that was just registered, with what GitHub tells only now.
#[derive(Clone)]
pub struct Registered {
    /// Its number.
    pub id: u64,
    /// The name for people.
    pub name: String,
    /// Login of the account that owns it.
    pub owner: String,
    /// Its page.
    pub html_url: String,
    /// Names it when people sign in.
    pub client_id: String,
    /// Proves it when people sign in.
    pub client_secret: String,
    /// Signs deliveries. GitHub gives none for an App without a webhook; then it is made here, for when there is one.
    pub webhook_secret: String,
    /// Its private key, PEM.
    pub pem: String,
}

#[derive(Deserialize)]
struct Wire {
    id: u64,
    name: String,
    #[serde(default)]
    owner: Option<User>,
    #[serde(default)]
    html_url: String,
    client_id: String,
    client_secret: String,
    #[serde(default)]
    webhook_secret: Option<String>,
    pem: String,
}

/// Exchanges a code. Of `config` only the address and the name of the program are used: nobody has credentials yet. Must
/// be called within a tokio runtime.
///
/// # Errors
/// `NotFound` for a code that GitHub does not know, does not know any more, or that was exchanged already; else see
/// [`GitHubError`].
pub async fn register(config: &Config, code: &str) -> Result<Registered, GitHubError> {
    // The code opens the App; it is not repeated in any error.
    let what = "POST /app-manifests/CODE/conversions";
    let subject = Subject { what, write: true, now: (config.now)() };
    let transport = Transport::new(config).map_err(|error| subject.not_json(error.to_string()))?;
    let url = format!("{}/app-manifests/{}/conversions", transport.base, escape(code));
    let call =
        Call { method: Method::POST, url: &url, authorization: None, accept: wire::JSON, body: None, etag: None };
    let raw = transport.call(call).await.map_err(|why| subject.doubt(why))?;
    if !raw.status.is_success() {
        return Err(classify(raw.status, &raw.headers, &raw.bytes, &subject));
    }
    let wire: Wire = serde_json::from_slice(&raw.bytes)
        .map_err(|error| subject.not_json(format!("status {}: {error}", raw.status.as_u16())))?;
    Ok(Registered {
        id: wire.id,
        name: wire.name,
        owner: wire.owner.map(|owner| login(Some(owner))).unwrap_or_default(),
        html_url: wire.html_url,
        client_id: wire.client_id,
        client_secret: wire.client_secret,
        webhook_secret: wire.webhook_secret.filter(|secret| !secret.is_empty()).unwrap_or_else(fresh),
        pem: wire.pem,
    })
}

fn fresh() -> String {
    format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}
