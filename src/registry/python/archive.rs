//! Where a distribution's source archive is: the index's list of files.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::artefact::{Archive, Checksum};
use super::version;
use crate::domain::update::{Ecosystem, rules};

#[derive(Deserialize)]
struct List {
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
}

/// From the list of files at `page`; `name` is the normal form.
pub(super) fn archive((name, wanted): (&str, &str), page: &str, list: &[u8]) -> Result<Archive, String> {
    let list: List = serde_json::from_slice(list).map_err(|_| "the index's list of files cannot be read".to_owned())?;
    let of = |file: &&File| {
        let found = version(name, &file.filename);
        found.is_some_and(|found| rules::compare(Ecosystem::Python, found, wanted) == Some(Ordering::Equal))
    };
    let mut files = list.files.iter().filter(of).peekable();
    if files.peek().is_none() {
        return Err(format!("the index does not have {name} {wanted}"));
    }
    let source = files.find(|file| file.filename.ends_with(".tar.gz") || file.filename.ends_with(".tgz"));
    let source = source.ok_or_else(|| "it is published without its source (as .tar.gz)".to_owned())?;
    let sha256 = source.hashes.get("sha256").cloned();
    let sha256 = sha256.ok_or_else(|| "the index does not say which bytes the package is".to_owned())?;
    let address = reqwest::Url::parse(page)
        .and_then(|page| page.join(&source.url))
        .map_err(|_| "the index gives no address for its source".to_owned())?;
    Ok(Archive { address: address.into(), checksum: Checksum::Sha256(sha256), commit: None, people: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_archive_of_a_version_is_found_by_its_name() {
        let list = br#"{"files":[
            {"filename":"foo_bar-1.2-py3-none-any.whl","url":"x.whl","hashes":{"sha256":"00"}},
            {"filename":"Foo-Bar-1.2.0.tar.gz","url":"../../files/x.tar.gz","hashes":{"sha256":"aa"}},
            {"filename":"foo_bar-1.3-py3-none-any.whl","url":"y.whl","hashes":{"sha256":"bb"}}]}"#;
        let find = |wanted: &str| archive(("foo-bar", wanted), "https://r.example/simple/foo-bar/", list);
        let found = find("1.2").expect("an archive");
        assert_eq!(found.address, "https://r.example/files/x.tar.gz");
        assert_eq!(found.checksum, Checksum::Sha256("aa".to_owned()));
        assert!(find("1.3").expect_err("a wheel").contains("without its source"));
        assert!(find("1.4").expect_err("nothing").contains("does not have foo-bar 1.4"));
        assert!(archive(("x", "1"), "https://r.example/", b"<html>").is_err());
    }
}
