//! Python: `uv.lock`, `poetry.lock` and compiled requirements files by their clients. uv and pip-compile build nothing, since
//! building runs what a package brings; poetry knows no way to be told so.

mod hashes;
mod poetry;

use std::collections::BTreeMap;

use super::{Change, Command, Plan, Want};
use crate::domain::update::course::Item;
use crate::domain::update::python::normal;
use crate::domain::update::source::{Files, folder, is, join, upwards};
pub use hashes::put;

/// Whose lock it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Uv,
    Poetry,
    /// A requirements file that was made from another one.
    Compiled,
}

/// Adds what is to be called, one lock after another.
pub fn calls(texts: &Files, changes: Vec<&Change<'_>>, plan: &mut Plan) -> Result<(), String> {
    hashes::calls(texts, &changes, plan)?;
    let mut by_lock: BTreeMap<(String, Kind), Vec<&Item>> = BTreeMap::new();
    for change in changes {
        let Item { file, name, .. } = change.item;
        match lock(texts, file) {
            Some(lock) => by_lock.entry(lock).or_default().push(change.item),
            None if change.edited.is_some() => {}
            None => return Err(format!("there is no lock that could change for {name} ({file})")),
        }
    }
    for ((path, kind), items) in by_lock {
        match kind {
            Kind::Poetry => poetry::calls(texts, (&path, &items), plan)?,
            Kind::Uv => {
                let call = Command::of(folder(&path), ["uv", "lock", "--no-build", "--no-python-downloads"]);
                by_name(texts, (&path, &items), (call, &[]), plan);
            }
            Kind::Compiled => {
                let (call, last) = compiled(texts, &path)?;
                by_name(texts, (&path, &items), (call, &last), plan);
                tried(plan);
            }
        }
    }
    Ok(())
}

/// The lock that counts for a file: the nearest one, the one that a `.in` is compiled to, or the file itself.
fn lock(texts: &Files, file: &str) -> Option<(String, Kind)> {
    let known = [("uv.lock", Kind::Uv), ("poetry.lock", Kind::Poetry)];
    if let Some((_, kind)) = known.iter().find(|(name, _)| is(file, name)) {
        return Some((file.to_owned(), *kind));
    }
    if !is(file, "pyproject.toml") {
        let stem = file.strip_suffix(".in").or_else(|| file.strip_suffix(".txt"))?;
        let both = texts.contains_key(&format!("{stem}.in")) && texts.contains_key(&format!("{stem}.txt"));
        return both.then(|| (format!("{stem}.txt"), Kind::Compiled));
    }
    upwards(folder(file)).find_map(|dir| {
        let paths = known.iter().filter_map(|(name, kind)| Some((join(dir, name)?, *kind)));
        paths.into_iter().find(|(path, _)| texts.contains_key(path))
    })
}

/// A client that takes names and versions, between its options and its last words.
fn by_name(texts: &Files, (path, items): (&str, &[&Item]), (mut call, last): (Command, &[String]), plan: &mut Plan) {
    let package = |item: &&Item| {
        let only = only(texts, path, item).map(|marker| format!(" ; {marker}")).unwrap_or_default();
        ["--upgrade-package".to_owned(), format!("{}=={}{only}", item.name, item.to)]
    };
    call.argv.extend(items.iter().flat_map(package));
    call.argv.extend_from_slice(last);
    plan.commands.push(call);
    plan.locks.push(path.to_owned());
    let want = |item: &&Item| Want { lock: path.to_owned(), name: item.name.clone(), version: item.to.clone() };
    plan.wants.extend(items.iter().map(want));
}

/// Where a lock has a package in several versions, for one Python each: the marker of this one. The others are to stay.
fn only(texts: &Files, lock: &str, item: &Item) -> Option<String> {
    let table: toml::Table = texts.get(lock)?.parse().ok()?;
    let text = |package: &'_ toml::Value, key: &str| package.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    let own = |package: &&toml::Value| text(package, "name").is_some_and(|name| normal(&name) == item.name);
    let several: Vec<&toml::Value> = table.get("package")?.as_array()?.iter().filter(own).collect();
    let this = several.iter().find(|package| text(package, "version").as_deref() == Some(item.from.as_str()));
    let this = this.filter(|_| several.len() > 1)?;
    // Poetry's is one marker, uv's are several of which one holds.
    let ways = this.get("resolution-markers").and_then(toml::Value::as_array);
    let ways: Vec<String> =
        ways.into_iter().flatten().filter_map(toml::Value::as_str).map(|way| format!("({way})")).collect();
    text(this, "markers").or_else(|| (!ways.is_empty()).then(|| ways.join(" or ")))
}

/// What keeps pip-compile from building it writes into the file, and leaves out the hashes of sources. So it is first told to do
/// nothing, with wheels alone: where that finds versions, the call that counts keeps those that the file has and builds none.
fn tried(plan: &mut Plan) {
    let Some(mut call) = plan.commands.pop_if(|call| call.argv.iter().any(|word| word == ONLY_WHEELS)) else { return };
    let mut first = call.clone();
    first.argv.retain(|word| word != "--generate-hashes");
    first.argv.insert(1, "--dry-run".to_owned());
    call.argv.retain(|word| word != ONLY_WHEELS);
    plan.commands.extend([first, call]);
}

/// Through pip-compile to pip: nothing is built.
const ONLY_WHEELS: &str = "--pip-args=--only-binary=:all:";

/// What pip-compile writes into a file of how it was configured where it ran, and how it is told not to. Where the file has no
/// such line, this machine's index, perhaps with a password, has no place in it.
const EMITTED: [(&[&str], &str); 3] = [
    (&["--index-url", "--extra-index-url", "-i "], "--no-emit-index-url"),
    (&["--find-links", "-f "], "--no-emit-find-links"),
    (&["--trusted-host"], "--no-emit-trusted-host"),
];

/// Options of a file's own maker that say what stands in it, and none that says where to ask or what to run.
const KEPT: [&str; 9] = [
    "--all-extras",
    "--allow-unsafe",
    "--emit-index-annotation",
    "--generate-hashes",
    "--no-annotate",
    "--no-strip-extras",
    "--resolver=backtracking",
    "--strip-extras",
    "--universal",
];
/// Those with a word behind them.
const KEPT_WITH: [&str; 3] = ["--extra", "--python-platform", "--python-version"];

/// How a file is made: by who made it and with what, as its head says.
fn compiled(texts: &Files, path: &str) -> Result<(Command, [String; 3]), String> {
    let text = texts.get(path).map(String::as_str).unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or(path);
    let source = format!("{}.in", name.trim_end_matches(".txt"));
    let head = text.lines().filter_map(|line| line.strip_prefix('#')).map(str::trim);
    let makers = [("uv pip compile", "UV_CUSTOM_COMPILE_COMMAND"), ("pip-compile", "CUSTOM_COMPILE_COMMAND")];
    let mut made = head.filter_map(|line| Some((line, makers.iter().find(|(maker, _)| line.starts_with(maker))?)));
    let Some((said, (maker, variable))) = made.next() else {
        return Err(format!(
            "{path} does not say at its head what made it from {source}, so nobody knows what to call; make it anew with `uv pip compile` or `pip-compile`"
        ));
    };
    let builds: &[&str] =
        if *maker == "pip-compile" { &[ONLY_WHEELS] } else { &["--no-build", "--no-python-downloads"] };
    let mut argv: Vec<&str> = maker.split(' ').chain(builds.iter().copied()).collect();
    let words: Vec<&str> = said.split_whitespace().collect();
    let plain = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    for (at, word) in words.iter().enumerate() {
        let option = word.split('=').next().unwrap_or(word);
        let value = words.get(at + 1).filter(|value| !value.starts_with('-') && plain(value));
        if KEPT.contains(word) {
            argv.push(word);
        } else if KEPT_WITH.contains(word) {
            argv.extend(value.into_iter().flat_map(|value| [*word, *value]));
        } else if KEPT_WITH.contains(&option) && plain(&word[option.len() + 1..]) {
            argv.push(word);
        }
    }
    if text.contains("--hash=") && !argv.contains(&"--generate-hashes") {
        argv.push("--generate-hashes");
    }
    if *maker == "pip-compile" {
        let said = |option: &str| text.lines().any(|line| line.starts_with(option));
        argv.extend(EMITTED.iter().filter(|(options, _)| !options.iter().any(|option| said(option))).map(|(_, no)| no));
    }
    // So that the head stays as it is.
    let env = vec![((*variable).to_owned(), said.to_owned())];
    let (base, source) = called_from(path, &source, &words);
    let output = path.strip_prefix(base).unwrap_or(path).trim_start_matches('/').to_owned();
    let call = Command { env, ..Command::of(base, argv) };
    Ok((call, [source, "--output-file".to_owned(), output]))
}

/// The folder that a file was made from, and what its source is called there: it is called so again behind every `via`.
fn called_from<'p>(path: &'p str, source: &str, words: &[&str]) -> (&'p str, String) {
    let whole = join(folder(path), source).unwrap_or_default();
    let base = |word: &str| {
        let named = word.trim_start_matches("./");
        let rest = whole.strip_suffix(named).filter(|rest| rest.is_empty() || rest.ends_with('/'))?;
        named.ends_with(source).then(|| &path[..rest.trim_end_matches('/').len()])
    };
    let said = words.iter().find_map(|word| Some((base(word)?, (*word).to_owned())));
    said.unwrap_or_else(|| (folder(path), source.to_owned()))
}
