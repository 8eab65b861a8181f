//! A plan on this machine: one of Fairway's own by its name, or a folder.

use std::path::Path;

use anyhow::{Context as _, bail};

use crate::domain::plan::{MANIFEST, Plan, Source, builtin, read};
use crate::domain::project::nearest;

/// More files than any plan may have; the rest is not read.
const ENOUGH: usize = 400;
/// Deeper than any plan's folders.
const DEEP: usize = 32;
/// A file that is larger is not read whole; the plan's own limit refuses it then.
const LARGE: u64 = 1024 * 1024;

/// Finds and reads it. Gives its name too.
pub fn find(wish: &str) -> anyhow::Result<(String, Plan)> {
    let (name, sources) = sources(wish)?;
    let plan = read(&sources).map_err(|trouble| {
        let lines: Vec<String> = trouble.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("the plan {name} cannot be used:\n  {}", lines.join("\n  "))
    })?;
    Ok((name, plan))
}

/// All its files. Gives its name too.
pub fn sources(wish: &str) -> anyhow::Result<(String, Vec<Source>)> {
    let name = wish.split('@').next().unwrap_or(wish);
    if let Some(sources) = builtin::sources(name) {
        return Ok((name.to_owned(), sources));
    }
    let root = Path::new(wish);
    if !root.join(MANIFEST).is_file() {
        let near = nearest(name, &builtin::names()).map(|near| format!(" Did you mean `{near}`?"));
        bail!(
            "`{wish}` is neither a plan of Fairway's own nor a folder with {MANIFEST}.{} Its own are:\n  {}",
            near.unwrap_or_default(),
            builtin::names().join("\n  ")
        );
    }
    let root = root.canonicalize().with_context(|| format!("{wish} cannot be read"))?;
    let mut found = Vec::new();
    for part in [MANIFEST, "CHANGELOG.md", "files"] {
        walk(&root, part, (&mut found, 0))?;
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok((name, found))
}

/// Every file below `path`, itself included; links are named and not followed.
pub fn walk(root: &Path, path: &str, (found, depth): (&mut Vec<Source>, usize)) -> anyhow::Result<()> {
    let place = root.join(path);
    let Ok(about) = place.symlink_metadata() else { return Ok(()) };
    if found.len() > ENOUGH || depth > DEEP {
        return Ok(());
    }
    let source = |text: String| Source { path: path.to_owned(), executable: executable(&about), link: false, text };
    if about.is_symlink() {
        found.push(Source { link: true, ..source(String::new()) });
    } else if about.is_dir() {
        let mut names: Vec<_> = std::fs::read_dir(&place)?.collect::<Result<_, _>>()?;
        names.sort_by_key(std::fs::DirEntry::file_name);
        for name in names {
            let name = name.file_name().into_string().map_err(|name| anyhow::anyhow!("{name:?} is no UTF-8"))?;
            walk(root, &format!("{path}/{name}"), (found, depth + 1))?;
        }
    } else if about.len() > LARGE {
        found.push(source(" ".repeat(usize::try_from(LARGE).unwrap_or(usize::MAX))));
    } else {
        let bytes = std::fs::read(&place).with_context(|| format!("{path} cannot be read"))?;
        let text = String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("{path} is no UTF-8 text; a plan has text"))?;
        found.push(source(text));
    }
    Ok(())
}

fn executable(about: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    about.permissions().mode() & 0o100 != 0
}
