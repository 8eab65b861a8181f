//! Makefiles and justfiles: targets by whose names people know what they check.

use super::classify::classify;
use super::script::refused;
use crate::domain::detect::stack::{Evidence, Kind, Part};
use crate::domain::detect::text::Texts;
use crate::domain::detect::tree::join;

/// One target that checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    pub part: Part,
    /// The language of its first command.
    pub kind: Option<Kind>,
    /// What to type, one command each.
    pub run: Vec<String>,
    pub from: Evidence,
}

const LINT: &[&str] =
    &["lint", "check-format", "format-check", "fmt-check", "check-fmt", "typecheck", "type-check", "vet"];
const TEST: &[&str] = &["test", "tests", "unit-test", "test-unit", "unittest", "check"];

/// The targets of a folder: every kind of linting, and one of testing.
pub fn tasks(texts: &Texts, dir: &str) -> Vec<Task> {
    let mut found = Vec::new();
    for name in ["Makefile", "GNUmakefile", "makefile"] {
        if let Some(text) = texts.get(&join(dir, name)) {
            let run = |target: &Target<'_>| Some(vec![format!("make {}", target.name)]);
            found.extend(chosen(&targets(text), &join(dir, name), run));
            break;
        }
    }
    for name in ["justfile", "Justfile"] {
        if let Some(text) = texts.get(&join(dir, name)).filter(|_| found.is_empty()) {
            // No common image has `just`, so a plain recipe's own commands are taken.
            found.extend(chosen(&targets(text), &join(dir, name), plain));
        }
    }
    found
}

struct Target<'t> {
    name: &'t str,
    line: u32,
    body: Vec<&'t str>,
}

fn targets(text: &str) -> Vec<Target<'_>> {
    let mut found: Vec<Target<'_>> = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        if line.starts_with([' ', '\t']) {
            if let Some(target) = found.last_mut() {
                target.body.push(line.trim());
            }
            continue;
        }
        let Some((head, rest)) = line.split_once(':').filter(|(_, rest)| !rest.starts_with('=')) else { continue };
        let plain =
            |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        // A recipe of just may have parameters; one that does is not called without them.
        if plain(head.trim()) && !rest.trim_start().starts_with("=") {
            found.push(Target { name: head.trim(), line: number, body: Vec::new() });
        }
    }
    found
}

fn chosen(targets: &[Target<'_>], path: &str, run: impl Fn(&Target<'_>) -> Option<Vec<String>>) -> Vec<Task> {
    let usable = |target: &&Target<'_>| !target.body.iter().any(|line| refused(line).is_some());
    let find = |name: &&str| targets.iter().filter(usable).find(|target| target.name == *name);
    let task = |part: Part, target: &Target<'_>| {
        let kind = target.body.iter().find_map(|line| classify(line.trim_start_matches(['@', '-']))?.1);
        Some(Task { part, kind, run: run(target)?, from: Evidence::new(path, Some(target.line), says(target)) })
    };
    let mut found: Vec<Task> = LINT.iter().filter_map(|name| task(Part::Lint, find(name)?)).collect();
    found.truncate(2);
    found.extend(TEST.iter().find_map(|name| task(Part::Test, find(name)?)));
    found
}

/// What it does, as far as one line of evidence can tell.
fn says(target: &Target<'_>) -> String {
    target.body.join("; ").chars().take(200).collect()
}

fn plain(target: &Target<'_>) -> Option<Vec<String>> {
    let lines: Vec<String> = target
        .body
        .iter()
        .map(|line| line.trim_start_matches(['@', '-']).to_owned())
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let known = lines.iter().all(|line| !line.contains("{{") && !line.ends_with('\\') && classify(line).is_some());
    (known && !lines.is_empty()).then_some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_taken_by_name_and_recipes_by_their_commands() {
        let mut texts = Texts::default();
        texts.add(
            "Makefile",
            b"V := 1\n.PHONY: test\nlint:\n\tgolangci-lint run\ntest: build\n\t@go test ./...\ncheck:\n\tx\n",
        );
        texts.add(
            "web/justfile",
            b"set shell := [\"sh\"]\n\ntest:\n    npm ci\n    npm test\nlint:\n    {{tool}} run\n",
        );
        let make: Vec<_> = tasks(&texts, "").into_iter().map(|task| (task.run, task.kind, task.from.line)).collect();
        let go = Some(Kind::Go);
        assert_eq!(make, [(vec!["make lint".to_owned()], go, Some(3)), (vec!["make test".to_owned()], go, Some(5))]);
        let just: Vec<_> = tasks(&texts, "web").into_iter().map(|task| (task.part, task.run)).collect();
        assert_eq!(just, [(Part::Test, vec!["npm ci".to_owned(), "npm test".to_owned()])]);
    }
}
