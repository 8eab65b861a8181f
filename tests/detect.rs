//! What is found in repositories, and what is made of it. Each `tests/detect/NAME.txt` is a repository in one file: a
//! line on what it is, then its files, each after a line `-- PATH --` (`-- PATH +x --` for one that may be started).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use fairway::domain::detect::{Detected, Draft, Entry, Mode, Note, Texts, Tree, Why, detect, propose, wanted};
use fairway::domain::project;
use fairway::domain::speech::onboard;

fn samples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/detect");
    let entries = std::fs::read_dir(folder).expect("the samples").map(|entry| entry.expect("a sample").path());
    let mut paths: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "txt")).collect();
    paths.sort();
    paths
}

/// The files of a sample.
fn files(sample: &str) -> Vec<(Entry, Vec<u8>)> {
    let mut files: Vec<(Entry, Vec<u8>)> = Vec::new();
    for line in sample.lines() {
        if let Some(head) = line.strip_prefix("-- ").and_then(|rest| rest.strip_suffix(" --")) {
            let (path, mode) = match head.strip_suffix(" +x") {
                Some(path) => (path, Mode::Executable),
                None => (head, Mode::File),
            };
            files.push((Entry { path: path.to_owned(), mode, size: None }, Vec::new()));
        } else if let Some((_, text)) = files.last_mut() {
            text.extend(line.bytes().chain([b'\n']));
        }
    }
    files
}

/// Both phases, as the caller has to go through them.
fn both(files: &[(Entry, Vec<u8>)], truncated: bool) -> (Detected, Vec<Draft>) {
    let tree = Tree::new(files.iter().map(|(entry, _)| entry.clone()).collect(), truncated);
    let wanted = wanted(&tree);
    let mut texts = Texts::default();
    for path in &wanted.paths {
        let (_, bytes) = files.iter().find(|(entry, _)| entry.path == *path).expect("a wanted file is listed");
        texts.add(path, bytes);
    }
    let mut detected = detect(&tree, &texts);
    detected.notes.extend(wanted.notes);
    let drafts = propose(&detected);
    (detected, drafts)
}

fn told(detected: &Detected, drafts: &[Draft]) -> String {
    let mut out = String::new();
    for stack in &detected.stacks {
        let remark = onboard::remark(stack).map(|remark| format!("; {remark}")).unwrap_or_default();
        writeln!(out, "{} ({:?}{remark})", onboard::found(stack), stack.confidence).expect("a string");
        for evidence in stack.evidence.iter().skip(1) {
            writeln!(out, "    {} {}", evidence.place(), evidence.says).expect("a string");
        }
        for command in &stack.commands {
            let place = command.from.place();
            let dir = if command.dir.is_empty() { "." } else { &command.dir };
            let run = command.run.replace('\n', "\n        ");
            writeln!(out, "  {:?} in {dir}: {run}   <- {:?} {place}", command.part, command.origin).expect("a string");
        }
    }
    for line in onboard::notes(detected) {
        writeln!(out, "! {line}").expect("a string");
    }
    format!("{out}\n{}", onboard::file(detected, drafts))
}

#[test]
fn every_sample_is_told_as_its_developers_would_tell_it() {
    let samples = samples();
    assert!(samples.len() >= 40, "only {} samples", samples.len());
    for path in samples {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("a sample");
        let (detected, drafts) = both(&files(&text), false);
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("detect");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_description(text.lines().next().unwrap_or(""));
        settings.bind(|| insta::assert_snapshot!(name, told(&detected, &drafts)));
    }
}

#[test]
fn what_is_proposed_is_a_file_that_fairway_reads() {
    let validator = jsonschema::validator_for(&project::schema()).expect("a schema");
    for path in samples() {
        let (detected, drafts) = both(&files(&std::fs::read_to_string(&path).expect("a sample")), false);
        let text = onboard::file(&detected, &drafts);
        let project =
            project::parse(&text).unwrap_or_else(|problems| panic!("{}: {problems:#?}\n{text}", path.display()));
        let table: toml::Table = text.parse().expect("TOML");
        let value = serde_json::to_value(table).expect("an object");
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
        let names: Vec<&str> = project.pipelines.iter().map(|pipeline| pipeline.name.as_str()).collect();
        let drafted: Vec<&str> = drafts.iter().map(|draft| draft.name.as_str()).collect();
        assert_eq!(names, drafted, "{}", path.display());
        for (pipeline, draft) in project.pipelines.iter().zip(&drafts) {
            assert_eq!((&pipeline.run, &pipeline.env), (&draft.run, &draft.env), "{}", path.display());
        }
    }
}

/// A repository of files that are neither links nor started.
fn plain(files: &[(&str, &[u8])]) -> Vec<(Entry, Vec<u8>)> {
    let entry = |path: &str| Entry { path: path.to_owned(), mode: Mode::File, size: None };
    files.iter().map(|(path, bytes)| (entry(path), bytes.to_vec())).collect()
}

fn titles(detected: &Detected) -> Vec<String> {
    detected.stacks.iter().map(onboard::title).collect()
}

#[test]
fn a_byte_order_mark_and_carriage_returns_change_nothing() {
    let (detected, drafts) = both(
        &plain(&[
            ("Cargo.toml", b"\xef\xbb\xbf[package]\r\nname = \"x\"\r\nedition = \"2024\"\r\n"),
            (
                ".github/workflows/ci.yml",
                b"\xef\xbb\xbfon: [push]\r\njobs:\r\n  t:\r\n    steps:\r\n      - run: |\r\n          cargo test\r\n",
            ),
            ("web/package.json", b"\xef\xbb\xbf{\r\n\"scripts\": {\"test\": \"jest\"}}\r\n"),
        ]),
        false,
    );
    assert_eq!(titles(&detected), ["Rust 2024", "Node with npm"]);
    assert_eq!(detected.stacks[0].evidence[0].line, Some(3));
    assert_eq!(drafts[0].run, ["cargo test"]);
    assert!(!onboard::file(&detected, &drafts).contains('\r'));
}

#[test]
fn bytes_that_are_no_text_are_told_and_do_not_stop_the_rest() {
    let (detected, _) = both(
        &plain(&[("go.mod", b"module x\n\ngo 1.24 // \xff\xfe\n"), ("x.go", b""), ("mix.exs", &[0xff; 64])]),
        false,
    );
    assert_eq!(titles(&detected), ["Go 1.24", "Elixir"]);
    let utf8: Vec<&Note> = detected.notes.iter().filter(|note| matches!(note, Note::NotUtf8 { .. })).collect();
    assert_eq!(utf8.len(), 2, "{:?}", detected.notes);
}

#[test]
fn manifests_that_cannot_be_read_are_named_with_their_line() {
    let (detected, drafts) = both(
        &plain(&[
            ("Cargo.toml", b"[package]\nname = \n"),
            ("package.json", b"{\n  \"name\": \"x\",\n"),
            ("pom.xml", b"<project>\n<modules>\n</project>"),
            (".github/workflows/ci.yml", b"on: [push\njobs: {"),
            ("deep/package.json", "[".repeat(100_000).as_bytes()),
        ]),
        false,
    );
    assert_eq!((titles(&detected), drafts), (Vec::new(), Vec::new()));
    insta::assert_snapshot!(onboard::notes(&detected).join("\n"), @r"
    .github/workflows/ci.yml:2 cannot be read, so nothing is taken from it
    Cargo.toml:2 cannot be read, so nothing is taken from it
    package.json:3 cannot be read, so nothing is taken from it
    pom.xml:3 cannot be read, so nothing is taken from it
    deep/package.json:1 cannot be read, so nothing is taken from it
    ");
}

#[test]
fn a_manifest_of_fifty_megabytes_is_refused_by_its_size() {
    let large = Entry { path: "package.json".to_owned(), mode: Mode::File, size: Some(50_000_000) };
    let (detected, _) = both(&[(large, Vec::new()), plain(&[("go.mod", b"go 1.25\n")]).remove(0)], false);
    assert_eq!(titles(&detected), ["Go 1.25"]);
    assert_eq!(onboard::notes(&detected), ["package.json was not read: it has 50 MB, at most 1 MB is read"]);
    // A listing without sizes: then the bytes tell.
    let (detected, _) = both(&plain(&[("package.json", &vec![b' '; 2_000_000])]), false);
    assert_eq!(onboard::notes(&detected), ["package.json was not read: it has 2 MB, at most 1 MB is read"]);
}

#[test]
fn links_are_not_followed_submodules_not_entered_and_a_cut_listing_is_told() {
    let entry = |path: &str, mode| (Entry { path: path.to_owned(), mode, size: None }, Vec::new());
    let files = [
        entry("package.json", Mode::Link),
        entry("a", Mode::Link),
        entry("lib/engine", Mode::Submodule),
        plain(&[("go.mod", b"go 1.25\n")]).remove(0),
        plain(&[("x.go", b"")]).remove(0),
    ];
    let (detected, drafts) = both(&files, true);
    assert_eq!(titles(&detected), ["Go 1.25"]);
    assert_eq!(drafts.len(), 1);
    insta::assert_snapshot!(onboard::notes(&detected).join("\n"), @r"
    GitHub lists only 5 paths of this repository; what lies beyond was not seen
    lib/engine is a submodule and was not looked into
    ");
}

#[test]
fn an_existing_file_is_said_and_an_empty_repository_is_none() {
    let (detected, _) = both(&plain(&[("fairway.toml", b"")]), false);
    assert_eq!(detected.notes, [Note::Existing]);
    let (detected, drafts) = both(&[], false);
    assert!(detected.stacks.is_empty() && detected.notes.is_empty());
    let file = onboard::file(&detected, &drafts);
    assert_eq!(project::parse(&file).expect("a file of comments").pipelines, []);
}

#[test]
fn hostile_names_and_texts_leave_a_file_that_is_read_and_a_body_that_is_plain() {
    let workflow = "on: [pull_request]\njobs:\n  t:\n    env:\n      X: \"a\\\"b\\\\c\\n'''\\\"\\\"\\\"\"\n    steps:\n      - run: go test ./... # '''\"\"\" ` | <img src=x> @acme/owners\n      - run: \"go vet ./... \\0 \\x07\"\n";
    let folder = "we\"b '[x]{y}*`|@acme";
    let files = [
        ("go.mod", "go 1.25\n"),
        ("x.go", ""),
        (".github/workflows/ci.yml", workflow),
        ("line\nbreak/package.json", "{\"scripts\": {\"test\": \"jest\"}}"),
        (&format!("{folder}/package.json"), "{\"scripts\": {\"test\": \"jest\"}, \"dependencies\": {}}"),
    ];
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
    let (detected, drafts) = both(&plain(&files), false);
    assert_eq!(drafts.len(), 2, "{detected:#?}");
    let file = onboard::file(&detected, &drafts);
    let project = project::parse(&file).unwrap_or_else(|problems| panic!("{problems:#?}\n{file}"));
    assert_eq!(project.pipelines.len(), 2);
    let body = onboard::body(&detected, &drafts);
    let outside: String = body.lines().map(|line| line.split('`').step_by(2).collect::<String>() + "\n").collect();
    for bad in ["<img", "@acme/owners", "@acme"] {
        assert!(!outside.contains(bad), "{bad} in {body}");
    }
}

#[test]
fn at_most_some_dozens_of_files_are_wanted_and_the_rest_is_told() {
    let entry = |n: usize| Entry { path: format!("services/s{n:03}/go.mod"), mode: Mode::File, size: None };
    let tree = Tree::new((0..300).map(entry).collect(), false);
    let first = wanted(&tree);
    assert_eq!(first.paths.len(), fairway::domain::detect::MAX_FILES);
    assert_eq!(first.notes, [Note::NotRead { files: 300 - first.paths.len() }]);
    assert_eq!(first, wanted(&tree), "the same listing gives the same answer");
}

#[test]
fn what_needs_more_than_a_checkout_is_left_out_with_its_reason() {
    let workflow = "on: [pull_request]\njobs:\n  t:\n    steps:\n      - run: go test ./...\n      - run: make test-docker && docker build .\n      - run: go test ./live\n        env: {TOKEN: '${{ secrets.TOKEN }}'}\n";
    let (detected, drafts) = both(
        &plain(&[("go.mod", b"go 1.25\n"), ("x.go", b""), (".github/workflows/ci.yml", workflow.as_bytes())]),
        false,
    );
    assert_eq!(drafts[0].run, ["go test ./..."]);
    let why: Vec<&Why> = detected
        .notes
        .iter()
        .filter_map(|note| if let Note::LeftOut { why, .. } = note { Some(why) } else { None })
        .collect();
    assert_eq!(why, [&Why::Docker, &Why::Secret]);
}
