//! A file a language: from its manifests to a `Stack`.

mod deno;
mod dotnet;
mod elixir;
mod go;
mod gradle;
mod maven;
mod node;
mod other;
mod php;
mod python;
mod ruby;
mod rust;
mod scripts;
mod site;

use std::collections::BTreeMap;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use toml_edit::{Document, Item};

use super::stack::{Command, Evidence, Kind, Origin, Part, Stack};
use super::text::{Note, Texts, line_at, line_of};
use super::tree::{Place, Tree, join, place, resolve, split};

pub use node::is_marker;
pub use scripts::part_of;

/// What a detector may look at.
pub struct Look<'a> {
    /// All paths.
    pub tree: &'a Tree,
    /// What was read.
    pub texts: &'a Texts,
    /// Versions that workflows set up.
    pub versions: BTreeMap<Kind, (String, Evidence)>,
    /// Package managers that workflows set up, with their versions.
    pub tools: BTreeMap<String, String>,
}

/// Finds one stack in one folder, or none.
type Find = fn(&Look<'_>, &str, &mut Vec<Note>) -> Option<Stack>;

const FINDERS: &[Find] = &[
    rust::find,
    go::find,
    deno::find,
    node::find,
    python::find,
    maven::find,
    gradle::find,
    dotnet::find,
    ruby::find,
    php::find,
    elixir::find,
    site::find,
    other::dagger,
    other::docker,
];

/// All matches in all folders of which something was read, in the order of their paths.
pub fn find(look: &Look<'_>, notes: &mut Vec<Note>) -> Vec<Stack> {
    let mut dirs: Vec<&str> = look.texts.paths().map(|path| split(path).0).collect();
    dirs.push("");
    dirs.sort_unstable();
    dirs.dedup();
    let mut stacks = Vec::new();
    for dir in dirs.into_iter().filter(|dir| !dir.starts_with(".github") && place(dir) != Place::Foreign) {
        stacks.extend(FINDERS.iter().filter_map(|find| find(look, dir, notes)));
    }
    stacks.extend(site::plain(look, &stacks));
    stacks
}

impl Look<'_> {
    /// The text of a file that was read.
    pub fn text(&self, dir: &str, name: &str) -> Option<&str> {
        self.texts.get(&join(dir, name))
    }

    /// The first line of a small file such as `.nvmrc`, and where it stands.
    fn pin(&self, dir: &str, name: &str) -> Option<(String, Evidence)> {
        // A version stands at the root for all units, unless one has its own.
        let at = |dir: &str| {
            let line = self.text(dir, name)?.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#'))?;
            Some((line.trim().to_owned(), Evidence::new(join(dir, name), Some(1), line.trim())))
        };
        at(dir).or_else(|| at(""))
    }

    /// What `.tool-versions` says of a tool.
    fn tool_version(&self, dir: &str, names: &[&str]) -> Option<(String, Evidence)> {
        let at = |dir: &str| {
            let lines = self.text(dir, ".tool-versions")?.lines().zip(1..);
            let mut found = lines.filter_map(|(line, number)| {
                let (name, version) = line.trim().split_once(char::is_whitespace)?;
                let evidence = Evidence::new(join(dir, ".tool-versions"), Some(number), line.trim());
                names.contains(&name).then(|| (version.trim().to_owned(), evidence))
            });
            found.next()
        };
        at(dir).or_else(|| at(""))
    }

    /// Whether a file with such an ending stands somewhere below the folder.
    fn any_below(&self, dir: &str, test: impl Fn(&str) -> bool) -> bool {
        self.tree.below(dir).any(|entry| test(&entry.path))
    }

    /// Folders with a manifest of that name that one of the patterns names, relative to `dir`.
    fn members(&self, dir: &str, manifest: &str, (patterns, except): (&[String], &[String])) -> Vec<String> {
        let (Some(wanted), Some(except)) = (globs(patterns), globs(except)) else { return Vec::new() };
        let skip = if dir.is_empty() { 0 } else { dir.len() + 1 };
        let found = self.tree.below(dir).filter_map(|entry| {
            let (folder, name) = split(&entry.path);
            let inner = folder.get(skip..)?;
            let ours = name == manifest && !inner.is_empty() && wanted.is_match(inner) && !except.is_match(inner);
            (ours && !inner.split('/').any(|part| part == "node_modules")).then(|| folder.to_owned())
        });
        found.collect()
    }
}

fn globs(patterns: &[String]) -> Option<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns.iter().take(1_000) {
        let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
        set.add(GlobBuilder::new(pattern).literal_separator(true).build().ok()?);
    }
    set.build().ok()
}

/// A TOML file with the places of its keys.
struct Toml<'t> {
    path: String,
    text: &'t str,
    root: Document<&'t str>,
}

impl<'t> Toml<'t> {
    fn read(look: &Look<'t>, dir: &str, name: &str, notes: &mut Vec<Note>) -> Option<Toml<'t>> {
        let path = join(dir, name);
        let text = look.texts.get(&path)?;
        match Document::parse(text) {
            Ok(root) => Some(Toml { path, text, root }),
            Err(error) => {
                let line = error.span().map(|span| line_at(text, span.start));
                notes.push(Note::Broken { path, line });
                None
            }
        }
    }

    fn item(&self, keys: &[&str]) -> Option<&Item> {
        let (last, tables) = keys.split_last()?;
        let mut table: &dyn toml_edit::TableLike = self.root.as_table();
        for key in tables {
            table = table.get(key)?.as_table_like()?;
        }
        table.get(last)
    }

    fn str(&self, keys: &[&str]) -> Option<&str> {
        self.item(keys)?.as_str()
    }

    fn has(&self, keys: &[&str]) -> bool {
        self.item(keys).is_some()
    }

    fn list(&self, keys: &[&str]) -> Vec<String> {
        let array = self.item(keys).and_then(Item::as_array);
        array.into_iter().flatten().filter_map(|value| value.as_str().map(str::to_owned)).collect()
    }

    fn names(&self, keys: &[&str]) -> Vec<&str> {
        let table = self.item(keys).and_then(Item::as_table_like);
        table.map(|table| table.iter().map(|(key, _)| key).collect()).unwrap_or_default()
    }

    fn at(&self, keys: &[&str], says: impl Into<String>) -> Evidence {
        let span = self.item(keys).and_then(Item::span);
        // A header's span may be missing where tables are only implied.
        let line = span.map(|span| line_at(self.text, span.start));
        Evidence::new(self.path.clone(), line.or_else(|| line_of(self.text, keys.last().copied()?)), says)
    }
}

/// Parses JSON, with comments and trailing commas where the tool allows them.
fn json(path: &str, text: &str, notes: &mut Vec<Note>) -> Option<serde_json::Value> {
    match serde_json::from_str(text) {
        Ok(value) => Some(value),
        Err(error) => {
            let plain = serde_json::from_str(&without_comments(text)).ok();
            if plain.is_none() {
                let line = u32::try_from(error.line()).ok();
                notes.push(Note::Broken { path: path.to_owned(), line });
            }
            plain
        }
    }
}

fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match (quoted, c, chars.peek()) {
            (true, '\\', _) => {
                out.push(c);
                out.extend(chars.next());
            }
            (_, '"', _) => {
                quoted = !quoted;
                out.push(c);
            }
            (false, '/', Some('/')) => while chars.next_if(|c| *c != '\n').is_some() {},
            (false, '/', Some('*')) => {
                let mut last = ' ';
                chars.next();
                for c in chars.by_ref() {
                    if last == '*' && c == '/' {
                        break;
                    }
                    last = c;
                }
            }
            (false, '}' | ']', _) => {
                let end = out.trim_end().len();
                if out.get(..end).is_some_and(|text| text.ends_with(',')) {
                    out.truncate(end - 1);
                }
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

/// Folders outside of `dir` that its manifest leads to by `../`.
fn near(dir: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("../") {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        if before.is_some_and(|c| c == '/' || c == '.') {
            continue;
        }
        let rest = text.get(at..).unwrap_or("");
        let end = rest.find(|c: char| !(c.is_alphanumeric() || "._-/".contains(c))).unwrap_or(rest.len());
        found.extend(rest.get(..end).and_then(|path| resolve(dir, path)).filter(|path| !path.is_empty()));
    }
    found.sort();
    found.dedup();
    found.truncate(20);
    found
}

/// A number and its noun.
fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// What a tool's own manual would have one type.
fn manual(part: Part, run: impl Into<String>, dir: &str, from: &Evidence) -> Command {
    let from = Evidence::new(from.path.clone(), from.line, "");
    Command::new(part, run, dir, (Origin::Convention, from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_may_have_what_tools_let_people_write() {
        let text = "{\n // a\n \"a\": \"//x\", /* b */ \"b\": [1, 2,],\n}";
        let value = json("deno.jsonc", text, &mut Vec::new()).expect("valid");
        assert_eq!(value, serde_json::json!({"a": "//x", "b": [1, 2]}));
        let mut notes = Vec::new();
        assert_eq!(json("package.json", "{\n\"a\": }", &mut notes), None);
        assert_eq!(notes, [Note::Broken { path: "package.json".to_owned(), line: Some(2) }]);
    }

    #[test]
    fn folders_outside_are_found_by_their_paths() {
        assert_eq!(
            near("services/api", "a = { path = \"../shared\" }\nb = \"../../lib/x\""),
            ["lib/x", "services/shared"]
        );
        assert_eq!(near("api", "../../x"), Vec::<String>::new());
    }
}
