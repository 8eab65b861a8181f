//! What is said of plans: the pull request that moves a repository to a version, commands, and how far the others are.

use super::onboard::code;
use crate::domain::ids::{Repo, short};
use crate::domain::plan::{Change, Conflict, Lock, Member, Merged, Name, PlanState, Release, Stage, Version};
use crate::domain::project::Project;
use crate::domain::run::{cut_markdown, escape_md};

/// GitHub takes 65,536 characters.
const MOST: usize = 65_000;
/// A conflict's diff is cut after so many lines.
const DIFF_LINES: usize = 60;

/// The pull request's title.
pub fn title(lock: &Lock, release: &Release) -> String {
    format!("Move from {} to {} of {}", lock.version.0, release.version, name(&lock.plan))
}

fn name(plan: &str) -> &str {
    plan.split('@').next().unwrap_or(plan)
}

/// The message of the commit.
pub fn message(lock: &Lock, release: &Release) -> String {
    format!("{}\n\nWhat was changed here since stays.\n", title(lock, release))
}

/// What a pull request's checks did, or that it is over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Each check in a line: its name, what came of it.
    pub results: Vec<(String, String)>,
    /// `Some(true)`: merged, `Some(false)`: closed.
    pub ended: Option<bool>,
}

/// The part of the body that stays as it is: what changes, and what not.
pub fn what(lock: &Lock, release: &Release, merged: &Merged) -> String {
    let mut out = format!("This repository follows the plan `{}`, which has a new version.\n", lock.plan);
    out.push_str(&changelog(lock.version.0, release));
    out.push_str("\n### What changes here\n\n");
    for change in &merged.changes {
        out.push_str(&match change {
            Change::Write(file) => format!("- `{}`\n", file.path),
            Change::Remove(path) => format!("- `{path}` goes\n"),
        });
    }
    if merged.changes.is_empty() {
        out.push_str("- only `fairway.lock`\n");
    }
    out.push_str("\nWhat somebody here changed since stays: it was merged with what the plan changed.\n");
    if !merged.deleted.is_empty() {
        let paths: Vec<String> = merged.deleted.iter().map(|path| format!("`{path}`")).collect();
        out.push_str(&format!("\nDeleted here, and not brought back: {}.\n", paths.join(", ")));
    }
    if !merged.conflicts.is_empty() {
        out.push_str("\n### Left as it is\n\nBoth sides changed the same lines. The plan would have changed:\n");
        merged.conflicts.iter().for_each(|conflict| out.push_str(&left(conflict)));
    }
    out
}

fn left(conflict: &Conflict) -> String {
    let lines: Vec<&str> = conflict.diff.lines().collect();
    let rest = lines.len().saturating_sub(DIFF_LINES);
    let more = if rest > 0 { format!("\n... {rest} more lines") } else { String::new() };
    let shown = lines.into_iter().take(DIFF_LINES).collect::<Vec<_>>().join("\n");
    // A fence that the diff itself cannot close.
    format!(
        "\n<details><summary><code>{}</code></summary>\n\n~~~~~diff\n{shown}{more}\n~~~~~\n\n</details>\n",
        conflict.path
    )
}

/// The changelog between the two versions.
fn changelog(from: Version, release: &Release) -> String {
    let mut out = String::new();
    for (version, text) in release.changes.iter().filter(|(version, _)| *version > from && *version <= release.version)
    {
        out.push_str(&format!("\n### {version}\n\n{text}\n"));
    }
    out
}

/// The whole body.
pub fn body(what: &str, view: &View, plan: &str) -> String {
    let mut parts = Vec::new();
    match view.ended {
        Some(true) => parts.push("**Merged.**\n".to_owned()),
        Some(false) => parts.push(format!(
            "**Closed: this version is not wanted here.** The next one is offered again; `/plan pin` in a comment ends \
             that, `/plan retry` opens this one anew. The plan is `{plan}`.\n"
        )),
        None => {}
    }
    parts.push(what.to_owned());
    if !view.results.is_empty() {
        let line = |(name, what): &(String, String)| format!("| `fairway / {name}` | {} |\n", escape_md(what));
        let lines: String = view.results.iter().map(line).collect();
        parts.push(format!("### What the checks did on this branch\n\n| Check | Result |\n|---|---|\n{lines}"));
    }
    if view.ended.is_none() {
        parts.push(
            "### What happens next\n\n\
             - **Merge** when the checks are green. Push to this branch as you like.\n\
             - **Close**: this version is left out.\n\
             - `/plan pin` in a comment: this repository stays where it is. `/plan retry`: made and tried anew.\n"
                .to_owned(),
        );
    }
    cut_markdown(&parts.join("\n"), MOST)
}

/// Why no further cohort begins.
pub fn stopped((failed, size): (usize, usize), cohort: usize, limit: u8) -> String {
    let cohort = cohort + 1;
    format!("stopped: {failed} of {size} failed in cohort {cohort}, more than {limit} %")
}

/// A member's failure.
pub fn checks_failed() -> String {
    "its checks failed".to_owned()
}

/// The base of the merge is not to be had.
pub fn base_gone(lock: &Lock) -> String {
    let at =
        if lock.commit.is_empty() { lock.version.0.to_string() } else { format!("commit {}", short(&lock.commit)) };
    format!(
        "{} has no {at} any more, which this repository was rendered from, so nothing can be merged; put its commit into \
         fairway.lock again or pin it",
        name(&lock.plan)
    )
}

/// The plan cannot be read.
pub fn gone(plan: &str) -> String {
    format!("{} is not there, or the App cannot read it", name(plan))
}

/// The plan has moved on to another major version than the one that is followed.
pub fn other_major(name: &Name, found: Version) -> String {
    format!("the plan is at {found}, and `{name}` follows {}", name.major)
}

/// GitHub does not show the repository any more.
pub fn repository_gone() -> String {
    "the repository is gone, or the App does not see it any more".to_owned()
}

/// The repository's lock cannot be read.
pub fn no_lock() -> String {
    "fairway.lock is not on the default branch any more, or cannot be read".to_owned()
}

/// The plan is somebody else's.
pub fn foreign(plan: &str, repo: &Repo) -> String {
    format!(
        "{} is neither {}'s own nor named in FAIRWAY_ORGS; what a plan brings runs before anybody looks, so copy it to one \
         of {}'s repositories",
        name(plan),
        repo.owner,
        repo.owner
    )
}

/// GitHub does not let us.
pub fn refused(message: &str) -> String {
    format!("GitHub did not take it: {message}")
}

/// Values that do not fit the new version.
pub fn values(wrong: &[String]) -> String {
    format!("fairway.lock's inputs do not fit the new version: {}", wrong.join(" "))
}

/// A member in a line, for the page.
pub fn stage(member: &Member) -> String {
    match member.stage {
        Stage::Settled if member.pinned => "pinned".to_owned(),
        Stage::Settled => "up to date".to_owned(),
        Stage::Waiting => format!("waits for cohort {}", member.cohort.unwrap_or(0) + 1),
        Stage::Wanted => "its pull request waits for its turn".to_owned(),
        Stage::Open => "its checks run".to_owned(),
        Stage::Passed => "green, to be merged".to_owned(),
        Stage::Failed => member.why.clone(),
        Stage::Merged => "merged".to_owned(),
        Stage::Closed => "closed: not wanted".to_owned(),
    }
}

/// A plan in a line.
pub fn standing(state: &PlanState) -> String {
    let Some(latest) = &state.latest else { return "not read yet".to_owned() };
    let concerned = state.members.iter().filter(|member| member.cohort.is_some()).count();
    let done = state.members.iter().filter(|member| member.cohort.is_some() && member.stage.decided()).count();
    match &state.stopped {
        Some(why) => format!("{}: {why}", latest.version),
        None if concerned == 0 => format!("{}: everybody has it", latest.version),
        None => format!("{}: {done} of {concerned} tried", latest.version),
    }
}

/// `/plan` where no plan is followed.
pub fn none() -> String {
    "Not done: this repository's `fairway.toml` names no `plan`.".to_owned()
}

/// `/new` with a word that gives no value.
pub fn no_value(word: &str) -> String {
    format!("Not done: `{}` gives no value. Write it as in `/new rust-service port=8081`.", escape_md(word))
}

/// `/new` with what cannot be rendered.
pub fn not_begun(plan: &str, wrong: &[String]) -> String {
    format!("Not done: `{}` cannot be begun from. {}", escape_md(plan), wrong.join(" "))
}

/// `/new` was heard.
pub fn begins(plan: &str) -> String {
    format!("A pull request with the files of `{plan}` follows. What is here already stays as it is.")
}

/// What a pull request from a plan holds, in place of what was detected.
pub fn begun(plan: &str, skipped: &[String]) -> String {
    let mut out = format!(
        "### From a plan\n\nThis repository begins from `{plan}`; `fairway.lock` says so, and brings its next versions.\n"
    );
    if !skipped.is_empty() {
        let paths: Vec<String> = skipped.iter().map(|path| format!("`{path}`")).collect();
        out.push_str(&format!("\nHere already, and left as it is: {}.\n", paths.join(", ")));
    }
    out
}

/// The checks of a project, with their commands.
pub fn checks(project: &Project) -> String {
    let mut out = "### Checks\n\n| Check | Commands |\n|---|---|\n".to_owned();
    for pipeline in &project.pipelines {
        let steps: Vec<String> = pipeline.run.iter().chain(&pipeline.dagger).map(|step| code(step)).collect();
        out.push_str(&format!("| `fairway / {}` | {} |\n", pipeline.name, steps.join("<br>")));
    }
    out
}

/// `/plan pin` was heard.
pub fn pinned(plan: &str) -> String {
    format!("This repository stays at its version of `{plan}`. `/plan retry` takes that back.")
}

/// `/plan retry` was heard.
pub fn tried(plan: &str) -> String {
    format!("The newest version of `{plan}` is tried here again.")
}
