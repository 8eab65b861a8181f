//! `/jobs`: what gave up, with its error and a Retry button, and what waits.

use askama::Template;

use super::{Who, html, words};

/// What the page shows.
#[derive(Clone, Debug, Default)]
pub struct Jobs {
    /// Unix milliseconds.
    pub now: i64,
    /// Who looks.
    pub who: Who,
    /// Newest first.
    pub dead: Vec<JobLine>,
    /// By due date.
    pub waiting: Vec<JobLine>,
}

/// A job in a list.
#[derive(Clone, Debug, Default)]
pub struct JobLine {
    /// Of the job.
    pub id: i64,
    /// What it does, in one word.
    pub kind: String,
    /// Its lane.
    pub lane: String,
    /// How often it failed.
    pub failures: i64,
    /// Unix milliseconds.
    pub run_at: i64,
    /// Of the last failure.
    pub error: String,
}

#[derive(Template)]
#[template(path = "fairway/jobs.html")]
struct Page<'a> {
    title: &'static str,
    feed: &'static str,
    tab: &'static str,
    who: &'a Who,
    dead: Vec<Row<'a>>,
    waiting: Vec<Row<'a>>,
}

struct Row<'a> {
    job: &'a JobLine,
    when: String,
}

impl Jobs {
    /// The page as HTML. Retry posts `csrf` to `/jobs/ID/retry`.
    pub fn render(&self) -> String {
        let dead = self.dead.iter().map(|job| Row { job, when: words::ago(job.run_at, self.now) });
        let waiting = self.waiting.iter().map(|job| Row { job, when: words::due(job.run_at, self.now) });
        html(&Page {
            title: "Jobs",
            feed: "/events",
            tab: "jobs",
            who: &self.who,
            dead: dead.collect(),
            waiting: waiting.collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_job_shows_its_error_and_can_be_retried() {
        let job = JobLine {
            id: 4,
            kind: "sync_check".into(),
            lane: "check:42".into(),
            failures: 8,
            error: "502 <html>".into(),
            ..JobLine::default()
        };
        let who = Who { csrf: "c\"s".into(), ..Who::default() };
        let page = Jobs { who, dead: vec![job], ..Jobs::default() }.render();
        for part in ["action=\"/jobs/4/retry\"", "value=\"c&#34;s\"", "502 &#60;html&#62;", "check:42"] {
            assert!(page.contains(part), "{part} is missing in {page}");
        }
    }
}
