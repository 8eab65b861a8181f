//! What a release requires: the METADATA of one of its wheels, which indexes give out beside it (PEP 658), so that no archive is
//! fetched for it. An index that does not announce it may have it all the same; where it has not, it is read out of the wheel.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use serde::Deserialize;
use serde_json::Value;

use super::super::artefact::Checksum;
use super::super::detail::{Asking, Detail};
use super::version;
use crate::domain::update::{Ecosystem, Release, python, rules};

/// The largest list of files, and the largest wheel.
const LIST: usize = 32 * 1024 * 1024;
/// The largest METADATA; what a project says of itself at length is in it.
const METADATA: usize = 4 * 1024 * 1024;

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
    #[serde(default, rename = "core-metadata")]
    announced: Value,
}

/// Asks for it; `page` is the list of files, which `accept` asks for, and `name` the normal form.
///
/// # Errors
/// Why it could not be had: a sentence without a full stop.
pub(super) async fn detail(
    asking: &Asking<'_>,
    (page, accept): (&str, &str),
    (name, release): (&str, &Release),
) -> Result<Detail, String> {
    let list = asking.bytes((page, accept), LIST).await?;
    let (address, checksum) = wheel((name, &release.version), page, &list)?;
    let text = match asking.bytes((&format!("{address}.metadata"), "*/*"), METADATA).await {
        Ok(text) => text,
        Err(_) => {
            let bytes = asking.bytes((&address, "*/*"), LIST).await.map_err(|why| format!("its wheel: {why}"))?;
            if checksum.is_some_and(|checksum| !checksum.fits(&bytes)) {
                return Err("its wheel is not the one of which the index has the checksum".to_owned());
            }
            metadata(&bytes)?
        }
    };
    let dependencies = python::requires(&String::from_utf8_lossy(&text));
    Ok(Detail { published: release.published, dependencies, ..Detail::default() })
}

/// The METADATA that a wheel has in it.
fn metadata(wheel: &[u8]) -> Result<Vec<u8>, String> {
    let unreadable = || "its wheel cannot be read".to_owned();
    let mut archive = zip::ZipArchive::new(Cursor::new(wheel)).map_err(|_| unreadable())?;
    let own = |name: &&[u8]| name.strip_suffix(b".dist-info/METADATA").is_some_and(|stem| !stem.contains(&b'/'));
    let name = archive.file_names_raw().find(own).and_then(|name| std::str::from_utf8(name).ok());
    let name = name.ok_or_else(unreadable)?.to_owned();
    let mut text = Vec::new();
    let limit = u64::try_from(METADATA).unwrap_or(u64::MAX);
    let file = archive.by_name(&name).map_err(|_| unreadable())?;
    file.take(limit).read_to_end(&mut text).map_err(|_| unreadable())?;
    Ok(text)
}

/// Where a wheel of a version is, and what it must be. Wheels of one release say the same; one that is announced, and for every machine, first.
fn wheel((name, wanted): (&str, &str), page: &str, list: &[u8]) -> Result<(String, Option<Checksum>), String> {
    let list: List = serde_json::from_slice(list).map_err(|_| "the index's list of files cannot be read".to_owned())?;
    let of = |file: &&File| {
        let found = version(name, &file.filename).filter(|_| file.filename.ends_with(".whl"));
        found.is_some_and(|found| rules::compare(Ecosystem::Python, found, wanted) == Some(std::cmp::Ordering::Equal))
    };
    let announced = |file: &File| file.announced.is_object() || file.announced == Value::Bool(true);
    let better = |file: &&File| (announced(file), file.filename.ends_with("-none-any.whl"));
    let best = list.files.iter().filter(of).max_by_key(better);
    let best = best.ok_or_else(|| "it is published as its source alone, which would have to be built".to_owned())?;
    let address = reqwest::Url::parse(page).and_then(|page| page.join(&best.url));
    let address = address.map_err(|_| "the index gives no address for its wheel".to_owned())?;
    // Where the index is asked in secret, nothing of it is asked in the open.
    if address.scheme() != "https" && !(address.scheme() == "http" && page.starts_with("http://")) {
        return Err("its wheel is at an address that is not asked".to_owned());
    }
    Ok((address.into(), best.hashes.get("sha256").cloned().map(Checksum::Sha256)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metadata_of_a_version_lies_beside_its_wheel() {
        let list = br#"{"files":[
            {"filename":"foo_bar-1.2-cp39-cp39-win32.whl","url":"a.whl"},
            {"filename":"foo_bar-1.2-py3-none-any.whl","url":"../../f/b.whl","hashes":{"sha256":"aa"}},
            {"filename":"foo_bar-1.3-cp39-cp39-win32.whl","url":"https://f.example/c.whl","core-metadata":{"sha256":"00"}},
            {"filename":"foo_bar-1.3-py3-none-any.whl","url":"d.whl","core-metadata":false},
            {"filename":"foo-bar-1.4.tar.gz","url":"e.tar.gz"},
            {"filename":"foo_bar-1.5-py3-none-any.whl","url":"http://f.example/f.whl"}]}"#;
        let find = |wanted: &str| wheel(("foo-bar", wanted), "https://r.example/simple/foo-bar/", list);
        let checksum = Some(Checksum::Sha256("aa".to_owned()));
        assert_eq!(find("1.2.0"), Ok(("https://r.example/f/b.whl".to_owned(), checksum)));
        assert_eq!(find("1.3"), Ok(("https://f.example/c.whl".to_owned(), None)));
        assert!(find("1.4").expect_err("a source").contains("its source alone"));
        assert!(find("1.5").expect_err("in the open").contains("not asked"));
        assert!(wheel(("x", "1"), "https://r.example/", b"<html>").is_err());
    }

    #[test]
    fn a_wheel_has_its_metadata_in_it() {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in
            [("foo/x.dist-info/METADATA", "no"), ("foo-1.dist-info/METADATA", "Name: foo\n"), ("foo.py", "")]
        {
            writer.start_file(name, zip::write::SimpleFileOptions::default()).expect("a file");
            std::io::Write::write_all(&mut writer, text.as_bytes()).expect("a text");
        }
        let wheel = writer.finish().expect("a wheel").into_inner();
        assert_eq!(metadata(&wheel).as_deref(), Ok(b"Name: foo\n".as_slice()));
        assert_eq!(metadata(&wheel[..40]), Err("its wheel cannot be read".to_owned()));
        assert!(metadata(b"").is_err());
    }
}
