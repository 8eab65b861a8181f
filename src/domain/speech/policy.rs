//! What policies say, and whose file says it.

use crate::domain::project::{Floor, Policy, Rule, Source};
use crate::domain::run::escape_md;

/// Every rule in a line, Markdown: what it is for, what it asks, and where it stands.
pub fn rules(policies: &[(Source, Policy)]) -> Vec<String> {
    let floors = policies.iter().flat_map(|(source, policy)| policy.rules.iter().map(move |rule| (source, rule)));
    floors.map(|(source, rule)| format!("`{}`: {} ({})", rule.names, says(rule), place(source, rule.line))).collect()
}

/// The rules that hold for one environment, plain text.
pub fn over(name: &str, floors: &[Floor]) -> Vec<String> {
    let line = |floor: &Floor| format!("{name}: {} ({})", says(&floor.rule), place(&floor.source, floor.rule.line));
    floors.iter().map(|floor| line(floor).replace('`', "")).collect()
}

/// The section of an onboarding pull request; empty without rules.
pub fn section(policies: &[(Source, Policy)]) -> String {
    let lines = rules(policies);
    if lines.is_empty() {
        return String::new();
    }
    let list: String = lines.iter().map(|line| format!("- {line}\n")).collect();
    format!("### Rules that hold for environments here\n\nA repository can only tighten them.\n\n{list}")
}

fn says(rule: &Rule) -> String {
    let mut parts = Vec::new();
    parts.extend(rule.who.as_ref().map(|who| format!("deployed by {who}")));
    if !rule.checks.is_empty() {
        parts.push(format!(
            "after {}",
            rule.checks.iter().map(|check| format!("`{check}`")).collect::<Vec<_>>().join(", ")
        ));
    }
    match rule.approvals {
        0 => {}
        1 => parts.push("after one approval".to_owned()),
        n => parts.push(format!("after {n} approvals")),
    }
    parts.extend(rule.freeze.iter().map(|freeze| format!("not {}", escape_md(freeze.text()))));
    if !rule.after_merge {
        parts.push("never by a merge alone".to_owned());
    }
    parts.join(", ")
}

fn place(source: &Source, line: u32) -> String {
    match source {
        Source::Operator => format!("line {line} of the operator's policy"),
        Source::Organisation(owner) => format!("`fairway.toml:{line}` in `{owner}/.github`"),
        Source::Repository => format!("`fairway.toml:{line}` here"),
    }
}
