//! The repository's own code, read where an advisory names functions: a hint comes of it, so nothing waits or fails for its sake.

use std::collections::BTreeSet;

use crate::context::Context;
use crate::domain::detect::{Mode, Tree};
use crate::domain::ids::Repo;
use crate::domain::update::Ecosystem;
use crate::domain::update::advisory::{Finding, Sources, language, languages};
use crate::github::Text;

/// So many files of one repository are read.
const MOST: usize = 2_000;
/// So many in one request, and so many bytes.
const AT_ONCE: usize = 50;
const BYTES: u64 = 4 * 1024 * 1024;
/// A longer one was not written by hand, and GitHub's GraphQL would cut it.
const LONGEST: u64 = 512 * 1024;

/// The code of a commit in the languages of packages whose advisories name functions.
pub(super) async fn sources(ctx: &Context, at: (&Repo, &str), tree: &Tree, findings: &[Finding]) -> Sources {
    let wanted = languages(findings);
    if wanted.is_empty() {
        return Sources::default();
    }
    let (requests, mut whole) = requests(tree, &wanted);
    let mut sources = Sources::default();
    for paths in requests {
        match ctx.github.texts(at.0, at.1, &paths).await {
            Ok(texts) => {
                whole &= texts.len() == paths.len();
                for (path, text) in texts {
                    match text {
                        Text::Whole(text) => drop(sources.texts.insert(path, text)),
                        Text::TooLarge(_) => whole = false,
                    }
                }
            }
            Err(error) => {
                tracing::warn!(repo = at.0.id, "the rest of the code was not read for what advisories name: {error}");
                whole = false;
                break;
            }
        }
    }
    Sources { whole, ..sources }
}

/// What is asked for, a request each, and whether that is all.
fn requests(tree: &Tree, wanted: &BTreeSet<Ecosystem>) -> (Vec<Vec<String>>, bool) {
    let own = |path: &str| language(path).is_some_and(|language| wanted.contains(&language));
    let (mut all, mut whole) = (Vec::<Vec<String>>::new(), !tree.truncated);
    let (mut count, mut bytes) = (0, 0);
    for entry in
        tree.entries().iter().filter(|entry| matches!(entry.mode, Mode::File | Mode::Executable) && own(&entry.path))
    {
        let size = entry.size.unwrap_or(0);
        if size > LONGEST || count >= MOST {
            whole = false;
            continue;
        }
        count += 1;
        match all.last_mut() {
            Some(last) if last.len() < AT_ONCE && bytes + size <= BYTES => last.push(entry.path.clone()),
            _ => {
                all.push(vec![entry.path.clone()]);
                bytes = 0;
            }
        }
        bytes += size;
    }
    (all, whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::detect::Entry;

    fn entry(path: &str, size: u64) -> Entry {
        Entry { path: path.to_owned(), mode: Mode::File, size: Some(size) }
    }

    #[test]
    fn what_is_read_is_bounded_and_what_is_left_out_is_known() {
        let rust = BTreeSet::from([Ecosystem::Cargo]);
        let small: Vec<Entry> = (0..120).map(|n| entry(&format!("src/{n:03}.rs"), 100)).collect();
        let (asked, whole) = requests(&Tree::new(small, false), &rust);
        assert_eq!((asked.iter().map(Vec::len).collect::<Vec<_>>(), whole), (vec![50, 50, 20], true));
        let large: Vec<Entry> = (0..20).map(|n| entry(&format!("src/{n:03}.rs"), 500_000)).collect();
        let (asked, _) = requests(&Tree::new(large, false), &rust);
        assert_eq!(asked.iter().map(Vec::len).collect::<Vec<_>>(), [8, 8, 4]);
        let (asked, whole) =
            requests(&Tree::new(vec![entry("src/made.rs", LONGEST + 1), entry("a.py", 1)], false), &rust);
        assert!(asked.is_empty() && !whole);
        let many: Vec<Entry> = (0..3_000).map(|n| entry(&format!("src/{n}.rs"), 10)).collect();
        let (asked, whole) = requests(&Tree::new(many, false), &rust);
        assert_eq!((asked.iter().map(Vec::len).sum::<usize>(), whole), (MOST, false));
        assert!(!requests(&Tree::new(Vec::new(), true), &rust).1, "GitHub did not list all");
    }
}
