//! RustSec's files: a block of TOML, then a text in Markdown.

use std::collections::BTreeMap;

use semver::VersionReq;
use serde::Deserialize;

use super::severity::Severity;
use super::{Advisory, Affected, Unusable, span};
use crate::domain::update::model::Ecosystem;

#[derive(Deserialize)]
struct File {
    advisory: Head,
    #[serde(default)]
    versions: Versions,
    #[serde(default)]
    affected: Where,
}

#[derive(Deserialize)]
struct Head {
    id: String,
    package: String,
    date: Option<String>,
    url: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    cvss: Option<String>,
    informational: Option<String>,
    withdrawn: Option<String>,
}

#[derive(Default, Deserialize)]
struct Versions {
    #[serde(default)]
    patched: Vec<String>,
    #[serde(default)]
    unaffected: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Where {
    #[serde(default)]
    functions: BTreeMap<String, Vec<String>>,
}

/// One file.
pub(super) fn read(path: &str, text: &str) -> Result<Advisory, Unusable> {
    let unusable = |id: &str, packages: Vec<(Ecosystem, String)>, why: String| Unusable {
        id: id.to_owned(),
        file: path.to_owned(),
        packages,
        why,
    };
    let name = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".md");
    let Some((head, body)) = block(text) else {
        return Err(unusable(name, Vec::new(), "it does not begin with a block of TOML".to_owned()));
    };
    let file: File = match toml::from_str(head) {
        Ok(file) => file,
        Err(error) => {
            return Err(unusable(name, folder(path), format!("its TOML cannot be read: {}", error.message())));
        }
    };
    let mut clear = Vec::new();
    for requirement in file.versions.patched.iter().chain(&file.versions.unaffected) {
        match VersionReq::parse(requirement.trim()) {
            Ok(requirement) => clear.push(requirement),
            Err(error) => {
                let packages = vec![(Ecosystem::Cargo, file.advisory.package)];
                return Err(unusable(
                    &file.advisory.id,
                    packages,
                    format!("its range `{requirement}` is malformed: {error}"),
                ));
            }
        }
    }
    let head = file.advisory;
    let title = body.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or_default();
    Ok(Advisory {
        id: head.id,
        aliases: head.aliases,
        title: title.trim().to_owned(),
        url: head.url,
        severity: head.cvss.as_deref().and_then(Severity::vector),
        published: head.date,
        informational: head.informational,
        withdrawn: head.withdrawn.is_some(),
        affected: vec![Affected {
            ecosystem: Ecosystem::Cargo,
            package: head.package,
            spans: span::outside(&clear),
            versions: Vec::new(),
            functions: file.affected.functions.into_keys().collect(),
        }],
    })
}

/// The TOML and what follows it.
fn block(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let rest = text.strip_prefix("```toml")?;
    let end = rest.find("\n```")?;
    Some((&rest[..end], &rest[end + 4..]))
}

/// `crates/NAME/RUSTSEC-….md` says of which package it is, even where the file itself does not.
fn folder(path: &str) -> Vec<(Ecosystem, String)> {
    let mut parts = path.rsplit('/').skip(1);
    let name = parts.next().filter(|name| !name.is_empty());
    name.map(|name| (Ecosystem::Cargo, name.to_owned())).into_iter().collect()
}
