//! Versions that are tags: Git's own server, and a registry of images, asked for what their lists do not say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use fairway::domain::update::{Decision, Files, Package, Policy, decide, extract};
use fairway::registry::actions::Actions;
use fairway::registry::detail::complete;
use fairway::registry::go::Go;
use fairway::registry::image::Images;
use fairway::registry::{Config, How, Registries};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt as _;

const DAY: i64 = 24 * 60 * 60 * 1000;
/// 2026-01-31.
const NOW: i64 = 1_769_817_600_000;

/// What is served, and what was asked.
#[derive(Clone, Default)]
struct World {
    git: PathBuf,
    /// Tag or digest to document; a tag is what it was set to last.
    images: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl World {
    fn image(&self, tag: &str, created: &str) -> String {
        let mut images = self.images.lock().expect("images");
        let mut put = |text: String| {
            let digest = format!("sha256:{}", hex::encode(Sha256::digest(&text)));
            images.insert(digest.clone(), text.clone().into_bytes());
            (digest, text)
        };
        let (config, _) = put(format!("{{\"created\":\"{created}\",\"architecture\":\"amd64\"}}"));
        let (one, _) = put(format!("{{\"schemaVersion\":2,\"config\":{{\"digest\":\"{config}\"}},\"layers\":[]}}"));
        let platform = "\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}";
        let (index, text) = put(format!("{{\"manifests\":[{{\"digest\":\"{one}\",{platform}}}]}}"));
        images.insert(tag.to_owned(), text.into_bytes());
        index
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().expect("a list"))
    }
}

async fn git(folder: &Path, args: &[&str], when: &str) -> String {
    let mut git = tokio::process::Command::new("git");
    git.args(["-c", "user.name=a", "-c", "user.email=a@b.test", "-c", "uploadpack.allowFilter=true"]).args(args);
    git.current_dir(folder).env("GIT_COMMITTER_DATE", when).env("GIT_AUTHOR_DATE", "2001-01-01T00:00:00Z");
    let output = git.env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", folder).output().await.expect("git");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// A commit of that time with a tag; gives the commit.
async fn tag(world: &World, name: &str, when: &str) -> String {
    git(&world.git, &["commit", "--quiet", "--allow-empty", "-m", name], when).await;
    git(&world.git, &["tag", name], when).await;
    git(&world.git, &["rev-parse", "HEAD"], when).await
}

async fn upload_pack(world: &World, advertise: bool, protocol: &str, body: &[u8]) -> Vec<u8> {
    let mut git = tokio::process::Command::new("git");
    git.args(["-c", "uploadpack.allowFilter=true", "upload-pack", "--stateless-rpc"]);
    git.args(advertise.then_some("--advertise-refs")).arg(&world.git).env("GIT_PROTOCOL", protocol);
    let mut child = git.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("git");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(body).await.expect("a question");
    drop(stdin);
    child.wait_with_output().await.expect("an answer").stdout
}

async fn serve(
    State(world): State<World>,
    method: http::Method,
    uri: http::Uri,
    headers: http::HeaderMap,
    body: Bytes,
) -> Response {
    world.asked.lock().expect("a list").push(format!("{method} {uri}"));
    let at = uri.to_string();
    if at == "/o/r.git/info/refs?service=git-upload-pack" {
        let refs = upload_pack(&world, true, "", b"").await;
        return [b"001e# service=git-upload-pack\n0000".as_slice(), &refs].concat().into_response();
    }
    if at == "/o/r.git/git-upload-pack" {
        let protocol = headers["git-protocol"].to_str().expect("a word").to_owned();
        return upload_pack(&world, false, &protocol, &body).await.into_response();
    }
    let images = world.images.lock().expect("images");
    let name = at.rsplit('/').next().unwrap_or_default();
    if at.contains("/tags/list") {
        let tags: Vec<&String> = images.keys().filter(|name| !name.starts_with("sha256:")).collect();
        return serde_json::json!({ "name": "app", "tags": tags }).to_string().into_response();
    }
    match images.get(name) {
        Some(document) => {
            let digest = format!("sha256:{}", hex::encode(Sha256::digest(document)));
            ([("docker-content-digest", digest)], document.clone()).into_response()
        }
        None => match at.as_str() {
            "/code.test/a/@v/list" => "v1.0.0\nv1.1.0\n".into_response(),
            "/code.test/a/@v/v1.1.0.info" => {
                "{\"Version\":\"v1.1.0\",\"Time\":\"2026-01-01T00:00:00Z\"}".into_response()
            }
            _ => http::StatusCode::NOT_FOUND.into_response(),
        },
    }
}

/// A world on loopback and its address; the repository has v1.0.0, v1.1.0 and, since yesterday, v1.2.0.
async fn world() -> (World, String, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let world = World { git: folder.path().to_owned(), ..World::default() };
    git(&world.git, &["init", "--quiet"], "").await;
    tag(&world, "v1.0.0", "2025-01-01T00:00:00Z").await;
    tag(&world, "v1.1.0", "2026-01-01T00:00:00Z").await;
    tag(&world, "v1.2.0", "2026-01-30T00:00:00Z").await;
    let router = Router::new().fallback(serve).with_state(world.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (world, address, folder)
}

/// One whole look at a checkout of one file.
async fn look(address: &str, cache: Option<&Path>, (file, text): (&str, &str), now: i64) -> Decision {
    let registries = Registries::new(
        &Config { cache: cache.map(Path::to_owned), ..Config::default() },
        vec![
            Box::new(Images::of_text(&format!("{{\"insecure-registries\": [\"{address}\"]}}"))),
            Box::new(Go::new(Some(format!("http://{address}")), None)),
            Box::new(Actions::at(Some(&format!("http://{address}/o/checkout.git")))),
        ],
    )
    .expect("a client");
    let found = extract(&Files::from([(file.to_owned(), text.to_owned())]));
    let packages: Vec<Package> = found.declared.iter().filter_map(Package::of).collect();
    let mut answers = registries.look_up(&packages, How { now, deep: false }, &|_| {}).await;
    let policy = Policy::at(now);
    complete(&|wanted| Box::pin(registries.detail(wanted, now)), &found, &mut answers, &policy).await;
    decide(&found, &answers, &policy)
}

/// What is offered with its age in days, and what is held back.
fn told(decision: &Decision, now: i64) -> String {
    let offers = decision.proposals.iter().map(|offer| {
        let age = offer.published.map_or("?".to_owned(), |published| ((now - published) / DAY).to_string());
        format!("{} to {} ({age})", offer.from, offer.to)
    });
    let held = decision.held.iter().map(|held| format!("not {}: {:?}", held.to, held.why));
    let unknown = decision.unknown.iter().map(|unknown| unknown.why.clone());
    offers.chain(held).chain(unknown).collect::<Vec<_>>().join("; ")
}

const WORKFLOW: &str = ".github/workflows/ci.yml";

#[tokio::test]
async fn a_tag_of_an_action_is_as_old_as_its_commit() {
    let (world, address, folder) = world().await;
    let cache = folder.path().join("cache");
    let file = (WORKFLOW, "steps:\n  - uses: o/r@v1.0.0\n");
    let ripe = NOW + 2 * DAY;
    let expected = format!("v1.0.0 to v1.1.0 (30); not v1.2.0: Cooldown({ripe})");
    assert_eq!(told(&look(&address, Some(&cache), file, NOW).await, NOW), expected);
    assert_eq!(world.asked().iter().filter(|at| at.starts_with("POST")).count(), 2, "the newest, and the next one");
    // A commit keeps its time.
    assert_eq!(told(&look(&address, Some(&cache), file, NOW + DAY / 2).await, NOW), expected);
    assert_eq!(world.asked().iter().filter(|at| at.starts_with("POST")).count(), 0);
    assert_eq!(told(&look(&address, Some(&cache), file, ripe).await, ripe), "v1.0.0 to v1.2.0 (3)");
}

#[tokio::test]
async fn a_tag_that_lies_about_its_age_waits_from_when_it_came() {
    let (world, address, folder) = world().await;
    let cache = folder.path().join("cache");
    let file = (WORKFLOW, "steps:\n  - uses: o/r@v1.1.0\n");
    look(&address, Some(&cache), file, NOW).await;
    tag(&world, "v1.3.0", "2020-01-01T00:00:00Z").await;
    let (later, ripe) = (NOW + DAY, NOW + 3 * DAY);
    let said = told(&look(&address, Some(&cache), file, later).await, later);
    assert!(said.contains(&format!("not v1.3.0: Cooldown({ripe})")), "{said}");
    let said = told(&look(&address, Some(&cache), file, ripe).await, ripe);
    assert_eq!(said, "v1.1.0 to v1.3.0 (3)");
}

#[tokio::test]
async fn a_commit_without_a_time_is_not_silent_for_ever() {
    let (world, address, folder) = world().await;
    let cache = folder.path().join("cache");
    let file = (WORKFLOW, "steps:\n  - uses: o/r@v1.2.0\n");
    tag(&world, "v1.3.0", "2001-01-01T00:00:00Z").await;
    let ripe = NOW + 3 * DAY;
    let said = told(&look(&address, Some(&cache), file, NOW).await, NOW);
    assert!(said.starts_with(&format!("not v1.3.0: Undated {{ ripe: Some({ripe})")), "{said}");
    assert_eq!(told(&look(&address, Some(&cache), file, ripe).await, ripe), "v1.2.0 to v1.3.0 (?)");
    let said = told(&look(&address, None, file, ripe).await, ripe);
    assert!(said.starts_with("not v1.3.0: Undated { ripe: None"), "nothing is kept: {said}");
}

#[tokio::test]
async fn an_image_is_as_old_as_its_configuration_and_goes_with_its_digest() {
    let (world, address, folder) = world().await;
    let cache = folder.path().join("cache");
    let old = world.image("1.0", "2025-01-01T00:00:00.123456789Z");
    let new = world.image("1.1", "2026-01-20T00:00:00Z");
    world.image("2.0", "1970-01-01T00:00:00Z");
    let text = format!("FROM {address}/app:1.0@{old}\n");
    let file = ("Dockerfile", text.as_str());
    let ripe = NOW + 3 * DAY;
    let decision = look(&address, Some(&cache), file, NOW).await;
    let said = told(&decision, NOW);
    let why = "the time in it was set by a reproducible build";
    assert_eq!(said, format!("1.0 to 1.1 (11); not 2.0: Undated {{ ripe: Some({ripe}), why: \"{why}\" }}"));
    let pin = decision.proposals[0].pin.clone().expect("a pin");
    assert_eq!((pin.from, pin.to), (old.clone(), new));
    // What was known is asked for by its head alone, and what has no time is looked at again.
    world.asked();
    assert_eq!(told(&look(&address, Some(&cache), file, ripe).await, ripe), "1.0 to 1.1 (14); 1.0 to 2.0 (?)");
    let asked = world.asked();
    assert!(asked.contains(&"HEAD /v2/app/manifests/1.1".to_owned()), "{asked:?}");
    assert!(!asked.contains(&"GET /v2/app/manifests/1.1".to_owned()), "{asked:?}");
}

#[tokio::test]
async fn an_image_that_is_built_anew_under_its_tag_waits_and_is_offered() {
    let (world, address, folder) = world().await;
    let cache = folder.path().join("cache");
    let old = world.image("1.0", "2025-01-01T00:00:00Z");
    let text = format!("FROM {address}/app:1.0@{old}\n");
    let file = ("Dockerfile", text.as_str());
    assert_eq!(told(&look(&address, Some(&cache), file, NOW).await, NOW), "");
    // It says that it is old, and was not there yesterday.
    let new = world.image("1.0", "2025-06-01T00:00:00Z");
    let (later, ripe) = (NOW + DAY, NOW + 3 * DAY);
    assert_eq!(told(&look(&address, Some(&cache), file, later).await, later), format!("not 1.0: Cooldown({ripe})"));
    let decision = look(&address, Some(&cache), file, ripe).await;
    assert_eq!(told(&decision, ripe), "1.0 to 1.0 (3)");
    assert_eq!(decision.proposals[0].pin.as_ref().map(|pin| pin.to.clone()), Some(new));
}

#[tokio::test]
async fn what_cannot_be_had_is_said_with_its_reason() {
    let (world, address, _folder) = world().await;
    world.image("1.1", "2026-01-01T00:00:00Z");
    world.images.lock().expect("images").insert("1.2".to_owned(), b"{\"schemaVersion\":1}".to_vec());
    let text = format!("FROM {address}/app:1.0@sha256:00\n");
    let said = told(&look(&address, None, ("Dockerfile", &text), NOW).await, NOW);
    assert!(said.contains("1.0 to 1.1 (30)") && said.contains("a kind that Fairway does not know"), "{said}");
    let file = ("go.mod", "module x\nrequire code.test/a v1.0.0\n");
    assert_eq!(told(&look(&address, None, file, NOW).await, NOW), "v1.0.0 to v1.1.0 (30)");
}
