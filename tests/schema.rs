//! `docs/fairway.schema.json` says what the parser says: what editors show as right is right.

use std::path::{Path, PathBuf};

use fairway::domain::project::{parse, schema};
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn as_json(toml: &str) -> Value {
    let table: toml::Table = toml.parse().unwrap_or_else(|error| panic!("{error}\n{toml}"));
    serde_json::to_value(table).expect("tables become objects")
}

fn errors(toml: &str) -> Vec<String> {
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    validator.iter_errors(&as_json(toml)).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_schema_in_docs_is_the_one_that_is_generated() {
    let path = root().join("docs/fairway.schema.json");
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let wanted = format!("{:#}\n", schema());
    assert!(kept == wanted, "out of date; type: cargo run -- schema > docs/fairway.schema.json");
}

/// The tables of the schema: a path to each, and the text that leads a file there.
fn tables(schema: &Value) -> Vec<(String, String, Vec<String>)> {
    let at = |pointer: &str| schema.pointer(pointer).unwrap_or_else(|| panic!("{pointer} is not there"));
    let keys = |pointer: &str| {
        let keys = at(&format!("{pointer}/properties")).as_object().expect("keys").keys().cloned();
        keys.collect::<Vec<_>>()
    };
    let pipeline = "/properties/pipeline/additionalProperties";
    let environment = "/properties/environment/additionalProperties";
    let service = format!("{pipeline}/properties/services/additionalProperties");
    let needs = format!("{environment}/properties/needs");
    let rule = "/properties/policy/properties/environment/additionalProperties";
    vec![
        (String::new(), String::new(), keys("")),
        ("pipeline.x".to_owned(), "[pipeline.x]\n".to_owned(), keys(pipeline)),
        ("pipeline.x.services.y".to_owned(), "[pipeline.x.services.y]\n".to_owned(), keys(&service)),
        ("environment.x".to_owned(), "[environment.x]\n".to_owned(), keys(environment)),
        ("updates".to_owned(), "[updates]\n".to_owned(), keys("/properties/updates")),
        ("policy".to_owned(), "[policy]\n".to_owned(), keys("/properties/policy")),
        ("policy.environment.x".to_owned(), "[policy.environment.x]\n".to_owned(), keys(rule)),
        ("environment.x.needs".to_owned(), "[environment.x.needs]\n".to_owned(), keys(&needs)),
    ]
}

#[test]
fn each_key_of_the_schema_is_read_by_the_parser_and_no_other_is() {
    let mut seen = 0;
    for (path, head, keys) in tables(&schema()) {
        // Of this one the parser knows only the name.
        for key in keys.into_iter().filter(|key| key != "onboarding") {
            // A date stands under no key, so whoever reads the key complains of it there.
            let problems = parse(&format!("{head}{key} = 1979-05-27\n")).expect_err("a date");
            let name = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let told =
                problems.iter().any(|problem| problem.key == name && !problem.message.starts_with("Unknown key"));
            assert!(told, "{name} is in the schema and not read: {problems:#?}");
            seen += 1;
        }
        let problems = parse(&format!("{head}zzzz = 1\n")).expect_err("an unknown key");
        let hint =
            problems.iter().find_map(|problem| problem.hint.clone().filter(|hint| hint.starts_with("Known are")));
        let known = hint.unwrap_or_else(|| panic!("{problems:#?}"));
        let named: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        let (_, _, keys) = tables(&schema()).into_iter().find(|(other, _, _)| *other == path).expect("the same table");
        let mut sorted = named.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, keys, "in `{path}`");
    }
    assert!(seen > 40, "only {seen} keys");
}

/// Every whole `fairway.toml` that people can copy: files of that name, and blocks of documentation.
fn samples() -> Vec<(PathBuf, String)> {
    let mut found = vec![(PathBuf::from("fairway.toml"), include_str!("../fairway.toml").to_owned())];
    let docs = std::fs::read_dir(root().join("docs")).expect("docs").map(|entry| entry.expect("a page").path());
    let pages = docs.chain([root().join("README.md")]).filter(|path| path.extension().is_some_and(|end| end == "md"));
    for page in pages {
        let text = std::fs::read_to_string(&page).expect("a page");
        let blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
        let ours = blocks.filter(|block| {
            block.contains("[pipeline.") || block.contains("[environment.") || block.contains("[policy.")
        });
        found.extend(ours.map(|block| (page.clone(), block.to_owned())));
    }
    found
}

#[test]
fn what_people_can_copy_is_right_in_the_schema_and_in_the_parser() {
    let samples = samples();
    assert!(samples.len() >= 3, "only {} samples", samples.len());
    for (path, text) in samples {
        assert_eq!(errors(&text), Vec::<String>::new(), "{}\n{text}", path.display());
        // A part of a file may name pipelines that stand elsewhere.
        let problems = parse(&text).err().unwrap_or_default();
        let own: Vec<_> = problems.iter().filter(|problem| problem.message.contains("Unknown key")).collect();
        assert!(own.is_empty(), "{}: {own:#?}", path.display());
    }
}

#[test]
fn what_the_parser_refuses_by_shape_the_schema_refuses_too() {
    let bad = [
        "pipelines = 1",
        "pipeline = 1",
        "plan = 3",
        "[pipeline.Test]\nrun = ['x']",
        "[pipeline.a]\n",
        "[pipeline.a]\nrun = 'make'",
        "[pipeline.a]\nrun = ['make']\ndagger = 'check'",
        "[pipeline.a]\nrun = ['make', 1]",
        "[pipeline.a]\nrun = [' ']",
        "[pipeline.a]\nrunn = ['make']",
        "[pipeline.a]\nrun = ['x']\non = ['pull_requests']",
        "[pipeline.a]\nrun = ['x']\non = []",
        "[pipeline.a]\nrun = ['x']\nimage = 'two words'",
        "[pipeline.a]\nrun = ['x']\nimage = ''",
        "[pipeline.a]\nrun = ['x']\ntimeout = '10 minutes'",
        "[pipeline.a]\nrun = ['x']\ntimeout = ''",
        "[pipeline.a]\nrun = ['x']\ntimeout = '1s1h'",
        "[pipeline.a]\nrun = ['x']\npaths = ['!docs']",
        "[pipeline.a]\nrun = ['x']\npaths = ['/etc']",
        "[pipeline.a]\nrun = ['x']\nreport = ['target/junit.xml']",
        "[pipeline.a]\nrun = ['x']\nreport = ['tap:x']",
        "[pipeline.a]\nrun = ['x']\nexport = '/dist'",
        "[pipeline.a]\nrun = ['x']\nenv = { '1A' = 'x' }",
        "[pipeline.a]\nrun = ['x']\nenv = { A = ['x'] }",
        "[pipeline.a]\nrun = ['x']\nsecrets = ['A-B']",
        "[pipeline.a]\nrun = ['x']\nservices.db = { port = 5432 }",
        "[pipeline.a]\nrun = ['x']\nservices.db = { image = 'x', port = 0 }",
        "[pipeline.a]\nrun = ['x']\nservices.db = { image = 'x', ports = 1 }",
        "[environment.e]\nrelease = 'a'\nstart = './x'",
        "[environment.e]\nrelease = 'a'\nstart = './x'\nport = 1\ndomain = 'a.example'",
        "[environment.e]\nrelease = 'a'\nport = 1",
        "[environment.e]\nstart = './x'\nport = 1",
        "[environment.e]\nrelease = 'a'\nstart = './x'\nport = 1\nwho = 'all'",
        "[environment.e]\nrelease = 'a'\nstart = './x'\nport = 1\nwho = ['payments']",
        "[environment.e]\nrelease = 'a'\nstart = './x'\nport = 1\nneeds = { check = ['a'] }",
        "[environment.e]\nrelease = 'a'\nstart = './x'\nport = 1\nkeep = 0",
        "[environment.e]\nrelease = 'a'\nstart = './x'\nport = 1\nmemory = '2 gigabytes'",
        "[environment.e]\nrelease = 'a'\nstart = './x'\nport = 1\nafter_merge = 'yes'",
        "[environment.e]\nrelease = 'a'\nstart = './x'\nport = 1\nundecided = 'maybe'",
        "[policy.environment.'Prod']",
        "[policy.environment.prod]\nstages = ['100%']",
        "updates = 'weekly'",
    ];
    for text in bad {
        assert!(parse(text).is_err(), "the parser takes it:\n{text}");
        assert!(!errors(text).is_empty(), "the schema takes it:\n{text}");
    }
}
