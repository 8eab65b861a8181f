//! What is said of a repository before it is on its path: what was found in it, the file that this leads to, and the
//! pull request that brings it.

pub mod opened;

use crate::domain::detect::{Confidence, Detected, Draft, Evidence, FILE, Kind, Note, Stack, Why};
use crate::domain::plan::builtin;
use crate::domain::run::escape_md;

/// The pull request's title.
pub const TITLE: &str = "Add fairway.toml";
/// More lines than this of one list help nobody.
const MAX_LINES: usize = 20;

/// A stack in a few words: `Rust 2024, 4 crates`.
pub fn title(stack: &Stack) -> String {
    let first = stack.evidence.first().map_or("", |evidence| evidence.says.as_str());
    let version = stack.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
    let (base, skip) = match stack.kind {
        Kind::Node => (format!("Node{version} with {}", stack.tool), 0),
        Kind::Python => (format!("Python{version} with {}", stack.tool), 0),
        Kind::Java => {
            let tool = if stack.tool == "maven" { "Maven" } else { "Gradle" };
            match stack.words.first().map(String::as_str) {
                Some("Kotlin") => (format!("Kotlin with {tool}{}", version.replace(' ', ", Java ")), 1),
                _ => (format!("Java{version} with {tool}"), 1),
            }
        }
        Kind::Deno => (format!("Deno{version}"), 0),
        Kind::Php => (format!("PHP{version}"), 0),
        Kind::Ruby => (format!("Ruby{version}"), 0),
        Kind::Elixir => (format!("Elixir{version}"), 0),
        Kind::DotNet => (format!(".NET{version}"), 0),
        Kind::Make => ("Makefile".to_owned(), 0),
        Kind::Docker => (format!("Dockerfile {first}"), 0),
        _ => (first.to_owned(), 0),
    };
    let words = stack.words.iter().skip(skip).cloned();
    std::iter::once(base).chain(words).collect::<Vec<_>>().join(", ")
}

/// Evidence as people read it: `Cargo.toml:3 -> Rust 2024, 4 crates`.
pub fn found(stack: &Stack) -> String {
    let place = stack.evidence.first().map(Evidence::place).unwrap_or_default();
    format!("{place} -> {}", title(stack))
}

/// What a match is worth, where that is not plain.
pub fn remark(stack: &Stack) -> Option<String> {
    if let Some(why) = &stack.blocked {
        return Some(format!("no pipeline: it {why}"));
    }
    match stack.kind {
        Kind::Docker => Some("no pipeline: steps have no Docker daemon".to_owned()),
        Kind::Dagger if !stack.dir.is_empty() => Some("no pipeline: only a module at the root is called".to_owned()),
        Kind::Dagger => None,
        _ if stack.confidence == Confidence::Low => Some("no pipeline: too little to go by".to_owned()),
        _ if !stack.checked() => Some("no pipeline: nothing says how it is tested".to_owned()),
        _ => None,
    }
}

/// The whole file.
pub fn file(detected: &Detected, drafts: &[Draft]) -> String {
    if drafts.is_empty() {
        return "# Nothing in this repository says how it is tested, so nothing runs yet. A pipeline is one check run on\n\
                # each pull request:\n#\n# [pipeline.test]\n# run = [\"make test\"]\n"
            .to_owned();
    }
    let mut out = String::new();
    let (mut last, mut said) = (None, String::new());
    for draft in drafts {
        if !out.is_empty() {
            out.push('\n');
        }
        let Some(stack) = detected.stacks.get(draft.stack) else { continue };
        if last != Some(draft.stack) {
            out.push_str(&format!("# {}\n", plain(&found(stack))));
            said.clear();
        }
        last = Some(draft.stack);
        let source = plain(&source(draft, &stack.tool));
        if source != said {
            out.push_str(&format!("# {source}\n"));
        }
        said = source;
        pipeline(draft, &mut out);
    }
    out
}

/// Where a pipeline's commands come from.
fn source(draft: &Draft, tool: &str) -> String {
    if draft.dagger.is_some() {
        return "each check of the module is a check run of its own".to_owned();
    }
    if draft.from.is_empty() {
        return format!("not in CI: the usual commands of {tool}");
    }
    let mut files: Vec<(String, Vec<String>)> = Vec::new();
    for evidence in &draft.from {
        let line = evidence.line.map(|line| line.to_string());
        match files.last_mut().filter(|(path, _)| *path == evidence.path) {
            Some((_, lines)) => lines.extend(line),
            None => files.push((evidence.path.clone(), line.into_iter().collect())),
        }
    }
    let place = |(path, lines): &(String, Vec<String>)| {
        if lines.is_empty() { path.clone() } else { format!("{path}:{}", lines.join(",")) }
    };
    let places: Vec<String> = files.iter().take(3).map(place).collect();
    let more = if files.len() > 3 { " and others" } else { "" };
    format!("commands: {}{more}", places.join(" "))
}

/// A comment is one line, whatever a file's name holds.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

fn pipeline(draft: &Draft, out: &mut String) {
    out.push_str(&format!("[pipeline.{}]\n", draft.name));
    if let Some(image) = &draft.image {
        out.push_str(&format!("image = {}\n", quoted(image)));
    }
    if let Some(call) = &draft.dagger {
        out.push_str(&format!("dagger = {}\n", quoted(call)));
    }
    list("run", &draft.run, out);
    list("cache", &draft.cache, out);
    table("env", &draft.env, out);
    for service in &draft.services {
        let mut keys = vec![format!("image = {}", quoted(&service.image))];
        keys.extend(service.port.map(|port| format!("port = {port}")));
        if !service.env.is_empty() {
            keys.push(format!("env = {}", inline(&service.env)));
        }
        out.push_str(&format!("services.{} = {{ {} }}\n", service.name, keys.join(", ")));
    }
    list("paths", &draft.paths, out);
    list("report", &draft.report, out);
}

fn quoted(text: &str) -> String {
    let text = text.replace('\0', "");
    toml_edit::Value::from(text).to_string().trim().to_owned()
}

fn list(key: &str, entries: &[String], out: &mut String) {
    if entries.is_empty() {
        return;
    }
    let entries: Vec<String> = entries.iter().map(|entry| quoted(entry)).collect();
    let line = format!("{key} = [{}]\n", entries.join(", "));
    if line.len() <= 100 && !entries.iter().any(|entry| entry.contains('\n')) {
        out.push_str(&line);
    } else {
        out.push_str(&format!(
            "{key} = [\n{}]\n",
            entries.iter().map(|entry| format!("    {entry},\n")).collect::<String>()
        ));
    }
}

fn inline(env: &std::collections::BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = env.iter().map(|(key, value)| format!("{key} = {}", quoted(value))).collect();
    format!("{{ {} }}", pairs.join(", "))
}

fn table(key: &str, env: &std::collections::BTreeMap<String, String>, out: &mut String) {
    if !env.is_empty() {
        out.push_str(&format!("{key} = {}\n", inline(env)));
    }
}

/// What was left out, one line each.
pub fn notes(detected: &Detected) -> Vec<String> {
    let mut lines: Vec<String> = detected.notes.iter().map(note).collect();
    let more = lines.len().saturating_sub(MAX_LINES);
    lines.truncate(MAX_LINES);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

fn note(note: &Note) -> String {
    match note {
        Note::TooLarge { path, bytes } => {
            format!("{path} was not read: it has {} MB, at most 1 MB is read", bytes.div_ceil(1_000_000))
        }
        Note::NotRead { files } => format!("{files} more manifests were not read; add their pipelines by hand"),
        Note::Broken { path, line: Some(line) } => format!("{path}:{line} cannot be read, so nothing is taken from it"),
        Note::Broken { path, line: None } => format!("{path} cannot be read, so nothing is taken from it"),
        Note::NotUtf8 { path } => format!("{path} is not UTF-8; what could be read of it was used"),
        Note::Truncated { entries } => {
            format!("GitHub lists only {entries} paths of this repository; what lies beyond was not seen")
        }
        Note::Submodule { path } => format!("{path} is a submodule and was not looked into"),
        Note::Existing => format!("{FILE} is there already and stays as it is"),
        Note::LeftOut { path, line, run, why } => {
            let why = match why {
                Why::Secret => "it needs a secret",
                Why::Docker => "it needs a Docker daemon",
                Why::Delivers => "it brings something to the outside",
                Why::Actions => "it speaks to GitHub Actions",
            };
            let run: String = run.chars().filter(|c| !c.is_control()).take(80).collect();
            format!("{path}:{line} is not taken over, because {why}: {run}")
        }
    }
}

/// The body of the pull request, as it would be opened.
pub fn body(detected: &Detected, drafts: &[Draft]) -> String {
    let checks = checks(detected, drafts);
    let left_out = left_out(detected);
    let parts = [intro(drafts.len()), found_table(detected), checks, left_out, next()];
    parts.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("\n")
}

fn intro(checks: usize) -> String {
    let checks = match checks {
        0 => "It holds no pipeline yet: nothing here says how this repository is tested.".to_owned(),
        1 => "It makes one check run on every pull request, on pushes to the default branch and in the merge queue."
            .to_owned(),
        n => format!(
            "It makes {n} check runs on every pull request, on pushes to the default branch and in the merge queue."
        ),
    };
    format!("This adds `{FILE}` and nothing else. {checks}\n")
}

/// What was found, with evidence.
pub fn found_table(detected: &Detected) -> String {
    let mut out = "### Found\n\n".to_owned();
    if detected.stacks.is_empty() {
        out.push_str(
            "No manifest that Fairway knows. To begin from a plan instead, type one of these in a comment:\n\n",
        );
        builtin::names().iter().for_each(|name| out.push_str(&format!("- `/new {name}`\n")));
    } else {
        out.push_str("| What | Evidence | |\n|---|---|---|\n");
    }
    for stack in detected.stacks.iter().take(MAX_LINES * 2) {
        let places: Vec<String> = stack.evidence.iter().take(3).map(|evidence| code(&evidence.place())).collect();
        let remark = remark(stack).unwrap_or_default();
        out.push_str(&format!("| {} | {} | {} |\n", cell(&title(stack)), places.join(" "), cell(&remark)));
    }
    out
}

/// The checks that it makes, and where their commands come from; empty where there are none.
pub fn checks(detected: &Detected, drafts: &[Draft]) -> String {
    let mut out = String::new();
    if !drafts.is_empty() {
        out.push_str("### Checks\n\n| Check | Commands | From |\n|---|---|---|\n");
    }
    for draft in drafts {
        let steps: Vec<String> = draft.run.iter().chain(&draft.dagger).map(|step| code(step)).collect();
        let tool = detected.stacks.get(draft.stack).map_or("", |stack| stack.tool.as_str());
        let source = source(draft, tool);
        let from = source.strip_prefix("commands: ").map_or_else(|| cell(&source), code);
        out.push_str(&format!("| `fairway / {}` | {} | {from} |\n", draft.name, steps.join("<br>")));
    }
    out
}

/// What no check takes over; empty where there is nothing.
pub fn left_out(detected: &Detected) -> String {
    let notes = notes(detected);
    if notes.is_empty() {
        return String::new();
    }
    let lines: String = notes.iter().map(|line| format!("- {}\n", escape_md(line))).collect();
    format!("### Left out\n\n{lines}")
}

pub(super) fn next() -> String {
    format!(
        "### What happens next\n\n\
         - **Change it**: edit `{FILE}` on this branch as you like. Its checks run here too, so this pull request shows what they do.\n\
         - **Merge**: the checks above run from then on. None becomes required by itself; that is set in the repository's rules.\n\
         - **Close**: that means no. Nothing runs, and you are not asked again; `/onboard` in a comment asks again.\n"
    )
}

/// A code span of a table's cell.
pub(super) fn code(text: &str) -> String {
    let text: String =
        text.lines().next().unwrap_or("").chars().filter(|c| !c.is_control() && *c != '`').take(120).collect();
    format!("`{}`", text.replace('|', "\\|"))
}

fn cell(text: &str) -> String {
    escape_md(text).replace('\n', " ")
}

/// There is nothing to open, because somebody was there before.
pub fn existing() -> String {
    format!("{FILE} is there already, so no pull request would be opened. `fairway check` looks at it.")
}
