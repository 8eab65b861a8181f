//! `/plans`: who follows which plan, on which version, and how far a new one has come.

use askama::Template;

use super::words::{Piece, pieces};
use super::{Who, html};

/// What the page shows.
#[derive(Clone, Debug, Default)]
pub struct Plans {
    /// Who looks.
    pub who: Who,
    /// Why something may be missing; empty when nothing is.
    pub note: String,
    /// By name.
    pub all: Vec<Plan>,
}

/// One plan.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// As behind `plan =`.
    pub name: String,
    /// Where its newest version stands.
    pub standing: String,
    /// Whether that is no good news.
    pub bad: bool,
    /// Why what its repository has cannot be used; empty: it can.
    pub trouble: String,
    /// By cohort and name.
    pub members: Vec<Member>,
}

/// A repository that follows it.
#[derive(Clone, Debug, Default)]
pub struct Member {
    /// `owner/name`.
    pub repo: String,
    /// The version on its default branch.
    pub version: String,
    /// Its cohort, from 1; empty: none.
    pub cohort: String,
    /// How far it is.
    pub stage: String,
    /// Its pull request at GitHub, and its number.
    pub pull: Option<(String, i64)>,
}

/// A repository, and how far it is.
type Line<'a> = (&'a Member, Vec<Piece>);

#[derive(Template)]
#[template(path = "fairway/plans.html")]
struct Page<'a> {
    title: &'static str,
    feed: &'static str,
    tab: &'static str,
    who: &'a Who,
    note: &'a str,
    plans: Vec<(&'a Plan, Vec<Line<'a>>)>,
}

impl Plans {
    /// The page as HTML.
    pub fn render(&self) -> String {
        let mut plans = Vec::new();
        for plan in &self.all {
            plans.push((plan, plan.members.iter().map(|one| (one, pieces(&one.stage))).collect()));
        }
        html(&Page { title: "Plans", feed: "/plans/events", tab: "plans", who: &self.who, note: &self.note, plans })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_that_stopped_says_so_and_names_everybody() {
        let member = Member {
            repo: "acme/<a>".into(),
            version: "1.0.0".into(),
            cohort: "1".into(),
            stage: "failed: its checks failed".into(),
            pull: Some(("https://hub.example/acme/a/pull/1".into(), 1)),
        };
        let plan = Plan {
            name: "acme/plans/web@1".into(),
            standing: "1.1.0: stopped".into(),
            bad: true,
            trouble: String::new(),
            members: vec![member],
        };
        let page = Plans { all: vec![plan], ..Plans::default() }.render();
        for part in ["acme/plans/web@1", "1.1.0: stopped", "acme/&#60;a&#62;", "failed: its checks failed", "/pull/1"] {
            assert!(page.contains(part), "{part} is missing in {page}");
        }
        assert!(Plans::default().render().contains("No repository follows a plan yet"));
    }
}
