//! `plan.toml`: a plan's version, its inputs, and which of its files depend on them.

use std::collections::BTreeMap;

use toml_edit::Document;

use super::input::{Input, Kind, NAME, SLUG};
use super::shape::{Plan, Source, Template, Trouble};
use super::version::Version;
use crate::domain::project::keys::{Key, Shape, Table};
use crate::domain::project::problem::{Problem, Problems, quoted};
use crate::domain::project::value::{Section, any};

/// Its name.
pub const MANIFEST: &str = "plan.toml";
/// Below this folder stands what is rendered.
const FILES: &str = "files/";
/// What changed from version to version.
const CHANGES: &str = "CHANGELOG.md";
/// A plan has at most this many files...
const MAX_FILES: usize = 300;
/// ...and each at most so many bytes.
const MAX_BYTES: usize = 512 * 1024;

/// The cohorts of a plan that names none, cumulative percents.
const COHORTS: [u8; 3] = [5, 25, 100];
/// The failures that a plan bears that says nothing, percent of a cohort.
const LIMIT: u8 = 10;

static TOP: Table = Table {
    all: &["version", "about"],
    one: &[],
    keys: &[
        Key { name: "version", doc: "Its version, such as 1.0.0.", shape: Shape::Text("") },
        Key { name: "about", doc: "What it is for, in a sentence.", shape: Shape::Text("") },
        Key {
            name: "cohorts",
            doc: "How much of all followers has a new version after each cohort.",
            shape: Shape::Texts("^(100|[1-9][0-9]?)%$"),
        },
        Key {
            name: "limit",
            doc: "A cohort in which more fail is the last.",
            shape: Shape::Text("^(100|[1-9]?[0-9])%$"),
        },
        Key { name: "input", doc: "What it asks.", shape: Shape::Named(&INPUT) },
        Key { name: "file", doc: "Files that depend on a flag.", shape: Shape::Free },
    ],
};

static INPUT: Table = Table {
    all: &["doc"],
    one: &[],
    keys: &[
        Key {
            name: "type",
            doc: "text, number, flag or choice.",
            shape: Shape::OneOf(&["text", "number", "flag", "choice"]),
        },
        Key { name: "default", doc: "What holds when nobody answers.", shape: Shape::Text("") },
        Key { name: "doc", doc: "The question.", shape: Shape::Text("") },
        Key { name: "choices", doc: "What may be answered.", shape: Shape::Texts("") },
        Key { name: "least", doc: "The smallest number.", shape: Shape::Number(i64::MIN, i64::MAX) },
        Key { name: "most", doc: "The largest number.", shape: Shape::Number(i64::MIN, i64::MAX) },
    ],
};

static FILE: Table = Table {
    all: &["when"],
    one: &[],
    keys: &[Key { name: "when", doc: "The flag that must be true.", shape: Shape::Text("") }],
};

/// Reads a plan's folder; on failure every problem in it.
pub fn read(sources: &[Source]) -> Result<Plan, Vec<Trouble>> {
    let Some(manifest) = sources.iter().find(|source| source.path == MANIFEST) else {
        return Err(vec![Trouble::whole(MANIFEST, "It is not there, so this folder is no plan.")]);
    };
    let mut trouble = limits(sources);
    let (plan, found) = parsed(&manifest.text);
    trouble.extend(found.iter().map(|problem| Trouble::of(MANIFEST, problem)));
    let (mut plan, when) = plan.unwrap_or_else(|| (empty(), BTreeMap::new()));
    for source in sources {
        if let Some(path) = source.path.strip_prefix(FILES) {
            let (executable, text) = (source.executable, source.text.clone());
            plan.templates.push(Template { path: path.to_owned(), executable, text, when: when.get(path).cloned() });
        }
    }
    for path in when.keys().filter(|path| !plan.templates.iter().any(|template| template.path == **path)) {
        trouble
            .push(Trouble::whole(MANIFEST, format!("`[file.\"{path}\"]` names a file that is not below `{FILES}`.")));
    }
    plan.changes = sources.iter().find(|source| source.path == CHANGES).map(|s| changes(&s.text)).unwrap_or_default();
    if trouble.is_empty() {
        trouble.extend(super::render::rehearse(&plan));
    }
    if trouble.is_empty() { Ok(plan) } else { Err(trouble) }
}

fn empty() -> Plan {
    let version = Version { major: 0, minor: 0, patch: 0 };
    Plan {
        version,
        about: String::new(),
        inputs: Vec::new(),
        templates: Vec::new(),
        changes: Vec::new(),
        cohorts: COHORTS.to_vec(),
        limit: LIMIT,
    }
}

fn limits(sources: &[Source]) -> Vec<Trouble> {
    let mut trouble = Vec::new();
    if sources.len() > MAX_FILES {
        trouble.push(Trouble::whole(
            MANIFEST,
            format!("The plan has {} files; at most {MAX_FILES} are taken.", sources.len()),
        ));
    }
    for source in sources {
        if source.link {
            trouble.push(Trouble::whole(&source.path, "It is a symbolic link. Put the file itself there."));
        } else if source.text.len() > MAX_BYTES {
            let size = source.text.len().div_ceil(1024);
            trouble.push(Trouble::whole(&source.path, format!("It has {size} kB; at most 512 kB are taken.")));
        }
    }
    trouble
}

type Parsed = (Option<(Plan, BTreeMap<String, String>)>, Vec<Problem>);

fn parsed(text: &str) -> Parsed {
    let mut problems = Problems::new(text);
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let line = error.message().lines().next().unwrap_or("").to_owned();
            problems.add(error.span(), "", format!("Not valid TOML: {line}."));
            return (None, problems.finish());
        }
    };
    let root = Section::root(document.as_table());
    root.refuse_unknown(&TOP, &mut problems);
    let version = root.text("version", |text| version(text).map(drop), &mut problems);
    for key in TOP.all.iter().filter(|key| !root.has(key)) {
        problems.add(None, key, format!("`{key}` is missing."));
    }
    let plan = Plan {
        version: version.and_then(|text| Version::parse(&text)).unwrap_or(empty().version),
        about: root.text("about", any, &mut problems).unwrap_or_default(),
        inputs: inputs(&root, &mut problems),
        cohorts: cohorts(&root, &mut problems),
        limit: root.text("limit", |text| percent(text).map(drop), &mut problems).map_or(LIMIT, |text| share(&text)),
        ..empty()
    };
    let mut when = BTreeMap::new();
    if let Some(files) = root.section("file", &mut problems) {
        for path in files.keys() {
            let Some(section) = files.section(path, &mut problems) else { continue };
            section.refuse_unknown(&FILE, &mut problems);
            let Some(flag) = section.text("when", any, &mut problems) else { continue };
            if !plan.inputs.iter().any(|input| input.name == flag && input.kind == Kind::Flag) {
                let message = format!("{} is no input of type `flag`.", quoted(&flag));
                problems.add(section.key_span("when"), &section.name("when"), message);
            }
            when.insert(path.to_owned(), flag);
        }
    }
    (Some((plan, when)), problems.finish())
}

fn percent(text: &str) -> Result<u8, String> {
    let number = text.strip_suffix('%').and_then(|number| number.parse().ok()).filter(|share| *share <= 100);
    number.ok_or_else(|| format!("{} is no share such as `25%`.", quoted(text)))
}

fn share(text: &str) -> u8 {
    percent(text).unwrap_or(LIMIT)
}

fn cohorts(root: &Section<'_>, problems: &mut Problems<'_>) -> Vec<u8> {
    if !root.has("cohorts") {
        return COHORTS.to_vec();
    }
    let found = root.texts("cohorts", |text| percent(text).map(drop), problems);
    let shares: Vec<u8> = found.iter().map(|(text, _)| share(text)).collect();
    if !shares.is_sorted_by(|a, b| a < b) || shares.last() != Some(&100) {
        let message = "Shares rise, and the last one is `100%`, as in `[\"5%\", \"25%\", \"100%\"]`.";
        problems.add(root.key_span("cohorts"), "cohorts", message);
        return COHORTS.to_vec();
    }
    shares
}

fn version(text: &str) -> Result<Version, String> {
    Version::parse(text).ok_or_else(|| format!("{} is no version such as `1.0.0`.", quoted(text)))
}

fn inputs(root: &Section<'_>, problems: &mut Problems<'_>) -> Vec<Input> {
    let mut inputs = vec![Input {
        name: NAME.to_owned(),
        kind: Kind::Text,
        default: None,
        doc: "What the repository is called.".to_owned(),
        line: 0,
    }];
    let Some(all) = root.section("input", problems) else { return inputs };
    for (name, section) in all.tables("an input", problems) {
        if matches!(name, NAME | SLUG) {
            let message = format!("`{name}` comes from the repository's name and needs no input.");
            problems.add(section.span(), &section.path, message);
            continue;
        }
        inputs.push(input(name, &section, problems));
    }
    inputs
}

fn input(name: &str, section: &Section<'_>, problems: &mut Problems<'_>) -> Input {
    section.refuse_unknown(&INPUT, problems);
    if !section.has("doc") {
        problems.add(section.span(), &section.path, format!("Input `{name}` has no `doc`: what is asked?"));
    }
    let bound = (i64::MIN, i64::MAX);
    let choices: Vec<String> = section.texts("choices", any, problems).into_iter().map(|(word, _)| word).collect();
    let kind = match section.text("type", any, problems).as_deref() {
        None | Some("text") => Kind::Text,
        Some("flag") => Kind::Flag,
        Some("number") => Kind::Number {
            least: section.number("least", bound, problems).unwrap_or(0),
            most: section.number("most", bound, problems).unwrap_or(i64::MAX),
        },
        Some("choice") if !choices.is_empty() => Kind::Choice(choices),
        Some("choice") => {
            problems.add(section.span(), &section.path, format!("Input `{name}` is a choice and has no `choices`."));
            Kind::Text
        }
        Some(other) => {
            let message = format!("{} is no type. Known are `text`, `number`, `flag` and `choice`.", quoted(other));
            problems.add(section.key_span("type"), &section.name("type"), message);
            Kind::Text
        }
    };
    let default = section.text("default", any, problems);
    let doc = section.text("doc", any, problems).unwrap_or_default();
    let input = Input { name: name.to_owned(), kind, default, doc, line: problems.line(section.span()) };
    if let Some(Err(message)) = input.default.as_ref().map(|value| input.check(value)) {
        problems.add(section.key_span("default"), &section.name("default"), message);
    }
    input
}

/// Sections that begin with `## 1.2.3`.
fn changes(text: &str) -> Vec<(Version, String)> {
    let mut found: Vec<(Version, String)> = Vec::new();
    for line in text.lines() {
        let version = line.strip_prefix("## ").and_then(|title| Version::parse(title.split(' ').next().unwrap_or("")));
        match (version, found.last_mut()) {
            (Some(version), _) => found.push((version, String::new())),
            (None, Some((_, body))) => {
                body.push_str(line);
                body.push('\n');
            }
            (None, None) => {}
        }
    }
    found.iter_mut().for_each(|(_, body)| *body = body.trim().to_owned());
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found
}
