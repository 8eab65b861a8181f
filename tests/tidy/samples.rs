//! Of every rule: a sample that breaks it is found, and one beside it that does not is not.

use std::collections::BTreeMap;

use crate::tree::Tree;
use crate::{check, report, rules};

/// What the checker says of these files. `lib.rs` declares the rooms that they lie in.
fn said(files: &[(&str, &str)]) -> String {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    let mut root = String::new();
    for (path, text) in files {
        texts.insert((*path).to_owned(), (*text).to_owned());
        let room = path.trim_start_matches("src/").trim_end_matches(".rs").split('/').next();
        let line = format!("mod {};\n", room.unwrap_or_default());
        if !root.contains(&line) {
            root.push_str(&line);
        }
    }
    texts.entry("src/lib.rs".to_owned()).or_insert(root);
    report(&check(&Tree::of(&texts)))
}

/// `rules` in the findings of `files`, in their order.
fn finds(files: &[(&str, &str)], rules: &[&str]) {
    let said = said(files);
    let found: Vec<&str> = said.lines().filter_map(|l| l.split(['[', ']']).nth(1)).collect();
    assert_eq!(found, rules, "of {files:?} it said:\n{said}");
}

#[test]
fn a_finding_names_file_line_rule_and_way_out() {
    let said = said(&[("src/store/mod.rs", "//! x\nuse crate::web::page;\n")]);
    assert_eq!(
        said,
        "src/store/mod.rs:2: [floors] store imports web, upward; pass a value, or move what both need to a lower floor"
    );
}

#[test]
fn imports_upward_and_sideways_are_found_wherever_they_hide() {
    finds(&[("src/store.rs", "use crate::github::Client;")], &["floors"]);
    finds(&[("src/domain/mod.rs", "use crate::{clock::Clock};")], &["floors"]);
    finds(&[("src/store.rs", "fn f() { crate::worker::go() }")], &["floors"]);
    finds(&[("src/store.rs", "fn f() { assert_eq!(1, crate::worker::go()) }")], &["floors"]);
    finds(&[("src/store/mod.rs", "mod a;"), ("src/store/a.rs", "use super::super::web::x;")], &["floors"]);
    finds(&[("src/web.rs", "use crate::worker::x;")], &["floors"]);
    finds(&[("src/attic.rs", "")], &["floors"]);
    finds(&[("src/web.rs", "use crate::{store::Store, domain, context::Context};")], &[]);
    finds(&[("src/store.rs", "#[cfg(test)]\nmod tests { use crate::web::x; }")], &[]);
}

#[test]
fn the_playground_stands_alone() {
    finds(&[("src/playground/mod.rs", "use crate::domain::ids;")], &["playground"]);
    finds(&[("src/web.rs", "use crate::playground::Playground;")], &["playground"]);
    finds(&[("src/cli.rs", "use crate::playground::Playground;")], &[]);
}

#[test]
fn a_crate_stays_behind_its_door() {
    finds(&[("src/worker.rs", "fn f(x: octocrab::Octocrab) {}")], &["doors"]);
    finds(&[("src/github.rs", "use octocrab::Octocrab;")], &[]);
}

#[test]
fn circles_are_found_also_around_a_corner() {
    let room = "mod a; mod b; mod c;";
    let a = ("src/store/a.rs", "use super::b::B;");
    let b = ("src/store/b.rs", "use crate::store::c::C;");
    let c = ("src/store/c.rs", "fn f() { super::a::f() }");
    finds(&[("src/store/mod.rs", room), a, b, c], &["circle", "circle", "circle"]);
    finds(&[("src/store/mod.rs", room), a, b, ("src/store/c.rs", "")], &[]);
    finds(&[("src/store/mod.rs", "mod a; pub use a::A;"), ("src/store/a.rs", "use super::X;")], &[]);
}

#[test]
fn sizes_have_limits() {
    let body = |lines: usize| format!("fn f() {{\n{}}}\n", "    g();\n".repeat(lines - 2));
    finds(&[("src/store.rs", &body(71))], &["function size"]);
    finds(&[("src/store.rs", &body(70))], &[]);
    let method = format!("impl S {{ {} }}", body(71));
    finds(&[("src/store.rs", &method)], &["function size"]);
    let test = format!("#[cfg(test)]\nmod tests {{ {} }}", body(500));
    finds(&[("src/store.rs", &test)], &[]);

    finds(&[("src/store.rs", "fn f(a: u8, b: u8, c: u8, d: u8, e: u8, g: u8) {}")], &["parameters"]);
    finds(&[("src/store.rs", "fn f(a: u8, b: u8, c: u8, d: u8, e: u8) {}")], &[]);

    finds(&[("src/store.rs", &"// x\n".repeat(401))], &["file size"]);
    let mostly_tests = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", "// x\n".repeat(400), "// x\n".repeat(9));
    finds(&[("src/store.rs", &mostly_tests)], &[]);
}

#[test]
fn a_folder_holds_sixteen_files() {
    let names: Vec<String> = (0..17).map(|n| format!("src/store/f{n}.rs")).collect();
    for (count, rules) in [(15, &[][..]), (16, &["folder size"][..])] {
        let room: String = (0..count).map(|n| format!("mod f{n};")).collect();
        let mut files = vec![("src/store/mod.rs", room.as_str())];
        files.extend(names[..count].iter().map(|name| (name.as_str(), "")));
        finds(&files, rules);
    }
}

#[test]
fn a_file_that_nobody_declares_is_dead() {
    finds(&[("src/store/mod.rs", "mod a;"), ("src/store/a.rs", ""), ("src/store/b.rs", "")], &["dead file"]);
    finds(&[("src/store/mod.rs", "mod a;"), ("src/store/a.rs", "mod b;"), ("src/store/a/b.rs", "")], &[]);
    finds(&[("src/store.rs", "this is no Rust")], &["parse"]);
}

#[test]
fn a_file_of_tests_is_not_production() {
    let long = "fn f() { x.unwrap() }\n".repeat(500);
    finds(&[("src/store.rs", "#[cfg(test)]\nmod tests;"), ("src/store/tests.rs", &long)], &[]);
}

#[test]
fn the_domain_is_pure() {
    for impure in [
        "async fn f() {}",
        "use std::fs::File;",
        "use std::time::Instant;",
        "fn f() { std::process::exit(1) }",
        "use tokio::sync::Mutex;",
        "fn f() { panic!(\"x\") }",
    ] {
        finds(&[("src/domain/mod.rs", impure)], &["pure domain"]);
    }
    finds(&[("src/domain/mod.rs", "use std::time::Duration; use std::fmt;")], &[]);
}

#[test]
fn environment_time_spawn_and_unwrap_have_their_places() {
    finds(&[("src/store.rs", "fn f() { std::env::var(\"X\"); }")], &["environment"]);
    finds(&[("src/store.rs", "use std::env::var_os;")], &["environment"]);
    finds(&[("src/settings.rs", "fn f() { std::env::var(\"X\"); }")], &[]);
    finds(&[("src/store.rs", "fn f() { Instant::now(); }")], &["time"]);
    finds(&[("src/store.rs", "fn f() { info!(at = jiff::Timestamp::now()); }")], &["time"]);
    finds(&[("src/clock.rs", "fn f() { SystemTime::now(); }")], &[]);
    finds(&[("src/github.rs", "fn f() { tokio::spawn(g()); }")], &["spawn"]);
    finds(&[("src/worker.rs", "fn f() { tokio::spawn(g()); }")], &[]);
    finds(&[("src/store.rs", "fn f() { x().unwrap(); }")], &["unwrap"]);
    finds(&[("src/store.rs", "fn f() { println!(\"{}\", x.unwrap()); }")], &["unwrap"]);
    finds(&[("src/store.rs", "fn f() { x().expect(\"never\").unwrap_or_default(); }")], &[]);
}

#[test]
fn an_ignored_test_says_why() {
    finds(&[("src/store.rs", "#[cfg(test)]\nmod tests { #[test] #[ignore] fn f() {} }")], &["ignore"]);
    finds(&[("src/store.rs", "#[cfg(test)]\nmod tests { #[test] #[ignore = \"slow\"] fn f() {} }")], &[]);
}

#[test]
fn a_path_of_one_machine_is_found() {
    let found = |line: &str| {
        let texts = BTreeMap::from([("a.md".to_owned(), format!("ok\n{line}\n"))]);
        rules::machine_paths(&texts).iter().map(|finding| finding.line).collect::<Vec<_>>()
    };
    for (root, rest) in [("/ho", "me/me/x"), ("/ro", "ot/.cargo"), ("/wo", "rk/main")] {
        assert_eq!(found(&format!("see `{root}{rest}`")), [2]);
        assert_eq!(found(&format!("{root}{rest}")), [2]);
        assert_eq!(found(&format!("https://example.com{root}{rest}")), Vec::<usize>::new());
    }
    assert_eq!(found("--tmpfs /home --dir /root"), Vec::<usize>::new());
}
