//! Check suites and check runs.

/// All check runs of the App on one commit.
#[derive(Clone, Debug)]
pub struct CheckSuite {
    /// GitHub's id.
    pub id: u64,
    /// The commit.
    pub head_sha: String,
    /// Branch, none when the commit was pushed to a fork only.
    pub head_branch: Option<String>,
    /// The branch's commit before.
    pub before: Option<String>,
    /// Set to queued by a re-run until a run of the suite changes.
    pub requeued: bool,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
}

/// A check run.
#[derive(Clone, Debug)]
pub struct CheckRun {
    /// GitHub's id.
    pub id: u64,
    /// Its suite.
    pub suite: u64,
    /// For example `fairway / test`.
    pub name: String,
    /// The commit.
    pub head_sha: String,
    /// The App's own id for it.
    pub external_id: String,
    /// Where "Details" leads.
    pub details_url: String,
    /// `queued`, `in_progress` or `completed`.
    pub status: String,
    /// Only when completed.
    pub conclusion: Option<String>,
    /// Unix milliseconds.
    pub started_at: Option<i64>,
    /// Unix milliseconds.
    pub completed_at: Option<i64>,
    /// First line of the page.
    pub title: Option<String>,
    /// Markdown.
    pub summary: Option<String>,
    /// Markdown.
    pub text: Option<String>,
    /// Grows with every PATCH; nothing removes one.
    pub annotations: Vec<Annotation>,
    /// Buttons, shown once completed.
    pub actions: Vec<Action>,
    /// How often it was updated.
    pub updates: u64,
}

/// A remark on a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// File.
    pub path: String,
    /// From 1.
    pub start_line: u64,
    /// From 1.
    pub end_line: u64,
    /// Only when it is one line.
    pub columns: Option<(u64, u64)>,
    /// `notice`, `warning` or `failure`.
    pub level: String,
    /// At most 255 characters.
    pub title: Option<String>,
    /// At most 64 KB.
    pub message: String,
    /// At most 64 KB.
    pub raw_details: Option<String>,
}

/// A button on a finished check run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// On the button.
    pub label: String,
    /// Beside it.
    pub description: String,
    /// Comes back in `check_run.requested_action`.
    pub identifier: String,
}
