//! Container images: the tags that the registry has which an image's own name names, by the distribution API. An image that names
//! no registry is asked for where Docker's own configuration says, else where everybody's Docker asks.
//!
//! The name stands in the checkout, so it could make Fairway ask whoever its author likes: only names of hosts are asked, by
//! HTTPS, and addresses or names without a dot only where Docker's configuration on this machine lists them.

mod manifest;

use std::path::Path;

use futures_util::future::BoxFuture;
use oci_spec::distribution::Reference;

use super::artefact::{Archive, Document};
use super::detail::{Asking, Detail, Place};
use super::json::{Listener, Scanner};
use super::{Reader, Source, client};
use crate::domain::update::{Ecosystem, Package, Release};

/// What Docker's configuration says.
#[derive(Clone, Debug, Default)]
pub struct Images {
    /// The first of `registry-mirrors`: who answers for images that name no registry.
    usual: Option<String>,
    /// `insecure-registries`: asked by HTTP, whatever they are called.
    insecure: Vec<String>,
    /// Registries that somebody here logged in to; the login itself is not read.
    entered: Vec<String>,
}

impl Images {
    /// Reads `daemon.json` of the person's own Docker, else of the machine's, and the names in their `config.json`.
    pub fn read(home: Option<&Path>) -> Images {
        let own = home.map(|home| home.join(".config/docker/daemon.json"));
        let files = own.into_iter().chain([Path::new("/etc/docker/daemon.json").to_owned()]);
        let text = files.into_iter().find_map(|file| std::fs::read_to_string(file).ok());
        let entered = home.and_then(|home| std::fs::read_to_string(home.join(".docker/config.json")).ok());
        Images::of_text(&text.unwrap_or_default()).entered(&entered.unwrap_or_default())
    }

    /// With the registries that a `config.json` has logins for.
    pub fn entered(self, text: &str) -> Images {
        let config: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        let entered = config["auths"].as_object().into_iter().flatten().map(|(host, _)| host.clone());
        Images { entered: entered.collect(), ..self }
    }

    /// From the text of a `daemon.json`.
    pub fn of_text(text: &str) -> Images {
        let config: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        let list = |key: &str| {
            let list = config[key].as_array().map(Vec::as_slice).unwrap_or_default();
            list.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect::<Vec<String>>()
        };
        let usual = list("registry-mirrors").into_iter().find(|mirror| client::web(mirror));
        Images { usual, insecure: list("insecure-registries"), entered: Vec::new() }
    }

    /// Where all that is known of an image is.
    fn repository(&self, package: &Package) -> Result<String, String> {
        let (host, name) = parts(&package.name);
        let small = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._/".contains(c);
        let odd = name.split('/').any(|part| part.is_empty() || part.starts_with('.'));
        let fine = |c: char| c.is_ascii_alphanumeric() || "-.:".contains(c);
        if odd || !name.chars().all(small) || !host.is_none_or(|host| host.chars().all(fine)) {
            return Err("no image can have this name".to_owned());
        }
        // It knows which registry is meant where none is named, and that what is nobody's own belongs to its library.
        let meant = Reference::try_from(package.name.as_str()).map_err(|_| "no image can have this name".to_owned())?;
        let unnamed = Reference::try_from("any").is_ok_and(|any| any.registry() == meant.registry());
        let base = match (host, &self.usual) {
            (Some(host), _) if !unnamed => self.base(host)?,
            (_, Some(usual)) => usual.clone(),
            (_, None) => format!("https://{}", meant.resolve_registry()),
        };
        let name = if unnamed { meant.repository() } else { name };
        Ok(format!("{}/v2/{name}", base.trim_end_matches('/')))
    }

    fn base(&self, host: &str) -> Result<String, String> {
        if self.insecure.iter().any(|known| known == host) {
            return Ok(format!("http://{host}"));
        }
        let name = host.split(':').next().unwrap_or(host);
        let letters = name.rsplit('.').next().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_alphabetic()));
        if !name.contains('.') || !letters {
            return Err(format!(
                "{host} is no name that everybody knows; list it under insecure-registries of Docker's daemon.json to have it asked"
            ));
        }
        Ok(format!("https://{host}"))
    }
}

/// The registry that a name begins with, and the rest.
fn parts(name: &str) -> (Option<&str>, &str) {
    match name.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (Some(host), rest),
        _ => (None, name),
    }
}

impl Source for Images {
    fn ecosystem(&self) -> Ecosystem {
        Ecosystem::Image
    }

    fn address(&self, package: &Package) -> Result<String, String> {
        Ok(format!("{}/tags/list?n=1000", self.repository(package)?))
    }

    fn chosen(&self, package: &Package) -> bool {
        let known = |host: &str| self.insecure.iter().chain(&self.entered).any(|known| known == host);
        parts(&package.name).0.is_some_and(|host| !known(host))
    }

    fn place(&self, package: &Package, release: &Release) -> Option<Place> {
        let address = format!("{}/manifests/{}", self.repository(package).ok()?, release.version);
        Some(Place { address, forever: false })
    }

    fn detail<'a>(
        &'a self,
        asking: &'a Asking<'a>,
        package: &'a Package,
        release: &'a Release,
    ) -> BoxFuture<'a, Result<Option<Detail>, String>> {
        Box::pin(async move { manifest::detail(asking, &self.repository(package)?, &release.version).await })
    }

    fn accept(&self) -> &'static str {
        "application/json"
    }

    fn paged(&self) -> bool {
        true
    }

    fn reader(&self, _package: &Package, _deep: bool) -> Box<dyn Reader> {
        Box::new(Scanner::new(Tags::default()))
    }

    fn documents(&self, _package: &Package, _version: &str) -> Result<Vec<Document>, String> {
        Err("layers of images are not read".to_owned())
    }

    fn archive(&self, _of: (&Package, &str), _documents: &[&[u8]]) -> Result<Archive, String> {
        Err("layers of images are not read".to_owned())
    }
}

#[derive(Default)]
struct Tags {
    listed: bool,
    releases: Vec<Release>,
}

impl Listener for Tags {
    fn wants(&self, path: &[String]) -> bool {
        path.is_empty() || path == ["tags"]
    }

    fn begin(&mut self, path: &[String], _object: bool) {
        self.listed |= path == ["tags"];
    }

    fn value(&mut self, path: &[String], value: &str) -> Result<(), String> {
        // A registry says `null` for none.
        self.listed |= path == ["tags"];
        if value != "null" {
            self.releases.push(Release { version: value.to_owned(), ..Release::default() });
        }
        Ok(())
    }
}

impl Reader for Scanner<Tags> {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), String> {
        Scanner::feed(self, bytes)
    }

    fn end(self: Box<Self>) -> Result<Vec<Release>, String> {
        let tags = Scanner::end(*self)?;
        if tags.listed { Ok(tags.releases) } else { Err("the answer is no list of tags".to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(config: &str, name: &str) -> Result<String, String> {
        let package = Package { ecosystem: Ecosystem::Image, registry: None, name: name.to_owned() };
        Images::of_text(config).address(&package)
    }

    #[test]
    fn the_registry_is_the_one_that_the_image_names() {
        let end = "tags/list?n=1000";
        assert_eq!(of("", "images.example/team/app"), Ok(format!("https://images.example/v2/team/app/{end}")));
        let mirror = r#"{"registry-mirrors": ["https://mirror.example/"]}"#;
        assert_eq!(of(mirror, "node"), Ok(format!("https://mirror.example/v2/library/node/{end}")));
        assert_eq!(of(mirror, "team/app"), Ok(format!("https://mirror.example/v2/team/app/{end}")));
        let usual = Reference::try_from("node").expect("a name");
        let everybody = format!("https://{}/v2/library/node/{end}", usual.resolve_registry());
        assert_eq!([of("", "node"), of("{", "node")], [Ok(everybody.clone()), Ok(everybody.clone())]);
        assert_eq!(of("", &format!("{}/library/node", usual.registry())), Ok(everybody));
    }

    #[test]
    fn a_checkout_cannot_make_fairway_ask_inside() {
        for name in ["127.0.0.1:5000/app", "localhost/app", "169.254.169.254/latest", "inside:5000/app", "[::1]:5/app"]
        {
            assert!(of("", name).is_err(), "{name}");
        }
        let listed = r#"{"insecure-registries": ["127.0.0.1:5000"]}"#;
        assert_eq!(of(listed, "127.0.0.1:5000/app"), Ok("http://127.0.0.1:5000/v2/app/tags/list?n=1000".to_owned()));
        for name in ["a.example/../x", "a.example/App", "a.example/x?y", "me@a.example/x"] {
            assert!(of("", name).is_err(), "{name}");
        }
    }

    #[test]
    fn tags_are_read_as_they_come() {
        let package = Package { ecosystem: Ecosystem::Image, registry: None, name: "a".to_owned() };
        let read = |text: &str| {
            let mut reader = Images::default().reader(&package, false);
            text.as_bytes().chunks(3).try_for_each(|piece| reader.feed(piece))?;
            let releases = reader.end()?;
            Ok::<_, String>(releases.into_iter().map(|one| one.version).collect::<Vec<_>>())
        };
        assert_eq!(
            read(r#"{"name":"a","tags":["1.0","2.0-slim"]}"#),
            Ok(vec!["1.0".to_owned(), "2.0-slim".to_owned()])
        );
        assert_eq!(read(r#"{"name":"a","tags":null}"#), Ok(Vec::new()));
        assert!(read(r#"{"errors":[]}"#).is_err() && read(r#"{"tags":["1"#).is_err());
    }
}
