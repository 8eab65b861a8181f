//! What a look at a checkout says of advisories: with a registry in memory.

use std::sync::{Arc, Mutex};

use fairway::domain::speech::updates::security::sure;
use fairway::domain::update::advisory::{Book, Sources, read};
use fairway::domain::update::edit::plan;
use fairway::domain::update::{Answers, Ecosystem, Files, Found, Looked, Package, Policy, Release, extract};
use fairway::registry::cure::{Cured, cures};
use fairway::registry::databases::Refreshed;
use fairway::registry::{How, Packages};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::world::{book, found, offers};

/// Answers from lines, and remembers what was asked.
pub struct Shelf {
    releases: Vec<(Package, Vec<Release>)>,
    asked: Mutex<Vec<String>>,
}

impl Shelf {
    /// From lines `name version: name requirement; name requirement`.
    pub fn of(ecosystem: Ecosystem, lines: &[&str]) -> Shelf {
        let releases = offers(lines).into_iter().map(|(name, offers)| {
            let of = offers.into_iter().map(|offer| Release {
                version: offer.version,
                published: Some(0),
                dependencies: offer.needs,
                ..Release::default()
            });
            (Package { ecosystem, registry: None, name }, of.collect())
        });
        Shelf { releases: releases.collect(), asked: Mutex::default() }
    }

    /// The packages that were asked about, and with a version those of which more was asked.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("a list").clone()
    }
}

impl Packages for Shelf {
    fn look_up<'a>(&'a self, packages: &'a [Package], _how: How) -> BoxFuture<'a, Answers> {
        self.asked.lock().expect("a list").extend(packages.iter().map(|package| package.name.clone()));
        let answer = |package: &Package| {
            let known = self.releases.iter().find(|(other, _)| other == package);
            let failed = || Looked::Not("nobody is there".to_owned());
            // As lists of Python's files are: what a release requires is asked for apart.
            let bare = |release: &Release| match package.ecosystem {
                Ecosystem::Python => Release { dependencies: Vec::new(), ..release.clone() },
                _ => release.clone(),
            };
            let listed = |(_, releases): &(Package, Vec<Release>)| releases.iter().map(bare).collect();
            (package.clone(), known.map_or_else(failed, |known| Looked::Releases(listed(known))))
        };
        let answers: Answers = packages.iter().map(answer).collect();
        std::future::ready(answers).boxed()
    }

    fn detail(&self, wanted: Vec<(Package, Release)>, _now: i64) -> BoxFuture<'_, Vec<Release>> {
        let told = |(package, release): &(Package, Release)| {
            let known = self.releases.iter().find(|(other, _)| other == package).map(|(_, releases)| releases);
            let known = known.and_then(|all| all.iter().find(|one| one.version == release.version));
            self.asked.lock().expect("a list").push(format!("{} {}", package.name, release.version));
            known.expect("what was listed").clone()
        };
        std::future::ready(wanted.iter().map(told).collect()).boxed()
    }

    fn book(&self) -> Arc<Book> {
        Arc::default()
    }

    fn refresh(&self, _now: i64) -> BoxFuture<'_, Refreshed> {
        std::future::ready(Refreshed::default()).boxed()
    }

    fn tell(&self, _book: Book) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }
}

pub async fn look(shelf: &Shelf, found: &Found, book: Book) -> Cured {
    cures(shelf, found, (&Arc::new(book), &Policy::at(0)), &Sources::default()).await
}

/// `name version: why it stays`.
pub fn stays(cured: &Cured) -> Vec<String> {
    cured.exposed.iter().map(|one| format!("{} {} in {}: {}", one.name, one.version, one.file, one.stays)).collect()
}

#[tokio::test]
async fn what_stays_is_said_where_nothing_can_be_changed_also_of_the_second_lock() {
    // Two locks with the same package; the second one's numbers are not those of the first.
    let mut both = found(&["a 1.0.0: b 1.0.0", "b 1.0.0"], &["a 1"]);
    let mut other = found(&["b 1.0.0"], &["b =1.0.0"]);
    for locked in &mut other.locked {
        locked.file = "tools/Cargo.lock".to_owned();
        locked.needs.iter_mut().for_each(|need| *need += both.locked.len());
    }
    other.declared.iter_mut().for_each(|declared| declared.file = "tools/Cargo.toml".to_owned());
    both.locked.extend(other.locked);
    both.declared.extend(other.declared);
    let shelf = Shelf::of(Ecosystem::Cargo, &["a 1.0.0: b =1.0.0", "b 1.0.0", "b 1.1.0"]);
    let cured = look(&shelf, &both, book(&["RUSTSEC-1 b: >=1.1.0"])).await;
    assert_eq!(cured.cures.len(), 0);
    assert_eq!(
        stays(&cured),
        [
            "b 1.0.0 in Cargo.lock: a 1.0.0 requires b =1.0.0, and the manifest requires a 1; b 1.1.0 is free of it",
            "b 1.0.0 in tools/Cargo.lock: the manifest requires b =1.0.0; b 1.1.0 is free of it",
        ]
    );
}

#[tokio::test]
async fn what_is_added_and_removed_is_told_apart_from_what_changes() {
    let lock = found(&["a 1.0.0: old 1.0.0", "old 1.0.0", "other 1.0.0"], &["a 1", "other 1"]);
    let lines = ["a 1.0.0: old ^1", "a 1.1.0: new ^1", "old 1.0.0", "new 1.0.0", "new 1.2.0", "other 1.0.0"];
    let shelf = Shelf::of(Ecosystem::Cargo, &lines);
    let cured = look(&shelf, &lock, book(&["RUSTSEC-1 old:"])).await;
    let [cure] = cured.cures.as_slice() else { panic!("{:?}", cured.cures) };
    let items: Vec<&str> = cure.items.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(items, ["a"], "what is added comes by itself");
    let said = sure(cure.proof.expect("it was searched"), &cure.extent);
    assert_eq!(said, "1 version changes, 1 is added and 1 is removed; nothing smaller does");
    assert_eq!(cure.extent.added, [("new".to_owned(), "1.2.0".to_owned())]);
    assert!(!shelf.asked.lock().expect("a list").contains(&"other".to_owned()), "nothing rests on it");
}

#[tokio::test]
async fn what_registries_do_not_answer_holds_up_nothing_else_and_is_not_made_up() {
    let lock = found(&["a 1.0.0", "b 1.0.0"], &["a 1", "b 1"]);
    let shelf = Shelf::of(Ecosystem::Cargo, &["a 1.0.0", "a 1.1.0"]);
    let cured = look(&shelf, &lock, book(&["RUSTSEC-1 a: >=1.1.0", "RUSTSEC-2 b: >=1.1.0"])).await;
    let [cure] = cured.cures.as_slice() else { panic!("{:?}", cured.cures) };
    assert_eq!((cure.items.len(), cure.fixed.len()), (1, 1));
    assert!(sure(cure.proof.expect("it was searched"), &cure.extent).contains("not found out"));
    assert_eq!(stays(&cured)[1], "b 1.0.0 in Cargo.lock: what it takes could not be looked up");
}

/// `app` asks for `outer`, which asks for `inner`; and for `other` at 1.x.
fn npm(lock: &str) -> Files {
    let manifest = r#"{ "name": "app", "version": "1.0.0", "dependencies": { "outer": "^1.0.0", "other": "^1.0.0" } }"#;
    let locked = r#"{ "name": "app", "lockfileVersion": 3, "packages": {
        "": { "name": "app", "version": "1.0.0", "dependencies": { "outer": "^1.0.0", "other": "^1.0.0" } },
        "node_modules/inner": { "version": "1.0.0" },
        "node_modules/other": { "version": "1.0.0" },
        "node_modules/outer": { "version": "1.0.0", "dependencies": { "inner": "^1.0.0" } } } }"#;
    let yarn = "# yarn lockfile v1\n\ninner@^1.0.0:\n  version \"1.0.0\"\n\nother@^1.0.0:\n  version \"1.0.0\"\n\n\
        outer@^1.0.0:\n  version \"1.0.0\"\n  dependencies:\n    inner \"^1.0.0\"\n";
    let locked = if lock == "yarn.lock" { yarn } else { locked };
    Files::from([("package.json".to_owned(), manifest.to_owned()), (lock.to_owned(), locked.to_owned())])
}

/// An advisory in OSV's form about all versions before one; without: about all there are.
fn osv(name: &str, fixed: Option<&str>) -> Book {
    osv_of("npm", name, fixed)
}

pub fn osv_of(ecosystem: &str, name: &str, fixed: Option<&str>) -> Book {
    let fixed = fixed.map(|fixed| format!(", {{\"fixed\":\"{fixed}\"}}")).unwrap_or_default();
    let ranges = format!("[{{\"type\":\"SEMVER\",\"events\":[{{\"introduced\":\"0\"}}{fixed}]}}]");
    let package = format!("{{\"ecosystem\":\"{ecosystem}\",\"name\":\"{name}\"}}");
    let text = format!(
        "{{\"id\":\"GHSA-1\",\"modified\":\"2026-01-01T00:00:00Z\",\"summary\":\"bad\",\"affected\":[{{\"package\":{package},\"ranges\":{ranges}}}]}}"
    );
    let book = read([("GHSA-1.json", text.as_str())].into_iter());
    assert!(book.unusable.is_empty(), "{:?}", book.unusable);
    book
}

const NPM: [&str; 8] = [
    "inner 1.0.0",
    "inner 1.1.0",
    "inner 1.2.0",
    "inner 2.0.0",
    "other 1.0.0",
    "other 1.1.0",
    "outer 1.0.0: inner ^1.0.0",
    "outer 2.0.0: inner ^2.0.0",
];

#[tokio::test]
async fn what_no_manifest_of_npm_names_is_ended_in_the_lock_alone_by_the_lowest_free_release() {
    let files = npm("package-lock.json");
    let shelf = Shelf::of(Ecosystem::Npm, &NPM);
    let cured = look(&shelf, &extract(&files), osv("inner", Some("1.1.0"))).await;
    let [cure] = cured.cures.as_slice() else { panic!("{:?}", cured.exposed) };
    assert_eq!((cure.items.len(), cure.extent.changed, cure.fixed.len(), cure.left.len()), (1, 1, 1, 0));
    let item = &cure.items[0];
    assert_eq!((&*item.name, &*item.file, &*item.to, item.lock_only), ("inner", "package-lock.json", "1.1.0", true));
    // npm is told once by an override, and then asked to keep what it did.
    let plan = plan(&files, &cure.items).expect("a plan");
    let manifests: Vec<&str> = plan.commands.iter().map(|command| command.before[0].1.as_str()).collect();
    let [first, last] = manifests.as_slice() else { panic!("{:?}", plan.commands) };
    assert!(first.contains(r#""overrides":{"inner@1.0.0":"1.1.0"}"#), "{first}");
    assert_eq!((*last, plan.files.len()), (files["package.json"].as_str(), 0), "no manifest changes");
    assert_eq!((&*plan.wants[0].name, &*plan.wants[0].version), ("inner", "1.1.0"));
}

/// `app` has `inner` itself, and so has `outer` under two names; `plugin` gets it from whoever asks for it, and `far` has
/// another version of it.
const PNPM: &str = "lockfileVersion: '9.0'

importers:

  .:
    dependencies:
      inner:
        specifier: ~1.0.0
        version: 1.0.0
      outer:
        specifier: ^1.0.0
        version: 1.0.0

packages:

  far@1.0.0:
    resolution: {integrity: sha512-a}

  inner@1.0.0:
    resolution: {integrity: sha512-a}

  inner@1.2.0:
    resolution: {integrity: sha512-a}

  outer@1.0.0:
    resolution: {integrity: sha512-a}

  plugin@1.0.0:
    resolution: {integrity: sha512-a}
    peerDependencies:
      inner: '*'

snapshots:

  far@1.0.0:
    dependencies:
      inner: 1.2.0

  inner@1.0.0: {}

  inner@1.2.0: {}

  outer@1.0.0:
    dependencies:
      far: 1.0.0
      inner: 1.2.0
      old: inner@1.0.0
      plugin: 1.0.0(inner@1.0.0)

  plugin@1.0.0(inner@1.0.0):
    dependencies:
      inner: 1.0.0
";

#[tokio::test]
async fn a_lock_that_keeps_everybodys_version_is_mended_for_a_line_and_for_who_else_has_it() {
    let manifest = r#"{ "name": "app", "version": "1.0.0", "dependencies": { "inner": "~1.0.0", "outer": "^1.0.0" } }"#;
    let berry = "__metadata:\n  version: 8\n\n\"app@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"app@workspace:.\"\n  \
        dependencies:\n    inner: \"npm:~1.0.0\"\n    outer: \"npm:^1.0.0\"\n\n\"inner@npm:^1.1.0\":\n  version: 1.2.0\n  \
        resolution: \"inner@npm:1.2.0\"\n\n\"inner@npm:~1.0.0, old@npm:inner@^1.0.0\":\n  version: 1.0.0\n  resolution: \
        \"inner@npm:1.0.0\"\n\n\"outer@npm:^1.0.0\":\n  version: 1.0.0\n  resolution: \"outer@npm:1.0.0\"\n  dependencies:\n    \
        inner: \"npm:^1.1.0\"\n    old: \"npm:inner@^1.0.0\"\n";
    let lines = [
        "far 1.0.0: inner ^1.1.0",
        "inner 1.0.0",
        "inner 1.0.1",
        "inner 1.1.0",
        "inner 1.2.0",
        "outer 1.0.0: inner ^1.1.0; old npm:inner@^1.0.0; far ^1.0.0; plugin ^1.0.0",
        "plugin 1.0.0",
    ];
    let shelf = Shelf::of(Ecosystem::Npm, &lines);
    for (lock, text) in [("pnpm-lock.yaml", PNPM), ("yarn.lock", berry)] {
        let files = Files::from([("package.json", manifest), (lock, text)].map(|(a, b)| (a.to_owned(), b.to_owned())));
        let cured = look(&shelf, &extract(&files), osv("inner", Some("1.0.1"))).await;
        let [cure] = cured.cures.as_slice() else { panic!("{lock}: {:?}", cured.exposed) };
        let items: Vec<_> = cure.items.iter().map(|item| (&*item.file, &*item.from, &*item.to)).collect();
        assert_eq!(items, [("package.json", "1.0.0", "1.0.1"), (lock, "1.0.0", "1.0.1")], "{lock}");
        assert_eq!((cure.fixed.len(), cure.left.len(), cure.extent.changed), (1, 0, 1), "{lock}");
        let plan = plan(&files, &cure.items).expect("a plan");
        assert_eq!((plan.files.len(), &*plan.ends[0].version), (0, "1.0.0"), "{lock}: no manifest changes");
        let told = &plan.commands[0].before;
        let told = |word: &str| told.iter().any(|(_, text)| text.contains(word));
        if lock == "yarn.lock" {
            assert!(told(r#"{"inner@npm:~1.0.0":"npm:1.0.1","old@npm:inner@^1.0.0":"npm:inner@1.0.1"}"#), "{plan:?}");
        } else {
            assert!(told(r#""overrides":{"outer@1.0.0>old":"npm:inner@1.0.1"}"#), "{plan:?}");
            assert!(told(r#""inner":"1.0.1""#), "{plan:?}");
        }
    }
}

#[tokio::test]
async fn what_no_manifest_names_is_ended_in_a_lock_of_yarn_1() {
    let files = npm("yarn.lock");
    let shelf = Shelf::of(Ecosystem::Npm, &NPM);
    let cured = look(&shelf, &extract(&files), osv("inner", Some("1.1.0"))).await;
    let [cure] = cured.cures.as_slice() else { panic!("{:?}", cured.exposed) };
    let plan = plan(&files, &cure.items).expect("a plan");
    let manifests: Vec<&str> = plan.commands.iter().map(|command| command.before[0].1.as_str()).collect();
    let [first, last] = manifests.as_slice() else { panic!("{:?}", plan.commands) };
    assert!(first.contains(r#""resolutions":{"**/outer/inner":"1.1.0"}"#), "{first}");
    assert_eq!((*last, plan.files.len()), (files["package.json"].as_str(), 0), "no manifest changes");
}

#[tokio::test]
async fn what_only_others_need_of_go_is_raised_to_the_lowest_free_release() {
    let module = "module code.test/app\n\ngo 1.22\n\nrequire code.test/outer v1.0.0\nrequire code.test/inner v1.0.0 // indirect\n";
    let files = Files::from([("go.mod".to_owned(), module.to_owned())]);
    let lines =
        ["code.test/inner v1.0.0", "code.test/inner v1.0.1", "code.test/inner v1.1.0", "code.test/outer v1.0.0"];
    let shelf = Shelf::of(Ecosystem::Go, &lines);
    let cured = look(&shelf, &extract(&files), osv_of("Go", "code.test/inner", Some("1.0.1"))).await;
    let [cure] = cured.cures.as_slice() else { panic!("{:?}", cured.exposed) };
    let plan = plan(&files, &cure.items).expect("a plan");
    assert_eq!(plan.commands[0].argv, ["go", "get", "code.test/inner@v1.0.1"]);
    assert_eq!((cure.fixed.len(), cure.left.len()), (1, 0));
    let cured = look(&shelf, &extract(&files), osv_of("Go", "code.test/inner", None)).await;
    assert_eq!(stays(&cured), ["code.test/inner v1.0.0 in go.mod: no release is free of it"]);
}

#[tokio::test]
async fn who_does_not_take_what_is_free_is_named_up_to_the_manifest() {
    let shelf = Shelf::of(Ecosystem::Npm, &NPM);
    let said = |lock: &'static str, book: Book| {
        let shelf = &shelf;
        async move { stays(&look(shelf, &extract(&npm(lock)), book).await) }
    };
    assert_eq!(
        said("package-lock.json", osv("inner", Some("2.0.0"))).await,
        [
            "inner 1.0.0 in package-lock.json: outer 1.0.0 requires inner ^1.0.0, and the manifest requires outer ^1.0.0; inner 2.0.0 is free of it"
        ]
    );
    assert_eq!(
        said("package-lock.json", osv("inner", None)).await,
        ["inner 1.0.0 in package-lock.json: no release is free of it"]
    );
    let yarn = said("yarn.lock", osv("inner", Some("2.0.0"))).await;
    assert!(yarn[0].contains("outer 1.0.0 requires inner ^1.0.0, and the manifest requires outer ^1.0.0"), "{yarn:?}");
}

#[tokio::test]
async fn a_line_whose_own_version_is_free_stays_as_it_is() {
    let manifest = r#"{ "name": "lib", "version": "1.0.0", "dependencies": { "inner": "^2.0.0" } }"#;
    let locked = r#"{ "name": "lib", "lockfileVersion": 3, "packages": {
        "": { "name": "lib", "version": "1.0.0", "dependencies": { "inner": "^2.0.0" } },
        "node_modules/inner": { "version": "2.0.0" } } }"#;
    let mut files = npm("package-lock.json");
    files.insert("lib/package.json".to_owned(), manifest.to_owned());
    files.insert("lib/package-lock.json".to_owned(), locked.to_owned());
    let shelf = Shelf::of(Ecosystem::Npm, &[&NPM[..], &["inner 2.1.0"]].concat());
    let cured = look(&shelf, &extract(&files), osv("inner", Some("1.1.0"))).await;
    let items: Vec<&str> = cured.cures.iter().flat_map(|cure| &cure.items).map(|item| item.file.as_str()).collect();
    assert_eq!(items, ["package-lock.json"]);
}
