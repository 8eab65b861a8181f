//! Who may import whom, and that no two files of a room need each other.

use std::collections::{BTreeMap, BTreeSet};

use crate::Finding;
use crate::tree::{File, Tree};

/// The floors of the house, lowest first; rooms of one floor do not know each other.
const FLOORS: [&[&str]; 8] = [
    &["domain"],
    &["clock", "settings", "telemetry"],
    &["store", "github", "engine", "registry", "host"],
    &["context"],
    &["worker", "web"],
    &["app"],
    &["cli"],
    &["main", "lib"],
];

/// Who may know a crate that one room hides from the others.
const DOORS: [(&str, &str); 3] = [("octocrab", "github"), ("sqlx", "store"), ("dagger_sdk", "engine")];

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| !file.is_test) {
        if file.room() != "playground" && floor(file.room()).is_none() {
            let what = format!("{} is no room of the house; give it a floor in tests/tidy/floors.rs", file.room());
            findings.push(Finding { file: file.path.clone(), line: 1, rule: "floors", what });
        }
        for (path, line) in &file.facts.paths {
            let broken = upward(file, path).or_else(|| wrong_door(file, path));
            findings.extend(broken.map(|(rule, what)| Finding { file: file.path.clone(), line: *line, rule, what }));
        }
    }
    findings.extend(circles(tree));
    findings
}

/// The room that `path` names, when it is one of ours.
fn target(path: &[String]) -> Option<&str> {
    match path.first()?.as_str() {
        "crate" | "fairway" => path.get(1).map(String::as_str),
        _ => None,
    }
}

fn upward(file: &File, path: &[String]) -> Option<(&'static str, String)> {
    let (own, other) = (file.room(), target(path)?);
    let is_ours = other == "playground" || floor(other).is_some();
    if own == other || own == "lib" || !is_ours {
        return None;
    }
    if own == "playground" {
        let what =
            format!("playground imports {other}; it imports nothing of ours, or a mistake about GitHub is made twice");
        return Some(("playground", what));
    }
    if other == "playground" {
        let allowed = matches!(own, "cli" | "main");
        let what = format!("{own} imports playground; only cli and tests do");
        return (!allowed).then_some(("playground", what));
    }
    let (below, above) = (floor(other)?, floor(own)?);
    (below >= above).then(|| {
        let how = if below == above { "a sibling" } else { "upward" };
        let what = format!("{own} imports {other}, {how}; pass a value, or move what both need to a lower floor");
        ("floors", what)
    })
}

fn wrong_door(file: &File, path: &[String]) -> Option<(&'static str, String)> {
    let first = path.first()?;
    let (name, room) = DOORS.iter().find(|(name, _)| name == first)?;
    // The playground's own files, such as a store of its own, may be built as they like.
    let allowed = file.room() == *room || file.room() == "playground";
    let what = format!("{} knows {name}; only {room} does, so ask it there", file.room());
    (!allowed).then_some(("doors", what))
}

/// Files that import each other, directly or around a corner. A file and those in its own
/// folder are not compared: a module re-exports its parts and they use its words.
fn circles(tree: &Tree) -> Vec<Finding> {
    let files: Vec<&File> = tree.files.iter().filter(|f| !f.is_test && !f.module.is_empty()).collect();
    let mut edges: BTreeMap<usize, BTreeMap<usize, usize>> = BTreeMap::new();
    for (from, file) in files.iter().enumerate() {
        for (path, line) in &file.facts.paths {
            if path.first().is_none_or(|first| first != "crate") {
                continue;
            }
            let owner = |candidate: &&File| path[1..].starts_with(&candidate.module);
            let best = files.iter().enumerate().filter(|(_, f)| owner(f)).max_by_key(|(_, f)| f.module.len());
            if let Some((to, other)) = best
                && !file.module.starts_with(&other.module)
                && !other.module.starts_with(&file.module)
            {
                edges.entry(from).or_default().entry(to).or_insert(*line);
            }
        }
    }
    let mut findings = Vec::new();
    for (from, targets) in &edges {
        for (to, line) in targets {
            let Some(way) = way_back(&edges, *to, *from) else {
                continue;
            };
            let names: Vec<&str> = way.iter().map(|at| files[*at].path.as_str()).collect();
            let what = format!(
                "imports {}, which leads back ({}); move what both need to a third file",
                names[0],
                names.join(" -> ")
            );
            findings.push(Finding { file: files[*from].path.clone(), line: *line, rule: "circle", what });
        }
    }
    findings
}

/// A shortest way from `start` to `end`, both included.
fn way_back(edges: &BTreeMap<usize, BTreeMap<usize, usize>>, start: usize, end: usize) -> Option<Vec<usize>> {
    let mut seen = BTreeSet::from([start]);
    let mut ways = std::collections::VecDeque::from([vec![start]]);
    while let Some(way) = ways.pop_front() {
        let at = *way.last()?;
        if at == end {
            return Some(way);
        }
        for to in edges.get(&at).into_iter().flat_map(BTreeMap::keys) {
            if seen.insert(*to) {
                let mut longer = way.clone();
                longer.push(*to);
                ways.push_back(longer);
            }
        }
    }
    None
}
