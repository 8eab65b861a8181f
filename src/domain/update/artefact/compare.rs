//! How two published packages differ, and where their commits can be compared.

use super::{Commit, Contents, Difference, Told, sections};
use crate::domain::update::Ecosystem;

/// Forges whose addresses are known, and what stands between a repository and two commits there.
const FORGES: [(&str, &str); 3] =
    [("github.com", "/compare/"), ("gitlab.com", "/-/compare/"), ("codeberg.org", "/compare/")];

/// What the later package tells. `before` is the earlier one; or why it was not looked into; `None` where there is none.
pub fn tell(
    ecosystem: Ecosystem,
    (before, now): (Option<Result<&Contents, &str>>, &Contents),
    (from, to): (Option<&str>, &str),
) -> Told {
    let changelog = sections(ecosystem, &now.changelogs, (from, to));
    let (old, uncompared) = match before {
        Some(Ok(old)) => (Some(old), None),
        Some(Err(why)) => (None, Some(why.to_owned())),
        None => (None, None),
    };
    let empty = Contents::default();
    // What is added has everything for the first time.
    let mut differences = match (old, &uncompared) {
        (Some(old), _) => differences(old, now),
        (None, None) => first(&empty, now),
        (None, Some(_)) => Vec::new(),
    };
    differences.sort_by_key(|difference| !difference.loud());
    Told { changelog, compare: old.and_then(|old| compare(old, now)), differences, uncompared }
}

/// What runs or cannot be read, of a package that was not there before.
fn first(empty: &Contents, now: &Contents) -> Vec<Difference> {
    differences(empty, now).into_iter().filter(Difference::loud).collect()
}

fn differences(old: &Contents, new: &Contents) -> Vec<Difference> {
    let mut found = Vec::new();
    for (file, digest) in &new.build_scripts {
        match old.build_scripts.iter().find(|(known, _)| known == file) {
            Some((_, known)) if known == digest => {}
            known => {
                // Under another name it is the same script.
                let fresh = known.is_none() && old.build_scripts.is_empty();
                found.push(Difference::BuildScript { file: file.clone(), new: fresh });
            }
        }
    }
    if new.proc_macro && !old.proc_macro {
        found.push(Difference::ProcMacro);
    }
    for (hook, command) in &new.hooks {
        match old.hooks.iter().find(|(known, _)| known == hook) {
            Some((_, known)) if known == command => {}
            known => found.push(Difference::InstallHook {
                hook: hook.clone(),
                command: command.clone(),
                new: known.is_none(),
            }),
        }
    }
    let mut fresh = new.binaries.iter().filter(|(file, _)| !old.binaries.iter().any(|(known, _)| known == file));
    if let Some(first) = fresh.next() {
        found.push(Difference::Binaries { first: first.clone(), count: 1 + fresh.count() });
    }
    if new.unsafe_files > 0 && old.unsafe_files == 0 {
        found.push(Difference::Unsafe { files: new.unsafe_files });
    }
    found.extend(people(old, new));
    if old.commit.is_some() && new.commit.is_none() {
        found.push(Difference::NoCommit);
    }
    let dirty = |contents: &Contents| contents.commit.as_ref().is_some_and(|commit| commit.dirty);
    if dirty(new) && !dirty(old) {
        found.push(Difference::Dirty);
    }
    if let (Some(from), Some(to)) = (&old.licence, &new.licence)
        && from != to
    {
        found.push(Difference::Licence { from: from.clone(), to: to.clone() });
    }
    if let (Some(from), Some(to)) = (&old.repository, &new.repository)
        && bare(from) != bare(to)
    {
        found.push(Difference::Repository { from: from.clone(), to: to.clone() });
    }
    found
}

fn people(old: &Contents, new: &Contents) -> Option<Difference> {
    if old.people.is_empty() || new.people.is_empty() {
        return None;
    }
    let missing = |from: &[String], of: &[String]| -> Vec<String> {
        of.iter().filter(|person| !from.contains(person)).cloned().collect()
    };
    let (added, removed) = (missing(&old.people, &new.people), missing(&new.people, &old.people));
    (!added.is_empty() || !removed.is_empty()).then_some(Difference::People { added, removed })
}

/// An address as far as it says which repository.
fn bare(address: &str) -> String {
    repository(address)
        .map_or_else(|| address.trim_end_matches('/').to_ascii_lowercase(), |(base, _)| base.to_ascii_lowercase())
}

/// Between the exact commits, where both are known and of the same repository at a forge that is known.
fn compare(old: &Contents, new: &Contents) -> Option<String> {
    let (Some(Commit { sha: from, .. }), Some(Commit { sha: to, .. })) = (&old.commit, &new.commit) else {
        return None;
    };
    let (before, _) = repository(old.repository.as_ref()?)?;
    let (base, between) = repository(new.repository.as_ref()?)?;
    // After a move the old commit may be nowhere in the new place.
    (before.eq_ignore_ascii_case(&base) && from != to).then(|| format!("{base}{between}{from}...{to}"))
}

/// `https`, host, owner and name of a repository at a known forge, in any of the ways that manifests have; and what stands
/// between that and two commits.
fn repository(address: &str) -> Option<(String, &'static str)> {
    let address = address.trim().trim_start_matches("git+");
    let short = [("github:", 0), ("gitlab:", 1)].iter().find_map(|(word, at)| Some((address.strip_prefix(word)?, *at)));
    let (forge, path) = match short {
        Some((path, at)) => (FORGES[at], path),
        None => {
            let schemes = ["https://", "http://", "git://", "ssh://git@", "git@"];
            let rest = schemes.iter().find_map(|scheme| address.strip_prefix(scheme))?;
            let rest = rest.strip_prefix("www.").unwrap_or(rest);
            let (host, path) = rest.split_once(['/', ':'])?;
            (*FORGES.iter().find(|(known, _)| host.eq_ignore_ascii_case(known))?, path)
        }
    };
    let path = path.split(['?', '#']).next()?.trim_matches('/');
    // Groups within groups are GitLab's alone; everywhere else what comes after the name is a folder.
    let path = path.split("/-/").next()?;
    let count = if forge.1 == "/-/compare/" { 10 } else { 2 };
    let parts: Vec<&str> = path.split('/').take(count).collect();
    let parts: Vec<&str> = parts.iter().map(|part| part.strip_suffix(".git").unwrap_or(part)).collect();
    let fits = |part: &&str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
    };
    (parts.len() >= 2 && parts.iter().all(fits)).then(|| (format!("https://{}/{}", forge.0, parts.join("/")), forge.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(repository: &str, commit: char) -> Contents {
        let commit = Commit::of(&commit.to_string().repeat(40), false);
        Contents { repository: Some(repository.to_owned()), commit, ..Contents::default() }
    }

    #[test]
    fn commits_are_compared_at_known_forges_and_of_one_repository() {
        let (a, b) = ("a".repeat(40), "b".repeat(40));
        let link = |from: &str, to: &str| compare(&at(from, 'a'), &at(to, 'b'));
        let usual = "https://github.com/acme/shop";
        for way in [
            usual,
            "git+https://github.com/acme/shop.git",
            "git://github.com/acme/shop.git",
            "git@github.com:acme/shop.git",
            "ssh://git@github.com/acme/shop",
            "github:acme/shop",
            "http://www.github.com/acme/shop/tree/main/crates/x?a#b",
            "https://github.com/acme/shop/",
        ] {
            assert_eq!(link(usual, way), Some(format!("{usual}/compare/{a}...{b}")), "{way}");
        }
        let lab = "https://gitlab.com/acme/team/shop";
        assert_eq!(link(lab, &format!("{lab}/-/tree/main/x")), Some(format!("{lab}/-/compare/{a}...{b}")));
        for other in [
            "https://github.com/acme/other",
            "https://evil.example/acme/shop",
            "https://github.com.evil.example/acme/shop",
            "https://github.com/acme",
            "https://github.com/acme/sh)op",
            "https://github.com/../shop",
            "https://x@github.com/acme/shop",
            "javascript:alert(1)",
            "",
        ] {
            assert_eq!(link(usual, other), None, "{other}");
        }
        assert_eq!(compare(&at(usual, 'a'), &Contents { commit: None, ..at(usual, 'b') }), None);
    }

    fn pair(name: &str, what: &str) -> (String, String) {
        (name.to_owned(), what.to_owned())
    }

    #[test]
    fn only_what_differs_and_matters_is_told_and_the_loud_first() {
        let old = Contents {
            licence: Some("MIT".to_owned()),
            hooks: vec![pair("install", "node-gyp rebuild")],
            binaries: vec![pair("a.node", "ELF")],
            people: vec!["ann".to_owned(), "bob".to_owned()],
            build_scripts: vec![pair("build.rs", "1")],
            ..at("https://github.com/acme/shop", 'a')
        };
        let same = tell(Ecosystem::Npm, (Some(Ok(&old)), &old), (Some("1.0.0"), "1.0.1"));
        assert_eq!(same, Told::default());
        let new = Contents {
            licence: Some("GPL-3.0".to_owned()),
            hooks: vec![pair("install", "node other.js"), pair("postinstall", "sh x")],
            binaries: vec![pair("a.node", "ELF"), pair("b.node", "ELF"), pair("c.node", "ELF")],
            people: vec!["bob".to_owned(), "eve".to_owned()],
            build_scripts: vec![pair("build.rs", "2")],
            unsafe_files: 3,
            proc_macro: true,
            commit: None,
            ..old.clone()
        };
        let told = tell(Ecosystem::Npm, (Some(Ok(&old)), &new), (Some("1.0.0"), "1.0.1"));
        let hook = |hook: &str, command: &str, new| {
            let (hook, command) = pair(hook, command);
            Difference::InstallHook { hook, command, new }
        };
        let expected = [
            Difference::ProcMacro,
            hook("postinstall", "sh x", true),
            Difference::Binaries { first: pair("b.node", "ELF"), count: 2 },
            Difference::BuildScript { file: "build.rs".to_owned(), new: false },
            hook("install", "node other.js", false),
            Difference::Unsafe { files: 3 },
            Difference::People { added: vec!["eve".to_owned()], removed: vec!["ann".to_owned()] },
            Difference::NoCommit,
            Difference::Licence { from: "MIT".to_owned(), to: "GPL-3.0".to_owned() },
        ];
        assert_eq!(told.differences, expected);
        let added = tell(Ecosystem::Npm, (None, &new), (None, "1.0.1")).differences;
        assert!(added.iter().all(Difference::loud) && added.len() == 5, "{added:?}");
        let unknown = tell(Ecosystem::Npm, (Some(Err("gone")), &new), (Some("1.0.0"), "1.0.1"));
        assert_eq!((unknown.differences.len(), unknown.uncompared.as_deref()), (0, Some("gone")));
    }
}
