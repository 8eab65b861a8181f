//! `yarn.lock`: the classic format of its own, and the YAML of yarn 2 and later.

use std::collections::BTreeMap;

use super::Origin;
use super::lock::{Lock, Wishes, locked};
use super::spec::{self, cut};
use crate::domain::update::source::broken;
use crate::domain::update::yaml::walk;

/// One locked package.
#[derive(Default)]
pub struct Block {
    /// The wishes that it fulfils: `name@range`, of yarn 2 and later `name@npm:range`.
    pub keys: Vec<String>,
    /// Its version.
    pub version: String,
    /// What yarn 2 calls it: `name@npm:1.0.0`.
    resolution: Option<String>,
    /// Names and ranges of what it asks for.
    pub asks: Vec<(String, String)>,
}

impl Block {
    /// The package's own name, and where it was taken from.
    pub fn named(&self) -> (String, Origin) {
        if let Some(resolution) = &self.resolution {
            let (name, place) = cut(resolution);
            let place = (!place.starts_with("npm:")).then(|| spec::foreign(place)).flatten();
            return (name.to_owned(), place.map_or(Origin::Registry, Origin::Elsewhere));
        }
        let (name, range) = cut(self.keys.first().map(String::as_str).unwrap_or_default());
        spec::read(name, range).map_or((name.to_owned(), Origin::Registry), |spec| (spec.name, spec.origin))
    }
}

/// Whether a lock is of yarn 2 or later.
pub fn newer(text: &str) -> bool {
    text.contains("\n__metadata:") || text.starts_with("__metadata:")
}

/// What a lock has, in its order; the error is a sentence.
pub fn blocks(file: &str, text: &str) -> Result<Vec<Block>, String> {
    if newer(text) { berry(file, text) } else { classic(file, text) }
}

/// Reads one; the error is a sentence.
pub fn read(file: &str, text: &str) -> Result<Lock, String> {
    let blocks = blocks(file, text)?;
    let mut wishes: BTreeMap<String, usize> = BTreeMap::new();
    for (at, block) in blocks.iter().enumerate() {
        wishes.extend(block.keys.iter().map(|key| (key.clone(), at)));
    }
    let find = |(name, range): &(String, String)| {
        let keys = [format!("{name}@{range}"), format!("{name}@npm:{range}")];
        keys.iter().find_map(|key| wishes.get(key).copied())
    };
    let all = blocks.iter().map(|block| {
        let (name, origin) = block.named();
        let mut one = locked(file, (&name, &block.version), origin);
        one.needs = block.asks.iter().filter_map(find).collect();
        one
    });
    let locked = all.collect();
    Ok(Lock { file: file.to_owned(), locked, wishes: Wishes::Range(wishes) }.settled())
}

fn berry(file: &str, text: &str) -> Result<Vec<Block>, String> {
    let mut blocks: BTreeMap<String, Block> = BTreeMap::new();
    let mut visit = |path: &[String], text: Option<&str>, _: u32| {
        let Some((key, rest)) = path.split_first().filter(|(key, _)| *key != "__metadata") else { return };
        let Some(text) = text else {
            if rest.is_empty() {
                let keys = key.split(',').map(|key| key.trim().to_owned()).collect();
                blocks.insert(key.clone(), Block { keys, ..Block::default() });
            }
            return;
        };
        let Some(block) = blocks.get_mut(key) else { return };
        let parts: Vec<&str> = rest.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["version"] => text.clone_into(&mut block.version),
            ["resolution"] => block.resolution = Some(text.to_owned()),
            ["dependencies" | "optionalDependencies", name] => block.asks.push(((*name).to_owned(), text.to_owned())),
            _ => {}
        }
    };
    walk(text, &mut visit).map_err(|line| broken(file, line, "it is not the YAML that yarn writes"))?;
    Ok(blocks.into_values().collect())
}

/// Lines without indentation begin a package, two blanks a field, four a dependency.
fn classic(file: &str, text: &str) -> Result<Vec<Block>, String> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut table = "";
    for (at, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let wrong = || broken(file, u32::try_from(at + 1).ok(), "it is not a line that yarn writes");
        if !line.starts_with(' ') {
            let keys = trimmed.strip_suffix(':').ok_or_else(wrong)?;
            let keys = keys.split(", ").map(|key| key.trim().trim_matches('"').to_owned()).collect();
            blocks.push(Block { keys, ..Block::default() });
            table = "";
            continue;
        }
        let block = blocks.last_mut().ok_or_else(wrong)?;
        if line.starts_with("    ") {
            if matches!(table, "dependencies" | "optionalDependencies") {
                let (name, value) = pair(trimmed).ok_or_else(wrong)?;
                block.asks.push((name.to_owned(), value.to_owned()));
            }
        } else if let Some(name) = trimmed.strip_suffix(':') {
            table = name;
        } else if let Some(("version", value)) = pair(trimmed) {
            value.clone_into(&mut block.version);
        }
    }
    Ok(blocks)
}

/// `name "value"`, either of them with quotes or without.
fn pair(line: &str) -> Option<(&str, &str)> {
    let (name, value) = match line.strip_prefix('"') {
        Some(rest) => rest.split_once('"')?,
        None => line.split_once(' ')?,
    };
    Some((name, value.trim().trim_matches('"')))
}
