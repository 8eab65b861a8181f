//! `pyproject.toml`: PEP 621, PEP 735, uv's and Poetry's tables.

use std::collections::BTreeMap;

use toml_edit::{Array, Document, Item, TableLike, Value};

use super::requirement::{self, Requirement};
use super::{Declared, Lines, Origin, Purpose, declared};
use crate::domain::update::source::{broken, safe};

/// What one file says.
pub struct Project {
    pub declared: Vec<Declared>,
    /// `requires-python`, as written.
    pub python: Option<String>,
}

/// Reads one; the error is a sentence.
pub fn read(file: &str, text: &str) -> Result<Project, String> {
    let lines = Lines::of(text);
    let document = Document::parse(text)
        .map_err(|error| broken(file, error.span().map(|span| lines.at(span.start)), error.message()))?;
    let root = document.as_table();
    let python =
        at(root, &["project", "requires-python"]).or_else(|| at(root, &["tool", "poetry", "dependencies", "python"]));
    let python = python.and_then(Item::as_str).map(str::to_owned);
    let mut reader = Reader { file, lines: &lines, sources: sources(root), declared: Vec::new() };
    reader.pep_621(root);
    reader.poetry(root);
    Ok(Project { declared: reader.declared, python })
}

/// Named indexes: address, without secrets, to name.
pub fn indexes(text: &str) -> BTreeMap<String, String> {
    let Ok(document) = Document::parse(text) else { return BTreeMap::new() };
    let lists = [&["tool", "uv", "index"], &["tool", "poetry", "source"]];
    let tables =
        lists.iter().filter_map(|path| at(document.as_table(), *path)).filter_map(Item::as_array_of_tables).flatten();
    let own = |table: &toml_edit::Table| !table.get("default").and_then(Item::as_bool).unwrap_or(false);
    let named = tables
        .filter(|table| own(table))
        .filter_map(|table| Some((safe(table.get("url")?.as_str()?), table.get("name")?.as_str()?.to_owned())));
    named.collect()
}

fn at<'t>(root: &'t dyn TableLike, path: &[&str]) -> Option<&'t Item> {
    let (last, tables) = path.split_last()?;
    let mut table = root;
    for key in tables {
        table = table.get(key)?.as_table_like()?;
    }
    table.get(last)
}

/// `[tool.uv.sources]`: what is not taken from the index.
fn sources(root: &dyn TableLike) -> BTreeMap<String, Origin> {
    let table = at(root, &["tool", "uv", "sources"]).and_then(Item::as_table_like);
    let of = |item: &Item| {
        // A list has one source a marker; the first stands for all.
        let first = item.as_array().and_then(|array| array.get(0)).and_then(Value::as_inline_table);
        let table = first.map(|table| table as &dyn TableLike).or_else(|| item.as_table_like())?;
        foreign(table).or_else(|| Some(Origin::Named(table.get("index")?.as_str()?.to_owned())))
    };
    table
        .into_iter()
        .flat_map(|table| table.iter())
        .filter_map(|(name, item)| Some((requirement::normal(name), of(item)?)))
        .collect()
}

/// A Git repository, a folder, an archive or a member of the workspace.
fn foreign(table: &dyn TableLike) -> Option<Origin> {
    for key in ["git", "path", "url", "file"] {
        if let Some(address) = table.get(key).and_then(Item::as_str) {
            return Some(Origin::Elsewhere(safe(address)));
        }
    }
    table.get("workspace").map(|_| Origin::Elsewhere("workspace".to_owned()))
}

struct Reader<'t> {
    file: &'t str,
    lines: &'t Lines,
    sources: BTreeMap<String, Origin>,
    declared: Vec<Declared>,
}

impl Reader<'_> {
    fn pep_621(&mut self, root: &dyn TableLike) {
        self.list(at(root, &["project", "dependencies"]), Purpose::Runtime);
        self.list(at(root, &["build-system", "requires"]), Purpose::Build);
        self.list(at(root, &["tool", "uv", "dev-dependencies"]), Purpose::Development);
        for (path, purpose) in [
            (&["project", "optional-dependencies"][..], Purpose::Runtime),
            (&["dependency-groups"][..], Purpose::Development),
        ] {
            let groups = at(root, path).and_then(Item::as_table_like);
            for (_, group) in groups.into_iter().flat_map(|groups| groups.iter()) {
                self.list(Some(group), purpose);
            }
        }
    }

    fn list(&mut self, item: Option<&Item>, purpose: Purpose) {
        for value in item.and_then(Item::as_array).into_iter().flat_map(Array::iter) {
            // `{ include-group = "…" }` asks for nothing itself.
            let (Some(text), Some(span)) = (value.as_str(), value.span()) else { continue };
            let Some(Requirement { name, specifiers, origin }) = requirement::parse(text) else { continue };
            let origin = self.sources.get(&name).cloned().unwrap_or(origin);
            let asked = (name, specifiers.to_owned(), origin);
            self.declared.push(declared((self.file, self.lines, span.start), purpose, asked));
        }
    }

    fn poetry(&mut self, root: &dyn TableLike) {
        let Some(poetry) = at(root, &["tool", "poetry"]).and_then(Item::as_table_like) else { return };
        self.table(poetry.get("dependencies"), Purpose::Runtime);
        self.table(poetry.get("dev-dependencies"), Purpose::Development);
        let groups = poetry.get("group").and_then(Item::as_table_like);
        for (_, group) in groups.into_iter().flat_map(|groups| groups.iter()) {
            self.table(at_item(group, "dependencies"), Purpose::Development);
        }
    }

    fn table(&mut self, item: Option<&Item>, purpose: Purpose) {
        let table = item.and_then(Item::as_table_like);
        for (name, item) in table.into_iter().flat_map(|table| table.iter()).filter(|(name, _)| *name != "python") {
            let values: Vec<&Value> = item.as_array().map(|array| array.iter().collect()).unwrap_or_default();
            if values.is_empty() {
                let asks = item.as_str().map(asked).or_else(|| poetry_table(item.as_table_like()?));
                self.push(name, (asks, item.span()), purpose);
            }
            for value in values {
                let asks =
                    value.as_inline_table().and_then(|table| poetry_table(table)).or_else(|| value.as_str().map(asked));
                self.push(name, (asks, value.span()), purpose);
            }
        }
    }

    fn push(
        &mut self,
        name: &str,
        (asks, span): (Option<(String, Origin)>, Option<std::ops::Range<usize>>),
        purpose: Purpose,
    ) {
        if let (Some((requirement, origin)), Some(span)) = (asks, span) {
            let asked = (requirement::normal(name), requirement, origin);
            self.declared.push(declared((self.file, self.lines, span.start), purpose, asked));
        }
    }
}

fn at_item<'t>(item: &'t Item, key: &str) -> Option<&'t Item> {
    item.as_table_like()?.get(key)
}

fn asked(requirement: &str) -> (String, Origin) {
    (requirement.to_owned(), Origin::Registry)
}

/// `{ version = "^1", extras = […] }`, or something from elsewhere.
fn poetry_table(table: &dyn TableLike) -> Option<(String, Origin)> {
    let version = table.get("version").and_then(Item::as_str);
    if let Some(origin) = foreign(table) {
        return Some((version.unwrap_or_default().to_owned(), origin));
    }
    let origin =
        table.get("source").and_then(Item::as_str).map_or(Origin::Registry, |name| Origin::Named(name.to_owned()));
    Some((version?.to_owned(), origin))
}
