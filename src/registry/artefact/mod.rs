//! The published packages behind an update: fetched as the ecosystem's own client would fetch them, checked against the
//! registry's checksum, unpacked in memory within limits, and never written to disk or run. What is kept is facts about a
//! package, by name, version and checksum, since a published package never changes.

mod shelf;
mod unpack;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

pub(super) use self::shelf::Shelf;
use super::{Registries, Source, fetch};
use crate::domain::update::artefact::{Artefact, Commit, Contents, tell};
use crate::domain::update::{Package, address};

/// The largest archive that is fetched.
const LARGEST: usize = 32 * 1024 * 1024;
/// The largest document that says where an archive is.
const DOCUMENT: usize = 16 * 1024 * 1024;
/// Packages that are looked into at once; each may hold two archives in memory.
const AT_ONCE: usize = 3;

/// A package of which two versions are to be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// It.
    pub package: Package,
    /// The version now; `None`: it is added.
    pub from: Option<String>,
    /// The version then.
    pub to: String,
}

/// A document that says where an archive is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Document {
    /// Its address.
    pub address: String,
    /// What the `Accept` header asks for.
    pub accept: &'static str,
}

/// Where an archive is, and what the registry says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// Its address; a `.tar.gz`.
    pub address: String,
    /// What it must be.
    pub checksum: Checksum,
    /// The commit, where the registry knows it and the package may not.
    pub commit: Option<Commit>,
    /// Who could publish the package at that time.
    pub people: Vec<String>,
}

/// How a registry says which bytes are the package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// 64 hexadecimal digits.
    Sha256(String),
    /// In Base64, as npm has it.
    Sha512(String),
    /// 40 hexadecimal digits; of old npm packages.
    Sha1(String),
}

impl Checksum {
    pub(super) fn fits(&self, bytes: &[u8]) -> bool {
        match self {
            Checksum::Sha256(hex) => hex::encode(Sha256::digest(bytes)).eq_ignore_ascii_case(hex),
            Checksum::Sha512(text) => STANDARD.encode(Sha512::digest(bytes)) == *text,
            Checksum::Sha1(hex) => hex::encode(Sha1::digest(bytes)).eq_ignore_ascii_case(hex),
        }
    }

    fn text(&self) -> &str {
        let (Checksum::Sha256(text) | Checksum::Sha512(text) | Checksum::Sha1(text)) = self;
        text
    }
}

/// The documents of one package that came already.
type Known = Vec<(Document, Result<Vec<u8>, String>)>;

impl Registries {
    /// Looks into the published packages, in the order in which they are wanted. What fails is a sentence in its place.
    pub async fn artefacts(&self, wanted: &[Wanted]) -> Vec<Artefact> {
        let mut asking: Vec<BoxFuture<'_, Artefact>> = Vec::new();
        for wanted in wanted {
            asking.push(Box::pin(self.artefact(wanted)));
        }
        futures_util::stream::iter(asking).buffered(AT_ONCE).collect().await
    }

    async fn artefact(&self, wanted: &Wanted) -> Artefact {
        let Wanted { package, from, to } = wanted;
        let mut known = Known::new();
        let told = match self.contents(package, to, &mut known).await {
            Err(why) => Err(why),
            Ok(now) => {
                let before = match from {
                    Some(from) => Some(self.contents(package, from, &mut known).await),
                    None => None,
                };
                let before = before.as_ref().map(|before| before.as_ref().map_err(String::as_str));
                Ok(tell(package.ecosystem, (before, &now), (from.as_deref(), to)))
            }
        };
        let (name, from, to) = (package.name.clone(), from.clone(), to.clone());
        Artefact { ecosystem: package.ecosystem, name, from, to, told }
    }

    /// Facts about one version; why there are none is a sentence without a full stop.
    async fn contents(&self, package: &Package, version: &str, known: &mut Known) -> Result<Contents, String> {
        let source = self.sources.iter().find(|source| source.ecosystem() == package.ecosystem);
        let source = source.ok_or_else(|| super::UNASKED.to_owned())?;
        let archive = self.archive(source.as_ref(), (package, version), known).await?;
        let key = shelf::key(package, version, archive.checksum.text());
        if let Some(contents) = self.artefact_shelf.take(&key) {
            return Ok(with(contents, archive));
        }
        let bytes =
            fetch::bytes(&self.http, (&archive.address, "*/*"), LARGEST).await.map_err(|failure| failure.why)?;
        let (checksum, ecosystem) = (archive.checksum.clone(), package.ecosystem);
        let unpacked = tokio::task::spawn_blocking(move || {
            if !checksum.fits(&bytes) {
                return Err("the archive is not the one of which the registry has the checksum".to_owned());
            }
            unpack::unpack(ecosystem, &bytes)
        });
        let contents = unpacked.await.map_err(|_| "the archive could not be unpacked".to_owned())??;
        self.artefact_shelf.put(&key, &contents);
        Ok(with(contents, archive))
    }

    async fn archive(
        &self,
        source: &dyn Source,
        (package, version): (&Package, &str),
        known: &mut Known,
    ) -> Result<Archive, String> {
        let documents = source.documents(package, version)?;
        for document in &documents {
            if !known.iter().any(|(other, _)| other == document) {
                let came = fetch::bytes(&self.http, (&document.address, document.accept), DOCUMENT).await;
                known.push((document.clone(), came.map_err(|failure| failure.why)));
            }
        }
        let mut texts = Vec::new();
        for (_, came) in documents.iter().filter_map(|document| known.iter().find(|(other, _)| other == document)) {
            texts.push(came.as_deref().map_err(Clone::clone)?);
        }
        let archive = source.archive((package, version), &texts)?;
        // Where the registry is asked in secret, its archives are not fetched in the open.
        let secret = documents.iter().all(|document| document.address.starts_with("https://"));
        let web = archive.address.starts_with("https://") || (!secret && archive.address.starts_with("http://"));
        if !web {
            return Err(format!("its archive is at {}, which is not asked", address::shown(&archive.address)));
        }
        Ok(archive)
    }
}

/// What the registry says beside what the package says itself. Only the package's own word is kept on disk: the registry's may
/// change.
fn with(mut contents: Contents, archive: Archive) -> Contents {
    contents.commit = contents.commit.or(archive.commit);
    contents.people = archive.people;
    contents
}
