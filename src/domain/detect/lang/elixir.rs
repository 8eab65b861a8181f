//! Elixir with Mix.

use super::{Look, manual};
use crate::domain::detect::image::image;
use crate::domain::detect::stack::{Evidence, Kind, Part, Stack};
use crate::domain::detect::text::{Note, line_of, version};
use crate::domain::detect::tree::{join, split};

pub fn find(look: &Look<'_>, dir: &str, _: &mut Vec<Note>) -> Option<Stack> {
    let text = look.text(dir, "mix.exs")?;
    let path = join(dir, "mix.exs");
    let wanted = text.lines().zip(1..).find(|(line, _)| line.trim().starts_with("elixir:"));
    let pinned = look.tool_version(dir, &["elixir"]).or_else(|| look.versions.get(&Kind::Elixir).cloned());
    let wanted = wanted.and_then(|(line, number)| Some((version(line)?, Evidence::new(&path, Some(number), ""))));
    let found = pinned.filter(|(text, _)| version(text).is_some()).or(wanted);
    let version = found.as_ref().and_then(|(text, _)| version(text));
    let line = line_of(text, "{:phoenix,").or_else(|| line_of(text, "elixir:"));
    let mut stack = Stack::new(Kind::Elixir, "mix", dir, Evidence::new(&path, line, "Elixir"));
    stack.evidence.extend(found.map(|(_, from)| from).filter(|from| from.path != path));
    stack.image = Some(image(Kind::Elixir, version.as_deref()));
    stack.version = version;
    if text.contains("{:phoenix,") {
        stack.words.push("Phoenix".to_owned());
    }
    if text.contains("apps_path:") {
        let apps = look.tree.below(&join(dir, "apps")).filter(|entry| split(&entry.path).1 == "mix.exs");
        stack.members = apps.map(|entry| split(&entry.path).0.to_owned()).collect();
        stack.words.push(format!("umbrella of {}", stack.members.len()));
    }
    stack.cache = vec![join(dir, "deps"), join(dir, "_build")];
    let from = Evidence::new(&path, None, "");
    stack.commands.push(manual(Part::Setup, "mix local.hex --force && mix local.rebar --force", "", &from));
    stack.commands.push(manual(Part::Install, "mix deps.get", dir, &from));
    let formatter = join(dir, ".formatter.exs");
    if look.tree.has(&formatter) {
        stack.commands.push(manual(
            Part::Lint,
            "mix format --check-formatted",
            dir,
            &Evidence::new(formatter, None, ""),
        ));
    }
    if let Some(line) = line_of(text, "{:credo,") {
        stack.commands.push(manual(Part::Lint, "mix credo", dir, &Evidence::new(&path, Some(line), "")));
    }
    stack.commands.push(manual(Part::Test, "mix test", dir, &from));
    Some(stack)
}
