//! Names for GitHub's things. Ids are GitHub's own numbers; names are kept only to build addresses, because they change.

use serde::{Deserialize, Serialize};

/// A repository as GitHub names it today, with the installation through which Fairway reaches it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Repo {
    /// Installation id; writes are budgeted by it.
    pub installation: i64,
    /// Repository id; stable over renames and transfers, and therefore what lanes and keys use.
    pub id: i64,
    /// Login of the owner, as of the event that brought it.
    pub owner: String,
    /// Name without the owner.
    pub name: String,
    /// Name of the default branch.
    pub default_branch: String,
}

impl Repo {
    /// `owner/name`, for addresses and for people.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }
}

/// The first seven characters of a commit, as GitHub shows it.
pub fn short(sha: &str) -> &str {
    sha.get(..7).unwrap_or(sha)
}
