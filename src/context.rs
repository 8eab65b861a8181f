//! The handles that every piece of work needs, built once in `app` and cheap to clone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::domain::ids::Repo;
use crate::domain::onboard::Opens;
use crate::domain::project;
use crate::domain::task::{Event, Key, Task};
use crate::engine::Engine;
use crate::github::GitHub;
use crate::host::Target;
use crate::registry::{Clients, Packages};
use crate::settings::Orgs;
use crate::store::{NewJob, Seal, Store};
use crate::telemetry::Masker;

/// The handles.
#[derive(Clone)]
pub struct Context {
    /// The database.
    pub store: Store,
    /// GitHub.
    pub github: GitHub,
    /// Where pipelines run.
    pub engine: Arc<dyn Engine>,
    /// Where releases run; `None` when the operator named no host.
    pub host: Option<Arc<dyn Target>>,
    /// What registries and databases of advisories know; `None`: nobody asks them, and there are no updates.
    pub packages: Option<Arc<dyn Packages>>,
    /// What the ecosystems' own clients are told when they edit a lock.
    pub clients: Arc<Clients>,
    /// The time.
    pub clock: Clock,
    /// What the operator decided.
    pub policy: Arc<Policy>,
    /// Words that no log may hold.
    pub masker: Masker,
    /// Opens the secret store.
    pub seal: Arc<Seal>,
    /// The runs that live in this process.
    pub live: LiveRuns,
}

/// Under this key stands a JSON list of the engines that get no new runs.
const DRAINED: &str = "engines.drained";

impl Context {
    /// The addresses of the engines that get no new runs, by the operator's word.
    pub async fn drained(&self) -> anyhow::Result<Vec<String>> {
        let text = self.store.meta(DRAINED).await?;
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default())
    }

    /// Gives an engine no new runs any more, or gives it some again. All processes follow within seconds.
    pub async fn drain(&self, address: &str, drain: bool) -> anyhow::Result<()> {
        let mut addresses = self.drained().await?;
        addresses.retain(|known| known != address);
        if drain {
            addresses.push(address.to_owned());
        }
        self.store.set_meta(DRAINED, &serde_json::to_string(&addresses)?).await?;
        self.engine.drain(&addresses);
        Ok(())
    }

    /// Asks for a repository's onboarding pull request, as `/onboard` does.
    pub async fn ask_to_onboard(&self, repo: &Repo) -> anyhow::Result<()> {
        let event = Event::Consider { repo: repo.clone(), asked: true };
        let task = Task::tell(Key::Onboard(repo.id), event);
        let now = self.clock.now();
        let job = NewJob {
            now,
            lane: task.lane(),
            kind: task.kind().to_owned(),
            task: serde_json::to_string(&task)?,
            merge_key: task.merge_key(),
            run_at: now,
            priority: 0,
            pool: None,
            calm: 0,
        };
        let mut tx = self.store.begin().await?;
        anyhow::ensure!(tx.insert_job(&job).await?.is_some(), "too much waits for {}", repo.full_name());
        tx.commit().await
    }
}

/// What the operator decided, as far as work depends on it.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Whose installations are served.
    pub orgs: Orgs,
    /// Who may do on the pages what the command line can; logins in lower case.
    pub admins: BTreeSet<String>,
    /// The App's id; events about other Apps' checks are not ours.
    pub app_id: i64,
    /// Whether GitHub's list of deliveries is read instead of GitHub delivering.
    pub polls: bool,
    /// Where this Fairway shows its pages, if people can reach it.
    pub pages_url: Option<String>,
    /// This process's name in the `pool` column and in runs.
    pub node: String,
    /// When this process started, Unix milliseconds.
    pub started_at: i64,
    /// A lease, in milliseconds. A call to GitHub ends in under half of it.
    pub lease_ms: i64,
    /// Real failures before a job is dead.
    pub max_failures: i64,
    /// Shortest time between two progress updates of a check run, in milliseconds.
    pub progress_ms: i64,
    /// Most log bytes kept for a run.
    pub log_bytes: u64,
    /// What no environment may go below.
    pub floor: project::Policy,
    /// Whether pull requests that onboard repositories are opened, where their organisation does not say.
    pub onboarding: Opens,
    /// A rollout is looked at so many times before its job goes back into the queue.
    pub watch_looks: usize,
}

/// The cancel tokens of the runs in this process, by run id.
#[derive(Clone, Default)]
pub struct LiveRuns(Arc<Mutex<BTreeMap<i64, CancellationToken>>>);

impl LiveRuns {
    /// Registers a run; its token is cancelled by the flag in its row.
    pub fn enter(&self, run: i64) -> CancellationToken {
        let token = CancellationToken::new();
        self.lock().insert(run, token.clone());
        token
    }

    /// The run is over.
    pub fn leave(&self, run: i64) {
        self.lock().remove(&run);
    }

    /// The ids of all live runs.
    pub fn ids(&self) -> Vec<i64> {
        self.lock().keys().copied().collect()
    }

    /// Stops one run.
    pub fn cancel(&self, run: i64) {
        if let Some(token) = self.lock().get(&run) {
            token.cancel();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<i64, CancellationToken>> {
        // A panic while the lock is held leaves a whole map behind: every change to it is one call.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
