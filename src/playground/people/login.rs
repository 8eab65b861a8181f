//! "Sign in with GitHub": somebody says yes to an App, and the App exchanges the code for a token.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::playground::world::{Authorization, Grant, UserToken, World};

/// A code lives ten minutes, a token eight hours, and what renews it half a year.
const CODE_MS: i64 = 600_000;
const TOKEN_SECONDS: i64 = 28_800;
const REFRESH_SECONDS: i64 = 15_897_600;
/// Base64url of SHA-256, without padding.
const CHALLENGE_LENGTH: usize = 43;
const DOCS: &str = "https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps";

/// Why there is nothing to say yes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAuthorization {
    /// No App has this client id: there is no such page.
    UnknownApp,
    /// The answer would go where no answer of this App goes. It is told to the App's own address instead, if it has one.
    Mismatch(Option<String>),
    /// What was sent to prove possession of the code is not understood.
    Challenge(&'static str),
}

impl World {
    /// What the query of an authorization page asks for.
    pub fn authorization(&self, query: &BTreeMap<String, String>) -> Result<Authorization, NoAuthorization> {
        let text = |name: &str| query.get(name).cloned().unwrap_or_default();
        let first = self.app.callback_urls.first().cloned();
        let mut asked = Authorization {
            client_id: text("client_id"),
            redirect_uri: text("redirect_uri"),
            state: text("state"),
            code_challenge: text("code_challenge"),
        };
        if asked.client_id != self.app.client_id {
            return Err(NoAuthorization::UnknownApp);
        }
        if asked.redirect_uri.is_empty() {
            asked.redirect_uri = first.clone().unwrap_or_default();
        }
        if !self.app.callback_urls.contains(&asked.redirect_uri) {
            let why = "The redirect_uri MUST match the registered callback URL for this application.";
            return Err(NoAuthorization::Mismatch(
                first.map(|url| refused(&url, &asked.state, ("redirect_uri_mismatch", why))),
            ));
        }
        let method = text("code_challenge_method");
        if asked.code_challenge.is_empty() != method.is_empty() {
            return Err(NoAuthorization::Challenge("code_challenge and code_challenge_method need each other."));
        }
        if !method.is_empty() && method != "S256" {
            return Err(NoAuthorization::Challenge("code_challenge_method has to be S256."));
        }
        if !method.is_empty() && asked.code_challenge.len() != CHALLENGE_LENGTH {
            return Err(NoAuthorization::Challenge("code_challenge has to be 43 characters long."));
        }
        Ok(asked)
    }

    /// Somebody says yes; gives back where their browser goes next.
    pub fn authorize(&mut self, asked: &Authorization, login: &str) -> Result<String> {
        ensure!(self.users.get(login).is_some_and(|user| !user.bot), "there is nobody called {login}");
        let code: String = uuid::Uuid::new_v4().simple().to_string().chars().take(20).collect();
        let expires_at = self.now() + CODE_MS;
        self.logins.grants.insert(code.clone(), Grant { login: login.to_owned(), asked: asked.clone(), expires_at });
        Ok(with_query(&asked.redirect_uri, &[("code", &code), ("state", &asked.state)]))
    }

    /// Somebody says no; gives back where their browser goes next.
    pub fn decline(&self, asked: &Authorization) -> String {
        let why = "The user has denied your application access.";
        refused(&asked.redirect_uri, &asked.state, ("access_denied", why))
    }

    /// The App comes with a code. GitHub answers refusals with 200 too.
    pub fn exchange(&mut self, fields: &BTreeMap<String, String>) -> Value {
        let text = |name: &str| fields.get(name).map_or("", String::as_str);
        if text("client_id") != self.app.client_id || text("client_secret") != self.app.client_secret {
            return refusal(
                "incorrect_client_credentials",
                "The client_id and/or client_secret passed are incorrect.",
                "troubleshooting-oauth-app-access-token-request-errors/#incorrect-client-credentials",
            );
        }
        let bad_code = || {
            refusal(
                "bad_verification_code",
                "The code passed is incorrect or expired.",
                "troubleshooting-oauth-app-access-token-request-errors/#bad-verification-code",
            )
        };
        // Whatever comes of it, a code is taken once.
        let Some(grant) = self.logins.grants.remove(text("code")).filter(|grant| grant.expires_at > self.now()) else {
            return bad_code();
        };
        if !text("redirect_uri").is_empty() && text("redirect_uri") != grant.asked.redirect_uri {
            return refusal(
                "redirect_uri_mismatch",
                "The redirect_uri MUST match the registered callback URL for this application.",
                "troubleshooting-authorization-request-errors/#redirect-uri-mismatch2",
            );
        }
        let proof = URL_SAFE_NO_PAD.encode(Sha256::digest(text("code_verifier")));
        if !grant.asked.code_challenge.is_empty() && proof != grant.asked.code_challenge {
            return bad_code();
        }
        let token = format!("ghu_{}", uuid::Uuid::new_v4().simple());
        let expires_at = self.now() + TOKEN_SECONDS * 1000;
        self.logins.tokens.insert(token.clone(), UserToken { login: grant.login, expires_at });
        json!({
            "access_token": token,
            "expires_in": TOKEN_SECONDS,
            "refresh_token": format!("ghr_{}", uuid::Uuid::new_v4().simple()),
            "refresh_token_expires_in": REFRESH_SECONDS,
            "token_type": "bearer",
            "scope": "",
        })
    }
}

fn refusal(error: &str, description: &str, page: &str) -> Value {
    json!({ "error": error, "error_description": description, "error_uri": format!("{DOCS}/{page}") })
}

fn refused(url: &str, state: &str, (error, why): (&str, &str)) -> String {
    let page = format!("{DOCS}/troubleshooting-authorization-request-errors/#{}", error.replace('_', "-"));
    with_query(url, &[("error", error), ("error_description", why), ("error_uri", &page), ("state", state)])
}

fn with_query(url: &str, fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let fields = fields.iter().filter(|(_, value)| !value.is_empty());
    let fields: Vec<String> = fields.map(|(name, value)| format!("{name}={}", encode(value))).collect();
    format!("{url}{}{}", if url.contains('?') { '&' } else { '?' }, fields.join("&"))
}
