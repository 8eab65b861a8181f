//! Toolchains: Rust's newest stable release, by the manifest of its channel, at the server that rustup's configuration names.
//! Nobody's configuration says where versions of the others are listed, and that is said.

use std::collections::BTreeMap;

use super::artefact::{Archive, Document};
use super::{Reader, Source, client, json};
use crate::domain::update::{Ecosystem, Package, Release};

/// A line of the manifest that is longer is nothing that is wanted.
const LINE: usize = 4096;

/// Where toolchains are.
#[derive(Clone, Debug, Default)]
pub struct Toolchains {
    /// `RUSTUP_DIST_SERVER`.
    rust: Option<String>,
}

impl Toolchains {
    /// By rustup's variables.
    pub fn read(env: &BTreeMap<String, String>) -> Toolchains {
        Toolchains { rust: env.get("RUSTUP_DIST_SERVER").filter(|server| client::web(server)).cloned() }
    }
}

impl Source for Toolchains {
    fn ecosystem(&self) -> Ecosystem {
        Ecosystem::Toolchain
    }

    fn address(&self, package: &Package) -> Result<String, String> {
        match (package.name.as_str(), &self.rust) {
            ("rust", Some(server)) => Ok(format!("{}/dist/channel-rust-stable.toml", server.trim_end_matches('/'))),
            ("rust", None) => {
                Err("no configuration of rustup says where toolchains are; set RUSTUP_DIST_SERVER".to_owned())
            }
            (name, _) => Err(format!("no client's configuration says where versions of {name} are listed")),
        }
    }

    fn reader(&self, _package: &Package, _deep: bool) -> Box<dyn Reader> {
        Box::new(Channel::default())
    }

    fn documents(&self, _package: &Package, _version: &str) -> Result<Vec<Document>, String> {
        Err("archives of toolchains are not read".to_owned())
    }

    fn archive(&self, _of: (&Package, &str), _documents: &[&[u8]]) -> Result<Archive, String> {
        Err("archives of toolchains are not read".to_owned())
    }
}

/// Two lines of a manifest of a megabyte.
#[derive(Default)]
struct Channel {
    open: Vec<u8>,
    table: String,
    date: Option<String>,
    version: Option<String>,
}

impl Channel {
    fn line(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim();
        if line.starts_with('[') {
            line.clone_into(&mut self.table);
        }
        let Some((key, value)) = line.split_once('=') else { return };
        let value = value.trim().trim_matches('"').to_owned();
        match (self.table.as_str(), key.trim()) {
            ("", "date") => self.date = Some(value),
            ("[pkg.rust]", "version") => self.version = value.split(' ').next().map(str::to_owned),
            _ => {}
        }
    }
}

impl Reader for Channel {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let mut line = std::mem::take(&mut self.open);
            line.extend_from_slice(&rest[..end]);
            self.line(&line);
            rest = &rest[end + 1..];
        }
        if self.open.len() + rest.len() <= LINE {
            self.open.extend_from_slice(rest);
        }
        Ok(())
    }

    fn end(self: Box<Self>) -> Result<Vec<Release>, String> {
        let version = self.version.filter(|version| version.split('.').count() == 3);
        let version = version.ok_or("the answer is no manifest of a channel of Rust")?;
        let published = self.date.and_then(|date| json::time(&format!("{date}T00:00:00Z")));
        // `1.95` is followed by every 1.95.x, so it is a version of its own.
        let minor = version.rsplit_once('.').map(|(minor, _)| minor.to_owned());
        let all = minor.into_iter().chain([version]);
        Ok(all.map(|version| Release { version, published, ..Release::default() }).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_stable_rust_is_found_where_rustup_would() {
        let package = |name: &str| Package { ecosystem: Ecosystem::Toolchain, registry: None, name: name.to_owned() };
        let env = BTreeMap::from([("RUSTUP_DIST_SERVER".to_owned(), "https://dist.example/".to_owned())]);
        let known = Toolchains::read(&env);
        assert_eq!(known.address(&package("rust")), Ok("https://dist.example/dist/channel-rust-stable.toml".into()));
        assert!(known.address(&package("node")).is_err_and(|why| why.contains("versions of node")));
        let none = Toolchains::default();
        assert!(none.address(&package("rust")).is_err_and(|why| why.contains("RUSTUP_DIST_SERVER")));
        let text = "manifest-version = \"2\"\ndate = \"2020-01-01\"\n[pkg.cargo]\nversion = \"9.9.9 (x)\"\n\
            [pkg.rust]\nversion = \"1.40.0 (73528e339 2019-12-16)\"\n[pkg.rust.target.x]\nversion = \"8\"\n";
        let mut reader = known.reader(&package("rust"), false);
        for piece in text.as_bytes().chunks(5) {
            reader.feed(piece).expect("bytes");
        }
        let releases = reader.end().expect("a manifest");
        let shown: Vec<_> = releases.iter().map(|one| (one.version.as_str(), one.published)).collect();
        assert_eq!(shown, [("1.40", Some(1_577_836_800_000)), ("1.40.0", Some(1_577_836_800_000))]);
        let mut reader = known.reader(&package("rust"), false);
        reader.feed(b"<html>").expect("bytes");
        assert!(reader.end().is_err());
    }
}
