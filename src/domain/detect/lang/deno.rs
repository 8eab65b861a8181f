//! Deno.

use serde_json::Value;

use super::scripts::{part_of, rewrites};
use super::{Look, json, manual};
use crate::domain::detect::image::image;
use crate::domain::detect::stack::{Command, Evidence, Kind, Origin, Part, Stack};
use crate::domain::detect::text::{Note, line_of, version};
use crate::domain::detect::tree::{join, resolve, split};

pub fn find(look: &Look<'_>, dir: &str, notes: &mut Vec<Note>) -> Option<Stack> {
    let name = look.tree.first(dir, &["deno.json", "deno.jsonc"])?;
    let path = join(dir, name);
    let text = look.texts.get(&path)?;
    let manifest = json(&path, text, notes)?;
    let mut stack = Stack::new(Kind::Deno, "deno", dir, Evidence::new(&path, None, "Deno"));
    if text.contains("@fresh/") || text.contains("$fresh/") {
        stack.words.push("Fresh".to_owned());
    }
    let members = manifest.get("workspace").and_then(|w| w.get("members").or(Some(w))).and_then(Value::as_array);
    stack.members = members.into_iter().flatten().filter_map(|m| resolve(dir, m.as_str()?)).collect();
    if !stack.members.is_empty() {
        stack.words.push(super::count(stack.members.len(), "package"));
    }
    let pinned = look.tool_version(dir, &["deno"]).or_else(|| look.versions.get(&Kind::Deno).cloned());
    let pinned = pinned.and_then(|(text, _)| version(&text)).filter(|version| version.split('.').count() == 3);
    stack.image = Some(image(Kind::Deno, pinned.as_deref()));
    stack.version = pinned;
    stack.cache = vec!["/deno-dir".to_owned()];
    let mut tested = false;
    for (name, body) in manifest.get("tasks").and_then(Value::as_object).into_iter().flatten() {
        let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        let Some(part @ (Part::Test | Part::Lint)) = part_of(name).filter(|_| !rewrites(name, &body)) else { continue };
        tested |= part == Part::Test;
        let from = Evidence::new(&path, line_of(text, &format!("\"{name}\"")), "");
        stack.commands.push(Command::new(part, format!("deno task {name}"), dir, (Origin::Script, from)));
    }
    let test = |path: &str| {
        let name = split(path).1;
        ["_test.ts", ".test.ts", "_test.tsx", "_test.js", ".test.js"].iter().any(|ending| name.ends_with(ending))
    };
    let from = Evidence::new(&path, None, "");
    if !tested && look.any_below(dir, test) {
        stack.commands.push(manual(Part::Test, "deno test", dir, &from));
    } else if !stack.checked() {
        stack.commands.push(manual(Part::Lint, "deno lint", dir, &from));
    }
    stack.commands.sort_by_key(|command| command.part);
    Some(stack)
}
