//! Versions of actions: the tags of their repositories, and which commits they are, as Git's own protocol lists them.

mod commit;

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;

use super::artefact::{Archive, Document};
use super::detail::{Asking, Detail, Place};
use super::{Reader, Source, client};
use crate::domain::update::{Ecosystem, Package, Release};

/// The longest line of that protocol, by its four digits.
const LINE: usize = 65_520;

/// The server that actions are on.
#[derive(Clone, Debug, Default)]
pub struct Actions {
    server: Option<String>,
}

impl Actions {
    /// Where an action's repository is.
    fn repository(&self, package: &Package) -> Result<String, String> {
        let fine = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        let parts: Vec<&str> = package.name.split('/').collect();
        let named = parts.iter().all(|part| !part.is_empty() && !part.starts_with('.') && part.chars().all(fine));
        if parts.len() != 2 || !named {
            return Err("no action can have this name".to_owned());
        }
        let server = self.server.as_ref().ok_or(
            "the checkout's origin names no server, so nobody says where actions are; type: git remote add origin ADDRESS",
        )?;
        Ok(format!("{server}/{}.git", package.name))
    }

    /// By the server's address, or by that of any repository on it, as Git has it: `https://host/owner/name.git`,
    /// `git@host:owner/name`, `ssh://git@host/owner/name`. Who signs in stays out of it.
    pub fn at(origin: Option<&str>) -> Actions {
        Actions { server: origin.and_then(server) }
    }
}

fn server(origin: &str) -> Option<String> {
    if client::web(origin) {
        let (scheme, rest) = origin.split_once("://")?;
        let host = rest.split(['/', '?', '#']).next()?;
        let host = host.rsplit('@').next().filter(|host| !host.is_empty())?;
        return Some(format!("{scheme}://{host}"));
    }
    let host = match origin.strip_prefix("ssh://") {
        Some(rest) => rest.split('/').next()?.rsplit('@').next()?.split(':').next()?,
        None => origin.split_once(':').filter(|(host, _)| !host.contains('/'))?.0.rsplit('@').next()?,
    };
    let fine = host.contains('.') && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c));
    fine.then(|| format!("https://{host}"))
}

impl Source for Actions {
    fn ecosystem(&self) -> Ecosystem {
        Ecosystem::Actions
    }

    fn address(&self, package: &Package) -> Result<String, String> {
        Ok(format!("{}/info/refs?service=git-upload-pack", self.repository(package)?))
    }

    fn reader(&self, _package: &Package, _deep: bool) -> Box<dyn Reader> {
        Box::new(Refs::default())
    }

    fn place(&self, package: &Package, release: &Release) -> Option<Place> {
        let address = format!("{}#{}", self.repository(package).ok()?, release.commit.as_ref()?);
        Some(Place { address, forever: true })
    }

    fn detail<'a>(
        &'a self,
        asking: &'a Asking<'a>,
        package: &'a Package,
        release: &'a Release,
    ) -> BoxFuture<'a, Result<Option<Detail>, String>> {
        Box::pin(async move {
            let Some(commit) = &release.commit else { return Ok(None) };
            let time = commit::time(asking, &self.repository(package)?, commit).await?;
            Ok(Some(Detail::claimed(None, (time, asking.now))))
        })
    }

    fn documents(&self, _package: &Package, _version: &str) -> Result<Vec<Document>, String> {
        Err("archives of actions are not read".to_owned())
    }

    fn archive(&self, _of: (&Package, &str), _documents: &[&[u8]]) -> Result<Archive, String> {
        Err("archives of actions are not read".to_owned())
    }
}

/// Lines with their length before them.
#[derive(Default)]
struct Refs {
    open: Vec<u8>,
    /// The service's own announcement came first.
    announced: bool,
    /// The last thing that came was the end of a part.
    flushed: bool,
    tags: BTreeMap<String, String>,
}

fn broken() -> String {
    "the answer is no list of a Git repository's references".to_owned()
}

impl Refs {
    fn line(&mut self, line: &[u8]) -> Result<(), String> {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches('\n');
        if !self.announced {
            self.announced = line == "# service=git-upload-pack";
            return if self.announced { Ok(()) } else { Err(broken()) };
        }
        let (commit, rest) = line.split_once(' ').ok_or_else(broken)?;
        if !matches!(commit.len(), 40 | 64) || !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(broken());
        }
        // Behind the first name stands what the server can do.
        let name = rest.split('\0').next().unwrap_or(rest);
        if let Some(tag) = name.strip_prefix("refs/tags/") {
            // Of a signed or annotated tag the commit follows the tag itself, and counts.
            let tag = tag.strip_suffix("^{}").unwrap_or(tag);
            self.tags.insert(tag.to_owned(), commit.to_owned());
        }
        Ok(())
    }
}

impl Reader for Refs {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.open.extend_from_slice(bytes);
        let open = std::mem::take(&mut self.open);
        let mut at = 0;
        while let Some(digits) = open.get(at..at + 4) {
            let digits = std::str::from_utf8(digits).map_err(|_| broken())?;
            let length = usize::from_str_radix(digits, 16).map_err(|_| broken())?;
            self.flushed = length == 0;
            if length == 0 {
                at += 4;
                continue;
            }
            if !(4..=LINE).contains(&length) {
                return Err(broken());
            }
            let Some(line) = open.get(at + 4..at + length) else { break };
            self.line(line)?;
            at += length;
        }
        self.open = open.get(at..).unwrap_or_default().to_vec();
        Ok(())
    }

    fn end(self: Box<Self>) -> Result<Vec<Release>, String> {
        if !self.announced || !self.flushed || !self.open.is_empty() {
            return Err("the list of references ends too early".to_owned());
        }
        let releases = self.tags.into_iter().map(|(version, commit)| Release {
            version,
            commit: Some(commit),
            ..Release::default()
        });
        let releases: Vec<Release> = releases.collect();
        if releases.is_empty() { Err("its repository has no tags".to_owned()) } else { Ok(releases) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], piece: usize) -> Result<Vec<Release>, String> {
        let package = Package { ecosystem: Ecosystem::Actions, registry: None, name: "o/r".to_owned() };
        let mut reader = Actions::default().reader(&package, false);
        for piece in text.chunks(piece) {
            reader.feed(piece)?;
        }
        reader.end()
    }

    fn line(text: &str) -> String {
        format!("{:04x}{text}", text.len() + 4)
    }

    #[test]
    fn tags_are_the_commits_that_they_point_to() {
        let commit = |digit: &str| digit.repeat(40);
        let mut text = line("# service=git-upload-pack\n") + "0000";
        text += &line(&format!("{} HEAD\0multi_ack agent=x\n", commit("a")));
        text += &line(&format!("{} refs/heads/v9\n", commit("a")));
        text += &line(&format!("{} refs/tags/v1\n", commit("b")));
        text += &line(&format!("{} refs/tags/v1^{{}}\n", commit("c")));
        text += &line(&format!("{} refs/tags/v2\n", commit("d")));
        text += "0000";
        for piece in [1, 3, 4096] {
            let releases = read(text.as_bytes(), piece).expect("references");
            let shown: Vec<_> = releases.iter().map(|one| (one.version.as_str(), one.commit.clone())).collect();
            assert_eq!(shown, [("v1", Some(commit("c"))), ("v2", Some(commit("d")))]);
        }
        for cut in 0..text.len() {
            assert!(read(&text.as_bytes()[..cut], 64).is_err(), "cut at {cut}");
        }
        for other in ["<html>", "0003", "zzzz", "0008ping", "ffffx"] {
            assert!(read(other.as_bytes(), 64).is_err(), "{other}");
        }
    }

    #[test]
    fn the_server_is_the_one_of_the_origin() {
        for origin in [
            "https://me:geheim@forge.example/o/r.git",
            "git@forge.example:o/r.git",
            "ssh://git@forge.example:22/o/r",
            "https://forge.example",
        ] {
            assert_eq!(server(origin).as_deref(), Some("https://forge.example"), "{origin}");
        }
        for origin in ["/srv/git/r", "../r", "", "C:/r", "file:///srv/r"] {
            assert_eq!(server(origin), None, "{origin}");
        }
        let package = |name: &str| Package { ecosystem: Ecosystem::Actions, registry: None, name: name.to_owned() };
        let actions = Actions::at(Some("git@forge.example:o/r"));
        assert_eq!(
            actions.address(&package("a/b")),
            Ok("https://forge.example/a/b.git/info/refs?service=git-upload-pack".into())
        );
        assert!(actions.address(&package("a/..")).is_err() && actions.address(&package("a/b?x")).is_err());
        assert!(Actions::default().address(&package("a/b")).is_err_and(|why| why.contains("git remote add")));
    }
}
