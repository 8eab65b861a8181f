//! `[updates]` of fairway.toml, as far as it decides about versions.

use toml::{Table, Value};

use super::decide::Policy;
use super::ignore::Ignore;
use crate::domain::project::duration;

/// The policy that a repository's `[updates]` asks for, at a time in Unix milliseconds.
///
/// # Errors
/// What is wrong with it, and how it should look.
pub fn policy(updates: Option<&Table>, now: i64) -> Result<Policy, String> {
    let mut policy = Policy::at(now);
    let Some(updates) = updates else { return Ok(policy) };
    if let Some(cooldown) = updates.get("cooldown") {
        policy.cooldown = cooldown.as_str().and_then(span).ok_or_else(|| {
            format!("`cooldown = {cooldown}` of [updates] is no time; write cooldown = \"3d\", or \"0\" for none")
        })?;
    }
    if let Some(ignore) = updates.get("ignore") {
        let rules = ignore.as_array().ok_or("`ignore` of [updates] is no list; write ignore = [\"tokio@2\"]")?;
        for rule in rules.iter().map(Value::as_str) {
            let rule = rule.ok_or("`ignore` of [updates] holds what is no text; write ignore = [\"tokio@2\"]")?;
            policy.ignore.push(Ignore::parse(rule)?);
        }
    }
    Ok(policy)
}

/// Milliseconds of `3d`, or of anything that pipelines take as a time.
fn span(text: &str) -> Option<i64> {
    let text = text.trim();
    if text == "0" {
        return Some(0);
    }
    match text.strip_suffix('d') {
        Some(days) => days.parse::<u16>().ok().map(|days| i64::from(days) * 24 * 60 * 60 * 1000),
        None => duration(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Policy, String> {
        policy(Some(&text.parse::<Table>().expect("a table")), 5)
    }

    #[test]
    fn a_repository_says_how_long_to_wait_and_what_it_does_not_want() {
        assert_eq!(policy(None, 5), Ok(Policy::at(5)));
        let hours = 60 * 60 * 1000;
        for (text, expected) in [("7d", 7 * 24 * hours), ("12h", 12 * hours), ("0", 0)] {
            assert_eq!(read(&format!("cooldown = \"{text}\"")).map(|policy| policy.cooldown), Ok(expected), "{text}");
        }
        let policy = read("schedule = \"weekdays\"\nignore = [\"tokio@2\", \"aws-*\"]").expect("a policy");
        assert_eq!(policy.ignore.iter().map(|rule| rule.text.as_str()).collect::<Vec<_>>(), ["tokio@2", "aws-*"]);
        for wrong in ["cooldown = 3", "cooldown = \"soon\"", "ignore = \"x\"", "ignore = [1]", "ignore = [\"x@\"]"] {
            let why = read(wrong).expect_err(wrong);
            assert!(why.contains("write"), "{why}");
        }
    }
}
