use super::{Texts, extract};
use crate::domain::update::model::{Found, Origin, Purpose};

fn found(files: &[(&str, &str)]) -> Found {
    extract(&files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect::<Texts>())
}

/// `file:line name requirement [locked]`.
fn lines(found: &Found) -> Vec<String> {
    let told = |d: &super::super::model::Declared| {
        format!("{}:{} {} {} {:?}", d.file, d.line, d.name, d.requirement, d.locked)
    };
    found.declared.iter().map(told).collect()
}

fn package(name: &str, version: &str, needs: &[&str]) -> String {
    let source = "source = \"registry+https://forge.example/rust-lang/crates.io-index\"";
    format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{source}\ndependencies = {needs:?}\n\n")
}

fn own(name: &str, needs: &[&str]) -> String {
    format!("[[package]]\nname = \"{name}\"\nversion = \"0.1.0\"\ndependencies = {needs:?}\n\n")
}

#[test]
fn every_way_to_ask_for_a_crate_is_read_with_its_line() {
    let manifest = r#"[package]
name = "shop"
rust-version = "1.74"

[dependencies]
serde = "1"
log.version = "0.4"
json = { package = "serde_json", version = "1.0" }
corp = { version = "2", registry = "corp" }

[dependencies.tokio]
features = ["rt"]
version = "1.14"

[target.'cfg(unix)'.dependencies]
libc = "0.2"

[dev-dependencies]
insta = "=1.2.3"

[build-dependencies]
cc = "1"
"#;
    let found = found(&[("Cargo.toml", manifest)]);
    assert_eq!(
        lines(&found),
        [
            "Cargo.toml:6 serde 1 []",
            "Cargo.toml:7 log 0.4 []",
            "Cargo.toml:8 serde_json 1.0 []",
            "Cargo.toml:9 corp 2 []",
            "Cargo.toml:13 tokio 1.14 []",
            "Cargo.toml:16 libc 0.2 []",
            "Cargo.toml:19 insta =1.2.3 []",
            "Cargo.toml:22 cc 1 []",
        ]
    );
    assert_eq!(found.declared[3].origin, Origin::Named("corp".to_owned()));
    assert_eq!(found.declared[6].purpose, Purpose::Development);
    assert_eq!(found.declared[7].purpose, Purpose::Build);
    assert_eq!(found.toolchains, [("rust".to_owned(), "1.74".to_owned())]);
    assert_eq!(found.notes, [""; 0]);
}

#[test]
fn what_comes_from_git_or_a_folder_is_left_alone_and_its_token_is_not_kept() {
    let manifest = "[package]\nname = \"a\"\n[dependencies]\n\
        b = { git = \"https://x:ghs_secret@forge.example/o/b?private_token=ghs_secret\", branch = \"main\" }\n\
        c = { path = \"../c\", version = \"1\" }\n";
    let lock = format!(
        "{}[[package]]\nname = \"b\"\nversion = \"1.0.0\"\nsource = \"git+https://x:ghs_secret@forge.example/o/b?branch=main#abc\"\n",
        own("a", &["b"])
    );
    let found = found(&[("Cargo.toml", manifest), ("Cargo.lock", &lock)]);
    let origins: Vec<&Origin> = found.declared.iter().map(|d| &d.origin).collect();
    assert_eq!(
        origins,
        [&Origin::Elsewhere("git https://forge.example/o/b".to_owned()), &Origin::Elsewhere("path ../c".to_owned())]
    );
    assert!(!format!("{found:?}").contains("ghs_secret"));
}

#[test]
fn a_workspace_asks_once_for_what_its_members_inherit() {
    let root = "[workspace]\nmembers = [\"crates/*\"]\n[workspace.package]\nrust-version = \"1.70\"\n\
        [workspace.dependencies]\nserde = \"1\"\nunused = \"3\"\n";
    let member = "[package]\nname = \"one\"\nrust-version.workspace = true\n[dependencies]\nserde = { workspace = true, features = [\"derive\"] }\nrand = \"0.8\"\n";
    let lock = own("one", &["rand", "serde"]) + &package("rand", "0.8.4", &[]) + &package("serde", "1.0.1", &[]);
    let found = found(&[("Cargo.toml", root), ("crates/one/Cargo.toml", member), ("Cargo.lock", &lock)]);
    assert_eq!(
        lines(&found),
        [
            "Cargo.toml:6 serde 1 [\"1.0.1\"]",
            "Cargo.toml:7 unused 3 []",
            "crates/one/Cargo.toml:6 rand 0.8 [\"0.8.4\"]"
        ]
    );
    assert_eq!(found.toolchains, [("rust".to_owned(), "1.70".to_owned())]);
    assert_eq!(found.notes, [""; 0]);
}

#[test]
fn of_a_crate_that_is_locked_twice_each_line_has_its_own() {
    let manifest = "[package]\nname = \"a\"\n[dependencies]\ntower-http = \"0.2\"\nold = { package = \"tower-http\", version = \">=0.1\" }\n";
    let lock = own("a", &["tower-http 0.1.2", "tower-http 0.2.0"])
        + &package("tower-http", "0.1.2", &[])
        + &package("tower-http", "0.2.0", &[]);
    let found = found(&[("Cargo.toml", manifest), ("Cargo.lock", &lock)]);
    assert_eq!(found.declared[0].locked, ["0.2.0"]);
    assert_eq!(found.declared[1].locked, ["0.1.2", "0.2.0"], "it is not clear which of the two is meant");
}

#[test]
fn locks_of_all_versions_say_who_needs_whom() {
    let registry = "registry+https://forge.example/rust-lang/crates.io-index";
    let first = format!(
        "[root]\nname = \"a\"\nversion = \"0.1.0\"\ndependencies = [\"b 1.0.0 ({registry})\"]\n\n\
         [[package]]\nname = \"b\"\nversion = \"1.0.0\"\nsource = \"{registry}\"\n\n[metadata]\n\"checksum b 1.0.0 ({registry})\" = \"00\"\n"
    );
    let fourth = format!("version = 4\n\n{}{}", own("a", &["b"]), package("b", "1.0.0", &[]));
    let fifth = fourth.replace("version = 4", "version = 5");
    for (lock, notes) in [(first, 0), (fourth, 0), (fifth, 1)] {
        let found =
            found(&[("Cargo.toml", "[package]\nname = \"a\"\n[dependencies]\nb = \"1\""), ("Cargo.lock", &lock)]);
        assert_eq!(found.locked[0].needs, [1], "{lock}");
        assert_eq!(found.declared[0].locked, ["1.0.0"]);
        assert_eq!(found.notes.len(), notes, "{:?}", found.notes);
    }
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_read() {
    let good = "[package]\nname = \"good\"\n[dependencies]\nserde = \"1\"\n";
    let merge = "[dependencies]\n<<<<<<< HEAD\nserde = \"1\"\n=======\nserde = \"2\"\n>>>>>>> main\n";
    let twice = "[dependencies]\nserde = \"1\"\n[dependencies]\nlog = \"1\"\n";
    let windows = "\u{feff}[package]\r\nname = \"w\"\r\n\r\n[dependencies]\r\nlog = \"0.4\"\r\n";
    let found = found(&[
        ("a/Cargo.toml", merge),
        ("b/Cargo.toml", twice),
        ("c/Cargo.toml", good),
        ("c/Cargo.lock", "[[package]]\nname = 1\n"),
        ("d/Cargo.toml", windows),
        ("e/Cargo.toml", "dependencies = 3\n"),
        ("f/Cargo.toml", "[package]\nname = \"f\"\nworkspace = \"../g\"\n"),
        ("g/Cargo.toml", "[package]\nname = \"g\"\nworkspace = \"../f\"\n"),
    ]);
    assert_eq!(lines(&found), ["c/Cargo.toml:4 serde 1 []", "d/Cargo.toml:5 log 0.4 []"]);
    insta::assert_snapshot!(found.notes.join("\n"), @"
    f/Cargo.toml names ../g as its workspace, and that is none; it was read alone.
    g/Cargo.toml names ../f as its workspace, and that is none; it was read alone.
    a/Cargo.toml is not read: line 2 is the marker of a merge that is not finished
    b/Cargo.toml is not read: line 3: duplicate key
    c/Cargo.lock is not read: line 2: invalid type: integer `1`, expected a string
    ");
}

#[test]
fn a_lock_that_disagrees_with_its_manifest_is_said() {
    let manifest = "[package]\nname = \"a\"\n[dependencies]\nb = \"2\"\nc = \"1\"\n";
    let lock = own("a", &["b", "gone"]) + &package("b", "1.0.0", &[]);
    let found = found(&[("Cargo.toml", manifest), ("Cargo.lock", &lock)]);
    assert_eq!(found.declared[0].locked, [""; 0]);
    insta::assert_snapshot!(found.notes.join("\n"), @"
    Cargo.lock needs what it does not hold (gone, 1 in all); type: cargo generate-lockfile
    Cargo.toml:4 asks for b 2, and Cargo.lock has 1.0.0; type: cargo update --workspace
    Cargo.toml:5 asks for c 1, and Cargo.lock has none; type: cargo update --workspace
    ");
}

#[test]
fn a_copy_in_the_registrys_place_is_left_alone() {
    let manifest = "[package]\nname = \"a\"\n[dependencies]\nb = \"1\"\n[patch.crates-io]\nb = { path = \"b\" }\n";
    let lock = own("a", &["b"]) + "[[package]]\nname = \"b\"\nversion = \"1.0.0\"\n";
    let found = found(&[("Cargo.toml", manifest), ("Cargo.lock", &lock)]);
    assert_eq!(found.declared[0].origin, Origin::Elsewhere("path".to_owned()));
}

#[test]
fn tests_and_vendored_code_count_only_where_the_project_lists_them() {
    let root = "[workspace]\nmembers = [\"examples/one\"]\n";
    let crate_of = |name: &str| format!("[package]\nname = \"{name}\"\n[dependencies]\n{name}-dep = \"1\"\n");
    let found = found(&[
        ("Cargo.toml", root),
        ("examples/one/Cargo.toml", &crate_of("one")),
        ("examples/two/Cargo.toml", &crate_of("two")),
        ("vendor/three/Cargo.toml", &crate_of("three")),
        ("vendor/three/broken/Cargo.toml", "= = ="),
    ]);
    assert_eq!(lines(&found), ["examples/one/Cargo.toml:4 one-dep 1 []"]);
    assert_eq!(found.notes.len(), 1, "{:?}", found.notes);
}

#[test]
fn the_lowest_rust_counts_and_a_channel_without_a_number_does_not() {
    let with = |rust: &str| format!("[package]\nname = \"a\"\nrust-version = \"{rust}\"\n");
    let rust = |channel: &str, version: &str| {
        let found =
            found(&[("rust-toolchain.toml", channel), ("Cargo.toml", &with(version)), ("b/Cargo.toml", &with("1.80"))]);
        found.toolchains.into_iter().map(|(_, version)| version).collect::<Vec<_>>()
    };
    assert_eq!(rust("[toolchain]\nchannel = \"1.9\"\n", "1.74"), ["1.9"]);
    assert_eq!(rust("nightly-2026-01-01", "1.100"), ["1.80"]);
    assert_eq!(rust("[toolchain]\nchannel = \"stable\"", "nonsense"), ["1.80"]);
}

#[test]
fn a_lock_of_two_hundred_thousand_lines_is_read() {
    let mut lock = String::from("version = 4\n\n");
    let count = 33_400;
    for at in 0..count {
        lock.push_str(&package(&format!("crate{at}"), "1.0.0", &[&format!("crate{}", (at + 1) % count)]));
    }
    assert!(lock.lines().count() > 200_000);
    let found =
        found(&[("Cargo.toml", "[package]\nname = \"a\"\n[dependencies]\ncrate7 = \"1\""), ("Cargo.lock", &lock)]);
    assert_eq!(found.locked.len(), count);
    assert_eq!(found.locked[count - 1].needs, [0], "a circle is a circle");
    assert_eq!(found.declared[0].locked, ["1.0.0"]);
}
