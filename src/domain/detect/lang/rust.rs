//! Cargo: packages and workspaces.

use super::{Look, Toml, manual, near};
use crate::domain::detect::image::image;
use crate::domain::detect::stack::{Confidence, Evidence, Kind, Part, Stack};
use crate::domain::detect::text::{Note, version};
use crate::domain::detect::tree::join;

const FRAMEWORKS: &[(&str, &str)] = &[
    ("axum", "axum"),
    ("actix-web", "Actix Web"),
    ("rocket", "Rocket"),
    ("tauri", "Tauri"),
    ("leptos", "Leptos"),
    ("bevy", "Bevy"),
];

pub fn find(look: &Look<'_>, dir: &str, notes: &mut Vec<Note>) -> Option<Stack> {
    let toml = Toml::read(look, dir, "Cargo.toml", notes)?;
    let workspace = toml.has(&["workspace"]);
    if !workspace && !toml.has(&["package"]) {
        return None;
    }
    let mut stack = Stack::new(Kind::Rust, "cargo", dir, edition(&toml));
    if workspace {
        let globs = (toml.list(&["workspace", "members"]), toml.list(&["workspace", "exclude"]));
        stack.members = look.members(dir, "Cargo.toml", (&globs.0, &globs.1));
        stack.words.push(super::count(stack.members.len() + usize::from(toml.has(&["package"])), "crate"));
    }
    let known = [toml.names(&["dependencies"]), toml.names(&["workspace", "dependencies"])].concat();
    let framework = FRAMEWORKS.iter().find(|(name, _)| known.contains(name));
    stack.words.extend(framework.map(|(_, title)| (*title).to_owned()));
    stack.near = near(dir, toml.text);
    toolchain(look, &mut stack);
    let locked = look.tree.has(&join(dir, "Cargo.lock"));
    commands(look, &toml, (&mut stack, workspace, locked));
    stack.cache = vec!["/usr/local/cargo/registry".to_owned(), join(dir, "target")];
    if stack.words.iter().any(|word| word == "Tauri") {
        // What its manual wants on Debian.
        let run = "apt-get update && apt-get install --yes libwebkit2gtk-4.1-dev libxdo-dev libayatana-appindicator3-dev librsvg2-dev";
        let from = stack.evidence[0].clone();
        stack.commands.insert(0, manual(Part::Setup, run, "", &from));
        stack.confidence = Confidence::Medium;
    }
    Some(stack)
}

fn edition(toml: &Toml<'_>) -> Evidence {
    for keys in [["package", "edition"].as_slice(), &["workspace", "package", "edition"]] {
        if let Some(edition) = toml.str(keys) {
            return toml.at(keys, format!("Rust {edition}"));
        }
    }
    let table = if toml.has(&["package"]) { "package" } else { "workspace" };
    toml.at(&[table], "Rust")
}

/// What rustup obeys comes first, then what CI installs. A minimum version is for users, not for tests.
fn toolchain(look: &Look<'_>, stack: &mut Stack) {
    let pinned = ["rust-toolchain.toml", "rust-toolchain"].into_iter().find_map(|name| {
        let text = look.text(&stack.dir, name).or_else(|| look.text("", name))?;
        let line = text.lines().zip(1..).find(|(line, _)| line.contains("channel") || !line.contains(['=', '[']))?;
        let channel = line.0.rsplit('=').next()?.trim().trim_matches('"').to_owned();
        Some((channel, Evidence::new(name, Some(line.1), "")))
    });
    let (wanted, from) = match pinned.or_else(|| look.versions.get(&Kind::Rust).cloned()) {
        Some((channel, from)) => (Some(channel), Some(from)),
        None => (None, None),
    };
    let nightly = wanted.as_deref().is_some_and(|channel| channel.starts_with("nightly"));
    stack.image = Some(match &wanted {
        Some(_) if nightly => "rustlang/rust:nightly-bookworm".to_owned(),
        Some(channel) if version(channel).is_some_and(|v| channel.starts_with(&v)) => {
            image(Kind::Rust, wanted.as_deref())
        }
        _ => image(Kind::Rust, None),
    });
    stack.version = wanted.filter(|channel| channel != "stable");
    stack.evidence.extend(from.filter(|_| stack.version.is_some()).map(|mut from| {
        from.says = format!("toolchain {}", stack.version.as_deref().unwrap_or_default());
        from
    }));
}

fn commands(look: &Look<'_>, toml: &Toml<'_>, (stack, workspace, locked): (&mut Stack, bool, bool)) {
    let dir = stack.dir.clone();
    let file = |name: &str| look.tree.has(&join(&dir, name)).then(|| Evidence::new(join(&dir, name), None, ""));
    let first = stack.evidence[0].clone();
    let flags = format!("{}{}", if workspace { " --workspace" } else { "" }, if locked { " --locked" } else { "" });
    if let Some(from) = file("rustfmt.toml").or_else(|| file(".rustfmt.toml")) {
        stack.commands.push(manual(Part::Lint, "cargo fmt --all --check", &dir, &from));
    }
    let clippy = [["lints", "clippy"].as_slice(), &["workspace", "lints", "clippy"]];
    let lints = clippy.iter().find(|keys| toml.has(keys)).map(|keys| toml.at(keys, ""));
    if let Some(from) = file("clippy.toml").or_else(|| file(".clippy.toml")).or(lints) {
        stack.commands.push(manual(Part::Lint, format!("cargo clippy{flags} --all-targets"), &dir, &from));
    }
    stack.commands.push(manual(Part::Test, format!("cargo test{flags}"), &dir, &first));
}
