//! What a command is for and which language it works on, by its words.

use super::words::{cargo, deno, dotnet, go, java, mix, node, php, python, ruby, script, target};
use crate::domain::detect::stack::{Kind, Part};

/// Words before the one that counts.
const BEFORE: &[&str] = &["sudo", "time", "env", "nice", "command", "exec", "xvfb-run", "-a", "--auto-servernum"];

/// What reports, looks around or fetches, and that nothing else needs.
const IDLE: &[&str] = &[
    "echo",
    "ls",
    "pwd",
    "cat",
    "env",
    "df",
    "du",
    "free",
    "uname",
    "which",
    "whoami",
    "date",
    "printf",
    "sleep",
    "true",
    "git",
    "curl",
    "wget",
    "tar",
    "unzip",
    "gh",
    "test",
    "[",
    "[[",
    "find",
    "jq",
    "ps",
    "rm",
    "tree",
    "head",
    "tail",
    "brew",
    "choco",
    "exit",
    "set",
    "cd",
    "wait",
    "kill",
    "tee",
    "nproc",
    "lscpu",
    "locale",
    "docker",
    "docker-compose",
    "zip",
    "gpg",
    "apt-get",
    "apt",
    "apk",
];

/// `None` for what reports, and for what is nobody's business here.
pub fn classify(run: &str) -> Option<(Part, Option<Kind>)> {
    // What is done last is what the others are for: `npm ci && npm test` tests.
    run.lines().flat_map(|line| line.split("&&")).filter_map(|line| one(line.trim())).max_by_key(|(part, _)| *part)
}

fn one(line: &str) -> Option<(Part, Option<Kind>)> {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    let assigns = |word: &str| {
        word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        })
    };
    while words.first().is_some_and(|word| BEFORE.contains(word) || assigns(word)) {
        words.remove(0);
    }
    let first = words.first()?.rsplit('/').next()?.trim_end_matches(".exe");
    let own = words.first().is_some_and(|word| word.starts_with("./") || word.contains("/"));
    let rest = words.get(1..).unwrap_or(&[]);
    match first {
        "cargo" | "cross" => cargo(rest).map(|part| (part, Some(Kind::Rust))),
        "rustup" => Some((Part::Setup, Some(Kind::Rust))),
        "go" | "golangci-lint" | "gofmt" | "staticcheck" | "gotestsum" | "goimports" | "gofumpt" | "govulncheck" => {
            go(first, rest).map(|part| (part, Some(Kind::Go)))
        }
        "npm" | "pnpm" | "yarn" | "bun" | "npx" | "bunx" | "node" | "corepack" | "nx" | "turbo" | "lerna" => {
            node(first, rest).map(|part| (part, Some(Kind::Node)))
        }
        "deno" => deno(rest).map(|part| (part, Some(Kind::Deno))),
        "uv" | "uvx" | "poetry" | "pdm" | "pipenv" | "hatch" | "pip" | "pip3" | "pipx" | "python" | "python3"
        | "pytest" | "tox" | "nox" | "ruff" | "black" | "flake8" | "mypy" | "pyright" | "isort" | "pylint"
        | "coverage" | "bandit" => python(first, rest).map(|part| (part, Some(Kind::Python))),
        "mvn" | "mvnw" | "gradle" | "gradlew" => java(rest).map(|part| (part, Some(Kind::Java))),
        "sh" if rest.first().is_some_and(|word| word.ends_with("gradlew") || word.ends_with("mvnw")) => {
            java(rest).map(|part| (part, Some(Kind::Java)))
        }
        "dotnet" => dotnet(rest).map(|part| (part, Some(Kind::DotNet))),
        "bundle" | "rake" | "rspec" | "rubocop" | "rails" | "standardrb" | "gem" | "brakeman" => {
            ruby(first, rest).map(|part| (part, Some(Kind::Ruby)))
        }
        "composer" | "phpunit" | "phpstan" | "pest" | "psalm" | "php-cs-fixer" | "pint" | "php" | "phpcs"
        | "simple-phpunit" => php(first, rest).map(|part| (part, Some(Kind::Php))),
        "mix" => mix(rest).map(|part| (part, Some(Kind::Elixir))),
        "hugo" | "mkdocs" | "mdbook" => Some((Part::Build, Some(Kind::Static))),
        "apt-get" | "apt" | "apk" => rest.contains(&"install").then_some((Part::Setup, None)),
        "make" | "gmake" | "just" | "task" => target(rest).map(|part| (part, None)),
        "pre-commit" => (rest.first() == Some(&"run")).then_some((Part::Lint, None)),
        "git" => line.contains("diff --exit-code").then_some((Part::Lint, None)),
        "bash" | "sh" => {
            rest.iter().find(|word| !word.starts_with('-')).and_then(|file| script(file)).map(|part| (part, None))
        }
        name if own => script(name).map(|part| (part, None)),
        name if IDLE.contains(&name) || !name.starts_with(|c: char| c.is_ascii_alphabetic()) => None,
        _ => Some((Part::Prepare, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Known = Option<(Part, Option<Kind>)>;

    #[test]
    fn commands_are_known_by_their_words() {
        use Part::{Build, Install, Lint, Setup, Test};
        let cases: &[(&str, Known)] = &[
            ("cargo +nightly fmt --all --check", Some((Lint, Some(Kind::Rust)))),
            ("RUSTFLAGS=-Dwarnings cargo nextest run", Some((Test, Some(Kind::Rust)))),
            ("go test -race ./...", Some((Test, Some(Kind::Go)))),
            ("go mod tidy", Some((Lint, Some(Kind::Go)))),
            ("npm ci", Some((Install, Some(Kind::Node)))),
            ("npm ci && npm test", Some((Test, Some(Kind::Node)))),
            ("npm install -g pnpm", Some((Setup, Some(Kind::Node)))),
            ("npx playwright install --with-deps", Some((Install, Some(Kind::Node)))),
            ("pnpm -r run build", Some((Build, Some(Kind::Node)))),
            ("yarn", Some((Install, Some(Kind::Node)))),
            ("yarn typecheck", Some((Lint, Some(Kind::Node)))),
            ("npx tsc --noEmit", Some((Lint, Some(Kind::Node)))),
            ("python -m pip install --upgrade pip", None),
            ("python -m pip install -e .[dev]", Some((Install, Some(Kind::Python)))),
            ("uv sync --locked", Some((Install, Some(Kind::Python)))),
            ("uv run --with x ruff check", Some((Lint, Some(Kind::Python)))),
            ("poetry run pytest -q", Some((Test, Some(Kind::Python)))),
            ("python manage.py test", Some((Test, Some(Kind::Python)))),
            ("./gradlew spotlessCheck", Some((Lint, Some(Kind::Java)))),
            ("./gradlew :app:test", Some((Test, Some(Kind::Java)))),
            ("mvn -B verify --file pom.xml", Some((Test, Some(Kind::Java)))),
            ("mvn deploy", None),
            ("dotnet restore", Some((Install, Some(Kind::DotNet)))),
            ("bundle exec rake", Some((Test, Some(Kind::Ruby)))),
            ("bin/rails db:test:prepare test", Some((Build, Some(Kind::Ruby)))),
            ("vendor/bin/phpstan analyse", Some((Lint, Some(Kind::Php)))),
            ("php artisan test", Some((Test, Some(Kind::Php)))),
            ("mix compile --warnings-as-errors", Some((Lint, Some(Kind::Elixir)))),
            ("make -C api test", Some((Test, None))),
            ("make", Some((Build, None))),
            ("make deploy", None),
            ("./scripts/test.sh", Some((Test, None))),
            ("sudo apt-get install -y jq", Some((Setup, None))),
            ("sudo apt-get update", None),
            ("echo done", None),
            ("sqlx migrate run", Some((Part::Prepare, None))),
            ("./scripts/seed.sh", Some((Part::Prepare, None))),
            ("git diff --exit-code", Some((Lint, None))),
        ];
        for (run, expected) in cases {
            assert_eq!(classify(run), *expected, "{run}");
        }
    }
}
