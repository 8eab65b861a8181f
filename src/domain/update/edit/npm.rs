//! npm and pnpm. They take the newest version that a range has, so they are called twice: with the very version in the
//! manifest, and with the range that it has in the end, which keeps what the lock has by then. Which call is for which lock.

use std::collections::BTreeMap;

use super::locks::{LOCKS, lock};
use super::sheet::Sheet;
use super::{Change, Command, Plan, Want, npmrc, overrides, yarn};
use crate::domain::update::course::Item;
use crate::domain::update::source::{Files, folder, is};

/// Whether a lock's client can bring a package of the lock to a version that no manifest names.
pub fn alone(file: &str) -> bool {
    LOCKS.iter().any(|lock| is(file, lock))
}

/// Whether a lock has a version for each who asks. npm has one in a folder for all below.
pub fn apart(file: &str) -> bool {
    is(file, "pnpm-lock.yaml") || is(file, "yarn.lock")
}

/// Adds what is to be called, one lock after another.
pub fn calls(texts: &Files, changes: Vec<&Change<'_>>, plan: &mut Plan) -> Result<(), String> {
    let mut by_lock: BTreeMap<String, Vec<&Change<'_>>> = BTreeMap::new();
    for change in changes {
        let Item { file, name, .. } = change.item;
        let known = if alone(file) { texts.contains_key(file).then(|| file.clone()) } else { lock(texts, file) };
        match known {
            Some(lock) => by_lock.entry(lock).or_default().push(change),
            None if change.edited.is_some() => {}
            None => return Err(format!("there is no lock that could change for {name} ({file})")),
        }
    }
    for (lock, changes) in by_lock {
        if is(&lock, "yarn.lock") {
            yarn::calls(texts, (&lock, &changes), plan)?;
            continue;
        }
        let items = changes.into_iter().map(|change| change.item);
        let (alone, named): (Vec<&Item>, Vec<&Item>) = items.partition(|item| item.file == lock);
        twice(texts, (&lock, &named), |item| item.to.clone(), &call(&lock), plan)?;
        if let (Some(settings), Some([first, _])) = (npmrc::kept(texts, &lock), plan.commands.last_chunk_mut::<2>()) {
            first.before.push(settings);
        }
        if !alone.is_empty() {
            told(texts, (&lock, &alone, &named), plan)?;
        }
    }
    Ok(())
}

/// Tells the first of the two calls also of packages that no manifest names, and the second one not any more. `named`: what
/// lines of manifests bring, which may be overrides.
fn told(texts: &Files, (lock, items, named): (&str, &[&Item], &[&Item]), plan: &mut Plan) -> Result<(), String> {
    for Item { name, from, to, .. } in items {
        let want = |version: &str| Want { lock: lock.to_owned(), name: name.clone(), version: version.to_owned() };
        plan.wants.push(want(to));
        plan.ends.push(want(from));
    }
    let Some([first, last]) = plan.commands.last_chunk_mut::<2>() else { return Ok(()) };
    let overrides::Told { path, text, env } = overrides::told(texts, &first.before, (lock, items, named))?;
    first.env.extend(env);
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

/// No script of any package runs, and nothing of the repository's that a client would load.
fn call(lock: &str) -> Command {
    let (argv, env): (&[&str], (&str, &str)) = if is(lock, "pnpm-lock.yaml") {
        (
            &["pnpm", "install", "--lockfile-only", "--no-frozen-lockfile", "--ignore-scripts", "--ignore-pnpmfile"],
            ("COREPACK_ENABLE_DOWNLOAD_PROMPT", "0"),
        )
    } else {
        (
            &["npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"],
            ("NPM_CONFIG_UPDATE_NOTIFIER", "false"),
        )
    };
    let env = vec![(env.0.to_owned(), env.1.to_owned())];
    Command { env, ..Command::of(folder(lock), argv.iter().copied()) }
}
