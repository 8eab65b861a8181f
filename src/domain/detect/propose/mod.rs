//! From stacks to pipelines: which there are, and what each of them runs.

mod names;
mod report;

use std::collections::{BTreeMap, BTreeSet};

use super::Detected;
use super::stack::{Beside, Command, Confidence, Evidence, Extra, Kind, Origin, Part, Stack};
use super::tree::within;

/// A pipeline that would be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Its name.
    pub name: String,
    /// The stack that it is for, by its place in `Detected`.
    pub stack: usize,
    /// Where the commands that check come from; empty when they are what the tool's manual says.
    pub from: Vec<Evidence>,
    /// The container's image.
    pub image: Option<String>,
    /// The steps.
    pub run: Vec<String>,
    /// A call of the repository's Dagger module instead.
    pub dagger: Option<String>,
    /// Directories that are kept.
    pub cache: Vec<String>,
    /// Plain variables.
    pub env: BTreeMap<String, String>,
    /// Containers beside it.
    pub services: Vec<Beside>,
    /// What must change for it to run; empty means anything.
    pub paths: Vec<String>,
    /// Reports to read.
    pub report: Vec<String>,
}

/// The pipelines for what was detected. One unit gets `lint` and `test`; of several each gets one by its own name.
pub fn propose(detected: &Detected) -> Vec<Draft> {
    let chosen: Vec<(usize, &Stack)> = detected.stacks.iter().enumerate().filter(|(_, stack)| worth(stack)).collect();
    let mut drafts = Vec::new();
    match chosen.as_slice() {
        [(at, stack)] => {
            drafts.extend(single(*at, stack));
            drafts.extend(stack.extras.iter().map(|extra| apart((*at, stack), extra, &names::of_job(&extra.name))));
        }
        several => {
            let names = names::names(&several.iter().map(|(_, stack)| *stack).collect::<Vec<_>>());
            for ((at, stack), name) in several.iter().zip(names) {
                let mut draft = draft(&name, (*at, stack), &stack.commands.iter().collect::<Vec<_>>());
                draft.paths = paths(stack);
                drafts.push(draft);
                for extra in &stack.extras {
                    let mut draft = apart((*at, stack), extra, &names::of_job(&format!("{name}-{}", extra.name)));
                    draft.paths = paths(stack);
                    drafts.push(draft);
                }
            }
        }
    }
    let module = detected.stacks.iter().position(|stack| stack.kind == Kind::Dagger && stack.dir.is_empty());
    drafts.extend(module.map(|stack| Draft {
        name: "module".to_owned(),
        stack,
        from: Vec::new(),
        image: None,
        run: Vec::new(),
        dagger: Some("check".to_owned()),
        cache: Vec::new(),
        env: BTreeMap::new(),
        services: Vec::new(),
        paths: Vec::new(),
        report: Vec::new(),
    }));
    names::unique(&mut drafts);
    drafts.truncate(crate::domain::project::MAX_PIPELINES);
    drafts
}

fn worth(stack: &Stack) -> bool {
    stack.checked() && stack.blocked.is_none() && stack.confidence > Confidence::Low
}

/// Style and tests answer side by side, unless the style can only be told of what was built.
fn single(at: usize, stack: &Stack) -> Vec<Draft> {
    let any = |wanted: &[Part]| stack.commands.iter().any(|command| wanted.contains(&command.part));
    let position = |wanted: Part, last: bool| {
        let mut found =
            stack.commands.iter().enumerate().filter(|(_, command)| command.part == wanted).map(|(at, _)| at);
        if last { found.next_back() } else { found.next() }
    };
    let built_first = stack.commands.iter().any(|c| c.origin == Origin::Workflow)
        && stack.kind == Kind::Node
        && position(Part::Build, false).zip(position(Part::Lint, true)).is_some_and(|(build, lint)| build < lint);
    let tested = any(&[Part::Build, Part::Test]);
    let all: Vec<&Command> = stack.commands.iter().collect();
    if !any(&[Part::Lint]) || !tested || built_first {
        let name = if any(&[Part::Test]) {
            "test"
        } else if tested {
            "build"
        } else {
            "lint"
        };
        return vec![draft(name, (at, stack), &all)];
    }
    let of = |wanted: &[Part]| all.iter().copied().filter(|command| wanted.contains(&command.part)).collect::<Vec<_>>();
    vec![
        draft("lint", (at, stack), &of(&[Part::Setup, Part::Install, Part::Lint])),
        draft(
            if any(&[Part::Test]) { "test" } else { "build" },
            (at, stack),
            &of(&[Part::Setup, Part::Install, Part::Prepare, Part::Build, Part::Test]),
        ),
    ]
}

/// What a job runs on the unit in a way of its own.
fn apart((at, stack): (usize, &Stack), extra: &Extra, name: &str) -> Draft {
    let own = Stack {
        commands: extra.commands.clone(),
        image: extra.image.clone().or_else(|| stack.image.clone()),
        env: extra.env.clone(),
        services: extra.services.clone(),
        ..stack.clone()
    };
    draft(name, (at, &own), &own.commands.iter().collect::<Vec<_>>())
}

fn draft(name: &str, (at, stack): (usize, &Stack), commands: &[&Command]) -> Draft {
    let checks: Vec<&&Command> = commands.iter().filter(|command| command.part.checks()).collect();
    let from = checks.iter().filter(|command| command.origin != Origin::Convention).map(|command| command.from.clone());
    let mut from: Vec<Evidence> = from.collect();
    from.sort();
    from.dedup();
    let lints_elsewhere = checks
        .iter()
        .any(|command| [&command.run, &command.from.says].iter().any(|text| text.contains("golangci-lint")))
        && stack.image.as_deref().is_some_and(|image| image.starts_with("golang:"));
    let mut draft = Draft {
        name: name.to_owned(),
        stack: at,
        from,
        image: if lints_elsewhere { stack.lint_image.clone() } else { stack.image.clone() },
        run: Vec::new(),
        dagger: None,
        cache: stack.cache.clone(),
        env: stack.env.clone(),
        services: if checks.iter().any(|command| command.part > Part::Lint) {
            stack.services.clone()
        } else {
            Vec::new()
        },
        paths: Vec::new(),
        report: Vec::new(),
    };
    let tested = checks.iter().any(|command| command.part == Part::Test);
    if tested {
        draft.report.clone_from(&stack.reports);
    }
    let mut seen = BTreeSet::new();
    let mut steps = components(&draft, &checks);
    for command in commands.iter().filter(|command| wanted(command, (&checks, commands))) {
        let mut run = command.run.clone();
        if command.part == Part::Test
            && let Some((with, written)) = report::with_report(stack, command)
            && !draft.report.contains(&written)
        {
            run = with;
            draft.report.push(written);
        }
        steps.push(typed(&command.dir, &run));
    }
    draft.run = steps.into_iter().filter(|step| seen.insert(step.clone())).collect();
    draft
}

/// The official images of Rust come without what formats and lints.
fn components(draft: &Draft, checks: &[&&Command]) -> Vec<String> {
    if !draft.image.as_deref().is_some_and(|image| image.contains("rust:")) {
        return Vec::new();
    }
    let any = |needle: &str| checks.iter().any(|command| command.run.contains(needle));
    let makes = checks.iter().any(|command| command.part == Part::Lint && command.run.starts_with("make "));
    let mut steps = Vec::new();
    if any("+nightly") {
        steps.push("rustup toolchain install nightly --profile minimal --component rustfmt,clippy".to_owned());
    }
    let needed: Vec<&str> = [("fmt", "rustfmt"), ("clippy", "clippy")]
        .into_iter()
        // What a Makefile lints with is not seen, and is one of these.
        .filter(|(word, _)| any(&format!("cargo {word}")) || makes)
        .map(|(_, component)| component)
        .collect();
    if !needed.is_empty() {
        steps.push(format!("rustup component add {}", needed.join(" ")));
    }
    steps
}

/// What prepares is left out where nothing needs it; the image and `components` stand for rustup.
fn wanted(command: &Command, (checks, all): (&[&&Command], &[&Command])) -> bool {
    let any = |test: fn(&Command) -> bool| checks.iter().any(|check| test(check));
    if command.part == Part::Install {
        // Browsers are for tests; a tool that brings its own needs nothing of the project's.
        let browsers = ["playwright install", "cypress install"].iter().any(|word| command.run.contains(word));
        return any(|check| !check.run.starts_with("uvx ")) && (!browsers || any(|check| check.part == Part::Test));
    }
    if command.part != Part::Setup {
        return true;
    }
    if let Some(rest) = command.run.strip_prefix("rustup ") {
        return rest.starts_with("target add");
    }
    let others: Vec<&&Command> = all.iter().filter(|other| other.part > Part::Install).collect();
    if let Some(crates) =
        command.run.strip_prefix("cargo install ").or_else(|| command.run.strip_prefix("cargo binstall "))
    {
        let mut names = crates.split_whitespace().filter(|word| !word.starts_with('-'));
        return names.any(|name| {
            let short = name.strip_prefix("cargo-").unwrap_or(name).split(['@', '-']).next().unwrap_or(name);
            others.iter().any(|other| other.run.contains(short))
        });
    }
    true
}

/// As it is typed at the root.
fn typed(dir: &str, run: &str) -> String {
    let plain = dir.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./@".contains(&b));
    let dir = if plain { dir.to_owned() } else { format!("'{}'", dir.replace('\'', "'\\''")) };
    match (dir.is_empty(), run.contains('\n')) {
        (true, _) => run.to_owned(),
        (false, true) => format!("cd {dir}\n{run}"),
        (false, false) => format!("cd {dir} && {run}"),
    }
}

/// Its own folder, what it is built from, and the file that says all this. A unit at the root runs always, because
/// `paths` cannot exclude.
fn paths(stack: &Stack) -> Vec<String> {
    if stack.dir.is_empty() {
        return Vec::new();
    }
    let escape = |dir: &str| dir.chars().map(|c| if "*?[]{}\\!".contains(c) { '?' } else { c }).collect::<String>();
    let mut paths = vec![format!("{}/**", escape(&stack.dir))];
    paths.extend(stack.near.iter().filter(|near| !within(near, &stack.dir)).map(|near| format!("{}/**", escape(near))));
    let make = stack
        .commands
        .iter()
        .any(|command| command.dir.is_empty() && command.run.split_whitespace().next() == Some("make"));
    paths.extend(make.then(|| "Makefile".to_owned()));
    paths.push(super::FILE.to_owned());
    paths.truncate(20);
    paths
}
