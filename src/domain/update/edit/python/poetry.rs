//! Poetry takes the newest version that a requirement has, so it is called twice, as npm is: with the very versions in the
//! manifest, and with the manifest as it is in the end. A package that no manifest names is named in the first call alone; the
//! second one keeps what the lock has by then.

use toml_edit::{Array, DocumentMut, InlineTable, Item as Toml, Table, value};

use super::super::npm::twice;
use super::super::{Command, Plan, Want};
use super::only;
use crate::domain::update::course::Item;
use crate::domain::update::source::{Files, folder, join};

/// Adds both calls for a lock.
pub fn calls(texts: &Files, (path, items): (&str, &[&Item]), plan: &mut Plan) -> Result<(), String> {
    // Before version 2 it would update everything else along.
    let old = texts.get(path).is_some_and(|text| text.contains("by Poetry 1.") || text.contains("by Poetry 0."));
    let argv: &[&str] = if old { &["poetry", "lock", "--no-update", "-n"] } else { &["poetry", "lock", "-n"] };
    let call = Command::of(folder(path), argv.iter().copied());
    let (alone, named): (Vec<&Item>, Vec<&Item>) = items.iter().copied().partition(|item| item.file == path);
    twice(texts, (path, &named), |item| format!("=={}", item.to), &call, plan)?;
    if alone.is_empty() {
        return Ok(());
    }
    let want = |item: &&Item| Want { lock: path.to_owned(), name: item.name.clone(), version: item.to.clone() };
    plan.wants.extend(alone.iter().map(want));
    let manifest = join(folder(path), "pyproject.toml").ok_or_else(|| format!("{path} has no folder"))?;
    let plain = plan.files.iter().find(|(other, _)| *other == manifest).map(|(_, text)| text);
    let plain =
        plain.or_else(|| texts.get(&manifest)).ok_or_else(|| format!("there is no {manifest} beside {path}"))?;
    let plain = plain.clone();
    let Some([first, last]) = plan.commands.last_chunk_mut::<2>() else { return Ok(()) };
    let pinned = first.before.iter().find(|(other, _)| *other == manifest).map_or(&plain, |(_, text)| text);
    let alone: Vec<(&Item, Option<String>)> = alone.into_iter().map(|item| (item, only(texts, path, item))).collect();
    let told = named_too((&manifest, pinned), &alone, old)?;
    first.before.retain(|(other, _)| *other != manifest);
    first.before.push((manifest.clone(), told));
    if !last.before.iter().any(|(other, _)| *other == manifest) {
        last.before.push((manifest, plain));
    }
    Ok(())
}

/// The manifest with these packages among those that it asks for.
fn named_too((path, text): (&str, &str), items: &[(&Item, Option<String>)], old: bool) -> Result<String, String> {
    let broken = |error: toml_edit::TomlError| format!("{path} cannot be read: {}", error.message());
    let mut document: DocumentMut = text.trim_start_matches('\u{feff}').parse().map_err(broken)?;
    let poetry = document.get("tool").and_then(|tool| tool.get("poetry")?.get("dependencies")).is_some();
    // Poetry reads `[project]` since version 2, and its own table then only where that one does not name any.
    let project = document.get("project").filter(|_| !old);
    let standard = project.is_some_and(|project| project.get("dependencies").is_some() || !poetry);
    let shape = || format!("`dependencies` of {path} are not what Poetry reads");
    if standard {
        let list = document["project"].as_table_like_mut().ok_or_else(shape)?;
        let list = list.entry("dependencies").or_insert_with(|| value(Array::new()));
        let list = list.as_array_mut().ok_or_else(shape)?;
        for (Item { name, to, .. }, only) in items {
            let only = only.as_ref().map(|marker| format!(" ; {marker}")).unwrap_or_default();
            list.push(format!("{name}=={to}{only}"));
        }
        return Ok(document.to_string());
    }
    let mut at = document.as_item_mut();
    for key in ["tool", "poetry", "dependencies"] {
        let inner = at.as_table_like_mut().ok_or_else(shape)?;
        at = inner.entry(key).or_insert_with(|| Toml::Table(Table::new()));
    }
    let own = at.as_table_like_mut().ok_or_else(shape)?;
    for (Item { name, to, .. }, only) in items {
        let mut asks = InlineTable::from_iter([("version", format!("=={to}"))]);
        asks.extend(only.iter().map(|marker| ("markers", marker.clone())));
        own.insert(name, if only.is_some() { value(asks) } else { value(format!("=={to}")) });
    }
    Ok(document.to_string())
}
