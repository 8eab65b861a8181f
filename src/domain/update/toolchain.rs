//! Files that name the toolchain itself: `rust-toolchain`, `.nvmrc`, `.node-version`, `.python-version`, `.tool-versions`.

use toml_edit::Document;

use super::model::{Declared, Ecosystem, Found, Origin, Purpose};
use super::source::{Files, Lines, broken, is, readable};

/// Files with nothing but a version, and whose.
const PLAIN: [(&str, &str); 4] =
    [("rust-toolchain", "rust"), (".nvmrc", "node"), (".node-version", "node"), (".python-version", "python")];

/// Whether extraction wants to read this file.
pub fn reads(path: &str) -> bool {
    is(path, "rust-toolchain.toml") || is(path, ".tool-versions") || PLAIN.iter().any(|(name, _)| is(path, name))
}

/// Every toolchain that is named. Node and Python are promised by it, too, where no manifest promises more.
pub fn extract(files: &Files) -> Found {
    let mut found = Found::default();
    for (file, text) in files.iter().filter(|(file, _)| reads(file)) {
        match readable(file, text).and_then(|text| versions(file, text)) {
            // A channel such as `stable` or `lts/iron` names no version, and so there is no newer one.
            Ok(versions) => {
                found.declared.extend(versions.into_iter().filter(numbered).map(|(line, name, version)| Declared {
                    ecosystem: Ecosystem::Toolchain,
                    name: name.to_owned(),
                    file: file.clone(),
                    line,
                    requirement: version.trim_start_matches('v').to_owned(),
                    purpose: Purpose::Build,
                    origin: Origin::Registry,
                    locked: Vec::new(),
                }))
            }
            Err(note) => found.notes.push(note),
        }
    }
    // What Rust is promised stands in Cargo's manifests.
    let promised = found.declared.iter().filter(|one| one.name != "rust");
    found.toolchains = promised.map(|one| (one.name.clone(), one.requirement.clone())).collect();
    found
}

fn numbered((_, _, version): &(u32, &str, String)) -> bool {
    version.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit())
}

/// Lines, toolchains and versions.
fn versions<'t>(file: &str, text: &'t str) -> Result<Vec<(u32, &'t str, String)>, String> {
    if is(file, "rust-toolchain.toml") || (is(file, "rust-toolchain") && text.contains('[')) {
        let lines = Lines::of(text);
        let document = Document::parse(text)
            .map_err(|error| broken(file, error.span().map(|span| lines.at(span.start)), error.message()))?;
        let channel = document.get("toolchain").and_then(|table| table.as_table_like()?.get("channel"));
        let said = channel.and_then(|item| Some((lines.at(item.span()?.start), "rust", item.as_str()?.to_owned())));
        return Ok(said.into_iter().collect());
    }
    let plain = PLAIN.iter().find(|(name, _)| is(file, name)).map(|(_, toolchain)| *toolchain);
    let mut all = Vec::new();
    for (line, at) in text.lines().zip(1_u32..) {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(first) = words.next() else { continue };
        match (plain, words.next()) {
            (Some(toolchain), _) => all.push((at, toolchain, first.to_owned())),
            (None, Some(version)) => {
                let toolchain = match first {
                    "nodejs" | "node" => "node",
                    "golang" | "go" => "go",
                    "python" | "rust" => first,
                    _ => continue,
                };
                all.push((at, toolchain, version.to_owned()));
            }
            (None, None) => {}
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::{Files, extract};

    #[test]
    fn toolchains_are_found_wherever_they_are_named() {
        let files: Files = [
            ("a/rust-toolchain.toml", "[toolchain]\nchannel = \"1.78.0\"\n"),
            ("b/rust-toolchain", "stable\n"),
            ("c/.nvmrc", "\u{feff}# lts\r\nv20.11.1\r\n"),
            ("d/.nvmrc", "lts/iron\n"),
            ("e/.python-version", "3.11.4\n3.12\n"),
            ("f/.tool-versions", "nodejs 22.1.0\nterraform 1.0\ngolang 1.22\n"),
            ("g/rust-toolchain.toml", "[toolchain\n"),
        ]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .into();
        let found = extract(&files);
        let shown: Vec<String> = found
            .declared
            .iter()
            .map(|one| format!("{}:{} {} {}", one.file, one.line, one.name, one.requirement))
            .collect();
        let expected = [
            "a/rust-toolchain.toml:2 rust 1.78.0",
            "c/.nvmrc:2 node 20.11.1",
            "e/.python-version:1 python 3.11.4",
            "e/.python-version:2 python 3.12",
            "f/.tool-versions:1 node 22.1.0",
            "f/.tool-versions:3 go 1.22",
        ];
        assert_eq!(shown, expected);
        assert_eq!(found.toolchains.len(), 5);
        assert_eq!(found.notes.len(), 1);
    }
}
