//! Python distributions: an index's list of files by PEP 691, with times by PEP 700. A version is what its files say together.

mod archive;
mod config;
mod requires;

use std::collections::BTreeMap;

pub use config::Python;

use futures_util::future::BoxFuture;

use super::artefact::{Archive, Document};
use super::detail::{Asking, Detail, Place};
use super::json::{Listener, Scanner, time};
use super::{Reader, Source};
use crate::domain::update::{Ecosystem, Package, Release, python::normal};

impl Source for Python {
    fn ecosystem(&self) -> Ecosystem {
        Ecosystem::Python
    }

    fn address(&self, package: &Package) -> Result<String, String> {
        let name = normal(&package.name);
        let edge = |c: char| c.is_ascii_alphanumeric();
        let fine = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !fine || !name.starts_with(edge) || !name.ends_with(edge) {
            return Err("no distribution of Python can have this name".to_owned());
        }
        Ok(format!("{}/{name}/", self.of(package.registry.as_deref())?.trim_end_matches('/')))
    }

    fn accept(&self) -> &'static str {
        "application/vnd.pypi.simple.v1+json"
    }

    fn reader(&self, package: &Package, _deep: bool) -> Box<dyn Reader> {
        let name = normal(&package.name);
        Box::new(Scanner::new(Files { name, about: None, file: File::default(), versions: BTreeMap::new() }))
    }

    /// The list of files does not say what a release requires; its own metadata do, and never change.
    fn place(&self, package: &Package, release: &Release) -> Option<Place> {
        let address = format!("{}{}.metadata", self.address(package).ok()?, release.version);
        Some(Place { address, forever: true })
    }

    fn detail<'a>(
        &'a self,
        asking: &'a Asking<'a>,
        package: &'a Package,
        release: &'a Release,
    ) -> BoxFuture<'a, Result<Option<Detail>, String>> {
        Box::pin(async move {
            let (page, name) = (self.address(package)?, normal(&package.name));
            requires::detail(asking, (&page, self.accept()), (&name, release)).await.map(Some)
        })
    }

    fn documents(&self, package: &Package, _version: &str) -> Result<Vec<Document>, String> {
        Ok(vec![Document { address: self.address(package)?, accept: self.accept() }])
    }

    fn archive(&self, (package, version): (&Package, &str), documents: &[&[u8]]) -> Result<Archive, String> {
        let [list] = documents else { return Err("the registry was not asked".to_owned()) };
        archive::archive((&normal(&package.name), version), &self.address(package)?, list)
    }
}

struct Files {
    name: String,
    about: Option<String>,
    /// The one that is being read.
    file: File,
    versions: BTreeMap<String, Version>,
}

#[derive(Default)]
struct File {
    name: String,
    uploaded: Option<String>,
    yanked: bool,
    needs: Option<String>,
}

/// What the files of a version say together.
struct Version {
    /// The last of them: whoever installs may get any. `None` as soon as one has no time.
    published: Option<i64>,
    /// Whether all of them are.
    yanked: bool,
    needs: Option<String>,
}

impl Files {
    /// The file that was read is whole.
    fn turn(&mut self) {
        let File { name, uploaded, yanked, needs } = std::mem::take(&mut self.file);
        let Some(version) = version(&self.name, &name) else { return };
        let published = uploaded.as_deref().and_then(time);
        match self.versions.get_mut(version) {
            Some(known) => {
                known.published = known.published.zip(published).map(|(a, b)| a.max(b));
                known.yanked &= yanked;
                if known.needs.is_none() {
                    known.needs = needs;
                }
            }
            None => drop(self.versions.insert(version.to_owned(), Version { published, yanked, needs })),
        }
    }
}

/// The version in the name of a wheel or a source archive; older kinds of files are not installed any more.
fn version<'f>(package: &str, file: &'f str) -> Option<&'f str> {
    if let Some(stem) = file.strip_suffix(".whl") {
        let mut parts = stem.split('-');
        let name = parts.next()?;
        return parts.next().filter(|_| normal(name) == package);
    }
    let stem = [".tar.gz", ".zip", ".tar.bz2", ".tgz"].iter().find_map(|end| file.strip_suffix(end))?;
    let mut cuts = stem.match_indices('-').filter(|(at, _)| normal(&stem[..*at]) == package);
    cuts.next().map(|(at, _)| &stem[at + 1..])
}

impl Listener for Files {
    fn wants(&self, path: &[String]) -> bool {
        let mut parts = path.iter().map(String::as_str);
        match (parts.next(), parts.next()) {
            (None | Some("name" | "files"), None) => true,
            (Some("files"), Some("filename" | "upload-time" | "yanked" | "requires-python")) => path.len() == 2,
            _ => false,
        }
    }

    fn begin(&mut self, path: &[String], object: bool) {
        if object && path.len() == 1 {
            self.turn();
        }
    }

    fn value(&mut self, path: &[String], value: &str) -> Result<(), String> {
        match path {
            [name] if name == "name" => self.about = Some(normal(value)),
            [_, key] => match key.as_str() {
                "filename" => value.clone_into(&mut self.file.name),
                "upload-time" => self.file.uploaded = Some(value.to_owned()),
                // A text says why.
                "yanked" => self.file.yanked = value != "false",
                "requires-python" if value != "null" && !value.is_empty() => self.file.needs = Some(value.to_owned()),
                _ => {}
            },
            _ => {}
        }
        Ok(())
    }
}

impl Reader for Scanner<Files> {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), String> {
        Scanner::feed(self, bytes)
    }

    fn end(self: Box<Self>) -> Result<Vec<Release>, String> {
        let mut files = Scanner::end(*self)?;
        files.turn();
        match files.about {
            Some(about) if about == files.name => {}
            Some(about) => return Err(format!("the answer is about another package ({})", about.escape_debug())),
            None => return Err("the answer is no list of a package's files".to_owned()),
        }
        if files.versions.is_empty() {
            return Err("it has no files that could be installed".to_owned());
        }
        let releases = files.versions.into_iter().map(|(version, Version { published, yanked, needs })| Release {
            version,
            published,
            yanked,
            needs,
            ..Release::default()
        });
        Ok(releases.collect())
    }
}

#[cfg(test)]
mod tests;
