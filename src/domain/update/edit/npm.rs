//! npm, pnpm and yarn. Their clients take the newest version that a range has, so they are called twice: with the very version
//! in the manifest, and with the range that it has in the end, which keeps what the lock has by then.

use std::collections::BTreeMap;

use super::sheet::Sheet;
use super::{Change, Command, Plan, Want, overrides};
use crate::domain::update::course::Item;
use crate::domain::update::source::{Files, folder, is, join, upwards};

/// The first that a folder has counts.
const LOCKS: [&str; 4] = ["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock"];

/// Adds what is to be called, one lock after another.
pub fn calls(texts: &Files, changes: Vec<&Change<'_>>, plan: &mut Plan) -> Result<(), String> {
    let mut by_lock: BTreeMap<String, Vec<&Item>> = BTreeMap::new();
    for change in changes {
        let Item { file, name, to, .. } = change.item;
        if overrides::locks(file) && texts.contains_key(file) {
            by_lock.entry(file.clone()).or_default().push(change.item);
            continue;
        }
        if LOCKS.iter().any(|lock| is(file, lock)) {
            return Err(format!(
                "{name} stands in {file} because other packages ask for it, and its client has no way to bring it to {to} alone; update who asks for it, or write an override"
            ));
        }
        match lock(texts, file) {
            Some(lock) => by_lock.entry(lock).or_default().push(change.item),
            None if change.edited.is_some() => {}
            None => return Err(format!("there is no lock that could change for {name} ({file})")),
        }
    }
    for (lock, items) in by_lock {
        let (alone, named): (Vec<&Item>, Vec<&Item>) = items.into_iter().partition(|item| item.file == lock);
        twice(texts, (&lock, &named), |item| item.to.clone(), &call(texts, &lock), plan)?;
        if !alone.is_empty() {
            told(texts, (&lock, &alone), plan)?;
        }
    }
    Ok(())
}

/// Tells the first of the two calls also of packages that no manifest names, and the second one not any more.
fn told(texts: &Files, (lock, items): (&str, &[&Item]), plan: &mut Plan) -> Result<(), String> {
    let want = |item: &&Item| Want { lock: lock.to_owned(), name: item.name.clone(), version: item.to.clone() };
    plan.wants.extend(items.iter().map(want));
    let Some([first, last]) = plan.commands.last_chunk_mut::<2>() else { return Ok(()) };
    let (path, text) = overrides::manifest(texts, &first.before, (lock, items))?;
    first.before.retain(|(other, _)| *other != path);
    first.before.push((path.clone(), text));
    if !last.before.iter().any(|(other, _)| *other == path) {
        let plain = plan.files.iter().find(|(other, _)| *other == path).map(|(_, text)| text);
        last.before.extend(plain.or_else(|| texts.get(&path)).map(|text| (path, text.clone())));
    }
    Ok(())
}

/// Adds a call with the very versions in the manifests, and one with the manifests as they are in the end.
pub fn twice(
    texts: &Files,
    (lock, items): (&str, &[&Item]),
    exact: impl Fn(&Item) -> String,
    call: &Command,
    plan: &mut Plan,
) -> Result<(), String> {
    let mut pinned = Sheet::new(texts);
    for item in items {
        pinned.pin(item, &exact(item))?;
        plan.wants.push(Want { lock: lock.to_owned(), name: item.name.clone(), version: item.to.clone() });
    }
    let pinned = pinned.files();
    let last = |path: &String| plan.files.iter().find(|(other, _)| other == path).map(|(_, text)| text);
    let last =
        pinned.iter().filter_map(|(path, _)| Some((path.clone(), last(path).or_else(|| texts.get(path))?.clone())));
    let last = last.collect();
    plan.commands.extend([Command { before: pinned, ..call.clone() }, Command { before: last, ..call.clone() }]);
    plan.locks.push(lock.to_owned());
    Ok(())
}

fn lock(texts: &Files, manifest: &str) -> Option<String> {
    let beside = |dir: &str| LOCKS.iter().filter_map(|name| join(dir, name)).find(|path| texts.contains_key(path));
    upwards(folder(manifest)).find_map(beside)
}

/// No script of any package runs, and nothing of the repository's that a client would load.
fn call(texts: &Files, lock: &str) -> Command {
    let berry = texts.get(lock).is_some_and(|text| text.contains("__metadata:"));
    let (argv, env): (&[&str], &[(&str, &str)]) = match lock.rsplit('/').next() {
        Some("pnpm-lock.yaml") => (
            &["pnpm", "install", "--lockfile-only", "--no-frozen-lockfile", "--ignore-scripts", "--ignore-pnpmfile"],
            &[("COREPACK_ENABLE_DOWNLOAD_PROMPT", "0")],
        ),
        Some("yarn.lock") if berry => (
            &["yarn", "install", "--mode=update-lockfile"],
            &[
                ("COREPACK_ENABLE_DOWNLOAD_PROMPT", "0"),
                ("YARN_ENABLE_IMMUTABLE_INSTALLS", "false"),
                ("YARN_ENABLE_SCRIPTS", "false"),
                ("YARN_ENABLE_TELEMETRY", "0"),
            ],
        ),
        Some("yarn.lock") => (
            &["yarn", "install", "--ignore-scripts", "--ignore-engines", "--non-interactive", "--no-progress"],
            &[("COREPACK_ENABLE_DOWNLOAD_PROMPT", "0")],
        ),
        _ => (
            &["npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"],
            &[("NPM_CONFIG_UPDATE_NOTIFIER", "false")],
        ),
    };
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Command { env, ..Command::of(folder(lock), argv.iter().copied()) }
}
