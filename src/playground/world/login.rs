//! Who let the App know who they are: codes that wait to be exchanged, and the tokens that came of them.

use std::collections::BTreeMap;

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Logins {
    /// Codes that wait to be exchanged, by their text.
    pub grants: BTreeMap<String, Grant>,
    /// Tokens of people, by their text.
    pub tokens: BTreeMap<String, UserToken>,
}

/// What a site asks for when it sends somebody to the authorization page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorization {
    /// Which App.
    pub client_id: String,
    /// Where the answer goes.
    pub redirect_uri: String,
    /// Goes back as it came.
    pub state: String,
    /// SHA-256 of the verifier, base64url without padding; empty when the site uses none.
    pub code_challenge: String,
}

/// Somebody said yes; the site has not come with the code yet.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Who.
    pub login: String,
    /// To what.
    pub asked: Authorization,
    /// Unix milliseconds.
    pub expires_at: i64,
}

/// Acts for a person.
#[derive(Clone, Debug)]
pub struct UserToken {
    /// Whom.
    pub login: String,
    /// Unix milliseconds; 401 after.
    pub expires_at: i64,
}
