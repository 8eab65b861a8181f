//! Calls to the playground's API by hand, as the App and as an installation.

use fairway::playground::Playground;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

/// Somebody who holds the App's key.
pub struct Caller {
    hub: Playground,
    client: reqwest::Client,
    token: String,
}

impl Caller {
    /// With a token for all that the installation may.
    pub async fn new(hub: &Playground) -> Caller {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut caller = Caller { hub: hub.clone(), client, token: String::new() };
        let id = hub.look(|world| world.installations.keys().next().copied()).expect("the App is installed");
        let answer = caller.app("POST", &format!("/app/installations/{id}/access_tokens"), Value::Null).await;
        caller.token = answer["token"].as_str().expect("a token").to_owned();
        caller
    }

    /// The installation's token.
    pub fn token(&self) -> &str {
        &self.token
    }

    fn jwt(&self) -> String {
        let now = self.hub.look(|world| world.now()) / 1000;
        let key = EncodingKey::from_rsa_pem(self.hub.private_key_pem().as_bytes()).expect("a key");
        let claims = json!({ "iat": now - 60, "exp": now + 540, "iss": self.hub.app_id().to_string() });
        encode(&Header::new(Algorithm::RS256), &claims, &key).expect("a JWT")
    }

    /// As the App.
    pub async fn app(&self, method: &str, path: &str, body: Value) -> Value {
        self.send(&self.jwt(), (method, path), body).await
    }

    /// As the installation, below `/repos/acme/shop`.
    pub async fn shop(&self, method: &str, path: &str, body: Value) -> Value {
        self.send(&self.token, (method, &format!("/repos/acme/shop{path}")), body).await
    }

    /// As the installation.
    pub async fn any(&self, path: &str) -> Value {
        self.send(&self.token, ("GET", path), Value::Null).await
    }

    /// As the installation, with a body.
    #[allow(dead_code, reason = "not every test that includes this file makes repositories")]
    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.send(&self.token, ("POST", path), body).await
    }

    /// As the installation, in GraphQL.
    pub async fn graphql(&self, query: &str, variables: Value) -> Value {
        self.send(&self.token, ("POST", "/graphql"), json!({ "query": query, "variables": variables })).await
    }

    /// As a person, about themselves.
    #[allow(dead_code, reason = "not every test that includes this file has people's tokens")]
    pub async fn user(&self, token: &str) -> Value {
        self.send(token, ("GET", "/user"), Value::Null).await
    }

    /// Ends a person's token, with client id and secret.
    #[allow(dead_code, reason = "not every test that includes this file has people's tokens")]
    pub async fn revoke(&self, (id, secret): &(String, String), token: &str) {
        let request = self.client.delete(format!("{}/applications/{id}/token", self.hub.url()));
        let answer = request.basic_auth(id, Some(secret)).json(&json!({ "access_token": token })).send().await;
        assert_eq!(answer.expect("the playground answers").status(), 204);
    }

    async fn send(&self, auth: &str, (method, path): (&str, &str), body: Value) -> Value {
        let url = format!("{}{path}", self.hub.url());
        let mut request = self.client.request(method.parse().expect("a method"), url).bearer_auth(auth);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("the playground answers");
        let status = answer.status();
        let text = answer.text().await.expect("text");
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}
