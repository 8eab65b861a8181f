//! How npm is told which version of a package it takes that no manifest names: by an override, in the first of two calls. The
//! second one is without it, and keeps what the lock has by then.

use serde_json::{Map, Value};

use crate::domain::update::course::Item;
use crate::domain::update::source::{Files, folder, is, join};

/// Whether only npm's lock has a line for it.
pub fn locks(file: &str) -> bool {
    is(file, "package-lock.json") || is(file, "npm-shrinkwrap.json")
}

/// The manifest beside the lock, with overrides for these items in addition. `edited`: manifests that were changed before.
///
/// # Errors
/// Why that cannot be, in words.
pub fn manifest(
    texts: &Files,
    edited: &[(String, String)],
    (lock, items): (&str, &[&Item]),
) -> Result<(String, String), String> {
    let path = join(folder(lock), "package.json").ok_or_else(|| format!("{lock} has no folder"))?;
    let known = edited.iter().find(|(other, _)| *other == path).map(|(_, text)| text);
    let text = known.or_else(|| texts.get(&path)).ok_or_else(|| format!("there is no {path} beside {lock}"))?;
    let mut whole: Map<String, Value> = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| format!("{path} cannot be read: {error}"))?;
    let table = whole.entry("overrides").or_insert_with(|| Value::Object(Map::new()));
    let Value::Object(table) = table else { return Err(format!("`overrides` of {path} is no table")) };
    for Item { name, from, to, .. } in items {
        let own = |key: &String| key == name || key.strip_prefix(name).is_some_and(|rest| rest.starts_with('@'));
        if table.keys().any(own) {
            return Err(format!("{path} has an override for {name}; change it there to {to}"));
        }
        table.insert(format!("{name}@{from}"), Value::String(to.clone()));
    }
    Ok((path, Value::Object(whole).to_string()))
}
