//! What the words behind a tool's name are for, a function a tool.

use crate::domain::detect::lang::part_of;
use crate::domain::detect::stack::Part;

/// A script of the repository's own, by its name.
pub(super) fn script(path: &str) -> Option<Part> {
    let name = path.rsplit('/').next().unwrap_or(path);
    named(name.split('.').next().unwrap_or(name)).map(|part| if part == Part::Build { Part::Prepare } else { part })
}

/// A script that a workflow runs on changes is a check, whatever it needs; one with a name that says nothing builds.
fn named(name: &str) -> Option<Part> {
    let heavy = ["e2e", "cypress", "playwright", "browser", "visual", "acceptance", "integration"];
    if let Some(part) = part_of(name) {
        return Some(part);
    }
    let not = [
        "deploy",
        "release",
        "publish",
        "version",
        "changeset",
        "start",
        "serve",
        "dev",
        "preview",
        "docker",
        "bench",
        "clean",
        "fix",
        "upload",
        "notify",
        "push",
    ];
    let words: Vec<&str> = name.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    if words.iter().any(|word| not.contains(word)) {
        None
    } else if words.iter().any(|word| heavy.contains(word)) {
        Some(Part::Test)
    } else {
        Some(Part::Build)
    }
}

fn plain<'w>(words: &[&'w str]) -> impl Iterator<Item = &'w str> {
    words.iter().copied().filter(|word| !word.starts_with(['-', '+'])).collect::<Vec<_>>().into_iter()
}

pub(super) fn cargo(words: &[&str]) -> Option<Part> {
    match plain(words).next()? {
        "fmt" | "clippy" | "deny" | "audit" | "doc" | "machete" | "udeps" | "semver-checks" | "hack" | "check"
        | "sort" | "shear" | "msrv" => {
            let tests = words.contains(&"hack") && words.contains(&"test");
            Some(if tests { Part::Test } else { Part::Lint })
        }
        "test" | "nextest" | "llvm-cov" | "tarpaulin" | "miri" | "t" => Some(Part::Test),
        "build" | "b" | "run" | "xtask" | "bench" | "package" | "component" => Some(Part::Build),
        "install" | "binstall" => Some(Part::Setup),
        "fetch" => Some(Part::Install),
        _ => None,
    }
}

pub(super) fn go(first: &str, words: &[&str]) -> Option<Part> {
    if first == "gotestsum" {
        return Some(Part::Test);
    }
    if first != "go" {
        return Some(Part::Lint);
    }
    let mut plain = plain(words);
    match plain.next()? {
        "test" => Some(Part::Test),
        "vet" | "fmt" => Some(Part::Lint),
        "mod" => Some(if matches!(plain.next(), Some("tidy" | "verify")) { Part::Lint } else { Part::Install }),
        "build" | "generate" | "run" | "tool" => Some(Part::Build),
        "install" => Some(Part::Setup),
        "get" => Some(Part::Install),
        _ => None,
    }
}

pub(super) fn node(first: &str, words: &[&str]) -> Option<Part> {
    let global = words.contains(&"--global") || words.contains(&"-g");
    let filtered: Vec<&str> = plain(words).filter(|word| !word.starts_with("./") && !word.contains('@')).collect();
    match (first, filtered.first().copied().unwrap_or("")) {
        ("corepack", _) => Some(Part::Setup),
        ("npm" | "pnpm" | "yarn" | "bun", "ci" | "install" | "i" | "add") => {
            Some(if global { Part::Setup } else { Part::Install })
        }
        ("yarn", "") => Some(Part::Install),
        ("npm" | "pnpm" | "bun", "") => None,
        ("npm" | "pnpm" | "yarn" | "bun", "test" | "t" | "tst") => Some(Part::Test),
        ("npm" | "pnpm" | "yarn", "audit" | "dedupe" | "outdated") => Some(Part::Lint),
        (
            "npm" | "pnpm" | "yarn" | "bun",
            "config" | "set" | "cache" | "version" | "pack" | "link" | "login" | "store",
        ) => None,
        (
            "npm" | "pnpm" | "yarn" | "bun",
            "exec" | "dlx" | "x" | "run" | "run-script" | "workspaces" | "workspace" | "-r",
        ) => filtered.get(1..)?.iter().find_map(|name| tool(name)),
        ("npx" | "bunx", name) if matches!(name, "playwright" | "cypress") && words.contains(&"install") => {
            Some(Part::Install)
        }
        ("npx" | "bunx" | "nx" | "turbo" | "lerna", _) => filtered.iter().find_map(|name| tool(name)),
        ("node", name) => {
            if words.contains(&"--test") {
                Some(Part::Test)
            } else {
                script(name)
            }
        }
        (_, name) => tool(name),
    }
}

fn tool(name: &str) -> Option<Part> {
    match name {
        "run" | "run-many" | "affected" | "exec" => None,
        "tsc" | "vue-tsc" | "eslint" | "prettier" | "biome" | "oxlint" | "publint" | "attw" | "knip" => {
            Some(Part::Lint)
        }
        "jest" | "vitest" | "mocha" | "playwright" | "cypress" | "ava" | "c8" => Some(Part::Test),
        _ => named(name),
    }
}

pub(super) fn deno(words: &[&str]) -> Option<Part> {
    let mut plain = plain(words);
    match plain.next()? {
        "fmt" | "lint" | "check" => Some(Part::Lint),
        "test" => Some(Part::Test),
        "task" => plain.next().and_then(named),
        "install" | "cache" => Some(Part::Install),
        _ => None,
    }
}

pub(super) fn python(first: &str, words: &[&str]) -> Option<Part> {
    let all: Vec<&str> = plain(words).collect();
    let second = all.first().copied().unwrap_or("");
    match (first, second) {
        ("pip" | "pip3", "install") | ("uv", "sync") | ("poetry" | "pdm" | "pipenv", "install" | "sync") => {
            let upgrade = all.iter().skip(1).all(|word| matches!(*word, "pip" | "setuptools" | "wheel"));
            (first == "uv" || !upgrade || !first.starts_with("pip") || first == "pipenv").then_some(Part::Install)
        }
        ("uv", "pip") => Some(Part::Install),
        ("pipx", "install") | ("uv", "tool" | "python" | "venv") => (second != "python").then_some(Part::Setup),
        ("uv" | "poetry" | "pdm" | "pipenv" | "hatch", "run")
        | ("python" | "python3" | "uvx", _)
        | ("uv" | "pipx", "x" | "tool run") => python_tool(words, &all),
        ("uv", "build") | ("poetry" | "hatch", "build") => Some(Part::Build),
        ("uv", "lock") | ("poetry", "check") => Some(Part::Lint),
        ("hatch", "test") => Some(Part::Test),
        ("hatch", "fmt") => Some(Part::Lint),
        (name, _) => python_name(name, words),
    }
}

fn python_tool(words: &[&str], all: &[&str]) -> Option<Part> {
    if all.contains(&"manage.py") {
        return if all.contains(&"test") { Some(Part::Test) } else { Some(Part::Build) };
    }
    if words.contains(&"-m") {
        let module = words.iter().skip_while(|word| **word != "-m").nth(1)?;
        return match *module {
            "pip" => python("pip", words.get(words.iter().position(|word| *word == "pip")? + 1..)?),
            "unittest" => Some(Part::Test),
            "build" => Some(Part::Build),
            "uv" | "poetry" => None,
            name => python_name(name, words),
        };
    }
    all.iter()
        .find_map(|name| python_name(name, words).or_else(|| name.ends_with(".py").then(|| script(name)).flatten()))
}

fn python_name(name: &str, words: &[&str]) -> Option<Part> {
    match name.split(['@', '=']).next().unwrap_or(name) {
        "pytest" | "tox" | "nox" | "coverage" => {
            let reports = words.iter().any(|word| matches!(*word, "report" | "xml" | "html" | "combine"));
            let lints =
                words.iter().any(|word| word.contains("lint") || word.contains("typing") || word.contains("style"));
            (!(reports && name == "coverage")).then_some(if lints { Part::Lint } else { Part::Test })
        }
        "ruff" | "black" | "flake8" | "mypy" | "pyright" | "isort" | "pylint" | "bandit" | "pre-commit" | "ty"
        | "basedpyright" | "codespell" | "pyrefly" => Some(Part::Lint),
        "sphinx-build" | "mkdocs" => Some(Part::Build),
        _ => None,
    }
}

pub(super) fn java(words: &[&str]) -> Option<Part> {
    let lint = ["spotlessCheck", "spotless:check", "checkstyle", "ktlint", "detekt", "lint", "pmd", "spotbugs"];
    let deliver = ["publish", "deploy", "release", "jib", "sonar", "dockerBuild"];
    let goals: Vec<&str> = plain(words).filter(|word| !word.ends_with("gradlew") && !word.ends_with("mvnw")).collect();
    let task = |goal: &str| goal.rsplit(':').next().unwrap_or(goal).to_owned();
    if goals.iter().any(|goal| deliver.iter().any(|word| goal.starts_with(word))) {
        None
    } else if goals.iter().any(|goal| {
        matches!(task(goal).as_str(), "test" | "verify" | "install" | "build" | "integrationTest" | "allTests")
    }) || goals.iter().any(|goal| matches!(*goal, "check" | "jvmTest"))
    {
        Some(Part::Test)
    } else if goals.iter().any(|goal| lint.iter().any(|word| goal.contains(word))) {
        Some(Part::Lint)
    } else if goals.iter().any(|goal| goal.to_lowercase().contains("test") || task(goal) == "check") {
        Some(Part::Test)
    } else if goals.iter().any(|goal| matches!(task(goal).as_str(), "package" | "compile" | "assemble" | "classes")) {
        Some(Part::Build)
    } else {
        None
    }
}

pub(super) fn dotnet(words: &[&str]) -> Option<Part> {
    match plain(words).next()? {
        "restore" => Some(Part::Install),
        "tool" => Some(Part::Setup),
        "build" | "publish" | "pack" => Some(Part::Build),
        "test" => Some(Part::Test),
        "format" => Some(Part::Lint),
        _ => None,
    }
}

pub(super) fn ruby(first: &str, words: &[&str]) -> Option<Part> {
    let all: Vec<&str> = plain(words).collect();
    let name = if first == "bundle" { all.get(usize::from(all.first() == Some(&"exec"))).copied()? } else { first };
    match name.rsplit('/').next().unwrap_or(name) {
        "install" | "check" => Some(Part::Install),
        "gem" => (all.first() == Some(&"install")).then_some(Part::Setup),
        "rspec" => Some(Part::Test),
        "rubocop" | "standardrb" | "brakeman" | "bundler-audit" | "importmap" | "erb_lint" | "steep" | "srb" => {
            Some(Part::Lint)
        }
        "rake" | "rails" => {
            let task = all.iter().find(|word| !matches!(**word, "exec" | "rake" | "rails" | "bin/rails" | "bin/rake"));
            match task {
                None => Some(Part::Test),
                Some(task) if task.starts_with("db:") => Some(Part::Build),
                Some(task) => named(task),
            }
        }
        "jekyll" => Some(Part::Build),
        _ => None,
    }
}

pub(super) fn php(first: &str, words: &[&str]) -> Option<Part> {
    let all: Vec<&str> = plain(words).collect();
    match (first, all.first().copied().unwrap_or("")) {
        ("composer", "install" | "update" | "require") => Some(Part::Install),
        ("composer", "validate" | "audit" | "normalize") => Some(Part::Lint),
        ("composer", "run" | "run-script" | "exec") => all.get(1).and_then(|name| named(name)),
        ("composer", name) if !name.is_empty() => part_of(name),
        ("php", "artisan") => Some(if all.contains(&"test") { Part::Test } else { Part::Build }),
        ("php", name) => php(name.rsplit('/').next().unwrap_or(name), words.get(1..).unwrap_or(&[]))
            .filter(|_| name.contains('/') && name != "php"),
        ("phpunit" | "pest" | "simple-phpunit", _) => Some(Part::Test),
        ("phpstan" | "psalm" | "php-cs-fixer" | "pint" | "phpcs", _) => Some(Part::Lint),
        _ => None,
    }
}

pub(super) fn mix(words: &[&str]) -> Option<Part> {
    match plain(words).next()? {
        "deps.get" => Some(Part::Install),
        "local.hex" | "local.rebar" => Some(Part::Setup),
        "format" | "credo" | "dialyzer" | "sobelow" | "deps.unlock" | "deps.audit" | "hex.audit" => Some(Part::Lint),
        "compile" => Some(if words.contains(&"--warnings-as-errors") { Part::Lint } else { Part::Build }),
        "test" | "coveralls" => Some(Part::Test),
        name if name.starts_with("ecto.") => Some(Part::Build),
        _ => None,
    }
}

pub(super) fn target(words: &[&str]) -> Option<Part> {
    let mut skip = false;
    let targets: Vec<&str> = words
        .iter()
        .copied()
        .filter(|word| {
            let value = std::mem::replace(&mut skip, matches!(*word, "-C" | "-f" | "-j"));
            !value && !word.starts_with('-') && !word.contains('=')
        })
        .collect();
    if targets.is_empty() { Some(Part::Build) } else { targets.iter().filter_map(|name| named(name)).max() }
}
