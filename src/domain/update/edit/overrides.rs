//! How npm and pnpm are told which version of a package they take that no manifest names: by overrides, in the first of two
//! calls. The second one is without them, and keeps what the lock has by then.

use serde_json::{Map, Value};

use crate::domain::update::course::Item;
use crate::domain::update::npm::{manifest::selected, pnpm};
use crate::domain::update::source::{Files, folder, is, join};

/// What the first call is told.
pub struct Told {
    /// The manifest beside the lock.
    pub path: String,
    /// Its text with the overrides.
    pub text: String,
    /// The overrides for clients that do not read them there: a variable and its value.
    pub env: Option<(String, String)>,
}

/// What the first call is told of these items. `edited`: manifests that were changed before, for the sake of lines of `named`.
///
/// # Errors
/// Why that cannot be, in words.
pub fn told(
    texts: &Files,
    edited: &[(String, String)],
    (lock, items, named): (&str, &[&Item], &[&Item]),
) -> Result<Told, String> {
    let path = join(folder(lock), "package.json").ok_or_else(|| format!("{lock} has no folder"))?;
    let mut whole = whole(texts, edited, (&path, lock))?;
    let env = if is(lock, "pnpm-lock.yaml") {
        let table = Value::Object(of_pnpm(texts, (lock, items, named))?);
        let own = whole.entry("pnpm").or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(own) = own else { return Err(format!("`pnpm` of {path} is no table")) };
        let env = ("pnpm_config_overrides".to_owned(), table.to_string());
        own.insert("overrides".to_owned(), table);
        Some(env)
    } else {
        let table = whole.entry("overrides").or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(table) = table else { return Err(format!("`overrides` of {path} is no table")) };
        of_npm(table, &path, items)?;
        None
    };
    Ok(Told { text: Value::Object(whole).to_string(), path, env })
}

/// A manifest as it is by now.
///
/// # Errors
/// Why it cannot be read, in words.
pub fn whole(
    texts: &Files,
    edited: &[(String, String)],
    (path, lock): (&str, &str),
) -> Result<Map<String, Value>, String> {
    let known = edited.iter().find(|(other, _)| other == path).map(|(_, text)| text);
    let text = known.or_else(|| texts.get(path)).ok_or_else(|| format!("there is no {path} beside {lock}"))?;
    serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| format!("{path} cannot be read: {error}"))
}

/// Refuses where the repository itself says which version of the package it takes. `what`: how its client calls that.
///
/// # Errors
/// That it does, in words.
pub fn own<'k>(
    mut selectors: impl Iterator<Item = &'k String>,
    (what, path): (&str, &str),
    Item { name, to, .. }: &Item,
) -> Result<(), String> {
    if selectors.any(|selector| selected(selector).as_deref() == Some(name)) {
        return Err(format!("{path} has {what} for {name}; change it there to {to}"));
    }
    Ok(())
}

fn of_npm(table: &mut Map<String, Value>, path: &str, items: &[&Item]) -> Result<(), String> {
    for item in items {
        own(table.keys(), ("an override", path), item)?;
    }
    table.extend(items.iter().map(|Item { name, from, to, .. }| (format!("{name}@{from}"), Value::String(to.clone()))));
    Ok(())
}

/// All overrides of the lock, and one for everybody who has what is to change: whom it concerns pnpm takes from ranges, and
/// another version may be within them.
fn of_pnpm(texts: &Files, (lock, items, named): (&str, &[&Item], &[&Item])) -> Result<Map<String, Value>, String> {
    let text = texts.get(lock).map_or("", String::as_str);
    let known = pnpm::overrides(lock, text)?;
    let mut table = Map::new();
    for item @ Item { name, from, to, .. } in items {
        // They may stand in two files; the lock has them all.
        match own(known.keys(), ("an override", lock), item) {
            Ok(()) => {}
            // It is an override's own line that changes.
            Err(_) if named.iter().any(|other| other.name == *name) => continue,
            Err(why) => return Err(format!("{why} where it comes from")),
        }
        let holders = pnpm::holders(lock, text, (name, from))?;
        if holders.is_empty() {
            return Err(format!("nobody in {lock} asks for {name} {from} any more; the next look finds what it has"));
        }
        for pnpm::Holder { name: by, version, called } in holders {
            let at = if version.is_empty() { String::new() } else { format!("@{version}") };
            let to = if called == *name { to.clone() } else { format!("npm:{name}@{to}") };
            table.insert(format!("{by}{at}>{called}"), Value::String(to));
        }
    }
    table.extend(known.into_iter().map(|(selector, version)| {
        let name = selected(&selector);
        let item = named.iter().find(|item| Some(&item.name) == name.as_ref() && item.from == version);
        (selector, Value::String(item.map_or(version, |item| item.to.clone())))
    }));
    Ok(table)
}
