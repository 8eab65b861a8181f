//! yarn 1. A `resolution` of the first of two calls says what a wish comes to, and the second call, without it, keeps what the
//! lock has by then. A resolution is found by who asks, not by the wish, and a wish that some get by it and others do not is
//! one that yarn fails on: all who have it are named. A wish that only manifests have is lent to a package of Fairway's own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Wish, asks};
use crate::domain::update::course::Item;
use crate::domain::update::edit::sheet::Sheet;
use crate::domain::update::edit::{Command, Plan, overrides};
use crate::domain::update::model::Declared;
use crate::domain::update::npm;
use crate::domain::update::npm::yarn::Block;
use crate::domain::update::source::{Files, folder, is, join};

/// Where Fairway's own package lies, beside the lock.
const OWN: &str = ".fairway-yarn";

/// Steps from a package towards the manifest that are looked at to tell its versions apart.
const STEPS: usize = 4;
/// So many ways are told apart, and no more.
const WAYS: usize = 500;

/// A lock and what is around it.
struct Scene<'s> {
    lock: &'s str,
    all: &'s [Block],
    /// What manifests ask for in the end.
    lines: Vec<Declared>,
    wishes: &'s [Wish<'s>],
}

/// Adds two calls.
pub fn calls(texts: &Files, (lock, all): (&str, &[Block]), wishes: &[Wish<'_>], plan: &mut Plan) -> Result<(), String> {
    let mut ends = texts.clone();
    ends.extend(plan.files.iter().cloned());
    let declared = npm::extract(&ends).declared;
    let of_lock = |one: &Declared| super::super::locks::lock(texts, &one.file).as_deref() == Some(lock);
    let lines: Vec<Declared> = declared.into_iter().filter(of_lock).collect();
    let scene = Scene { lock, all, lines, wishes };
    let mut told = Told::default();
    for wish in wishes {
        scene.tell(&ends, wish, &mut told)?;
    }
    let first = scene.first(&ends, told)?;
    let last = first.iter().filter_map(|(path, _)| Some((path.clone(), ends.get(path)?.clone()))).collect();
    let call = call(lock);
    plan.commands.extend([Command { before: first, ..call.clone() }, Command { before: last, ..call }]);
    Ok(())
}

/// Without looking at what lies in `node_modules`, so that wishes which nobody has any more leave the lock.
fn call(lock: &str) -> Command {
    let argv = [
        "yarn",
        "install",
        "--ignore-scripts",
        "--ignore-engines",
        "--non-interactive",
        "--no-progress",
        "--skip-integrity-check",
    ];
    let env = vec![("COREPACK_ENABLE_DOWNLOAD_PROMPT".to_owned(), "0".to_owned())];
    Command { env, ..Command::of(folder(lock), argv) }
}

/// What the first call is told.
#[derive(Default)]
struct Told {
    resolutions: BTreeMap<String, String>,
    /// What Fairway's own packages ask for: as many of them as one name has ranges.
    own: Vec<BTreeMap<String, String>>,
}

impl Scene<'_> {
    /// Names all who have a wish.
    fn tell(&self, ends: &Files, wish: &Wish<'_>, told: &mut Told) -> Result<(), String> {
        let (called, range) = wish.parts();
        let holders: Vec<&Block> = self.all.iter().filter(|block| asks(block, &wish.key)).collect();
        for holder in &holders {
            for path in self.paths(ends, holder, wish)? {
                told.resolutions.insert(format!("{path}/{called}"), wish.version.clone());
            }
        }
        if holders.is_empty() {
            let at = told.own.iter().position(|own| !own.contains_key(called)).unwrap_or(told.own.len());
            if at == told.own.len() {
                told.own.push(BTreeMap::new());
            }
            told.own[at].insert(called.to_owned(), range.to_owned());
            told.resolutions.insert(format!("**/{}/{called}", own(at)), wish.version.clone());
        }
        Ok(())
    }

    /// The shortest ways to a holder that no other version of it lies on whose wish under the same name does not come to the
    /// same.
    fn paths(&self, ends: &Files, holder: &Block, wish: &Wish<'_>) -> Result<BTreeSet<String>, String> {
        let called = wish.parts().0;
        let mut paths = BTreeSet::new();
        for name in names(holder) {
            let same = |(of, range): &(String, String)| {
                self.wishes.iter().any(|other| other.parts() == (of, range) && other.version == wish.version)
            };
            let differs = |block: &&Block| block.asks.iter().any(|ask| ask.0 == called && !same(ask));
            let others: Vec<&Block> =
                self.all.iter().filter(|block| names(block).contains(&name)).filter(differs).collect();
            let clear = (1..=STEPS).find_map(|steps| {
                let to = self.ways(ends, (holder, &name), steps);
                let of_others: Vec<String> =
                    others.iter().flat_map(|other| self.ways(ends, (other, &name), steps)).collect();
                let few = to.len() < WAYS && of_others.len() < WAYS;
                let clear = !to.iter().any(|way| of_others.iter().any(|other| meets(way, other)));
                (few && clear).then_some(to)
            });
            let Some(ways) = clear else {
                return Err(format!(
                    "yarn 1 cannot be told which {name} of {} is meant: the same packages ask for two of them, and each has its own {called}; update {name}, or who asks for it",
                    self.lock
                ));
            };
            paths.extend(ways);
        }
        Ok(paths)
    }

    /// The ends of the ways to a package that is asked for under a name, so many steps long or from a manifest.
    fn ways(&self, ends: &Files, (block, name): (&Block, &str), steps: usize) -> BTreeSet<String> {
        if steps <= 1 {
            return [format!("**/{name}")].into();
        }
        let keys: Vec<&String> = block.keys.iter().filter(|key| npm::spec::cut(key).0 == name).collect();
        let mut ways = BTreeSet::new();
        for asker in self.all.iter().filter(|asker| keys.iter().any(|key| asks(asker, key))) {
            for of in names(asker) {
                let above = self.ways(ends, (asker, &of), steps - 1);
                ways.extend(above.into_iter().map(|above| format!("{above}/{name}")));
                if ways.len() >= WAYS {
                    return ways;
                }
            }
        }
        let lines = self.lines.iter().filter(|line| keys.iter().any(|key| wishes(line, key)));
        ways.extend(lines.map(|line| match folder(&line.file) == folder(self.lock) {
            true => name.to_owned(),
            false => format!("**/{}/{name}", title(ends, &line.file)),
        }));
        ways
    }

    /// The manifests of the first call: with the very version in all lines that have a wish, and what is told.
    fn first(&self, ends: &Files, told: Told) -> Result<Vec<(String, String)>, String> {
        let mut pinned = Sheet::new(ends);
        for wish in self.wishes {
            let Item { name, to, .. } = wish.item;
            for line in self.lines.iter().filter(|line| line.name == *name && wishes(line, &wish.key)) {
                let item = Item { file: line.file.clone(), line: line.line, from: to.clone(), ..wish.item.clone() };
                pinned.pin(&item, to)?;
            }
        }
        let mut files = pinned.files();
        let here = |name: &str| join(folder(self.lock), name).ok_or_else(|| format!("{} has no folder", self.lock));
        let root = here("package.json")?;
        let mut whole = overrides::whole(ends, &files, (&root, self.lock))?;
        let table = whole.entry("resolutions").or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(table) = table else { return Err(format!("`resolutions` of {root} is no table")) };
        table.extend(told.resolutions.into_iter().map(|(path, version)| (path, Value::String(version))));
        for (at, asks) in told.own.into_iter().enumerate() {
            let name = own(at);
            let place = format!("{OWN}/{}", at + 1);
            let manifest = serde_json::json!({ "name": name, "version": "0.0.0", "dependencies": asks });
            files.push((here(&format!("{place}/package.json"))?, manifest.to_string()));
            let own = whole.entry("dependencies").or_insert_with(|| Value::Object(Map::new()));
            own.as_object_mut().map(|own| own.insert(name, Value::String(format!("file:./{place}"))));
        }
        files.retain(|(path, _)| *path != root);
        files.push((root, Value::Object(whole).to_string()));
        Ok(files)
    }
}

fn own(at: usize) -> String {
    format!("fairway-yarn-{}", at + 1)
}

/// Whether what is said of a way is said of another one as well.
fn meets(way: &str, other: &str) -> bool {
    let other = other.trim_start_matches("**/");
    match way.strip_prefix("**/") {
        Some(end) => other == end || other.strip_suffix(end).is_some_and(|before| before.ends_with('/')),
        None => other == way,
    }
}

/// Under which names a package of the lock is asked for.
fn names(block: &Block) -> BTreeSet<String> {
    block.keys.iter().map(|key| npm::spec::cut(key).0.to_owned()).collect()
}

/// Whether a line of a manifest has a wish. Under which alias, the line does not say.
fn wishes(line: &Declared, key: &str) -> bool {
    let (called, range) = npm::spec::cut(key);
    npm::spec::read(called, range).is_some_and(|asked| asked.name == line.name && asked.range == line.requirement)
}

/// What a manifest calls itself.
fn title(files: &Files, manifest: &str) -> String {
    let text = files.get(manifest).filter(|_| is(manifest, "package.json")).map_or("", String::as_str);
    let whole: Option<Value> = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok();
    whole.and_then(|whole| whole.get("name")?.as_str().map(str::to_owned)).unwrap_or_default()
}
