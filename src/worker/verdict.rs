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

/// First pause after a failure; it doubles with each further one, up to `LONGEST_MS`.
const FIRST_MS: i64 = 1_000;
const LONGEST_MS: i64 = 15 * 60_000;

/// Judges an error after `failures` earlier ones.
pub fn verdict(error: &JobError, failures: i64, now: i64) -> Verdict {
    let backoff = now + FIRST_MS.saturating_mul(1 << failures.clamp(0, 12)).min(LONGEST_MS);
    match error {
        JobError::Wait { until, .. } => Verdict::Wait((*until).max(now)),
        JobError::GitHub(GitHubError::RateLimited { until_ms, .. }) => Verdict::Wait((*until_ms).max(now + 1_000)),
        JobError::GitHub(error) if hopeless(error) => Verdict::GiveUp,
        JobError::Unreadable(_) => Verdict::GiveUp,
        JobError::GitHub(_) | JobError::Other(_) => Verdict::Retry(backoff),
    }
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

    #[test]
    fn failures_back_off_and_waits_do_not_count() {
        let broken = JobError::Other(anyhow::anyhow!("store"));
        let at: Vec<i64> = [0, 1, 2, 20]
            .iter()
            .map(|&n| match verdict(&broken, n, 0) {
                Verdict::Retry(at) => at,
                _ => -1,
            })
            .collect();
        assert_eq!(at, [1_000, 2_000, 4_000, 900_000]);
        let wait = JobError::Wait { until: 70, why: "slot".into() };
        assert_eq!(verdict(&wait, 3, 50), Verdict::Wait(70));
    }
}
