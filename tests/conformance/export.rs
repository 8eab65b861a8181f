//! Export of the files that match, with the patterns of the engine, which are not those of Fairway: no braces, `**` for any
//! depth, and a directory that matches brings what is in it.

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

pub fn export((from, to): (&Path, &Path), only: &[String]) -> std::io::Result<()> {
    let patterns = patterns(only)?;
    std::fs::create_dir_all(to)?;
    let mut left = vec![(PathBuf::new(), false)];
    while let Some((dir, all)) = left.pop() {
        for entry in std::fs::read_dir(from.join(&dir))? {
            let entry = entry?;
            let path = dir.join(entry.file_name());
            let matches = all || patterns.is_match(&path);
            let target = to.join(&path);
            if entry.file_type()?.is_dir() {
                if matches {
                    std::fs::create_dir_all(&target)?;
                }
                left.push((path, matches));
                continue;
            }
            if !matches {
                continue;
            }
            if let Some(above) = target.parent() {
                std::fs::create_dir_all(above)?;
            }
            let kind = entry.file_type()?;
            if kind.is_symlink() {
                std::os::unix::fs::symlink(std::fs::read_link(entry.path())?, &target)?;
            } else if kind.is_file() {
                std::fs::copy(entry.path(), &target)?;
            } else {
                // Opening a pipe to copy it would wait for its other end.
                rustix::fs::mknodat(rustix::fs::CWD, &target, rustix::fs::FileType::Fifo, 0o644.into(), 0)?;
            }
        }
    }
    Ok(())
}

fn patterns(only: &[String]) -> std::io::Result<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for pattern in only {
        let pattern = pattern.replace('{', "\\{").replace('}', "\\}");
        let mut glob = GlobBuilder::new(pattern.trim_start_matches("./"));
        let glob = glob.literal_separator(true).backslash_escape(true).build();
        set.add(glob.map_err(std::io::Error::other)?);
    }
    set.build().map_err(std::io::Error::other)
}
