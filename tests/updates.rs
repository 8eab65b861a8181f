//! The decision on two services of 2021 with what their registries knew in November 2026 (facts of the index alone: versions,
//! times, the Rust or Python that each needs), held against what Renovate offered for them and, for the one in Rust, against a
//! list made by another program.

use std::io::Read as _;

use fairway::domain::update::cargo::{Texts, extract};
use fairway::domain::update::{
    Answers, Decision, Ecosystem, Found, Looked, Package, Policy, Step, Why, decide, python,
};
use fairway::registry::Source as _;
use fairway::registry::cargo::{Crates, Indexes};
use fairway::registry::python::Python;
use serde_json::Value;

/// 2026-11-08, as far as the mirror had come that Renovate and the list were made by.
const THEN: i64 = 1_794_096_000_000;

/// 2026-11-18 in the evening, as far as the other mirror had come.
const PINS: i64 = 1_795_032_000_000;
/// The safe versions of the list.
const SAFE: &str = "anyhow 1.0.104, argon2 0.3.4, async-trait 0.1.92, clap 3.2.25, env_logger 0.9.3, futures 0.3.34, \
    itertools 0.10.5, log 0.4.35, rand 0.8.8, serde 1.0.229, sha2 0.9.9, sqlx 0.5.13, thiserror 1.0.69, tokio 1.54.1, \
    tower 0.4.13, tower-http 0.2.5";
/// The breaking ones.
const BREAKING: &str = "argon2 0.6.0, axum 0.8.9, clap 4.6.7, env_logger 0.11.11, hmac 0.13.0, itertools 0.15.0, jwt 0.16.0, \
    rand 0.10.3, sha2 0.11.1, sqlx 0.9.0, thiserror 2.0.21, time 0.3.55, tower 0.5.3, tower-http 0.7.1, uuid 1.29.1";
/// Of the safe ones, what Renovate did not offer: to it every 0.x is one step, and the highest covers the others.
const MISSED: [&str; 8] = ["argon2", "env_logger", "itertools", "rand", "sha2", "sqlx", "tower", "tower-http"];

fn unpacked(record: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(record).read_to_string(&mut text).expect("the record");
    text
}

/// The service with a promise about Rust, and what was known at `THEN`.
fn service(promise: &str) -> (Found, Answers) {
    let text = unpacked(include_bytes!("data/updates/rust-realworld.jsonl.gz"));
    let mut manifest = format!("[package]\nname = \"service\"\n{promise}\n[dependencies]\n");
    let mut lock = String::from("[[package]]\nname = \"service\"\nversion = \"0.1.0\"\n\n");
    let mut documents: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        let value: Value = serde_json::from_str(line).expect("a line");
        let Some(name) = value["crate"].as_str() else {
            documents.last_mut().expect("a crate").1.push_str(&format!("{line}\n"));
            continue;
        };
        documents.push((name.to_owned(), String::new()));
        manifest.push_str(&format!("{name} = {}\n", value["asks"]));
        for version in value["locked"].as_array().expect("versions") {
            let source = "registry+https://forge.example/rust-lang/crates.io-index";
            lock.push_str(&format!("[[package]]\nname = \"{name}\"\nversion = {version}\nsource = \"{source}\"\n\n"));
        }
    }
    let crates = Crates::new(Indexes::default());
    let mut answers = Answers::new();
    for (name, document) in documents {
        let package = Package { ecosystem: Ecosystem::Cargo, registry: None, name };
        let mut reader = crates.reader(&package, false);
        reader.feed(document.as_bytes()).expect("an index");
        let mut releases = reader.end().expect("releases");
        releases.retain(|release| release.published.is_none_or(|published| published <= THEN));
        answers.insert(package, Looked::Releases(releases));
    }
    (extract(&Texts::from([("Cargo.toml".to_owned(), manifest), ("Cargo.lock".to_owned(), lock)])), answers)
}

fn decided(promise: &str, policy: &Policy) -> Decision {
    let (found, answers) = service(promise);
    decide(&found, &answers, policy)
}

fn offered(decision: &Decision, step: Step) -> String {
    let offered = decision.proposals.iter().filter(|offer| offer.step == step);
    let mut offered: Vec<String> = offered.map(|offer| format!("{} {}", offer.name, offer.to)).collect();
    offered.sort();
    offered.join(", ")
}

#[test]
fn everything_that_renovate_offers_is_offered_and_the_safe_versions_that_it_misses() {
    let decision = decided("", &Policy { cooldown: 0, ..Policy::at(THEN) });
    assert_eq!(offered(&decision, Step::Safe), SAFE);
    assert_eq!(offered(&decision, Step::Breaking), BREAKING);
    assert_eq!((decision.held.len(), decision.unknown.len()), (0, 0));
    let zero =
        decision.proposals.iter().filter(|offer| offer.step == Step::Safe && MISSED.contains(&offer.name.as_str()));
    assert_eq!(zero.filter(|offer| offer.lock_only).count(), MISSED.len());
}

#[test]
fn with_the_usual_cooldown_what_is_a_day_old_waits() {
    let decision = decided("", &Policy::at(THEN));
    let held: Vec<String> = decision.held.iter().map(|held| format!("{} {}", held.name, held.to)).collect();
    assert_eq!(held, ["uuid 1.29.1"]);
    assert!(matches!(decision.held[0].why, Why::Cooldown(ripe) if ripe > THEN));
    assert!(offered(&decision, Step::Breaking).ends_with("uuid 1.29.0"));
}

#[test]
fn a_promise_about_rust_holds_back_what_needs_more_and_offers_what_fits() {
    let decision = decided("rust-version = \"1.56\"", &Policy { cooldown: 0, ..Policy::at(THEN) });
    let (_, answers) = service("");
    let too_new = decision.held.iter().filter(|held| matches!(held.why, Why::Toolchain { .. })).count();
    assert!(too_new > 10, "{:?}", decision.held);
    for offer in &decision.proposals {
        let package = Package { ecosystem: Ecosystem::Cargo, registry: None, name: offer.name.clone() };
        let Some(Looked::Releases(releases)) = answers.get(&package) else { panic!("{} was looked up", offer.name) };
        let release = releases.iter().find(|release| release.version == offer.to).expect("a release");
        let minor =
            release.needs.as_deref().and_then(|needs| needs.split('.').nth(1)).map(|minor| minor.parse::<u32>());
        assert!(
            minor.is_none_or(|minor| minor.expect("a number") <= 56),
            "{} {} needs {:?}",
            offer.name,
            offer.to,
            release.needs
        );
    }
}

/// What Renovate offered for 30 old pins of Python: on 2026-11-22, from a mirror that had come as far as `PINS`.
const RENOVATE: &str = "aiohttp 3.14.5, black 26.10.1, boto3 1.44.5, celery 5.7.0, certifi 2021.10.8, certifi 2026.10.18, \
    click 8.5.1, cryptography 3.4.8, cryptography 50.0.2, django 3.2.25, django 6.1.3, fastapi 0.165.0, flask 2.3.3, \
    flask 3.1.3, gunicorn 27.0.1, httpx 0.28.1, jinja2 3.1.6, lxml 4.9.4, lxml 6.1.3, mypy 0.991, mypy 2.4.1, numpy 1.26.4, \
    numpy 2.5.5, pandas 1.5.3, pandas 3.1.1, paramiko 2.12.0, paramiko 5.1.0, pillow 13.0.0, pillow 8.4.0, \
    psycopg2-binary 2.9.13, pydantic 1.10.27, pydantic 2.14.3, pyjwt 2.15.1, pytest 6.2.5, pytest 9.2.0, pyyaml 6.0.3, \
    redis 8.1.0, requests 2.34.2, sqlalchemy 1.4.54, sqlalchemy 2.1.9, urllib3 1.26.20, urllib3 2.8.0, uvicorn 0.54.0, \
    werkzeug 2.3.8, werkzeug 3.1.9";

#[test]
fn for_pins_of_python_everything_that_renovate_offers_is_offered_or_a_later_release_of_it() {
    let (mut manifest, mut answers) = (String::new(), Answers::new());
    let index = Python::default();
    for line in unpacked(include_bytes!("data/updates/python-reqs.jsonl.gz")).lines() {
        let value: Value = serde_json::from_str(line).expect("a line");
        let name = value["name"].as_str().expect("a name").to_owned();
        manifest.push_str(&format!("{name}=={}\n", value["pin"].as_str().expect("a version")));
        let package = Package { ecosystem: Ecosystem::Python, registry: None, name };
        let mut reader = index.reader(&package, false);
        reader.feed(value["simple"].to_string().as_bytes()).expect("an index");
        let mut releases = reader.end().expect("releases");
        releases.retain(|release| release.published.is_none_or(|published| published <= PINS));
        answers.insert(package, Looked::Releases(releases));
    }
    let found = python::extract(&Texts::from([("requirements.txt".to_owned(), manifest)]));
    let decision = decide(&found, &answers, &Policy { cooldown: 0, ..Policy::at(PINS) });
    let mut offered: Vec<String> =
        decision.proposals.iter().map(|offer| format!("{} {}", offer.name, offer.to)).collect();
    offered.sort();
    let missing: Vec<&str> = RENOVATE.split(", ").filter(|one| !offered.iter().any(|it| it == one)).collect();
    assert_eq!(missing, ["certifi 2026.10.18"], "of {offered:?}");
    let more: Vec<&String> = offered.iter().filter(|one| !RENOVATE.split(", ").any(|it| it == *one)).collect();
    // A post release is the newest of certifi; the others are safe and Renovate has nothing safe for them.
    assert_eq!(more, ["black 21.12b0", "certifi 2026.10.19.post1", "fastapi 0.65.3", "httpx 0.18.2"]);
    assert_eq!((found.declared.len(), decision.held.len(), decision.unknown.len()), (30, 0, 0));
}
