//! Where a package's tarball is: the registry's document of one version.

use serde::Deserialize;

use super::super::artefact::{Archive, Checksum};
use crate::domain::update::artefact::Commit;

#[derive(Deserialize)]
struct Version {
    version: String,
    dist: Dist,
    #[serde(default, rename = "gitHead")]
    head: Option<String>,
    #[serde(default)]
    maintainers: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Dist {
    tarball: String,
    #[serde(default)]
    integrity: Option<String>,
    #[serde(default)]
    shasum: Option<String>,
}

/// From the document of one version.
pub(super) fn archive(version: &str, document: &[u8]) -> Result<Archive, String> {
    let found: Version = serde_json::from_slice(document)
        .map_err(|_| "the registry's document of this version cannot be read".to_owned())?;
    if found.version != version {
        return Err(format!("the answer is about another version ({})", found.version.escape_debug()));
    }
    let integrity = found.dist.integrity.unwrap_or_default();
    let strong = integrity.split_whitespace().find_map(|one| one.strip_prefix("sha512-"));
    let checksum = match (strong, found.dist.shasum) {
        (Some(strong), _) => Checksum::Sha512(strong.to_owned()),
        (None, Some(weak)) => Checksum::Sha1(weak),
        (None, None) => return Err("the registry does not say which bytes the package is".to_owned()),
    };
    let name = |person: &serde_json::Value| Some(person.get("name").unwrap_or(person).as_str()?.to_owned());
    let mut people: Vec<String> = found.maintainers.iter().filter_map(name).collect();
    people.sort();
    let commit = found.head.and_then(|head| Commit::of(&head, false));
    Ok(Archive { address: found.dist.tarball, checksum, commit, people })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_says_where_its_tarball_is_and_who_may_publish() {
        let head = "a".repeat(40);
        let text = format!(
            r#"{{"version":"1.0.0","gitHead":"{head}","maintainers":[{{"name":"eve","email":"e@x"}},{{"name":"ann"}}],
            "dist":{{"tarball":"https://r.example/x.tgz","shasum":"00","integrity":"sha1-x sha512-eA=="}}}}"#
        );
        let found = archive("1.0.0", text.as_bytes()).expect("an archive");
        assert_eq!(found.checksum, Checksum::Sha512("eA==".to_owned()));
        assert_eq!(found.people, ["ann", "eve"]);
        assert_eq!(found.commit.map(|commit| commit.sha), Some(head));
        assert!(archive("1.0.1", text.as_bytes()).expect_err("another").contains("another version"));
        let old = r#"{"version":"1.0.0","dist":{"tarball":"https://r.example/x.tgz","shasum":"00"}}"#;
        assert_eq!(archive("1.0.0", old.as_bytes()).expect("an archive").checksum, Checksum::Sha1("00".to_owned()));
        let none = r#"{"version":"1.0.0","dist":{"tarball":"https://r.example/x.tgz"}}"#;
        assert!(archive("1.0.0", none.as_bytes()).expect_err("none").contains("which bytes"));
        assert!(archive("1.0.0", b"<html>").is_err());
    }
}
