//! The body of an onboarding pull request that is there: what was found, what the branch says now, and what its checks did
//! on this very branch.

use super::next;
use crate::domain::detect::FILE;
use crate::domain::onboard::{OnboardState, Proposal, Skip, Stage};
use crate::domain::project::{Problem, Project};
use crate::domain::run::{cut_markdown, escape_md};

/// GitHub takes 65,536 characters; the rest is for the marker.
const MOST: usize = 65_000;

/// What its branch holds and did.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Whether somebody else pushed to it.
    pub edited: bool,
    /// `fairway.toml` there; `None` where it is as we made it, or gone.
    pub file: Option<Result<Project, Vec<Problem>>>,
    /// Each check of its head in a line: its name, what came of it.
    pub results: Vec<(String, String)>,
    /// The App's id: only its own checks count as required ones.
    pub app: i64,
}

/// The whole body.
pub fn body(state: &OnboardState, proposal: &Proposal, view: &View) -> String {
    let mut parts = Vec::new();
    match state.stage {
        Stage::Declined => parts.push(
            "**Closed: that means no.** Nothing of this runs, and Fairway does not ask again. \
             `/onboard` in a comment of any pull request here asks again.\n"
                .to_owned(),
        ),
        Stage::Done => parts.push("**Merged: the checks below run from now on.**\n".to_owned()),
        _ => {}
    }
    parts.push(intro(view, proposal));
    parts.push(proposal.found.clone());
    parts.push(if view.edited { edited(view) } else { proposal.checks.clone() });
    parts.push(results(view));
    parts.push(proposal.left_out.clone());
    parts.push(proposal.rules.clone());
    parts.push(missing(proposal));
    if !matches!(state.stage, Stage::Declined | Stage::Done) {
        parts.push(next());
    }
    parts.push(ruleset(view));
    parts.retain(|part| !part.is_empty());
    cut_markdown(&parts.join("\n"), MOST)
}

fn intro(view: &View, proposal: &Proposal) -> String {
    let files: Vec<String> = proposal.files.iter().map(|file| format!("`{}`", file.path)).collect();
    let what = match files.as_slice() {
        [only] => format!("This adds {only} and nothing else."),
        several => format!("This adds {}.", several.join(", ")),
    };
    let edited = if view.edited { " It was edited since it was opened; this describes what is there now." } else { "" };
    format!("{what}{edited}\n")
}

/// The checks as the branch has them now.
fn edited(view: &View) -> String {
    match &view.file {
        None => format!("### Checks\n\n`{FILE}` is not on this branch any more, so merging this changes nothing.\n"),
        Some(Err(problems)) => {
            let lines: String =
                problems.iter().take(10).map(|problem| format!("- {}\n", escape_md(&problem.to_string()))).collect();
            format!("### Checks\n\n`{FILE}` cannot be used as it is:\n\n{lines}")
        }
        Some(Ok(project)) if project.pipelines.is_empty() => {
            format!("### Checks\n\n`{FILE}` has no pipeline, so nothing runs.\n")
        }
        Some(Ok(project)) => crate::domain::speech::plan::checks(project),
    }
}

fn results(view: &View) -> String {
    if view.results.is_empty() {
        return String::new();
    }
    let line = |(name, what): &(String, String)| format!("| `fairway / {name}` | {} |\n", escape_md(what));
    let lines: String = view.results.iter().map(line).collect();
    format!("### What they did on this branch\n\n| Check | Result |\n|---|---|\n{lines}")
}

fn missing(proposal: &Proposal) -> String {
    if proposal.missing.is_empty() {
        return String::new();
    }
    let lines: String = proposal.missing.iter().map(|line| format!("- {}\n", escape_md(line))).collect();
    format!("### Permissions that are missing\n\n{lines}")
}

/// The rule that makes the checks required, to be imported by who may; without checks nothing.
fn ruleset(view: &View) -> String {
    let passed: Vec<&str> = view.results.iter().map(|(name, _)| name.as_str()).collect();
    if passed.is_empty() {
        return String::new();
    }
    let checks: Vec<serde_json::Value> = passed
        .iter()
        .map(|name| serde_json::json!({ "context": format!("fairway / {name}"), "integration_id": view.app }))
        .collect();
    let rule = serde_json::json!({
        "name": "Fairway's checks",
        "target": "branch",
        "enforcement": "active",
        "conditions": { "ref_name": { "include": ["~DEFAULT_BRANCH"], "exclude": [] } },
        "rules": [{
            "type": "required_status_checks",
            "parameters": {
                "required_status_checks": checks,
                "strict_required_status_checks_policy": false,
                "do_not_enforce_on_create": true,
            },
        }],
    });
    format!(
        "<details><summary>To make these checks required</summary>\n\nSave this as a file and import it under Settings, \
         Rules, Rulesets, New ruleset.\n\n```json\n{rule:#}\n```\n\n</details>\n"
    )
}

/// The message of the commit.
pub fn message() -> String {
    format!("{}\n\nFairway runs what it says on every pull request.\n", super::TITLE)
}

/// How far a repository is, for the page.
pub fn stage(state: &OnboardState) -> String {
    match state.stage {
        Stage::Idle(why) => skipped(why).to_owned(),
        Stage::Wanted => "its pull request waits for its turn".to_owned(),
        Stage::Open => "its pull request is open".to_owned(),
        Stage::Declined => "declined: its pull request was closed".to_owned(),
        Stage::Blocked => format!("GitHub did not let Fairway open it: {}", state.why),
        Stage::Done => format!("on the path: {FILE} is on the default branch"),
    }
}

/// Minutes until an installation has so many pull requests. Nobody waits for them, so they have a part of GitHub's limits:
/// sixty come in four minutes, then its hourly limit on pull requests and comments leaves about four a minute. Measured in
/// a test's time: 60 in 4 min, 297 in 61 min.
fn minutes(waiting: usize) -> usize {
    match waiting {
        0..=60 => waiting.div_ceil(15),
        more => 4 + (more - 60).div_ceil(4),
    }
}

/// How far all repositories are together, with an honest guess at the rest.
pub fn standing(states: &[OnboardState]) -> String {
    let count = |stage: &dyn Fn(Stage) -> bool| states.iter().filter(|state| stage(state.stage)).count();
    let parts = [
        (count(&|stage| stage == Stage::Done), "on the path"),
        (count(&|stage| stage == Stage::Open), "open"),
        (count(&|stage| stage == Stage::Declined), "declined"),
        (count(&|stage| stage == Stage::Blocked), "refused by GitHub"),
        (count(&|stage| matches!(stage, Stage::Idle(_))), "not asked"),
        (count(&|stage| stage == Stage::Wanted), "waiting"),
    ];
    let told: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let mut busiest: Vec<usize> = Vec::new();
    let mut installations: Vec<i64> = states.iter().map(|state| state.repo.installation).collect();
    installations.sort_unstable();
    installations.dedup();
    for installation in installations {
        let of = |state: &&OnboardState| state.repo.installation == installation && state.stage == Stage::Wanted;
        busiest.push(states.iter().filter(of).count());
    }
    match minutes(busiest.into_iter().max().unwrap_or(0)) {
        0 => format!("{}.", told.join(", ")),
        minutes => {
            format!("{}; the rest in about {minutes} min, at the pace that GitHub's limit leaves.", told.join(", "))
        }
    }
}

/// Why nothing is opened, in words.
pub fn skipped(why: Skip) -> &'static str {
    match why {
        Skip::Off => "switched off: `onboarding` is \"off\"",
        Skip::Ask => "waits for somebody's word",
        Skip::Filtered => "not meant: neither its name nor its topics are admitted",
        Skip::Archived => "archived",
        Skip::Fork => "a fork",
        Skip::Template => "a template",
        Skip::Empty => {
            "empty: it waits for its first commit; `fairway new PLAN NAME --org OWNER` makes one from a plan"
        }
        Skip::Gone => "gone",
    }
}

/// `/onboard` was heard.
pub fn asked() -> String {
    "Fairway looks at this repository again and opens the pull request that adds `fairway.toml`.".to_owned()
}

/// `/onboard` where there is nothing to do.
pub fn there_already() -> String {
    format!(
        "Not done: `{FILE}` is on the default branch already. To have it written anew, delete it there and type `/onboard` again."
    )
}

/// What the operator reads where GitHub says no.
pub fn blocked(message: &str) -> String {
    format!(
        "{message}. Let the App push branches named {}*, then type `/onboard` in a pull request there",
        crate::domain::onboard::BRANCH
    )
}
