//! One Cargo.toml: the package, the workspace, and every line that asks for a crate.

use toml_edit::{Document, Item, TableLike};

use crate::domain::update::address;
use crate::domain::update::model::{Origin, Purpose};
use crate::domain::update::source::{Lines, broken, readable};

/// What a manifest says, before anything is inherited.
#[derive(Clone, Debug, Default)]
pub(super) struct Manifest {
    /// Its package's name; `None` in a workspace without one.
    pub package: Option<String>,
    /// `rust-version`.
    pub rust: Option<Given>,
    /// `package.workspace`: the folder of the workspace, as written.
    pub root: Option<String>,
    /// `[workspace]`.
    pub workspace: Option<Workspace>,
    /// Every line that asks for something.
    pub asks: Vec<Ask>,
}

/// A value that stands here, or in the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// As written.
    Here(String),
    /// `workspace = true`.
    Inherited,
}

/// `[workspace]`.
#[derive(Clone, Debug, Default)]
pub(super) struct Workspace {
    pub members: Vec<String>,
    pub exclude: Vec<String>,
    pub rust: Option<String>,
}

/// A line that asks for a crate.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    /// The key, which is what a member says to inherit it.
    pub key: String,
    /// The crate's own name.
    pub name: String,
    /// As written; `None` where it stands in the workspace.
    pub requirement: Option<String>,
    pub purpose: Purpose,
    pub origin: Origin,
    /// From 1.
    pub line: u32,
    /// Whether this is `[workspace.dependencies]`, which asks only for those who inherit it.
    pub shared: bool,
}

const TABLES: [(&str, Purpose); 5] = [
    ("dependencies", Purpose::Runtime),
    ("dev-dependencies", Purpose::Development),
    ("dev_dependencies", Purpose::Development),
    ("build-dependencies", Purpose::Build),
    ("build_dependencies", Purpose::Build),
];

/// Reads one; the error is a sentence for people.
pub(super) fn read(path: &str, text: &str) -> Result<Manifest, String> {
    let text = readable(path, text)?;
    let lines = Lines::of(text);
    let document = Document::parse(text)
        .map_err(|error| broken(path, error.span().map(|span| lines.at(span.start)), error.message()))?;
    let root = document.as_table();
    let mut manifest = Manifest { asks: asks(&lines, root), ..Manifest::default() };
    if let Some(package) = table(root, "package").or_else(|| table(root, "project")) {
        manifest.package = word(package, "name");
        manifest.root = word(package, "workspace");
        manifest.rust = package.get("rust-version").and_then(|item| match item.as_str() {
            Some(version) => Some(Given::Here(version.to_owned())),
            None => inherits(item).then_some(Given::Inherited),
        });
    }
    manifest.workspace = table(root, "workspace").map(|workspace| Workspace {
        members: words(workspace, "members"),
        exclude: words(workspace, "exclude"),
        rust: table(workspace, "package").and_then(|package| word(package, "rust-version")),
    });
    Ok(manifest)
}

fn asks(lines: &Lines, root: &dyn TableLike) -> Vec<Ask> {
    let mut asks = Vec::new();
    collect(lines, root, &mut asks);
    if let Some(targets) = table(root, "target") {
        for (_, target) in targets.iter() {
            if let Some(target) = target.as_table_like() {
                collect(lines, target, &mut asks);
            }
        }
    }
    if let Some(shared) = table(root, "workspace").and_then(|workspace| table(workspace, "dependencies")) {
        for (key, item) in shared.iter() {
            asks.extend(ask(lines, shared, (key, item), Purpose::Runtime).map(|ask| Ask { shared: true, ..ask }));
        }
    }
    asks.sort_by_key(|ask| ask.line);
    asks
}

fn collect(lines: &Lines, holder: &dyn TableLike, asks: &mut Vec<Ask>) {
    for (name, purpose) in TABLES {
        let Some(dependencies) = table(holder, name) else { continue };
        asks.extend(dependencies.iter().filter_map(|entry| ask(lines, dependencies, entry, purpose)));
    }
}

/// `None` for what is neither a requirement nor a table, which cargo refuses.
fn ask(lines: &Lines, holder: &dyn TableLike, (key, item): (&str, &Item), purpose: Purpose) -> Option<Ask> {
    let at = |item: &Item| item.span().map(|span| span.start);
    let own = holder.key(key).and_then(|key| key.span()).map(|span| span.start);
    let mut ask = Ask {
        key: key.to_owned(),
        name: key.to_owned(),
        requirement: None,
        purpose,
        origin: Origin::Registry,
        line: lines.at(own.or_else(|| at(item)).unwrap_or(0)),
        shared: false,
    };
    if let Some(requirement) = item.as_str() {
        ask.requirement = Some(requirement.to_owned());
        return Some(ask);
    }
    let table = item.as_table_like()?;
    ask.name = word(table, "package").unwrap_or(ask.name);
    ask.origin = origin(table);
    if inherits(item) {
        return Some(ask);
    }
    if let Some(version) = table.get("version") {
        ask.line = at(version).map_or(ask.line, |at| lines.at(at));
    }
    ask.requirement = Some(word(table, "version").unwrap_or_else(|| "*".to_owned()));
    Some(ask)
}

fn origin(table: &dyn TableLike) -> Origin {
    if let Some(git) = word(table, "git") {
        return Origin::Elsewhere(format!("git {}", address::shown(&git)));
    }
    if let Some(path) = word(table, "path") {
        return Origin::Elsewhere(format!("path {path}"));
    }
    let index = || word(table, "registry-index").map(|index| address::shown(&index));
    match word(table, "registry").or_else(index) {
        Some(name) if name != "crates-io" => Origin::Named(name),
        _ => Origin::Registry,
    }
}

fn inherits(item: &Item) -> bool {
    item.as_table_like().and_then(|table| table.get("workspace")).and_then(Item::as_bool) == Some(true)
}

fn table<'t>(holder: &'t dyn TableLike, key: &str) -> Option<&'t dyn TableLike> {
    holder.get(key)?.as_table_like()
}

fn word(holder: &dyn TableLike, key: &str) -> Option<String> {
    Some(holder.get(key)?.as_str()?.to_owned())
}

fn words(holder: &dyn TableLike, key: &str) -> Vec<String> {
    let array = holder.get(key).and_then(Item::as_array);
    array.into_iter().flatten().filter_map(|value| Some(value.as_str()?.to_owned())).collect()
}
