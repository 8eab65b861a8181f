//! Published packages as a registry has them: two versions are fetched, checked, unpacked and compared, and what is known of
//! one is not fetched twice.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use fairway::domain::update::artefact::Difference;
use fairway::domain::update::{Ecosystem, Package};
use fairway::registry::artefact::Wanted;
use fairway::registry::cargo::{Crates, Indexes};
use fairway::registry::{Config, Registries};
use sha2::{Digest, Sha256};

/// A `.crate` with these files.
fn packed(name: &str, version: &str, files: &[(&str, &str)]) -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let mut builder = tar::Builder::new(gzip);
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, format!("{name}-{version}/{path}"), text.as_bytes()).expect("memory");
    }
    builder.into_inner().expect("memory").finish().expect("memory")
}

struct Shop {
    /// By path.
    documents: BTreeMap<String, Vec<u8>>,
    asked: Mutex<Vec<String>>,
}

async fn answer(State(shop): State<Arc<Shop>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    shop.asked.lock().expect("a list").push(path.clone());
    match shop.documents.get(&path) {
        Some(bytes) => bytes.clone().into_response(),
        None => http::StatusCode::NOT_FOUND.into_response(),
    }
}

async fn serve() -> (SocketAddr, Arc<Shop>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let vcs = |digit: &str| format!(r#"{{"git":{{"sha1":"{}"}}}}"#, digit.repeat(40));
    let manifest = "[package]\nname = \"thing\"\nlicense = \"MIT\"\nrepository = \"https://github.com/acme/thing\"\n";
    let (a, b) = (vcs("a"), vcs("b"));
    let old = [("Cargo.toml", manifest), ("src/lib.rs", "pub fn f() {}"), (".cargo_vcs_info.json", &a)];
    let new = [
        ("Cargo.toml", manifest),
        ("build.rs", "fn main() { std::process::abort() }"),
        ("src/lib.rs", "pub fn f() { unsafe { g() } }"),
        (".cargo_vcs_info.json", &b),
        ("CHANGELOG.md", "# Changes\n\n## 1.1.0\n\n- faster\n\n## 1.0.0\n\n- first\n"),
    ];
    let crates =
        [("thing", "1.0.0", packed("thing", "1.0.0", &old)), ("thing", "1.1.0+x", packed("thing", "1.1.0+x", &new))];
    let other = ("wrong", "1.0.0", b"not what was published".to_vec());
    let mut documents = BTreeMap::new();
    let mut index: BTreeMap<String, String> = BTreeMap::new();
    for (name, version, bytes) in crates.iter().chain([&other]) {
        let cksum = if *name == "wrong" { "00".repeat(32) } else { hex::encode(Sha256::digest(bytes)) };
        let line = format!("{{\"name\":\"{name}\",\"vers\":\"{version}\",\"cksum\":\"{cksum}\"}}\n");
        index.entry(format!("/{}/{}/{name}", &name[..2], &name[2..4])).or_default().push_str(&line);
        documents.insert(format!("/files/{name}-{version}.crate"), bytes.clone());
    }
    documents.extend(index.into_iter().map(|(path, text)| (path, text.into_bytes())));
    let dl = format!("{{\"dl\":\"http://{address}/files/{{crate}}-{{version}}.crate\"}}");
    documents.insert("/config.json".to_owned(), dl.into_bytes());
    let shop = Arc::new(Shop { documents, asked: Mutex::default() });
    let router = Router::new().fallback(answer).with_state(shop.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, shop)
}

fn registries(address: SocketAddr, cache: &Path) -> Registries {
    let home = tempfile::tempdir().expect("a folder");
    let config =
        format!("[source.crates-io]\nreplace-with = \"m\"\n[source.m]\nregistry = \"sparse+http://{address}/\"\n");
    std::fs::write(home.path().join("config.toml"), config).expect("a file");
    let indexes = Indexes::read(Some(home.path()), BTreeMap::new());
    let config = Config { cache: Some(cache.to_owned()), ..Config::default() };
    Registries::new(&config, vec![Box::new(Crates::new(indexes))]).expect("a client")
}

fn wanted(name: &str, from: Option<&str>, to: &str) -> Wanted {
    let package = Package { ecosystem: Ecosystem::Cargo, registry: None, name: name.to_owned() };
    Wanted { package, from: from.map(str::to_owned), to: to.to_owned() }
}

#[tokio::test]
async fn two_versions_are_compared_and_one_that_fails_costs_itself_alone() {
    let (address, shop) = serve().await;
    let cache = tempfile::tempdir().expect("a folder");
    let all = [
        wanted("wrong", None, "1.0.0"),
        wanted("thing", Some("1.0.0"), "1.1.0+x"),
        wanted("nowhere", Some("1.0.0"), "1.0.1"),
        wanted("thing", Some("0.9.0"), "1.0.0"),
    ];
    let found = registries(address, cache.path()).artefacts(&all).await;
    let why = |at: usize| found[at].told.as_ref().expect_err("a reason").as_str();
    assert_eq!(why(0), "the archive is not the one of which the registry has the checksum");
    assert_eq!(why(2), "the registry does not have it");
    let told = found[1].told.as_ref().expect("facts");
    assert_eq!(told.changelog.as_ref().map(|log| log.text.as_str()), Some("## 1.1.0\n\n- faster"));
    let compare = format!("https://github.com/acme/thing/compare/{}...{}", "a".repeat(40), "b".repeat(40));
    assert_eq!(told.compare.as_deref(), Some(compare.as_str()));
    let script = Difference::BuildScript { file: "build.rs".to_owned(), new: true };
    assert_eq!(told.differences, [script, Difference::Unsafe { files: 1 }]);
    let told = found[3].told.as_ref().expect("facts of the later one");
    assert_eq!(told.uncompared.as_deref(), Some("the index does not have thing 0.9.0"));

    shop.asked.lock().expect("a list").clear();
    let again = registries(address, cache.path()).artefacts(&all[1..2]).await;
    assert_eq!(again, found[1..2]);
    let asked = shop.asked.lock().expect("a list").clone();
    assert!(!asked.iter().any(|path| path.starts_with("/files/")), "{asked:?}");
}
