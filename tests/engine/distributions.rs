//! Python's clients at work in the engine, against an index on loopback with real wheels that have nothing in them.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use fairway::domain::update::course::Item;
use fairway::domain::update::edit::{Plan, failure, plan};
use fairway::domain::update::{Ecosystem, Files};
use fairway::engine::Outcome;
use fairway::registry::Clients;
use http::header::CONTENT_TYPE;
use sha2::{Digest, Sha256};

use crate::clients::{edit, item, left};
use crate::desk::{Desk, Said};

/// `outer` 1.0 takes `inner` below 2; `loose` takes any.
const ALL: [(&str, &str, &str); 7] = [
    ("inner", "1.0", ""),
    ("inner", "1.1", ""),
    ("inner", "1.2", ""),
    ("inner", "2.0", ""),
    ("outer", "1.0", "Requires-Dist: inner (<2,>=1.0)\n"),
    ("outer", "1.5", "Requires-Dist: inner<2,>=1.0\n"),
    ("loose", "1.0", "Requires-Dist: inner\n"),
];

/// What an index has by path, and what it was asked for.
#[derive(Clone, Default)]
struct Index {
    pages: Arc<BTreeMap<String, (&'static str, Vec<u8>)>>,
    asked: Arc<Mutex<Vec<String>>>,
}

async fn answer(State(index): State<Index>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    index.asked.lock().expect("a list").push(path.clone());
    match index.pages.get(&path) {
        Some((kind, bytes)) => ([(CONTENT_TYPE, *kind)], bytes.clone()).into_response(),
        None => http::StatusCode::NOT_FOUND.into_response(),
    }
}

fn wheel((name, version): (&str, &str), metadata: &str) -> Vec<u8> {
    let info = format!("{name}-{version}.dist-info");
    let tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    let record = format!("{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n");
    let files = [("METADATA", metadata), ("WHEEL", tags), ("RECORD", &record)];
    let mut wheel = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (file, text) in files {
        wheel.start_file(format!("{info}/{file}"), zip::write::SimpleFileOptions::default()).expect("a file");
        wheel.write_all(text.as_bytes()).expect("memory");
    }
    wheel.finish().expect("memory").into_inner()
}

/// The hash of a wheel, as pip writes it.
fn hash(name: &str, version: &str) -> String {
    let needs = ALL.iter().find(|(of, at, _)| (*of, *at) == (name, version)).expect("it is there").2;
    let digest = Sha256::digest(wheel((name, version), &metadata((name, version), needs)));
    format!("sha256:{}", hex::encode(digest))
}

fn metadata((name, version): (&str, &str), needs: &str) -> String {
    format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: >=3.8\n{needs}")
}

async fn serve() -> (SocketAddr, Index) {
    let mut pages: BTreeMap<String, (&'static str, Vec<u8>)> = BTreeMap::new();
    for (name, version, needs) in ALL {
        let text = metadata((name, version), needs);
        let file = format!("/files/{name}-{version}-py3-none-any.whl");
        let (sum, bytes) = (hash(name, version).replace(':', "="), wheel((name, version), &text));
        let page = pages.entry(format!("/simple/{name}/")).or_insert(("text/html", b"<!DOCTYPE html>\n".to_vec()));
        let known = hex::encode(Sha256::digest(&text));
        let link = format!(
            "<a href=\"{file}#{sum}\" data-requires-python=\"&gt;=3.8\" data-core-metadata=\"sha256={known}\" data-dist-info-metadata=\"sha256={known}\">{}</a><br>\n",
            &file["/files/".len()..]
        );
        page.1.extend(link.into_bytes());
        pages.insert(format!("{file}.metadata"), ("text/plain", text.into_bytes()));
        pages.insert(file, ("application/zip", bytes));
    }
    let index = Index { pages: Arc::new(pages), ..Index::default() };
    let router = Router::new().fallback(answer).with_state(index.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, index)
}

fn clients(address: SocketAddr) -> Clients {
    let simple = format!("http://{address}/simple");
    let env = [("UV_DEFAULT_INDEX", simple.clone()), ("PIP_INDEX_URL", simple), ("PIP_FIND_LINKS", String::new())];
    Clients { env: env.map(|(name, value)| (name.to_owned(), value)).into(), files: Vec::new() }
}

fn inner(file: &str, line: u32, to: &str) -> Item {
    item(Ecosystem::Python, (file, line), "inner", ("1.0", to))
}

/// What a lock has of a package.
fn version(lock: &str, name: &str) -> String {
    let found = lock.split("[[package]]").find(|part| part.trim_start().starts_with(&format!("name = \"{name}\"")));
    let version = found.and_then(|part| part.split("version = \"").nth(1)).expect("a version");
    version.split('"').next().expect("a version").to_owned()
}

/// Everything that an update keeps of a run.
fn whole(files: &[(&str, &str)], plan: &Plan, (desk, said): (&Desk, &Said)) -> Files {
    let kept = plan.kept().map(|path| (path.clone(), left(desk, said, path))).collect();
    let mut after: Files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    after.extend(plan.joined(kept).expect("all that was wanted"));
    assert_eq!(plan.unmet(&after), None);
    after
}

const EVIL: &str = "[build-system]\nrequires = []\nbuild-backend = \"evil\"\nbackend-path = [\".\"]\n";

#[tokio::test(flavor = "multi_thread")]
async fn uv_takes_the_very_version_of_what_no_manifest_names_and_says_who_holds_it() {
    let (address, index) = serve().await;
    let manifest = format!(
        "[project]\nname = \"app\"\nversion = \"1\"\nrequires-python = \">=3.9\"\ndependencies = [\"outer\"]\n{EVIL}"
    );
    let package = |name: &str, more: &str| {
        format!(
            "\n[[package]]\nname = \"{name}\"\nversion = \"1.0\"\nsource = {{ registry = \"http://{address}/simple\" }}\n{more}wheels = [\n    {{ url = \"http://{address}/files/{name}-1.0-py3-none-any.whl\", hash = \"{}\" }},\n]\n",
            hash(name, "1.0")
        )
    };
    let own = "\n[[package]]\nname = \"app\"\nversion = \"1\"\nsource = { editable = \".\" }\ndependencies = [\n    { name = \"outer\" },\n]\n\n[package.metadata]\nrequires-dist = [{ name = \"outer\" }]\n";
    let outer = package("outer", "dependencies = [\n    { name = \"inner\" },\n]\n");
    let lock = format!("version = 1\nrevision = 3\nrequires-python = \">=3.9\"\n{own}{}{outer}", package("inner", ""));
    let files = [
        ("pyproject.toml", manifest.as_str()),
        ("uv.lock", lock.as_str()),
        ("evil.py", "print('EVIL')\n"),
        ("uv.toml", "index-url = \"http://127.0.0.1:9/\"\n"),
    ];
    let items = [inner("uv.lock", 0, "1.1")];
    let Some(ran) = edit("uv", &files, &items, &clients(address)).await else { return };
    let texts = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    let after = whole(&files, &plan(&texts, &items).expect("a plan"), (&ran.0, &ran.1));
    assert_eq!(["inner", "outer"].map(|name| version(&after["uv.lock"], name)), ["1.1", "1.0"]);
    assert_eq!(after["pyproject.toml"], manifest);
    let asked = index.asked.lock().expect("a list").clone();
    assert!(!asked.iter().any(|path| path.ends_with(".whl")), "a package was fetched: {asked:?}");
    let Some((_, said)) = edit("uv", &files, &[inner("uv.lock", 0, "2.0")], &clients(address)).await else { return };
    assert_eq!(said.outcome, Outcome::Failed);
    let why = failure(&said.log);
    assert!(why.contains("outer") && why.contains("inner") && why.contains("Update what holds it"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn uv_writes_the_hashes_of_requirements_that_nobody_compiles() {
    let (address, _) = serve().await;
    let text = "# ours\r\nOuter == 1.0 ; python_version > \"3\" \\\r\n  --hash=sha256:00 \\\r\n  --hash=sha256:01\r\n\
        inner==1.0 --hash=sha256:02  # why\r\nloose==1.0 --hash=sha256:03\r\n";
    let files = [("requirements.txt", text), ("sub/requirements-dev.txt", "inner==1.0 \\\n    --hash=sha256:04\n")];
    let mut items = vec![inner("requirements.txt", 5, "1.2"), inner("sub/requirements-dev.txt", 1, "1.1")];
    items.push(item(Ecosystem::Python, ("requirements.txt", 2), "outer", ("1.0", "1.5")));
    items.iter_mut().for_each(|item| item.lock_only = false);
    let Some(ran) = edit("uv", &files, &items, &clients(address)).await else { return };
    let texts = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    let plan = plan(&texts, &items).expect("a plan");
    assert_eq!(plan.commands.len(), 2, "one call a file");
    let after = whole(&files, &plan, (&ran.0, &ran.1));
    let (outer, new) = (hash("outer", "1.5"), hash("inner", "1.2"));
    let expected = text.replace("Outer == 1.0", "Outer == 1.5").replace("inner==1.0", "inner==1.2");
    let expected = expected.replace("sha256:00 \\\r\n  --hash=sha256:01", &outer).replace("sha256:02", &new);
    assert_eq!(after["requirements.txt"], expected);
    assert_eq!(after["sub/requirements-dev.txt"], format!("inner==1.1 \\\n    --hash={}\n", hash("inner", "1.1")));
    assert_eq!(after.len(), 2, "what was written apart is nobody's");
}

/// A compiled file keeps its head, its hashes and who is there for whom.
async fn compiles(client: &str, head: &str) {
    let (address, _) = serve().await;
    let line = |name: &str, version: &str, via: &str| {
        format!("{name}=={version} \\\n    --hash={}\n    # via {via}\n", hash(name, version))
    };
    let text =
        |inner: &str| [head, &line("inner", inner, "outer"), &line("outer", "1.0", "-r requirements.in")].concat();
    let before = text("1.0");
    let files = [("requirements.in", "outer\n"), ("requirements.txt", before.as_str())];
    let items = [inner("requirements.txt", 0, "1.1")];
    let Some(ran) = edit(client, &files, &items, &clients(address)).await else { return };
    assert_eq!(left(&ran.0, &ran.1, "requirements.txt"), text("1.1"), "{}", ran.1.log);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compiled_file_is_made_by_its_own_client() {
    compiles(
        "uv",
        "# This file was autogenerated by uv via the following command:\n#    uv pip compile --generate-hashes requirements.in -o requirements.txt\n",
    )
    .await;
    compiles(
        "pip-compile",
        "#\n# This file is autogenerated by pip-compile with Python 3.11\n# by the following command:\n#\n#    pip-compile --generate-hashes requirements.in\n#\n",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn poetry_takes_the_very_version_of_what_no_manifest_names() {
    let (address, _) = serve().await;
    let source = format!(
        "\n[[tool.poetry.source]]\nname = \"own\"\nurl = \"http://{address}/simple/\"\npriority = \"primary\"\n"
    );
    let standard = "[project]\nname = \"app\"   # ours\nversion = \"1\"\nrequires-python = \">=3.9\"\ndependencies = [\"outer\"]\n\n[tool.poetry]\npackage-mode = false\n";
    let own = "[tool.poetry]\npackage-mode = false\n\n[tool.poetry.dependencies]\npython = \">=3.9\"\nouter = \"*\"\n";
    for manifest in [standard, own] {
        let manifest = format!("{manifest}{source}");
        let package = |name: &str, more: &str| {
            format!(
                "[[package]]\nname = \"{name}\"\nversion = \"1.0\"\ndescription = \"\"\noptional = false\npython-versions = \">=3.8\"\ngroups = [\"main\"]\nfiles = [\n    {{file = \"{name}-1.0-py3-none-any.whl\", hash = \"{}\"}},\n]\n\n{more}[package.source]\ntype = \"legacy\"\nurl = \"http://{address}/simple\"\nreference = \"own\"\n\n",
                hash(name, "1.0")
            )
        };
        let outer = package("outer", "[package.dependencies]\ninner = \">=1.0,<2\"\n\n");
        let lock = format!(
            "# This file is automatically @generated by Poetry 2.5.1 and should not be changed by hand.\n\n{}{outer}[metadata]\nlock-version = \"2.1\"\npython-versions = \">=3.9\"\ncontent-hash = \"0\"\n",
            package("inner", "")
        );
        let files = [("pyproject.toml", manifest.as_str()), ("poetry.lock", lock.as_str())];
        let items = [inner("poetry.lock", 0, "1.1")];
        let Some(ran) = edit("poetry", &files, &items, &clients(address)).await else { return };
        let lock = left(&ran.0, &ran.1, "poetry.lock");
        assert_eq!(["inner", "outer"].map(|name| version(&lock, name)), ["1.1", "1.0"], "{}", ran.1.log);
        let texts = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        let plan = plan(&texts, &items).expect("a plan");
        assert_eq!(plan.kept().collect::<Vec<_>>(), ["poetry.lock"], "the manifest stays as it was");
        let Some((_, said)) = edit("poetry", &files, &[inner("poetry.lock", 0, "2.0")], &clients(address)).await else {
            return;
        };
        assert_eq!(said.outcome, Outcome::Failed);
        let why = failure(&said.log);
        assert!(why.contains("outer") && why.contains("inner"), "{why}");
    }
}
