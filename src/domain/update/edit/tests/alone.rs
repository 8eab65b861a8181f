//! What no manifest names, in the locks of pnpm and yarn; and what yarn is told of lines as well.

use serde_json::Value;

use super::*;

/// What the text of a call's file says in JSON.
fn told(call: &Command, path: &str) -> Value {
    let (_, text) = call.before.iter().find(|(other, _)| other == path).unwrap_or_else(|| panic!("{path}: {call:?}"));
    serde_json::from_str(text).expect("JSON")
}

fn deep(lock: &str, name: &str, versions: (&str, &str)) -> Item {
    item(Ecosystem::Npm, &format!("{lock}:0"), name, versions)
}

const APP: &str = "{ \"name\": \"app\",\n  \"dependencies\": { \"outer\": \"^1.0.0\" } }\n";

/// `inner` 1.0.0 is had by `outer` with two sets of peers, by `@s/other` under another name, and by a package from elsewhere;
/// `outer` 2 has another one, whose range takes both.
const PNPM: &str = "lockfileVersion: '9.0'

overrides:
  '@s/kept@1>zlib': 1.0.0

importers:

  .:
    dependencies:
      outer:
        specifier: ^1.0.0
        version: 1.0.0(peer@1.0.0)

packages:

  '@s/other@3.0.0':
    resolution: {integrity: sha512-a}

  forge@https://forge.example/forge.tgz:
    resolution: {tarball: https://forge.example/forge.tgz}
    version: 0.1.0

  inner@1.0.0:
    resolution: {integrity: sha512-a}

  inner@1.5.0:
    resolution: {integrity: sha512-a}

  outer@1.0.0:
    resolution: {integrity: sha512-a}

  outer@2.0.0:
    resolution: {integrity: sha512-a}

snapshots:

  '@s/other@3.0.0':
    dependencies:
      old-inner: inner@1.0.0

  forge@https://forge.example/forge.tgz:
    dependencies:
      inner: 1.0.0

  inner@1.0.0: {}

  inner@1.5.0: {}

  outer@1.0.0(peer@1.0.0):
    dependencies:
      inner: 1.0.0

  outer@1.0.0(peer@2.0.0):
    dependencies:
      inner: 1.0.0

  outer@2.0.0:
    dependencies:
      inner: 1.5.0
";

#[test]
fn pnpm_is_told_for_each_who_has_it_and_keeps_its_other_overrides() {
    let texts = files(&[("web/package.json", APP), ("web/pnpm-lock.yaml", PNPM)]);
    let made = plan(&texts, &[deep("web/pnpm-lock.yaml", "inner", ("1.0.0", "1.1.0"))]).expect("pnpm can");
    let [first, last] = made.commands.as_slice() else { panic!("{:?}", made.commands) };
    let expected = serde_json::json!({
        "@s/kept@1>zlib": "1.0.0",
        "@s/other@3.0.0>old-inner": "npm:inner@1.1.0",
        "forge@0.1.0>inner": "1.1.0",
        "outer@1.0.0>inner": "1.1.0",
    });
    assert_eq!(told(first, "web/package.json")["pnpm"]["overrides"], expected);
    // Newer ones do not read them there.
    let env = first.env.iter().find(|(name, _)| name == "pnpm_config_overrides").expect("a variable");
    assert_eq!(serde_json::from_str::<Value>(&env.1).expect("JSON"), expected);
    assert_eq!(last.before, [("web/package.json".to_owned(), APP.to_owned())]);
    assert!(!last.env.iter().any(|(name, _)| name == "pnpm_config_overrides"));
    assert_eq!((made.files.len(), made.locks.as_slice()), (0, ["web/pnpm-lock.yaml".to_owned()].as_slice()));
    assert_eq!(made.ends[0].version, "1.0.0");
}

#[test]
fn pnpm_says_where_the_repository_has_its_own_word_and_what_is_gone() {
    let said = |lock: &str, item: &Item| {
        let texts = files(&[("package.json", APP), ("pnpm-lock.yaml", lock)]);
        plan(&texts, std::slice::from_ref(item)).expect_err("it cannot be")
    };
    let inner = deep("pnpm-lock.yaml", "inner", ("1.0.0", "1.1.0"));
    let own = said(&PNPM.replace("'@s/kept@1>zlib'", "'outer@2>inner'"), &inner);
    assert!(own.contains("pnpm-lock.yaml has an override for inner; change it there to 1.1.0"), "{own}");
    let gone = said(PNPM, &deep("pnpm-lock.yaml", "inner", ("0.9.0", "1.1.0")));
    assert!(gone.contains("nobody in pnpm-lock.yaml asks for inner 0.9.0 any more"), "{gone}");
    let broken = said("a: [\n", &inner);
    assert!(broken.contains("pnpm-lock.yaml"), "{broken}");
}

const BERRY: &str = "__metadata:
  version: 8

\"app@workspace:.\":
  version: 0.0.0-use.local
  resolution: \"app@workspace:.\"
  dependencies:
    old: \"npm:inner@^1.0.0\"
    outer: \"npm:^1.0.0\"

\"inner@npm:>=1 <2, inner@npm:^1.0.0, old@npm:inner@^1.0.0\":
  version: 1.0.0
  resolution: \"inner@npm:1.0.0\"

\"inner@npm:^2.0.0\":
  version: 2.0.0
  resolution: \"inner@npm:2.0.0\"

\"outer@npm:^1.0.0\":
  version: 1.0.0
  resolution: \"outer@npm:1.0.0\"
  dependencies:
    inner: \"npm:^1.0.0\"
";

/// What the plugin of the one call wants, and its settings.
fn wanted(plan: &Plan) -> (Value, String) {
    let [call] = plan.commands.as_slice() else { panic!("{:?}", plan.commands) };
    assert_eq!(call.argv, ["yarn", "install", "--mode=update-lockfile"]);
    let text = |end: &str| &call.before.iter().find(|(path, _)| path.ends_with(end)).expect("a file").1;
    let plugin = text(".fairway-yarn.cjs");
    let line = plugin.lines().find_map(|line| line.trim().strip_prefix("const wanted = ")).expect("what is wanted");
    (serde_json::from_str(line.trim_end_matches(';')).expect("JSON"), text(".yarnrc.yml").clone())
}

#[test]
fn yarn_is_told_what_every_wish_for_a_version_comes_to() {
    let settings = "yarnPath: .yarn/evil.cjs\ncompressionLevel: mixed\n";
    let texts = files(&[("package.json", APP), ("yarn.lock", BERRY), (".yarnrc.yml", settings)]);
    let made = plan(&texts, &[deep("yarn.lock", "inner", ("1.0.0", "1.1.0"))]).expect("yarn can");
    let all = serde_json::json!({
        "inner@npm:>=1 <2": "npm:1.1.0", "inner@npm:^1.0.0": "npm:1.1.0", "old@npm:inner@^1.0.0": "npm:inner@1.1.0",
    });
    let kept = "compressionLevel: mixed\nplugins:\n  - ./.fairway-yarn.cjs\n".to_owned();
    assert_eq!(wanted(&made), (all, kept));
    assert_eq!((made.files.len(), made.locks.join(" "), &*made.ends[0].version), (0, "yarn.lock".to_owned(), "1.0.0"));
    // A line's own wish has the range that the line has in the end.
    let mut line = item(Ecosystem::Npm, "package.json:2", "outer", ("1.0.0", "2.1.0"));
    let made = plan(&texts, std::slice::from_ref(&line)).expect("yarn can");
    assert_eq!(wanted(&made).0, serde_json::json!({ "outer@npm:^2.1.0": "npm:2.1.0" }));
    assert_eq!(made.files[0].1, APP.replace("^1.0.0", "^2.1.0"));
    (line.lock_only, line.to) = (true, "1.3.0".to_owned());
    let made = plan(&texts, &[line]).expect("yarn can");
    assert_eq!((wanted(&made).0, made.files.len()), (serde_json::json!({ "outer@npm:^1.0.0": "npm:1.3.0" }), 0));
    let said = plan(&texts, &[deep("yarn.lock", "inner", ("1.0.0", "2.0.0"))]).expect_err("nobody takes it");
    assert!(said.contains("asks for inner@npm:>=1 <2, which does not take 2.0.0"), "{said}");
}

/// Two versions of `mid` under `one` and `two`, each with its own range of `inner`.
const CLASSIC: &str = "# yarn lockfile v1


inner@^1.0.0:
  version \"1.0.0\"

inner@^2.0.0, inner@^2.1.0:
  version \"2.1.0\"

mid@^1.0.0:
  version \"1.0.0\"
  dependencies:
    inner \"^1.0.0\"

mid@^2.0.0:
  version \"2.0.0\"
  dependencies:
    inner \"^2.0.0\"

one@^1.0.0:
  version \"1.0.0\"
  dependencies:
    mid \"^1.0.0\"

two@^1.0.0:
  version \"1.0.0\"
  dependencies:
    mid \"^2.0.0\"
";
const ROOT: &str = "{ \"name\": \"app\", \"private\": true, \"workspaces\": [\"w/*\"],\n  \"dependencies\": { \"one\": \"^1.0.0\",\n  \"two\": \"^1.0.0\" } }\n";

#[test]
fn yarn_1_is_told_by_the_shortest_way_that_leads_to_no_other_version() {
    let texts = files(&[("package.json", ROOT), ("yarn.lock", CLASSIC)]);
    let made = plan(&texts, &[deep("yarn.lock", "inner", ("1.0.0", "1.1.0"))]).expect("yarn can");
    let [first, last] = made.commands.as_slice() else { panic!("{:?}", made.commands) };
    assert_eq!(
        told(first, "package.json")["resolutions"],
        serde_json::json!({ "**/one/mid/inner": "1.1.0" }),
        "`mid` alone would be both"
    );
    assert_eq!(last.before, [("package.json".to_owned(), ROOT.to_owned())]);
    assert!(first.argv.contains(&"--ignore-scripts".to_owned()) && first.argv == last.argv);
    let both = [deep("yarn.lock", "inner", ("1.0.0", "1.1.0")), deep("yarn.lock", "inner", ("2.1.0", "2.2.0"))];
    let made = plan(&texts, &both).expect("yarn can");
    assert_eq!(
        told(&made.commands[0], "package.json")["resolutions"],
        serde_json::json!({ "**/one/mid/inner": "1.1.0", "**/two/mid/inner": "2.2.0", "**/fairway-yarn-1/inner": "2.2.0" })
    );
    // Nobody in the lock has `^2.1.0`, so that Fairway's own package does.
    let own = told(&made.commands[0], ".fairway-yarn/1/package.json");
    assert_eq!(own["dependencies"], serde_json::json!({ "inner": "^2.1.0" }));
    assert!(!made.commands[1].before.iter().any(|(path, _)| path.starts_with(".fairway-yarn")));
}

#[test]
fn yarn_1_brings_a_line_to_its_version_wherever_it_stands() {
    let member = "{ \"name\": \"@s/w\", \"dependencies\": { \"mid\": \"^1.0.0\", \"solo\": \"^1.0.0\" } }\n";
    let texts = files(&[("package.json", ROOT), ("w/a/package.json", member), ("yarn.lock", CLASSIC)]);
    let mut solo = item(Ecosystem::Npm, "w/a/package.json:1", "solo", ("1.0.0", "1.2.0"));
    solo.lock_only = true;
    let made = plan(&texts, &[solo]).expect("yarn can");
    let root = told(&made.commands[0], "package.json");
    assert_eq!(root["resolutions"], serde_json::json!({ "**/fairway-yarn-1/solo": "1.2.0" }));
    assert_eq!(root["dependencies"]["fairway-yarn-1"], "file:./.fairway-yarn/1");
    assert_eq!(told(&made.commands[0], "w/a/package.json")["dependencies"]["solo"], "1.2.0");
    assert_eq!(made.commands[1].before.iter().find(|(path, _)| path == "w/a/package.json").expect("it").1, member);
    // What a manifest and a package both wish for changes in both.
    let mut mid = item(Ecosystem::Npm, "w/a/package.json:1", "mid", ("1.0.0", "1.3.0"));
    mid.lock_only = true;
    let made = plan(&texts, &[mid]).expect("yarn can");
    assert_eq!(told(&made.commands[0], "w/a/package.json")["dependencies"]["mid"], "1.3.0");
    assert_eq!(told(&made.commands[0], "package.json")["resolutions"], serde_json::json!({ "**/one/mid": "1.3.0" }));
}

#[test]
fn yarn_1_says_what_it_cannot_be_told() {
    let both = CLASSIC.replace("mid \"^1.0.0\"\n", "mid \"^1.0.0\"\n    two \"^1.0.0\"\n");
    let inner = || deep("yarn.lock", "inner", ("1.0.0", "1.1.0"));
    // `two` is below `one`, and has its own `mid`: a longer way tells them apart.
    let texts = files(&[("package.json", ROOT), ("yarn.lock", &both)]);
    assert!(plan(&texts, &[inner()]).is_ok());
    let alias = CLASSIC.replace("mid \"^2.0.0\"", "x \"^2.0.0\"").replace("two@^1.0.0:", "\"one@npm:two@^1.0.0\":");
    let alias = alias.replace("x \"^2.0.0\"", "mid \"^2.0.0\"");
    let manifest = ROOT.replace("\"two\": \"^1.0.0\"", "\"one\": \"npm:two@^1.0.0\"");
    let texts = files(&[("package.json", &manifest), ("yarn.lock", &alias)]);
    let said = plan(&texts, &[inner()]).expect_err("both are called one");
    assert!(said.contains("which mid of yarn.lock is meant"), "{said}");
    for (text, why) in [
        (
            ROOT.replace("\"private\": true", "\"resolutions\": { \"**/inner\": \"1.0.0\" }"),
            "has a resolution for inner",
        ),
        (ROOT.replace("\"private\": true", "\"resolutions\": []"), "is no table"),
    ] {
        let texts = files(&[("package.json", &text), ("yarn.lock", CLASSIC)]);
        let said = plan(&texts, &[inner()]).expect_err(why);
        assert!(said.contains("package.json") && said.contains(why), "{said}");
    }
}

#[test]
fn what_stays_in_a_lock_beside_the_new_version_is_told() {
    let texts = files(&[("package.json", APP), ("yarn.lock", BERRY)]);
    let made = plan(&texts, &[deep("yarn.lock", "inner", ("1.0.0", "1.1.0"))]).expect("yarn can");
    let block = "\n\"inner@npm:1.x\":\n  version: 1.1.0\n  resolution: \"inner@npm:1.1.0\"\n";
    let mut after = texts.clone();
    after.insert("yarn.lock".to_owned(), format!("{BERRY}{block}"));
    let said = made.unmet(&after).expect("it is still there");
    assert!(said.contains("left inner 1.0.0 in yarn.lock as well"), "{said}");
    after.insert(
        "yarn.lock".to_owned(),
        BERRY.replace("1.0.0\"\n\n\"inner@npm:^2", "1.1.0\"\n\n\"inner@npm:^2").replacen(
            "version: 1.0.0",
            "version: 1.1.0",
            1,
        ),
    );
    assert_eq!(made.unmet(&after), None);
}
