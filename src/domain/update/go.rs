//! Go modules: `go.mod`, which is a manifest and, by the lowest versions that it names, nearly a lock.

use std::collections::BTreeMap;

use super::model::{Declared, Ecosystem, Found, Locked, Origin, Purpose};
use super::source::{Files, is, readable, safe};

/// Whether extraction wants to read this file.
pub fn reads(path: &str) -> bool {
    is(path, "go.mod") && !path.split('/').any(|part| part == "vendor")
}

/// What a checkout asks for. What others need (`// indirect`) is locked and not declared.
pub fn extract(files: &Files) -> Found {
    let mut found = Found::default();
    for (file, text) in files.iter().filter(|(file, _)| reads(file)) {
        match readable(file, text) {
            Ok(text) => module(file, text, &mut found),
            Err(note) => found.notes.push(note),
        }
    }
    found
}

fn module(file: &str, text: &str, found: &mut Found) {
    let mut replaced: BTreeMap<&str, Origin> = BTreeMap::new();
    let mut required: Vec<(u32, &str, &str, bool)> = Vec::new();
    let mut block = None;
    for (line, at) in text.lines().zip(1_u32..) {
        let (code, comment) = line.split_once("//").unwrap_or((line, ""));
        let mut words: Vec<&str> = code.split_whitespace().collect();
        match (block, words.as_slice()) {
            (_, []) => continue,
            (Some(_), [")"]) => {
                block = None;
                continue;
            }
            (None, [word, "("]) => {
                block = Some(*word);
                continue;
            }
            (Some(word), _) => words.insert(0, word),
            (None, _) => {}
        }
        match words.as_slice() {
            ["require", name, version] => required.push((at, name, version, comment.trim() == "indirect")),
            ["replace", name, "=>", to @ ..] | ["replace", name, _, "=>", to @ ..] => {
                let to = to.first().copied().unwrap_or_default();
                replaced.insert(name, Origin::Elsewhere(safe(to)));
            }
            ["go", version] => found.toolchains.push(("go".to_owned(), (*version).to_owned())),
            _ => {}
        }
    }
    for (line, name, version, indirect) in required {
        let origin = replaced.get(name).cloned().unwrap_or(Origin::Registry);
        let (ecosystem, name, file, version) = (Ecosystem::Go, name.to_owned(), file.to_owned(), version.to_owned());
        found.locked.push(Locked {
            ecosystem,
            file: file.clone(),
            name: name.clone(),
            version: version.clone(),
            origin: origin.clone(),
            needs: Vec::new(),
        });
        if !indirect {
            let (requirement, purpose, locked) = (version.clone(), Purpose::Runtime, vec![version]);
            found.declared.push(Declared { ecosystem, name, file, line, requirement, purpose, origin, locked });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Files, Origin, extract};

    #[test]
    fn what_a_module_requires() {
        let text = "module code.test/app\n\ngo 1.22\n\nrequire code.test/one v1.2.3\r\nrequire (\n\tcode.test/two/v2 v2.0.0\n\t\
            code.test/deep v0.1.0 // indirect\n\tcode.test/near v0.0.0\n)\nreplace code.test/near => ../near\nexclude code.test/x v1.0.0\n";
        let files: Files = [("go.mod".to_owned(), text.to_owned())].into();
        let found = extract(&files);
        let shown: Vec<_> =
            found.declared.iter().map(|one| (one.line, one.name.as_str(), one.requirement.as_str())).collect();
        assert_eq!(
            shown,
            [(5, "code.test/one", "v1.2.3"), (7, "code.test/two/v2", "v2.0.0"), (9, "code.test/near", "v0.0.0")]
        );
        assert_eq!(found.declared[2].origin, Origin::Elsewhere("../near".into()));
        assert_eq!(found.locked.len(), 4);
        assert_eq!(found.toolchains, [("go".to_owned(), "1.22".to_owned())]);
    }
}
