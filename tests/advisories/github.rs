//! What GitHub's API says of advisories.

use fairway::domain::update::advisory::{Book, Severity, audit, github, read};
use fairway::domain::update::{Ecosystem, Found};
use serde_json::{Value, json};

use crate::reading::single;

fn part(ecosystem: &str, name: &str, range: &str) -> Value {
    json!({"package": {"ecosystem": ecosystem, "name": name}, "vulnerable_version_range": range,
        "first_patched_version": null, "vulnerable_functions": ["a::f"]})
}

fn one(id: &str, parts: &[Value]) -> Value {
    json!({"ghsa_id": id, "cve_id": "CVE-2026-1000", "html_url": format!("https://forge.example/advisories/{id}"),
        "summary": "It breaks", "type": "reviewed", "severity": "medium", "published_at": "2026-01-02T03:04:05Z",
        "withdrawn_at": null, "identifiers": [{"type": "GHSA", "value": id}, {"type": "CVE", "value": "CVE-2026-1000"}],
        "vulnerabilities": parts})
}

fn book(all: &[Value]) -> Book {
    github(&Value::from(all).to_string()).expect("read")
}

fn hit(ecosystem: Ecosystem, name: &str, version: &str, book: &Book) -> bool {
    !audit(&single(ecosystem, name, version), book).vulnerable.is_empty()
}

#[test]
fn ranges_have_both_ends_one_or_a_single_version() {
    for (range, inside, outside) in [
        (">= 1.2, < 1.4.1", "1.4.0", "1.4.1"),
        (">= 1.2.0, < 1.4.1", "1.2.0", "1.1.9"),
        ("< 0.1.11", "0.0.1", "0.1.11"),
        ("<= 1.0.8", "1.0.8", "1.0.9"),
        ("> 1.0.0", "1.0.1", "1.0.0"),
        ("= 0.2.0", "0.2.0", "0.2.1"),
    ] {
        let book = book(&[one("GHSA-aaaa-bbbb-cccc", &[part("npm", "left", range)])]);
        let both = (hit(Ecosystem::Npm, "left", inside, &book), hit(Ecosystem::Npm, "left", outside, &book));
        assert_eq!(both, (true, false), "{range}");
    }
}

#[test]
fn each_ecosystem_has_its_own_names_and_others_are_passed_over() {
    let all = [("rust", "tokio"), ("npm", "tokio"), ("pip", "Foo.Bar"), ("go", "code.test/a/b"), ("maven", "tokio")];
    let parts: Vec<Value> = all.iter().map(|(ecosystem, name)| part(ecosystem, name, "< 2.0.0")).collect();
    let book = book(&[one("GHSA-aaaa-bbbb-cccc", &parts)]);
    assert_eq!(book.unusable, []);
    assert!(hit(Ecosystem::Cargo, "tokio", "1.0.0", &book) && hit(Ecosystem::Npm, "tokio", "1.0.0", &book));
    assert!(hit(Ecosystem::Python, "foo_bar", "1.0", &book), "by the name as Python compares it");
    assert!(hit(Ecosystem::Go, "code.test/a/b", "v1.0.0", &book));
    assert!(!hit(Ecosystem::Image, "tokio", "1.0.0", &book));
}

#[test]
fn an_advisory_and_the_alerts_about_it_say_the_same() {
    let advisory =
        one("GHSA-aaaa-bbbb-cccc", &[part("rust", "ant", "< 1.1.0"), part("rust", "ant", ">= 2.0.0, < 2.3.0")]);
    let mut inner = advisory.clone();
    inner.as_object_mut().expect("an object").remove("html_url");
    inner["references"] = json!([{"url": "https://forge.example/page"}]);
    let alert = |number: i64| json!({"number": number, "state": "open", "security_advisory": inner});
    for (book, url) in [
        (book(&[advisory]), "https://forge.example/advisories/GHSA-aaaa-bbbb-cccc"),
        (book(&[alert(1), alert(2)]), "https://forge.example/page"),
    ] {
        let found = audit(&single(Ecosystem::Cargo, "ant", "2.2.0"), &book).vulnerable;
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].ids.as_slice(), found[0].severity),
            (&["GHSA-aaaa-bbbb-cccc".to_owned(), "CVE-2026-1000".to_owned()][..], Some(Severity::Moderate))
        );
        assert_eq!((found[0].url.as_deref(), found[0].title.as_str()), (Some(url), "It breaks"));
        assert_eq!(found[0].functions, ["a::f"]);
        assert!(!hit(Ecosystem::Cargo, "ant", "1.5.0", &book) && hit(Ecosystem::Cargo, "ant", "1.0.0", &book));
    }
}

#[test]
fn what_was_withdrawn_is_held_against_nothing_whatever_its_range() {
    let mut gone = one("GHSA-aaaa-bbbb-cccc", &[part("rust", "ant", "nonsense")]);
    gone["withdrawn_at"] = json!("2026-02-03T00:00:00Z");
    let book = book(&[gone]);
    assert_eq!((book.read, book.withdrawn, book.unusable.len()), (1, 1, 0));
    assert!(!hit(Ecosystem::Cargo, "ant", "1.0.0", &book));
}

#[test]
fn a_malformed_range_is_named_and_leaves_the_others() {
    for range in ["", "< ", "1.0.0", "~> 1.2", "< one", "< 1.0.0,", "< 1.0.0, < 2.0.0", "=> 1.0.0", "= 1.0.0, < 2.0.0"]
    {
        let broken = one("GHSA-bad0-bad0-bad0", &[part("rust", "ant", range)]);
        let book = book(&[broken, one("GHSA-aaaa-bbbb-cccc", &[part("rust", "bee", "< 1.1.0")])]);
        let lock = [single(Ecosystem::Cargo, "ant", "1.0.0"), single(Ecosystem::Cargo, "bee", "1.0.0")];
        let found = Found { locked: lock.into_iter().flat_map(|found| found.locked).collect(), ..Found::default() };
        let audit = audit(&found, &book);
        let told: Vec<(&str, &str)> = audit.unusable.iter().map(|one| (one.id.as_str(), one.why.as_str())).collect();
        assert_eq!(told, [("GHSA-bad0-bad0-bad0", format!("its range `{range}` is malformed").as_str())]);
        assert_eq!(audit.vulnerable.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["bee"], "{range}");
    }
    let book = book(&[json!({"summary": "nameless"}), one("GHSA-aaaa-bbbb-cccc", &[])]);
    assert_eq!(book.unusable.iter().map(|one| one.why.as_str()).collect::<Vec<_>>(), ["it has no `ghsa_id`"]);
    for (text, why) in [("<html>", "cannot be read"), ("3", "they are no list")] {
        let said = github(text).expect_err(text);
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn one_thing_by_two_databases_is_one() {
    let rustsec = "```toml\n[advisory]\nid = \"RUSTSEC-2026-0009\"\npackage = \"ant\"\naliases = [\"CVE-2026-1000\"]\n[versions]\npatched = [\">=1.1.0\"]\n```\n# Ant\n";
    let theirs = book(&[one("GHSA-aaaa-bbbb-cccc", &[part("rust", "ant", "< 1.1.0")])]);
    let both = Book::together(vec![theirs, read([("crates/ant/RUSTSEC-2026-0009.md", rustsec)].into_iter())]);
    let found = audit(&single(Ecosystem::Cargo, "ant", "1.0.0"), &both).vulnerable;
    let ids: Vec<&[String]> = found.iter().map(|one| one.ids.as_slice()).collect();
    assert_eq!(ids, [["RUSTSEC-2026-0009", "GHSA-aaaa-bbbb-cccc", "CVE-2026-1000"]]);
    assert_eq!(found[0].severity, Some(Severity::Moderate), "who has a word for it is heard");
}
