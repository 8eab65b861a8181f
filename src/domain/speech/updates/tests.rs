use super::{explain, listing};
use crate::domain::update::cargo::{Texts, extract};
use crate::domain::update::{Answers, Ecosystem, Found, Looked, Package, Policy, Release, decide};

const DAY: i64 = 24 * 60 * 60 * 1000;
const NOW: i64 = 1_800_000_000_000;

const MANIFEST: &str = r#"[package]
name = "shop"
rust-version = "1.74"
[dependencies]
serde = "1"
clap = "3.0.0-beta.5"
pinned = "=1.0.0"
mine = { git = "https://x:ghs_secret@forge.example/o/mine" }
lost = "1"
fine = "1"
"#;

fn found() -> Found {
    let locked = [
        ("serde", "1.0.1", "\"deep\""),
        ("clap", "3.0.0-beta.5", ""),
        ("pinned", "1.0.0", ""),
        ("lost", "1.0.0", ""),
        ("fine", "1.0.0", ""),
        ("deep", "0.4.2", ""),
    ];
    let source = "source = \"registry+https://forge.example/rust-lang/crates.io-index\"";
    let mut lock = String::from(
        "[[package]]\nname = \"shop\"\nversion = \"0.1.0\"\ndependencies = [\"serde\", \"clap\", \"pinned\", \"lost\", \"fine\"]\n",
    );
    for (name, version, needs) in locked {
        lock.push_str(&format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{source}\ndependencies = [{needs}]\n"
        ));
    }
    extract(&Texts::from([("Cargo.toml".to_owned(), MANIFEST.to_owned()), ("Cargo.lock".to_owned(), lock)]))
}

fn answers() -> Answers {
    let release = |version: &str, days: i64, needs: Option<&str>| Release {
        version: version.to_owned(),
        published: Some(NOW - days * DAY),
        needs: needs.map(str::to_owned),
        ..Release::default()
    };
    let known = [
        (
            "serde",
            vec![
                release("1.0.200", 40, None),
                release("1.0.201", 1, None),
                Release { yanked: true, ..release("1.0.9", 900, None) },
            ],
        ),
        ("clap", vec![release("3.2.25", 800, None), release("4.0.1", 300, None), release("4.6.7", 9, Some("1.85"))]),
        ("pinned", vec![release("1.0.1", 90, None)]),
        ("fine", vec![release("1.0.0", 90, None)]),
    ];
    let package = |name: &str| Package { ecosystem: Ecosystem::Cargo, registry: None, name: name.to_owned() };
    let mut answers: Answers =
        known.into_iter().map(|(name, releases)| (package(name), Looked::Releases(releases))).collect();
    answers.insert(package("lost"), Looked::Not("the registry did not answer in time".to_owned()));
    answers
}

#[test]
fn everything_stands_under_its_heading_with_its_reason() {
    let found = found();
    let said = listing(&found, &decide(&found, &answers(), &Policy::at(NOW)), NOW);
    assert!(!said.contains("secret"));
    insta::assert_snapshot!(said, @"
    6 dependencies in Cargo.toml, 7 packages locked; Rust 1.74 is promised.

    Safe updates (2): their authors promise that nothing breaks
      clap   3.0.0-beta.5 -> 3.2.25  Cargo.toml:6, lock only, 2 years old
      serde  1.0.1 -> 1.0.200        Cargo.toml:5, lock only, 40 days old

    Breaking updates (1): read what changed first
      clap  3.0.0-beta.5 -> 4.0.1  Cargo.toml:6, 10 months old

    Held back (3): newer, and not offered
      clap    3.0.0-beta.5 -> 4.6.7: needs Rust 1.85, and 1.74 is promised (rust-version)
      pinned  1.0.0 -> 1.0.1: the manifest pins the version exactly
      serde   1.0.1 -> 1.0.201: too young, 48 hours to wait (`cooldown` of [updates] in fairway.toml)

    Not looked up (1): nothing is known, so nothing is said
      lost  the registry did not answer in time (Cargo.toml:9)

    Left alone (1): from Git or a folder
      mine  git https://forge.example/o/mine (Cargo.toml:8)
    ");
}

#[test]
fn what_holds_for_many_lines_is_said_once() {
    let manifest =
        "[package]\nname = \"shop\"\n[dependencies]\na = { path = \"../a\" }\nb = \"1\"\nc = \"1\"\nd = \"1\"\n";
    let found = extract(&Texts::from([("Cargo.toml".to_owned(), manifest.to_owned())]));
    let package = |name: &str| Package { ecosystem: Ecosystem::Cargo, registry: None, name: name.to_owned() };
    let silent = |name: &str| (package(name), Looked::Not("the registry is silent".to_owned()));
    let mut answers = Answers::from([silent("b"), silent("c")]);
    answers.insert(package("d"), Looked::Not("nobody has it".to_owned()));
    insta::assert_snapshot!(listing(&found, &decide(&found, &answers, &Policy::at(NOW)), NOW), @"
    4 dependencies in Cargo.toml, 0 packages locked.

    Not looked up (3): nothing is known, so nothing is said
      d  nobody has it (Cargo.toml:7)
      2 lines: the registry is silent
        b, c

    Left alone (1): from Git or a folder
      a  path ../a (Cargo.toml:4)
    ");
    let names: Vec<String> = (10..50).map(|n| format!("package-{n}")).collect();
    let lines = super::wrapped(names.iter().map(String::as_str));
    assert!(lines.len() > 3 && lines.iter().all(|line| line.len() <= 100), "{lines:?}");
    assert_eq!(lines.join(" "), names.join(", "));
}

#[test]
fn why_is_there_no_update_of_this() {
    let found = found();
    let (answers, policy) = (answers(), Policy::at(NOW));
    let decision = decide(&found, &answers, &policy);
    let names = ["serde", "clap", "mine", "lost", "fine", "DEEP", "srede", "shop"];
    let said: Vec<String> = names.iter().map(|name| explain(&found, &answers, &decision, (name, NOW))).collect();
    insta::assert_snapshot!(said.join("\n"), @"
    Cargo.toml:5 asks for serde 1; locked at 1.0.1.
      3 versions are published, 1 of them withdrawn.
      Offered, safe: 1.0.1 -> 1.0.200; the lock alone changes, 40 days old.
      Not offered: 1.0.1 -> 1.0.201; too young, 48 hours to wait (`cooldown` of [updates] in fairway.toml).

    Cargo.toml:6 asks for clap 3.0.0-beta.5; locked at 3.0.0-beta.5.
      3 versions are published.
      Offered, safe: 3.0.0-beta.5 -> 3.2.25; the lock alone changes, 2 years old.
      Offered, breaking: 3.0.0-beta.5 -> 4.0.1; the manifest changes, 10 months old.
      Not offered: 3.0.0-beta.5 -> 4.6.7; needs Rust 1.85, and 1.74 is promised (rust-version).

    Cargo.toml:8 takes mine from git https://forge.example/o/mine; what is not from a registry is left alone.

    Cargo.toml:9 asks for lost 1; locked at 1.0.0.
      It was not looked up: the registry did not answer in time.

    Cargo.toml:10 asks for fine 1; locked at 1.0.0.
      One version is published.
      Nothing is offered: 1.0.0 is the newest there is.

    No manifest asks for deep; Cargo.lock has 0.4.2 because of shop -> serde -> deep.
      It moves with what needs it, or alone: cargo update --package deep@0.4.2

    Nothing here asks for srede, and no lock has it. Did you mean serde?

    shop 0.1.0 is a package of this repository.
    ");
}

#[test]
fn a_folder_without_manifests_is_an_answer_too() {
    let found = Found::default();
    let said = listing(&found, &decide(&found, &Answers::new(), &Policy::at(NOW)), NOW);
    assert_eq!(said, "No manifest here asks for a package that Fairway knows how to look up.\n");
}

#[test]
fn what_is_pinned_is_told_with_its_commit() {
    let (old, new, lost) = ("0123456789".repeat(4), "abcdefabcd".repeat(4), "f".repeat(40));
    let text = format!("steps:\n  - uses: o/r@{old} # v4.1.2\n  - uses: o/r@{lost}\n  - uses: o/s@{old} # v1.0.0\n");
    let found = crate::domain::update::extract(&[(".github/workflows/ci.yml".to_owned(), text)].into());
    let tag = |version: &str, commit: &str| Release {
        version: version.to_owned(),
        published: Some(NOW - 9 * DAY),
        commit: Some(commit.to_owned()),
        ..Release::default()
    };
    let why = "its repository does not give the commit out: no filters".to_owned();
    let undated = Release { published: None, unknown: Some(why), seen: Some(NOW), ..tag("v1.1.0", &new) };
    let package = |name: &str| Package { ecosystem: Ecosystem::Actions, registry: None, name: name.to_owned() };
    let answers = Answers::from([
        (package("o/r"), Looked::Releases(vec![tag("v4.1.2", &lost), tag("v4.2.0", &new)])),
        (package("o/s"), Looked::Releases(vec![tag("v1.0.0", &old), undated])),
    ]);
    let decision = decide(&found, &answers, &Policy::at(NOW));
    insta::assert_snapshot!(listing(&found, &decision, NOW), @"
    3 dependencies in .github/workflows/ci.yml, 0 packages locked.

    Safe updates (2): their authors promise that nothing breaks
      o/r  v4.1.2 (0123456) -> v4.2.0 (abcdefa)  .github/workflows/ci.yml:2, 9 days old; v4.1.2 is fffffff now
      o/r  v4.1.2 (fffffff) -> v4.2.0 (abcdefa)  .github/workflows/ci.yml:3, 9 days old

    Held back (1): newer, and not offered
      o/s  v1.0.0 -> v1.1.0: nobody says when it was published (its repository does not give the commit out: no filters); it counts from when Fairway first met it, 3 days to wait (`cooldown` of [updates] in fairway.toml)
    ");
    let said: Vec<String> =
        ["o/r", "o/s"].iter().map(|name| explain(&found, &answers, &decision, (name, NOW))).collect();
    insta::assert_snapshot!(said.join("\n"), @"
    .github/workflows/ci.yml:2 pins o/r to 0123456, which is v4.1.2.
      2 versions are published.
      Offered, safe: v4.1.2 (0123456) -> v4.2.0 (abcdefa); the manifest changes, 9 days old.
    .github/workflows/ci.yml:3 pins o/r to fffffff, which is v4.1.2.
      2 versions are published.
      Offered, safe: v4.1.2 (fffffff) -> v4.2.0 (abcdefa); the manifest changes, 9 days old.

    .github/workflows/ci.yml:4 pins o/s to 0123456, which is v1.0.0.
      2 versions are published.
      Not offered: v1.0.0 -> v1.1.0; nobody says when it was published (its repository does not give the commit out: no filters); it counts from when Fairway first met it, 3 days to wait (`cooldown` of [updates] in fairway.toml).
    ");
}
