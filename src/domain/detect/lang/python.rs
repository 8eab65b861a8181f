//! Python: uv, Poetry, PDM, Pipenv, pip.

use super::{Look, Toml, manual, near};
use crate::domain::detect::image::{image, within};
use crate::domain::detect::stack::{Command, Confidence, Evidence, Kind, Part, Stack};
use crate::domain::detect::text::{Note, line_of, short, version};
use crate::domain::detect::tree::{join, split};

const FILES: &[&str] = &["pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Pipfile"];
const REQUIREMENTS: &[&str] =
    &["requirements.txt", "requirements-dev.txt", "requirements/dev.txt", "requirements-test.txt"];

pub fn find(look: &Look<'_>, dir: &str, notes: &mut Vec<Note>) -> Option<Stack> {
    let first = FILES.iter().find(|name| look.text(dir, name).is_some())?;
    let toml = Toml::read(look, dir, "pyproject.toml", notes);
    let project = toml.as_ref().is_some_and(|toml| toml.has(&["project"]) || toml.has(&["tool", "poetry"]));
    let only_tools = toml.is_some() && !project && FILES[1..].iter().all(|name| look.text(dir, name).is_none());
    let tool = tool(look, dir, toml.as_ref());
    let line =
        look.text(dir, first).and_then(|text| line_of(text, "[project]").or_else(|| line_of(text, "[tool.poetry]")));
    let mut stack = Stack::new(Kind::Python, tool, dir, Evidence::new(join(dir, first), line, "Python"));
    let all = texts(look, dir);
    stack.words.extend(framework(&all));
    versions(look, &mut stack, toml.as_ref());
    if let Some(toml) = &toml {
        stack.near = near(dir, toml.text);
        let globs =
            (toml.list(&["tool", "uv", "workspace", "members"]), toml.list(&["tool", "uv", "workspace", "exclude"]));
        stack.members = look.members(dir, "pyproject.toml", (&globs.0, &globs.1));
        if !stack.members.is_empty() {
            stack.words.push(super::count(stack.members.len(), "package"));
        }
    }
    stack.cache = vec![
        match tool {
            "uv" => "/root/.cache/uv",
            "poetry" => "/root/.cache/pypoetry",
            _ => "/root/.cache/pip",
        }
        .to_owned(),
    ];
    install(look, (&mut stack, toml.as_ref()), &all);
    checks(look, (&mut stack, toml.as_ref()), &all);
    let code = look.any_below(dir, |path| path.ends_with(".py"));
    if only_tools || !code {
        // A linter's settings, or a list for Read the Docs, beside another language.
        stack.confidence = Confidence::Low;
        stack.commands.clear();
    } else if !stack.checked() {
        stack.confidence = Confidence::Medium;
    }
    Some(stack)
}

fn tool(look: &Look<'_>, dir: &str, toml: Option<&Toml<'_>>) -> &'static str {
    let lock = |name: &str| look.tree.has(&join(dir, name));
    let table = |name: &str| toml.is_some_and(|toml| toml.has(&["tool", name]));
    if lock("uv.lock") || table("uv") {
        "uv"
    } else if lock("poetry.lock") || table("poetry") {
        "poetry"
    } else if lock("pdm.lock") || table("pdm") {
        "pdm"
    } else if look.text(dir, "Pipfile").is_some() {
        "pipenv"
    } else {
        "pip"
    }
}

/// Everything that may name a dependency.
fn texts<'t>(look: &Look<'t>, dir: &str) -> Vec<(String, &'t str)> {
    let names = FILES.iter().chain(REQUIREMENTS).chain(&["tox.ini"]);
    let mut all: Vec<(String, &str)> =
        names.filter_map(|name| Some((join(dir, name), look.texts.get(&join(dir, name))?))).collect();
    all.dedup_by(|a, b| a.0 == b.0);
    all
}

/// Where a dependency of that name is asked for.
fn asks(all: &[(String, &str)], name: &str) -> Option<Evidence> {
    all.iter().find_map(|(path, text)| {
        let (line, number) = text.lines().zip(1..).find(|(line, _)| names(line, name))?;
        Some(Evidence::new(path.clone(), Some(number), line.trim().trim_matches([',', '"', '\''])))
    })
}

fn names(line: &str, name: &str) -> bool {
    let line = line.split('#').next().unwrap_or("");
    if line.trim_start().starts_with('[') {
        return false;
    }
    line.match_indices(name).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + name.len()..).and_then(|text| text.chars().next());
        before.is_none_or(|c| "\"' \t,=[".contains(c))
            && after.is_none_or(|c| "\"' \t,<>=~![;".contains(c) || (name == "pytest" && c == '-'))
    })
}

fn framework(all: &[(String, &str)]) -> Option<String> {
    let known = [
        ("django", "Django"),
        ("Django", "Django"),
        ("fastapi", "FastAPI"),
        ("flask", "Flask"),
        ("Flask", "Flask"),
        ("streamlit", "Streamlit"),
    ];
    known.iter().find(|(name, _)| asks(all, name).is_some()).map(|(_, title)| (*title).to_owned())
}

fn versions(look: &Look<'_>, stack: &mut Stack, toml: Option<&Toml<'_>>) {
    let pinned = look.pin(&stack.dir, ".python-version").or_else(|| look.tool_version(&stack.dir, &["python"]));
    let pinned = pinned.or_else(|| look.versions.get(&Kind::Python).cloned());
    let ranges = [["project", "requires-python"].as_slice(), &["tool", "poetry", "dependencies", "python"]];
    let found = pinned.filter(|(text, _)| version(text).is_some_and(|v| v.contains('.')));
    let found = found.or_else(|| {
        ranges.iter().find_map(|keys| {
            let toml = toml?;
            let range = toml.str(keys)?;
            Some((within(Kind::Python, range, 2)?, toml.at(keys, format!("Python {range}"))))
        })
    });
    stack.image = Some(image(Kind::Python, found.as_ref().map(|(version, _)| version.as_str())));
    stack.version = found.as_ref().and_then(|(text, _)| version(text)).map(|version| short(&version, 2));
    if let Some((_, mut from)) = found {
        if !from.says.starts_with("Python") {
            from.says = format!("Python {}", stack.version.as_deref().unwrap_or_default());
        }
        if from.path.ends_with("pyproject.toml") { stack.evidence = vec![from] } else { stack.evidence.push(from) }
    }
}

fn install(look: &Look<'_>, (stack, toml): (&mut Stack, Option<&Toml<'_>>), all: &[(String, &str)]) {
    let dir = stack.dir.clone();
    let lock = |name: &str| look.tree.has(&join(&dir, name));
    let from = stack.evidence[0].clone();
    // Tools are brought wherever one stands.
    let mut add =
        |part, run: String| stack.commands.push(manual(part, run, if part == Part::Setup { "" } else { &dir }, &from));
    let extra = toml.and_then(|toml| test_extra(toml));
    match stack.tool.as_str() {
        "uv" => {
            add(Part::Setup, "pip install uv".to_owned());
            let extra = extra.map(|extra| format!(" --extra {extra}")).unwrap_or_default();
            add(Part::Install, format!("uv sync{}{extra}", if lock("uv.lock") { " --locked" } else { "" }));
        }
        "poetry" => {
            add(Part::Setup, "pip install poetry".to_owned());
            add(Part::Install, "poetry install".to_owned());
        }
        "pdm" => {
            add(Part::Setup, "pip install pdm".to_owned());
            add(Part::Install, if lock("pdm.lock") { "pdm sync --dev" } else { "pdm install" }.to_owned());
        }
        "pipenv" => {
            add(Part::Setup, "pip install pipenv".to_owned());
            add(
                Part::Install,
                if lock("Pipfile.lock") { "pipenv sync --dev" } else { "pipenv install --dev" }.to_owned(),
            );
        }
        _ => {
            let lists: Vec<String> = REQUIREMENTS
                .iter()
                .filter(|name| look.text(&dir, name).is_some())
                .map(|name| format!("-r {name}"))
                .collect();
            let package = toml.is_some_and(|toml| toml.has(&["project"])) || look.text(&dir, "setup.py").is_some();
            let own = package.then(|| extra.map_or_else(|| "-e .".to_owned(), |extra| format!("-e '.[{extra}]'")));
            let missing =
                (asks(all, "pytest").is_none() && has_tests(look, &dir) == Some(true)).then(|| "pytest".to_owned());
            let parts: Vec<String> = lists.into_iter().chain(own).chain(missing).collect();
            if !parts.is_empty() {
                add(Part::Install, format!("pip install {}", parts.join(" ")));
            }
        }
    }
}

/// The optional dependencies that bring pytest.
fn test_extra(toml: &Toml<'_>) -> Option<String> {
    let extras = toml.names(&["project", "optional-dependencies"]);
    let brings = |extra: &&&str| {
        let list = toml.list(&["project", "optional-dependencies", extra]);
        list.iter().any(|entry| names(entry, "pytest"))
    };
    extras.iter().find(brings).map(|extra| (*extra).to_owned())
}

/// Whether there are tests, and whether they look like pytest's.
fn has_tests(look: &Look<'_>, dir: &str) -> Option<bool> {
    let test = |path: &str| {
        let name = split(path).1;
        name.ends_with(".py") && (name.starts_with("test_") || name.ends_with("_test.py"))
    };
    if look.any_below(dir, |path| split(path).1 == "conftest.py") {
        return Some(true);
    }
    look.any_below(dir, test).then_some(false)
}

fn checks(look: &Look<'_>, (stack, toml): (&mut Stack, Option<&Toml<'_>>), all: &[(String, &str)]) {
    let dir = stack.dir.clone();
    let prefix = match stack.tool.as_str() {
        tool @ ("uv" | "poetry" | "pdm" | "pipenv") => format!("{tool} run "),
        _ => String::new(),
    };
    let mut found: Vec<Command> = Vec::new();
    for (tool, run) in [("ruff", "ruff check"), ("black", "black --check ."), ("flake8", "flake8"), ("mypy", "mypy .")]
    {
        let from = asks(all, tool);
        let config = || toml.filter(|toml| toml.has(&["tool", tool])).map(|toml| toml.at(&["tool", tool], ""));
        // mypy without its own list of files needs a folder, which a project may not want to be checked.
        let files = tool != "mypy"
            || toml.is_some_and(|toml| toml.has(&["tool", "mypy", "files"]) || toml.has(&["tool", "mypy", "packages"]));
        match from {
            Some(_) if tool == "mypy" && files => found.push(manual(
                Part::Lint,
                format!("{prefix}mypy"),
                &dir,
                &from.unwrap_or_else(|| stack.evidence[0].clone()),
            )),
            Some(from) if tool != "mypy" => found.push(manual(Part::Lint, format!("{prefix}{run}"), &dir, &from)),
            None if tool == "ruff" && stack.tool == "uv" => {
                found.extend(config().map(|from| manual(Part::Lint, "uvx ruff check", &dir, &from)));
            }
            _ => {}
        }
    }
    let pytest = asks(all, "pytest").or_else(|| {
        let toml = toml.filter(|toml| toml.has(&["tool", "pytest"]))?;
        Some(toml.at(&["tool", "pytest"], ""))
    });
    let manage = look.tree.has(&join(&dir, "manage.py")).then(|| Evidence::new(join(&dir, "manage.py"), None, ""));
    let tests = has_tests(look, &dir);
    if let Some(from) = pytest.filter(|_| tests.is_some()) {
        found.push(manual(Part::Test, format!("{prefix}pytest"), &dir, &from));
    } else if let Some(from) = manage {
        found.push(manual(Part::Test, format!("{prefix}python manage.py test"), &dir, &from));
    } else if let Some(pytest) = tests {
        let run = if pytest { "pytest" } else { "python -m unittest discover" };
        let from = look.tree.below(&dir).find(|entry| {
            split(&entry.path).1.starts_with("test_")
                || entry.path.ends_with("_test.py")
                || entry.path.ends_with("conftest.py")
        });
        let from = from.map_or_else(|| stack.evidence[0].clone(), |entry| Evidence::new(entry.path.clone(), None, ""));
        found.push(manual(Part::Test, format!("{prefix}{run}"), &dir, &from));
    }
    stack.commands.extend(found);
}
