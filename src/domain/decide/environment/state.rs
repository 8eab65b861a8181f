//! What Fairway remembers of an environment.

use serde::{Deserialize, Serialize};

use crate::domain::ask::Ask;
use crate::domain::decide::Checks;
use crate::domain::ids::Repo;
use crate::domain::release::{Kind, Version};
use crate::domain::task::Key;

/// An environment of one repository. Times are Unix milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnvState {
    /// Where.
    pub repo: Repo,
    /// Its name in `fairway.toml`.
    pub name: String,
    /// What serves there, unless `going` is past its last stage.
    pub live: Option<Version>,
    /// What served there before and was not at fault, newest last.
    #[serde(default)]
    pub good: Vec<Version>,
    /// Rollouts so far.
    #[serde(default)]
    pub count: i64,
    /// The rollout that is on its way. There is never a second one.
    pub going: Option<Going>,
    /// Who waits, in order.
    #[serde(default)]
    pub queue: Vec<Waiting>,
    /// Nobody deploys.
    pub lock: Option<Closed>,
    /// Nobody deploys but for a hotfix.
    pub freeze: Option<Closed>,
    /// What a rollback left behind: this commit must not come back unmended.
    pub held: Option<Held>,
    /// How the last rollout ended.
    pub last: Option<Ended>,
}

/// A rollout on its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Going {
    /// The environment's how manieth rollout it is, from 1.
    pub number: i64,
    /// Who asked.
    pub ask: Ask,
    /// What it brings.
    pub version: Version,
    /// What sort of change it is.
    pub kind: Kind,
    /// All traffic goes there; it is only watched now.
    pub full: bool,
    /// What was live until then, and takes over again should it be taken back.
    #[serde(default)]
    pub before: Option<Version>,
    /// Who wanted it taken back, and is answered when it is.
    #[serde(default)]
    pub asked: Vec<Ask>,
}

/// Somebody who waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// For what.
    pub ask: Ask,
    /// The checks that the environment had to start for it.
    pub checks: Option<Checks>,
    /// What it waits for, as last told; one sentence.
    #[serde(default)]
    pub told: String,
}

/// A lock or a freeze.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// Login.
    pub by: String,
    /// Why; may be empty.
    pub reason: String,
    /// Since when.
    pub at: i64,
    /// Until when; `None`: until somebody opens it.
    pub until: Option<i64>,
}

/// After a rollback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The commit that was taken back.
    pub bad: String,
    /// The pull request that brought it.
    pub pull: Option<i64>,
    /// Login, or empty when Fairway took it back by itself.
    pub by: String,
    /// When.
    pub at: i64,
}

/// How a rollout ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The environment's how manieth rollout it was.
    pub number: i64,
    /// The commit.
    pub sha: String,
    /// The pull request it came from.
    pub pull: Option<i64>,
    /// GitHub's people read this: one sentence.
    pub words: String,
    /// Whether it stayed.
    pub stayed: bool,
    /// When.
    pub at: i64,
}

/// Good versions that are remembered.
const GOOD: usize = 20;

impl EnvState {
    /// An environment that was never deployed to.
    pub fn new(repo: &Repo, name: &str) -> EnvState {
        EnvState {
            repo: repo.clone(),
            name: name.to_owned(),
            live: None,
            good: Vec::new(),
            count: 0,
            going: None,
            queue: Vec::new(),
            lock: None,
            freeze: None,
            held: None,
            last: None,
        }
    }

    /// Its key.
    pub fn key(&self) -> Key {
        Key::Env(self.repo.id, self.name.clone())
    }

    /// Remembers a version that may be gone back to.
    pub(super) fn was_good(&mut self, version: Version) {
        self.good.retain(|old| old.sha != version.sha);
        self.good.push(version);
        if self.good.len() > GOOD {
            self.good.remove(0);
        }
    }

    /// Pull requests whose sticky comment speaks of this environment.
    pub fn pulls(&self) -> Vec<i64> {
        let going = self.going.iter().filter_map(|going| going.ask.pull);
        let asked = self.going.iter().flat_map(|going| going.asked.iter().filter_map(|ask| ask.pull));
        let waiting = self.queue.iter().filter_map(|waiting| waiting.ask.pull);
        let live = self.live.iter().filter_map(|version| version.pull);
        let last = self.last.iter().filter_map(|ended| ended.pull);
        let mut all: Vec<i64> = going.chain(asked).chain(waiting).chain(live).chain(last).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}
