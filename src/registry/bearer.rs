//! A registry of images wants a token also of who has no account, and says where it is had. Only that is done here: no name and
//! no password is ever sent.

use http::header::WWW_AUTHENTICATE;
use reqwest::{Response, Url};
use serde::Deserialize;

use super::{client, guard};

/// The largest answer that holds a token.
const LARGEST: usize = 64 * 1024;

#[derive(Deserialize)]
struct Granted {
    token: Option<String>,
    access_token: Option<String>,
}

/// The token that a refusal says how to get; `None` where it says nothing of the kind, or none was given.
pub(super) async fn token(http: &reqwest::Client, refusal: &Response) -> Option<String> {
    let challenge = refusal.headers().get(WWW_AUTHENTICATE)?.to_str().ok()?;
    let address = address(challenge, refusal.url())?;
    let response = http.get(address).send().await.ok()?;
    if !response.status().is_success() || response.content_length().is_some_and(|length| length > LARGEST as u64) {
        return None;
    }
    let granted: Granted = serde_json::from_slice(&response.bytes().await.ok()?).ok()?;
    granted.token.or(granted.access_token)
}

/// `Bearer realm="...",service="...",scope="..."` as an address. It is believed by HTTPS, or at the registry itself.
fn address(challenge: &str, registry: &Url) -> Option<Url> {
    let rest = challenge.strip_prefix("Bearer ").or_else(|| challenge.strip_prefix("bearer "))?;
    let value = |name: &str| {
        let at = rest.find(&format!("{name}=\""))? + name.len() + 2;
        rest[at..].split('"').next()
    };
    let mut address = Url::parse(value("realm").filter(|realm| client::web(realm))?).ok()?;
    let home = (address.host_str(), address.port()) == (registry.host_str(), registry.port());
    // A number instead of a name would not be looked up, and so not be held back either.
    if !home && (address.scheme() != "https" || guard::admits(&address).is_err()) {
        return None;
    }
    for name in ["service", "scope"] {
        if let Some(value) = value(name) {
            address.query_pairs_mut().append_pair(name, value);
        }
    }
    Some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_token_is_had() {
        let registry = Url::parse("https://images.example/v2/").expect("an address");
        let of = |challenge: &str| address(challenge, &registry).map(|url| url.to_string());
        let challenge =
            r#"Bearer realm="https://auth.example/token",service="images.example",scope="repository:a/b:pull""#;
        let expected = "https://auth.example/token?service=images.example&scope=repository%3Aa%2Fb%3Apull";
        assert_eq!(of(challenge).as_deref(), Some(expected));
        for other in [
            "Basic realm=\"https://a.example\"",
            "Bearer realm=\"http://inside/\"",
            "Bearer realm=\"https://169.254.169.254/\"",
            "Bearer",
            "Bearer realm=\"x\"",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
