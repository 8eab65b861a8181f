//! What becomes of news about a pull request or a repository, whether a delivery brought it or a look at GitHub.

use crate::domain::command::{self, Parsed};
use crate::domain::event::{Comment, Pull};
use crate::domain::ids::Repo;
use crate::domain::task::{Event, Key, Task};
use crate::store::RepoRow;

/// The event that tells a pull request what it looks like.
pub fn pull_seen(repo: Repo, pull: Pull, seen: i64) -> Task {
    Task::tell(Key::Pull(repo.id, pull.number), Event::Pull { repo, pull, seen })
}

/// A comment that is meant for us is acknowledged at once, before anything is decided.
pub fn said(repo: Repo, number: i64, comment: Comment) -> Vec<Task> {
    // A word that is near none of ours is another bot's: eyes without an answer would promise one.
    let others = matches!(command::parse(&comment.body), Parsed::NotForUs | Parsed::Unknown { did_you_mean: None, .. });
    if comment.bot || others {
        return Vec::new();
    }
    let eyes = Task::SyncReaction { repo: repo.clone(), comment: comment.id };
    let event = Task::tell(Key::Pull(repo.id, number), Event::Comment { repo, comment });
    vec![eyes, event]
}

/// A repository as its row.
pub fn row(repo: &Repo, now: i64) -> RepoRow {
    RepoRow {
        id: repo.id,
        installation_id: repo.installation,
        owner: repo.owner.clone(),
        name: repo.name.clone(),
        default_branch: repo.default_branch.clone(),
        comments_cursor: None,
        updated_at: now,
    }
}
