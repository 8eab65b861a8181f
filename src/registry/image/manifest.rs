//! What is behind an image's tag: its digest, and when it was built. Two or three small documents, each named by its digest and
//! held against it.

use http::header::HeaderName;
use reqwest::Method;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::super::detail::{Asking, Detail};
use super::super::json;

/// What a tag may be: a list of images for several machines, or one.
const KINDS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, \
                     application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
/// The largest manifest that registries take.
const MANIFEST: usize = 4 * 1024 * 1024;
/// A configuration has a line for every layer.
const CONFIG: usize = 8 * 1024 * 1024;
/// What registries call the digest of what they send.
const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    manifests: Vec<Descriptor>,
    config: Option<Descriptor>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
    platform: Option<Platform>,
}

#[derive(Deserialize)]
struct Platform {
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    os: String,
}

#[derive(Deserialize)]
struct Config {
    created: Option<String>,
}

/// The digest of a tag and when what it is was built; `None`: it is what is known already.
///
/// # Errors
/// Why the digest could not be had: a sentence without a full stop. That the time could not be had is a part of the answer.
pub(super) async fn detail(asking: &Asking<'_>, repository: &str, tag: &str) -> Result<Option<Detail>, String> {
    let address = format!("{repository}/manifests/{tag}");
    if let Some(known) = &asking.known {
        // A question for the head alone costs neither side anything, and some registries count the others.
        let head = asking.send(Method::HEAD, (&address, KINDS), None).await?;
        if head.headers().get(DIGEST).is_some_and(|digest| digest == known.as_str()) {
            return Ok(None);
        }
    }
    let document = asking.bytes((&address, KINDS), MANIFEST).await?;
    let manifest = read(&document)?;
    let digest = format!("sha256:{}", hex::encode(Sha256::digest(&document)));
    Ok(Some(match created(asking, repository, manifest).await {
        Ok(time) => Detail::claimed(Some(digest), (time, asking.now)),
        Err(why) => Detail { commit: Some(digest), unknown: Some(why), ..Detail::default() },
    }))
}

fn read(document: &[u8]) -> Result<Manifest, String> {
    let manifest: Manifest = serde_json::from_slice(document).map_err(|_| "the answer is no manifest of an image")?;
    match manifest.config.is_some() || !manifest.manifests.is_empty() {
        true => Ok(manifest),
        false => Err("its manifest is of a kind that Fairway does not know".to_owned()),
    }
}

/// When it was built, in Unix milliseconds; of several images that of the most usual machine.
async fn created(asking: &Asking<'_>, repository: &str, manifest: Manifest) -> Result<Option<i64>, String> {
    let manifest = match usual(&manifest.manifests) {
        Some(digest) => {
            let address = format!("{repository}/manifests/{digest}");
            read(&checked(asking.bytes((&address, KINDS), MANIFEST).await?, digest)?)?
        }
        None => manifest,
    };
    let config = manifest.config.ok_or("its manifest names no configuration")?.digest;
    if !named(&config) {
        return Err("its manifest names no configuration".to_owned());
    }
    let address = format!("{repository}/blobs/{config}");
    let document = checked(asking.bytes((&address, "*/*"), CONFIG).await?, &config)?;
    let config: Config = serde_json::from_slice(&document).map_err(|_| "its configuration cannot be read")?;
    Ok(config.created.as_deref().and_then(json::time))
}

/// The digest of the image for most machines; attestations beside the images are for none.
fn usual(all: &[Descriptor]) -> Option<&str> {
    let on = |os: &str, machine: &str, one: &Descriptor| {
        one.platform
            .as_ref()
            .is_some_and(|platform| platform.os == os && (machine.is_empty() || platform.architecture == machine))
    };
    let fine = || all.iter().filter(|one| named(&one.digest) && !on("unknown", "", one));
    let first = fine().find(|one| on("linux", "amd64", one)).or_else(|| fine().find(|one| on("linux", "", one)));
    first.or_else(|| fine().next()).map(|one| one.digest.as_str())
}

/// Whether a text is a digest, which becomes a part of an address.
fn named(digest: &str) -> bool {
    digest.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn checked(document: Vec<u8>, digest: &str) -> Result<Vec<u8>, String> {
    match format!("sha256:{}", hex::encode(Sha256::digest(&document))) == digest {
        true => Ok(document),
        false => Err("the registry sent something else than what the digest names".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_machines_the_usual_one_is_looked_at() {
        let one = |digest: char, os: &str, machine: &str| {
            format!(
                "{{\"digest\":\"sha256:{}\",\"platform\":{{\"os\":\"{os}\",\"architecture\":\"{machine}\"}}}}",
                digest.to_string().repeat(64)
            )
        };
        let index = |all: &[String]| {
            let text = format!("{{\"manifests\":[{}]}}", all.join(","));
            read(text.as_bytes()).map(|manifest| usual(&manifest.manifests).map(|digest| digest[7..8].to_owned()))
        };
        let (arm, amd, other) =
            (one('a', "linux", "arm64"), one('b', "linux", "amd64"), one('c', "unknown", "unknown"));
        assert_eq!(index(&[other.clone(), arm.clone(), amd]), Ok(Some("b".to_owned())));
        assert_eq!(index(&[other.clone(), arm]), Ok(Some("a".to_owned())));
        assert_eq!(index(&[other]), Ok(None));
        for text in ["", "{}", "{\"manifests\":[]}", "[1]"] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
        assert!(!named("sha256:../x") && !named("sha512:00") && named(&format!("sha256:{}", "0".repeat(64))));
        assert!(checked(b"x".to_vec(), &format!("sha256:{}", "0".repeat(64))).is_err());
    }
}
