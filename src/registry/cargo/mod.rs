//! Crates: the sparse index, one JSON line a version.

mod archive;
mod config;
mod features;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

pub use config::Indexes;

use super::artefact::{Archive, Document};
use super::json::time;
use super::{Reader, Source};
use crate::domain::update::{Dependency, Ecosystem, Package, Release};

/// The longest name that the default registry takes.
const NAME: usize = 64;
/// A line longer than this is none of an index: 4 MiB.
const LINE: usize = 4 * 1024 * 1024;

/// Crates, from the indexes that cargo would ask.
pub struct Crates {
    indexes: Indexes,
}

impl Crates {
    /// Asks nothing yet.
    pub fn new(indexes: Indexes) -> Crates {
        Crates { indexes }
    }
}

impl Source for Crates {
    fn ecosystem(&self) -> Ecosystem {
        Ecosystem::Cargo
    }

    fn address(&self, package: &Package) -> Result<String, String> {
        let index = self.indexes.of(package.registry.as_deref())?;
        let path = path(&package.name).ok_or("no crate can have this name")?;
        Ok(format!("{}/{path}", index.trim_end_matches('/')))
    }

    fn reader(&self, package: &Package, deep: bool) -> Box<dyn Reader> {
        Box::new(Lines { name: package.name.clone(), deep, rest: Vec::new(), releases: Vec::new() })
    }

    fn documents(&self, package: &Package, _version: &str) -> Result<Vec<Document>, String> {
        let index = self.indexes.of(package.registry.as_deref())?;
        let config = format!("{}/config.json", index.trim_end_matches('/'));
        Ok([self.address(package)?, config].map(|address| Document { address, accept: "*/*" }).to_vec())
    }

    fn archive(&self, (package, version): (&Package, &str), documents: &[&[u8]]) -> Result<Archive, String> {
        let [index, config] = documents else { return Err("the registry was not asked".to_owned()) };
        archive::archive((&package.name, version), index, config)
    }
}

/// Where cargo's book puts a crate's file.
fn path(name: &str) -> Option<String> {
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > NAME || !name.chars().all(fine) {
        return None;
    }
    let name = name.to_ascii_lowercase();
    Some(match name.len() {
        1 => format!("1/{name}"),
        2 => format!("2/{name}"),
        3 => format!("3/{}/{name}", &name[..1]),
        _ => format!("{}/{}/{name}", &name[..2], &name[2..4]),
    })
}

/// What is read of a line; where nobody wants them, `features` and `deps` are most of it.
#[derive(Deserialize)]
struct Line<'l> {
    #[serde(borrow)]
    name: std::borrow::Cow<'l, str>,
    #[serde(borrow)]
    vers: std::borrow::Cow<'l, str>,
    #[serde(default)]
    yanked: bool,
    #[serde(borrow, default)]
    rust_version: Option<std::borrow::Cow<'l, str>>,
    #[serde(borrow, default)]
    pubtime: Option<std::borrow::Cow<'l, str>>,
    #[serde(borrow, default)]
    deps: Option<&'l RawValue>,
    #[serde(borrow, default)]
    features: Option<&'l RawValue>,
    /// Those that older cargos cannot read.
    #[serde(borrow, default)]
    features2: Option<&'l RawValue>,
}

/// A dependency of a line. Where it is renamed, `name` is the manifest's word and `package` the crate.
#[derive(Deserialize)]
struct Dep {
    name: String,
    req: String,
    #[serde(default)]
    optional: bool,
    kind: Option<String>,
    package: Option<String>,
}

struct Lines {
    name: String,
    deep: bool,
    rest: Vec<u8>,
    releases: Vec<Release>,
}

impl Lines {
    fn line(&mut self, line: &[u8]) -> Result<(), String> {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let read: Line<'_> = serde_json::from_slice(line).map_err(|_| {
            format!("the answer is no index of crates: its line {} cannot be read", self.releases.len() + 1)
        })?;
        if !read.name.eq_ignore_ascii_case(&self.name) {
            return Err(format!("the answer is about another crate ({})", read.name.escape_debug()));
        }
        let deps = read.deps.filter(|_| self.deep);
        let features = [read.features, read.features2].map(|features| features.map_or("{}", RawValue::get));
        self.releases.push(Release {
            version: read.vers.into_owned(),
            published: read.pubtime.as_deref().and_then(time),
            yanked: read.yanked,
            needs: read.rust_version.map(std::borrow::Cow::into_owned),
            commit: None,
            unknown: None,
            passed: None,
            seen: None,
            since: None,
            dependencies: deps.map(|deps| dependencies(deps.get(), features)).unwrap_or_default(),
        });
        Ok(())
    }
}

fn dependencies(deps: &str, features: [&str; 2]) -> Vec<Dependency> {
    let deps: Vec<Dep> = serde_json::from_str(deps).unwrap_or_default();
    let used: Vec<Dep> = deps.into_iter().filter(|dep| dep.kind.as_deref() != Some("dev")).collect();
    let optional: Vec<&str> = used.iter().filter(|dep| dep.optional).map(|dep| dep.name.as_str()).collect();
    let mut by = if optional.is_empty() { BTreeMap::new() } else { features::by(&optional, features) };
    let dependency = |Dep { name, req, optional, package, .. }| Dependency {
        by: by.remove(&name).unwrap_or_default(),
        name: package.unwrap_or(name),
        requirement: req,
        optional,
        marker: None,
    };
    used.into_iter().map(dependency).collect()
}

impl Reader for Lines {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut bytes = bytes;
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, after) = (&bytes[..end], &bytes[end + 1..]);
            if self.rest.is_empty() {
                self.line(line)?;
            } else {
                self.rest.extend_from_slice(line);
                let whole = std::mem::take(&mut self.rest);
                self.line(&whole)?;
            }
            bytes = after;
        }
        self.rest.extend_from_slice(bytes);
        if self.rest.len() > LINE {
            return Err("the answer is no index of crates: it has no lines".to_owned());
        }
        Ok(())
    }

    fn end(mut self: Box<Self>) -> Result<Vec<Release>, String> {
        let last = std::mem::take(&mut self.rest);
        self.line(&last)?;
        if self.releases.is_empty() {
            return Err("the answer is empty".to_owned());
        }
        Ok(self.releases)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> Result<Vec<Release>, String> {
        let mut reader =
            Box::new(Lines { name: "Thing".to_owned(), deep: true, rest: Vec::new(), releases: Vec::new() });
        for piece in pieces {
            reader.feed(piece)?;
        }
        reader.end()
    }

    const TWO: &[u8] =
        br#"{"name":"thing","vers":"1.0.0","deps":[{"name":"y","package":"x","req":"^1","kind":"normal","optional":true},{"name":"z","req":"*","kind":"dev"}],"cksum":"00","features":{},"yanked":true}
{"name":"thing","vers":"1.1.0+spec-2","yanked":false,"rust_version":"1.74","pubtime":"2026-10-20T08:00:00Z","v":2}
"#;

    #[test]
    fn an_index_reads_the_same_wherever_it_is_cut() {
        let whole = read(&[TWO]).expect("two releases");
        assert_eq!(whole.len(), 2);
        assert!(whole[0].yanked && whole[0].published.is_none());
        let (name, requirement, by) = ("x".to_owned(), "^1".to_owned(), vec!["y".to_owned()]);
        let needed = Dependency { name, requirement, optional: true, by, marker: None };
        assert_eq!(whole[0].dependencies, [needed]);
        assert_eq!(whole[1].version, "1.1.0+spec-2");
        assert_eq!((whole[1].needs.as_deref(), whole[1].published), (Some("1.74"), Some(1_792_483_200_000)));
        for at in 0..TWO.len() {
            assert_eq!(read(&[&TWO[..at], &TWO[at..]]).as_ref(), Ok(&whole), "cut at {at}");
        }
        assert_eq!(read(&[TWO.strip_suffix(b"\n").expect("a line")]), Ok(whole), "without a last line end");
    }

    #[test]
    fn what_is_no_index_is_said_to_be_none() {
        assert!(read(&[b"<html>"]).expect_err("html").contains("line 1"));
        assert!(read(&[&TWO[..TWO.len() - 9]]).expect_err("cut off").contains("line 2"));
        assert!(read(&[b"\n\n"]).expect_err("nothing").contains("empty"));
        assert!(read(&[br#"{"name":"other","vers":"1.0.0"}"#]).expect_err("another").contains("other"));
        assert!(read(&[&vec![b'x'; LINE + 1]]).expect_err("no lines").contains("no lines"));
    }

    #[test]
    fn a_file_is_where_cargos_book_puts_it_and_a_name_leads_nowhere_else() {
        let paths = ["a", "ab", "Abc", "serde_json"].map(|name| path(name).expect("a path"));
        assert_eq!(paths, ["1/a", "2/ab", "3/a/abc", "se/rd/serde_json"]);
        for name in ["", "../../etc", "a/b", "a?b", "é", &"x".repeat(65)] {
            assert_eq!(path(name), None, "{name}");
        }
    }
}
