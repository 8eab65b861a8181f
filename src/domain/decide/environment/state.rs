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
    /// What was released and serves no more, but is kept, newest last; what serves may be among it.
    #[serde(default)]
    pub shelf: Vec<Version>,
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
    /// Releases that are kept beside those that serve, by the environment's definition.
    #[serde(default = "some")]
    pub keep: u32,
    /// Whether the hold is over once this has all traffic: it mends or reverts what was taken back.
    #[serde(default)]
    pub ends_hold: bool,
    /// Who wanted it taken back, and is answered when it is.
    #[serde(default)]
    pub asked: Vec<Ask>,
}

/// What a row of before says of `keep`.
fn some() -> u32 {
    5
}

/// Where a release stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stands {
    /// It is being rolled out.
    Coming,
    /// It serves.
    Live,
    /// What came after it is watched, and it can take over at once.
    Warm,
    /// Its files are kept.
    Kept,
    /// They are not.
    Gone,
}

impl Stands {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Stands::Coming => "coming",
            Stands::Live => "live",
            Stands::Warm => "warm",
            Stands::Kept => "kept",
            Stands::Gone => "gone",
        }
    }
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
    /// Only this very commit must not come back: it was never merged, and what is pushed on top of it mends it.
    #[serde(default)]
    pub exact: bool,
    /// Whether it is on the default branch, so that git has to take it back too.
    #[serde(default)]
    pub merged: bool,
    /// The pull request that takes it back in git, once it is open.
    #[serde(default)]
    pub revert: Option<i64>,
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
            shelf: Vec::new(),
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

    /// A rollout is over: its release is kept, and what is one too many goes. What serves stays, and so does the last
    /// good one, to which a rollback goes.
    pub(super) fn shelve(&mut self, version: Version, keep: u32) {
        for good in self.good.iter().rev() {
            if !self.shelf.iter().any(|kept| kept.same(good)) {
                self.shelf.insert(0, good.clone());
            }
        }
        self.shelf.retain(|kept| !kept.same(&version));
        self.shelf.push(version);
        let serves = |kept: &Version| self.live.as_ref().is_some_and(|live| live.same(kept));
        let last_good = |kept: &Version| self.good.last().is_some_and(|good| good.same(kept));
        let mut over = self.shelf.iter().filter(|kept| !serves(kept)).count().saturating_sub(keep as usize);
        self.shelf.retain(|kept| {
            let goes = over > 0 && !serves(kept) && !last_good(kept);
            over -= usize::from(goes);
            !goes
        });
        self.good.retain(|good| self.shelf.iter().any(|kept| kept.same(good)));
    }

    /// Every release whose files are kept.
    pub fn kept(&self) -> impl Iterator<Item = &Version> {
        let going =
            self.going.iter().flat_map(|going| [Some(&going.version), going.before.as_ref()].into_iter().flatten());
        let serve = self.live.iter().chain(going);
        self.shelf.iter().chain(&self.good).chain(serve)
    }

    /// Where the release of a commit with this digest stands.
    pub fn stands(&self, sha: &str, release: &str) -> Stands {
        let is = |version: &Version| version.sha == sha && version.release == release;
        match &self.going {
            Some(going) if !going.full && is(&going.version) => return Stands::Coming,
            Some(going) if going.full && going.before.as_ref().is_some_and(is) => return Stands::Warm,
            _ => {}
        }
        if self.live.as_ref().is_some_and(is) {
            Stands::Live
        } else if self.kept().any(is) {
            Stands::Kept
        } else {
            Stands::Gone
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

#[cfg(test)]
mod tests {
    use super::*;

    fn version(n: u32) -> Version {
        let sha = format!("sha{n}");
        Version { release: format!("of {sha}"), sha, pull: None, merged: true, definition: String::new() }
    }

    fn state() -> EnvState {
        let repo =
            Repo { installation: 1, id: 1, owner: "acme".into(), name: "shop".into(), default_branch: "main".into() };
        EnvState::new(&repo, "staging")
    }

    fn shas(versions: &[Version]) -> Vec<&str> {
        versions.iter().map(|version| version.sha.as_str()).collect()
    }

    #[test]
    fn what_serves_and_the_last_good_one_stay_whatever_keep_says() {
        let mut state = state();
        // Five go live one after the other.
        for n in 1..=5 {
            if let Some(before) = state.live.replace(version(n)) {
                state.was_good(before);
            }
            state.shelve(version(n), 2);
        }
        assert_eq!((shas(&state.shelf), shas(&state.good)), (vec!["sha3", "sha4", "sha5"], vec!["sha3", "sha4"]));
        // Then many are taken back on the way.
        for n in 6..=9 {
            state.shelve(version(n), 2);
        }
        assert_eq!((shas(&state.shelf), shas(&state.good)), (vec!["sha4", "sha5", "sha9"], vec!["sha4"]));
        let stands = |n: u32| state.stands(&version(n).sha, &version(n).release);
        assert_eq!([1, 4, 5, 9].map(stands), [Stands::Gone, Stands::Kept, Stands::Live, Stands::Kept]);
        assert_eq!(state.stands("sha5", "of another"), Stands::Gone);
    }

    #[test]
    fn a_row_of_before_keeps_what_it_could_go_back_to() {
        let mut state = state();
        state.good = vec![version(1), version(2)];
        state.live = Some(version(3));
        state.shelve(version(4), 5);
        assert_eq!((shas(&state.shelf), shas(&state.good)), (vec!["sha1", "sha2", "sha4"], vec!["sha1", "sha2"]));
        assert_eq!(state.kept().filter(|kept| kept.sha == "sha3").count(), 1);
    }
}
