//! Limits of size, and what each room must not do.

use std::collections::BTreeMap;

use crate::Finding;
use crate::tree::{File, Tree};

const FUNCTION_LINES: usize = 70;
const PARAMETERS: usize = 5;
const FILE_LINES: usize = 400;
const FOLDER_FILES: usize = 16;

/// What the pure room must not name.
const IMPURE: [&[&str]; 12] = [
    &["std", "fs"],
    &["std", "env"],
    &["std", "io"],
    &["std", "net"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "time", "Instant"],
    &["std", "time", "SystemTime"],
    &["tokio"],
    &["reqwest"],
    &["axum"],
    &["tracing"],
];

const ENVIRONMENT: [&str; 6] = ["var", "var_os", "vars", "vars_os", "set_var", "remove_var"];
const CLOCKS: [&str; 6] = ["SystemTime", "Instant", "Timestamp", "Zoned", "Utc", "Local"];
/// Rooms that start nothing of their own: what they do ends when their caller ends.
const NO_SPAWN: [&str; 6] = ["domain", "clock", "settings", "telemetry", "github", "context"];

pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for (path, why) in &tree.broken {
        findings.push(finding(path, 1, "parse", format!("cannot be parsed: {why}")));
    }
    for path in &tree.dead {
        findings.push(finding(path, 1, "dead file", "no `mod` leads here; declare it or delete it".to_owned()));
    }
    for file in &tree.files {
        for line in &file.facts.ignored {
            let what = "an ignored test without a reason; write #[ignore = \"why\"], or mend it".to_owned();
            findings.push(finding(&file.path, *line, "ignore", what));
        }
        if !file.is_test {
            sizes(file, &mut findings);
            habits(file, &mut findings);
            if file.room() == "domain" {
                purity(file, &mut findings);
            }
        }
    }
    folders(tree, &mut findings);
    findings
}

fn finding(file: &str, line: usize, rule: &'static str, what: String) -> Finding {
    Finding { file: file.to_owned(), line, rule, what }
}

fn sizes(file: &File, findings: &mut Vec<Finding>) {
    if file.lines > FILE_LINES {
        let what = format!("{} lines outside of tests, {FILE_LINES} are allowed; split it by noun", file.lines);
        findings.push(finding(&file.path, 1, "file size", what));
    }
    for function in &file.facts.functions {
        if function.lines > FUNCTION_LINES {
            let what = format!(
                "`{}` has {} lines, {FUNCTION_LINES} are allowed; keep the ifs, move out what they lead to",
                function.name, function.lines
            );
            findings.push(finding(&file.path, function.line, "function size", what));
        }
        if function.parameters > PARAMETERS {
            let what = format!(
                "`{}` takes {} parameters, {PARAMETERS} are allowed; give those that travel together a type",
                function.name, function.parameters
            );
            findings.push(finding(&file.path, function.line, "parameters", what));
        }
    }
}

fn folders(tree: &Tree, findings: &mut Vec<Finding>) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for file in tree.files.iter().filter(|file| file.path.starts_with("src/")) {
        if let Some((folder, _)) = file.path.rsplit_once('/') {
            *counts.entry(folder).or_default() += 1;
        }
    }
    for (folder, count) in counts {
        if count > FOLDER_FILES {
            let what = format!("{count} files, {FOLDER_FILES} are allowed; split the room by noun");
            findings.push(finding(folder, 1, "folder size", what));
        }
    }
}

fn habits(file: &File, findings: &mut Vec<Finding>) {
    let facts = &file.facts;
    let mut forbid = |lines: Vec<usize>, rule, what: &str| {
        findings.extend(lines.into_iter().map(|line| finding(&file.path, line, rule, what.to_owned())));
    };
    if !matches!(file.room(), "settings" | "main") {
        for name in ENVIRONMENT {
            forbid(
                facts.lines_of(&["env", name]),
                "environment",
                "only settings.rs reads the environment; take a value",
            );
        }
    }
    if !matches!(file.room(), "clock" | "playground" | "engine") && !file.path.contains("bench") {
        for clock in CLOCKS {
            forbid(facts.lines_of(&[clock, "now"]), "time", "only clock.rs reads the time; take `now` or a Clock");
        }
    }
    if NO_SPAWN.contains(&file.room()) {
        for owner in ["tokio", "task", "thread"] {
            forbid(
                facts.lines_of(&[owner, "spawn"]),
                "spawn",
                "this room starts nothing of its own; let the caller do it",
            );
        }
    }
    let calls = facts.calls.iter().filter(|(name, _)| name == "unwrap");
    let what = "unwrap() says nothing; return the error, or write expect(\"why it cannot fail\")";
    forbid(calls.map(|(_, line)| *line).collect(), "unwrap", what);
}

fn purity(file: &File, findings: &mut Vec<Finding>) {
    let mut forbid = |line: usize, what: String| {
        findings.push(finding(
            &file.path,
            line,
            "pure domain",
            format!("{what}; the domain takes values and returns values"),
        ));
    };
    for line in &file.facts.asyncs {
        forbid(*line, "something asynchronous".to_owned());
    }
    for (path, line) in &file.facts.paths {
        let impure =
            IMPURE.iter().find(|start| path.len() >= start.len() && path.iter().zip(start.iter()).all(|(a, b)| a == b));
        if let Some(start) = impure {
            forbid(*line, format!("uses {}", start.join("::")));
        }
    }
    for (name, line) in &file.facts.calls {
        if matches!(name.as_str(), "panic!" | "unreachable!" | "todo!" | "unimplemented!") {
            forbid(*line, format!("{name} can panic"));
        }
    }
}

/// Paths that exist on one machine only.
pub fn machine_paths(texts: &BTreeMap<String, String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in texts {
        for (index, line) in text.lines().enumerate() {
            if let Some(root) = machine_path(line) {
                let what = format!("names a path under {root}, which another machine does not have; make it relative");
                findings.push(finding(path, index + 1, "machine path", what));
            }
        }
    }
    findings
}

/// Where tools keep their caches in containers, whose user is nearly always the same.
const CONTAINER: [&str; 8] =
    [".cache/", ".npm", ".local/share/pnpm/", ".yarn/", ".bun/", ".m2/", ".gradle/", ".nuget/"];

fn machine_path(line: &str) -> Option<&'static str> {
    // Put together here, or this file would be found first.
    let roots = [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/wo", "rk/")];
    roots.into_iter().find(|root| {
        line.match_indices(*root).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let after = line[at + root.len()..].chars().next();
            let begins =
                before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.' | '/' | '}' | '~' | '*'));
            let container =
                line.get(at + root.len()..).is_some_and(|rest| CONTAINER.iter().any(|c| rest.starts_with(c)));
            begins && !container && after.is_some_and(|c| c.is_ascii_alphanumeric() || c == '.')
        })
    })
}
