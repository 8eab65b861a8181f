//! Images: logging in to their registry, and publishing what a pipeline made.

use dagger_sdk::{Container, Id, Query};

use super::base::{Result, Run, SOURCE, Stopped};
use super::words;
use crate::engine::{Outcome, RunEvent};

/// Secrets that log the engine in to a registry; no step sees them.
pub const LOGIN: [&str; 2] = ["REGISTRY_USERNAME", "REGISTRY_PASSWORD"];

impl Run<'_> {
    /// An empty container that may pull `image` and push to its name.
    pub async fn login(&self, api: &Query, image: &str) -> Result<Container> {
        self.known(api, api.container(), image).await
    }

    async fn known(&self, api: &Query, container: Container, image: &str) -> Result<Container> {
        let [user, password] = LOGIN.map(|name| self.spec.secrets.get(name));
        let (Some(user), Some(password)) = (user, password) else { return Ok(container) };
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
