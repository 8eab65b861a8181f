//! The one comment that Fairway keeps up to date in a pull request.

use super::command::{phase, verdict};
use crate::domain::decide::{EnvState, PullState};
use crate::domain::rollout::Rollout;
use crate::domain::run::escape_md;

/// How the comment is found again: hidden in its body, together with the pull request it belongs to.
pub fn marker(state: &PullState) -> String {
    format!("<!-- fairway:status v1 {}/{} -->", state.repo.id, state.pull.number)
}

/// The whole body. The same state gives the same text, so that an unchanged comment is not edited.
pub fn render(state: &PullState, environments: &[(EnvState, Option<Rollout>)]) -> String {
    let mut out = String::new();
    let Some(checks) = state.checks.as_ref().filter(|c| !c.items.is_empty()) else {
        out.push_str("**Fairway has no checks on this commit.**\n");
        places(environments, &mut out);
        last(state, &mut out);
        return format!("{out}\n{}", marker(state));
    };
    out.push_str(&format!("**{}**\n\n| Check | Result |\n|---|---|\n", verdict(checks)));
    for item in &checks.items {
        let again = if item.attempt > 1 { format!(" (try {})", item.attempt) } else { String::new() };
        out.push_str(&format!("| `{}` | {}{again} |\n", item.pipeline, phase(item)));
    }
    places(environments, &mut out);
    last(state, &mut out);
    format!("{out}\n{}", marker(state))
}

/// What stands where. Only environments that this pull request had to do with.
fn places(environments: &[(EnvState, Option<Rollout>)], out: &mut String) {
    if environments.is_empty() {
        return;
    }
    out.push_str("\n| Environment | Now | |\n|---|---|---|\n");
    for (state, rollout) in environments {
        out.push_str(&super::rollout::row(state, rollout.as_ref()));
    }
}

fn last(state: &PullState, out: &mut String) {
    if let Some(last) = &state.last {
        let line = last.text.replace('`', "'");
        out.push_str(&format!("\nLast command: `{line}` by {}\n\n{}\n", escape_md(&last.author), last.answer));
    }
}
