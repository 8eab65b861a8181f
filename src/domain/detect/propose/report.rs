//! Test runners that write a report which Fairway reads, when they are asked to, and keep their output as it is.

use crate::domain::detect::stack::{Command, Kind, Stack};
use crate::domain::detect::tree::join;

/// Where reports go that have no place of their own.
const FILE: &str = "junit.xml";

/// The command with its flag, and the entry for `report`; `None` where the runner writes none, or is called in a way
/// that a flag more could break.
pub fn with_report(stack: &Stack, command: &Command) -> Option<(String, String)> {
    let run = &command.run;
    if run.contains(['|', ';', '\n', '&', '>']) || run.contains("junit") {
        return None;
    }
    let words: Vec<&str> = run.split_whitespace().collect();
    let has = |word: &str| words.iter().any(|found| found.rsplit('/').next() == Some(word));
    let flag = match stack.kind {
        Kind::Python if has("pytest") && !has("--") && !has("coverage") && !has("tox") && !has("nox") => {
            format!("--junitxml={FILE}")
        }
        Kind::Php if has("phpunit") || has("pest") => format!("--log-junit {FILE}"),
        Kind::Deno if words.starts_with(&["deno", "test"]) => format!("--junit-path={FILE}"),
        Kind::Node if words.starts_with(&["bun", "test"]) => format!("--reporter=junit --reporter-outfile={FILE}"),
        _ => return None,
    };
    Some((format!("{run} {flag}"), format!("junit:{}", join(&command.dir, FILE))))
}
