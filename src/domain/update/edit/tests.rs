use super::*;
use crate::domain::update::Pin;

mod alone;
mod clients;

fn files(files: &[(&str, &str)]) -> Files {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

fn item(ecosystem: Ecosystem, place: &str, name: &str, (from, to): (&str, &str)) -> Item {
    let (file, line) = place.split_once(':').expect("file:line");
    let (name, file, from, to) = (name.to_owned(), file.to_owned(), from.to_owned(), to.to_owned());
    let line = line.parse().expect("a line");
    Item { ecosystem, name, file, line, from, to, lock_only: line == 0, published: None, pin: None }
}

fn cargo(place: &str, name: &str, versions: (&str, &str)) -> Item {
    item(Ecosystem::Cargo, place, name, versions)
}

/// What changes: lines of files by their number, calls, locks.
fn shown(texts: &Files, items: &[Item]) -> String {
    let plan = match plan(texts, items) {
        Ok(plan) => plan,
        Err(why) => return why,
    };
    let mut out = Vec::new();
    for (path, text) in &plan.files {
        let old = &texts[path];
        assert_eq!(old.matches('\n').count(), text.matches('\n').count());
        for (at, (new, old)) in text.split('\n').zip(old.split('\n')).enumerate() {
            if new != old {
                out.push(format!("{path}:{}: {}", at + 1, new.escape_debug().to_string().replace("\\\"", "\"")));
            }
        }
    }
    out.extend(plan.commands.iter().map(|command| format!("/{} $ {}", command.folder, command.argv.join(" "))));
    out.extend((!plan.locks.is_empty()).then(|| format!("locks: {}", plan.locks.join(", "))));
    out.join("\n")
}

const MANIFEST: &str = r#"[package]
name = "app"
[dependencies]
one = "1.2"      # kept for a reason
two = { version = '0.7.1', features = ["x"] }
three.version = "^1.0"
four = { package = "quatre", version = "~1.2" }
dup = { version = "1", registry = "own" }
[dependencies.five]
features = ["1.2"]
version = "=1.2.3"
[target.'cfg(unix)'.dependencies]
six = ">=1.2, <2"
[dev-dependencies]
one = "1.2"
[workspace]
members = ["a"]
[workspace.dependencies]
seven = "1"
"#;

#[test]
fn every_form_of_a_cargo_line_is_edited_by_its_version_alone() {
    let texts = files(&[
        ("Cargo.toml", MANIFEST),
        ("a/Cargo.toml", "[package]\nname = \"a\"\n[dependencies]\nseven.workspace = true\n"),
    ]);
    let items = [
        cargo("Cargo.toml:4", "one", ("1.2.0", "2.1.0")),
        cargo("Cargo.toml:5", "two", ("0.7.1", "0.8.2")),
        cargo("Cargo.toml:6", "three", ("1.0.3", "2.0.1")),
        cargo("Cargo.toml:7", "quatre", ("1.2.9", "1.3.4")),
        cargo("Cargo.toml:11", "five", ("1.2.3", "1.2.4")),
        cargo("Cargo.toml:13", "six", ("1.9.0", "2.4.0")),
        cargo("Cargo.toml:15", "one", ("1.2.0", "2.1.0")),
        cargo("Cargo.toml:19", "seven", ("1.0.0", "3.0.0")),
    ];
    insta::assert_snapshot!(shown(&texts, &items), @r#"
    Cargo.toml:4: one = "2.1"      # kept for a reason
    Cargo.toml:5: two = { version = \'0.8.2\', features = ["x"] }
    Cargo.toml:6: three.version = "^2.0"
    Cargo.toml:7: four = { package = "quatre", version = "~1.3" }
    Cargo.toml:11: version = "=1.2.4"
    Cargo.toml:13: six = ">=1.2, <3"
    Cargo.toml:15: one = "2.1"
    Cargo.toml:19: seven = "3"
    "#);
    let windows = files(&[("Cargo.toml", &format!("\u{feff}{}", MANIFEST.replace('\n', "\r\n")))]);
    insta::assert_snapshot!(shown(&windows, &items[3..4]), @r#"
    Cargo.toml:7: four = { package = "quatre", version = "~1.3" }\r
    "#);
}

#[test]
fn a_manifest_in_one_line_changes_only_where_it_is_meant() {
    let text = "dependencies = { a = \"1\", b = { version = \"1\" }, c = \"1\" }\n";
    insta::assert_snapshot!(shown(&files(&[("x/Cargo.toml", text)]), &[cargo("x/Cargo.toml:1", "b", ("1.0.0", "2.0.0"))]), @r#"
    x/Cargo.toml:1: dependencies = { a = "1", b = { version = "2" }, c = "1" }
    "#);
}

#[test]
fn a_lock_goes_to_the_very_version_that_is_wanted() {
    let lock = r#"version = 4
[[package]]
name = "app"
version = "0.1.0"
dependencies = ["serde", "serde_derive", "rand 0.7.3", "one"]
[[package]]
name = "one"
version = "1.0.0"
source = "registry+https://forge.example/rust-lang/crates.io-index"
dependencies = ["rand 0.8.4"]
[[package]]
name = "rand"
version = "0.7.3"
source = "registry+https://forge.example/rust-lang/crates.io-index"
[[package]]
name = "rand"
version = "0.8.4"
source = "registry+https://forge.example/rust-lang/crates.io-index"
[[package]]
name = "serde"
version = "1.0.100"
source = "registry+https://forge.example/rust-lang/crates.io-index"
dependencies = ["serde_derive"]
[[package]]
name = "serde_derive"
version = "1.0.100"
source = "registry+https://forge.example/rust-lang/crates.io-index"
"#;
    let manifest =
        "[package]\nname = \"app\"\n[dependencies]\nserde_derive = \"1\"\nserde = \"1\"\nrand = \"0.7\"\none = \"1\"\n";
    let texts = files(&[("app/Cargo.toml", manifest), ("app/Cargo.lock", lock)]);
    let derive = Item { lock_only: true, ..cargo("app/Cargo.toml:4", "serde_derive", ("1.0.100", "1.0.200")) };
    let serde = Item { lock_only: true, ..cargo("app/Cargo.toml:5", "serde", ("1.0.100", "1.0.200")) };
    let transitive = cargo("app/Cargo.lock:0", "rand", ("0.8.4", "0.8.5"));
    let breaking = cargo("app/Cargo.toml:6", "rand", ("0.7.3", "0.8.5"));
    insta::assert_snapshot!(shown(&texts, std::slice::from_ref(&transitive)), @"
    /app $ cargo update --package rand@0.8.4 --precise 0.8.5
    locks: app/Cargo.lock
    ");
    insta::assert_snapshot!(shown(&texts, &[derive, serde.clone(), serde, transitive]), @"
    /app $ cargo update --package rand@0.8 --precise 0.8.5
    /app $ cargo update --package serde@1 --precise 1.0.200
    /app $ cargo update --package serde_derive@1 --precise 1.0.200
    locks: app/Cargo.lock
    ");
    insta::assert_snapshot!(shown(&texts, std::slice::from_ref(&breaking)), @r#"
    app/Cargo.toml:6: rand = "0.8"
    /app $ cargo update --workspace
    /app $ cargo update --package rand@0.8 --precise 0.8.5
    locks: app/Cargo.lock
    "#);
    insta::assert_snapshot!(shown(&texts, &[Item { to: "0.8.3".to_owned(), ..breaking }]), @r#"
    app/Cargo.toml:6: rand = "0.8"
    /app $ cargo update --workspace
    locks: app/Cargo.lock
    "#);
}

#[test]
fn a_package_that_comes_into_a_new_range_with_who_needs_it_is_named_by_that_range() {
    let source = "source = \"registry+https://forge.example/rust-lang/crates.io-index\"\n";
    let package = |name: &str, version: &str, needs: &str| {
        format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{source}dependencies = [{needs}]\n")
    };
    let own = "version = 4\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\"url\"]\n";
    let lock = [own.to_owned(), package("idna", "0.2.3", ""), package("url", "2.2.2", "\"idna\"")].concat();
    let manifest = "[package]\nname = \"app\"\nversion = \"0.1.0\"\n[dependencies]\nurl = \"2\"\n";
    let idna = cargo("Cargo.lock:0", "idna", ("0.2.3", "1.0.3"));
    let url = cargo("Cargo.lock:0", "url", ("2.2.2", "2.5.1"));
    let texts = files(&[("Cargo.toml", manifest), ("Cargo.lock", &lock)]);
    let together = [idna.clone(), url];
    assert_eq!(
        shown(&texts, &together),
        "/ $ cargo update --package url@2 --precise 2.5.1\n/ $ cargo update --package idna@1 --precise 1.0.3\nlocks: Cargo.lock"
    );
    // Who stays has to take it instead, and cargo says whether it does.
    assert!(shown(&texts, std::slice::from_ref(&idna)).contains("--package idna@0.2.3 --precise 1.0.3"));
    let held = lock.replace("[\"url\"]", "[\"url\", \"idna\"]");
    let texts = files(&[("Cargo.toml", manifest), ("Cargo.lock", &held)]);
    assert!(shown(&texts, &together).contains("--package idna@0.2 --precise 1.0.3"));
}

#[test]
fn what_is_not_as_the_item_says_is_left_alone_as_a_whole() {
    let texts = files(&[("Cargo.toml", MANIFEST)]);
    let good = cargo("Cargo.toml:4", "one", ("1.2.0", "2.1.0"));
    let wrong = [
        cargo("Cargo.toml:5", "one", ("1.2.0", "2.1.0")),
        cargo("Cargo.toml:4", "one", ("1.1.0", "2.1.0")),
        cargo("b/Cargo.toml:4", "one", ("1.2.0", "2.1.0")),
        cargo("Cargo.lock:0", "deep", ("1.2.0", "1.2.1")),
        Item { to: "3.0.0".to_owned(), ..good.clone() },
    ];
    let said: Vec<String> = wrong.map(|wrong| shown(&texts, &[wrong, good.clone()])).into();
    insta::assert_snapshot!(said.join("\n"), @"
    Cargo.toml:5 does not ask for one 1.2.0 any more; the next look finds what it asks for
    Cargo.toml:4 does not ask for one 1.1.0 any more; the next look finds what it asks for
    b/Cargo.toml is not there any more; the next look finds where one is
    there is no Cargo.lock that could change for deep (Cargo.lock)
    Cargo.toml:4 cannot ask for two versions of one at once; take 2.1.0 apart from the others
    ");
    let merging = files(&[("Cargo.toml", "[dependencies]\n<<<<<<< HEAD\none = \"1.2\"\n")]);
    insta::assert_snapshot!(shown(&merging, &[good]), @"Cargo.toml is not read: line 2 is the marker of a merge that is not finished");
}

const OLD: &str = "0123456789012345678901234567890123456789";
const NEW: &str = "abcdefabcdefabcdefabcdefabcdefabcdefabcd";

fn pinned(item: Item, (from, to): (&str, &str)) -> Item {
    Item { pin: Some(Pin { from: from.to_owned(), to: to.to_owned(), moved: None }), ..item }
}

#[test]
fn a_pinned_commit_and_its_comment_change_together() {
    let text = [
        "steps:",
        &format!("  - uses: a/one@{OLD} # v4.1.2"),
        &format!("  - uses: \"a/two@{OLD}\"   #v4.1.2 (see v4.1.2)"),
        &format!("  - uses: a/three/sub@{OLD} # tag=v4.1.2"),
        &format!("  - uses: a/four@{OLD} # ratchet:a/four@v4"),
        &format!("  - uses: a/five@{OLD} # pinned, 4.1.2"),
        &format!("  - uses: a/six@{OLD}"),
        &format!("  - uses: a/seven@{OLD} # see issue 12"),
        "",
    ]
    .join("\r\n");
    let path = ".github/workflows/ci.yml";
    let texts = files(&[(path, &text)]);
    let names = ["one", "two", "three", "four", "five", "six", "seven"];
    let items: Vec<Item> = names
        .iter()
        .zip(2..)
        .map(|(name, line)| {
            let versions = if *name == "four" { ("v4", "v5") } else { ("v4.1.2", "v4.2.0") };
            let place = format!("{path}:{line}");
            pinned(item(Ecosystem::Actions, &place, &format!("a/{name}"), versions), (OLD, NEW))
        })
        .collect();
    insta::assert_snapshot!(shown(&texts, &items), @r#"
    .github/workflows/ci.yml:2:   - uses: a/one@abcdefabcdefabcdefabcdefabcdefabcdefabcd # v4.2.0\r
    .github/workflows/ci.yml:3:   - uses: "a/two@abcdefabcdefabcdefabcdefabcdefabcdefabcd"   #v4.2.0 (see v4.1.2)\r
    .github/workflows/ci.yml:4:   - uses: a/three/sub@abcdefabcdefabcdefabcdefabcdefabcdefabcd # tag=v4.2.0\r
    .github/workflows/ci.yml:5:   - uses: a/four@abcdefabcdefabcdefabcdefabcdefabcdefabcd # ratchet:a/four@v5\r
    .github/workflows/ci.yml:6:   - uses: a/five@abcdefabcdefabcdefabcdefabcdefabcdefabcd # pinned, 4.2.0\r
    .github/workflows/ci.yml:7:   - uses: a/six@abcdefabcdefabcdefabcdefabcdefabcdefabcd\r
    .github/workflows/ci.yml:8:   - uses: a/seven@abcdefabcdefabcdefabcdefabcdefabcdefabcd # see issue 12\r
    "#);
    let gone = pinned(item(Ecosystem::Actions, &format!("{path}:2"), "a/one", ("v4.1.2", "v4.2.0")), (NEW, OLD));
    let said = shown(&texts, &[gone]);
    assert!(said.contains("does not ask for a/one v4.1.2 any more"), "{said}");
}

#[test]
fn a_tag_and_its_digest_change_together() {
    let (old, new) = ("sha256:0123", "sha256:abcd");
    let docker = format!(
        "FROM --platform=linux/amd64 host.test:5000/node:22.1-alpine@{old} AS build\nRUN true\nFROM node:22@{old}\n"
    );
    let toml = format!("[pipeline.test]\nimage = \"rust:1.94@{old}\" # for now\n");
    let texts = files(&[("Dockerfile", &docker), ("fairway.toml", &toml)]);
    let image = |place: &str, name: &str, versions| pinned(item(Ecosystem::Image, place, name, versions), (old, new));
    let items = [
        image("Dockerfile:1", "host.test:5000/node", ("22.1-alpine", "22.4-alpine")),
        image("Dockerfile:3", "node", ("22", "22")),
        image("fairway.toml:2", "rust", ("1.94", "1.95")),
    ];
    insta::assert_snapshot!(shown(&texts, &items), @r#"
    Dockerfile:1: FROM --platform=linux/amd64 host.test:5000/node:22.4-alpine@sha256:abcd AS build
    Dockerfile:3: FROM node:22@sha256:abcd
    fairway.toml:2: image = "rust:1.95@sha256:abcd" # for now
    "#);
}
