//! yarn, whose lock says for every wish (a name and a range) which version fulfils it. A wish that is new to the lock gets the
//! newest version, and one that is there keeps what it has; so yarn is told what the very wishes come to that are meant.

mod berry;
mod classic;

use super::sheet::read;
use super::{Change, Plan, Want, overrides};
use crate::domain::update::Ecosystem;
use crate::domain::update::course::Item;
use crate::domain::update::model::Origin;
use crate::domain::update::npm::spec;
use crate::domain::update::npm::yarn::{Block, blocks, newer};
use crate::domain::update::source::{Files, folder, join};

/// A wish of the lock as it is to be in the end.
struct Wish<'i> {
    item: &'i Item,
    /// As the lock spells it.
    key: String,
    /// What it is to come to, in yarn's spelling for an alias too.
    version: String,
}

impl Wish<'_> {
    /// The name in the manifest of whoever wishes, and the range.
    fn parts(&self) -> (&str, &str) {
        spec::cut(&self.key)
    }
}

/// Adds what is to be called for one lock.
pub fn calls(texts: &Files, (lock, changes): (&str, &[&Change<'_>]), plan: &mut Plan) -> Result<(), String> {
    let text = texts.get(lock).map_or("", String::as_str);
    let all = blocks(lock, text)?;
    let newer = newer(text);
    let (alone, named): (Vec<&Change<'_>>, Vec<&Change<'_>>) =
        changes.iter().partition(|change| change.item.file == lock);
    // What manifests ask for, as the lock has it and as it is to have it.
    let mut said: Vec<(&Item, String, String)> = Vec::new();
    for change in named {
        said.extend(of_line(texts, &all, (change, newer))?.into_iter().map(|(old, new)| (change.item, old, new)));
    }
    let mut wanted: Vec<(&Item, String)> = said.iter().map(|(item, _, new)| (*item, new.clone())).collect();
    // A wish that only the manifests had is nobody's once they have another one.
    let asked = |key: &str| all.iter().any(|block| block.named().1 == Origin::Registry && asks(block, key));
    let gone = |key: &str| said.iter().any(|(_, old, new)| old == key && new != key) && !asked(key);
    for change in alone {
        let named = said.iter().any(|(item, ..)| item.name == change.item.name);
        settled(texts, lock, change.item).or_else(|why| if named { Ok(()) } else { Err(why) })?;
        let keys = of_lock((lock, &all), change.item, gone)?;
        wanted.extend(keys.into_iter().map(|key| (change.item, key)));
    }
    let mut wishes: Vec<Wish<'_>> = Vec::new();
    for (item, key) in wanted {
        if !wishes.iter().any(|wish| wish.key == key) {
            wishes.push(Wish { item, version: resolved(&key, item, newer), key });
        }
    }
    for item in changes.iter().map(|change| change.item) {
        let want = |version: &str| Want { lock: lock.to_owned(), name: item.name.clone(), version: version.to_owned() };
        plan.wants.push(want(&item.to));
        plan.ends.extend((item.file == lock).then(|| want(&item.from)));
    }
    plan.locks.push(lock.to_owned());
    if newer { berry::call(texts, lock, &wishes, plan) } else { classic::calls(texts, (lock, &all), &wishes, plan) }
}

/// Refuses where the manifest beside the lock itself says what a package comes to.
fn settled(texts: &Files, lock: &str, item: &Item) -> Result<(), String> {
    let path = join(folder(lock), "package.json").unwrap_or_default();
    let whole = overrides::whole(texts, &[], (&path, lock))?;
    let table = whole.get("resolutions").and_then(serde_json::Value::as_object);
    overrides::own(table.into_iter().flat_map(serde_json::Map::keys), ("a resolution", &path), item)
}

/// Whether a package asks for it; before yarn 4 their wishes are written as in manifests.
fn asks(block: &Block, key: &str) -> bool {
    let (called, range) = spec::cut(key);
    let bare = range.strip_prefix("npm:").unwrap_or(range);
    block.asks.iter().any(|(of, said)| of == called && (said == range || said == bare))
}

/// Every wish that a version fulfils, but those that manifests do not have any more.
fn of_lock((lock, all): (&str, &[Block]), item: &Item, gone: impl Fn(&str) -> bool) -> Result<Vec<String>, String> {
    let Item { name, from, to, .. } = item;
    let is_it = |block: &&Block| block.version == *from && block.named().0 == *name;
    let keys: Vec<String> = all.iter().filter(is_it).flat_map(|block| block.keys.clone()).collect();
    if keys.is_empty() {
        return Err(format!("{lock} does not have {name} {from} any more; the next look finds what it has"));
    }
    let keys: Vec<String> = keys.into_iter().filter(|key| !gone(key)).collect();
    match keys.iter().find(|key| !takes(key, to)) {
        Some(key) => {
            Err(format!("somebody in {lock} asks for {key}, which does not take {to}; update who asks for it"))
        }
        None => Ok(keys),
    }
}

fn takes(key: &str, to: &str) -> bool {
    let (called, range) = spec::cut(key);
    let asked = spec::read(called, range);
    asked.is_some_and(|asked| crate::domain::update::rules::admits(Ecosystem::Npm, &asked.range, to))
}

/// The wish of a manifest's line, as it was and as it is in the end.
fn of_line(
    texts: &Files,
    all: &[Block],
    (change, newer): (&Change<'_>, bool),
) -> Result<Vec<(String, String)>, String> {
    let Item { file, line, name, .. } = change.item;
    let text = texts.get(file).map_or("", String::as_str);
    let declared = read(Ecosystem::Npm, file, text).declared;
    let said = declared.into_iter().find(|one| one.line == *line && one.name == *name);
    let Some(old) = said.map(|one| one.requirement) else {
        return Err(format!("{file}:{line} does not ask for {name} any more; the next look finds what it asks for"));
    };
    let new = change.edited.as_deref().unwrap_or(&old);
    let alike = |key: &&String| {
        let (called, range) = spec::cut(key);
        spec::read(called, range).is_some_and(|asked| asked.name == *name && asked.range == old)
    };
    let known = all.iter().flat_map(|block| &block.keys).filter(alike);
    let ends = |key: &String, end: &str| Some(format!("{}{end}", key.strip_suffix(old.as_str())?));
    let mut keys: Vec<(String, String)> = known.filter_map(|key| Some((key.clone(), ends(key, new)?))).collect();
    if keys.is_empty() {
        let key = |range: &str| format!("{name}@{}{range}", if newer { "npm:" } else { "" });
        keys.push((key(&old), key(new)));
    }
    Ok(keys)
}

/// How yarn writes a version that a wish comes to.
fn resolved(key: &str, item: &Item, newer: bool) -> String {
    let (name, to) = (&item.name, &item.to);
    match spec::cut(key).0 == name {
        true if newer => format!("npm:{to}"),
        true => to.clone(),
        false => format!("npm:{name}@{to}"),
    }
}
