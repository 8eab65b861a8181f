//! Who is calling: the App by its JWT or its client secret, an installation by its token, a person by name (git and
//! pages only) or by a token that they let the App have.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::Value;

use super::world::{Token, World};

/// Who is calling.
#[derive(Clone, Debug)]
pub enum Caller {
    /// No credentials.
    Nobody,
    /// The App itself.
    App,
    /// An installation.
    Installation(Token),
    /// A person, with git and any password.
    Person(String),
    /// A person, by a token that they let the App have.
    User(String),
    /// The App, by client id and secret.
    Client,
}

/// Why credentials were not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// They once were good: an installation token after its hour.
    Expired,
    /// They never were; GitHub's sentence.
    Bad(&'static str),
}

impl World {
    /// Reads an `Authorization` header.
    pub fn caller(&self, header: Option<&str>) -> Result<Caller, Refused> {
        let Some(header) = header else {
            return Ok(Caller::Nobody);
        };
        let (scheme, rest) = header.split_once(' ').unwrap_or(("", header));
        let rest = rest.trim();
        match scheme.to_ascii_lowercase().as_str() {
            "basic" => self.basic(rest),
            "bearer" | "token" if rest.matches('.').count() == 2 => self.jwt(rest).map(|()| Caller::App),
            "bearer" | "token" => self.token(rest),
            _ => Err(Refused::Bad("Bad credentials")),
        }
    }

    fn basic(&self, encoded: &str) -> Result<Caller, Refused> {
        let text = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let text = text.ok_or(Refused::Bad("Bad credentials"))?;
        let (name, password) = text.split_once(':').unwrap_or((&text, ""));
        if name == "x-access-token" {
            return self.token(password);
        }
        if name == self.app.client_id && password == self.app.client_secret {
            return Ok(Caller::Client);
        }
        if self.users.contains_key(name) {
            Ok(Caller::Person(name.to_owned()))
        } else {
            Err(Refused::Bad("Bad credentials"))
        }
    }

    fn token(&self, text: &str) -> Result<Caller, Refused> {
        if let Some(token) = self.logins.tokens.get(text) {
            let alive = token.expires_at > self.now();
            return if alive { Ok(Caller::User(token.login.clone())) } else { Err(Refused::Expired) };
        }
        let token = self.tokens.get(text).ok_or(Refused::Bad("Bad credentials"))?;
        if token.expires_at <= self.now() {
            return Err(Refused::Expired);
        }
        Ok(Caller::Installation(token.clone()))
    }

    fn jwt(&self, text: &str) -> Result<(), Refused> {
        let undecodable = Refused::Bad("A JSON web token could not be decoded");
        let key = DecodingKey::from_rsa_pem(self.app.public_key.as_bytes()).map_err(|_| undecodable.clone())?;
        let mut validation = Validation::new(Algorithm::RS256);
        // Times are checked below, by GitHub's own rules.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let claims = decode::<Value>(text, &key, &validation).map_err(|_| undecodable)?.claims;
        let issuer = claims["iss"].as_str().map(str::to_owned).or(claims["iss"].as_u64().map(|id| id.to_string()));
        if issuer.as_deref() != Some(&self.app.id.to_string()) && issuer.as_deref() != Some(&self.app.client_id) {
            return Err(Refused::Bad("'Issuer' claim ('iss') must be an Integer"));
        }
        let (Some(iat), Some(exp)) = (claims["iat"].as_i64(), claims["exp"].as_i64()) else {
            return Err(Refused::Bad(
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
            ));
        };
        // Callers sign with this machine's clock even where the playground's own is moved by hand.
        let real = jiff::Timestamp::now().as_second();
        in_time(iat, exp, self.now() / 1000).or_else(|refused| in_time(iat, exp, real).map_err(|_| refused))
    }
}

fn in_time(iat: i64, exp: i64, now: i64) -> Result<(), Refused> {
    if exp <= now {
        return Err(Refused::Bad(
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
        ));
    }
    if exp > now + 600 {
        return Err(Refused::Bad("'Expiration time' claim ('exp') is too far in the future"));
    }
    if iat > now + 5 {
        return Err(Refused::Bad(
            "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
        ));
    }
    Ok(())
}

/// Whether a set of permissions holds one such as `checks:write`; write includes read.
pub fn holds(permissions: &std::collections::BTreeMap<String, String>, need: &str) -> bool {
    let (name, level) = need.split_once(':').unwrap_or((need, "read"));
    if name == "metadata" {
        return true;
    }
    permissions
        .get(name)
        .is_some_and(|held| held == level || matches!(held.as_str(), "write" | "admin") && level != "admin")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn write_includes_read_but_not_the_other_way() {
        let held = std::collections::BTreeMap::from([
            ("checks".to_owned(), "write".to_owned()),
            ("issues".to_owned(), "read".to_owned()),
        ]);
        assert!(holds(&held, "checks:read") && holds(&held, "checks:write") && holds(&held, "issues:read"));
        assert!(!holds(&held, "issues:write") && !holds(&held, "contents:read"));
        assert!(holds(&held, "metadata:read"));
    }

    #[test]
    fn a_jwt_lives_ten_minutes_at_most() {
        assert_eq!(in_time(940, 1600, 1000), Ok(()));
        assert!(in_time(940, 1601, 1000).is_err());
        assert!(in_time(940, 1000, 1000).is_err());
        assert!(in_time(1006, 1500, 1000).is_err());
    }
}
