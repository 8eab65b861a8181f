//! The steps of the user authorization that are not of the API: they are at GitHub's web address, and refusals come with
//! status 200.

use http::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::github::client::GitHub;
use crate::github::error::{GitHubError, Subject, classify, kind};
use crate::github::transport::{Call, Raw};
use crate::github::wire::{self, escape};
use crate::settings::Secret;

/// The longest of GitHub's own words that are passed on.
const WORDS: usize = 300;

/// As whom the App asks people to sign in.
#[derive(Clone, Debug)]
pub struct LoginApp {
    /// The App's client id.
    pub client_id: String,
    /// A client secret of the App.
    pub client_secret: Secret,
    /// Where GitHub sends people back to.
    pub callback: String,
}

/// Why a code did not become a token.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// It was used, is too old, is another one, or its verifier is.
    #[error("GitHub does not take the code")]
    Code,
    /// The client id or its secret.
    #[error("GitHub does not take the client id and secret")]
    Credentials,
    /// The address to come back to is not the App's.
    #[error("GitHub does not know the callback URL")]
    Redirect,
    /// Something else that GitHub refuses, in its words.
    #[error("GitHub refuses: {0}")]
    Refused(String),
    /// No answer that says anything.
    #[error(transparent)]
    GitHub(#[from] GitHubError),
}

/// What comes back; `error` also with status 200.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    error_description: Option<String>,
}

impl GitHub {
    /// Where a browser goes for somebody to say who they are. `challenge` is base64url of SHA-256 of the verifier.
    pub fn authorize_url(&self, app: &LoginApp, state: &str, challenge: &str) -> String {
        format!(
            "{}/login/oauth/authorize?client_id={}&redirect_uri={}&state={}&code_challenge={}&code_challenge_method=S256",
            self.web_url(),
            escape(&app.client_id),
            escape(&app.callback),
            escape(state),
            escape(challenge),
        )
    }

    /// Exchanges the code that came back for that person's token. What would renew the token is not taken.
    ///
    /// # Errors
    /// See [`ExchangeError`].
    pub async fn exchange(&self, app: &LoginApp, code: &str, verifier: &str) -> Result<Secret, ExchangeError> {
        let fields = json!({
            "client_id": app.client_id,
            "client_secret": app.client_secret.reveal(),
            "code": code,
            "redirect_uri": app.callback,
            "code_verifier": verifier,
        });
        let url = format!("{}/login/oauth/access_token", self.web_url());
        let raw = self.outside(("POST /login/oauth/access_token", Method::POST, &url), None, Some(fields)).await?;
        // GitHub's own answer to a refusal has status 200, an Enterprise server's may have another.
        let answer: Answer = serde_json::from_slice(&raw.bytes).map_err(|_| self.unlike("POST", &raw))?;
        match (answer.access_token, answer.error.as_deref()) {
            (Some(token), None) if !token.is_empty() => Ok(Secret::new(token)),
            (_, Some("bad_verification_code")) => Err(ExchangeError::Code),
            (_, Some("incorrect_client_credentials")) => Err(ExchangeError::Credentials),
            (_, Some("redirect_uri_mismatch")) => Err(ExchangeError::Redirect),
            (_, Some(error)) => {
                let words = answer.error_description.as_deref().unwrap_or(error).chars().take(WORDS).collect();
                Err(ExchangeError::Refused(words))
            }
            // Some other trouble, whose JSON is not of this page.
            (_, None) => {
                self.success("POST /login/oauth/access_token", &raw)?;
                Err(self.unlike("POST", &raw).into())
            }
        }
    }

    /// Reads something with a person's own token.
    pub(super) async fn as_user<T: DeserializeOwned>(&self, token: &Secret, path: &str) -> Result<T, GitHubError> {
        let (what, url) = (format!("GET {path}"), format!("{}{path}", self.api_url()));
        let authorization = format!("Bearer {}", token.reveal());
        let raw = self.outside((&what, Method::GET, &url), Some(&authorization), None).await?;
        self.success(&what, &raw)?;
        serde_json::from_slice(&raw.bytes).map_err(|_| self.unlike("GET", &raw))
    }

    /// Does something that GitHub lets nobody do but who has the client secret.
    pub(super) async fn as_client(
        &self,
        app: &LoginApp,
        method: Method,
        path: &str,
        body: Value,
    ) -> Result<(), GitHubError> {
        use base64::Engine as _;
        let (what, url) = (format!("{method} {path}"), format!("{}{path}", self.api_url()));
        let pair = format!("{}:{}", app.client_id, app.client_secret.reveal());
        let authorization = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
        let raw = self.outside((&what, method, &url), Some(&authorization), Some(body)).await?;
        self.success(&what, &raw)
    }

    /// One request that no installation's budget counts.
    async fn outside(
        &self,
        (what, method, url): (&str, Method, &str),
        authorization: Option<&str>,
        body: Option<Value>,
    ) -> Result<Raw, GitHubError> {
        let body = body.map(|body| body.to_string().into_bytes());
        let accept =
            if url.starts_with(&format!("{}/login/", self.web_url())) { "application/json" } else { wire::JSON };
        let call = Call { method, url, authorization, accept, body, etag: None };
        self.transport().call(call).await.map_err(|why| self.about(what).doubt(why))
    }

    fn success(&self, what: &str, raw: &Raw) -> Result<(), GitHubError> {
        match raw.status {
            status if status.is_success() => Ok(()),
            StatusCode::NOT_MODIFIED => Err(self.unlike(what, raw)),
            status => Err(classify(status, &raw.headers, &raw.bytes, &self.about(what))),
        }
    }

    fn unlike(&self, what: &str, raw: &Raw) -> GitHubError {
        let why = format!("status {} with {}", raw.status.as_u16(), kind(&raw.headers));
        match raw.status.is_server_error() {
            true => self.about(what).doubt(why),
            false => self.about(what).not_json(why),
        }
    }

    /// Nothing here changes what stands at GitHub, so nothing has to be read back.
    fn about<'a>(&self, what: &'a str) -> Subject<'a> {
        Subject { what, write: false, now: self.now() }
    }
}
