//! Fairway's own plans, as they lie in `templates/plans`.

use include_dir::{Dir, include_dir};

use super::manifest::read;
use super::shape::Source;
use super::version::Version;

static PLANS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/plans");

/// Their names, in order.
pub fn names() -> Vec<&'static str> {
    let all = PLANS.dirs().filter_map(|dir| dir.path().to_str());
    let mut names: Vec<&str> = all.filter(|name| !name.contains('@')).collect();
    names.sort_unstable();
    names
}

/// All files of one at a version. What it was before it became what it is now stays as `NAME@VERSION` beside it, because
/// repositories that were rendered from it are merged by it.
pub fn sources_at(name: &str, version: Version) -> Option<Vec<Source>> {
    let now = sources(name)?;
    let current = read(&now).is_ok_and(|plan| plan.version == version);
    if current { Some(now) } else { sources(&format!("{name}@{version}")) }
}

/// All files of the one with this name; `None`: there is no such plan.
pub fn sources(name: &str) -> Option<Vec<Source>> {
    let dir = PLANS.dirs().find(|dir| dir.path().to_str() == Some(name))?;
    let mut found = Vec::new();
    collect(dir, name, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Some(found)
}

fn collect(dir: &Dir<'_>, root: &str, found: &mut Vec<Source>) {
    for file in dir.files() {
        let path = file.path().strip_prefix(root).unwrap_or(file.path()).to_string_lossy().into_owned();
        let executable = path.ends_with(".sh");
        found.push(Source { path, executable, link: false, text: file.contents_utf8().unwrap_or_default().to_owned() });
    }
    dir.dirs().for_each(|dir| collect(dir, root, found));
}
