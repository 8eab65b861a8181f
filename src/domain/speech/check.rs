//! A check run's page, from what stands in the run's row.

use crate::domain::decide::Why;
use crate::domain::record::Body;
use crate::domain::run::{CheckText, CheckView, Conclusion, Finished, Shown, check_output};

/// What is known of a run when its page is written.
pub struct Row<'a> {
    /// Pipeline name.
    pub pipeline: &'a str,
    /// Its `paths`.
    pub paths: &'a [String],
    /// The commit.
    pub sha: &'a str,
    /// Whether it is at work now.
    pub running: bool,
    /// Once done.
    pub conclusion: Option<Conclusion>,
    /// What came of it so far.
    pub body: &'a Body,
    /// The whole log, where people can reach it.
    pub log_url: Option<&'a str>,
    /// The engine's sentence about itself; empty when there is none.
    pub engine_note: &'a str,
}

/// Writes the page.
pub fn page(row: &Row<'_>) -> CheckText {
    check_output(&CheckView {
        pipeline: row.pipeline,
        sha: row.sha,
        shown: shown(row),
        log_url: row.log_url,
        engine_note: Some(row.engine_note).filter(|note| !note.is_empty()),
    })
}

fn shown<'a>(row: &Row<'a>) -> Shown<'a> {
    let body = row.body;
    let (result, log) = (&body.result, body.tail.as_bytes());
    match (&body.why, row.conclusion) {
        (Some(Why::Waits { needs }), None) if !row.running => Shown::Waits(needs),
        (Some(Why::NoEngine { sentence }), None) => Shown::NoEngine(sentence),
        (_, None) if row.running => Shown::Running { steps: &result.steps, log },
        (_, None) => Shown::Queued,
        (None | Some(Why::Waits { .. } | Why::NoEngine { .. }), Some(conclusion)) => {
            let reused = body.reused.as_ref().map(|old| old.sha.as_str());
            Shown::Finished(Finished {
                result,
                conclusion,
                log,
                left_out: body.left_out,
                found: body.found.len(),
                reused,
            })
        }
        (Some(why), Some(_)) => reason(row, why),
    }
}

fn reason<'a>(row: &Row<'a>, why: &'a Why) -> Shown<'a> {
    match why {
        Why::Superseded { by } => Shown::Superseded(by),
        Why::Cancelled { by } => Shown::CancelledBy(by),
        Why::Closed => Shown::Closed,
        Why::Waits { needs } => Shown::Waits(needs),
        Why::NotRun { need } => Shown::NotRun(need),
        Why::Paths => Shown::SkippedByPaths(row.paths),
        Why::NotForQueue => Shown::NotForTrigger("merge_group"),
        Why::Approval => Shown::AwaitingApproval,
        Why::Refused { sentence } => Shown::Refused(sentence),
        Why::NoEngine { sentence } => Shown::NoEngine(sentence),
        Why::NoFile => Shown::NoFile,
        Why::NothingSelected => Shown::NothingSelected,
        Why::Broken { problems } => Shown::BrokenFile(problems),
        Why::Trouble { sentence } => Shown::Broken(sentence),
    }
}
