//! Go: modules and workspaces.

use super::{Look, manual, near};
use crate::domain::detect::image::image;
use crate::domain::detect::stack::{Confidence, Evidence, Kind, Part, Stack};
use crate::domain::detect::text::Note;
use crate::domain::detect::tree::{join, resolve};

pub fn find(look: &Look<'_>, dir: &str, _: &mut Vec<Note>) -> Option<Stack> {
    let work = look.text(dir, "go.work");
    let module = look.text(dir, "go.mod");
    let (name, text) = match (work, module) {
        (Some(text), _) => ("go.work", text),
        (None, Some(text)) => ("go.mod", text),
        (None, None) => return None,
    };
    let path = join(dir, name);
    let directive = |word: &str| {
        let line = text.lines().zip(1..).find(|(line, _)| line.split_whitespace().next() == Some(word))?;
        Some((line.0.split_whitespace().nth(1)?.to_owned(), line.1))
    };
    let (version, line) = directive("go").map_or((None, None), |(version, line)| (Some(version), Some(line)));
    let says = version.as_ref().map_or_else(|| "Go".to_owned(), |version| format!("Go {version}"));
    let mut stack = Stack::new(Kind::Go, "go", dir, Evidence::new(path, line, says));
    if work.is_some() {
        stack.members = used(text).iter().filter_map(|used| resolve(dir, used)).filter(|used| used != dir).collect();
        let count = used(text).len();
        stack.words.push(format!("{count} modules"));
    }
    stack.near = near(dir, text);
    let newer = look.versions.get(&Kind::Go).map(|(version, _)| version.clone());
    let newer = newer.filter(|newer| newer.starts_with(|c: char| c.is_ascii_digit()));
    stack.image = Some(image(Kind::Go, newer.as_deref().or(version.as_deref())));
    stack.version = version;
    stack.cache = vec!["/go/pkg/mod".to_owned(), "/root/.cache/go-build".to_owned()];
    // A full image of the linter has Go as well; building the linter would take minutes.
    let linter = look.tools.get("golangci-lint").map_or("latest", String::as_str);
    stack.lint_image = Some(format!("golangci/golangci-lint:{linter}"));
    let first = stack.evidence[0].clone();
    let configs = [".golangci.yml", ".golangci.yaml", ".golangci.toml"];
    if let Some(config) = look.tree.first(dir, &configs) {
        stack.commands.push(manual(Part::Lint, "golangci-lint run", dir, &Evidence::new(join(dir, config), None, "")));
    }
    // In a workspace `./...` is the root's module alone.
    let run = match work.map(used) {
        Some(used) if used.iter().any(|used| used != ".") => {
            let patterns: Vec<String> = used.iter().map(|used| pattern(used)).collect();
            format!("go test {}", patterns.join(" "))
        }
        _ => "go test ./...".to_owned(),
    };
    // A module that only pins tools, or holds other things than code, is nothing to test.
    let code = |path: &str| path.ends_with(".go") && !path.ends_with("tools.go");
    if !look.any_below(dir, code) {
        stack.confidence = Confidence::Low;
    }
    stack.commands.push(manual(Part::Test, run, dir, &first));
    Some(stack)
}

fn pattern(used: &str) -> String {
    match used.trim_start_matches("./").trim_end_matches('/') {
        "" | "." => "./...".to_owned(),
        inner => format!("./{inner}/..."),
    }
}

/// The folders that `use` names, alone or in a block.
fn used(text: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or("").trim();
        match line {
            "use (" => inside = true,
            ")" => inside = false,
            _ if inside && !line.is_empty() => found.push(line.trim_matches('"').to_owned()),
            _ => found.extend(line.strip_prefix("use ").map(|dir| dir.trim().trim_matches('"').to_owned())),
        }
    }
    found
}
