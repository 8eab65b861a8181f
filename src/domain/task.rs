//! What stands in the `jobs` table. Rows outlive binaries: a variant is never changed in place, a new one is added.

use serde::{Deserialize, Serialize};

use super::ask::{Answered, Ask};
use super::event::{Comment, Pull};
use super::ids::Repo;
use super::plan;
use super::project::Pipeline;
use super::release::News;
use super::run::Conclusion;
use super::update::course;

pub use super::key::Key;
pub use super::trust::{RunKey, Trust};

/// The identifier of the button on a check run that did not pass.
pub const RETRY_FAILED: &str = "retry-failed";

/// By this external id a rollout's check run is found again, and the rollout behind a button.
pub fn rollout_check(rollout: i64) -> String {
    format!("rollout-{rollout}")
}

/// The inverse of `rollout_check`.
pub fn rollout_of(external_id: &str) -> Option<i64> {
    external_id.strip_prefix("rollout-")?.parse().ok()
}

/// The identifier of the button that sends a rollout to its next stage.
pub const PROMOTE: &str = "rollout-promote";
/// The identifier of the button that takes a rollout back.
pub const ABORT: &str = "rollout-abort";

/// One job, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// Tell an aggregate that something happened.
    Event {
        /// Whom.
        key: Key,
        /// What.
        event: Box<Event>,
    },
    /// Bring one check run at GitHub to what our run says.
    SyncCheck {
        /// Our run id.
        run: i64,
    },
    /// Bring a pull request's one sticky comment to what its row says.
    SyncSticky {
        /// The pull request.
        key: Key,
    },
    /// Bring the reactions on a command to what its row says.
    SyncReaction {
        /// Where.
        repo: Repo,
        /// The comment that holds the command.
        comment: i64,
    },
    /// Post the short reply that a refused or mistyped command gets.
    SyncReply {
        /// Where.
        repo: Repo,
        /// Pull request number.
        number: i64,
        /// The comment that is answered.
        comment: i64,
    },
    /// Fold the reply to a refused command away at GitHub: its author's next try succeeded.
    Minimise {
        /// Where.
        repo: Repo,
        /// The comment that was refused.
        comment: i64,
    },
    /// Run a pipeline. Long, under heartbeat.
    Execute {
        /// Our run id.
        run: i64,
    },
    /// Tell an aggregate that its time has come. It waits in a lane of its own: a timer at the head of the
    /// aggregate's lane would hold up everything behind it.
    Ring {
        /// Whom.
        key: Key,
    },
    /// Carry a rollout on: observe, judge, shift. Comes back until the rollout has ended.
    Watch {
        /// Our rollout id.
        rollout: i64,
    },
    /// Bring a rollout's Deployment at GitHub to what its row says.
    SyncDeployment {
        /// Our rollout id.
        rollout: i64,
    },
    /// Bring a rollout's check run at GitHub to what its row says.
    SyncRollout {
        /// Our rollout id.
        rollout: i64,
    },
    /// Open the pull request that reverts what a rollout brought.
    Revert {
        /// Our rollout id.
        rollout: i64,
    },
    /// Remove the files of an environment's releases that are not kept any more.
    SyncShelf {
        /// The environment.
        key: Key,
    },
    /// Read once what a rollout that is live brought: its commits and their pull requests.
    Brought {
        /// Our rollout id.
        rollout: i64,
    },
    /// Look whether a repository is to be onboarded, a moment after something happened there.
    Consider {
        /// Where.
        repo: Repo,
    },
    /// Bring the pull request that onboards a repository to what its row says.
    SyncOnboarding {
        /// Where.
        repo: Repo,
    },
    /// Read which plan a repository follows.
    Follow {
        /// Where.
        repo: Repo,
    },
    /// Read what is the newest version of a plan.
    ReadPlan {
        /// As behind `plan =`.
        plan: String,
    },
    /// Bring the pull request that moves a repository to a plan's newest version to what the plan's row says.
    SyncUpgrade {
        /// Where.
        repo: Repo,
        /// As behind `plan =`; empty: whose pull request is there.
        plan: String,
    },
    /// Look what a repository's default branch could have, and what it is open to. Under heartbeat.
    LookUp {
        /// Where.
        repo: Repo,
    },
    /// Make a commit that holds what of a group is tried now. Long, under heartbeat.
    Candidate {
        /// Where.
        repo: Repo,
        /// The group.
        group: String,
    },
    /// Bring the pull request of a group to what its row says.
    SyncUpdate {
        /// Where.
        repo: Repo,
        /// The group.
        group: String,
    },
    /// Bring the default branch to what was proven.
    Land {
        /// Where.
        repo: Repo,
        /// The group.
        group: String,
    },
    /// Read what is new in the databases of advisories, and tell whom it concerns. Comes back.
    Advisories,
    /// List an installation's repositories, for those that were never considered.
    Discover {
        /// Which installation.
        installation: i64,
    },
    /// Have GitHub deliver again what failed, then reconcile.
    Recover,
    /// Read GitHub's list of deliveries, where nothing reaches this machine.
    Poll,
    /// Read one repository's open pull requests and recent comments, for what no delivery told us.
    Reconcile {
        /// Where.
        repo: Repo,
    },
    /// Delete old rows.
    Purge,
}

impl Task {
    /// Tells an aggregate that something happened.
    pub fn tell(key: Key, event: Event) -> Task {
        Task::Event { key, event: Box::new(event) }
    }

    /// The word in the `kind` column, by which workers claim.
    pub fn kind(&self) -> &'static str {
        match self {
            Task::Event { .. } => "event",
            Task::SyncCheck { .. } => "check",
            Task::SyncSticky { .. } => "sticky",
            Task::SyncReaction { .. } => "reaction",
            Task::SyncReply { .. } => "reply",
            Task::Minimise { .. } => "minimise",
            Task::Execute { .. } => "execute",
            Task::Ring { .. } => "ring",
            Task::Watch { .. } => "watch",
            Task::SyncDeployment { .. } => "deployment",
            Task::SyncRollout { .. } => "rollout",
            Task::Revert { .. } => "revert",
            Task::Brought { .. } => "brought",
            Task::SyncShelf { .. } => "shelf",
            Task::Consider { .. } => "consider",
            Task::SyncOnboarding { .. } => "onboarding",
            Task::Follow { .. } => "follow",
            Task::ReadPlan { .. } => "plan",
            Task::SyncUpgrade { .. } => "upgrade",
            Task::LookUp { .. } => "lookup",
            Task::Candidate { .. } => "candidate",
            Task::SyncUpdate { .. } => "update",
            Task::Land { .. } => "land",
            Task::Advisories => "advisories",
            Task::Discover { .. } => "discover",
            Task::Recover => "recover",
            Task::Poll => "poll",
            Task::Reconcile { .. } => "reconcile",
            Task::Purge => "purge",
        }
    }

    /// The queue this job waits in: the aggregate, or the thing that an effect mirrors.
    pub fn lane(&self) -> String {
        match self {
            Task::Event { key, .. } => key.to_string(),
            Task::SyncCheck { run } => format!("check:{run}"),
            Task::SyncSticky { key } => format!("sticky:{key}"),
            Task::SyncReaction { comment, .. } => format!("reaction:{comment}"),
            // A reply is folded after it was posted, however long that takes.
            Task::SyncReply { comment, .. } | Task::Minimise { comment, .. } => format!("reply:{comment}"),
            Task::Execute { run } => format!("run:{run}"),
            Task::Ring { key } => format!("ring:{key}"),
            Task::Watch { rollout } => format!("watch:{rollout}"),
            Task::SyncDeployment { rollout } => format!("deployment:{rollout}"),
            Task::SyncRollout { rollout } => format!("rollout:{rollout}"),
            Task::Revert { rollout } => format!("revert:{rollout}"),
            Task::Brought { rollout } => format!("brought:{rollout}"),
            Task::SyncShelf { key } => format!("shelf:{key}"),
            Task::Consider { repo } => format!("consider:{}", repo.id),
            Task::SyncOnboarding { repo } => format!("onboarding:{}", repo.id),
            Task::Follow { repo } => format!("follow:{}", repo.id),
            Task::ReadPlan { plan } => format!("readplan:{plan}"),
            Task::SyncUpgrade { repo, .. } => format!("upgrade:{}", repo.id),
            Task::LookUp { repo } => format!("lookup:{}", repo.id),
            Task::Candidate { repo, group } => format!("candidate:{}/{group}", repo.id),
            // A pull request is opened, brought up to date and merged one after the other.
            Task::SyncUpdate { repo, group } | Task::Land { repo, group } => format!("update:{}/{group}", repo.id),
            Task::Advisories => "advisories".to_owned(),
            Task::Discover { installation } => format!("discover:{installation}"),
            Task::Recover => "recover".to_owned(),
            Task::Poll => "poll".to_owned(),
            Task::Reconcile { repo } => format!("reconcile:{}", repo.id),
            Task::Purge => "purge".to_owned(),
        }
    }

    /// Sync effects name a thing, not a delta, so that a waiting one serves for all. `None` for everything else.
    pub fn merge_key(&self) -> Option<String> {
        match self {
            Task::Event { .. } | Task::Execute { .. } | Task::Watch { .. } => None,
            Task::Minimise { comment, .. } => Some(format!("minimise:{comment}")),
            Task::Land { repo, group } => Some(format!("land:{}/{group}", repo.id)),
            Task::SyncUpgrade { repo, plan } => Some(format!("upgrade:{}/{plan}", repo.id)),
            other => Some(other.lane()),
        }
    }
}

/// What an aggregate is told. Times are Unix milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The pull request as a payload or a reconciliation saw it.
    Pull {
        /// Where.
        repo: Repo,
        /// As seen.
        pull: Pull,
        /// When we learnt of it: the head counts as seen from then on.
        seen: i64,
    },
    /// Somebody wrote a comment that may be a command.
    Comment {
        /// Where.
        repo: Repo,
        /// As typed.
        comment: Comment,
    },
    /// A branch or a merge-queue entry has a commit to check.
    Head {
        /// Where.
        repo: Repo,
        /// The commit.
        sha: String,
        /// The commit it is compared with, for `paths`.
        base: String,
    },
    /// A branch or a merge-queue entry is gone.
    Gone,
    /// One of our runs ended.
    RunFinished {
        /// Which.
        run: RunKey,
        /// How.
        conclusion: Conclusion,
        /// Checks that it found, each a pipeline of its own.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        found: Vec<Pipeline>,
    },
    /// Somebody wants something of an environment.
    Ask(Ask),
    /// An environment decided on a command of this pull request.
    Answered(Answered),
    /// An environment gets what this pull request brought, though nobody typed it here.
    Follows {
        /// Its name.
        environment: String,
    },
    /// A rollout of this environment got somewhere.
    Rollout {
        /// The environment's how manieth.
        number: i64,
        /// Where to.
        news: News,
    },
    /// Something that was waited for may be there now.
    Due,
    /// A repository may have to be onboarded.
    Consider {
        /// Where.
        repo: Repo,
        /// Whether somebody asked for it.
        asked: bool,
    },
    /// Somebody wants it to begin from a plan.
    Begin {
        /// Where.
        repo: Repo,
        /// One of Fairway's own plans.
        plan: String,
        /// The values of its inputs.
        inputs: plan::Values,
    },
    /// The pull request that onboards it is open.
    Opened {
        /// Its number.
        pull: i64,
        /// The commit that was made for it.
        tip: String,
    },
    /// GitHub does not let us open it.
    Blocked {
        /// Why, in words.
        why: String,
    },
    /// A plan is told something.
    Plan(Box<plan::News>),
    /// A repository's updates are told something.
    Updates(Box<course::News>),
    /// A Re-run or an action button at GitHub.
    Rerun {
        /// Where.
        repo: Repo,
        /// The commit of the check.
        sha: String,
        /// One pipeline, or every one that failed.
        pipeline: Option<String>,
        /// Who pressed it; authorised like a comment.
        sender: String,
    },
}

impl Ask {
    /// The job that asks it of an environment.
    pub fn of(self, environment: String) -> Task {
        Task::tell(Key::Env(self.repo.id, environment), Event::Ask(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sync_effects_are_coalesced() {
        let event = Task::Event { key: Key::Pull(1, 7), event: Box::new(Event::Gone) };
        assert_eq!(event.merge_key(), None);
        assert_eq!(Task::Execute { run: 4 }.merge_key(), None);
        assert_eq!(Task::SyncCheck { run: 4 }.merge_key().as_deref(), Some("check:4"));
    }
}
