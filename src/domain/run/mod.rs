//! What came out of a run, and how GitHub shows it: results, reports as annotations, and the check-run page,
//! always within GitHub's limits.

mod annotation;
mod broken;
mod changed;
mod check;
mod conclusion;
mod cut;
mod junit;
mod markdown;
mod messages;
mod read;
mod result;
mod sarif;
mod steps;
mod tail;

pub use annotation::{Annotation, BATCH, Level, MAX_ANNOTATIONS, Report, batches, relative};
pub use broken::problem_annotations;
pub use changed::{FileChange, changed_lines, on_changed_lines};
pub use check::{CheckText, CheckView, Finished, Shown, check_output};
pub use conclusion::Conclusion;
pub use cut::{MAX_OUTPUT, cut_markdown};
pub use junit::junit;
pub use markdown::{code, escape_md, fence, unseen};
pub use messages::cargo_json;
pub use read::read_report;
pub use result::{RunResult, StepResult, StepState, conclusion};
pub use sarif::sarif;
pub use steps::human_time;
pub use tail::{strip_ansi, tail};

#[cfg(test)]
mod tests;
