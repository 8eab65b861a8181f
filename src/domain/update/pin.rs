//! Lines that name a commit or a digest where others name a version: which version that is, and what it becomes.

use super::model::{Declared, Ecosystem, Pin, Release};
use super::rules;

/// Whether a reference is a commit.
pub fn is_commit(reference: &str) -> bool {
    reference.len() == 40 && reference.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The commit or digest that a line names.
pub fn named(declared: &Declared) -> Option<&str> {
    let requirement = declared.requirement.as_str();
    match declared.ecosystem {
        Ecosystem::Actions => is_commit(requirement).then_some(requirement),
        Ecosystem::Image => requirement.split_once('@').map(|(_, digest)| digest),
        _ => None,
    }
}

/// The beginning of a commit or digest, as people read it: `abc1234`.
pub fn short(pin: &str) -> &str {
    let hex = pin.rsplit(':').next().unwrap_or(pin);
    hex.get(..7).unwrap_or(hex)
}

/// A version with what it is pinned to: `v4.1.2 (abc1234)`.
pub fn labelled(version: &str, pin: Option<&str>) -> String {
    pin.map_or_else(|| version.to_owned(), |pin| format!("{version} ({})", short(pin)))
}

/// The version that a pinned line has, as its registry spells it.
///
/// # Errors
/// Why nobody can tell: a sentence without a full stop.
pub(super) fn version(declared: &Declared, releases: &[Release]) -> Result<Option<String>, String> {
    let Some(pin) = named(declared) else { return Ok(None) };
    if declared.ecosystem == Ecosystem::Image {
        let version = rules::floor(Ecosystem::Image, &declared.requirement).filter(|tag| !tag.is_empty());
        return match declared.requirement.starts_with('@') {
            true => Err("it is pinned to a digest without a tag; write the tag before it, as in image:1.2@sha256:..."
                .to_owned()),
            false => Ok(version),
        };
    }
    let comment = declared.locked.first();
    if let Some(comment) = comment {
        let exact = releases.iter().find(|release| release.version == *comment);
        if let Some(tag) = exact.or_else(|| releases.iter().find(|release| same(&release.version, comment))) {
            return Ok(Some(tag.version.clone()));
        }
    }
    let at = |release: &&Release| release.commit.as_deref() == Some(pin) && rules::tag_numbers(&release.version) > 0;
    let exact = releases.iter().filter(at).max_by_key(|release| {
        (
            rules::tag_numbers(&release.version),
            !rules::prerelease(Ecosystem::Actions, &release.version),
            &release.version,
        )
    });
    // A tag may be gone and its version still say what is newer; a single number may be anything.
    let gone = comment.filter(|comment| rules::tag_numbers(comment) > 1);
    let version = gone.or_else(|| exact.map(|release| &release.version));
    version.map(|version| Some(version.clone())).ok_or_else(|| {
        "it is pinned to a commit without a tag, so nobody knows which version that is; pin a tagged commit, and write its version behind it (# v1.2.3)".to_owned()
    })
}

/// Whether two texts are one version: a comment may leave out the `v` of a tag, or add one.
pub fn same(a: &str, b: &str) -> bool {
    let bare = |text: &'_ str| text.len() - text.strip_prefix('v').unwrap_or(text).len();
    a[bare(a)..] == b[bare(b)..]
}

/// The pin of an update to a release; the error says why there is none. `None`: the line names no commit and no digest.
pub fn of(declared: &Declared, releases: &[Release], (from, to): (&str, &Release)) -> Result<Option<Pin>, String> {
    let Some(now) = named(declared) else { return Ok(None) };
    let Some(then) = &to.commit else {
        let what = if declared.ecosystem == Ecosystem::Image { "digest" } else { "commit" };
        let why = to.unknown.as_deref().map_or_else(String::new, |why| format!(": {why}"));
        return Err(format!("the line is pinned, and the {what} of this version is not known{why}"));
    };
    let tag = releases.iter().find(|release| release.version == from).and_then(|release| release.commit.as_ref());
    let moved = tag.filter(|tag| *tag != now && declared.ecosystem == Ecosystem::Actions && !floats(from));
    Ok(Some(Pin { from: now.to_owned(), to: then.clone(), moved: moved.cloned() }))
}

/// Whether a tag of an action is meant to move with every release, as `v4` and `v4.1` do.
fn floats(tag: &str) -> bool {
    rules::tag_numbers(tag) < 3
}

/// Whether the tag that a pinned line names has other content now, which is an update although the version is the same: images
/// are built anew under their tags, and `v4` goes to every v4.x. A tag of one release that moved is none.
pub(super) fn renewed<'r>(declared: &Declared, releases: &'r [Release], from: &str) -> Option<&'r Release> {
    let now = named(declared)?;
    let moves = declared.ecosystem == Ecosystem::Image || floats(from);
    let release = releases.iter().find(|release| release.version == from && !release.yanked)?;
    let other = release.commit.as_deref().is_some_and(|commit| commit != now);
    (moves && other).then_some(release)
}
