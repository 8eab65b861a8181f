//! What is measured, as rows that a store can fill. All times are Unix milliseconds.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// Everything that is known, of any number of repositories, services and environments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Input {
    /// Rollouts of all time; those in flight too.
    pub rollouts: Vec<RolloutRow>,
    /// What is new in each rollout against its base.
    pub commits: Vec<CommitRow>,
    /// Pull requests.
    pub pulls: Vec<PullRow>,
    /// Check runs.
    pub runs: Vec<RunRow>,
    /// Pushes to branches of pull requests.
    pub pushes: Vec<PushRow>,
    /// People who came, without their names: nobody is ranked.
    pub newcomers: Vec<NewcomerRow>,
}

/// From when to when; the end does not belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Start.
    pub since_ms: i64,
    /// End.
    pub until_ms: i64,
}

impl Span {
    /// The span that ends at `now_ms` and begins at `since`: `30d`, `12h`, `4w` before it, or on a day, `2026-11-01`
    /// (UTC).
    ///
    /// # Errors
    /// What is wrong with `since` and what to write.
    pub fn since(since: &str, now_ms: i64) -> Result<Span, String> {
        let since_ms = day(since).or_else(|| before(since, now_ms));
        since_ms
            .filter(|since_ms| *since_ms < now_ms)
            .map(|since_ms| Span { since_ms, until_ms: now_ms })
            .ok_or_else(|| "--since is a time before now: write `30d`, `12h`, `4w` or a day as `2026-11-01`".to_owned())
    }

    /// Whether an instant lies in it.
    pub fn holds(self, at_ms: i64) -> bool {
        (self.since_ms..self.until_ms).contains(&at_ms)
    }

    /// Its length in days; 0 when it ends before it begins.
    pub fn days(self) -> f64 {
        self.until_ms.saturating_sub(self.since_ms).max(0) as f64 / 86_400_000.0
    }
}

fn day(text: &str) -> Option<i64> {
    let date = Some(text).filter(|text| text.len() == 10)?.parse::<Date>().ok()?;
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

fn before(text: &str, now_ms: i64) -> Option<i64> {
    let unit = match text.chars().next_back()? {
        'h' => 3_600_000,
        'd' => 86_400_000,
        'w' => 7 * 86_400_000,
        _ => return None,
    };
    let number = text.get(..text.len() - 1).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
    now_ms.checked_sub(number.parse::<i64>().ok()?.checked_mul(unit)?)
}

/// One rollout: a row of the store's table of rollouts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RolloutRow {
    /// The store's number.
    pub id: i64,
    /// `owner/name`.
    pub repository: String,
    /// What is deployed; a repository may have several.
    pub service: String,
    /// The environment's name.
    pub environment: String,
    /// What was rolled out.
    pub sha: String,
    /// What was live before, if anything was.
    pub base_sha: Option<String>,
    /// Whether the commits between `base_sha` and `sha` are in [`Input::commits`]. False when the comparison
    /// answered 404, for example after a force-push.
    pub commits_known: bool,
    /// What it was for.
    pub kind: Kind,
    /// The pull request from which it was commanded.
    pub pull: Option<i64>,
    /// For a rollback: the rollout that it takes back.
    pub rollback_of: Option<i64>,
    /// The pull request named by `--fixes #n`.
    pub fixes: Option<i64>,
    /// The command was accepted.
    pub accepted_at: i64,
    /// The release was there; equal to `accepted_at` when it was built before.
    pub build_done_at: Option<i64>,
    /// A weight above 0 was first seen.
    pub first_traffic_at: Option<i64>,
    /// 100 % was first seen.
    pub full_at: Option<i64>,
    /// It got its outcome. The span is cut by this.
    pub ended_at: Option<i64>,
    /// `None` while it is in flight.
    pub outcome: Option<Outcome>,
    /// The largest share that it had, in hundredths of a per cent.
    pub max_weight: u16,
    /// The verdict in words.
    pub decision: Option<String>,
    /// Whoever took it back by hand said that it was no failure; of a rollback, that what it takes back was none.
    pub not_a_failure: bool,
    /// A failure after it went live that somebody or something told. Reverts, rollbacks and fixes that went live are
    /// found without it.
    pub later: Option<Later>,
    /// When something first showed that it is bad.
    pub detected_at: Option<i64>,
    /// When it was decided to take it back.
    pub decided_at: Option<i64>,
    /// When the old version was seen at 100 % again.
    pub restored_at: Option<i64>,
    /// Sum of share (0 to 1) x minutes.
    pub exposure_weight_minutes: f64,
    /// Bad requests that it served.
    pub exposure_bad: i64,
}

/// What a rollout was for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A change.
    #[default]
    Planned,
    /// A change in a hurry.
    Hotfix,
    /// Back to an earlier release.
    Rollback,
    /// What was live already, again.
    Redeploy,
    /// The same commit with other variables or secrets.
    Config,
}

/// How a rollout ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It reached 100 %.
    Live,
    /// Fairway took it back.
    AbortedAuto,
    /// A person took it back.
    AbortedManual,
    /// It never got a request: no build, or never healthy.
    FailedBeforeTraffic,
    /// A newer one took its place.
    Superseded,
    /// A person called it off before it had traffic.
    Cancelled,
}

/// A failure after a rollout was live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Later {
    /// When it began to be bad, as far as known.
    pub failed_at: i64,
    /// What told it.
    pub by: By,
}

/// What told that a live rollout was a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// It was rolled back.
    Rollback,
    /// It was reverted, and the revert is live.
    Revert,
    /// It was mended in a hurry, and that is live.
    Hotfix,
    /// An incident names it.
    Incident,
}

/// A commit that a rollout brought: one of the comparison of its base with its commit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CommitRow {
    /// The rollout's id.
    #[serde(skip)]
    pub rollout: i64,
    /// Its name.
    pub sha: String,
    /// The committer's time.
    pub committed_at: i64,
    /// How many parents it has; two or more is a merge.
    pub parents: u32,
    /// The pull request that brought it.
    pub pull: Option<i64>,
    /// What of its message says that it takes something back; see [`super::says_revert`].
    #[serde(default)]
    pub message: String,
}

/// A pull request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PullRow {
    /// `owner/name`.
    #[serde(skip)]
    pub repository: String,
    /// Its number.
    pub number: i64,
    /// Its title.
    pub title: String,
    /// Its text, or what of it says that it takes something back; see [`super::says_revert`].
    pub body: String,
    /// The branch that it comes from.
    pub head: String,
    /// Names of its labels.
    pub labels: Vec<String>,
    /// When it was opened.
    pub opened_at: i64,
    /// When it last became ready for review, if it ever was a draft.
    pub ready_at: Option<i64>,
    /// Whether it is a draft: nobody is asked to look at it yet.
    #[serde(skip)]
    pub draft: bool,
    /// When a review was last asked for.
    pub review_requested_at: Option<i64>,
    /// When it was merged.
    pub merged_at: Option<i64>,
    /// Its own commits, before any squash or rebase; empty when they are not known.
    pub commits: Vec<OwnCommit>,
    /// When the first commit was made that was pushed to its branch; `None` when not all pushes are known.
    #[serde(skip)]
    pub first_authored_at: Option<i64>,
    /// Reviews and comments; `None` when nobody listened from the beginning.
    #[serde(skip)]
    pub reviews: Option<Vec<ReviewRow>>,
}

/// A commit of a pull request's branch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OwnCommit {
    /// Its name.
    pub sha: String,
    /// The author's time.
    pub authored_at: i64,
    /// The committer's time.
    pub committed_at: i64,
    /// How many parents it has; two or more is a merge.
    pub parents: u32,
}

/// A review or a comment on a pull request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReviewRow {
    /// When.
    pub at: i64,
    /// Whether it is by a person other than the pull request's author.
    pub by_another_human: bool,
    /// Whether it is an approval.
    pub approved: bool,
}

/// A check run, one row an attempt.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunRow {
    /// `owner/name`.
    pub repository: String,
    /// The commit.
    pub sha: String,
    /// The check's name.
    pub check: String,
    /// From 1; a re-run of the same check on the same commit is 2.
    pub attempt: u32,
    /// Whether a merge needs it.
    pub required: bool,
    /// When it was asked for.
    pub created_at: i64,
    /// When it began to work.
    pub started_at: Option<i64>,
    /// When it ended.
    pub completed_at: Option<i64>,
    /// Whether it passed.
    pub passed: bool,
    /// Somebody or something stopped it: its end says nothing about how long it takes.
    pub stopped: bool,
}

/// A push to the branch of a pull request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PushRow {
    /// `owner/name`.
    pub repository: String,
    /// The pull request's number.
    pub pull: i64,
    /// When.
    pub at: i64,
}

/// Somebody who is new in a repository.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewcomerRow {
    /// `owner/name`.
    pub repository: String,
    /// When they were made a member, or first pushed.
    pub joined_at: i64,
    /// When their first pull request was merged, if one was.
    pub first_merged_at: Option<i64>,
}
