use super::*;

fn files(all: &[(&str, &str)]) -> Files {
    all.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

/// `file:line name requirement [locked]`, and from where if not the registry.
fn lines(found: &Found) -> String {
    let shown = found.declared.iter().map(|one| {
        let origin = match &one.origin {
            Origin::Registry => String::new(),
            other => format!(" {other:?}"),
        };
        format!("{}:{} {} {} {:?}{origin}", one.file, one.line, one.name, one.requirement, one.locked)
    });
    shown.collect::<Vec<_>>().join("\n")
}

fn locked(found: &Found) -> String {
    let shown = |at: &usize| format!("{} {}", found.locked[*at].name, found.locked[*at].version);
    let line = |one: &Locked| {
        let needs: Vec<String> = one.needs.iter().map(shown).collect();
        format!("{} {} {:?} needs {}", one.name, one.version, one.origin, needs.join(", "))
    };
    found.locked.iter().map(line).collect::<Vec<_>>().join("\n")
}

const ROOT: &str = r#"{
  "name": "shop",
  "workspaces": ["packages/*"],
  "engines": { "node": ">=18" },
  "dependencies": {
    "react": "^18.2.0",
    "old-react": "npm:react@^17",
    "@house/kit": "1.0.0",
    "fork": "git+https://me:ghp_secret@code.test/a/fork.git#v1"
  },
  "devDependencies": { "typescript": "~5.4.0", "missing": "^3.0.0" },
  "peerDependencies": { "next": "*" },
  "overrides": { "a": { ".": "1.0.0", "b@^2": "2.1.0" }, "react": "$react" }
}
"#;

const A: &str = r#"{ "name": "@shop/a", "dependencies": { "@shop/b": "*", "react": "^16.0.0" } }"#;
const B: &str = "\u{feff}{\r\n \"name\": \"@shop/b\",\r\n \"dependencies\": { \"@shop/a\": \"*\" }\r\n}\r\n";

const NPM_LOCK: &str = r#"{
  "name": "shop", "lockfileVersion": 3, "requires": true,
  "packages": {
    "": { "name": "shop", "dependencies": { "react": "^18.2.0", "old-react": "npm:react@^17", "@house/kit": "1.0.0", "fork": "git+https://me:ghp_secret@code.test/a/fork.git#v1" }, "devDependencies": { "typescript": "~5.4.0" } },
    "packages/a": { "name": "@shop/a", "version": "1.0.0", "dependencies": { "@shop/b": "*", "react": "^16.0.0" } },
    "packages/b": { "name": "@shop/b", "version": "1.0.0", "dependencies": { "@shop/a": "*" } },
    "node_modules/@shop/a": { "resolved": "packages/a", "link": true },
    "node_modules/@shop/b": { "resolved": "packages/b", "link": true },
    "node_modules/react": { "version": "18.2.0", "resolved": "https://registry.test/react/-/react-18.2.0.tgz", "dependencies": { "loose-envify": "^1.1.0" } },
    "node_modules/old-react": { "name": "react", "version": "17.0.2" },
    "node_modules/loose-envify": { "version": "1.4.0", "dependencies": { "js-tokens": "^4" } },
    "node_modules/js-tokens": { "version": "9.0.0" },
    "node_modules/loose-envify/node_modules/js-tokens": { "version": "4.0.0" },
    "node_modules/@house/kit": { "version": "1.0.0" },
    "node_modules/fork": { "version": "1.0.0", "resolved": "git+ssh://git@code.test/a/fork.git#0123" },
    "node_modules/typescript": { "version": "5.4.5", "dev": true },
    "packages/a/node_modules/react": { "version": "16.14.0" }
  }
}
"#;

#[test]
fn an_npm_workspace_with_a_cycle_an_alias_and_a_token() {
    let found = extract(&files(&[
        ("package.json", ROOT),
        ("packages/a/package.json", A),
        ("packages/b/package.json", B),
        ("package-lock.json", NPM_LOCK),
        (".npmrc", "@house:registry=https://npm.house.test/\n//npm.house.test/:_authToken=npm_secret\n"),
    ]));
    insta::assert_snapshot!(lines(&found), @r#"
    package.json:6 react ^18.2.0 ["18.2.0"]
    package.json:7 react ^17 ["17.0.2"]
    package.json:8 @house/kit 1.0.0 ["1.0.0"] Named("@house")
    package.json:9 fork git+https://code.test/a/fork.git ["1.0.0"] Elsewhere("git+https://code.test/a/fork.git")
    package.json:11 typescript ~5.4.0 ["5.4.5"]
    package.json:11 missing ^3.0.0 []
    package.json:13 a 1.0.0 []
    package.json:13 b 2.1.0 []
    packages/a/package.json:1 @shop/b * ["1.0.0"]
    packages/a/package.json:1 react ^16.0.0 ["16.14.0"]
    packages/b/package.json:3 @shop/a * ["1.0.0"]
    "#);
    insta::assert_snapshot!(locked(&found), @r#"
    shop  Elsewhere("workspace") needs @house/kit 1.0.0, fork 1.0.0, react 17.0.2, react 18.2.0, typescript 5.4.5
    @house/kit 1.0.0 Named("@house") needs 
    fork 1.0.0 Elsewhere("git+ssh://code.test/a/fork.git") needs 
    js-tokens 9.0.0 Registry needs 
    loose-envify 1.4.0 Registry needs js-tokens 4.0.0
    js-tokens 4.0.0 Registry needs 
    react 17.0.2 Registry needs 
    react 18.2.0 Registry needs loose-envify 1.4.0
    typescript 5.4.5 Registry needs 
    @shop/a 1.0.0 Elsewhere("workspace") needs react 16.14.0, @shop/b 1.0.0
    react 16.14.0 Registry needs 
    @shop/b 1.0.0 Elsewhere("workspace") needs @shop/a 1.0.0
    "#);
    insta::assert_snapshot!(found.notes.join("\n"), @"package-lock.json does not have what package.json asks for (missing): run `npm install` and commit the lock");
    assert_eq!(found.toolchains, [("node".to_owned(), ">=18".to_owned())]);
    assert!(!format!("{found:?}").contains("secret"));
}

const WORKSPACE: &str = "packages:\n  - 'packages/*'\ncatalog:\n  react: ^18.2.0\ncatalogs:\n  old:\n    react: ^17.0.0\n\
    overrides:\n  'x>lodash@<4.17.21': 4.17.21\n";

const NINE: &str = "lockfileVersion: '9.0'

importers:

  .: {}

  packages/a:
    dependencies:
      '@shop/b':
        specifier: workspace:*
        version: link:../b
      left-pad:
        specifier: 1.3.0
        version: 1.3.0
      react:
        specifier: 'catalog:'
        version: 18.2.0(peer@1.0.0)
      tar:
        specifier: https://code.test/tar.tgz
        version: https://code.test/tar.tgz

  packages/b:
    devDependencies:
      alias:
        specifier: npm:lodash@^4
        version: lodash@4.17.21

packages:

  left-pad@1.3.0:
    resolution: {integrity: sha512-x}

  lodash@4.17.21:
    resolution: {integrity: sha512-x}

  peer@1.0.0:
    resolution: {integrity: sha512-x}

  react@18.2.0:
    resolution: {integrity: sha512-x}
    engines: {node: '>=0.10.0'}

  tar@https://code.test/tar.tgz:
    resolution: {tarball: https://code.test/tar.tgz}
    version: 6.0.0

snapshots:

  left-pad@1.3.0: {}

  lodash@4.17.21: {}

  peer@1.0.0: {}

  react@18.2.0(peer@1.0.0):
    dependencies:
      peer: 1.0.0

  tar@https://code.test/tar.tgz: {}
";

#[test]
fn a_pnpm_workspace_with_catalogs_and_overrides() {
    let a = r#"{ "dependencies": { "react": "catalog:", "@shop/b": "workspace:*", "left-pad": "1.3.0", "tar": "https://code.test/tar.tgz" } }"#;
    let b = r#"{ "devDependencies": { "alias": "npm:lodash@^4" } }"#;
    let found = extract(&files(&[
        ("package.json", "{}"),
        ("packages/a/package.json", a),
        ("packages/b/package.json", b),
        ("pnpm-lock.yaml", NINE),
        ("pnpm-workspace.yaml", WORKSPACE),
    ]));
    insta::assert_snapshot!(lines(&found), @r#"
    packages/a/package.json:1 @shop/b workspace [""] Elsewhere("workspace")
    packages/a/package.json:1 left-pad 1.3.0 ["1.3.0"]
    packages/a/package.json:1 tar https://code.test/tar.tgz ["6.0.0"] Elsewhere("https://code.test/tar.tgz")
    packages/b/package.json:1 lodash ^4 ["4.17.21"]
    pnpm-workspace.yaml:4 react ^18.2.0 ["18.2.0"]
    pnpm-workspace.yaml:7 react ^17.0.0 []
    pnpm-workspace.yaml:9 lodash 4.17.21 ["4.17.21"]
    "#);
    insta::assert_snapshot!(locked(&found), @r#"
    left-pad 1.3.0 Registry needs 
    lodash 4.17.21 Registry needs 
    peer 1.0.0 Registry needs 
    react 18.2.0 Registry needs peer 1.0.0
    tar 6.0.0 Elsewhere("https://code.test/tar.tgz") needs 
    .  Elsewhere("workspace") needs 
    packages/a  Elsewhere("workspace") needs left-pad 1.3.0, react 18.2.0, tar 6.0.0, packages/b 
    packages/b  Elsewhere("workspace") needs lodash 4.17.21
    "#);
    assert!(found.notes.is_empty(), "{:?}", found.notes);
}

#[test]
fn older_locks_of_pnpm() {
    let manifest = r#"{ "dependencies": { "@s/a": "^1.0.0", "b": "^2.0.0" } }"#;
    let six = "lockfileVersion: '6.0'\ndependencies:\n  '@s/a':\n    specifier: ^1.0.0\n    version: 1.2.0(b@2.0.0)\n  b:\n    \
        specifier: ^2.0.0\n    version: 2.0.0\npackages:\n  /@s/a@1.2.0(b@2.0.0):\n    resolution: {integrity: x}\n    \
        dependencies:\n      b: 2.0.0\n    dev: false\n  /b@2.0.0:\n    resolution: {integrity: x}\n";
    let five = "lockfileVersion: 5.4\nspecifiers:\n  '@s/a': ^1.0.0\n  b: ^2.0.0\ndependencies:\n  '@s/a': 1.2.0_b@2.0.0\n  \
        b: 2.0.0\npackages:\n  /@s/a/1.2.0_b@2.0.0:\n    resolution: {integrity: x}\n    dependencies:\n      b: 2.0.0\n  \
        /b/2.0.0:\n    resolution: {integrity: x}\n";
    for lock in [six, five] {
        let found = extract(&files(&[("package.json", manifest), ("pnpm-lock.yaml", lock)]));
        let versions: Vec<_> = found.declared.iter().map(|one| one.locked.join(",")).collect();
        assert_eq!(versions, ["1.2.0", "2.0.0"], "{lock}");
        assert_eq!(locked(&found).lines().next(), Some("@s/a 1.2.0 Registry needs b 2.0.0"));
    }
}

const MANIFEST: &str = r#"{ "dependencies": { "@s/a": "^1.0.0", "b": "^2.0.0 || ^3", "c": "npm:d@^1" }, "resolutions": { "**/b": "2.5.0" } }"#;

#[test]
fn the_lock_of_classic_yarn() {
    let lock = r#"# yarn lockfile v1


"@s/a@^1.0.0":
  version "1.2.0"
  resolved "https://u:secret@registry.test/@s/a/-/a-1.2.0.tgz#abc"
  integrity sha512-x
  dependencies:
    b "^2.0.0"

b@^2.0.0, "b@^2.0.0 || ^3":
  version "2.5.0"

"c@npm:d@^1":
  version "1.9.0"

e@e/e:
  version "0.1.0"
  resolved "https://code.test/tar.gz/123"
"#;
    let found = extract(&files(&[("package.json", MANIFEST), ("yarn.lock", lock)]));
    insta::assert_snapshot!(lines(&found), @r#"
    package.json:1 @s/a ^1.0.0 ["1.2.0"]
    package.json:1 b ^2.0.0 || ^3 ["2.5.0"]
    package.json:1 d ^1 ["1.9.0"]
    package.json:1 b 2.5.0 ["2.5.0"]
    "#);
    insta::assert_snapshot!(locked(&found), @r#"
    @s/a 1.2.0 Registry needs b 2.5.0
    b 2.5.0 Registry needs 
    d 1.9.0 Registry needs 
    e 0.1.0 Elsewhere("e/e") needs
    "#);
    assert!(!format!("{found:?}").contains("secret"));
}

#[test]
fn the_lock_of_yarn_4() {
    let lock = r#"__metadata:
  version: 8

"@s/a@npm:^1.0.0":
  version: 1.2.0
  resolution: "@s/a@npm:1.2.0"
  dependencies:
    b: "npm:^2.0.0"
  checksum: 10c0/x
  languageName: node
  linkType: hard

"b@npm:2.5.0, b@npm:^2.0.0, b@npm:^2.0.0 || ^3":
  version: 2.5.0
  resolution: "b@npm:2.5.0"

"c@npm:d@^1":
  version: 1.9.0
  resolution: "d@npm:1.9.0"

"root@workspace:.":
  version: 0.0.0-use.local
  resolution: "root@workspace:."
  dependencies:
    "@s/a": "npm:^1.0.0"
  linkType: soft
"#;
    let found = extract(&files(&[("package.json", MANIFEST), ("yarn.lock", lock)]));
    insta::assert_snapshot!(lines(&found), @r#"
    package.json:1 @s/a ^1.0.0 ["1.2.0"]
    package.json:1 b ^2.0.0 || ^3 ["2.5.0"]
    package.json:1 d ^1 ["1.9.0"]
    package.json:1 b 2.5.0 ["2.5.0"]
    "#);
    insta::assert_snapshot!(locked(&found), @r#"
    @s/a 1.2.0 Registry needs b 2.5.0
    b 2.5.0 Registry needs 
    d 1.9.0 Registry needs 
    root 0.0.0-use.local Elsewhere("workspace") needs @s/a 1.2.0
    "#);
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_read() {
    let found = extract(&files(&[
        ("a/package.json", "{ \"dependencies\": {\n<<<<<<< HEAD\n"),
        ("b/package.json", "{ \"dependencies\": { \"x\": \"1.0.0\" "),
        ("c/package.json", "{ \"dependencies\": { \"x\": \"1.0.0\" },\n \"dependencies\": { \"y\": \"2024.10\" } }"),
        ("c/package-lock.json", "{ \"lockfileVersion\": 1 }"),
        ("d/pnpm-lock.yaml", "a: [\n"),
        ("d/yarn.lock", "nonsense\n"),
        ("node/package.json", "[]"),
    ]));
    insta::assert_snapshot!(found.notes.join("\n"), @r#"
    c/package-lock.json is not read: it is older than npm 7; `npm install --package-lock-only` of a newer npm writes what can be read
    d/pnpm-lock.yaml is not read: line 2: it is not the YAML that pnpm writes
    d/yarn.lock is not read: line 1: it is not a line that yarn writes
    a/package.json is not read: line 2 is the marker of a merge that is not finished
    b/package.json is not read: line 1: it ends too early
    c/package.json has "dependencies" twice, on lines 1 and 2; the second counts
    node/package.json is not read: line 1: it is not the JSON that belongs there
    "#);
    assert_eq!(lines(&found), "c/package.json:2 y 2024.10 []");
}

#[test]
fn locks_of_two_hundred_thousand_lines_are_read() {
    let count = 25_000;
    let next = |at: usize| (at + 1) % count;
    let npm = |at: usize| {
        format!(
            "    \"node_modules/p{at}\": {{\n      \"version\": \"1.0.{at}\",\n      \"resolved\": \"https://registry.test/p.tgz\",\n      \
             \"integrity\": \"sha512-x\",\n      \"license\": \"MIT\",\n      \"dependencies\": {{\n        \"p{}\": \"^1.0.0\" }}\n    }}",
            next(at)
        )
    };
    let pnpm = |at: usize| {
        let next = next(at);
        format!(
            "  p{at}@1.0.{at}:\n    resolution:\n      integrity: x\n    engines:\n      node: '>=10'\n    dependencies:\n      p{next}: 1.0.{next}\n\n"
        )
    };
    let yarn = |at: usize| {
        format!(
            "p{at}@^1.0.0:\n  version \"1.0.{at}\"\n  resolved \"x\"\n  integrity x\n  license MIT\n  dependencies:\n    p{} \"^1.0.0\"\n\n",
            next(at)
        )
    };
    let npm = (0..count).map(npm).collect::<Vec<_>>().join(",\n");
    let npm = format!("{{\n  \"lockfileVersion\": 3,\n  \"packages\": {{\n{npm}\n  }}\n}}\n");
    let pnpm = format!("lockfileVersion: '9.0'\n\nsnapshots:\n\n{}", (0..count).map(pnpm).collect::<String>());
    let yarn: String = (0..count).map(yarn).collect();
    for (name, text) in [("package-lock.json", &npm), ("pnpm-lock.yaml", &pnpm), ("yarn.lock", &yarn)] {
        assert!(text.lines().count() >= 8 * count);
        let found = extract(&files(&[(name, text)]));
        assert_eq!((found.locked.len(), found.notes.len()), (count, 0), "{name}");
        assert!(found.locked.iter().all(|one| one.needs.len() == 1), "{name}");
    }
}
