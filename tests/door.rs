//! The public door over real HTTP: who is turned away and how, and that what was let in ends well.

#[path = "common/fairway.rs"]
mod fairway_world;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use fairway::engine::scripted::Scripted;
use fairway_world::{SECRET, World};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// One more than GitHub ever sends.
const TOO_MUCH: usize = 25 * 1024 * 1024 + 1;

async fn world() -> World {
    World::start(Arc::new(Scripted::default()), &[("fairway.toml", "[pipeline.test]\nrun = [\"ok\"]\n")]).await
}

/// What GitHub would put into `X-Hub-Signature-256`.
fn signature(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any key will do");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

/// Posts with these headers; gives back the status and what the sender reads.
async fn post(world: &World, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> (u16, String) {
    let mut request = client().post(&world.hook).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.expect("the door answers");
    (answer.status().as_u16(), answer.text().await.expect("an answer"))
}

/// Posts as GitHub does.
async fn signed(world: &World, (guid, event): (&str, &str), body: &[u8]) -> u16 {
    let signature = signature(body);
    let headers = [("x-hub-signature-256", &*signature), ("x-github-delivery", guid), ("x-github-event", event)];
    post(world, &headers, body.to_vec()).await.0
}

/// How many jobs there are, of any state.
async fn jobs(world: &World) -> i64 {
    world.ctx.store.job_counts().await.expect("the store answers").iter().map(|row| row.jobs).sum()
}

#[tokio::test]
async fn who_cannot_sign_is_turned_away_before_anything_is_read() {
    let world = world().await;
    world.settle().await;
    let before = jobs(&world).await;
    let body = br#"{"zen":"Anything added dilutes everything else."}"#;
    let good = signature(body);
    let (short, upper) = (&good[..70], good.replace("sha256=", "sha1="));
    let other = signature(b"another body");
    let cases = [
        (None, "is missing"),
        (Some(""), "is not `sha256=`"),
        (Some("sha256="), "is not `sha256=`"),
        (Some("sha256=zz"), "is not `sha256=`"),
        (Some(short), "is not `sha256=`"),
        (Some(&upper), "is not `sha256=`"),
        (Some(&other), "does not match"),
    ];
    for (sent, words) in cases {
        let mut headers = vec![("x-github-delivery", "g"), ("x-github-event", "ping")];
        headers.extend(sent.map(|s| ("x-hub-signature-256", s)));
        let (status, text) = post(&world, &headers, body.to_vec()).await;
        assert_eq!(status, 401, "{sent:?}");
        assert!(text.contains(words), "{sent:?}: {text}");
        assert!(!text.contains(SECRET) && !text.contains(&good[7..]), "the answer must not help to forge: {text}");
    }
    assert_eq!(jobs(&world).await, before);
    world.finish().await;
}

#[tokio::test]
async fn a_delivery_without_its_name_is_incomplete() {
    let world = world().await;
    let body = b"{}";
    let good = signature(body);
    let long = "g".repeat(101);
    for headers in [
        vec![("x-github-event", "ping")],
        vec![("x-github-event", "ping"), ("x-github-delivery", "")],
        vec![("x-github-event", "ping"), ("x-github-delivery", &long)],
        vec![("x-github-delivery", "g")],
        vec![("x-github-delivery", "g"), ("x-github-event", "")],
        vec![("x-github-delivery", "g"), ("x-github-event", &long)],
    ] {
        let mut all = headers.clone();
        all.push(("x-hub-signature-256", &good));
        assert_eq!(post(&world, &all, body.to_vec()).await.0, 400, "{headers:?}");
    }
    world.finish().await;
}

/// Writes raw bytes and gives back the answer's first line; empty when the door hung up.
async fn raw(world: &World, parts: &[&[u8]]) -> String {
    let address = world.hook.trim_start_matches("http://").trim_end_matches("/hook");
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("the door is open");
    for part in parts {
        // The door may answer and hang up before everything was sent; that is what is asked for.
        if stream.write_all(part).await.is_err() {
            break;
        }
    }
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_body_larger_than_github_sends_is_refused_by_its_length_and_by_its_bytes() {
    let world = world().await;
    let head = format!("POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: {TOO_MUCH}\r\n\r\n");
    assert_eq!(raw(&world, &[head.as_bytes()]).await, "HTTP/1.1 413 Payload Too Large", "before a byte of it");

    let piece = Bytes::from(vec![b' '; 64 * 1024]);
    let pieces = TOO_MUCH / piece.len() + 1;
    let stream = futures_util::stream::iter((0..pieces).map(move |_| Ok::<_, std::io::Error>(piece.clone())));
    let answer = client().post(&world.hook).body(reqwest::Body::wrap_stream(stream)).send().await;
    match answer {
        Ok(answer) => assert_eq!(answer.status().as_u16(), 413, "chunked, without a length"),
        // The door hung up while we were still sending: refused, too.
        Err(error) => assert!(error.is_request() || error.is_body(), "{error:?}"),
    }
    assert_eq!(jobs(&world).await, 0, "nothing of it was kept");

    let mut large = br#"{"pad":""#.to_vec();
    large.resize(TOO_MUCH - 3, b'x');
    large.extend(b"\"}");
    assert_eq!(large.len(), TOO_MUCH - 1);
    assert_eq!(signed(&world, ("largest", "ping"), &large).await, 202, "exactly 25 MB is taken");
    world.finish().await;
}

#[tokio::test]
async fn a_body_that_ends_too_early_is_not_taken() {
    let world = world().await;
    let body = br#"{"zen":"Half measures are as bad as nothing at all."}"#;
    let head = format!(
        "POST /hook HTTP/1.1\r\nhost: x\r\nx-github-event: ping\r\nx-github-delivery: half\r\nx-hub-signature-256: {}\r\ncontent-length: {}\r\n\r\n",
        signature(body),
        body.len()
    );
    let line = raw(&world, &[head.as_bytes(), &body[..20]]).await;
    assert!(line.is_empty() || line.contains("400"), "{line}");
    assert_eq!(jobs(&world).await, 0);
    world.finish().await;
}

#[tokio::test]
async fn a_guid_makes_one_job_however_often_it_comes() {
    let world = world().await;
    world.settle().await;
    let before = jobs(&world).await;
    let body = br#"{"zen":"Keep it logically awesome."}"#;
    let posts = (0..8).map(|_| signed(&world, ("the-same", "push"), body));
    let statuses = futures_util::future::join_all(posts).await;
    assert_eq!(statuses, [202; 8]);
    assert_eq!(jobs(&world).await, before + 1);
    world.settle().await;
    assert_eq!(signed(&world, ("the-same", "push"), body).await, 202, "also after it was done");
    assert_eq!(jobs(&world).await, before, "it is not done again");
    world.finish().await;
}

#[tokio::test]
async fn without_a_store_github_is_told_to_come_again() {
    let world = world().await;
    world.settle().await;
    world.ctx.store.close().await;
    assert_eq!(signed(&world, ("unstored", "ping"), b"{}").await, 503);
}

#[tokio::test]
async fn every_kind_of_payload_that_github_sends_is_digested() {
    let world = world().await;
    world.settle().await;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/webhooks");
    let mut names: Vec<_> = std::fs::read_dir(folder).expect("the payloads").flatten().map(|e| e.path()).collect();
    names.retain(|path| path.extension().is_some_and(|e| e == "json"));
    names.sort();
    assert_eq!(names.len(), 63);
    for (at, path) in names.iter().enumerate() {
        let stem = path.file_stem().and_then(|s| s.to_str()).expect("a name");
        let event = stem.split('.').next().expect("an event");
        let body = std::fs::read(path).expect("a payload");
        assert_eq!(signed(&world, (&format!("payload-{at}"), event), &body).await, 202, "{stem}");
        world.settle().await;
        assert!(world.dead().await.is_empty(), "{stem}: {:#?}", world.dead().await);
    }
    let told = world.ctx.store.signals().await.expect("the store answers");
    assert!(told.is_empty(), "of accounts that are not served nothing is kept: {told:#?}");
    world.finish().await;
}

/// One of GitHub's payloads as it would come about `acme/shop`.
fn served(world: &World, name: &str) -> serde_json::Value {
    let path = format!("{}/tests/contract/webhooks/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let mut body: serde_json::Value =
        serde_json::from_slice(&std::fs::read(path).expect("a payload")).expect("payloads are JSON");
    let installation = world.hub.look(|hub| hub.installations.keys().next().copied()).expect("the App is installed");
    body["installation"] = serde_json::json!({ "id": installation });
    body["repository"]["id"] = serde_json::json!(world.hub.repo("acme/shop").id());
    body["repository"]["name"] = serde_json::json!("shop");
    body["repository"]["full_name"] = serde_json::json!("acme/shop");
    body["repository"]["owner"]["login"] = serde_json::json!("acme");
    body
}

/// GitHub's payloads about a repository that is served, but about pull requests, commits and checks that are not there.
#[tokio::test]
async fn payloads_about_what_is_gone_end_too() {
    let world = world().await;
    world.settle().await;
    for name in [
        "pull_request.opened",
        "pull_request.synchronize",
        "pull_request.closed",
        "pull_request_review.submitted",
        "pull_request_review_comment.created",
        "member.added",
        "issue_comment.created",
        "push",
        "check_run.rerequested",
        "check_run.requested_action",
        "check_suite.rerequested",
        "merge_group.checks_requested",
        "repository.renamed",
    ] {
        let body = served(&world, name).to_string();
        let event = name.split('.').next().expect("an event");
        assert_eq!(signed(&world, (name, event), body.as_bytes()).await, 202, "{name}");
    }
    world.pass(Duration::from_secs(3600)).await;
    for job in world.dead().await {
        let error = job.error.clone().unwrap_or_default();
        assert!(!error.contains("payload") && !error.contains("panicked"), "{job:#?}");
    }
    for kind in [fairway::playground::world::FaultKind::Token, fairway::playground::world::FaultKind::Permission] {
        world.hub.forgive(kind);
    }
}

/// What only the metrics want may never hold up a repository, nor be somebody's work to mend.
#[tokio::test]
async fn a_review_that_cannot_be_read_is_missed_and_that_is_all() {
    let world = world().await;
    world.settle().await;
    let mut body = served(&world, "pull_request_review.submitted");
    body["pull_request"]["number"] = serde_json::json!("seven");
    let kinds = async || {
        let told = world.ctx.store.signals().await.expect("the store answers");
        told.into_iter().map(|row| row.kind).collect::<Vec<_>>()
    };
    assert_eq!(signed(&world, ("bent", "pull_request_review"), body.to_string().as_bytes()).await, 202);
    world.settle().await;
    assert_eq!(kinds().await, [] as [&str; 0]);
    let mut body = served(&world, "pull_request_review.submitted");
    body["review"]["user"]["login"] = serde_json::json!("alice");
    for _ in 0..2 {
        assert_eq!(signed(&world, ("straight", "pull_request_review"), body.to_string().as_bytes()).await, 202);
        world.settle().await;
    }
    assert_eq!(kinds().await, ["word"], "and one that is delivered again is one");
    world.finish().await;
}

#[tokio::test]
async fn what_nobody_knows_is_dropped_without_a_word() {
    let world = world().await;
    world.settle().await;
    for (at, (event, body)) in [
        ("never_heard_of", r#"{"action":"created"}"#),
        ("discussion", r#"{"action":"answered","repository":{"id":7}}"#),
        ("ping", r#"{"zen":"x","repository":{"id":"not a number"}}"#),
        ("ping", r#"[]"#),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(signed(&world, (&format!("unknown-{at}"), event), body.as_bytes()).await, 202, "{event}");
    }
    let mut unknown = served(&world, "pull_request.opened");
    unknown["action"] = serde_json::json!("levitated");
    let unknown = unknown.to_string();
    assert_eq!(signed(&world, ("levitated", "pull_request"), unknown.as_bytes()).await, 202);
    world.finish().await;
}

#[tokio::test]
async fn garbage_with_a_good_signature_is_kept_with_its_error_and_holds_nobody_up() {
    let world = world().await;
    world.settle().await;
    let mut ours = served(&world, "pull_request.opened");
    ours["pull_request"] = serde_json::json!({ "number": "seven" });
    let ours = ours.to_string();
    let bodies: [&[u8]; 4] = [b"{\"action\":", b"\xff\xfe\x00", ours.as_bytes(), b"null"];
    for (at, body) in bodies.iter().enumerate() {
        assert_eq!(signed(&world, (&format!("garbage-{at}"), "pull_request"), body).await, 202);
    }
    let shop = world.hub.repo("acme/shop");
    shop.push("bob", "change", "Go on", &[("a", Some("1\n"))]);
    let pull = shop.open_pull("bob", "change", "Go on");
    world.settle().await;
    assert_eq!(pull.checks().len(), 1, "others go on");
    let dead = world.dead().await;
    assert_eq!(dead.len(), bodies.len(), "{dead:#?}");
    for job in &dead {
        let error = job.error.clone().unwrap_or_default();
        assert!(error.contains("the payload of `pull_request` cannot be read"), "{error}");
    }
}
