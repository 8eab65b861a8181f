//! What a pull request, or a merge, asks of an environment; and what is answered.

use serde::{Deserialize, Serialize};

use super::command::{Order, Verb};
use super::ids::Repo;

/// Something that is asked of an environment. Times are Unix milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Where.
    pub repo: Repo,
    /// The pull request it comes from; `None` for a push that no pull request is known for.
    pub pull: Option<i64>,
    /// The comment that holds the command; `None` where nobody typed one.
    pub comment: Option<i64>,
    /// Login of who asks; for a merge, who is known to have pushed it.
    pub by: String,
    /// What was typed; empty for a merge.
    pub line: String,
    /// The command; a merge is a deploy.
    pub verb: Verb,
    /// When it was typed.
    pub at: i64,
    /// The commit that is meant, in full: the head that was shown, or the merge commit.
    pub sha: String,
    /// Whether that commit is on the default branch.
    pub merged: bool,
    /// What is wanted.
    pub order: Order,
}

impl Ask {
    /// Whether it is the same request, told again.
    pub fn same(&self, other: &Ask) -> bool {
        (self.comment, self.at, &self.sha) == (other.comment, other.at, &other.sha)
    }
}

/// What came of a command that an environment decided on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The comment that holds it.
    pub comment: i64,
    /// Login of its author.
    pub author: String,
    /// What was typed.
    pub line: String,
    /// The command.
    pub verb: Verb,
    /// The commit it was bound to.
    pub sha: String,
    /// Where it stands now.
    pub outcome: Said,
    /// The words, Markdown.
    pub words: String,
}

/// Where a command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Said {
    /// It waits, or is being done.
    Pending,
    /// It was done.
    Done,
    /// It was refused, or came to nothing.
    Refused,
}

impl Said {
    /// The word in the `state` column of `commands`.
    pub fn as_str(self) -> &'static str {
        match self {
            Said::Pending => "pending",
            Said::Done => "done",
            Said::Refused => "refused",
        }
    }
}
