//! All that Fairway and the playground say to each other, held against GitHub's own description: neither our requests nor the playground's
//! answers may be something that GitHub would not say.

#![allow(dead_code, reason = "helpers serve several test files")]

#[path = "common/caller.rs"]
mod caller;
#[path = "common/fairway.rs"]
mod fairway_world;
#[path = "common/graphql.rs"]
mod graphql;
#[path = "common/openapi.rs"]
mod openapi;
#[path = "common/samples.rs"]
mod samples;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use caller::Caller;
use fairway::engine::scripted::Scripted;
use fairway::playground::world::{Exchange, Role};
use fairway::playground::{NewAdvisory, Playground, PullDesk, RepoDesk};
use fairway_world::World;
use openapi::Contract;
use serde_json::{Value, json};

/// The description's mistake: `account` has to be a user and an enterprise at once (`allOf`), which nothing can be.
const MISDESCRIBED: &[(&str, &str)] = &[("GET", "/app/installations")];

const FILE: &str = r#"
[pipeline.test]
run = [
    "log hello",
    'report out.xml <testsuite><testcase name="adds" file="src/lib.rs" line="1"><failure message="1 is not 2">left: 1</failure></testcase></testsuite>',
    "fail 3",
]
[pipeline.lint]
run = ["ok"]
[pipeline.image]
needs = ["test"]
run = ["ok"]
[pipeline.docs]
paths = ["docs/**"]
run = ["ok"]
"#;

/// What is wrong with an exchange; `None` when GitHub would say the same.
fn objection(contract: &Contract, exchange: &Exchange) -> Option<String> {
    let method = exchange.method.as_str();
    let bare = exchange.path.split('?').next().unwrap_or_default();
    // GraphQL is not in the description; what is asked there has a judge of its own.
    if bare == "/graphql" {
        let wrong = graphql::objection(&exchange.request, exchange.status, &exchange.answer);
        return wrong.map(|error| format!("{method} {bare} -> {}: {error}", exchange.status));
    }
    // The root directory is `contents/{path}` with nothing for the path, which the judge cannot match.
    let path = if bare.ends_with("/contents") { format!("{bare}/.") } else { exchange.path.clone() };
    let misdescribed = exchange.status == 200 && MISDESCRIBED.contains(&(method, bare));
    // A file asked for with the `raw` media type is not JSON, and the exchange has no body for it.
    let raw = exchange.status == 200 && bare.contains("/contents/") && exchange.answer.is_null();
    let asked = contract.check_request(method, &path, &exchange.request);
    let answered = match misdescribed || raw {
        true => Ok(()),
        false => contract.check_response(method, &path, exchange.status, &exchange.answer),
    };
    asked.and(answered).err().map(|error| format!("{method} {path} -> {}: {error}", exchange.status))
}

/// The exchanges so far; every one of them is judged.
#[track_caller]
fn judge(hub: &Playground) -> Vec<Exchange> {
    let exchanges: Vec<Exchange> = hub.look(|world| world.exchanges.iter().cloned().collect());
    let contract = Contract::load();
    let errors: BTreeSet<String> = exchanges.iter().filter_map(|e| objection(&contract, e)).collect();
    let count = errors.len();
    assert!(
        errors.is_empty(),
        "{count} exchanges are not GitHub's:\n{}",
        errors.into_iter().collect::<Vec<_>>().join("\n")
    );
    exchanges
}

/// `METHOD route` of all that went well.
fn routes(exchanges: &[Exchange]) -> BTreeSet<String> {
    let well = exchanges.iter().filter(|e| e.status < 400);
    well.filter_map(|e| Some(format!("{} {}", e.method, e.route.as_ref()?))).collect()
}

async fn said(world: &World, pull: &PullDesk, (who, line): (&str, &str)) {
    // The budget of writes fills up meanwhile.
    world.hand.advance(Duration::from_secs(5));
    pull.comment(who, line);
    world.settle().await;
}

/// A pull request with a failing test, people who talk about it, and buttons.
async fn talk(world: &World, shop: &RepoDesk) -> PullDesk {
    shop.push("bob", "change", "Make it two", &[("src/lib.rs", Some("pub fn one() -> i32 { 2 }\n"))]);
    let pull = shop.open_pull("bob", "change", "Make it two");
    world.settle().await;
    let test = pull.checks().into_iter().find(|c| c.name == "fairway / test").expect("the check");
    assert_eq!((test.conclusion.as_deref(), test.annotations.len()), (Some("failure"), 1), "{test:#?}");
    let lines = [
        "/status",
        "/help",
        "/retry",
        "/retry test",
        "/run",
        "/cancel",
        "/staus",
        "/retry nothing",
        "/help me",
        "/help",
    ];
    for line in lines {
        said(world, &pull, ("bob", line)).await;
    }
    said(world, &pull, ("mallory", "/retry")).await;
    let test = pull.checks().into_iter().find(|c| c.name == "fairway / test").expect("the check");
    shop.rerequest(test.id, "bob");
    world.settle().await;
    let test = pull.checks().into_iter().find(|c| c.name == "fairway / test").expect("the check");
    shop.press(test.id, "retry-failed", "alice");
    world.settle().await;
    shop.rerequest_suite(&pull.head(), "bob");
    world.settle().await;
    pull
}

/// A fork that is allowed, a file that is broken, a merge queue, the default branch.
async fn more(world: &World, shop: &RepoDesk, pull: &PullDesk) {
    let fork = shop.fork("mallory");
    fork.push("mallory", "theirs", "Trust me", &[("docs/a.md", Some("x\n"))]);
    let theirs = shop.open_pull("mallory", "mallory:theirs", "Trust me");
    world.settle().await;
    said(world, &theirs, ("bob", "/run")).await;
    shop.push("bob", "broken", "Break it", &[("fairway.toml", Some("[pipeline.test]\nrun = 7\nwhat = 1\n"))]);
    let broken = shop.open_pull("bob", "broken", "Break it");
    world.settle().await;
    assert!(broken.checks()[0].annotations.len() >= 2, "{:#?}", broken.checks());
    broken.close("bob");
    let group = pull.enqueue("alice");
    world.settle().await;
    assert!(!shop.checks(&group).is_empty(), "the group was checked");
    pull.end_group("alice", "merged");
    world.settle().await;
    shop.push("bob", "main", "Straight to main", &[("b", Some("1\n"))]);
    world.settle().await;
}

/// Deliveries that got lost are fetched, and what was never delivered is found.
async fn recover(world: &World, shop: &RepoDesk) {
    world.hub.act(|hub| hub.switches.drop = 100);
    shop.push("bob", "late", "Unheard", &[("c", Some("1\n"))]);
    let late = shop.open_pull("bob", "late", "Unheard");
    late.comment("bob", "/status");
    world.settle().await;
    world.hub.act(|hub| hub.switches.drop = 0);
    fairway::worker::ensure_timers(&world.ctx).await.expect("the store answers");
    world.pass(Duration::from_secs(90)).await;
    world.hub.silently(|hub| {
        let repo = hub.repo("acme/shop").map(|r| r.id).unwrap_or_default();
        hub.comment(repo, late.number(), "bob", "/cancel").map(drop).unwrap_or_default();
    });
    world.pass(Duration::from_secs(2 * 3600)).await;
    assert!(!late.checks().is_empty(), "nothing was lost");
}

#[tokio::test]
async fn all_that_fairway_asks_and_hears_is_githubs() {
    let world = World::start(Arc::new(Scripted::default()), &[("fairway.toml", FILE), ("src/lib.rs", "1\n")]).await;
    let shop = world.hub.repo("acme/shop");
    let pull = talk(&world, &shop).await;
    more(&world, &shop, &pull).await;
    recover(&world, &shop).await;
    let exchanges = judge(&world.hub);
    assert!(exchanges.len() > 150, "too little traffic to mean anything: {}", exchanges.len());
    let met = routes(&exchanges);
    for wanted in [
        "POST /repos/{owner}/{repo}/check-runs",
        "PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}",
        "POST /repos/{owner}/{repo}/issues/{issue_number}/comments",
        "PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}",
        "POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions",
        "POST /graphql",
        "GET /app/hook/deliveries",
        "POST /app/hook/deliveries/{delivery_id}/attempts",
        "GET /repos/{owner}/{repo}/issues/comments",
        "GET /repos/{owner}/{repo}/pulls",
    ] {
        assert!(met.contains(wanted), "{wanted} was never called; called were {met:#?}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_bent_request_and_a_bent_answer_are_seen() {
    let world = World::start(Arc::new(Scripted::default()), &[("fairway.toml", FILE)]).await;
    let shop = world.hub.repo("acme/shop");
    shop.push("bob", "change", "Change", &[("src/lib.rs", Some("2\n"))]);
    shop.open_pull("bob", "change", "Change");
    world.settle().await;
    let exchanges = judge(&world.hub);
    let create = |e: &&Exchange| e.method == "POST" && e.path == "/repos/acme/shop/check-runs";
    let good = exchanges.iter().find(create).expect("a check run was created");
    let contract = Contract::load();
    assert_eq!(objection(&contract, good), None);

    let mut misspelt = good.clone();
    misspelt.request["external-id"] = misspelt.request["external_id"].take();
    let told = objection(&contract, &misspelt).expect("a misspelt key");
    assert!(told.contains("external-id"), "{told}");

    let mut bent = good.clone();
    bent.answer["head_sha"] = json!(7);
    let told = objection(&contract, &bent).expect("a wrong type");
    assert!(told.contains("/head_sha"), "{told}");

    let input = json!({ "subjectId": "x", "classifier": "RESOLVED" });
    let query = "mutation($input: MinimizeCommentInput!) { minimizeComment(input: $input) { minimizedComment { isMinimized minimizedReason } } }";
    let comment = json!({ "isMinimized": true, "minimizedReason": "resolved" });
    let folded = Exchange {
        path: "/graphql".to_owned(),
        status: 200,
        request: json!({ "query": query, "variables": { "input": input } }),
        answer: json!({ "data": { "minimizeComment": { "minimizedComment": comment } } }),
        ..good.clone()
    };
    assert_eq!(objection(&contract, &folded), None);
    for (part, pointer, by) in [
        ("request", "/variables/input/classifier", json!("resolved")),
        ("request", "/variables/input", json!({ "id": "x" })),
        ("request", "/query", json!("mutation { addStar }")),
        ("answer", "/data/minimizeComment/minimizedComment/minimizedReason", json!("RESOLVED")),
        ("answer", "/data/minimizeComment", Value::Null),
    ] {
        let mut bent = folded.clone();
        let body = if part == "request" { &mut bent.request } else { &mut bent.answer };
        *body.pointer_mut(pointer).expect(pointer) = by;
        assert!(objection(&contract, &bent).is_some_and(|told| told.contains(part)), "{pointer}");
    }

    let mut invented = good.clone();
    invented.status = 299;
    assert!(objection(&contract, &invented).is_some(), "a status that GitHub does not have");
    world.finish().await;
}

/// `METHOD route` of every route that the playground has, as its table spells them.
fn table() -> BTreeSet<String> {
    let lines = include_str!("../src/playground/rest/routes.rs").lines();
    let routes = lines.filter_map(|line| {
        let (word, rest) = line.trim().split_once("(\"/")?;
        let method = match word {
            "get" => "GET",
            "post" | "create" => "POST",
            "patch" => "PATCH",
            "put" => "PUT",
            "delete" => "DELETE",
            _ => return None,
        };
        Some(format!("{method} /{}", rest.split('"').next()?))
    });
    routes.collect()
}

async fn as_app(call: &Caller, hub: &Playground) {
    let installation = call.app("GET", "/app/installations", Value::Null).await[0]["id"].clone();
    for path in [
        "/app".to_owned(),
        format!("/app/installations/{installation}"),
        "/app/hook/config".to_owned(),
        "/app/hook/deliveries?per_page=2".to_owned(),
        "/orgs/acme/installation".to_owned(),
        "/users/acme/installation".to_owned(),
        "/repos/acme/shop/installation".to_owned(),
    ] {
        call.app("GET", &path, Value::Null).await;
    }
    let delivery = call.app("GET", "/app/hook/deliveries", Value::Null).await[0]["id"].clone();
    call.app("GET", &format!("/app/hook/deliveries/{delivery}"), Value::Null).await;
    call.app("POST", &format!("/app/hook/deliveries/{delivery}/attempts"), Value::Null).await;
    call.app("PATCH", "/app/hook/config", json!({ "content_type": "json" })).await;
    for path in ["/installation/repositories", "/rate_limit", "/meta", "/users/bob", "/orgs/acme"] {
        call.any(path).await;
    }
    call.any("/orgs/acme/teams/owners/memberships/alice").await;
    call.any("/orgs/acme/memberships/alice").await;
    advisories(call, hub).await;
    as_person(call, hub).await;
}

/// The list of advisories, with one that was withdrawn.
async fn advisories(call: &Caller, hub: &Playground) {
    let about =
        |id, cve, patched| NewAdvisory { id, cve, package: ("rust", "ant"), range: "< 1.1.0", patched, functions: &[] };
    hub.act(|world| {
        world.publish_advisory(&about("GHSA-aaaa-bbbb-cccc", Some("CVE-2026-1000"), Some("1.1.0")));
        world.publish_advisory(&about("GHSA-dddd-eeee-ffff", None, None));
        world.withdraw_advisory("GHSA-dddd-eeee-ffff");
    });
    let listed = call.any("/advisories?ecosystem=rust&affects=bee%2Cant&per_page=100").await;
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    let others = call.any("/advisories?ecosystem=npm&affects=ant").await;
    assert_eq!(others, json!([]));
    assert_eq!(call.any("/advisories?modified=%3E%3D9999-01-01").await, json!([]));
}

/// A token that somebody let the App have, from its beginning to its end.
async fn as_person(call: &Caller, hub: &Playground) {
    let (client, token) = hub.act(|world| {
        world.app.callback_urls = vec!["http://fairway.test/login/callback".to_owned()];
        let client = (world.app.client_id.clone(), world.app.client_secret.clone());
        let asked = world.authorization(&[("client_id".to_owned(), client.0.clone())].into()).expect("a page");
        let to = world.authorize(&asked, "alice").expect("alice is there");
        let code = to.split("code=").nth(1).expect("a code").to_owned();
        let fields = [("client_id", client.0.clone()), ("client_secret", client.1.clone()), ("code", code)];
        let answer = world.exchange(&fields.map(|(name, value)| (name.to_owned(), value)).into());
        (client, answer["access_token"].as_str().expect("a token").to_owned())
    });
    call.user(&token).await;
    call.revoke(&client, &token).await;
}

/// The App that comes of it takes the place of the one that called until now, so this comes last.
async fn register(call: &Caller, hub: &Playground) {
    let manifest = json!({ "url": "https://fairway.example", "redirect_url": "http://127.0.0.1:1/callback" });
    let code = hub.act(|world| world.confirm_manifest(manifest, "Another", "acme")).expect("a good manifest");
    call.app("POST", &format!("/app-manifests/{code}/conversions"), Value::Null).await;
}

async fn reads(call: &Caller, sha: &str) {
    for path in [
        String::new(),
        "/branches".to_owned(),
        "/branches/change".to_owned(),
        "/collaborators/bob/permission".to_owned(),
        "/commits".to_owned(),
        format!("/commits/{sha}"),
        format!("/commits/{sha}/check-runs"),
        format!("/commits/{sha}/check-suites"),
        format!("/commits/{sha}/pulls"),
        format!("/commits/{sha}/status"),
        format!("/commits/{sha}/statuses"),
        "/compare/main...change".to_owned(),
        "/contents".to_owned(),
        "/contents/src".to_owned(),
        "/contents/src/lib.rs".to_owned(),
        "/pulls".to_owned(),
        "/pulls/1".to_owned(),
        "/pulls/1/files".to_owned(),
        "/pulls/1/commits".to_owned(),
        "/pulls/1/reviews".to_owned(),
        "/issues/1".to_owned(),
        "/issues/1/comments".to_owned(),
        "/issues/comments".to_owned(),
        "/issues/1/labels".to_owned(),
        "/labels".to_owned(),
        "/git/ref/heads/main".to_owned(),
        "/git/matching-refs/heads/ma".to_owned(),
    ] {
        call.shop("GET", &path, Value::Null).await;
    }
}

/// Files, objects and branches.
async fn git(call: &Caller) {
    let new = json!({ "message": "Note", "content": "aGVsbG8=", "branch": "main" });
    let made = call.shop("PUT", "/contents/note.txt", new).await;
    let gone = json!({ "message": "No note", "sha": made["content"]["sha"], "branch": "main" });
    call.shop("DELETE", "/contents/note.txt", gone).await;
    let blob = call.shop("POST", "/git/blobs", json!({ "content": "x", "encoding": "utf-8" })).await["sha"].clone();
    let leaf = json!({ "path": "x", "mode": "100644", "type": "blob", "sha": blob });
    let tree = call.shop("POST", "/git/trees", json!({ "tree": [leaf] })).await["sha"].clone();
    let commit = json!({ "message": "By hand", "tree": tree, "parents": [] });
    let commit = call.shop("POST", "/git/commits", commit).await["sha"].clone();
    for (kind, sha) in [("blobs", &blob), ("trees", &tree), ("commits", &commit)] {
        call.shop("GET", &format!("/git/{kind}/{}", sha.as_str().unwrap_or_default()), Value::Null).await;
    }
    call.shop("POST", "/git/refs", json!({ "ref": "refs/heads/hand", "sha": commit })).await;
    call.shop("PATCH", "/git/refs/heads/hand", json!({ "sha": commit, "force": true })).await;
    call.shop("DELETE", "/git/refs/heads/hand", Value::Null).await;
}

/// Comments, labels and pull requests.
async fn talks(call: &Caller) {
    let said = call.shop("POST", "/issues/1/comments", json!({ "body": "Hello" })).await;
    fold(call, &said["node_id"]).await;
    let said = said["id"].clone();
    let path = format!("/issues/comments/{said}");
    call.shop("GET", &path, Value::Null).await;
    call.shop("PATCH", &path, json!({ "body": "Hello again" })).await;
    let eyes = call.shop("POST", &format!("{path}/reactions"), json!({ "content": "eyes" })).await["id"].clone();
    call.shop("GET", &format!("{path}/reactions"), Value::Null).await;
    call.shop("DELETE", &format!("{path}/reactions/{eyes}"), Value::Null).await;
    call.shop("DELETE", &path, Value::Null).await;
    call.shop("POST", "/labels", json!({ "name": "big", "color": "ff0000" })).await;
    call.shop("GET", "/labels/big", Value::Null).await;
    call.shop("POST", "/issues/1/labels", json!({ "labels": ["big"] })).await;
    call.shop("GET", "/issues/1/labels", Value::Null).await;
    call.shop("DELETE", "/issues/1/labels/big", Value::Null).await;
    let opened = json!({ "title": "Other", "head": "other", "base": "main" });
    let opened = call.shop("POST", "/pulls", opened).await["number"].clone();
    call.shop("PATCH", &format!("/pulls/{opened}"), json!({ "title": "Another" })).await;
    call.shop("PUT", &format!("/pulls/{opened}/merge"), json!({})).await;
}

/// A comment that is there and one that is not.
async fn fold(call: &Caller, node: &Value) {
    let query = "mutation($input: MinimizeCommentInput!) { minimizeComment(input: $input) { minimizedComment { isMinimized minimizedReason } } }";
    let input = |node: &Value| json!({ "input": { "subjectId": node, "classifier": "OFF_TOPIC" } });
    let folded = call.graphql(query, input(node)).await;
    assert_eq!(folded["data"]["minimizeComment"]["minimizedComment"]["minimizedReason"], "off-topic");
    let gone = call.graphql(query, input(&json!("nobody"))).await;
    assert_eq!(gone["errors"][0]["type"], "NOT_FOUND");
}

/// Check runs, statuses, deployments and rulesets.
async fn states(call: &Caller, sha: &str) {
    let check = call.shop("POST", "/check-runs", json!({ "name": "by hand", "head_sha": sha })).await;
    let path = format!("/check-runs/{}", check["id"]);
    let note =
        json!({ "path": "src/lib.rs", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m" });
    let output = json!({ "title": "t", "summary": "s", "annotations": [note] });
    call.shop("PATCH", &path, json!({ "conclusion": "success", "output": output })).await;
    for path in [path.clone(), format!("{path}/annotations")] {
        call.shop("GET", &path, Value::Null).await;
    }
    call.shop("POST", &format!("{path}/rerequest"), Value::Null).await;
    let suite = format!("/check-suites/{}", check["check_suite"]["id"]);
    for path in [suite.clone(), format!("{suite}/check-runs")] {
        call.shop("GET", &path, Value::Null).await;
    }
    call.shop("POST", &format!("{suite}/rerequest"), Value::Null).await;
    call.shop("POST", &format!("/statuses/{sha}"), json!({ "state": "success", "context": "by hand" })).await;
    let deploy = json!({ "ref": sha, "environment": "staging", "required_contexts": [], "auto_merge": false });
    let path = format!("/deployments/{}", call.shop("POST", "/deployments", deploy).await["id"]);
    call.shop("POST", &format!("{path}/statuses"), json!({ "state": "inactive", "environment": "staging" })).await;
    for path in ["/deployments".to_owned(), path.clone(), format!("{path}/statuses")] {
        call.shop("GET", &path, Value::Null).await;
    }
    call.shop("DELETE", &path, Value::Null).await;
    let rules =
        json!({ "name": "main", "target": "branch", "enforcement": "active", "rules": [{ "type": "deletion" }] });
    let path = format!("/rulesets/{}", call.shop("POST", "/rulesets", rules.clone()).await["id"]);
    call.shop("PUT", &path, rules).await;
    call.post("/orgs/acme/repos", json!({ "name": "made", "private": true })).await;
    for path in ["/rulesets".to_owned(), path] {
        call.shop("GET", &path, Value::Null).await;
    }
}

#[tokio::test]
async fn every_route_of_the_playground_answers_as_github_describes_it() {
    let world = World::start(Arc::new(Scripted::default()), &[("src/lib.rs", "1\n")]).await;
    let shop = world.hub.repo("acme/shop");
    shop.push("bob", "other", "Other", &[("other", Some("2\n"))]);
    shop.push("bob", "change", "Change", &[("src/lib.rs", Some("2\n"))]);
    let pull = shop.open_pull("bob", "change", "Change");
    pull.review("alice", "APPROVED");
    pull.comment("bob", "Thanks");
    world.hub.act(|hub| {
        for installation in hub.installations.values_mut() {
            for name in ["statuses", "administration", "issues"] {
                installation.permissions.insert(name.to_owned(), "write".to_owned());
            }
        }
        let acme = hub.orgs.get_mut("acme").expect("the organisation");
        acme.teams.insert("owners".to_owned(), vec!["alice".to_owned()]);
    });
    world.settle().await;
    let call = Caller::new(&world.hub).await;
    as_app(&call, &world.hub).await;
    states(&call, &pull.head()).await;
    reads(&call, &pull.head()).await;
    git(&call).await;
    talks(&call).await;
    world.settle().await;
    register(&call, &world.hub).await;
    let met = routes(&judge(&world.hub));
    let missed: Vec<String> = table().difference(&met).cloned().collect();
    assert!(missed.is_empty(), "never called: {missed:#?}");
    assert!(table().len() > 80, "the table was read: {}", table().len());
    world.finish().await;
}

/// What the metrics are made of.
const HEARD: &[&str] = &[
    "pull_request.opened",
    "pull_request.ready_for_review",
    "pull_request.converted_to_draft",
    "pull_request.review_requested",
    "pull_request.synchronize",
    "pull_request.closed",
    "pull_request_review.submitted",
    "pull_request_review_comment.created",
    "issue_comment.created",
    "push.-",
    "member.added",
    "organization.member_added",
];

/// The webhooks of whoever reviews, pushes and comes. The examples are of 2019: newer keys are not in them.
#[tokio::test]
async fn what_the_metrics_hear_is_shaped_as_github_shapes_it() {
    let world = World::start(Arc::new(Scripted::default()), &[("src/lib.rs", "1\n")]).await;
    let shop = world.hub.repo("acme/shop");
    shop.push("bob", "change", "Change", &[("src/lib.rs", Some("2\n"))]);
    let pull = shop.open_draft("bob", "change", "Change");
    pull.set_draft("bob", false);
    pull.set_draft("bob", true);
    pull.set_draft("bob", false);
    pull.request_review("bob", "alice");
    pull.remark("alice", ("src/lib.rs", 1), "Why 2?");
    pull.review("alice", "APPROVED");
    pull.comment("alice", "Fine");
    shop.push("bob", "change", "More", &[("src/lib.rs", Some("3\n"))]);
    pull.close("bob");
    pull.reopen("bob");
    pull.merge("alice");
    shop.add_collaborator("dave", Role::Write);
    world.hub.add_member("acme", "carol", Role::Write);
    world.settle().await;
    let sent: Vec<(String, Value)> = world.hub.look(|hub| {
        let read = |text: &str| serde_json::from_str(text).expect("payloads are JSON");
        hub.deliveries.iter().map(|d| (d.event.clone(), read(&d.payload))).collect()
    });
    let (mut judged, mut errors) = (BTreeSet::new(), BTreeSet::new());
    for (event, payload) in &sent {
        let name = format!("{event}.{}", payload["action"].as_str().unwrap_or("-"));
        if HEARD.contains(&name.as_str()) {
            errors.extend(samples::objections(event, payload).expect("an example"));
            judged.insert(name);
        }
    }
    assert_eq!(judged.len(), HEARD.len(), "not all were sent, only {judged:#?}");
    let text = errors.into_iter().collect::<Vec<_>>().join("\n");
    assert_eq!(text, "", "payloads are not GitHub's:\n{text}");
    let bare = |name: &str| sent.iter().find(|(event, _)| event == name).map(|(_, payload)| &payload["pull_request"]);
    assert!(
        bare("pull_request_review").is_some_and(|pull| pull.get("merged").is_none()),
        "GitHub leaves sizes out here"
    );
    world.finish().await;
}
