//! What databases write, and what of it cannot be used.

use fairway::domain::update::advisory::{Book, Severity, audit, read};
use fairway::domain::update::{Ecosystem, Found, Locked, Origin};

use crate::world::found;

fn rustsec() -> Vec<(&'static str, &'static str)> {
    vec![
        ("crates/tower-http/RUSTSEC-2022-0043.md", include_str!("../data/advisories/RUSTSEC-2022-0043.md")),
        ("crates/tower-http/RUSTSEC-2021-0135.md", include_str!("../data/advisories/RUSTSEC-2021-0135.md")),
        ("crates/tokio/RUSTSEC-2023-0001.md", include_str!("../data/advisories/RUSTSEC-2023-0001.md")),
        ("crates/dotenv/RUSTSEC-2021-0141.md", include_str!("../data/advisories/RUSTSEC-2021-0141.md")),
        ("README.md", "# Not an advisory"),
    ]
}

fn ids(found: &Found, book: &Book) -> Vec<String> {
    audit(found, book).vulnerable.iter().map(|f| format!("{} {} {}", f.id(), f.name, f.version)).collect()
}

pub fn single(ecosystem: Ecosystem, name: &str, version: &str) -> Found {
    let locked = Locked {
        ecosystem,
        file: "lock".to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        origin: Origin::Registry,
        needs: Vec::new(),
    };
    Found { locked: vec![locked], ..Found::default() }
}

#[test]
fn each_locked_version_is_held_against_the_union_of_ranges() {
    let book = read(rustsec().into_iter());
    assert_eq!((book.read, book.withdrawn, book.unusable.len()), (4, 1, 0));
    let lock = found(
        &["axum 0.3.4: tower-http 0.1.2", "tower-http 0.1.2", "tower-http 0.2.0", "tokio 1.14.0", "dotenv 0.15.0"],
        &["axum 0.3", "tower-http 0.2", "tokio 1", "dotenv 0.15"],
    );
    let audit = audit(&lock, &book);
    let chains: Vec<String> = audit
        .vulnerable
        .iter()
        .map(|f| {
            format!("{} by {}", f.id(), f.chain.iter().map(|(n, v)| format!("{n} {v}")).collect::<Vec<_>>().join(" > "))
        })
        .collect();
    assert_eq!(
        chains,
        [
            "RUSTSEC-2023-0001 by tokio 1.14.0",
            "RUSTSEC-2022-0043 by axum 0.3.4 > tower-http 0.1.2",
            "RUSTSEC-2022-0043 by tower-http 0.2.0",
        ]
    );
    // What is not maintained is worth knowing and blocks nothing.
    let told: Vec<_> = audit.informational.iter().map(|f| (f.id(), f.informational.as_deref())).collect();
    assert_eq!(told, [("RUSTSEC-2021-0141", Some("unmaintained"))]);
    for (version, affected) in
        [("1.18.4", false), ("1.19.0", true), ("1.20.3", false), ("1.23.0", true), ("1.6.3", false)]
    {
        assert_eq!(!ids(&single(Ecosystem::Cargo, "tokio", version), &book).is_empty(), affected, "tokio {version}");
    }
}

#[test]
fn what_comes_from_elsewhere_is_another_package() {
    let book = read(rustsec().into_iter());
    let mut fork = single(Ecosystem::Cargo, "tokio", "1.14.0");
    fork.locked[0].origin = Origin::Elsewhere("git".to_owned());
    assert_eq!(ids(&fork, &book), Vec::<String>::new());
    assert_eq!(ids(&single(Ecosystem::Npm, "tokio", "1.14.0"), &book), Vec::<String>::new());
}

#[test]
fn one_thing_under_three_names_is_one() {
    let ghsa = r#"{"id": "GHSA-7rrj-xr53-82p7", "aliases": ["CVE-2023-22466"], "summary": "tokio on Windows",
        "database_specific": {"severity": "MODERATE"},
        "affected": [{"package": {"ecosystem": "crates.io", "name": "tokio"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "1.7.0"}, {"fixed": "1.18.4"}]}]}]}"#;
    let mut files = rustsec();
    files.push(("ghsa/GHSA-7rrj-xr53-82p7.json", ghsa));
    let audit = audit(&single(Ecosystem::Cargo, "tokio", "1.14.0"), &read(files.into_iter()));
    let [finding] = audit.vulnerable.as_slice() else { panic!("{:?}", audit.vulnerable) };
    assert_eq!(finding.ids, ["RUSTSEC-2023-0001", "GHSA-7rrj-xr53-82p7", "CVE-2023-22466"]);
    assert_eq!(finding.severity, Some(Severity::Moderate));
}

#[test]
fn osv_names_versions_in_three_ways() {
    let npm = r#"{"id": "GHSA-a", "affected": [{"package": {"ecosystem": "npm", "name": "left"},
        "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.2.0"}, {"introduced": "2.0.0"}, {"last_affected": "2.1.0"}]}],
        "ecosystem_specific": {"affected_functions": ["left.pad"]}}]}"#;
    let pypa = "id: PYSEC-1\nsummary: a hole\naffected:\n- package:\n    ecosystem: PyPI\n    name: Foo.Bar\n  ranges:\n  - type: ECOSYSTEM\n    events:\n    - introduced: \"0\"\n    - fixed: \"3.2\"\n  versions:\n  - 21.6b0\n";
    let open = r#"{"id": "GHSA-b", "affected": [{"package": {"ecosystem": "npm", "name": "gone"},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
        "database_specific": {"last_known_affected_version_range": "<= 3.0.2"}}]}"#;
    let book = read([("a.json", npm), ("b.yaml", pypa), ("c.json", open)].into_iter());
    assert_eq!(book.unusable, []);
    let cases = [
        (Ecosystem::Npm, "left", "1.1.9", true),
        (Ecosystem::Npm, "left", "1.2.0", false),
        (Ecosystem::Npm, "left", "2.1.0", true),
        (Ecosystem::Npm, "left", "2.1.1", false),
        (Ecosystem::Python, "foo_bar", "3.1.9", true),
        (Ecosystem::Python, "foo-bar", "3.2.0", false),
        (Ecosystem::Python, "foo-bar", "21.06.b0", true),
        (Ecosystem::Npm, "gone", "3.0.2", true),
        (Ecosystem::Npm, "gone", "3.0.3", false),
    ];
    for (ecosystem, name, version, affected) in cases {
        assert_eq!(!ids(&single(ecosystem, name, version), &book).is_empty(), affected, "{name} {version}");
    }
    let audit = audit(&single(Ecosystem::Npm, "left", "1.0.0"), &book);
    assert_eq!(audit.vulnerable[0].functions, ["left.pad"]);
}

#[test]
fn an_advisory_that_cannot_be_used_is_named_and_leaves_the_others() {
    let osv = |id: &str, events: &str| {
        format!(
            r#"{{"id": "{id}", "affected": [{{"package": {{"ecosystem": "npm", "name": "x"}},
            "ranges": [{{"type": "SEMVER", "events": [{events}]}}]}}]}}"#
        )
    };
    let files = [
        ("a/OK-1.json".to_owned(), osv("OK-1", r#"{"introduced": "0"}"#)),
        ("a/BAD-1.json".to_owned(), osv("BAD-1", r#"{"introduced": "one"}"#)),
        ("a/BAD-2.json".to_owned(), osv("BAD-2", r#"{"fixed": "1.0.0"}"#)),
        ("a/BAD-3.json".to_owned(), osv("BAD-3", "")),
        ("a/BAD-4.json".to_owned(), "<html>".to_owned()),
        (
            "crates/x/RUSTSEC-1.md".to_owned(),
            "```toml\n[advisory]\nid = \"RUSTSEC-1\"\npackage = \"x\"\n[versions]\npatched = [\">= one\"]\n```\n"
                .to_owned(),
        ),
        ("crates/x/RUSTSEC-2.md".to_owned(), "no block".to_owned()),
    ];
    let book = read(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let named: Vec<(&str, &str)> = book.unusable.iter().map(|one| (one.id.as_str(), one.why.as_str())).collect();
    assert_eq!(
        named,
        [
            ("BAD-1", "its range has `one`, which is no version"),
            ("BAD-2", "its range ends at `1.0.0` without having begun"),
            ("BAD-3", "its range has no events"),
            ("BAD-4", "its JSON cannot be read: expected value at line 1 column 1"),
            (
                "RUSTSEC-1",
                "its range `>= one` is malformed: unexpected character 'o' while parsing major version number"
            ),
            ("RUSTSEC-2", "it does not begin with a block of TOML"),
        ]
    );
    let audit = audit(&single(Ecosystem::Npm, "x", "1.0.0"), &book);
    assert_eq!(audit.vulnerable.len(), 1);
    // What is about another package is not this lock's trouble; of what cannot be read at all nobody knows.
    let told: Vec<&str> = audit.unusable.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(told, ["BAD-1", "BAD-2", "BAD-3", "BAD-4", "RUSTSEC-2"]);
}

#[test]
fn a_version_that_is_none_is_said_and_not_taken_for_safe() {
    let osv = r#"{"id": "A", "affected": [{"package": {"ecosystem": "npm", "name": "x"},
        "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]}]}"#;
    let book = read([("a.json", osv)].into_iter());
    let audit = audit(&single(Ecosystem::Npm, "x", "next"), &book);
    assert_eq!(audit.vulnerable, []);
    assert_eq!((audit.unjudged[0].id.as_str(), audit.unjudged[0].version.as_str()), ("A", "next"));
}

#[test]
fn what_was_withdrawn_is_held_against_nothing() {
    let osv = r#"{"id": "A", "withdrawn": "2024-01-01T00:00:00Z", "affected": [{"package": {"ecosystem": "npm", "name": "x"},
        "ranges": [{"type": "SEMVER", "events": [{"introduced": "nonsense"}]}]}]}"#;
    let book = read([("a.json", osv)].into_iter());
    assert_eq!((book.read, book.withdrawn, book.unusable.len()), (1, 1, 0));
    assert_eq!(ids(&single(Ecosystem::Npm, "x", "1.0.0"), &book), Vec::<String>::new());
}
