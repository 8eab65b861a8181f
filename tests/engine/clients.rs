//! Package clients at work in the engine: real ones, against a registry on loopback, on a checkout that means them harm.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use fairway::domain::update::course::Item;
use fairway::domain::update::edit::{failure, plan};
use fairway::domain::update::{Ecosystem, Files};
use fairway::engine::local::{Config, Local};
use fairway::engine::{Engine, Outcome};
use fairway::registry::Clients;
use fairway::worker::update::script::{OUT, steps};

use crate::desk::{Desk, Said};

/// What a registry has by path, and what was asked that it does not have.
#[derive(Clone, Default)]
pub struct Registry {
    documents: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    pub missed: Arc<Mutex<Vec<String>>>,
}

async fn answer(State(registry): State<Registry>, request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/').to_owned();
    let found = registry.documents.lock().expect("documents").get(&path).cloned();
    match found {
        Some(bytes) => bytes.into_response(),
        None => {
            registry.missed.lock().expect("a list").push(path);
            http::StatusCode::NOT_FOUND.into_response()
        }
    }
}

pub async fn serve() -> (SocketAddr, Registry) {
    let registry = Registry::default();
    let router = Router::new().fallback(answer).with_state(registry.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, registry)
}

impl Registry {
    pub fn put(&self, path: &str, document: impl Into<Vec<u8>>) {
        self.documents.lock().expect("documents").insert(path.to_owned(), document.into());
    }
}

pub fn item(ecosystem: Ecosystem, (file, line): (&str, u32), name: &str, (from, to): (&str, &str)) -> Item {
    let (name, file, from, to) = (name.to_owned(), file.to_owned(), from.to_owned(), to.to_owned());
    Item { ecosystem, name, file, line, from, to, lock_only: true, published: None, pin: None }
}

/// The folders of PATH that have a program. None is told.
pub fn places(program: &str) -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places: Vec<PathBuf> = std::env::split_paths(&path).filter(|dir| dir.join(program).is_file()).collect();
    if places.is_empty() {
        eprintln!("left out: there is no {program} on this machine");
    }
    places
}

/// Runs a plan as an update does. `None`: this machine lacks the client.
pub async fn edit(program: &str, files: &[(&str, &str)], items: &[Item], clients: &Clients) -> Option<(Desk, Said)> {
    let mut places = places(program);
    // A toolchain's own folder lacks what stands beside it.
    places.sort_by_key(|dir| !dir.ends_with(".cargo/bin"));
    let tools = interpreted(places.first()?, program);
    Some(edit_with(&tools, files, items, clients).await)
}

/// Runs a plan with the programs of these folders.
pub async fn edit_with(tools: &str, files: &[(&str, &str)], items: &[Item], clients: &Clients) -> (Desk, Said) {
    let mut desk = Desk::with(files, |_| {}).await;
    desk.engine = Local::for_playing(Config { tool_path: tools.to_owned(), ..desk.config() });
    let texts: Files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    desk.spec.steps = steps(&plan(&texts, items).expect("a plan"), clients);
    desk.spec.env = clients.env.clone();
    desk.spec.export = Some(OUT.to_owned());
    let said = desk.go(None).await;
    assert!(!said.log.contains("EVIL"), "the repository's code ran: {}", said.log);
    (desk, said)
}

/// The folder of a program, and of one in Python what its interpreter lives on: its own environment, and Python.
fn interpreted(dir: &std::path::Path, program: &str) -> String {
    let head = std::fs::read(dir.join(program)).unwrap_or_default();
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix("#!"));
    let interpreter = line.map(|line| std::path::PathBuf::from(line.trim()));
    let real = interpreter.as_ref().and_then(|path| path.canonicalize().ok());
    let homes = [interpreter, real].into_iter().flatten().filter_map(|path| Some(path.parent()?.parent()?.to_owned()));
    let homes = homes.filter(|home| !home.starts_with("/usr") && home.parent().is_some());
    let all: Vec<String> = [dir.to_owned()].into_iter().chain(homes).map(|dir| dir.display().to_string()).collect();
    all.join(":")
}

/// What the run left of a file.
pub fn left(desk: &Desk, said: &Said, path: &str) -> String {
    assert_eq!(said.outcome, Outcome::Success, "{} {:?}", said.log, said.notes);
    let kept = desk.engine.kept(&said.digests[0]).expect("what was laid aside");
    let at = [kept.join(path), kept.join(OUT).join(path)].into_iter().find(|at| at.is_file()).expect("the lock");
    std::fs::read_to_string(at).expect("a text")
}

/// `outer` holds `inner` at 1.x, and `pair` its `half` at its own version.
fn crates(registry: &Registry, address: SocketAddr) {
    registry.put("config.json", format!("{{\"dl\":\"http://{address}/dl\"}}"));
    let line = |name: &str, version: &str, needs: &str| {
        let needs = if needs.is_empty() {
            String::new()
        } else {
            let (name, wish) = needs.split_once(' ').expect("a name and a requirement");
            format!(
                "{{\"name\":\"{name}\",\"req\":\"{wish}\",\"features\":[],\"optional\":false,\"default_features\":true,\"target\":null,\"kind\":\"normal\"}}"
            )
        };
        let sum = "0".repeat(64);
        format!(
            "{{\"name\":\"{name}\",\"vers\":\"{version}\",\"deps\":[{needs}],\"cksum\":\"{sum}\",\"features\":{{}},\"yanked\":false}}\n"
        )
    };
    let all = |name: &str, needs: &dyn Fn(&str) -> String| -> String {
        ["1.0.0", "1.1.0", "1.2.0"].iter().map(|version| line(name, version, &needs(version))).collect()
    };
    let outer = ["1.0.0 >=1.0,<1.2", "1.1.0 ^2"].map(|one| one.split_once(' ').expect("a version"));
    let outer = outer.map(|(version, needs)| line("outer", version, &format!("inner {needs}")));
    registry.put("ou/te/outer", outer.concat());
    let inner = ["2.0.0", "2.1.0", "2.2.0"].map(|version| line("inner", version, "")).concat();
    registry.put("in/ne/inner", all("inner", &|_| String::new()) + &inner);
    registry.put("pa/ir/pair", all("pair", &|version| format!("half ={version}")));
    registry.put("ha/lf/half", all("half", &|_| String::new()));
}

const MANIFEST: &str = "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\n\
    half = { version = \"1\", registry = \"own\" }\nouter = { version = \"1\", registry = \"own\" }\npair = { version = \"1\", registry = \"own\" }\n";
/// Whoever reads it runs what it names, and asks where nobody answers.
const EVIL: &str = "[build]\nrustc-wrapper = \"./evil.sh\"\n[registry]\nglobal-credential-providers = [\"./evil.sh\"]\n\
    [registries.own]\nindex = \"sparse+http://127.0.0.1:9/\"\n[alias]\nupdate = \"run\"\n";

async fn cargo(items: &[Item]) -> Option<(Desk, Said, Registry)> {
    let (address, registry) = serve().await;
    crates(&registry, address);
    let source = format!("source = \"sparse+http://{address}/\"\nchecksum = \"{}\"\n", "0".repeat(64));
    let package = |name: &str, needs: &str| {
        let needs = if needs.is_empty() { String::new() } else { format!("dependencies = [\n \"{needs}\",\n]\n") };
        format!("\n[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\n{source}{needs}")
    };
    let app = "\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n \"half\",\n \"outer\",\n \"pair\",\n]\n";
    let lock = ["version = 4\n".to_owned(), app.to_owned()].into_iter().chain([
        package("half", ""),
        package("inner", ""),
        package("outer", "inner"),
        package("pair", "half"),
    ]);
    let lock: String = lock.collect();
    let files = [
        ("Cargo.toml", MANIFEST),
        ("Cargo.lock", lock.as_str()),
        ("src/lib.rs", ""),
        ("build.rs", "fn main() { println!(\"cargo::warning=EVIL\"); panic!(\"EVIL\") }\n"),
        ("evil.sh", "#!/bin/sh\necho EVIL\nexit 1\n"),
        (".cargo/config.toml", EVIL),
        (".cargo/config", EVIL),
    ];
    let config = format!("[registries.own]\nindex = \"sparse+http://{address}/\"\n");
    let clients = Clients { files: vec![(".cargo/config.toml".to_owned(), config)], env: BTreeMap::new() };
    let (desk, said) = edit("cargo", &files, items, &clients).await?;
    Some((desk, said, registry))
}

fn locked(lock: &str, name: &str) -> String {
    let found = lock.split("[[package]]").find(|part| part.contains(&format!("name = \"{name}\"")));
    let version = found.and_then(|part| part.split("version = \"").nth(1)).expect("a version");
    version.split('"').next().expect("a version").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn cargo_brings_a_lock_to_the_very_versions_and_runs_nothing_of_the_repository() {
    let of = |name| item(Ecosystem::Cargo, ("Cargo.lock", 0), name, ("1.0.0", "1.1.0"));
    // The half cannot move before the pair, which takes it along.
    let Some((desk, said, registry)) = cargo(&[of("half"), of("inner"), of("pair")]).await else { return };
    let lock = left(&desk, &said, "Cargo.lock");
    for name in ["half", "inner", "pair"] {
        assert_eq!(locked(&lock, name), "1.1.0", "{name}");
    }
    assert_eq!(locked(&lock, "outer"), "1.0.0");
    let asked = registry.missed.lock().expect("a list").clone();
    assert!(!asked.iter().any(|path| path.starts_with("dl")), "a package was fetched: {asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cargo_brings_a_package_into_a_new_range_with_who_needs_it() {
    let of = |name, to| item(Ecosystem::Cargo, ("Cargo.lock", 0), name, ("1.0.0", to));
    let Some((desk, said, _)) = cargo(&[of("inner", "2.1.0"), of("outer", "1.1.0")]).await else { return };
    let lock = left(&desk, &said, "Cargo.lock");
    assert_eq!((locked(&lock, "outer"), locked(&lock, "inner")), ("1.1.0".to_owned(), "2.1.0".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn cargo_says_who_holds_a_version() {
    let of = |name, to| item(Ecosystem::Cargo, ("Cargo.lock", 0), name, ("1.0.0", to));
    let Some((_, said, _)) = cargo(&[of("inner", "1.2.0")]).await else { return };
    assert_eq!(said.outcome, Outcome::Failed);
    assert!(said.digests.is_empty(), "half an edit was kept");
    let why = failure(&said.log);
    assert!(
        why.contains("inner") && why.contains("outer 1.0.0") && why.contains("Update outer along with it"),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn npm_takes_the_very_version_and_runs_no_script() {
    let (address, registry) = serve().await;
    let version = |version: &str| {
        format!(
            "\"{version}\":{{\"name\":\"some\",\"version\":\"{version}\",\"hasInstallScript\":true,\"scripts\":{{\"install\":\"echo EVIL\"}},\"dist\":{{\"tarball\":\"http://{address}/some-{version}.tgz\",\"shasum\":\"{}\"}}}}",
            "0".repeat(40)
        )
    };
    let versions = ["2.0.0", "2.1.0", "2.1.3"].map(version).join(",");
    registry.put(
        "some",
        format!("{{\"name\":\"some\",\"dist-tags\":{{\"latest\":\"2.1.3\"}},\"versions\":{{{versions}}}}}"),
    );
    let manifest = "{\n  \"name\": \"app\",\n  \"version\": \"1.0.0\",\n  \"scripts\": { \"preinstall\": \"echo EVIL\", \"prepare\": \"echo EVIL\" },\n  \"dependencies\": { \"some\": \"^2.0.0\" }\n}\n";
    let lock = format!(
        "{{\n  \"name\": \"app\",\n  \"version\": \"1.0.0\",\n  \"lockfileVersion\": 3,\n  \"requires\": true,\n  \"packages\": {{\n    \"\": {{ \"name\": \"app\", \"version\": \"1.0.0\", \"dependencies\": {{ \"some\": \"^2.0.0\" }} }},\n    \"node_modules/some\": {{ \"version\": \"2.0.0\", \"resolved\": \"http://{address}/some-2.0.0.tgz\", \"hasInstallScript\": true }}\n  }}\n}}\n"
    );
    let files = [
        ("package.json", manifest),
        ("package-lock.json", lock.as_str()),
        (".npmrc", "registry=http://127.0.0.1:9/\nignore-scripts=false\nscript-shell=./evil.sh\n"),
    ];
    let clients =
        Clients { files: vec![(".npmrc".to_owned(), format!("registry=http://{address}/\n"))], env: BTreeMap::new() };
    let items = [item(Ecosystem::Npm, ("package.json", 5), "some", ("2.0.0", "2.1.0"))];
    let Some((desk, said)) = edit("npm", &files, &items, &clients).await else { return };
    let lock = left(&desk, &said, "package-lock.json");
    assert!(lock.contains("\"version\": \"2.1.0\"") && !lock.contains("2.1.3"), "{lock}");
    assert!(lock.contains("\"some\": \"^2.0.0\""), "{lock}");
    let missed = registry.missed.lock().expect("a list").clone();
    assert!(!missed.iter().any(|path| path.ends_with(".tgz")), "a package was fetched: {missed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn npm_takes_the_very_version_of_what_no_manifest_names() {
    let (address, registry) = serve().await;
    let document = |name: &str, versions: &[&str], needs: &str| {
        let version = |version: &&str| {
            format!(
                "\"{version}\":{{\"name\":\"{name}\",\"version\":\"{version}\",\"dependencies\":{{{needs}}},\"dist\":{{\"tarball\":\"http://{address}/{name}-{version}.tgz\",\"shasum\":\"{}\"}}}}",
                "0".repeat(40)
            )
        };
        let all: Vec<String> = versions.iter().map(version).collect();
        let latest = versions.last().expect("one");
        format!("{{\"name\":\"{name}\",\"dist-tags\":{{\"latest\":\"{latest}\"}},\"versions\":{{{}}}}}", all.join(","))
    };
    registry.put("inner", document("inner", &["1.0.0", "1.1.0", "1.2.0", "2.0.0"], ""));
    registry.put("outer", document("outer", &["1.0.0", "1.1.0"], "\"inner\":\"^1.0.0\""));
    let manifest =
        "{\n  \"name\": \"app\",\n  \"version\": \"1.0.0\",\n  \"dependencies\": { \"outer\": \"^1.0.0\" }\n}\n";
    let package = |name: &str, needs: &str| {
        format!(
            "\"node_modules/{name}\": {{ \"version\": \"1.0.0\", \"resolved\": \"http://{address}/{name}-1.0.0.tgz\"{needs} }}"
        )
    };
    let lock = format!(
        "{{\n  \"name\": \"app\",\n  \"version\": \"1.0.0\",\n  \"lockfileVersion\": 3,\n  \"requires\": true,\n  \"packages\": {{\n    \"\": {{ \"name\": \"app\", \"version\": \"1.0.0\", \"dependencies\": {{ \"outer\": \"^1.0.0\" }} }},\n    {},\n    {}\n  }}\n}}\n",
        package("inner", ""),
        package("outer", ", \"dependencies\": { \"inner\": \"^1.0.0\" }")
    );
    let files = [("package.json", manifest), ("package-lock.json", lock.as_str())];
    let clients =
        Clients { files: vec![(".npmrc".to_owned(), format!("registry=http://{address}/\n"))], env: BTreeMap::new() };
    let items = [item(Ecosystem::Npm, ("package-lock.json", 0), "inner", ("1.0.0", "1.1.0"))];
    let Some((desk, said)) = edit("npm", &files, &items, &clients).await else { return };
    let lock = left(&desk, &said, "package-lock.json");
    let versions: Vec<&str> = lock.lines().filter(|line| line.contains("\"resolved\"")).collect();
    assert!(lock.contains("inner-1.1.0.tgz") && lock.contains("outer-1.0.0.tgz"), "{versions:?}");
    assert!(!lock.contains("overrides") && versions.len() == 2, "{lock}");
}
