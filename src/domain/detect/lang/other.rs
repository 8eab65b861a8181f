//! Dockerfiles and Dagger modules.

use super::{Look, json};
use crate::domain::detect::stack::{Confidence, Evidence, Kind, Stack};
use crate::domain::detect::text::Note;
use crate::domain::detect::tree::join;

pub fn dagger(look: &Look<'_>, dir: &str, notes: &mut Vec<Note>) -> Option<Stack> {
    let path = join(dir, "dagger.json");
    let manifest = json(&path, look.texts.get(&path)?, notes)?;
    let sdk = manifest.get("sdk");
    let sdk = sdk.and_then(|sdk| sdk.as_str().or_else(|| sdk.get("source")?.as_str()));
    let name = manifest.get("name").and_then(|name| name.as_str()).unwrap_or("module");
    let mut stack = Stack::new(Kind::Dagger, "dagger", dir, Evidence::new(path, None, format!("Dagger module {name}")));
    stack.words.extend(sdk.map(|sdk| format!("{sdk} SDK")));
    if !dir.is_empty() {
        // Only a module at the root can be called by a pipeline.
        stack.confidence = Confidence::Low;
    }
    Some(stack)
}

pub fn docker(look: &Look<'_>, dir: &str, _: &mut Vec<Note>) -> Option<Stack> {
    let path = join(dir, "Dockerfile");
    let text = look.texts.get(&path)?;
    let bases: Vec<(&str, u32)> = text
        .lines()
        .zip(1..)
        .filter(|(line, _)| line.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("from ")))
        .filter_map(|(line, number)| {
            Some((line.split_whitespace().skip(1).find(|word| !word.starts_with("--"))?, number))
        })
        .collect();
    let (base, line) = bases.last()?;
    let mut stack = Stack::new(Kind::Docker, "docker", dir, Evidence::new(path, Some(*line), format!("FROM {base}")));
    if bases.len() > 1 {
        stack.words.push(format!("{} stages", bases.len()));
    }
    Some(stack)
}
