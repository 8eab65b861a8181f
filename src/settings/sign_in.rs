//! What "Sign in with GitHub" needs.

use super::{Secret, Settings};

/// All of it.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The App's client id.
    pub client_id: String,
    /// A client secret of the App.
    pub client_secret: Secret,
    /// Scheme, host and port under which people reach the pages; no slash at the end.
    pub url: String,
}

impl SignIn {
    /// Where GitHub sends people back to; one of the App's callback URLs.
    pub fn callback(&self) -> String {
        callback(&self.url)
    }

    /// Whether browsers reach the pages over TLS.
    pub fn is_https(&self) -> bool {
        self.url.starts_with("https://")
    }
}

impl Settings {
    /// What is needed for people to sign in with GitHub.
    ///
    /// # Errors
    /// Why nobody can, and what to type, as one sentence without its end.
    pub fn sign_in(&self) -> Result<SignIn, &'static str> {
        let (Some(client_id), Some(client_secret)) = (&self.client_id, &self.client_secret) else {
            return Err("FAIRWAY_CLIENT_ID and FAIRWAY_CLIENT_SECRET are not set");
        };
        let url = self.site()?;
        Ok(SignIn { client_id: client_id.clone(), client_secret: client_secret.clone(), url })
    }

    /// Where GitHub would send people back to, for who has no client id yet; `None` where the pages have no address.
    pub fn sign_in_callback(&self) -> Option<String> {
        self.site().ok().map(|url| callback(&url))
    }

    fn site(&self) -> Result<String, &'static str> {
        let Some(url) = &self.public_url else {
            return Err("FAIRWAY_PUBLIC_URL is not set, so GitHub cannot send anybody back");
        };
        let place = url.split_once("://").map_or("", |(_, place)| place);
        if place.contains(['/', '?', '#', '@']) {
            return Err(
                "FAIRWAY_PUBLIC_URL has more than scheme, host and port, and the pages need a host of their own",
            );
        }
        Ok(url.to_lowercase())
    }
}

fn callback(url: &str) -> String {
    format!("{url}/login/callback")
}
