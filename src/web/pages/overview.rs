//! `/`: is everything well, and what happened last.

use askama::Template;

use super::{Who, html, words};

/// What the front page shows.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    /// Unix milliseconds.
    pub now: i64,
    /// Who looks; how much work there is, only an admin sees.
    pub who: Who,
    /// Why something may be missing; empty when nothing is.
    pub note: String,
    /// Newest first; a page full.
    pub runs: Vec<RunLine>,
    /// Jobs that are due or dated.
    pub waiting: u64,
    /// Jobs that somebody works on.
    pub working: u64,
    /// Jobs that gave up.
    pub dead: u64,
    /// One for each installation.
    pub budgets: Vec<Budget>,
}

/// A run in the list.
#[derive(Clone, Debug, Default)]
pub struct RunLine {
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
    /// Unix milliseconds.
    pub created_at: i64,
    /// Milliseconds that it ran, once it ended.
    pub took: Option<i64>,
}

/// How many requests GitHub still answers.
#[derive(Clone, Debug, Default)]
pub struct Budget {
    /// Organisation.
    pub account: String,
    /// Left in this hour.
    pub left: u64,
    /// Of so many.
    pub limit: u64,
    /// Unix milliseconds; then it is full again.
    pub resets_at: i64,
}

#[derive(Template)]
#[template(path = "fairway/overview.html")]
struct Page<'a> {
    title: &'static str,
    feed: &'static str,
    tab: &'static str,
    who: &'a Who,
    note: &'a str,
    waiting: u64,
    working: u64,
    dead: u64,
    runs: Vec<RunRow>,
    budgets: Vec<BudgetRow>,
}

struct RunRow {
    id: i64,
    repo: String,
    pipeline: String,
    short: String,
    kind: &'static str,
    state: String,
    ago: String,
    took: String,
}

struct BudgetRow {
    account: String,
    left: u64,
    limit: u64,
    percent: u64,
    low: bool,
    resets: String,
}

/// The drawing for a run's or a step's state.
pub(super) fn kind(state: &str) -> &'static str {
    match state {
        "success" => "success",
        "failure" | "timed_out" | "startup_failure" | "lost" => "failure",
        "running" | "in_progress" => "running",
        "skipped" => "skipped",
        "cancelled" => "cancelled",
        "neutral" | "stale" => "neutral",
        "action_required" => "action",
        _ => "queued",
    }
}

impl Overview {
    /// The page as HTML.
    pub fn render(&self) -> String {
        let runs = self.runs.iter().map(|run| RunRow {
            id: run.id,
            repo: run.repo.clone(),
            pipeline: run.pipeline.clone(),
            short: run.sha.chars().take(7).collect(),
            kind: kind(&run.state),
            state: run.state.replace('_', " "),
            ago: words::ago(run.created_at, self.now),
            took: run.took.map(words::took).unwrap_or_default(),
        });
        let budgets = self.budgets.iter().map(|budget| {
            let percent = (budget.left * 100).checked_div(budget.limit).unwrap_or(0).min(100);
            BudgetRow {
                account: budget.account.clone(),
                left: budget.left,
                limit: budget.limit,
                percent,
                low: percent < 40,
                resets: words::due(budget.resets_at, self.now),
            }
        });
        html(&Page {
            title: "Overview",
            feed: "/events",
            tab: "overview",
            who: &self.who,
            note: &self.note,
            waiting: self.waiting,
            working: self.working,
            dead: self.dead,
            runs: runs.collect(),
            budgets: budgets.collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_jobs_and_a_low_budget_stand_out() {
        let run = RunLine {
            id: 7,
            repo: "acme/<shop>".into(),
            pipeline: "test".into(),
            sha: "abcdef0123".into(),
            state: "failure".into(),
            took: Some(4200),
            ..RunLine::default()
        };
        let budget = Budget { account: "acme".into(), left: 100, limit: 5000, resets_at: 120_000 };
        let who = Who { known: true, admin: true, ..Who::default() };
        let mut page = Overview { who, runs: vec![run], dead: 2, budgets: vec![budget], ..Overview::default() };
        let (all, less) = (page.render(), {
            page.who.admin = false;
            page.render()
        });
        assert!(less.contains("href=\"/runs/7\"") && !less.contains("dead job"), "{less}");
        let page = all;
        for part in ["href=\"/runs/7\"", "acme/&#60;shop&#62;", "abcdef0<", "4.2s", "class=\"meter low\"", "in 2m"] {
            assert!(page.contains(part), "{part} is missing in {page}");
        }
    }
}
