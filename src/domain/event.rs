//! What a webhook says, in our words: only what a decision needs, parsed from the raw delivery by `github::webhook`.

use serde::{Deserialize, Serialize};

use super::ids::Repo;

/// One delivery that somebody handles. Times are Unix milliseconds, all names GitHub's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Incoming {
    /// A pull request was opened, pushed to, reopened, made ready, edited or closed.
    Pull {
        /// GitHub's word for what happened, for example `synchronize`.
        action: String,
        /// Where.
        repo: Repo,
        /// The pull request as of this delivery; may be stale, so decisions read it again.
        pull: Pull,
        /// Login of who caused the event.
        sender: String,
    },
    /// A pull request left the merge queue without being merged.
    Dequeued {
        /// Where.
        repo: Repo,
        /// It, as of this delivery.
        pull: Pull,
        /// GitHub's word for why, for example `CI_FAILURE`; may be empty.
        reason: String,
    },
    /// Commits arrived on a branch. Tags and merge-queue branches never become this.
    Push {
        /// Where.
        repo: Repo,
        /// Branch name without `refs/heads/`.
        branch: String,
        /// The head before; forty zeros for a new branch.
        before: String,
        /// The head after; forty zeros when the branch was deleted.
        after: String,
        /// Paths that its commits touch; `None` where GitHub does not list them all.
        touched: Option<Vec<String>>,
        /// Login of the pusher.
        sender: String,
    },
    /// A merge queue asks for checks, or no longer wants them.
    MergeGroup {
        /// `checks_requested` or `destroyed`.
        action: String,
        /// Where.
        repo: Repo,
        /// The commit to report on.
        head_sha: String,
        /// Full ref, `refs/heads/gh-readonly-queue/...`.
        head_ref: String,
        /// The commit of the base branch below it.
        base_sha: String,
    },
    /// A new comment in a pull request's conversation (never an edited one, never one on a plain issue).
    Comment {
        /// Where.
        repo: Repo,
        /// Pull request number.
        number: i64,
        /// The comment.
        comment: Comment,
    },
    /// Re-run of one check run.
    CheckRerequested {
        /// Where.
        repo: Repo,
        /// Which.
        check: CheckRef,
        /// Who asked; authorised like a comment.
        sender: String,
    },
    /// A button on a finished check run.
    CheckAction {
        /// Where.
        repo: Repo,
        /// Which.
        check: CheckRef,
        /// The button's identifier, ours.
        identifier: String,
        /// Who pressed it; authorised like a comment.
        sender: String,
    },
    /// Re-run of all or of the failed check runs of a commit.
    SuiteRerequested {
        /// Where.
        repo: Repo,
        /// The commit.
        head_sha: String,
        /// Id of the App the suite belongs to.
        app_id: i64,
        /// Pull request numbers the suite names; empty for forks.
        pulls: Vec<i64>,
        /// Who asked.
        sender: String,
    },
    /// A repository was created, renamed, transferred, archived or its default branch changed.
    Repository {
        /// GitHub's word.
        action: String,
        /// The repository after it.
        repo: Repo,
    },
    /// The App was installed, removed, suspended, or given other permissions or repositories.
    Installation {
        /// GitHub's word, for example `created` or `new_permissions_accepted`.
        action: String,
        /// Which installation.
        installation: i64,
        /// Login of the account.
        account: String,
    },
}

/// A pull request as a payload or the API shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pull {
    /// Number within the repository.
    pub number: i64,
    /// Title, as typed.
    pub title: String,
    /// Login of the author.
    pub author: String,
    /// Head commit.
    pub head_sha: String,
    /// Head branch name.
    pub head_ref: String,
    /// Repository id of the head; `None` when that fork is gone.
    pub head_repo: Option<i64>,
    /// Base commit.
    pub base_sha: String,
    /// Base branch name.
    pub base_ref: String,
    /// Whether the head lives in another repository than the base.
    pub fork: bool,
    /// Draft.
    pub draft: bool,
    /// Open.
    pub open: bool,
    /// Merged.
    pub merged: bool,
    /// The merge commit, once merged.
    pub merge_commit_sha: Option<String>,
}

/// A comment as typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// GitHub's id; a command is unique by it.
    pub id: i64,
    /// Login of the author.
    pub author: String,
    /// GitHub marks Apps and machine accounts as bots; they command nothing.
    pub bot: bool,
    /// The raw Markdown.
    pub body: String,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// A check run named by an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRef {
    /// GitHub's id of the check run.
    pub id: i64,
    /// `fairway / NAME`.
    pub name: String,
    /// Ours: the run's id as text.
    pub external_id: String,
    /// The commit.
    pub head_sha: String,
    /// Id of the App that owns it.
    pub app_id: i64,
}
