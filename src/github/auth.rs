//! Credentials: the App's JWT, and installation tokens that can do no more than the call at hand needs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::Method;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex as AsyncMutex;

use super::error::{GitHubError, Subject, classify};
use super::transport::{Call, ConfigError, Transport};
use super::wire;

/// A token is renewed this long before it ends, in milliseconds.
const RENEW_MS: i64 = 5 * 60_000;
/// Tokens kept; past it those that have ended are dropped, and then all.
const KEPT: usize = 10_000;

/// Permissions that a token gets, by GitHub's names.
pub type Scope = &'static [(&'static str, &'static str)];

/// As whom a request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Auth {
    /// The App itself, by its JWT.
    App,
    /// The App in one installation, by a token.
    Installation {
        /// Which.
        installation: i64,
        /// The only repository that the token opens; `None` is all of the installation's.
        repo: Option<i64>,
        /// The only permissions it has.
        scope: Scope,
    },
}

#[derive(Serialize)]
struct Claims {
    iat: i64,
    exp: i64,
    iss: String,
}

#[derive(Clone)]
struct Token {
    secret: String,
    ends_ms: i64,
}

#[derive(Deserialize)]
struct NewToken {
    token: String,
    expires_at: String,
}

/// Installation, repository, permissions.
type Key = (i64, Option<i64>, Scope);
type Slot = Arc<AsyncMutex<Option<Token>>>;

/// The key and the tokens made with it.
pub(super) struct Credentials {
    app_id: i64,
    key: EncodingKey,
    tokens: Mutex<HashMap<Key, Slot>>,
}

impl Credentials {
    /// Reads the key; both kinds of PEM.
    pub fn new(app_id: i64, pem: &str) -> Result<Credentials, ConfigError> {
        let key = EncodingKey::from_rsa_pem(pem.trim().as_bytes()).map_err(|e| ConfigError::Key(e.to_string()))?;
        let credentials = Credentials { app_id, key, tokens: Mutex::default() };
        // A key that cannot sign is found now, not at the first webhook.
        credentials.jwt(0).map_err(|e| ConfigError::Key(e.to_string()))?;
        Ok(credentials)
    }

    /// The App's id.
    pub fn app_id(&self) -> i64 {
        self.app_id
    }

    fn jwt(&self, now: i64) -> Result<String, jsonwebtoken::errors::Error> {
        let seconds = now.div_euclid(1_000);
        // A minute back for clocks that differ; GitHub allows ten minutes ahead.
        let claims = Claims { iat: seconds - 60, exp: seconds + 9 * 60, iss: self.app_id.to_string() };
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &self.key)
    }

    /// What goes into the `Authorization` header.
    pub async fn bearer(&self, transport: &Transport, auth: Auth) -> Result<String, GitHubError> {
        let now = (transport.now)();
        let Auth::Installation { installation, repo, scope } = auth else {
            return self.jwt(now).map_err(|e| GitHubError::Unauthorized { message: format!("no JWT: {e}") });
        };
        let slot = self.slot((installation, repo, scope));
        // Whoever comes second waits here and finds the first one's token.
        let mut held = slot.lock().await;
        if let Some(token) = held.as_ref().filter(|t| t.ends_ms - now > RENEW_MS) {
            return Ok(token.secret.clone());
        }
        let token = self.new_token(transport, (installation, repo, scope)).await?;
        *held = Some(token.clone());
        Ok(token.secret)
    }

    /// GitHub refused this token: the next call gets another. One that came after it stays.
    pub async fn drop_token(&self, auth: Auth, refused: &str) {
        if let Auth::Installation { installation, repo, scope } = auth {
            let slot = self.slot((installation, repo, scope));
            let mut held = slot.lock().await;
            if held.as_ref().is_some_and(|t| t.secret == refused) {
                *held = None;
            }
        }
    }

    fn slot(&self, key: Key) -> Slot {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= KEPT && !tokens.contains_key(&key) {
            // A slot in use lives on in its user's hands.
            tokens.clear();
        }
        tokens.entry(key).or_default().clone()
    }

    async fn new_token(&self, transport: &Transport, (installation, repo, scope): Key) -> Result<Token, GitHubError> {
        let now = (transport.now)();
        let path = format!("/app/installations/{installation}/access_tokens");
        let what = format!("POST {path}");
        // A token made twice harms nobody, so doubt is like that of a read.
        let subject = Subject { what: &what, write: false, now };
        let mut wish = serde_json::Map::new();
        let permissions: serde_json::Map<_, _> = scope.iter().map(|&(k, v)| (k.to_owned(), v.into())).collect();
        wish.insert("permissions".to_owned(), permissions.into());
        if let Some(repo) = repo {
            wish.insert("repository_ids".to_owned(), vec![repo].into());
        }
        let body = serde_json::Value::Object(wish).to_string().into_bytes();
        let jwt = self.jwt(now).map_err(|e| GitHubError::Unauthorized { message: format!("no JWT: {e}") })?;
        let authorization = format!("Bearer {jwt}");
        let url = format!("{}{path}", transport.base);
        let call = Call {
            method: Method::POST,
            url: &url,
            authorization: Some(&authorization),
            accept: wire::JSON,
            body: Some(body),
            etag: None,
        };
        let raw = transport.call(call).await.map_err(|why| subject.doubt(why))?;
        if !raw.status.is_success() {
            return Err(not_granted(classify(raw.status, &raw.headers, &raw.bytes, &subject), scope));
        }
        let new: NewToken = serde_json::from_slice(&raw.bytes).map_err(|e| subject.not_json(e.to_string()))?;
        let ends_ms = wire::millis(&new.expires_at).unwrap_or(now);
        Ok(Token { secret: new.token, ends_ms })
    }
}

/// GitHub answers 422 when the installation lacks a permission that the token should have, and when the repository that it
/// should be for is gone.
fn not_granted(error: GitHubError, scope: Scope) -> GitHubError {
    match error {
        GitHubError::Invalid { what, message } if message.contains("repository that does not exist") => {
            GitHubError::NotFound { what }
        }
        GitHubError::Invalid { what, message } => {
            let needs = scope.iter().map(|(name, level)| format!("{name}={level}")).collect::<Vec<_>>().join(",");
            GitHubError::Forbidden { what, message, needs: Some(needs) }
        }
        other => other,
    }
}
