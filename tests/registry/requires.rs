//! What distributions require, where a lock does not say so: beside a wheel, or in it.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use fairway::domain::update::{Ecosystem, Package, Release};
use fairway::registry::python::Python;
use fairway::registry::{Config, Registries};
use sha2::{Digest, Sha256};

const NOW: i64 = 1_800_000_000_000;
const METADATA: &str = "Metadata-Version: 2.1\nName: outer\nVersion: 1.0\nRequires-Dist: inner<2\n\nAbout it.\n";

type Asked = Arc<Mutex<Vec<String>>>;

fn wheel() -> Vec<u8> {
    let mut wheel = zip::ZipWriter::new(Cursor::new(Vec::new()));
    wheel.start_file("outer-1.0.dist-info/METADATA", zip::write::SimpleFileOptions::default()).expect("a file");
    wheel.write_all(METADATA.replace("inner<2", "inner<3").as_bytes()).expect("memory");
    wheel.finish().expect("memory").into_inner()
}

/// 1.0 has its metadata beside it, 1.1 only in it, 1.2 is not what the index says, and 1.3 is a source.
async fn answer(State(asked): State<Asked>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    asked.lock().expect("a list").push(path.clone());
    let file = |name: &str, sum: &str| {
        format!("{{\"filename\":\"{name}\",\"url\":\"../../f/{name}\",\"hashes\":{{\"sha256\":\"{sum}\"}}}}")
    };
    match path.as_str() {
        "/simple/outer/" => {
            let sum = hex::encode(Sha256::digest(wheel()));
            let files = [
                file("outer-1.0-py3-none-any.whl", &sum),
                file("outer-1.1-py3-none-any.whl", &sum),
                file("outer-1.2-py3-none-any.whl", &"0".repeat(64)),
                file("outer-1.3.tar.gz", &sum),
            ];
            format!("{{\"name\":\"outer\",\"files\":[{}]}}", files.join(",")).into_response()
        }
        "/f/outer-1.0-py3-none-any.whl.metadata" => METADATA.into_response(),
        "/f/outer-1.1-py3-none-any.whl" | "/f/outer-1.2-py3-none-any.whl" => wheel().into_response(),
        _ => http::StatusCode::NOT_FOUND.into_response(),
    }
}

#[tokio::test]
async fn what_a_distribution_requires_is_asked_for_once_and_never_made_up() {
    let asked = Asked::default();
    let router = Router::new().fallback(answer).with_state(asked.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    let env = BTreeMap::from([("PIP_INDEX_URL".to_owned(), format!("http://{address}/simple/"))]);
    let cache = tempfile::tempdir().expect("a folder");
    let config = Config { cache: Some(cache.path().to_owned()), ..Config::default() };
    let python = Python::read(Some(cache.path()), &env, None).await;
    let registries = Registries::new(&config, vec![Box::new(python)]).expect("a client");
    let wanted = || {
        let release = |version: &str| Release { version: version.to_owned(), published: Some(7), ..Release::default() };
        let package = Package { ecosystem: Ecosystem::Python, registry: None, name: "outer".to_owned() };
        ["1.0", "1.1", "1.2", "1.3"].map(|version| (package.clone(), release(version))).to_vec()
    };
    let told = registries.detail(wanted(), NOW).await;
    let shown: Vec<String> = told
        .iter()
        .map(|one| {
            let needs: Vec<String> =
                one.dependencies.iter().map(|dep| format!("{}{}", dep.name, dep.requirement)).collect();
            format!("{} {} {:?}", one.version, needs.join(" "), one.unknown)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "1.0 inner<2 None",
            "1.1 inner<3 None",
            "1.2  Some(\"its wheel is not the one of which the index has the checksum\")",
            "1.3  Some(\"it is published as its source alone, which would have to be built\")",
        ]
    );
    assert_eq!(told[0].published, Some(7), "what the list said stays");
    // A release does not change; what could not be had is tried again.
    let before = asked.lock().expect("a list").len();
    let again = registries.detail(wanted(), NOW + 3_600_000).await;
    assert_eq!(again[..2], told[..2]);
    let after = asked.lock().expect("a list")[before..].join(" ");
    assert!(!after.contains("outer-1.0") && !after.contains("outer-1.1") && after.contains("outer-1.2"), "{after}");
}
