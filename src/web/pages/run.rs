//! `/runs/ID`: one run, step by step, live while it runs. Without script the same page is read by reload.

use askama::Template;

use super::overview::kind;
use super::{Who, ansi, html, words};

/// What the page of a run shows.
#[derive(Clone, Debug, Default)]
pub struct RunPage {
    /// Unix milliseconds.
    pub now: i64,
    /// Who looks.
    pub who: Who,
    /// Of the run.
    pub id: i64,
    /// `owner/name`.
    pub repo: String,
    /// As in `fairway.toml`.
    pub pipeline: String,
    /// Whole.
    pub sha: String,
    /// `queued`, `running`, or the conclusion in GitHub's word.
    pub state: String,
    /// One sentence: how it went, or why it does not run.
    pub verdict: String,
    /// Which engine ran it, and where.
    pub engine: String,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub started_at: Option<i64>,
    /// Unix milliseconds.
    pub finished_at: Option<i64>,
    /// Where GitHub shows the check run.
    pub github_url: Option<String>,
    /// What to type to run the same locally.
    pub reproduce: String,
    /// In order.
    pub steps: Vec<Step>,
}

/// One step of a run.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// What is run.
    pub command: String,
    /// `queued`, `running`, `success`, `failure`, `cancelled`, `skipped` or `timed_out`.
    pub state: String,
    /// Milliseconds until now or its end, once it started.
    pub took: Option<i64>,
    /// Once it ended by itself.
    pub exit_code: Option<i32>,
    /// The end of its output, with the terminal's colours.
    pub tail: String,
    /// Lines of output before the tail.
    pub lines_before: u64,
    /// It did not have to run: the engine had the result.
    pub cached: bool,
}

#[derive(Template)]
#[template(path = "fairway/run.html")]
struct Page<'a> {
    title: String,
    feed: String,
    tab: &'static str,
    who: &'a Who,
    run: &'a RunPage,
    kind: &'static str,
    state: String,
    short: String,
    started: String,
    took: String,
    ended: bool,
    steps: Vec<StepRow<'a>>,
}

struct StepRow<'a> {
    number: usize,
    command: &'a str,
    kind: &'static str,
    state: String,
    took: String,
    exit: String,
    log: String,
    before: u64,
    open: bool,
    cached: bool,
}

impl RunPage {
    /// The page as HTML. It listens to `/runs/ID/events` while the run has not ended: any message there means "look
    /// again", the event `end` means that nothing more will come. The log is at `/runs/ID/log`.
    pub fn render(&self) -> String {
        let ended = self.finished_at.is_some();
        let span = self.started_at.map(|from| words::took(self.finished_at.unwrap_or(self.now) - from));
        html(&Page {
            title: format!("{} · {}", self.pipeline, self.repo),
            feed: if ended { String::new() } else { format!("/runs/{}/events", self.id) },
            tab: "",
            who: &self.who,
            run: self,
            kind: kind(&self.state),
            state: self.state.replace('_', " "),
            short: self.sha.chars().take(7).collect(),
            started: words::ago(self.created_at, self.now),
            took: span.unwrap_or_default(),
            ended,
            steps: self.steps.iter().enumerate().map(|(index, step)| row(index + 1, step)).collect(),
        })
    }
}

fn row(number: usize, step: &Step) -> StepRow<'_> {
    let kind = kind(&step.state);
    StepRow {
        number,
        command: &step.command,
        kind,
        state: format!("{}{}", step.state.replace('_', " "), if step.cached { ", cached" } else { "" }),
        took: step.took.map(words::took).unwrap_or_default(),
        exit: step.exit_code.filter(|code| *code != 0).map(|code| format!("exit code {code}")).unwrap_or_default(),
        log: ansi::to_html(&step.tail),
        before: step.lines_before,
        cached: step.cached,
        open: matches!(kind, "failure" | "running"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(state: &str) -> RunPage {
        let passed = Step {
            command: "cargo fmt --check".into(),
            state: "success".into(),
            took: Some(300),
            exit_code: Some(0),
            cached: true,
            ..Step::default()
        };
        let failed = Step {
            command: "cargo test".into(),
            state: state.into(),
            took: Some(4200),
            exit_code: Some(101),
            tail: "\u{1b}[31merror\u{1b}[0m: <oops>".into(),
            lines_before: 40,
            cached: false,
        };
        RunPage {
            id: 9,
            repo: "acme/shop".into(),
            pipeline: "test".into(),
            state: state.into(),
            finished_at: (state != "running").then_some(5),
            steps: vec![passed, failed],
            ..RunPage::default()
        }
    }

    #[test]
    fn the_failed_step_is_open_with_its_exit_code_and_tail() {
        let page = run("failure").render();
        assert!(page.contains("<details class=\"step\" id=\"step2\" open>"), "{page}");
        assert!(page.contains("<details class=\"step\" id=\"step1\">"), "{page}");
        assert!(page.contains("<span class=\"a-red\">error</span>: &lt;oops&gt;"), "{page}");
        assert!(page.contains("success, cached") && page.contains("did not run and printed nothing"), "{page}");
        assert!(page.contains("exit code 101") && page.contains("40 lines before this"), "{page}");
    }

    #[test]
    fn only_a_run_that_goes_on_listens() {
        assert!(run("running").render().contains("data-feed=\"/runs/9/events\""));
        assert!(!run("failure").render().contains("data-feed"));
    }
}
