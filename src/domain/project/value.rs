//! Reads one table key by key: every value has the wanted type or leaves a problem on its own line.

use std::collections::BTreeMap;
use std::ops::Range;

use toml_edit::{Item, TableLike, Value};

use super::check;
use super::keys::Table;
use super::problem::{Problems, nearest, quoted};

/// A table with its dotted name, for reading.
pub(in crate::domain) struct Section<'t> {
    pub(in crate::domain) path: String,
    table: &'t dyn TableLike,
    span: Option<Range<usize>>,
}

type Rule = fn(&str) -> Result<(), String>;

impl<'t> Section<'t> {
    pub(in crate::domain) fn root(table: &'t dyn TableLike) -> Self {
        Section { path: String::new(), table, span: None }
    }

    /// The table under `key`; `None` when it is missing, or is no table, which is a problem.
    pub(in crate::domain) fn section(&self, key: &str, problems: &mut Problems<'_>) -> Option<Section<'t>> {
        let item = self.get(key)?;
        let path = self.name(key);
        let span = self.key_span(key);
        match item.as_table_like() {
            Some(table) => Some(Section { path, table, span }),
            None => {
                problems.add(span, &path, format!("`{key}` must be a table, not {}.", kind(item)));
                None
            }
        }
    }

    /// The tables below it with their names; one that is no table, or has no good name, is a problem. `what`: one of
    /// them, with its article.
    pub(in crate::domain) fn tables(&self, what: &str, problems: &mut Problems<'_>) -> Vec<(&'t str, Section<'t>)> {
        let mut tables = Vec::new();
        for name in self.keys() {
            if check::pipeline_name(name) {
                tables.extend(self.section(name, problems).map(|section| (name, section)));
                continue;
            }
            let rule = "Use 1 to 40 of `a-z`, `0-9` and `-`, not `-` first.";
            let message = format!("{} cannot be the name of {what}. {rule}", quoted(name));
            problems.add(self.key_span(name), &self.name(name), message);
        }
        tables
    }

    pub(in crate::domain) fn keys(&self) -> impl Iterator<Item = &'t str> + use<'t> {
        self.table.iter().map(|(key, _)| key)
    }

    pub(in crate::domain) fn span(&self) -> Option<Range<usize>> {
        self.span.clone()
    }

    pub(in crate::domain) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub(in crate::domain) fn name(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub(in crate::domain) fn key_span(&self, key: &str) -> Option<Range<usize>> {
        let (found, item) = self.table.get_key_value(key)?;
        found.span().or_else(|| item.span()).or_else(|| self.span())
    }

    /// One problem for each key that is not among the known ones.
    pub(in crate::domain) fn refuse_unknown(&self, table: &Table, problems: &mut Problems<'_>) {
        let known = &table.names();
        for key in self.keys().filter(|key| !table.knows(key)) {
            if problems.full() {
                return;
            }
            let at = if self.path.is_empty() { "at the top level".to_owned() } else { format!("in `{}`", self.path) };
            let hint = match nearest(key, known) {
                Some(near) => format!("Did you mean `{near}`?"),
                None => format!("Known are {}.", list(known)),
            };
            let message = format!("Unknown key {} {at}.", quoted(key));
            problems.add_with_hint(self.key_span(key), &self.name(key), message, Some(hint));
        }
    }

    /// A string that keeps the rule.
    pub(in crate::domain) fn text(&self, key: &str, rule: Rule, problems: &mut Problems<'_>) -> Option<String> {
        let item = self.get(key)?;
        let Some(text) = item.as_str() else {
            let message = format!("`{key}` must be a string, not {}.", kind(item));
            problems.add(self.key_span(key), &self.name(key), message);
            return None;
        };
        match rule(text) {
            Ok(()) => Some(text.to_owned()),
            Err(message) => {
                problems.add(item.span(), &self.name(key), message);
                None
            }
        }
    }

    /// A list of strings with their places, without those that break the rule or stand there twice.
    pub(in crate::domain) fn texts(
        &self,
        key: &str,
        rule: Rule,
        problems: &mut Problems<'_>,
    ) -> Vec<(String, Option<Range<usize>>)> {
        let Some(item) = self.get(key) else {
            return Vec::new();
        };
        let Some(array) = item.as_array() else {
            let message = format!("`{key}` must be a list of strings, not {}.", kind(item));
            let hint = item.as_str().map(|_| "Put it in brackets: `[\"...\"]`.".to_owned());
            problems.add_with_hint(self.key_span(key), &self.name(key), message, hint);
            return Vec::new();
        };
        if array.len() > 100 {
            problems.add(self.key_span(key), &self.name(key), format!("`{key}` has more than 100 entries."));
            return Vec::new();
        }
        let mut texts = Vec::new();
        for value in array {
            let Some(text) = value.as_str() else {
                let message = format!("`{key}` must be a list of strings, but holds {}.", value_kind(value));
                problems.add(value.span(), &self.name(key), message);
                continue;
            };
            match rule(text) {
                Ok(()) => texts.push((text.to_owned(), value.span())),
                Err(message) => problems.add(value.span(), &self.name(key), message),
            }
        }
        texts
    }

    /// A table of plain values; numbers and booleans are taken as they are written.
    pub(in crate::domain) fn env(&self, problems: &mut Problems<'_>) -> BTreeMap<String, String> {
        let mut env = BTreeMap::new();
        let Some(section) = self.section("env", problems) else {
            return env;
        };
        for (key, item) in section.table.iter() {
            if let Err(message) = check::env_name(key) {
                problems.add(section.key_span(key), &section.name(key), message);
                continue;
            }
            let text = match item.as_value() {
                Some(Value::String(text)) => text.value().clone(),
                Some(Value::Integer(number)) => number.value().to_string(),
                Some(Value::Boolean(yes)) => yes.value().to_string(),
                _ => {
                    let message = format!("`{key}` must be a string, not {}.", kind(item));
                    problems.add(section.key_span(key), &section.name(key), message);
                    continue;
                }
            };
            if text.contains('\0') {
                problems.add(item.span(), &section.name(key), "A value cannot hold a NUL character.");
                continue;
            }
            env.insert(key.to_owned(), text);
        }
        env
    }

    /// A TCP port.
    pub(in crate::domain) fn port(&self, problems: &mut Problems<'_>) -> Option<u16> {
        let item = self.get("port")?;
        let port = item.as_integer().and_then(|n| u16::try_from(n).ok()).filter(|n| *n > 0);
        if port.is_none() {
            problems.add(self.key_span("port"), &self.name("port"), "`port` must be a number from 1 to 65535.");
        }
        port
    }

    /// Whether there is a list under the key.
    pub(in crate::domain) fn is_list(&self, key: &str) -> bool {
        self.get(key).is_some_and(Item::is_array)
    }

    /// Whether there is a string under the key.
    pub(in crate::domain) fn is_text(&self, key: &str) -> bool {
        self.get(key).is_some_and(Item::is_str)
    }

    /// A boolean; what is not there is false.
    pub(in crate::domain) fn flag(&self, key: &str, problems: &mut Problems<'_>) -> bool {
        let Some(item) = self.get(key) else { return false };
        item.as_bool().unwrap_or_else(|| {
            let message = format!("`{key}` must be `true` or `false`, not {}.", kind(item));
            problems.add(self.key_span(key), &self.name(key), message);
            false
        })
    }

    /// A whole number between two others.
    pub(in crate::domain) fn number(
        &self,
        key: &str,
        (least, most): (i64, i64),
        problems: &mut Problems<'_>,
    ) -> Option<i64> {
        let item = self.get(key)?;
        let number = item.as_integer().filter(|n| (least..=most).contains(n));
        if number.is_none() {
            let message = format!("`{key}` must be a number from {least} to {most}.");
            problems.add(self.key_span(key), &self.name(key), message);
        }
        number
    }

    fn get(&self, key: &str) -> Option<&'t Item> {
        self.table.get(key).filter(|item| !item.is_none())
    }
}

/// Any string is fine.
pub(in crate::domain) fn any(_: &str) -> Result<(), String> {
    Ok(())
}

/// Names in code marks, with commas.
pub(in crate::domain) fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn kind(item: &Item) -> &'static str {
    match item {
        Item::Value(value) => value_kind(value),
        Item::ArrayOfTables(_) => "a list of tables",
        _ => "a table",
    }
}

fn value_kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a string",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::Boolean(_) => "a boolean",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::InlineTable(_) => "a table",
    }
}
