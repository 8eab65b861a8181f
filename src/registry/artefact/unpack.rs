//! A `.tar.gz` in memory, file by file. Nothing of it reaches the disk, so a path that leads elsewhere could do no harm; it is
//! refused all the same, because no client of a registry makes one.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use tar::EntryType;

use crate::domain::update::Ecosystem;
use crate::domain::update::artefact::{Contents, Reading};

/// Bytes of all files together.
const MOST: u64 = 512 * 1024 * 1024;
/// Entries of an archive.
const ENTRIES: usize = 50_000;
/// A path, and the table of an entry's properties that may hold one.
const PATH: usize = 4096;
const TABLE: usize = 64 * 1024;

/// Facts about the files of a package; why there are none is a sentence without a full stop.
pub(super) fn unpack(ecosystem: Ecosystem, packed: &[u8]) -> Result<Contents, String> {
    let bounded = Bounded { inner: MultiGzDecoder::new(packed), left: MOST };
    let mut archive = tar::Archive::new(bounded);
    let mut reading = Reading::new(ecosystem);
    // The crate would read names and tables of any length into memory by itself.
    let entries = archive.entries().map_err(|error| broken(&error))?.raw(true);
    let mut named: Option<String> = None;
    for (at, entry) in entries.enumerate() {
        if at >= ENTRIES {
            return Err(format!("its archive has more than {ENTRIES} entries"));
        }
        let mut entry = entry.map_err(|error| broken(&error))?;
        match entry.header().entry_type() {
            EntryType::GNULongName => named = Some(text(&part(&mut entry, PATH)?)),
            EntryType::XHeader => named = path_of(&part(&mut entry, TABLE)?).or(named),
            EntryType::GNULongLink | EntryType::XGlobalHeader => {}
            EntryType::Directory => named = None,
            kind => {
                let path = named.take().unwrap_or_else(|| text(&entry.path_bytes()));
                let inner = below(&path)?;
                if kind.is_symlink() || kind.is_hard_link() {
                    // Python's own tools pack links; they are not followed.
                    if ecosystem != Ecosystem::Python {
                        return Err(format!("its archive has a link, {}", path.escape_debug()));
                    }
                } else if !matches!(kind, EntryType::Regular | EntryType::Continuous) {
                    return Err(format!("its archive has what is no file, {}", path.escape_debug()));
                } else if let Some(inner) = inner {
                    let bytes = part(&mut entry, reading.wants(inner).most())?;
                    reading.take(inner, &bytes);
                }
            }
        }
    }
    reading.end()
}

/// The beginning of an entry.
fn part(entry: &mut impl Read, most: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    entry.take(most as u64).read_to_end(&mut bytes).map_err(|error| broken(&error))?;
    Ok(bytes)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned()
}

/// `path` of a table of properties: lines of `LENGTH KEY=VALUE`.
fn path_of(table: &[u8]) -> Option<String> {
    let lines = table.split(|byte| *byte == b'\n');
    let mut paths = lines.filter_map(|line| {
        let at = line.iter().position(|byte| *byte == b' ')?;
        line[at + 1..].strip_prefix(b"path=")
    });
    paths.next_back().map(text)
}

/// The path below the one folder that every package has around it; `None` for what is not below it.
fn below(path: &str) -> Result<Option<&str>, String> {
    let path = path.strip_prefix("./").unwrap_or(path);
    let leaves = path.starts_with('/') || path.contains(['\\', '\0']) || path.split('/').any(|part| part == "..");
    if leaves || path.len() > PATH {
        return Err(format!("its archive has a path that leads out of it, {}", path.escape_debug()));
    }
    Ok(path.split_once('/').map(|(_, inner)| inner).filter(|inner| !inner.is_empty()))
}

fn broken(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::FileTooLarge {
        format!("its archive unpacks to more than {} MB", MOST / 1024 / 1024)
    } else {
        "its archive is broken or cut off".to_owned()
    }
}

/// Ends with an error, where `Take` would end as if that were all.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.left = self.left.checked_sub(read as u64).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn header(path: &[u8], kind: EntryType, size: u64) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path);
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(0o644);
        header.set_cksum();
        header
    }

    fn packed(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, kind, bytes) in entries {
            builder.append(&header(path.as_bytes(), *kind, bytes.len() as u64), *bytes).expect("memory");
        }
        gzip(&builder.into_inner().expect("memory"))
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(bytes).expect("memory");
        packed.finish().expect("memory")
    }

    const MANIFEST: (&str, EntryType, &[u8]) =
        ("x-1.0.0/Cargo.toml", EntryType::Regular, b"[package]\nlicense = \"MIT\"\n");

    #[test]
    fn a_crate_is_read_with_names_of_any_length() {
        let deep = format!("x-1.0.0/{}/lib.so", "folder/".repeat(30));
        let pax = format!("x-1.0.0/{}/other.so", "folder/".repeat(30));
        let line = format!("path={pax}\n");
        let table = format!("{} {line}", line.len() + 4);
        let contents = unpack(
            Ecosystem::Cargo,
            &packed(&[
                MANIFEST,
                ("x-1.0.0/build.rs", EntryType::Regular, b"fn main() {}"),
                ("x-1.0.0/src/lib.rs", EntryType::Regular, b"unsafe fn f() {}"),
                ("x-1.0.0/tests/t.rs", EntryType::Regular, b"unsafe fn f() {}"),
                ("x-1.0.0/CHANGELOG.md", EntryType::Regular, b"## 1.0.0\n"),
                ("././@LongLink", EntryType::GNULongName, deep.as_bytes()),
                ("x-1.0.0/cut", EntryType::Regular, b"\x7fELF\x02"),
                ("PaxHeaders/x", EntryType::XHeader, table.as_bytes()),
                ("x-1.0.0/cut", EntryType::Regular, b"\x7fELF\x02"),
            ]),
        )
        .expect("a crate");
        assert_eq!((contents.unsafe_files, contents.build_scripts.len(), contents.changelogs.len()), (1, 1, 1));
        let files: Vec<&str> = contents.binaries.iter().map(|(file, _)| file.as_str()).collect();
        assert_eq!(files, [&deep[8..], &pax[8..]]);
    }

    #[test]
    fn what_no_client_packs_is_refused() {
        for (path, kind, words) in [
            ("../x", EntryType::Regular, "leads out of it"),
            ("x/../../etc/passwd", EntryType::Regular, "leads out of it"),
            ("/etc/passwd", EntryType::Regular, "leads out of it"),
            ("x\\..\\y", EntryType::Regular, "leads out of it"),
            ("x-1.0.0/link", EntryType::Symlink, "a link"),
            ("x-1.0.0/link", EntryType::Link, "a link"),
            ("x-1.0.0/null", EntryType::Char, "no file"),
            ("x-1.0.0/pipe", EntryType::Fifo, "no file"),
            ("x-1.0.0/holes", EntryType::GNUSparse, "no file"),
        ] {
            let why = unpack(Ecosystem::Cargo, &packed(&[MANIFEST, (path, kind, b"")])).expect_err(path);
            assert!(why.contains(words), "{path}: {why}");
        }
        let python =
            [("x-1/PKG-INFO", EntryType::Regular, &b"License: MIT\n"[..]), ("x-1/link", EntryType::Symlink, b"")];
        assert!(unpack(Ecosystem::Python, &packed(&python)).is_ok());
        assert!(unpack(Ecosystem::Cargo, &packed(&[])).expect_err("empty").contains("no Cargo.toml"));
        let whole = packed(&[MANIFEST]);
        for cut in [0, 5, whole.len() / 2] {
            assert!(unpack(Ecosystem::Cargo, &whole[..cut]).is_err());
        }
        assert!(unpack(Ecosystem::Cargo, b"<html>").expect_err("html").contains("broken"));
    }

    #[test]
    fn a_bomb_ends_at_its_bound() {
        // 600 MB of nothing, made of pieces so that the test does not hold them.
        let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        bomb.write_all(header(b"x-1.0.0/zeros", EntryType::Regular, 600 << 20).as_bytes()).expect("memory");
        let zeros = vec![0; 1 << 20];
        (0..600).for_each(|_| bomb.write_all(&zeros).expect("memory"));
        let bomb = bomb.finish().expect("memory");
        assert!(bomb.len() < 4 << 20);
        assert_eq!(unpack(Ecosystem::Cargo, &bomb), Err("its archive unpacks to more than 512 MB".to_owned()));
        let mut many = tar::Builder::new(Vec::new());
        let empty = header(b"x-1.0.0/a", EntryType::Regular, 0);
        (0..=ENTRIES).for_each(|_| many.append(&empty, &b""[..]).expect("memory"));
        let many = gzip(&many.into_inner().expect("memory"));
        assert!(unpack(Ecosystem::Cargo, &many).expect_err("too many").contains("more than 50000 entries"));
    }
}
