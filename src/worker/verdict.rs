//! The one place that says what a failure means for its job: again later, or never.

use crate::github::GitHubError;

/// Why a job did not get done.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// GitHub said no, or nothing.
    #[error(transparent)]
    GitHub(#[from] GitHubError),
    /// Nothing is wrong; it is not yet time.
    #[error("waits: {why}")]
    Wait {
        /// Unix milliseconds.
        until: i64,
        /// For the operator.
        why: String,
    },
    /// What GitHub sent cannot be read. It stays as unreadable as it is, and must not hold up its lane meanwhile.
    #[error("{0}")]
    Unreadable(String),
    /// Everything else: the store, a bug.
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

/// What becomes of the job.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Again at this time; it counts as a failure.
    Retry(i64),
    /// Again at this time; nobody's fault.
    Wait(i64),
    /// Never: repeating cannot help.
    GiveUp,
}

/// What a job has been through.
#[derive(Clone, Copy, Debug)]
pub struct Past {
    /// Claims so far, this one included.
    pub attempt: i64,
    /// How many of them failed.
    pub failures: i64,
    /// When it was added; Unix milliseconds.
    pub created_at: i64,
}

/// First pause after a failure; it doubles with each further one, up to `LONGEST_MS`.
const FIRST_MS: i64 = 1_000;
const LONGEST_MS: i64 = 15 * 60_000;
/// While GitHub is away it is asked at least this often.
const AWAY_MS: i64 = 2 * 60_000;
/// No job dies of GitHub being away for less than this.
const OUTAGE_MS: i64 = 24 * 3_600_000;

/// Judges an error.
pub fn verdict(error: &JobError, past: Past, now: i64) -> Verdict {
    let pause = |tries: i64, longest: i64| now + FIRST_MS.saturating_mul(1 << tries.clamp(0, 12)).min(longest);
    let backoff = pause(past.failures, LONGEST_MS);
    match error {
        JobError::GitHub(error) if away(error) && now - past.created_at < OUTAGE_MS => {
            Verdict::Wait(pause(past.attempt - 1, AWAY_MS))
        }
        JobError::Wait { until, .. } => Verdict::Wait((*until).max(now)),
        JobError::GitHub(GitHubError::RateLimited { until_ms, .. }) => Verdict::Wait((*until_ms).max(now + 1_000)),
        JobError::GitHub(error) if hopeless(error) => Verdict::GiveUp,
        JobError::Unreadable(_) => Verdict::GiveUp,
        JobError::GitHub(_) | JobError::Other(_) => Verdict::Retry(backoff),
    }
}

/// GitHub itself, or the way to it, is what fails; the job is as good as it was.
fn away(error: &GitHubError) -> bool {
    matches!(
        error,
        GitHubError::Unavailable { .. }
            | GitHubError::Ambiguous { .. }
            | GitHubError::NotJson { .. }
            | GitHubError::Unauthorized { .. }
    )
}

/// Repeating the same request gives the same answer.
fn hopeless(error: &GitHubError) -> bool {
    matches!(
        error,
        GitHubError::NotFound { .. }
            | GitHubError::Forbidden { .. }
            | GitHubError::Invalid { .. }
            | GitHubError::Suspended
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(failures: i64) -> Past {
        Past { attempt: failures + 1, failures, created_at: 0 }
    }

    #[test]
    fn failures_back_off_and_waits_do_not_count() {
        let broken = JobError::Other(anyhow::anyhow!("store"));
        let at: Vec<i64> = [0, 1, 2, 20]
            .iter()
            .map(|&n| match verdict(&broken, past(n), 0) {
                Verdict::Retry(at) => at,
                _ => -1,
            })
            .collect();
        assert_eq!(at, [1_000, 2_000, 4_000, 900_000]);
        let wait = JobError::Wait { until: 70, why: "slot".into() };
        assert_eq!(verdict(&wait, past(3), 50), Verdict::Wait(70));
    }

    #[test]
    fn an_outage_of_github_kills_no_job_within_a_day() {
        let away = GitHubError::Unavailable { what: "GET /".into(), why: "status 502".into() };
        let away = JobError::GitHub(away);
        assert_eq!(verdict(&away, Past { attempt: 1, ..past(0) }, 0), Verdict::Wait(1_000));
        assert_eq!(verdict(&away, Past { attempt: 50, ..past(0) }, 5), Verdict::Wait(120_005));
        assert_eq!(verdict(&away, past(3), OUTAGE_MS), Verdict::Retry(OUTAGE_MS + 8_000));
    }
}
