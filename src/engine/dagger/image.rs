//! Images: logging in to their registry, and publishing what a pipeline made.

use dagger_sdk::{Container, Id, Query};

use super::base::{Result, Run, SOURCE, Stopped};
use super::words;
use crate::engine::{Outcome, RunEvent};

/// Secrets that log the engine in to a registry; no step sees them.
pub const LOGIN: [&str; 2] = ["REGISTRY_USERNAME", "REGISTRY_PASSWORD"];

impl Run<'_> {
    /// An empty container that may pull `image`.
    pub async fn login(&self, api: &Query, image: &str) -> Result<Container> {
        self.known(api, api.container(), image).await
    }

    /// Logs in where the login is meant for: the registry of `publish`, else of the pipeline's image, and no other.
    async fn known(&self, api: &Query, container: Container, image: &str) -> Result<Container> {
        let [user, password] = LOGIN.map(|name| self.spec.secrets.get(name));
        let (Some(user), Some(password)) = (user, password) else { return Ok(container) };
        let meant = self.spec.publish.as_deref().or(self.spec.image.as_deref()).unwrap_or(self.default_image);
        if registry(meant) != registry(image) {
            return Ok(container);
        }
        let secret = api.set_secret(self.secret_name(LOGIN[1], password.reveal()), password.reveal());
        let id = self.must(secret.id()).await?;
        Ok(container.with_registry_auth(image, user.reveal(), id))
    }

    /// The container with the checkout inside: while steps run it is only mounted there.
    pub async fn packed(&self, api: &Query, last: &Id) -> Result<Id> {
        if self.spec.publish.is_none() {
            return Ok(last.clone());
        }
        let container: Container = api.r#ref(last.clone());
        let source = self.must(container.directory(SOURCE).id()).await?;
        let container = container.without_mount(SOURCE).with_directory(SOURCE, source);
        self.must(container.without_env_variable("FAIRWAY_TRY").id()).await
    }

    /// Pushes a container under the pipeline's name, if it has one.
    pub async fn publish(&self, api: &Query, container: &Id) -> Result<Outcome> {
        let Some(name) = &self.spec.publish else { return Ok(Outcome::Success) };
        if self.spec.fork {
            self.tell(RunEvent::Note("Not published: the commit comes from a fork.".to_owned())).await;
            return Ok(Outcome::Success);
        }
        let container = self.known(api, api.r#ref(container.clone()), name).await?;
        let pushed = self.wait(container.publish(name.as_str())).await?;
        let reference = pushed.map_err(|trouble| Stopped::Outcome(words::publish(name, &trouble)))?;
        self.tell(RunEvent::Published { reference }).await;
        Ok(Outcome::Success)
    }
}

/// The registry in an image's name; `None` for the engine's usual one.
fn registry(image: &str) -> Option<&str> {
    let (first, _) = image.split_once('/')?;
    (first.contains(['.', ':']) || first == "localhost").then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_names_its_registry_first_or_not_at_all() {
        assert_eq!(registry("debian:bookworm"), None);
        assert_eq!(registry("acme/shop:1.2"), None);
        assert_eq!(registry("localhost/shop"), Some("localhost"));
        assert_eq!(registry("127.0.0.1:5000/acme/shop:1"), Some("127.0.0.1:5000"));
        assert_eq!(registry("images.example/acme/shop@sha256:0"), Some("images.example"));
    }
}
