//! pnpm and yarn at work in the engine, where they are installed: the very version of what no manifest names, and of a line.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fairway::domain::update::course::Item;
use fairway::domain::update::{Ecosystem, Files, extract};
use fairway::engine::Engine;
use fairway::registry::Clients;
use fairway::worker::update::script::OUT;
use sha2::{Digest, Sha512};

use crate::clients::{Registry, edit_with, item, left, places, serve};
use crate::desk::{Desk, Said};

/// A client, and what has to be in reach of it.
struct Client {
    tools: String,
    _dir: tempfile::TempDir,
}

/// The first one on PATH of these major versions. `None`, and said: this machine lacks it.
fn client(program: &str, majors: &[&str]) -> Option<Client> {
    let major = |dir: &PathBuf| {
        let output = std::process::Command::new(dir.join(program)).arg("--version").current_dir("/").output().ok()?;
        let version = String::from_utf8(output.stdout).ok()?;
        version.trim().split('.').next().map(str::to_owned)
    };
    let found = places(program);
    let Some(place) = found.iter().find(|dir| major(dir).is_some_and(|major| majors.contains(&&*major))) else {
        if !found.is_empty() {
            eprintln!("left out: no {program} on this machine is of version {}", majors.join(" or "));
        }
        return None;
    };
    // npm installs a link to a script in the package's own folder, and only what is named can be reached from a run.
    let script = place.join(program).canonicalize().expect("a program");
    let package = script.ancestors().find(|dir| dir.join("package.json").is_file()).unwrap_or(place);
    let dir = tempfile::tempdir().expect("a folder");
    let wrapper = dir.path().join(program);
    std::fs::write(&wrapper, format!("#!/bin/sh\nexec node '{}' \"$@\"\n", script.display())).expect("a file");
    std::fs::set_permissions(&wrapper, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a file");
    Some(Client { tools: format!("{}:{}", dir.path().display(), package.display()), _dir: dir })
}

fn packed(manifest: &str) -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let mut builder = tar::Builder::new(gzip);
    let mut header = tar::Header::new_gnu();
    header.set_size(manifest.len() as u64);
    header.set_mode(0o644);
    builder.append_data(&mut header, "package/package.json", manifest.as_bytes()).expect("memory");
    builder.into_inner().expect("memory").finish().expect("memory")
}

/// Puts versions of a package with what they need into the registry.
fn publish(registry: &Registry, address: SocketAddr, name: &str, versions: &[(&str, &str)]) {
    let mut all = serde_json::Map::new();
    for (version, needs) in versions {
        let needs: BTreeMap<&str, &str> = needs.split_once(' ').into_iter().collect();
        let mut manifest = serde_json::json!({
            "name": name, "version": version, "dependencies": needs,
            "scripts": { "install": "echo EVIL; exit 1" }, "hasInstallScript": true,
        });
        let packed = packed(&manifest.to_string());
        let file = format!("{name}/-/{name}-{version}.tgz");
        let integrity = format!("sha512-{}", STANDARD.encode(Sha512::digest(&packed)));
        registry.put(&file, packed);
        manifest["dist"] = serde_json::json!({ "tarball": format!("http://{address}/{file}"), "integrity": integrity });
        all.insert((*version).to_owned(), manifest);
    }
    let latest = versions.last().expect("one").0;
    let document = serde_json::json!({ "name": name, "dist-tags": { "latest": latest }, "versions": all });
    registry.put(name, document.to_string());
}

/// The ways in which a repository could make its client run or ask something.
const EVIL: [(&str, &str); 6] = [
    (".npmrc", "registry=http://127.0.0.1:9/\nignore-scripts=false\nscript-shell=./evil.sh\n"),
    (".pnpmfile.cjs", "console.log('EVIL'); throw new Error('EVIL');\n"),
    (".yarnrc", "yarn-path \"./evil.cjs\"\nregistry \"http://127.0.0.1:9/\"\n"),
    (".yarnrc.yml", "yarnPath: ./evil.cjs\nnpmRegistryServer: \"http://127.0.0.1:9/\"\nenableScripts: true\n"),
    (".yarn/plugins/evil.cjs", "throw new Error('EVIL');\n"),
    ("evil.cjs", "console.log('EVIL'); process.exit(1);\n"),
];
const MANIFEST: &str = "{\n  \"name\": \"app\",\n  \"version\": \"1.0.0\",\n  \"scripts\": { \"preinstall\": \"echo EVIL; exit 1\" },\n  \
    \"dependencies\": {\n    \"other\": \"^1.0.0\",\n    \"outer\": \"^1.0.0\"\n  }\n}\n";

/// Brings `inner`, which only `outer` asks for, and the line of `other` to the middle of three versions. `other` needs the newest
/// `inner` of another series.
async fn moved(client: &Client, lock: (&str, &str), (address, registry): (SocketAddr, &Registry)) -> (Desk, Said) {
    publish(registry, address, "inner", &[("1.0.0", ""), ("1.1.0", ""), ("1.2.0", ""), ("2.0.0", ""), ("2.1.0", "")]);
    publish(registry, address, "outer", &[("1.0.0", "inner ^1.0.0"), ("1.1.0", "inner ^1.0.0")]);
    let other = ["1.0.0", "1.1.0", "1.2.0"].map(|version| (version, "inner ^2.0.0"));
    publish(registry, address, "other", &other);
    let files: Vec<(&str, &str)> = [("package.json", MANIFEST), lock].into_iter().chain(EVIL).collect();
    let env = [
        ("YARN_NPM_REGISTRY_SERVER", format!("http://{address}")),
        ("YARN_UNSAFE_HTTP_WHITELIST", "127.0.0.1".to_owned()),
        ("YARN_ENABLE_GLOBAL_CACHE", "false".to_owned()),
        ("npm_config_registry", format!("http://{address}/")),
    ];
    // yarn 1 takes no setting of another one's for its own.
    let env = env.into_iter().filter(|(name, _)| lock.1.contains("__metadata") || !name.starts_with("YARN_"));
    let env = env.map(|(name, value)| (name.to_owned(), value)).collect();
    let clients = Clients { files: vec![(".npmrc".to_owned(), format!("registry=http://{address}/\n"))], env };
    let other = item(Ecosystem::Npm, ("package.json", 6), "other", ("1.0.0", "1.1.0"));
    let inner = item(Ecosystem::Npm, (lock.0, 0), "inner", ("1.0.0", "1.1.0"));
    let items: [Item; 2] = [inner, other];
    edit_with(&client.tools, &files, &items, &clients).await
}

/// What the lock has then; nothing else came back.
fn locked((desk, said): &(Desk, Said), lock: &str) -> (Vec<String>, String) {
    let text = left(desk, said, lock);
    let kept = desk.engine.kept(&said.digests[0]).expect("what was laid aside");
    let out = [kept.join(OUT), kept].into_iter().find(|dir| dir.is_dir()).expect("a folder");
    assert_eq!(below(&out), [lock], "no manifest and nothing that was installed");
    let files = Files::from([("package.json".to_owned(), MANIFEST.to_owned()), (lock.to_owned(), text.clone())]);
    let found = extract(&files);
    assert_eq!(found.notes, Vec::<String>::new(), "{text}");
    let of = found.locked.iter().filter(|one| !one.version.is_empty() && one.name != "app");
    let mut all: Vec<String> = of.map(|one| format!("{} {}", one.name, one.version)).collect();
    all.sort();
    (all, text)
}

fn below(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    entries.map(|name| name.to_string_lossy().into_owned()).collect()
}

const EXPECTED: [&str; 4] = ["inner 1.1.0", "inner 2.0.0", "other 1.1.0", "outer 1.0.0"];

#[tokio::test(flavor = "multi_thread")]
async fn pnpm_brings_a_package_alone_to_the_very_version() {
    let Some(pnpm) = client("pnpm", &["9", "10", "11", "12"]) else { return };
    let (address, registry) = serve().await;
    let sum = "sha512-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";
    let package = |id: &str| format!("  {id}:\n    resolution: {{integrity: {sum}}}\n    hasBin: false\n\n");
    let all = ["inner@1.0.0", "inner@2.0.0", "other@1.0.0", "outer@1.0.0"].map(package).concat();
    let wish = |name: &str| format!("      {name}:\n        specifier: ^1.0.0\n        version: 1.0.0\n");
    let lock = format!(
        "lockfileVersion: '9.0'\n\nsettings:\n  autoInstallPeers: true\n  excludeLinksFromLockfile: false\n\nimporters:\n\n  .:\n    dependencies:\n{}{}\npackages:\n\n{all}snapshots:\n\n  inner@1.0.0: {{}}\n\n  inner@2.0.0: {{}}\n\n  other@1.0.0:\n    dependencies:\n      inner: 2.0.0\n\n  outer@1.0.0:\n    dependencies:\n      inner: 1.0.0\n",
        wish("other"),
        wish("outer")
    );
    let run = moved(&pnpm, ("pnpm-lock.yaml", &lock), (address, &registry)).await;
    let (all, text) = locked(&run, "pnpm-lock.yaml");
    assert_eq!(all, EXPECTED, "{text}");
    assert!(!text.contains("overrides"), "{text}");
    let missed = registry.missed.lock().expect("a list").clone();
    assert!(!missed.iter().any(|path| path.ends_with(".tgz")), "{missed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn yarn_brings_a_package_alone_and_a_line_to_the_very_version() {
    let Some(yarn) = client("yarn", &["3", "4"]) else { return };
    let (address, registry) = serve().await;
    let block = |key: &str, version: &str, needs: &str| {
        let name = key.split('@').next().unwrap_or(key);
        let needs =
            if needs.is_empty() { String::new() } else { format!("  dependencies:\n    inner: \"npm:{needs}\"\n") };
        format!(
            "\"{key}\":\n  version: {version}\n  resolution: \"{name}@npm:{version}\"\n{needs}  languageName: node\n  linkType: hard\n\n"
        )
    };
    let app = "\"app@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"app@workspace:.\"\n  dependencies:\n    other: \"npm:^1.0.0\"\n    outer: \"npm:^1.0.0\"\n  languageName: unknown\n  linkType: soft\n\n";
    let lock = [
        "__metadata:\n  version: 8\n  cacheKey: 10c0\n\n".to_owned(),
        app.to_owned(),
        block("inner@npm:^1.0.0", "1.0.0", ""),
        block("inner@npm:^2.0.0", "2.0.0", ""),
        block("other@npm:^1.0.0", "1.0.0", "^2.0.0"),
        block("outer@npm:^1.0.0", "1.0.0", "^1.0.0"),
    ]
    .concat();
    let run = moved(&yarn, ("yarn.lock", &lock), (address, &registry)).await;
    let (all, text) = locked(&run, "yarn.lock");
    assert_eq!(all, EXPECTED, "{text}");
    assert!(text.contains("\"inner@npm:^1.0.0\"") && text.contains("__metadata"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn yarn_1_brings_a_package_alone_and_a_line_to_the_very_version() {
    let Some(yarn) = client("yarn", &["1"]) else { return };
    let (address, registry) = serve().await;
    let block = |key: &str, version: &str, needs: &str| {
        let name = key.split('@').next().unwrap_or(key);
        let needs = if needs.is_empty() { String::new() } else { format!("  dependencies:\n    inner \"{needs}\"\n") };
        format!(
            "\n{key}:\n  version \"{version}\"\n  resolved \"http://{address}/{name}/-/{name}-{version}.tgz\"\n{needs}"
        )
    };
    let lock = [
        "# THIS IS AN AUTOGENERATED FILE. DO NOT EDIT THIS FILE DIRECTLY.\n# yarn lockfile v1\n\n".to_owned(),
        block("inner@^1.0.0", "1.0.0", ""),
        block("inner@^2.0.0", "2.0.0", ""),
        block("other@^1.0.0", "1.0.0", "^2.0.0"),
        block("outer@^1.0.0", "1.0.0", "^1.0.0"),
    ]
    .concat();
    let run = moved(&yarn, ("yarn.lock", &lock), (address, &registry)).await;
    let (all, text) = locked(&run, "yarn.lock");
    assert_eq!(all, EXPECTED, "{text}");
    assert!(text.contains("\ninner@^1.0.0:\n") && !text.contains("fairway"), "{text}");
}
