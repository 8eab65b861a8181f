//! What Fairway remembers of a pull request.

use serde::{Deserialize, Serialize};

use super::checks::Checks;
use super::{Change, Why};
use crate::domain::command::Verb;
use crate::domain::event::Pull;
use crate::domain::facts::Facts;
use crate::domain::ids::Repo;
use crate::domain::onboard;
use crate::domain::plan;
use crate::domain::task::{Key, Task, Trust};
use crate::domain::update::course;

/// A pull request as Fairway knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullState {
    /// Where.
    pub repo: Repo,
    /// As last read from GitHub.
    pub pull: Pull,
    /// Every head, oldest first, with the time at which we first saw it. Commit dates can be forged; these cannot.
    pub heads: Vec<Head>,
    /// The checks of the newest head.
    pub checks: Option<Checks>,
    /// The one commit of a fork that somebody allowed to run.
    pub approved: Option<String>,
    /// The command answered last. Its presence is what makes the sticky comment exist.
    pub last: Option<LastCommand>,
    /// Refusals whose replies still stand open, oldest first.
    #[serde(default)]
    pub refused: Vec<Refused>,
    /// Environments that it had to do with, in the order in which it came to them.
    #[serde(default)]
    pub environments: Vec<String>,
    /// Comments with a command that an environment has not ended yet.
    #[serde(default)]
    pub pending: Vec<i64>,
}

/// A commit that was a pull request's head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The commit.
    pub sha: String,
    /// Unix milliseconds.
    pub seen: i64,
    /// The most tries that a check of it had when it stopped being the head: it may come back.
    #[serde(default)]
    pub tries: i64,
}

/// What the sticky comment says of the newest command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastCommand {
    /// The comment that held it.
    pub comment: i64,
    /// Who typed it.
    pub author: String,
    /// The line.
    pub text: String,
    /// Its answer, Markdown.
    pub answer: String,
}

/// A command that was refused and not yet typed again with success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The comment that held it.
    pub comment: i64,
    /// Who typed it.
    pub author: String,
    /// What was typed, or probably meant.
    pub verb: Verb,
}

/// Refusals remembered for a pull request. What somebody never gets right must not fill its row.
const REFUSED: usize = 20;

impl PullState {
    /// A pull request seen for the first time.
    pub fn new(repo: &Repo, pull: Pull) -> PullState {
        PullState {
            repo: repo.clone(),
            pull,
            heads: Vec::new(),
            checks: None,
            approved: None,
            last: None,
            refused: Vec::new(),
            environments: Vec::new(),
            pending: Vec::new(),
        }
    }

    /// Its key.
    pub fn key(&self) -> Key {
        Key::Pull(self.repo.id, self.pull.number)
    }

    /// The head that whoever wrote at `at` was looking at, as far as we know.
    pub fn head_at(&self, at: i64) -> Option<&Head> {
        self.heads.iter().rev().find(|head| head.seen <= at)
    }

    pub(super) fn trust(&self) -> Trust {
        match self.pull.fork {
            true => Trust::Fork,
            // What was run before it was opened counts, and nobody has looked at what it brings.
            false if course::is_ours(&self.pull) => Trust::Update,
            false => Trust::Pr,
        }
    }

    /// Remembers a refusal until its author's next try.
    pub(super) fn refuse(&mut self, refused: Refused) {
        if self.refused.len() >= REFUSED {
            self.refused.remove(0);
        }
        self.refused.push(refused);
    }

    /// Somebody's command was carried out: the replies to their earlier tries say nothing any more.
    pub(super) fn resolve(&mut self, author: &str, verb: Verb, changes: &mut Vec<Change>) {
        let repo = &self.repo;
        self.refused.retain(|old| {
            let over = old.verb == verb && old.author == author;
            if over {
                changes.push(Change::Do(Task::Minimise { repo: repo.clone(), comment: old.comment }));
            }
            !over
        });
    }

    /// It has to do with that environment from now on.
    pub(super) fn meets(&mut self, environment: &str) {
        if !self.environments.iter().any(|known| known == environment) {
            self.environments.push(environment.to_owned());
        }
    }

    /// The sticky comment is brought up to date only where somebody asked for one, or something is deployed.
    pub(super) fn tell(&self, changes: &mut Vec<Change>) {
        if onboard::is_ours(&self.pull) {
            changes.push(Change::Do(Task::SyncOnboarding { repo: self.repo.clone() }));
        }
        if plan::is_ours(&self.pull) {
            changes.push(Change::Do(Task::SyncUpgrade { repo: self.repo.clone(), plan: String::new() }));
        }
        if let Some(group) = course::group_of(&self.pull) {
            changes.push(Change::Do(Task::SyncUpdate { repo: self.repo.clone(), group }));
        }
        if self.last.is_some() || !self.environments.is_empty() {
            changes.push(Change::Do(Task::SyncSticky { key: self.key() }));
        }
    }
}

/// Why a fork's code does not run: nobody allowed it, or this engine never does.
pub(super) fn hold(state: &PullState, facts: &Facts) -> Option<Why> {
    if !state.pull.fork {
        return None;
    }
    if let Some(sentence) = &facts.forks_refused {
        return Some(Why::Refused { sentence: sentence.clone() });
    }
    (state.approved.as_deref() != Some(state.pull.head_sha.as_str())).then_some(Why::Approval)
}
