//! npm packages: the registry's whole document of a package (a packument), of which next has 21 MB, read as it comes.

mod archive;
mod config;

use std::cmp::Ordering;
use std::collections::BTreeMap;

pub use config::Npm;

use super::artefact::{Archive, Document};
use super::json::{Listener, Scanner, time};
use super::{Reader, Source};
use crate::domain::update::{Dependency, Ecosystem, Package, Release, rules};

/// The longest name that npm takes.
const NAME: usize = 214;

impl Source for Npm {
    fn ecosystem(&self) -> Ecosystem {
        Ecosystem::Npm
    }

    fn address(&self, package: &Package) -> Result<String, String> {
        let fine = |c: char| c.is_ascii_alphanumeric() || "-_.~@/!'()*".contains(c);
        let parts = package.name.split('/').count();
        let scoped = if package.name.starts_with('@') { 2 } else { 1 };
        let dotted = package.name.split('/').any(|part| part.is_empty() || part.starts_with('.'));
        if package.name.len() > NAME || parts != scoped || dotted || !package.name.chars().all(fine) {
            return Err("no package of npm can have this name".to_owned());
        }
        let base = self.of(&package.name, package.registry.as_deref())?;
        Ok(format!("{}/{}", base.trim_end_matches('/'), package.name.replace('/', "%2f")))
    }

    fn accept(&self) -> &'static str {
        "application/json"
    }

    fn reader(&self, package: &Package, deep: bool) -> Box<dyn Reader> {
        Box::new(Scanner::new(Packument { name: package.name.clone(), deep, ..Packument::default() }))
    }

    fn documents(&self, package: &Package, version: &str) -> Result<Vec<Document>, String> {
        let fine = |c: char| c.is_ascii_alphanumeric() || "-.+".contains(c);
        if version.is_empty() || !version.chars().all(fine) || version.starts_with('.') {
            return Err("no package of npm can have this version".to_owned());
        }
        let address = format!("{}/{version}", self.address(package)?);
        Ok(vec![Document { address, accept: self.accept() }])
    }

    fn archive(&self, (_, version): (&Package, &str), documents: &[&[u8]]) -> Result<Archive, String> {
        let [document] = documents else { return Err("the registry was not asked".to_owned()) };
        archive::archive(version, document)
    }
}

#[derive(Default)]
struct Packument {
    name: String,
    /// Whether what releases depend on is wanted.
    deep: bool,
    /// What the document says of whom it is about.
    about: Option<String>,
    latest: Option<String>,
    releases: Vec<Release>,
    times: BTreeMap<String, String>,
}

impl Listener for Packument {
    fn wants(&self, path: &[String]) -> bool {
        let mut parts = path.iter().map(String::as_str);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (None, ..) | (Some("name" | "dist-tags" | "time" | "versions"), None, ..) => true,
            (Some("dist-tags"), Some("latest"), None, _) | (Some("time" | "versions"), Some(_), None, _) => true,
            (Some("versions"), Some(_), Some("deprecated" | "engines"), None) => true,
            (Some("versions"), Some(_), Some("dependencies" | "optionalDependencies"), _) => {
                self.deep && path.len() <= 4
            }
            (Some("versions"), Some(_), Some("engines"), Some("node")) => path.len() == 4,
            _ => false,
        }
    }

    fn begin(&mut self, path: &[String], _object: bool) {
        if let [versions, version] = path
            && versions == "versions"
        {
            self.releases.push(Release { version: version.clone(), ..Release::default() });
        }
    }

    fn value(&mut self, path: &[String], value: &str) -> Result<(), String> {
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["name"] => self.about = Some(value.to_owned()),
            ["dist-tags", "latest"] => self.latest = Some(value.to_owned()),
            ["time", version] => drop(self.times.insert((*version).to_owned(), value.to_owned())),
            ["versions", _, "deprecated"] => {
                // An empty text takes a deprecation back.
                let last = self.releases.last_mut();
                last.into_iter().for_each(|release| release.yanked = !["", "false", "null"].contains(&value));
            }
            ["versions", _, "engines", "node"] => {
                let last = self.releases.last_mut();
                last.into_iter().for_each(|release| release.needs = Some(value.to_owned()));
            }
            ["versions", _, table @ ("dependencies" | "optionalDependencies"), name] => {
                let optional = *table == "optionalDependencies";
                let dependency = Dependency {
                    name: (*name).to_owned(),
                    requirement: value.to_owned(),
                    optional,
                    ..Dependency::default()
                };
                if let Some(release) = self.releases.last_mut() {
                    // npm repeats what is optional among the others.
                    release.dependencies.retain(|known| known.name != *name);
                    release.dependencies.push(dependency);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Reader for Scanner<Packument> {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), String> {
        Scanner::feed(self, bytes)
    }

    fn end(self: Box<Self>) -> Result<Vec<Release>, String> {
        let Packument { name, about, latest, mut releases, times, .. } = Scanner::end(*self)?;
        if about.as_deref() != Some(&name) {
            return Err(match about {
                Some(about) => format!("the answer is about another package ({})", about.escape_debug()),
                None => "the answer is no document of a package".to_owned(),
            });
        }
        for release in &mut releases {
            release.published = times.get(&release.version).and_then(|text| time(text));
        }
        // What its authors have not made the latest yet, or no longer have, is not for everybody.
        if let Some(latest) = latest {
            let newer = |version: &str| rules::compare(Ecosystem::Npm, version, &latest) == Some(Ordering::Greater);
            releases.retain(|release| !newer(&release.version));
        }
        if releases.is_empty() {
            return Err("every version of it was withdrawn".to_owned());
        }
        Ok(releases)
    }
}

#[cfg(test)]
mod tests;
