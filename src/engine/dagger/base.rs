//! What every run on a session has at hand: its session and feeds, the commit, secrets by name, and answers that give way
//! to a cancel or to the end of its time.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use dagger_sdk::{GitRefTreeOpts, HostDirectoryOpts, Id, Query, QueryGitOpts};
use sha2::{Digest, Sha256};
use tokio::sync::{OnceCell, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::client::Trouble;
use super::pump::Pump;
use super::session::Session;
use super::words;
use crate::engine::{Outcome, RunEvent, RunSpec};

/// Where the checkout is in a container.
pub const SOURCE: &str = "/src";

/// Everything that a run needs.
pub struct Run<'a> {
    /// What is to be run.
    pub spec: &'a RunSpec,
    /// Where.
    pub session: &'a Session,
    /// Its feeds.
    pub pump: &'a Pump,
    /// Who is told.
    pub events: &'a mpsc::Sender<RunEvent>,
    /// Stops it.
    pub cancel: &'a CancellationToken,
    /// When its time is up.
    pub deadline: Instant,
    /// Keys the names of secrets, so that a name says nothing about its value.
    pub seal: &'a [u8; 32],
    /// A directory that the session may write to.
    pub home: &'a Path,
    /// Exports are kept below.
    pub data: &'a Path,
    /// For pipelines without `image`.
    pub default_image: &'a str,
    /// Whether another run fetches this commit to this engine just now, and whether it has.
    pub fetched: Arc<OnceCell<()>>,
}

/// Commits that are being fetched. A push starts several pipelines at once; when all of them had their engine fetch the
/// same commit, it did so as often as there are pipelines, with some twenty git processes each. So one goes first, and the
/// others find what it left in the engine's cache.
#[derive(Default)]
pub struct Fetches(Mutex<HashMap<String, Weak<OnceCell<()>>>>);

impl Fetches {
    /// Who fetches this commit to the engine at this address: the same for everybody as long as somebody holds it.
    pub fn of(&self, address: &str, spec: &RunSpec) -> Arc<OnceCell<()>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, cell| cell.strong_count() > 0);
        let place = all.entry(format!("{address} {} {}", spec.clone_url, spec.sha)).or_default();
        place.upgrade().unwrap_or_else(|| {
            let cell = Arc::new(OnceCell::new());
            *place = Arc::downgrade(&cell);
            cell
        })
    }
}

/// Why it goes no further.
pub enum Stopped {
    /// The time was up.
    Time,
    /// Somebody said so.
    Cancel,
    /// The run ends with this.
    Outcome(Outcome),
}

impl From<Stopped> for Outcome {
    fn from(stopped: Stopped) -> Outcome {
        match stopped {
            Stopped::Time => Outcome::TimedOut,
            Stopped::Cancel => Outcome::Cancelled,
            Stopped::Outcome(outcome) => outcome,
        }
    }
}

/// A value, unless the run stops here.
pub type Result<T> = std::result::Result<T, Stopped>;

impl Run<'_> {
    /// An answer of the engine, unless the time is up or somebody stops us: then the request is dropped, and with it
    /// whatever it started.
    pub async fn wait<T, E: Into<Trouble>>(
        &self,
        work: impl Future<Output = std::result::Result<T, E>>,
    ) -> Result<std::result::Result<T, Trouble>> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Stopped::Cancel),
            answer = work => Ok(answer.map_err(Into::into)),
            () = tokio::time::sleep_until(self.deadline) => Err(Stopped::Time),
        }
    }

    /// As [`Run::wait`], where any trouble ends the run.
    pub async fn must<T, E: Into<Trouble>>(&self, work: impl Future<Output = std::result::Result<T, E>>) -> Result<T> {
        self.wait(work).await?.map_err(|trouble| Stopped::Outcome(words::engine(&trouble)))
    }

    /// The commit's files.
    pub async fn source(&self, api: &Query) -> Result<Id> {
        if let Some(place) = &self.spec.checkout {
            return self.directory(api, place).await;
        }
        let mut own = None;
        let first = self.fetched.get_or_try_init(|| async {
            own = Some(self.fetch(api).await?);
            Ok::<(), Stopped>(())
        });
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => return Err(Stopped::Cancel),
            gone = first => gone?,
            () = tokio::time::sleep_until(self.deadline) => return Err(Stopped::Time),
        };
        match own {
            Some(id) => Ok(id),
            None => self.fetch(api).await,
        }
    }

    /// The engine fetches the commit, or finds it in its cache.
    async fn fetch(&self, api: &Query) -> Result<Id> {
        let token = match &self.spec.token {
            // The engine's cache knows a secret by its name, and this name stays while tokens come and go.
            Some(token) => Some(self.must(api.set_secret(self.secret_name("git", ""), token.reveal()).id()).await?),
            None => None,
        };
        let git = QueryGitOpts {
            experimental_service_host: None,
            http_auth_header: None,
            http_auth_username: token.as_ref().map(|_| "x-access-token"),
            http_auth_token: token,
            keep_git_dir: None,
            ssh_auth_socket: None,
            ssh_known_hosts: None,
        };
        let tree = GitRefTreeOpts { depth: Some(1), discard_git_dir: None, include_tags: None };
        let tree = api.git_opts(&self.spec.clone_url, git).commit(&self.spec.sha).tree_opts(tree);
        let id = self.wait(tree.id()).await?.map_err(|t| Stopped::Outcome(words::source(&t)))?;
        // An id is given before anything was fetched; this fetches, with all submodules.
        let tree = api.r#ref::<dagger_sdk::Directory>(id.clone());
        self.wait(tree.entries()).await?.map_err(|t| Stopped::Outcome(words::source(&t)))?;
        Ok(id)
    }

    /// The files of a checkout on this machine, without what its `.gitignore` leaves out.
    async fn directory(&self, api: &Query, place: &Path) -> Result<Id> {
        let only = HostDirectoryOpts { exclude: None, gitignore: Some(true), include: None, no_cache: None };
        let directory = api.host().directory_opts(place.display().to_string(), only);
        self.must(directory.id()).await
    }

    /// A secret's name is what the engine's cache knows of it: of this repository alone, and another for each value.
    pub fn secret_name(&self, name: &str, value: &str) -> String {
        let mut digest = Sha256::new();
        for part in [self.seal.as_slice(), self.spec.repo.as_bytes(), name.as_bytes(), value.as_bytes()] {
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
        format!("fairway/{}/{name}/{}", self.spec.repo, hex::encode(&digest.finalize()[..12]))
    }

    /// Says it to whoever listens.
    pub async fn tell(&self, event: RunEvent) {
        drop(self.events.send(event).await);
    }
}
