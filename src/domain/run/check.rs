//! The check-run page: first the verdict, then the steps, then what a person needs to mend it.

use crate::domain::ids::short as short_sha;
use crate::domain::project::Problem;

use super::broken::broken_file;
use super::conclusion::Conclusion;
use super::cut::{MAX_OUTPUT, cut_markdown};
use super::markdown::{code, escape_md, fence, unseen};
use super::result::{RunResult, StepResult, StepState};
use super::steps::{human_time, short, table};
use super::tail::tail;

const TAIL_LINES: usize = 30;
const TAIL_CHARS: usize = 20_000;

/// All that a check run's page is made of.
#[derive(Clone, Copy, Debug)]
pub struct CheckView<'v> {
    /// The pipeline's name.
    pub pipeline: &'v str,
    /// The commit.
    pub sha: &'v str,
    /// Where it stands.
    pub shown: Shown<'v>,
    /// A page with the whole log, when one can be reached.
    pub log_url: Option<&'v str>,
    /// One sentence of the engine about itself, for example that it isolates less.
    pub engine_note: Option<&'v str>,
}

/// Where a check stands.
#[derive(Clone, Copy, Debug)]
pub enum Shown<'v> {
    /// Waits for its turn.
    Queued,
    /// At work.
    Running {
        /// All steps, also those to come.
        steps: &'v [StepResult],
        /// The log so far, or its end.
        log: &'v [u8],
    },
    /// It ran to an end.
    Finished(Finished<'v>),
    /// A newer commit took its place; holds that commit.
    Superseded(&'v str),
    /// Stopped by a person, by login.
    CancelledBy(&'v str),
    /// A pipeline that it needs did not pass.
    NotRun(&'v str),
    /// No changed file matches its `paths`.
    SkippedByPaths(&'v [String]),
    /// Its `on` leaves out this event, in GitHub's word.
    NotForTrigger(&'v str),
    /// A fork's commit that nobody has approved.
    AwaitingApproval,
    /// A fork's commit, and an engine that isolates too little to run it.
    ForkRefused,
    /// The repository has no `fairway.toml`.
    NoFile,
    /// The file has problems; never empty.
    BrokenFile(&'v [Problem]),
    /// Fairway could not do its part; one sentence that says why.
    Broken(&'v str),
    /// No engine can take it now; one sentence that says why.
    NoEngine(&'v str),
    /// Waits for these pipelines.
    Waits(&'v [String]),
    /// What it ran for is closed or gone.
    Closed,
    /// `fairway.toml` has no pipeline for pull requests.
    NothingSelected,
    /// The engine does not run it; one sentence of its own.
    Refused(&'v str),
}

/// A run that ended.
#[derive(Clone, Copy, Debug)]
pub struct Finished<'v> {
    /// Steps and notes; the annotations go by themselves.
    pub result: &'v RunResult,
    /// How it ended.
    pub conclusion: Conclusion,
    /// The failing step's log, or the whole one; its end is shown.
    pub log: &'v [u8],
    /// Annotations that stand on lines this change did not touch, and so are not shown.
    pub left_out: usize,
    /// How many checks of the repository's module it found.
    pub found: usize,
    /// The commit where it ran, when it did not run for this one.
    pub reused: Option<&'v str>,
}

/// GitHub's `output`, each part within its limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckText {
    /// One line.
    pub title: String,
    /// Markdown.
    pub summary: String,
    /// Markdown; details.
    pub text: Option<String>,
}

impl Shown<'_> {
    /// The conclusion to send; `None` while it is queued or at work.
    pub fn conclusion(&self) -> Option<Conclusion> {
        match self {
            Shown::Queued | Shown::Waits(_) | Shown::NoEngine(_) | Shown::Running { .. } => None,
            Shown::Finished(finished) => Some(finished.conclusion),
            Shown::Superseded(_) | Shown::CancelledBy(_) | Shown::Closed => Some(Conclusion::Cancelled),
            Shown::NotRun(_) | Shown::BrokenFile(_) | Shown::ForkRefused | Shown::Broken(_) => {
                Some(Conclusion::Failure)
            }
            Shown::SkippedByPaths(_) | Shown::NotForTrigger(_) => Some(Conclusion::Skipped),
            Shown::AwaitingApproval | Shown::Refused(_) => Some(Conclusion::ActionRequired),
            Shown::NoFile | Shown::NothingSelected => Some(Conclusion::Neutral),
        }
    }
}

/// The page of a check run.
pub fn check_output(view: &CheckView<'_>) -> CheckText {
    let (title, mut summary, text) = match view.shown {
        Shown::Running { steps, log } => running(steps, log),
        Shown::Finished(finished) => ended(view, &finished),
        Shown::BrokenFile(problems) => {
            let (title, summary) = broken_file(problems);
            (title, summary, None)
        }
        other => {
            let (title, summary) = sentence(view, other);
            (title, summary, None)
        }
    };
    let ran = matches!(view.shown, Shown::Running { .. } | Shown::Finished(_));
    if let Some(note) = view.engine_note.filter(|_| ran) {
        summary.push_str(&format!("\n{note}\n"));
    }
    if let Some(url) = view.log_url.filter(|_| ran) {
        summary.push_str(&format!("\n[Full log]({url})\n"));
    }
    CheckText {
        title: title.chars().filter(|c| !unseen(*c)).take(200).collect(),
        summary: cut_markdown(&summary, MAX_OUTPUT),
        text: text.map(|text| cut_markdown(&text, MAX_OUTPUT)),
    }
}

type Parts = (String, String, Option<String>);

/// The states that are told in a sentence or two.
fn sentence(view: &CheckView<'_>, shown: Shown<'_>) -> (String, String) {
    let name = code(view.pipeline);
    let (title, summary) = match shown {
        Shown::Superseded(by) => {
            let by = short_sha(by);
            (
                format!("Superseded by {by}"),
                format!("A newer commit, {by}, took the place of this one. Only its checks count now."),
            )
        }
        Shown::CancelledBy(who) => {
            let who = code(who);
            (String::from("Cancelled"), format!("Cancelled by {who}. Type `/retry {}` to run it again.", view.pipeline))
        }
        Shown::NotRun(need) => (
            format!("Not run: {need} did not pass"),
            format!(
                "{name} needs {}, which did not pass. Mend that one first; {name} then runs by itself.",
                code(need)
            ),
        ),
        Shown::SkippedByPaths(paths) => {
            let paths: Vec<String> = paths.iter().take(20).map(|path| code(path)).collect();
            let summary = format!("No changed file matches the `paths` of {name}: {}.", paths.join(", "));
            (String::from("Skipped: no matching file changed"), summary)
        }
        Shown::NotForTrigger(event) => {
            (format!("Skipped: not for {event}"), format!("The `on` of {name} does not name {}.", code(event)))
        }
        Shown::AwaitingApproval => fork(Some(view.sha)),
        Shown::ForkRefused => fork(None),
        Shown::NoFile => (
            String::from("No fairway.toml"),
            format!(
                "This repository has no `fairway.toml`, so there is nothing to check. Add one at the root:\n\n{}",
                fence("[pipeline.test]\nrun = [\"make test\"]")
            ),
        ),
        Shown::Broken(why) => {
            let summary = format!("{}\n\nType `/retry {}` to try again.", escape_md(why), view.pipeline);
            (String::from("Could not run"), summary)
        }
        Shown::Waits(_) | Shown::NoEngine(_) | Shown::Closed | Shown::NothingSelected | Shown::Refused(_) => {
            quiet(&name, shown)
        }
        Shown::Queued | Shown::Running { .. } | Shown::Finished(_) | Shown::BrokenFile(_) => {
            (String::from("Queued"), format!("{name} waits for its turn. Type `/cancel` to stop it."))
        }
    };
    (title, format!("{summary}\n"))
}

/// The states in which nothing is wrong with the code.
fn quiet(name: &str, shown: Shown<'_>) -> (String, String) {
    match shown {
        Shown::Waits(needs) => {
            let names: Vec<String> = needs.iter().map(|need| code(need)).collect();
            (format!("Waits for {}", needs.join(", ")), format!("{name} starts when {} passed.", names.join(" and ")))
        }
        Shown::NoEngine(why) => (
            String::from("Waiting for an engine"),
            format!(
                "No engine can run {name} now: {}. It starts by itself as soon as one answers. Type `/cancel` to stop it.",
                escape_md(why)
            ),
        ),
        Shown::NothingSelected => (
            String::from("No pipeline for pull requests"),
            String::from(
                "No pipeline in `fairway.toml` is for pull requests. Name `pull_request` in the `on` of one, or leave its `on` out.",
            ),
        ),
        Shown::Refused(why) => (String::from("Not run by this engine"), escape_md(why)),
        _ => (String::from("Closed"), format!("What {name} ran for was closed or removed.")),
    }
}

/// A fork's commit: `approvable` is the commit that `/run` would start, `None` where the engine refuses it.
fn fork(approvable: Option<&str>) -> (String, String) {
    match approvable {
        Some(sha) => (
            String::from("Waiting for approval"),
            format!(
                "This commit comes from a fork, so nothing of it runs by itself. After reading the change, someone with \
                 write access types `/run`. That counts for {} alone; a new push needs a new `/run`.",
                short_sha(sha)
            ),
        ),
        None => (
            String::from("Not run: this engine runs no forks"),
            String::from(
                "This commit comes from a fork, and the local engine isolates too little to run a stranger's code. Push \
                 the branch to this repository, or ask the operator for the Dagger engine (`FAIRWAY_ENGINE=dagger`).",
            ),
        ),
    }
}

fn running(steps: &[StepResult], log: &[u8]) -> Parts {
    let done = steps.iter().filter(|step| step.state == StepState::Passed).count();
    let title = match steps.iter().find(|step| step.state == StepState::Running) {
        Some(step) => format!("Running step {} of {}: {}", done + 1, steps.len(), short(&step.name)),
        None => String::from("Starting"),
    };
    let summary =
        format!("Running. {done} of {} steps done. Type `/cancel` to stop it.\n\n{}", steps.len(), table(steps));
    (title, summary, log_block(log))
}

/// Title and first line. `bad` is the step that decided, if one did.
fn verdict(steps: &[StepResult], bad: Option<&StepResult>, conclusion: Conclusion) -> (String, String) {
    let all = human_time(steps.iter().map(|step| step.millis.max(0)).fold(0, i64::saturating_add));
    match (bad, conclusion) {
        (_, Conclusion::Success) => {
            let title = format!("Passed in {all}");
            (title.clone(), format!("{title}."))
        }
        (Some(step), _) => {
            let (short, all) = (short(&step.name), all.as_str());
            let (what, more) = match step.state {
                StepState::Failed { exit } => ("Failed", format!(" with exit code {exit}")),
                StepState::TimedOut => ("Timed out", format!(" after {}", human_time(step.millis))),
                _ => ("Cancelled", String::new()),
            };
            (format!("{what}: {short}"), format!("{what} in {all}: {}{more}.", code(&short)))
        }
        (None, _) => (String::from("Did not finish"), format!("Did not finish after {all}.")),
    }
}

/// Title and first line of what did not have to run.
fn reused(view: &CheckView<'_>, sha: &str) -> (String, String) {
    let (sha, name) = (short_sha(sha), view.pipeline);
    (
        format!("Passed already in {sha}"),
        format!(
            "Not run again: {sha} has the same files, and `{name}` passed there with the same definition and secrets. \
             Type `/retry {name}` to run it all the same."
        ),
    )
}

fn ended(view: &CheckView<'_>, finished: &Finished<'_>) -> Parts {
    let steps = &finished.result.steps;
    let bad = steps
        .iter()
        .find(|step| matches!(step.state, StepState::Failed { .. } | StepState::TimedOut | StepState::Cancelled));
    let (title, verdict) = match finished.reused {
        Some(sha) => reused(view, sha),
        None if finished.found > 0 && finished.conclusion == Conclusion::Success => {
            let s = if finished.found == 1 { "" } else { "s" };
            let title = format!("Found {} check{s}", finished.found);
            (title.clone(), format!("{title} in the repository's Dagger module."))
        }
        None => verdict(steps, bad, finished.conclusion),
    };
    let mut summary = format!("{verdict}\n\n{}", table(steps));
    for note in finished.result.notes.iter().take(20) {
        summary.push_str(&format!("\n{}\n", escape_md(note)));
    }
    if let Some(answer) = &finished.result.answer {
        summary.push_str(&format!("\nIt returned:\n\n{}", fence(answer)));
    }
    if finished.left_out > 0 {
        let (s, verb) = if finished.left_out == 1 { ("", "is") } else { ("s", "are") };
        let count = finished.left_out;
        summary
            .push_str(&format!("\n{count} more remark{s} on lines that this change does not touch {verb} left out.\n"));
    }
    if finished.conclusion == Conclusion::Success {
        return (title, summary, None);
    }
    let command = format!("fairway run {} --sha {}", view.pipeline, short_sha(view.sha));
    summary.push_str(&format!("\nTo see the same on your machine:\n\n{}", fence(&command)));
    (title, summary, bad.map_or_else(|| log_block(finished.log), |step| failing(step, finished.log)))
}

/// The whole command and the end of what it printed.
fn failing(step: &StepResult, log: &[u8]) -> Option<String> {
    let command: String = step.name.chars().take(4000).collect();
    let block = log_block(log).unwrap_or_else(|| String::from("It printed nothing.\n"));
    Some(format!("The step:\n\n{}\n{block}", fence(&command)))
}

fn log_block(log: &[u8]) -> Option<String> {
    let shown = tail(log, TAIL_LINES, TAIL_CHARS);
    if shown.trim().is_empty() {
        return None;
    }
    let lines = shown.lines().count();
    let heading = if lines == 1 { String::from("The last line:") } else { format!("The last {lines} lines:") };
    Some(format!("{heading}\n\n{}", fence(&shown)))
}
