//! Registries as they are: some answer, some hang, cut off, send a page for people, or forget what they had.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use fairway::domain::update::{Answers, Ecosystem, Files, Looked, Package, extract};
use fairway::registry::actions::Actions;
use fairway::registry::cargo::{Crates, Indexes};
use fairway::registry::go::Go;
use fairway::registry::guard::Names;
use fairway::registry::image::Images;
use fairway::registry::toolchain::Toolchains;
use fairway::registry::{Config, How, Registries, Source};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[path = "registry/requires.rs"]
mod requires;

const MINUTE: i64 = 60_000;
const NOW: i64 = 1_800_000_000_000;

/// What was asked, and whether by a validator.
type Asked = Arc<Mutex<Vec<(String, bool)>>>;

fn lines(name: &str) -> String {
    format!(
        "{{\"name\":\"{name}\",\"vers\":\"1.0.0\",\"yanked\":false,\"pubtime\":\"2026-01-01T00:00:00Z\"}}\n{{\"name\":\"{name}\",\"vers\":\"1.1.0\",\"yanked\":false}}\n"
    )
}

async fn answer(State(asked): State<Asked>, request: Request) -> Response {
    let name = request.uri().path().rsplit('/').next().expect("a name").to_owned();
    let validated = request.headers().contains_key("if-none-match");
    let tries = {
        let mut asked = asked.lock().expect("a list");
        asked.push((name.clone(), validated));
        asked.iter().filter(|(other, _)| *other == name).count()
    };
    match name.as_str() {
        "tagged" if validated => http::StatusCode::NOT_MODIFIED.into_response(),
        "tagged" => ([("etag", "\"1\"")], lines(&name)).into_response(),
        "hangs" => std::future::pending().await,
        "gone" => http::StatusCode::NOT_FOUND.into_response(),
        "login" => http::StatusCode::UNAUTHORIZED.into_response(),
        "page" => ([("content-type", "text/html; charset=utf-8")], "<html>Sign in</html>").into_response(),
        "nonsense" => "<html>Sign in</html>".into_response(),
        "second-try" if tries == 1 => http::StatusCode::BAD_GATEWAY.into_response(),
        "broken" => http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        "packed" => {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            packed.write_all(lines(&name).as_bytes()).expect("memory");
            ([("content-encoding", "gzip")], packed.finish().expect("memory")).into_response()
        }
        "half-packed" => ([("content-encoding", "gzip")], "\u{1f}").into_response(),
        _ => lines(&name).into_response(),
    }
}

async fn serve() -> (SocketAddr, Asked) {
    let asked = Asked::default();
    let router = Router::new().fallback(answer).with_state(asked.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, asked)
}

/// As somebody has it whose cargo asks a mirror.
fn registries(address: SocketAddr, cache: Option<&Path>) -> Registries {
    let home = tempfile::tempdir().expect("a folder");
    let config =
        format!("[source.crates-io]\nreplace-with = \"m\"\n[source.m]\nregistry = \"sparse+http://{address}/\"\n");
    std::fs::write(home.path().join("config.toml"), config).expect("a file");
    let indexes = Indexes::read(Some(home.path()), BTreeMap::new());
    let silence = Duration::from_millis(500);
    let config = Config { cache: cache.map(Path::to_owned), silence, ..Config::default() };
    Registries::new(&config, vec![Box::new(Crates::new(indexes))]).expect("a client")
}

fn crates(names: &[&str]) -> Vec<Package> {
    let package = |name: &&str| Package { ecosystem: Ecosystem::Cargo, registry: None, name: (*name).to_owned() };
    names.iter().map(package).collect()
}

async fn look(registries: &Registries, names: &[&str], now: i64) -> Answers {
    registries.look_up(&crates(names), How { now, deep: false }, &|_| {}).await
}

/// `name: versions`, or `name: why not`.
fn told(answers: &Answers) -> String {
    let told = answers.iter().map(|(package, looked)| match looked {
        Looked::Releases(releases) => {
            let versions: Vec<&str> = releases.iter().map(|release| release.version.as_str()).collect();
            format!("{}: {}", package.name, versions.join(" "))
        }
        Looked::Not(why) => format!("{}: not looked up, {why}", package.name),
    });
    told.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn what_fails_fails_alone_and_says_why() {
    let (address, _) = serve().await;
    let registries = registries(address, None);
    let names = [
        "serde",
        "gone",
        "login",
        "page",
        "nonsense",
        "hangs",
        "second-try",
        "broken",
        "packed",
        "half-packed",
        "no/name",
        "tokio",
    ];
    insta::assert_snapshot!(told(&look(&registries, &names, NOW).await), @"
    broken: not looked up, the registry answered 500 Internal Server Error
    gone: not looked up, the registry does not have it
    half-packed: not looked up, the answer's compression is broken or cut off
    hangs: not looked up, the registry at 127.0.0.1 did not answer in time
    login: not looked up, the registry wants a login that Fairway does not have (401)
    no/name: not looked up, no crate can have this name
    nonsense: not looked up, the answer is no index of crates: its line 1 cannot be read
    packed: 1.0.0 1.1.0
    page: not looked up, the registry answered with a page for people; a proxy or a login may stand before it
    second-try: 1.0.0 1.1.0
    serde: 1.0.0 1.1.0
    tokio: 1.0.0 1.1.0
    ");
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_no_answer() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            // The whole first line of an index, and the connection ends.
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{}", lines("serde"));
            if stream.read(&mut request).await.is_ok() {
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        }
    });
    let said = told(&look(&registries(address, None), &["serde"], NOW).await);
    assert_eq!(said, "serde: not looked up, the connection ended in the middle of the answer");
}

#[tokio::test]
async fn a_registry_that_is_not_there_is_not_asked_for_everything() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let tries = Arc::new(Mutex::new(0));
    let counted = tries.clone();
    // It hangs up before it says anything.
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            *counted.lock().expect("a count") += 1;
        }
    });
    let names: Vec<String> = (0..200).map(|at| format!("crate{at}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let answers = look(&registries(address, None), &names, NOW).await;
    let same = |looked: &&Looked| matches!(looked, Looked::Not(why) if why.starts_with("the registry at 127.0.0.1 "));
    assert_eq!(answers.values().filter(same).count(), 200, "{}", told(&answers));
    let tries = *tries.lock().expect("a count");
    assert!(tries < 120, "{tries} of 400");
}

#[tokio::test]
async fn an_answer_is_kept_asked_for_by_its_validator_and_shared() {
    let (address, asked) = serve().await;
    let cache = tempfile::tempdir().expect("a folder");
    let names = ["tagged", "untagged"];
    let first = look(&registries(address, Some(cache.path())), &names, NOW).await;
    let count = || std::mem::take(&mut *asked.lock().expect("a list"));
    assert_eq!(count().len(), 2);
    // Another process, nine minutes later: what is young is not asked for.
    assert_eq!(look(&registries(address, Some(cache.path())), &names, NOW + 9 * MINUTE).await, first);
    assert_eq!(count(), []);
    // After that only what has a validator may stay as it is.
    assert_eq!(look(&registries(address, Some(cache.path())), &names, NOW + 11 * MINUTE).await, first);
    let mut again = count();
    again.sort();
    assert_eq!(again, [("tagged".to_owned(), true), ("untagged".to_owned(), false)]);
    // And that it stayed is young again.
    assert_eq!(look(&registries(address, Some(cache.path())), &names, NOW + 20 * MINUTE).await, first);
    assert_eq!(count(), []);
}

#[tokio::test]
async fn what_is_broken_on_disk_is_asked_for_again() {
    let (address, asked) = serve().await;
    let cache = tempfile::tempdir().expect("a folder");
    let first = look(&registries(address, Some(cache.path())), &["tagged"], NOW).await;
    let mut open = vec![cache.path().to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            match entry.path().is_dir() {
                true => open.push(entry.path()),
                false => std::fs::write(entry.path(), "{\"asked\":").expect("a file"),
            }
        }
    }
    assert_eq!(look(&registries(address, Some(cache.path())), &["tagged"], NOW).await, first);
    assert_eq!(asked.lock().expect("a list").len(), 2);
}

#[tokio::test]
async fn a_package_that_many_ask_for_is_asked_for_once() {
    let (address, asked) = serve().await;
    let names: Vec<&str> = ["serde", "tokio", "log"].into_iter().cycle().take(600).collect();
    assert_eq!(look(&registries(address, None), &names, NOW).await.len(), 3);
    assert_eq!(asked.lock().expect("a list").len(), 3);
}

/// 200 repositories with 30 crates each of the same 60: what they have together is asked for once, also where they come at once.
#[tokio::test]
async fn two_hundred_repositories_cost_what_their_distinct_packages_cost() {
    let (address, asked) = serve().await;
    let cache = tempfile::tempdir().expect("a folder");
    let registries = Arc::new(registries(address, Some(cache.path())));
    let repository = |number: usize| {
        let line = |at: usize| format!("crate-{} = \"1.0.0\"\n", (number * 7 + at) % 60);
        let lines: String = (0..30).map(line).collect();
        let manifest = format!("[package]\nname = \"r{number}\"\n[dependencies]\n{lines}");
        extract(&Files::from([("Cargo.toml".to_owned(), manifest)]))
    };
    let looks = |numbers: std::ops::Range<usize>| {
        let looks = numbers.map(|number| {
            let (registries, found) = (registries.clone(), repository(number));
            async move {
                let packages: Vec<Package> = found.declared.iter().filter_map(Package::of).collect();
                registries.look_up(&packages, How { now: NOW, deep: false }, &|_| {}).await
            }
        });
        futures_util::future::join_all(looks)
    };
    let one = looks(0..1).await.remove(0);
    assert_eq!((one.len(), asked.lock().expect("a list").len()), (30, 30));
    for answers in looks(0..200).await {
        assert_eq!(answers.len(), 30);
        assert!(answers.values().all(|looked| matches!(looked, Looked::Releases(two) if two.len() == 2)));
    }
    assert_eq!(asked.lock().expect("a list").len(), 60, "each once, and not 6,000 times");
}

#[tokio::test]
async fn a_person_is_told_what_there_is_and_what_nobody_knows() {
    let (address, _) = serve().await;
    let folder = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| std::fs::write(folder.path().join(path), text).expect("a file");
    write(
        "config.toml",
        &format!("[source.crates-io]\nreplace-with = \"m\"\n[source.m]\nregistry = \"sparse+http://{address}/\"\n"),
    );
    write("Cargo.toml", "[package]\nname = \"shop\"\n[dependencies]\nserde = \"~1.0\"\ngone = \"1\"\n");
    // The time of 1.1.0 is not known there.
    write("fairway.toml", "[updates]\ncooldown = \"0\"\n");
    let updates = |args: &'static [&str]| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_fairway"));
        command.arg("updates").arg(folder.path()).args(args).env_clear();
        command.env("CARGO_HOME", folder.path()).env("XDG_CACHE_HOME", folder.path().join("cache"));
        async move {
            let output = command.output().await.expect("fairway");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).expect("text")
        }
    };
    insta::assert_snapshot!(updates(&[]).await, @"
    2 dependencies in Cargo.toml, 0 packages locked.

    Safe updates (1): their authors promise that nothing breaks
      serde  1.0.0 -> 1.1.0  Cargo.toml:4, of unknown age

    Not looked up (1): nothing is known, so nothing is said
      gone  the registry does not have it (Cargo.toml:5)

    Advisories were not looked at; type: fairway updates --offline-db FOLDER (a copy of RustSec's database, or an OSV export)
    ");
    insta::assert_snapshot!(updates(&["--explain", "serde"]).await, @"
    Cargo.toml:4 asks for serde ~1.0; no lock has it.
      2 versions are published.
      Offered, safe: 1.0.0 -> 1.1.0; the manifest changes, of unknown age.
    ");
    let object: serde_json::Value = serde_json::from_str(&updates(&["--json"]).await).expect("JSON");
    assert_eq!(object["proposals"][0]["to"], "1.1.0");
    assert_eq!(object["not_looked_up"][0]["name"], "gone");
}

/// A registry of images that wants a token and answers in pages, a proxy of modules and a Git server, all on one port.
async fn others(State(asked): State<Asked>, request: Request) -> Response {
    let at = request.uri().to_string();
    let signed = request.headers().get("authorization").is_some_and(|value| value == "Bearer given");
    asked.lock().expect("a list").push((at.clone(), signed));
    let host = request.headers()["host"].to_str().expect("a host").to_owned();
    match at.as_str() {
        "/token?service=s&scope=repository%3Aapp%3Apull" => "{\"token\":\"given\"}".into_response(),
        at if at.starts_with("/v2/") && !signed => {
            let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"s\",scope=\"repository:app:pull\"");
            (http::StatusCode::UNAUTHORIZED, [("www-authenticate", challenge)]).into_response()
        }
        "/v2/app/tags/list?n=1000" => {
            let next = "</v2/app/tags/list?n=1000&last=1.0>; rel=\"next\"";
            ([("link", next)], "{\"name\":\"app\",\"tags\":[\"1.0\"]}").into_response()
        }
        "/v2/app/tags/list?n=1000&last=1.0" => "{\"name\":\"app\",\"tags\":[\"1.1\"]}".into_response(),
        "/code.test/a/@v/list" => "v1.0.0\nv1.1.0\nv1.2.0\n".into_response(),
        "/code.test/a/@v/v1.1.0.info" => "{\"Version\":\"v1.1.0\",\"Time\":\"2026-01-01T00:00:00Z\"}".into_response(),
        "/code.test/a/@v/v1.2.0.mod" => "module code.test/a\nretract v1.2.0\n".into_response(),
        "/o/r.git/info/refs?service=git-upload-pack" => {
            let commit = "0123456789012345678901234567890123456789";
            let line = |text: String| format!("{:04x}{text}", text.len() + 4);
            let tag = line(format!("{commit} refs/tags/v2\0agent=x\n"));
            format!("{}0000{tag}0000", line("# service=git-upload-pack\n".to_owned())).into_response()
        }
        _ => http::StatusCode::NOT_FOUND.into_response(),
    }
}

#[tokio::test]
async fn images_modules_and_actions_are_asked_where_they_are() {
    let asked = Asked::default();
    let router = Router::new().fallback(others).with_state(asked.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    let base = format!("http://{address}");
    let registries = Registries::new(
        &Config::default(),
        vec![
            Box::new(Images::of_text(&format!("{{\"insecure-registries\": [\"{address}\"]}}"))),
            Box::new(Go::new(Some(format!("{base},direct")), Some("code.test/own".to_owned()))),
            Box::new(Actions::at(Some(&format!("{base}/o/checkout.git")))),
            Box::new(Toolchains::read(&BTreeMap::new())),
        ],
    )
    .expect("a client");
    let package = |ecosystem, name: &str| Package { ecosystem, registry: None, name: name.to_owned() };
    let image = package(Ecosystem::Image, &format!("{address}/app"));
    let module = package(Ecosystem::Go, "code.test/a");
    let action = package(Ecosystem::Actions, "o/r");
    let packages = [
        image.clone(),
        module.clone(),
        action.clone(),
        package(Ecosystem::Go, "code.test/own/b"),
        package(Ecosystem::Go, "code.test/gone"),
        package(Ecosystem::Image, "127.0.0.1:1/app"),
        package(Ecosystem::Toolchain, "node"),
    ];
    let answers = registries.look_up(&packages, How { now: NOW, deep: false }, &|_| {}).await;
    let releases = |package: &Package| match &answers[package] {
        Looked::Releases(releases) => releases.clone(),
        Looked::Not(why) => panic!("{}: {why}", package.name),
    };
    let tags: Vec<String> = releases(&image).into_iter().map(|release| release.version).collect();
    assert_eq!(tags, ["1.0", "1.1"]);
    let versions: Vec<_> = releases(&module).iter().map(|one| (one.yanked, one.published.is_some())).collect();
    assert_eq!(versions, [(false, false), (false, true), (true, false)]);
    let commit = releases(&action)[0].commit.clone();
    assert_eq!(commit.as_deref(), Some("0123456789012345678901234567890123456789"));
    for (package, words) in
        packages[3..].iter().zip(["GOPRIVATE", "does not have it", "daemon.json", "versions of node"])
    {
        assert!(matches!(&answers[package], Looked::Not(why) if why.contains(words)), "{:?}", answers[package]);
    }
    let asked = asked.lock().expect("a list");
    // What is private is not even asked for, and the token goes to nobody who did not want one.
    assert!(asked.iter().all(|(at, _)| !at.contains("own/b")), "{asked:?}");
    assert!(asked.iter().all(|(at, signed)| !signed || at.starts_with("/v2/")), "{asked:?}");
}

/// Fixed, without a fix, under two names, withdrawn, not to be read, and one that blocks nothing.
const ADVISORIES: [(&str, &str); 6] = [
    (
        "RUSTSEC-2026-0001.md",
        "```toml\n[advisory]\nid = \"RUSTSEC-2026-0001\"\npackage = \"below\"\ndate = \"2026-01-02\"\naliases = [\"CVE-2026-1\"]\ncvss = \"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H\"\n[affected.functions]\n\"below::deep::parse\" = [\"< 1.1.0\"]\n[versions]\npatched = [\">= 1.1.0\"]\n```\n# It reads too far\n",
    ),
    (
        "GHSA-aaaa-bbbb-cccc.json",
        r#"{"id": "GHSA-aaaa-bbbb-cccc", "aliases": ["CVE-2026-1"], "summary": "It reads too far", "affected": [{"package": {"ecosystem": "crates.io", "name": "below"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.1.0"}]}]}]}"#,
    ),
    (
        "RUSTSEC-2026-0002.md",
        "```toml\n[advisory]\nid = \"RUSTSEC-2026-0002\"\npackage = \"serde\"\ndate = \"2026-01-02\"\n[versions]\npatched = []\n```\n# Nobody mends it\n",
    ),
    (
        "RUSTSEC-2026-0003.md",
        "```toml\n[advisory]\nid = \"RUSTSEC-2026-0003\"\npackage = \"serde\"\ndate = \"2026-01-02\"\nwithdrawn = \"2026-02-01\"\n[versions]\npatched = []\n```\n# It was none\n",
    ),
    (
        "RUSTSEC-2026-0004.md",
        "```toml\n[advisory]\nid = \"RUSTSEC-2026-0004\"\npackage = \"serde\"\ndate = \"2026-01-02\"\n[versions]\npatched = [\">= one\"]\n```\n# Not to be read\n",
    ),
    (
        "RUSTSEC-2026-0005.md",
        "```toml\n[advisory]\nid = \"RUSTSEC-2026-0005\"\npackage = \"below\"\ndate = \"2026-01-02\"\ninformational = \"unmaintained\"\n[versions]\npatched = []\n```\n# Its author left\n",
    ),
];

/// Whoever may write a Dockerfile must not choose whom the server asks inside its own network.
#[tokio::test]
async fn a_registry_that_a_checkout_names_is_not_asked_where_it_leads_inside() {
    let (address, asked) = serve().await;
    let names = Names::by(move |_| Box::pin(std::future::ready(Ok(vec![address]))));
    let images = |config: &str| -> Vec<Box<dyn Source>> {
        vec![Box::new(Images::of_text(config).entered(r#"{"auths": {"known.test": {"auth": "c2VjcmV0"}}}"#))]
    };
    let config = Config { guard: Some(names), silence: Duration::from_secs(2), ..Config::default() };
    let package = |name: String| Package { ecosystem: Ecosystem::Image, registry: None, name };
    let wanted = [package("images.test/tool".to_owned()), package(format!("{address}/tool"))];
    let how = How { now: NOW, deep: false };
    let registries = Registries::new(&config, images("{}")).expect("a client");
    let said = told(&registries.look_up(&wanted, how, &|_| {}).await);
    assert!(said.contains("images.test leads into Fairway's own network") && said.contains("docker login"), "{said}");
    assert!(said.contains("is no name that everybody knows"), "{said}");
    assert!(asked.lock().expect("a list").is_empty());
    let allowed = images(&format!("{{\"insecure-registries\": [\"{address}\"]}}"));
    let registries = Registries::new(&config, allowed).expect("a client");
    registries.look_up(&wanted[1..], how, &|_| {}).await;
    assert_eq!(asked.lock().expect("a list").len(), 1, "the operator named it");
    assert!(!images("{}")[0].chosen(&package("known.test/tool".to_owned())));
}

#[tokio::test]
async fn a_person_is_told_what_is_open_and_what_ends_it() {
    let (address, _) = serve().await;
    let folder = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    write(
        "home/config.toml",
        &format!("[source.crates-io]\nreplace-with = \"m\"\n[source.m]\nregistry = \"sparse+http://{address}/\"\n"),
    );
    write("shop/Cargo.toml", "[package]\nname = \"shop\"\nversion = \"0.1.0\"\n[dependencies]\nserde = \"1\"\n");
    let source = "source = \"registry+https://forge.example/rust-lang/crates.io-index\"";
    write(
        "shop/Cargo.lock",
        &format!(
            "version = 3\n\n[[package]]\nname = \"below\"\nversion = \"1.0.0\"\n{source}\n\n[[package]]\nname = \"serde\"\nversion = \"1.1.0\"\n{source}\ndependencies = [\n \"below\",\n]\n\n[[package]]\nname = \"shop\"\nversion = \"0.1.0\"\ndependencies = [\n \"serde\",\n]\n"
        ),
    );
    write("shop/src/main.rs", "fn main() { below::deep::parse(\"x\"); }\n");
    for (path, text) in ADVISORIES {
        write(&format!("db/{path}"), text);
    }
    let database = folder.path().join("db");
    let updates = |args: &'static [&str], database: &Path| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_fairway"));
        command.arg("updates").arg(folder.path().join("shop")).arg("--offline-db").arg(database).args(args).env_clear();
        command.env("CARGO_HOME", folder.path().join("home")).env("XDG_CACHE_HOME", folder.path().join("cache"));
        async move { command.output().await.expect("fairway") }
    };
    let text = |output: std::process::Output| {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    insta::assert_snapshot!(text(updates(&[], &database).await), @"
    1 dependencies in Cargo.toml, 3 packages locked.

    Not read (1): as it stands
      The advisory RUSTSEC-2026-0004 cannot be read, and it may be about a package here: its range `>= one` is malformed: unexpected character 'o' while parsing major version number.

    Everything has the newest version.

    Advisories (2): of the 5 that were read
      below 1.0.0 in Cargo.lock, by serde 1.1.0
        critical  RUSTSEC-2026-0001 (GHSA-aaaa-bbbb-cccc, CVE-2026-1): It reads too far
                  used: below::deep::parse is named in src/main.rs:1
      serde 1.1.0 in Cargo.lock; used: unknown
        unrated   RUSTSEC-2026-0002: Nobody mends it
                  stays: no release is free of it

    Smallest fix, critical (1 advisory): 1 version changes; nothing smaller does
      below  1.0.0 -> 1.1.0  Cargo.lock

    Worth knowing, unmaintained: below 1.0.0 (RUSTSEC-2026-0005)
    ");
    insta::assert_snapshot!(text(updates(&["--explain", "below"], &database).await), @"
    No manifest asks for below; Cargo.lock has 1.0.0 because of shop -> serde -> below.
      It moves with what needs it, or alone: cargo update --package below@1.0.0
      below 1.0.0 in Cargo.lock, by serde 1.1.0
        critical  RUSTSEC-2026-0001 (GHSA-aaaa-bbbb-cccc, CVE-2026-1): It reads too far
                  used: below::deep::parse is named in src/main.rs:1

    Smallest fix, critical (1 advisory): 1 version changes; nothing smaller does
      below  1.0.0 -> 1.1.0  Cargo.lock
    ");
    let object: serde_json::Value = serde_json::from_str(&text(updates(&["--json"], &database).await)).expect("JSON");
    let advisories = &object["advisories"];
    assert_eq!(advisories["fixes"][0]["changes"][0]["to"], "1.1.0");
    assert_eq!(advisories["fixes"][0]["proof"], "1 version changes; nothing smaller does");
    assert_eq!(advisories["vulnerable"][0]["chain"], serde_json::json!(["serde 1.1.0", "below 1.0.0"]));
    assert_eq!(advisories["vulnerable"][0]["used"], true);
    assert_eq!(advisories["vulnerable"][1]["stays"], "no release is free of it");
    let nowhere = updates(&[], &folder.path().join("nowhere")).await;
    assert_eq!(nowhere.status.code(), Some(1));
    let said = String::from_utf8_lossy(&nowhere.stderr);
    assert!(said.contains("nowhere cannot be read as a folder of advisories"), "{said}");
}
