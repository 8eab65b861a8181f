//! What a newcomer types, and what the papers name, exists.

use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fairway::settings::SETTINGS;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every paper and file of configuration that names commands or settings.
fn papers() -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> = ["Dockerfile", "fly.toml", "Makefile"].iter().map(PathBuf::from).collect();
    for folder in ["", "docs"] {
        let entries = std::fs::read_dir(root().join(folder)).expect("the folder is there");
        let names = entries.flatten().map(|entry| Path::new(folder).join(entry.file_name()));
        paths.extend(names.filter(|path| path.extension().is_some_and(|e| e == "md")));
    }
    paths.iter().map(|path| (path.display().to_string(), read(path))).collect()
}

/// The words of `text` that begin with `start`, without it.
fn words_after<'t>(text: &'t str, start: &'t str, allowed: fn(char) -> bool) -> impl Iterator<Item = &'t str> {
    text.match_indices(start).map(move |(at, _)| {
        let rest = &text[at + start.len()..];
        &rest[..rest.find(|c| !allowed(c)).unwrap_or(rest.len())]
    })
}

#[test]
fn every_setting_that_a_paper_names_exists() {
    let mut known: BTreeSet<String> = BTreeSet::from(["CONFIG".to_owned(), "SOAK".to_owned(), String::new()]);
    for setting in SETTINGS {
        known.insert(setting.key.to_owned());
        if setting.secret {
            known.insert(format!("{}_FILE", setting.key));
        }
    }
    let is_name = |c: char| c.is_ascii_uppercase() || c == '_';
    for (path, text) in papers() {
        for name in words_after(&text, "FAIRWAY_", is_name) {
            let is_test = name.starts_with("TEST_");
            assert!(is_test || known.contains(name), "{path} names FAIRWAY_{name}, which is no setting");
        }
    }
}

#[test]
fn every_make_target_that_a_paper_names_exists() {
    let makefile = read("Makefile");
    let targets: BTreeSet<&str> = makefile
        .lines()
        .filter(|line| !line.starts_with(['\t', '#', '.']))
        .filter_map(|line| Some(line.split_once(':')?.0))
        .collect();
    let is_name = |c: char| c.is_ascii_lowercase() || c == '-';
    let mut named = 0;
    for (path, text) in papers() {
        // In a code span or at the start of a line of an example: "make it" is prose.
        for start in ["`make ", "\nmake "] {
            for name in words_after(&text, start, is_name) {
                assert!(targets.contains(name), "{path} names `make {name}`, which is no target");
                named += 1;
            }
        }
    }
    assert!(named > 3, "only {named} targets were found in the papers");
}

#[test]
fn ci_runs_the_test_command_of_the_readers() {
    assert!(read(".ci/run").contains("\nexec make test\n"));
    let mode = std::fs::metadata(root().join(".ci/run")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o111, 0o111, ".ci/run is not executable");
}

/// `scripts/setup PURPOSE` where only `programs` are installed and nothing may be.
fn setup(purpose: &str, programs: &[&str]) -> Output {
    let bin = tempfile::tempdir().expect("a directory");
    for program in programs {
        // Only asked whether they are there, except for the shell's own tools.
        let real = Path::new("/bin").join(program);
        let target = if real.exists() { real } else { PathBuf::from("/bin/sh") };
        symlink(target, bin.path().join(program)).expect("a link");
    }
    Command::new("/bin/sh")
        .arg(root().join("scripts/setup"))
        .arg(purpose)
        .env_clear()
        .env("PATH", bin.path())
        .output()
        .expect("sh runs")
}

fn said(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&both).into_owned()
}

#[test]
fn setup_names_what_is_missing_in_one_line_with_the_command() {
    let output = setup("test", &["ls", "cargo", "cc", "make", "postgres", "openssl"]);
    let said = said(&output);
    assert!(!output.status.success());
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("setup: missing:"), "{said}");
    let (missing, command) = said.split_once("; type: ").expect("the command");
    assert!(command.starts_with("sudo apt-get update && sudo apt-get install"), "{said}");
    for package in ["git", "bubblewrap", "chromium"] {
        assert!(missing.contains(package) && command.contains(package), "{said}");
    }
    assert!(!missing.contains("postgresql"), "{said}");
}

#[test]
fn the_demo_goes_on_without_bubblewrap_and_says_so() {
    let output = setup("demo", &["ls", "cargo", "cc", "git", "make"]);
    let said = said(&output);
    // The C library's headers and the certificates are asked of the machine itself.
    if Path::new("/usr/include/stdio.h").exists() && Path::new("/etc/ssl/certs/ca-certificates.crt").exists() {
        assert!(output.status.success(), "{said}");
        assert!(said.contains("isolated less"), "{said}");
    }
    let without_rust = setup("demo", &["ls", "cc", "git", "make"]);
    assert!(!without_rust.status.success());
    assert!(String::from_utf8_lossy(&without_rust.stderr).contains("Rust is missing"));
}
