//! Names of pipelines: short, each only once.

use std::collections::{BTreeMap, BTreeSet};

use super::Draft;
use crate::domain::detect::stack::{Kind, Stack};
use crate::domain::detect::tree::split;

/// One name each: of its folder, or of its language at the root. Longer where a shorter one would stand twice.
pub fn names(stacks: &[&Stack]) -> Vec<String> {
    let ways: [fn(&Stack) -> String; 3] = [short, with_kind, whole];
    let mut names: Vec<String> = stacks.iter().map(|stack| short(stack)).collect();
    for way in ways {
        let counts = count(&names);
        for (name, stack) in names.iter_mut().zip(stacks) {
            if counts.get(name.as_str()).is_some_and(|count| *count > 1) {
                *name = way(stack);
            }
        }
    }
    names
}

/// The name of a pipeline that stands for one job.
pub fn of_job(name: &str) -> String {
    slug(name, Kind::Make)
}

/// Gives each its own name; the first of several keeps it.
pub fn unique(drafts: &mut [Draft]) {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for draft in drafts {
        let short = draft.name.clone();
        for number in 2.. {
            if seen.insert(draft.name.clone()) {
                break;
            }
            let end = format!("-{number}");
            draft.name = format!("{}{end}", short.get(..short.len().min(40 - end.len())).unwrap_or("unit"));
        }
    }
}

fn count(names: &[String]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name.clone()).or_default() += 1;
    }
    counts
}

fn short(stack: &Stack) -> String {
    if stack.dir.is_empty() { stack.kind.slug().to_owned() } else { slug(split(&stack.dir).1, stack.kind) }
}

/// Two build tools of one language in one folder are told apart by the tool.
fn with_kind(stack: &Stack) -> String {
    let word = if stack.kind == Kind::Java { stack.tool.as_str() } else { stack.kind.slug() };
    if stack.dir.is_empty() { word.to_owned() } else { slug(&format!("{}-{word}", split(&stack.dir).1), stack.kind) }
}

fn whole(stack: &Stack) -> String {
    let word = if stack.kind == Kind::Java { stack.tool.as_str() } else { stack.kind.slug() };
    slug(&format!("{}-{word}", stack.dir), stack.kind)
}

fn slug(text: &str, kind: Kind) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c.to_ascii_lowercase() {
            c if c.is_ascii_lowercase() || c.is_ascii_digit() => out.push(c),
            _ if out.is_empty() || out.ends_with('-') => {}
            _ => out.push('-'),
        }
    }
    // The end of a long path tells more than its beginning.
    let start = out.len().saturating_sub(40);
    let name = out.get(start..).unwrap_or("").trim_matches('-');
    if name.is_empty() { kind.slug().to_owned() } else { name.to_owned() }
}
