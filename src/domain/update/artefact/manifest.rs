//! What the manifest inside a published package says.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use toml::{Table, Value};

use super::contents::{Commit, Contents};

/// `.cargo_vcs_info.json`.
pub(super) fn vcs(text: &str) -> Option<Commit> {
    let root: Json = serde_json::from_str(text).ok()?;
    let git = root.get("git")?;
    Commit::of(git.get("sha1")?.as_str()?, git.get("dirty").and_then(Json::as_bool).unwrap_or(false))
}

/// A crate's `Cargo.toml`; `rust` has digests of its Rust files.
pub(super) fn cargo(text: &str, rust: &BTreeMap<String, String>, contents: &mut Contents) -> Result<(), String> {
    let root: Table = text.parse().map_err(|_| "its Cargo.toml cannot be read".to_owned())?;
    let package = root.get("package").and_then(Value::as_table);
    let word = |key: &str| Some(package?.get(key)?.as_str()?.to_owned());
    contents.licence = word("license").or_else(|| word("license-file"));
    contents.repository = word("repository");
    let lib = root.get("lib").and_then(Value::as_table);
    let flag = |key: &str| lib.and_then(|lib| lib.get(key)?.as_bool()).unwrap_or(false);
    contents.proc_macro = flag("proc-macro") || flag("proc_macro");
    let scripts: Vec<String> = match package.and_then(|package| package.get("build")) {
        Some(Value::Boolean(false)) => Vec::new(),
        Some(Value::String(path)) => vec![path.clone()],
        Some(Value::Array(paths)) => paths.iter().filter_map(|path| Some(path.as_str()?.to_owned())).collect(),
        // What cargo finds without being told.
        _ => rust.contains_key("build.rs").then(|| "build.rs".to_owned()).into_iter().collect(),
    };
    contents.build_scripts = scripts
        .into_iter()
        .map(|path| path.trim_start_matches("./").to_owned())
        .map(|path| (path.clone(), rust.get(&path).cloned().unwrap_or_default()))
        .collect();
    Ok(())
}

/// An npm package's `package.json`; `gyp`: it has a `binding.gyp`, which npm builds when nothing else is said.
pub(super) fn npm(text: &str, gyp: bool, contents: &mut Contents) -> Result<(), String> {
    let text = text.trim_start_matches('\u{feff}');
    let root: Json = serde_json::from_str(text).map_err(|_| "its package.json cannot be read".to_owned())?;
    let word = |value: Option<&Json>, key: &str| {
        let value = value?;
        value.as_str().or_else(|| value.get(key)?.as_str()).map(str::to_owned)
    };
    contents.licence = word(root.get("license"), "type");
    contents.repository = word(root.get("repository"), "url");
    let scripts = root.get("scripts");
    for hook in ["preinstall", "install", "postinstall"] {
        let command = scripts.and_then(|scripts| scripts.get(hook)?.as_str());
        contents.hooks.extend(command.map(|command| (hook.to_owned(), command.to_owned())));
    }
    if gyp && !contents.hooks.iter().any(|(hook, _)| hook != "postinstall") {
        contents.hooks.push(("install".to_owned(), "node-gyp rebuild".to_owned()));
    }
    Ok(())
}

/// A source distribution's `PKG-INFO`: headers, as of mail.
pub(super) fn python(text: &str, contents: &mut Contents) {
    for line in text.lines().take_while(|line| !line.is_empty()) {
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        let useful = !value.is_empty() && value != "UNKNOWN";
        match key {
            "License-Expression" if useful => contents.licence = Some(value.to_owned()),
            "License" if useful && contents.licence.is_none() && value.len() < 100 => {
                contents.licence = Some(value.to_owned());
            }
            "Project-URL" => {
                let Some((label, url)) = value.split_once(',') else { continue };
                let label = label.trim().to_ascii_lowercase();
                if ["source", "source code", "repository", "code", "github"].contains(&label.as_str()) {
                    contents.repository = Some(url.trim().to_owned());
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_builds_with_what_its_manifest_says_or_cargo_finds() {
        let rust = BTreeMap::from([("build.rs".to_owned(), "a".to_owned()), ("b/x.rs".to_owned(), "b".to_owned())]);
        let scripts = |text: &str| {
            let mut contents = Contents::default();
            cargo(text, &rust, &mut contents).expect("a manifest");
            contents.build_scripts.into_iter().map(|(path, _)| path).collect::<Vec<_>>()
        };
        assert_eq!(scripts("[package]\nname = \"x\""), ["build.rs"]);
        assert_eq!(scripts("[package]\nbuild = false"), [""; 0]);
        assert_eq!(scripts("[package]\nbuild = \"./b/x.rs\""), ["b/x.rs"]);
        let mut contents = Contents::default();
        let text = "[package]\nlicense = \"MIT\"\nrepository = \"https://forge.example/a/b\"\n[lib]\nproc-macro = true";
        cargo(text, &rust, &mut contents).expect("a manifest");
        assert!(contents.proc_macro);
        assert_eq!(contents.licence.as_deref(), Some("MIT"));
        assert!(cargo("= =", &rust, &mut contents).is_err());
    }

    #[test]
    fn an_npm_package_runs_its_hooks_and_node_gyp() {
        let read = |text: &str, gyp: bool| {
            let mut contents = Contents::default();
            npm(text, gyp, &mut contents).map(|()| contents)
        };
        let text = r#"{"license":{"type":"MIT"},"repository":{"url":"git+https://forge.example/a/b.git"},
            "scripts":{"postinstall":"node x.js","test":"no","install":7}}"#;
        let contents = read(text, true).expect("a manifest");
        let hooks: Vec<_> = contents.hooks.iter().map(|(hook, command)| (hook.as_str(), command.as_str())).collect();
        assert_eq!(hooks, [("postinstall", "node x.js"), ("install", "node-gyp rebuild")]);
        assert_eq!(contents.licence.as_deref(), Some("MIT"));
        assert_eq!(read("{}", false).expect("a manifest").hooks, []);
        assert!(read("<html>", false).is_err());
    }

    #[test]
    fn a_distribution_names_its_licence_and_source_in_its_headers() {
        let mut contents = Contents::default();
        python("Name: x\nLicense: MIT\nProject-URL: Source, https://forge.example/a/b\n\nLicense: no", &mut contents);
        assert_eq!(contents.licence.as_deref(), Some("MIT"));
        assert_eq!(contents.repository.as_deref(), Some("https://forge.example/a/b"));
    }

    #[test]
    fn a_commit_has_forty_digits() {
        let sha = "0123456789abcdef0123456789ABCDEF01234567";
        let commit = vcs(&format!(r#"{{"git":{{"sha1":"{sha}","dirty":true}},"path_in_vcs":"x"}}"#)).expect("a commit");
        assert_eq!((commit.sha.as_str(), commit.dirty), (sha.to_lowercase().as_str(), true));
        for text in ["{}", "x", r#"{"git":{"sha1":"main"}}"#] {
            assert_eq!(vcs(text), None);
        }
    }
}
