//! Whatever has a `package.json`: npm, pnpm, Yarn, Bun.

use serde_json::Value;

use super::scripts::{part_of, rewrites};
use super::{Look, count, json, manual, near};
use crate::domain::detect::image::{image, within};
use crate::domain::detect::stack::{Command, Confidence, Evidence, Kind, Origin, Part, Stack};
use crate::domain::detect::text::{Note, line_at, line_of, pair, version};
use crate::domain::detect::tree::{join, split};
use crate::domain::detect::yaml;

const FRAMEWORKS: &[(&str, &str)] = &[
    ("next", "Next.js"),
    ("nuxt", "Nuxt"),
    ("astro", "Astro"),
    ("@sveltejs/kit", "SvelteKit"),
    ("@angular/core", "Angular"),
    ("@remix-run/react", "Remix"),
    ("gatsby", "Gatsby"),
    ("@docusaurus/core", "Docusaurus"),
    ("@11ty/eleventy", "Eleventy"),
    ("vitepress", "VitePress"),
    ("expo", "Expo"),
    ("react-native", "React Native"),
    ("electron", "Electron"),
    ("@nestjs/core", "NestJS"),
    ("fastify", "Fastify"),
    ("hono", "Hono"),
    ("express", "Express"),
    ("vue", "Vue"),
    ("svelte", "Svelte"),
    ("react", "React"),
    ("vite", "Vite"),
    ("turbo", "Turborepo"),
    ("nx", "Nx"),
    ("lerna", "Lerna"),
];

pub fn find(look: &Look<'_>, dir: &str, notes: &mut Vec<Note>) -> Option<Stack> {
    let path = join(dir, "package.json");
    let text = look.texts.get(&path)?;
    let manifest = json(&path, text, notes)?;
    let manager = manager(look, dir, &manifest);
    let words = words(&manifest);
    let says = if words.is_empty() { "Node".to_owned() } else { words.join(", ") };
    let needle = FRAMEWORKS.iter().find(|(name, _)| depends(&manifest, name)).map(|(name, _)| format!("\"{name}\""));
    let line = needle.and_then(|needle| line_of(text, &needle));
    let mut stack = Stack::new(Kind::Node, manager.tool, dir, Evidence::new(&path, line, says));
    stack.words = words;
    stack.evidence.extend(manager.from.clone());
    stack.members = members(look, (dir, manager.tool), &manifest, notes);
    if !stack.members.is_empty() {
        stack.words.push(count(stack.members.len(), "package"));
    }
    stack.near = near(dir, text);
    version_of(look, &mut stack, (&manifest, text));
    if manager.tool == "bun" {
        stack.image = Some("oven/bun:1".to_owned());
    }
    install(look, &mut stack, &manager);
    scripts(&mut stack, (&manifest, text));
    stack.cache = match manager.tool {
        "pnpm" => vec!["/root/.local/share/pnpm/store".to_owned()],
        "yarn" if manager.berry => vec!["/root/.yarn/berry/cache".to_owned()],
        "yarn" => vec!["/usr/local/share/.cache/yarn".to_owned()],
        "bun" => vec!["/root/.bun/install/cache".to_owned()],
        _ => vec!["/root/.npm".to_owned()],
    };
    if !stack.checked() {
        // A formatter or a commit hook beside another language is no project of its own.
        let runs =
            ["dependencies", "workspaces", "main", "exports", "bin"].iter().any(|key| manifest.get(key).is_some());
        stack.confidence = if runs { Confidence::Medium } else { Confidence::Low };
    }
    Some(stack)
}

struct Manager {
    tool: &'static str,
    /// As `packageManager` pins it.
    pinned: Option<String>,
    berry: bool,
    lock: Option<String>,
    from: Option<Evidence>,
}

fn manager(look: &Look<'_>, dir: &str, manifest: &Value) -> Manager {
    const LOCKS: &[(&str, &str)] = &[
        ("pnpm-lock.yaml", "pnpm"),
        ("yarn.lock", "yarn"),
        ("bun.lock", "bun"),
        ("bun.lockb", "bun"),
        ("package-lock.json", "npm"),
        ("npm-shrinkwrap.json", "npm"),
    ];
    let named = manifest.get("packageManager").and_then(Value::as_str).unwrap_or("");
    let (name, pinned) = named.split_once('@').unwrap_or((named, ""));
    let pinned = version(pinned).filter(|_| pinned.starts_with(|c: char| c.is_ascii_digit()));
    let lock = LOCKS.iter().find(|(lock, _)| look.tree.has(&join(dir, lock)));
    let known = ["npm", "pnpm", "yarn", "bun"].into_iter().find(|known| *known == name);
    let tool = known.or(lock.map(|(_, tool)| *tool));
    let tool = tool.unwrap_or(if look.text(dir, "pnpm-workspace.yaml").is_some() { "pnpm" } else { "npm" });
    let lock =
        LOCKS.iter().find(|(lock, of)| *of == tool && look.tree.has(&join(dir, lock))).map(|(lock, _)| join(dir, lock));
    let berry = tool == "yarn"
        && (pinned.as_deref().is_some_and(|v| pair(v).0 >= 2) || look.tree.has(&join(dir, ".yarnrc.yml")));
    let from = lock.as_ref().map(|lock| Evidence::new(lock.clone(), None, tool));
    Manager { tool, pinned, berry, lock, from }
}

fn depends(manifest: &Value, name: &str) -> bool {
    ["dependencies", "devDependencies", "peerDependencies"]
        .iter()
        .any(|key| manifest.pointer(&format!("/{key}")).is_some_and(|of| of.get(name).is_some()))
}

fn words(manifest: &Value) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    words.extend(FRAMEWORKS.iter().find(|(name, _)| depends(manifest, name)).map(|(_, title)| (*title).to_owned()));
    if depends(manifest, "typescript") {
        words.push("TypeScript".to_owned());
    }
    words
}

fn members(look: &Look<'_>, (dir, tool): (&str, &str), manifest: &Value, notes: &mut Vec<Note>) -> Vec<String> {
    let list = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
    };
    let mut patterns = match manifest.get("workspaces") {
        Some(Value::Object(map)) => map.get("packages").map(list).unwrap_or_default(),
        Some(value) => list(value),
        None => Vec::new(),
    };
    if let Some(text) = look.text(dir, "pnpm-workspace.yaml").filter(|_| tool == "pnpm") {
        match yaml::parse(text) {
            Ok(root) => {
                patterns.extend(root.get("packages").into_iter().flat_map(yaml::Node::words).map(str::to_owned))
            }
            Err(line) => notes.push(Note::Broken { path: join(dir, "pnpm-workspace.yaml"), line }),
        }
    }
    let (except, wanted): (Vec<String>, Vec<String>) =
        patterns.into_iter().partition(|pattern| pattern.starts_with('!'));
    let except: Vec<String> = except.iter().map(|pattern| pattern.trim_start_matches('!').to_owned()).collect();
    look.members(dir, "package.json", (&wanted, &except))
}

/// What a version manager obeys, then what CI runs, then a version within `engines`.
fn version_of(look: &Look<'_>, stack: &mut Stack, (manifest, text): (&Value, &str)) {
    let pins = [".nvmrc", ".node-version"].iter().find_map(|name| look.pin(&stack.dir, name));
    let pinned = pins.or_else(|| look.tool_version(&stack.dir, &["nodejs", "node"]));
    let pinned = pinned.or_else(|| look.versions.get(&Kind::Node).cloned());
    let found = match pinned.filter(|(text, _)| version(text).is_some()) {
        Some((text, from)) => Some((text, from)),
        None => manifest.pointer("/engines/node").and_then(Value::as_str).and_then(|range| {
            let line = line_of(text, "\"engines\"");
            let wanted = within(Kind::Node, range, 1)?;
            Some((wanted, Evidence::new(join(&stack.dir, "package.json"), line, range)))
        }),
    };
    stack.image = Some(image(Kind::Node, found.as_ref().map(|(version, _)| version.as_str())));
    stack.version =
        found.as_ref().and_then(|(text, _)| version(text)).map(|v| v.split('.').next().unwrap_or("").to_owned());
    stack.evidence.extend(found.map(|(_, from)| from));
}

fn install(look: &Look<'_>, stack: &mut Stack, manager: &Manager) {
    let first = manager.from.clone().unwrap_or_else(|| stack.evidence[0].clone());
    let dir = stack.dir.clone();
    let major = stack.version.as_deref().map_or(24, |version| pair(version).0);
    let corepack = if major >= 25 { "npm install --global corepack && corepack enable" } else { "corepack enable" };
    let setup = match (manager.tool, &manager.pinned) {
        ("pnpm", Some(_)) | ("yarn", _) if manager.pinned.is_some() || manager.berry => Some(corepack.to_owned()),
        ("pnpm", _) => {
            let wanted =
                look.tools.get("pnpm").and_then(|text| version(text)).map(|v| format!("@{v}")).unwrap_or_default();
            Some(format!("npm install --global pnpm{wanted}"))
        }
        _ => None,
    };
    stack.commands.extend(setup.map(|run| manual(Part::Setup, run, "", &first)));
    let run = match (manager.tool, manager.lock.is_some()) {
        ("npm", true) => "npm ci",
        ("pnpm", true) => "pnpm install --frozen-lockfile",
        ("yarn", true) if manager.berry => "yarn install --immutable",
        ("yarn", true) => "yarn install --frozen-lockfile",
        ("bun", true) => "bun install --frozen-lockfile",
        ("pnpm", _) => "pnpm install",
        ("yarn", _) => "yarn install",
        ("bun", _) => "bun install",
        _ => "npm install",
    };
    stack.commands.push(manual(Part::Install, run, &dir, &first));
}

/// Scripts that are checks. Of several tests the plain one is taken, or the one that is made for CI.
fn scripts(stack: &mut Stack, (manifest, text): (&Value, &str)) {
    let Some(scripts) = manifest.get("scripts").and_then(Value::as_object) else { return };
    let at = text.find("\"scripts\"").unwrap_or(0);
    let mut found: Vec<(Part, &str, u32)> = Vec::new();
    for (name, body) in scripts {
        let body = body.as_str().unwrap_or("");
        let Some(part) =
            part_of(name).filter(|_| !rewrites(name, body) && !body.contains("no test specified") && !watches(body))
        else {
            continue;
        };
        let line = text
            .get(at..)
            .and_then(|rest| rest.find(&format!("\"{name}\"")))
            .map_or(0, |inner| line_at(text, at + inner));
        found.push((part, name, line));
    }
    let ci =
        found.iter().find(|(part, name, _)| *part == Part::Test && name.split([':', '-']).any(|word| word == "ci"));
    let test = ci.or_else(|| found.iter().find(|(_, name, _)| *name == "test")).map(|(_, name, _)| (*name).to_owned());
    let plain_build = found.iter().any(|(_, name, _)| *name == "build");
    let plain_lint = found.iter().any(|(_, name, _)| *name == "lint");
    found.retain(|(part, name, _)| match part {
        Part::Test => test.as_deref().is_none_or(|test| test == *name),
        Part::Build => *name == "build" || !plain_build && name.starts_with("build"),
        // `lint:js` and the like are parts of `lint`.
        Part::Lint => !(plain_lint && name.starts_with("lint:")),
        _ => false,
    });
    found.sort_by_key(|(part, _, line)| (*part, *line));
    for (part, name, line) in found {
        let run = match (stack.tool.as_str(), name) {
            ("npm", "test") => "npm test".to_owned(),
            ("pnpm", "test") => "pnpm test".to_owned(),
            ("npm" | "bun" | "pnpm", name) => format!("{} run {name}", stack.tool),
            (_, name) => format!("yarn {name}"),
        };
        let from = Evidence::new(join(&stack.dir, "package.json"), Some(line), "");
        stack.commands.push(Command::new(part, run, &stack.dir.clone(), (Origin::Script, from)));
    }
}

/// Whether it stays to see what changes, in a browser that a plain container does not have.
fn watches(body: &str) -> bool {
    let karma = body.starts_with("ng test") || body.contains("karma start");
    let once = ["--watch=false", "--no-watch", "--single-run", "Headless"].iter().any(|flag| body.contains(flag));
    karma && !once
}

/// Whether a folder is a member of nobody and has no scripts: a marker such as `{"type": "module"}`.
pub fn is_marker(stack: &Stack) -> bool {
    stack.kind == Kind::Node && stack.confidence == Confidence::Low && !split(&stack.dir).1.is_empty()
}
