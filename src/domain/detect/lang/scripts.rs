//! What the name of a script, a target or a recipe promises.

use crate::domain::detect::stack::Part;

/// Words that are no check, whatever else stands beside them.
const NEVER: &[&str] = &[
    "fix",
    "watch",
    "dev",
    "start",
    "serve",
    "deploy",
    "publish",
    "release",
    "clean",
    "update",
    "upgrade",
    "open",
    "debug",
    "push",
    "write",
    "preview",
    "storybook",
    "run",
    "up",
    "down",
    "shell",
    "bench",
    "benchmark",
    "changeset",
    "version",
    "prepare",
    "postinstall",
    "preinstall",
    "pre",
    "post",
    "docker",
    "install",
    "setup",
    "deps",
    "ui",
];
/// A browser or a whole system that a plain container does not have.
const HEAVY: &[&str] = &["e2e", "cypress", "playwright", "acceptance", "browser", "browserstack", "visual"];
const LINT: &[&str] = &[
    "lint",
    "linter",
    "format",
    "fmt",
    "prettier",
    "eslint",
    "typecheck",
    "types",
    "type",
    "tsc",
    "check",
    "checks",
    "style",
    "stylelint",
    "biome",
    "rubocop",
    "phpstan",
    "psalm",
    "cs",
    "vet",
    "mypy",
    "ruff",
    "clippy",
    "static",
    "analyse",
    "analyze",
    "analysis",
    "spell",
    "oxlint",
    "knip",
    "credo",
    "dialyzer",
];
const TEST: &[&str] =
    &["test", "tests", "unit", "spec", "jest", "vitest", "mocha", "coverage", "cov", "pytest", "phpunit"];
const BUILD: &[&str] = &["build", "compile", "generate", "codegen", "bundle", "gen"];

/// What such a script is for; `None` when it is no check, or needs more than a container.
pub fn part_of(name: &str) -> Option<Part> {
    let lower = name.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let any = |known: &[&str]| words.iter().any(|word| known.contains(word));
    if any(NEVER) || any(HEAVY) {
        None
    } else if any(TEST) {
        Some(Part::Test)
    } else if any(LINT) {
        Some(Part::Lint)
    } else if any(BUILD) {
        Some(Part::Build)
    } else {
        None
    }
}

/// Whether a script that changes files is meant, such as a formatter without `--check`.
pub fn rewrites(name: &str, body: &str) -> bool {
    let lower = name.to_lowercase();
    let formats = ["format", "fmt", "prettier", "style"].iter().any(|word| lower.contains(word));
    let checks = ["--check", "-c ", "check", "--list-different", "-l ", "--dry-run", "--verify", "ci "];
    let only_looks = lower.contains("check") || checks.iter().any(|mark| body.contains(mark));
    body.contains("--fix") || body.contains("--write") || (formats && !only_looks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_at_their_word() {
        assert_eq!(part_of("test:unit"), Some(Part::Test));
        assert_eq!(part_of("type-check"), Some(Part::Lint));
        assert_eq!(part_of("build"), Some(Part::Build));
        for name in ["lint:fix", "test:watch", "start", "test-e2e", "hello"] {
            assert_eq!(part_of(name), None, "{name}");
        }
        assert!(rewrites("format", "prettier --write ."));
        assert!(rewrites("fmt", "dprint fmt"));
        assert!(!rewrites("format:check", "prettier --check ."));
        assert!(!rewrites("lint", "eslint ."));
    }
}
