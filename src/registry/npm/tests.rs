use super::*;

fn package(name: &str, registry: Option<&str>) -> Package {
    Package { ecosystem: Ecosystem::Npm, registry: registry.map(str::to_owned), name: name.to_owned() }
}

fn read(text: &str) -> Result<Vec<Release>, String> {
    let mut reader = Npm::default().reader(&package("thing", None), false);
    // As cut off as a network can be.
    for piece in text.as_bytes().chunks(7) {
        reader.feed(piece)?;
    }
    reader.end()
}

const DOCUMENT: &str = r#"{
  "_id": "thing", "name": "thing", "readme": "a \"long\" {text",
  "dist-tags": { "latest": "2.0.0", "next": "3.0.0" },
  "versions": {
    "1.0.0": { "name": "thing", "version": "1.0.0", "engines": { "node": ">=18", "npm": ">=9" }, "dist": { "signatures": [{ "sig": "}" }] } },
    "1.0.1": { "deprecated": "broken", "engines": ["node >= 0.4"] },
    "1.0.2": { "deprecated": "", "dependencies": { "engines": { "node": "no" } } },
    "2.0.0": { "engines": {} },
    "3.0.0": {}
  },
  "time": { "created": "2020-01-01T00:00:00.000Z", "1.0.0": "2020-01-01T00:00:00.000Z", "1.0.1": "yesterday", "2.0.0": "2020-01-02T00:00:00Z", "0.0.1": "2019-01-01T00:00:00Z" }
}"#;

#[test]
fn only_what_is_wanted_is_kept() {
    let releases = read(DOCUMENT).expect("a packument");
    let shown: Vec<_> =
        releases.iter().map(|one| (one.version.as_str(), one.published, one.yanked, one.needs.as_deref())).collect();
    let day = 1_577_836_800_000;
    let expected = [
        ("1.0.0", Some(day), false, Some(">=18")),
        ("1.0.1", None, true, None),
        ("1.0.2", None, false, None),
        ("2.0.0", Some(day + 86_400_000), false, None),
    ];
    assert_eq!(shown, expected, "what is newer than `latest` is left out, and so is what was unpublished");
}

#[test]
fn what_a_release_depends_on_is_read_where_it_is_asked_for() {
    let text = r#"{ "name": "thing", "versions": { "1.0.0": { "optionalDependencies": { "fsevents": "~2.3" },
        "dependencies": { "a": "^1", "b": "npm:c@^2" }, "devDependencies": { "d": "1" } } } }"#;
    let mut reader = Npm::default().reader(&package("thing", None), true);
    reader.feed(text.as_bytes()).expect("JSON");
    let releases = reader.end().expect("a packument");
    let shown: Vec<_> = releases[0]
        .dependencies
        .iter()
        .map(|one| (one.name.as_str(), one.requirement.as_str(), one.optional))
        .collect();
    assert_eq!(shown, [("fsevents", "~2.3", true), ("a", "^1", false), ("b", "npm:c@^2", false)]);
    assert!(read(text).expect("a packument")[0].dependencies.is_empty());
}

#[test]
fn what_is_no_packument_is_said() {
    assert_eq!(read("{}"), Err("the answer is no document of a package".into()));
    assert_eq!(read(r#"{"name": "other", "versions": {}}"#), Err("the answer is about another package (other)".into()));
    assert_eq!(read(r#"{"name": "thing", "versions": {}}"#), Err("every version of it was withdrawn".into()));
    assert_eq!(read("<html>"), Err("the answer is not the JSON that belongs there".into()));
    assert_eq!(read(&DOCUMENT[..DOCUMENT.len() / 2]), Err("the answer ends too early".into()));
}

#[test]
fn a_document_of_twenty_megabytes_is_not_kept() {
    let version =
        |at: usize| format!(r#""1.{at}.0": {{ "readme": "{}", "engines": {{ "node": ">=14" }} }}"#, "x".repeat(10_000));
    let text: Vec<String> = (0..2_000).map(version).collect();
    let text = format!(r#"{{ "name": "thing", "versions": {{ {} }} }}"#, text.join(","));
    assert!(text.len() > 20_000_000);
    let mut scanner = Scanner::new(Packument { name: "thing".into(), ..Packument::default() });
    for piece in text.as_bytes().chunks(16 * 1024) {
        scanner.feed(piece).expect("JSON");
        assert!(scanner.kept() < 1024, "nothing but the last piece of a token stays");
    }
    assert_eq!(Reader::end(Box::new(scanner)).map(|releases| releases.len()), Ok(2_000));
}

#[test]
fn an_address_is_made_of_the_persons_own_configuration() {
    let npmrc = "; mine\nregistry = \"https://mirror.test/npm/\"\n@house:registry=https://npm.house.test\n//npm.house.test/:_authToken=npm_secret\n@env:registry=${WHERE}\n";
    let env = [("WHERE".to_owned(), "https://env.test".to_owned())].into();
    let npm = Npm::of_texts(&[npmrc], &env);
    assert_eq!(npm.address(&package("left-pad", None)), Ok("https://mirror.test/npm/left-pad".into()));
    assert_eq!(npm.address(&package("@a/b", None)), Ok("https://mirror.test/npm/@a%2fb".into()));
    assert_eq!(npm.address(&package("@house/kit", Some("@house"))), Ok("https://npm.house.test/@house%2fkit".into()));
    assert_eq!(npm.address(&package("@env/x", None)), Ok("https://env.test/@env%2fx".into()));
    let same = package("x", Some("https://mirror.test/npm"));
    assert_eq!(
        npm.address(&same),
        Ok("https://mirror.test/npm/x".into()),
        "the repository names the one that is asked anyway"
    );
    for name in ["../x", "a/b", "@a", "", "a?b", "@a/../b"] {
        assert!(npm.address(&package(name, None)).is_err(), "{name}");
    }
    let why = npm.address(&package("@far/x", Some("@far"))).expect_err("nobody knows it");
    assert_eq!(
        why,
        "the repository takes it from the registry @far, and npm's configuration here does not name that one"
    );
    assert!(!format!("{npm:?}").contains("secret"));
}

#[test]
fn the_environment_is_stronger_than_files() {
    let env = [("npm_config_registry".to_owned(), "http://127.0.0.1:1/".to_owned())].into();
    let npm = Npm::of_texts(&["registry=https://mirror.test/"], &env);
    assert_eq!(npm.address(&package("x", None)), Ok("http://127.0.0.1:1/x".into()));
    let why = Npm::default().address(&package("x", None)).expect_err("nothing is configured");
    assert_eq!(why, "it is not known where npm packages are: set `registry` in .npmrc, or npm_config_registry");
}
