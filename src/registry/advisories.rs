//! Advisories in a folder: a checkout of RustSec's, PyPA's or Go's database, or an OSV export.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::domain::update::advisory::{self, Book, Unusable};

/// The longest advisory that is read; the longest in RustSec's database has 20 kB.
const LONGEST: u64 = 1024 * 1024;
/// GHSA's database has half of these.
const MOST: usize = 1_000_000;
/// Databases sort by ecosystem, year and month.
const DEEPEST: usize = 12;

/// Every advisory below a folder. Symbolic links and hidden folders are passed over; a file that cannot be read, or is too
/// long to be an advisory, is named in the book and leaves the others.
///
/// # Errors
/// The folder itself cannot be listed, or holds too much to be a database.
pub fn read(folder: &Path) -> anyhow::Result<Book> {
    let mut files = Vec::new();
    list(folder, 0, &mut files)
        .with_context(|| format!("{} cannot be read as a folder of advisories", folder.display()))?;
    files.sort();
    let mut unusable = Vec::new();
    let texts = files.iter().filter_map(|path| {
        let name = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().replace('\\', "/");
        match text(path) {
            Ok(text) => Some((name, text)),
            Err(why) => {
                let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                unusable.push(Unusable { id, file: name, packages: Vec::new(), why });
                None
            }
        }
    });
    let mut book = advisory::read(texts);
    book.unusable.extend(unusable);
    book.unusable.sort_by(|a, b| (&a.id, &a.file).cmp(&(&b.id, &b.file)));
    Ok(book)
}

fn list(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    anyhow::ensure!(depth <= DEEPEST, "it is more than {DEEPEST} folders deep");
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let name = entry.file_name();
        if kind.is_dir() && !name.to_string_lossy().starts_with('.') {
            list(&entry.path(), depth + 1, files)?;
        } else if kind.is_file() && advisory::concerns(&name.to_string_lossy()) {
            anyhow::ensure!(files.len() < MOST, "it has more than {MOST} files");
            files.push(entry.path());
        }
    }
    Ok(())
}

/// What grew since it was listed is not believed either, so the reader is limited and not the length that the disk tells.
fn text(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|error| format!("it cannot be read: {error}"))?;
    let read =
        file.take(LONGEST + 1).read_to_string(&mut text).map_err(|error| format!("it cannot be read: {error}"))?;
    if u64::try_from(read).is_ok_and(|read| read > LONGEST) {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "```toml\n[advisory]\nid = \"RUSTSEC-2024-0001\"\npackage = \"x\"\n[versions]\npatched = []\n```\n# Bad\n";

    #[test]
    fn a_folder_is_read_without_what_leads_out_of_it() {
        let root = tempfile::tempdir().expect("a folder");
        let outside = tempfile::tempdir().expect("a folder");
        let put = |path: PathBuf, text: &[u8]| {
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, text).expect("written");
        };
        put(root.path().join("crates/x/RUSTSEC-2024-0001.md"), GOOD.as_bytes());
        put(root.path().join("crates/x/RUSTSEC-2024-0002.md"), b"\xff\xfe");
        put(root.path().join("crates/x/RUSTSEC-2024-0003.md"), &vec![b'x'; 1024 * 1024 + 1]);
        put(root.path().join("README.md"), b"# A database");
        put(root.path().join(".git/RUSTSEC-2024-0004.md"), b"not looked at");
        put(outside.path().join("RUSTSEC-2024-0005.md"), b"not looked at");
        std::os::unix::fs::symlink(outside.path(), root.path().join("crates/out")).expect("linked");
        let book = read(root.path()).expect("read");
        assert_eq!(book.read, 1);
        let named: Vec<(&str, &str)> = book.unusable.iter().map(|one| (one.id.as_str(), one.why.as_str())).collect();
        assert_eq!(
            named,
            [
                ("RUSTSEC-2024-0002", "it cannot be read: stream did not contain valid UTF-8"),
                ("RUSTSEC-2024-0003", "it is longer than 1048576 bytes"),
            ]
        );
        let error = read(&root.path().join("nowhere")).expect_err("there is none");
        assert!(error.to_string().ends_with("nowhere cannot be read as a folder of advisories"), "{error}");
    }
}
