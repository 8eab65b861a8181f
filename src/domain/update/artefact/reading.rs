//! Reads the files of a published package one by one, as far as each says something.

use std::collections::BTreeMap;

use super::contents::Contents;
use super::manifest;
use crate::domain::update::Ecosystem;

/// How much of a file is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// Its beginning, which says what it is.
    Magic,
    /// All of it.
    Text,
}

impl Wants {
    /// In bytes.
    pub fn most(self) -> usize {
        match self {
            Wants::Magic => 1024,
            Wants::Text => 1024 * 1024,
        }
    }
}

/// So much of changelogs is kept, in bytes together.
const CHANGELOGS: usize = 512 * 1024;
/// So many binaries are kept by name.
const BINARIES: usize = 1000;

/// Takes the files of one package.
pub struct Reading {
    ecosystem: Ecosystem,
    contents: Contents,
    /// `Cargo.toml`, `package.json` or `PKG-INFO`.
    manifest: Option<String>,
    /// Digests of Rust files that could be build scripts.
    rust: BTreeMap<String, String>,
    gyp: bool,
}

impl Reading {
    /// Of a package of this ecosystem.
    pub fn new(ecosystem: Ecosystem) -> Reading {
        let (contents, rust) = (Contents::default(), BTreeMap::new());
        Reading { ecosystem, contents, manifest: None, rust, gyp: false }
    }

    /// How much of a file is wanted; `path` is below the package's own folder.
    pub fn wants(&self, path: &str) -> Wants {
        let rust = self.ecosystem == Ecosystem::Cargo && path.ends_with(".rs");
        let known = path == self.manifest_name() || path == ".cargo_vcs_info.json" || path == "setup.py";
        if rust || known || rank(path).is_some() { Wants::Text } else { Wants::Magic }
    }

    fn manifest_name(&self) -> &'static str {
        match self.ecosystem {
            Ecosystem::Cargo => "Cargo.toml",
            Ecosystem::Npm => "package.json",
            _ => "PKG-INFO",
        }
    }

    /// Takes a file: as much as was wanted, or as there is.
    pub fn take(&mut self, path: &str, bytes: &[u8]) {
        if let Some(kind) = kind(bytes)
            && self.contents.binaries.len() < BINARIES
        {
            self.contents.binaries.push((path.to_owned(), kind.to_owned()));
        }
        if self.wants(path) == Wants::Magic {
            self.gyp |= path == "binding.gyp";
            return;
        }
        let text = String::from_utf8_lossy(bytes);
        if path == self.manifest_name() {
            self.manifest = Some(text.into_owned());
        } else if path == ".cargo_vcs_info.json" {
            self.contents.commit = manifest::vcs(&text);
        } else if self.ecosystem == Ecosystem::Cargo && path.ends_with(".rs") {
            self.rust.insert(path.to_owned(), digest(bytes));
            // Tests and examples are nobody's but its own.
            let shipped = !["tests/", "benches/", "examples/"].iter().any(|folder| path.starts_with(folder));
            self.contents.unsafe_files += usize::from(shipped && uses_unsafe(&text));
        } else if path == "setup.py" && self.ecosystem == Ecosystem::Python {
            self.contents.build_scripts.push((path.to_owned(), digest(bytes)));
        } else if rank(path).is_some() {
            self.contents.changelogs.push((path.to_owned(), text.into_owned()));
        }
    }

    /// All of it. The registry's own word for the commit counts where the package has none.
    ///
    /// # Errors
    /// Where it has no manifest that can be read: a sentence without a full stop.
    pub fn end(mut self) -> Result<Contents, String> {
        let name = self.manifest_name();
        let text = self.manifest.take().ok_or_else(|| format!("it has no {name}, so it is no package"))?;
        let mut contents = std::mem::take(&mut self.contents);
        match self.ecosystem {
            Ecosystem::Cargo => manifest::cargo(&text, &self.rust, &mut contents)?,
            Ecosystem::Npm => manifest::npm(&text, self.gyp, &mut contents)?,
            _ => manifest::python(&text, &mut contents),
        }
        contents.changelogs.sort_by_key(|(path, _)| (rank(path), path.clone()));
        let mut room = CHANGELOGS;
        for (_, text) in &mut contents.changelogs {
            text.truncate(text.floor_char_boundary(room.min(text.len())));
            room -= text.len();
        }
        contents.changelogs.retain(|(_, text)| !text.trim().is_empty());
        contents.binaries.sort();
        Ok(contents)
    }
}

/// Whether a file may be a changelog; the lowest is the likeliest.
fn rank(path: &str) -> Option<usize> {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let deep = match folder.to_ascii_lowercase().as_str() {
        "" => 0,
        "docs" | "doc" => 10,
        _ => return None,
    };
    let file = file.to_ascii_lowercase();
    let (stem, end) = file.split_once('.').unwrap_or((&file, ""));
    let names = ["changelog", "changes", "history", "news", "releases", "release-notes", "release_notes"];
    let at = names.iter().position(|name| *name == stem)?;
    ["", "md", "markdown", "rst", "txt", "adoc"].contains(&end).then_some(deep + at)
}

fn digest(bytes: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    hex::encode(&Sha256::digest(bytes)[..16])
}

/// What a file is for a machine, by its first bytes.
fn kind(bytes: &[u8]) -> Option<&'static str> {
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    match bytes.get(..4)? {
        b"\x7fELF" => Some("a program or library for Linux (ELF)"),
        b"\0asm" => Some("WebAssembly"),
        b"\xfe\xed\xfa\xce" | b"\xfe\xed\xfa\xcf" | b"\xce\xfa\xed\xfe" | b"\xcf\xfa\xed\xfe" => {
            Some("a program or library for macOS (Mach-O)")
        }
        // The same four bytes begin a class of Java's, whose version is larger than any count of architectures.
        b"\xca\xfe\xba\xbe" => match bytes.get(4..8) {
            Some([0, 0, 0, count]) if *count < 30 => Some("a program or library for macOS (Mach-O)"),
            _ => Some("a class of Java's"),
        },
        b"!<ar" if bytes.starts_with(b"!<arch>\n") => Some("a static library"),
        [b'M', b'Z', ..] => {
            let header = usize::try_from(word(0x3c)?).ok()?;
            let sign = bytes.get(header..header.checked_add(4)?);
            (sign.is_none_or(|sign| sign == b"PE\0\0") && bytes.contains(&0))
                .then_some("a program or library for Windows (PE)")
        }
        _ => None,
    }
}

/// Whether Rust code has the word `unsafe` outside comments and texts.
fn uses_unsafe(text: &str) -> bool {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |at| at + 2),
            '"' => quoted(rest),
            'r' if rest.starts_with("r\"") || rest.starts_with("r#") => raw(rest),
            '\'' if rest.starts_with("'\"'") || rest.starts_with("'\\") => 3,
            c if c.is_alphabetic() || c == '_' => {
                let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                if &rest[..word] == "unsafe" {
                    return true;
                }
                word
            }
            c => c.len_utf8(),
        };
        rest = rest.get(taken.max(1)..).unwrap_or("");
    }
    false
}

/// The length of a text in quotes.
fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a raw text; of a raw name (`r#type`) its mark.
fn raw(rest: &str) -> usize {
    let signs = rest[1..].chars().take_while(|c| *c == '#').count();
    if !rest[1 + signs..].starts_with('"') {
        return 1 + signs;
    }
    let end = format!("\"{}", "#".repeat(signs));
    rest[2 + signs..].find(&end).map_or(rest.len(), |at| 2 + signs + at + end.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_is_found_in_code_alone() {
        for code in
            ["unsafe { x() }", "pub unsafe fn f() {}", "#[unsafe(no_mangle)] fn f() {}", "let c = '\"'; unsafe {}"]
        {
            assert!(uses_unsafe(code), "{code}");
        }
        for code in [
            "#![forbid(unsafe_code)]",
            "// unsafe\nfn f() {}",
            "/* unsafe */ let x = \"unsafe \\\" unsafe\";",
            "let x = r#\"unsafe \" unsafe\"#; let r#type = 1;",
            "let unsafely = not_unsafe;",
            "\"never closed unsafe",
        ] {
            assert!(!uses_unsafe(code), "{code}");
        }
    }

    #[test]
    fn binaries_are_known_by_their_first_bytes() {
        let mut pe = vec![0; 132];
        pe[..2].copy_from_slice(b"MZ");
        pe[0x3c] = 128;
        pe[128..].copy_from_slice(b"PE\0\0");
        let java = b"\xca\xfe\xba\xbe\0\0\0\x34";
        let found: Vec<_> = [
            &b"\x7fELF\x02"[..],
            &pe,
            b"\0asm\x01",
            b"\xcf\xfa\xed\xfe",
            b"\xca\xfe\xba\xbe\0\0\0\x02",
            java,
            b"!<arch>\n",
        ]
        .iter()
        .map(|bytes| kind(bytes).and_then(|kind| kind.split(['(', ')']).nth(1).or(Some(kind))))
        .collect();
        let expected = ["ELF", "PE", "WebAssembly", "Mach-O", "Mach-O", "a class of Java's", "a static library"];
        assert_eq!(found, expected.map(Some));
        for text in [
            &b"MZ is how this sentence begins, and it is no program of Windows at all, as one can see"[..],
            b"",
            b"#!/bin/sh",
        ] {
            assert_eq!(kind(text), None);
        }
    }

    #[test]
    fn a_changelog_has_one_of_the_common_names() {
        let mut files =
            ["NEWS", "docs/changelog.rst", "CHANGES.md", "HISTORY.md", "Changelog", "src/changelog.md", "changelog.rs"];
        files.sort_by_key(|file| rank(file).unwrap_or(99));
        assert_eq!(files[..5], ["Changelog", "CHANGES.md", "HISTORY.md", "NEWS", "docs/changelog.rst"]);
        assert_eq!([rank("src/changelog.md"), rank("changelog.rs")], [None, None]);
    }
}
