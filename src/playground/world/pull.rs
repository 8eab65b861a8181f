//! Pull requests and their conversation.

/// A pull request.
#[derive(Clone, Debug)]
pub struct Pull {
    /// GitHub's id.
    pub id: u64,
    /// The number after `#`.
    pub number: u64,
    /// First line.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// Login.
    pub author: String,
    /// Repository id of the head; differs from the base's for a fork.
    pub head_repo: u64,
    /// Branch without `refs/heads/`.
    pub head_ref: String,
    /// The commit it stands at; follows the branch while it is open.
    pub head_sha: String,
    /// Branch without `refs/heads/`.
    pub base_ref: String,
    /// The base's commit when it was opened or last pushed to.
    pub base_sha: String,
    /// Not ready for review.
    pub draft: bool,
    /// True until closed or merged.
    pub open: bool,
    /// Login and commit, once merged.
    pub merged: Option<Merged>,
    /// Label names.
    pub labels: Vec<String>,
    /// Who was asked for a review and has not given one; logins.
    pub requested: Vec<String>,
    /// Reviews, oldest first.
    pub reviews: Vec<Review>,
    /// What was said to single lines, oldest first.
    pub remarks: Vec<Remark>,
    /// Size against the base, as of `head_sha`.
    pub size: Size,
    /// What happened, oldest first.
    pub timeline: Vec<Happening>,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
    /// Unix milliseconds.
    pub closed_at: Option<i64>,
}

/// How a pull request ended well.
#[derive(Clone, Debug)]
pub struct Merged {
    /// Login.
    pub by: String,
    /// The merge commit.
    pub sha: String,
    /// Unix milliseconds.
    pub at: i64,
}

/// How big a pull request is and whether it merges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Lines.
    pub additions: u64,
    /// Lines.
    pub deletions: u64,
    /// Files.
    pub files: u64,
    /// Commits that the base lacks.
    pub commits: u64,
    /// False = conflict.
    pub mergeable: bool,
}

/// One entry of a pull request's conversation.
#[derive(Clone, Debug)]
pub struct Happening {
    /// Unix milliseconds.
    pub at: i64,
    /// Login.
    pub by: String,
    /// What.
    pub what: What,
}

/// What happened in a pull request. Ids point into the repository's maps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It began.
    Opened,
    /// The head moved.
    Pushed {
        /// SHA before.
        before: String,
        /// SHA after.
        after: String,
        /// First line of the newest commit.
        message: String,
        /// The old head is not an ancestor of the new one.
        forced: bool,
    },
    /// A comment by id; gone from the map when it was deleted.
    Commented(u64),
    /// Somebody was asked for a review.
    Requested(String),
    /// A review by id.
    Reviewed(u64),
    /// Labelled.
    Labeled(String),
    /// Unlabelled.
    Unlabeled(String),
    /// Closed without a merge.
    Closed,
    /// Merged as this commit.
    Merged(String),
    /// Open again.
    Reopened,
    /// Draft no more.
    Ready,
    /// A draft again.
    Drafted,
    /// The title changed.
    Renamed(String),
    /// Added to the merge queue with this head.
    Enqueued(String),
    /// Left the merge queue, for this reason.
    Dequeued(String),
    /// A deployment by id of one of its commits.
    Deployed(u64),
}

/// A review.
#[derive(Clone, Debug)]
pub struct Review {
    /// GitHub's id.
    pub id: u64,
    /// Login.
    pub author: String,
    /// `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED` or `DISMISSED`.
    pub state: String,
    /// Markdown.
    pub body: String,
    /// The head when it was given.
    pub commit_id: String,
    /// Unix milliseconds.
    pub at: i64,
}

/// A comment on a line of a file; GitHub's word is review comment.
#[derive(Clone, Debug)]
pub struct Remark {
    /// GitHub's id.
    pub id: u64,
    /// The review that it belongs to.
    pub review: u64,
    /// Login.
    pub author: String,
    /// The file.
    pub path: String,
    /// From 1, in the new file.
    pub line: u64,
    /// The change that it stands at.
    pub diff_hunk: String,
    /// Markdown.
    pub body: String,
    /// The head when it was written.
    pub commit_id: String,
    /// Unix milliseconds.
    pub at: i64,
}

/// A comment in a pull request's conversation.
#[derive(Clone, Debug)]
pub struct Comment {
    /// GitHub's id.
    pub id: u64,
    /// Pull request number.
    pub number: u64,
    /// Login.
    pub author: String,
    /// True when the App wrote it.
    pub by_app: bool,
    /// Markdown.
    pub body: String,
    /// Oldest first.
    pub reactions: Vec<Reaction>,
    /// Why it is folded away, as GitHub spells it: `resolved`, `outdated` and the like.
    pub minimised: Option<String>,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds; differs from `created_at` once edited.
    pub updated_at: i64,
}

/// An emoji on a comment.
#[derive(Clone, Debug)]
pub struct Reaction {
    /// GitHub's id.
    pub id: u64,
    /// Login.
    pub author: String,
    /// `+1 -1 laugh confused heart hooray rocket eyes`.
    pub content: String,
    /// Unix milliseconds.
    pub created_at: i64,
}
