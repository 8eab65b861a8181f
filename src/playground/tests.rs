//! The playground by its own network door: what Fairway's tests stand on.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::faults::Trouble;
use super::git::clean;
use super::webhooks::sign;
use super::world::FaultKind;
use super::{Playground, PlaygroundOptions};

/// Webhooks that a listener got: event, GUID, body.
type Inbox = Arc<Mutex<Vec<(String, String, Value)>>>;

struct Lab {
    playground: Playground,
    _dir: tempfile::TempDir,
    client: reqwest::Client,
    inbox: Inbox,
    installation: u64,
}

async fn lab() -> Lab {
    let dir = tempfile::tempdir().unwrap();
    let inbox = Inbox::default();
    let mut options = PlaygroundOptions::in_dir(dir.path());
    options.webhook_url = Some(listen(inbox.clone(), options.webhook_secret.clone()).await);
    let playground = Playground::start(options).await.unwrap();
    let installation = playground.cast();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    Lab { playground, _dir: dir, client, inbox, installation }
}

/// A webhook receiver that refuses what is not signed.
async fn listen(inbox: Inbox, secret: String) -> String {
    let take = move |headers: HeaderMap, body: Bytes| async move {
        let header =
            |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        if header("x-hub-signature-256") != sign(&secret, &body) {
            return StatusCode::UNAUTHORIZED;
        }
        let body = serde_json::from_slice(&body).unwrap();
        inbox.lock().unwrap().push((header("x-github-event"), header("x-github-delivery"), body));
        StatusCode::ACCEPTED
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/hook", axum::routing::post(take));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

impl Lab {
    fn jwt(&self) -> String {
        let now = jiff::Timestamp::now().as_second();
        let key = EncodingKey::from_rsa_pem(self.playground.private_key_pem().as_bytes()).unwrap();
        let claims = json!({ "iat": now - 60, "exp": now + 540, "iss": "1" });
        encode(&Header::new(Algorithm::RS256), &claims, &key).unwrap()
    }

    async fn send(&self, method: &str, path: &str, auth: &str, body: Value) -> (u16, HeaderMap, Value) {
        let url = format!("{}{path}", self.playground.url());
        let mut request = self.client.request(method.parse().unwrap(), url).bearer_auth(auth);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        (status, headers, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn token(&self, narrow: Value) -> String {
        let path = format!("/app/installations/{}/access_tokens", self.installation);
        let (status, _, answer) = self.send("POST", &path, &self.jwt(), narrow).await;
        assert_eq!(status, 201, "{answer}");
        answer["token"].as_str().unwrap().to_owned()
    }

    async fn events(&self) -> Vec<String> {
        self.playground.delivered().await;
        let mut inbox = self.inbox.lock().unwrap();
        inbox
            .drain(..)
            .map(|(event, _, body)| body["action"].as_str().map_or(event.clone(), |action| format!("{event}.{action}")))
            .collect()
    }
}

fn git(dir: &Path, args: &[&str]) -> String {
    let mut command = clean("git");
    command.current_dir(dir).args(["-c", "user.name=bob", "-c", "user.email=bob@users.noreply.localhost"]).args(args);
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A failed check run on a commit with two annotations, one by each of two requests.
async fn two_remarks(lab: &Lab, sha: &str) {
    let token = lab.token(json!({ "repositories": ["shop"], "permissions": { "checks": "write" } })).await;
    let new = json!({ "name": "fairway / test", "head_sha": sha, "status": "in_progress", "external_id": "7" });
    let (status, _, check) = lab.send("POST", "/repos/acme/shop/check-runs", &token, new).await;
    assert_eq!((status, check["status"].as_str()), (201, Some("in_progress")));
    let path = format!("/repos/acme/shop/check-runs/{}", check["id"]);
    for line in [1, 2] {
        let annotation = json!({ "path": "README.md", "start_line": line, "end_line": line, "annotation_level": "failure", "message": "too loud" });
        let output = json!({ "title": "2 remarks", "summary": "s", "annotations": [annotation] });
        let (status, ..) = lab.send("PATCH", &path, &token, json!({ "conclusion": "failure", "output": output })).await;
        assert_eq!(status, 200);
    }
    let (_, _, annotations) = lab.send("GET", &format!("{path}/annotations"), &token, Value::Null).await;
    assert_eq!(annotations.as_array().unwrap().len(), 2, "a PATCH appends");
}

// Git runs in the foreground and wants to be answered meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_request_goes_from_git_push_to_a_finished_check() {
    let lab = lab().await;
    let shop = lab.playground.create("acme/shop", &[("README.md", "shop\n"), ("run.sh", "#!/bin/sh\n")]);
    assert_eq!(lab.events().await, ["repository.created", "push", "check_suite.requested"]);

    let work = tempfile::tempdir().unwrap();
    let remote = lab.playground.url().replace("http://", "http://bob:any@") + "/acme/shop.git";
    git(work.path(), &["clone", "--quiet", &remote, "shop"]);
    let work = work.path().join("shop");
    git(&work, &["checkout", "--quiet", "-b", "feature"]);
    std::fs::write(work.join("README.md"), "shop!\n").unwrap();
    git(&work, &["commit", "--quiet", "-am", "Shout"]);
    git(&work, &["push", "--quiet", "origin", "feature"]);
    assert_eq!(lab.events().await, ["push", "check_suite.requested"]);

    let pull = shop.open_pull("bob", "feature", "Shout");
    assert_eq!(pull.head(), git(&work, &["rev-parse", "HEAD"]));
    std::fs::write(work.join("README.md"), "shop!!\n").unwrap();
    git(&work, &["commit", "--quiet", "-am", "Louder"]);
    git(&work, &["push", "--quiet", "origin", "feature"]);
    assert_eq!(
        lab.events().await,
        ["pull_request.opened", "push", "check_suite.requested", "pull_request.synchronize"]
    );
    assert_eq!(pull.head(), git(&work, &["rev-parse", "HEAD"]));

    two_remarks(&lab, &pull.head()).await;
    assert_eq!(lab.events().await, ["check_run.created", "check_run.completed", "check_suite.completed"]);
    let head = &pull.head()[..7];
    assert_eq!(
        pull.timeline(),
        format!(
            "#1 Shout [open]\n* bob opened\n* bob pushed {head}: Louder\n[fairway / test] failure: 2 remarks\n    README.md:1 failure: too loud\n    README.md:2 failure: too loud\n"
        )
    );
    lab.playground.finish();
}

#[tokio::test]
async fn comments_and_reactions() {
    let lab = lab().await;
    let shop = lab.playground.create("acme/shop", &[("a", "1\n")]);
    shop.push("bob", "feature", "Two", &[("a", Some("2\n"))]);
    let pull = shop.open_pull("bob", "feature", "Two");
    let comment = pull.comment("bob", "/retry");
    assert_eq!(lab.events().await.last().unwrap(), "issue_comment.created");

    let token = lab.token(Value::Null).await;
    let path = format!("/repos/acme/shop/issues/comments/{comment}/reactions");
    for wanted in [201, 200] {
        let (status, ..) = lab.send("POST", &path, &token, json!({ "content": "eyes" })).await;
        assert_eq!(status, wanted);
    }
    let (status, _, said) =
        lab.send("POST", "/repos/acme/shop/issues/1/comments", &token, json!({ "body": "Hello" })).await;
    assert_eq!((status, said["user"]["login"].as_str()), (201, Some("fairway[bot]")));
    assert_eq!(
        pull.timeline(),
        "#1 Two [open]\n* bob opened\nbob: /retry\n    :eyes: fairway[bot]\nfairway[bot]: Hello\n"
    );
    lab.playground.finish();
}

#[tokio::test]
async fn permissions_are_told_and_kept() {
    let lab = lab().await;
    lab.playground.create("acme/shop", &[("a", "1\n")]);
    let token = lab.token(Value::Null).await;
    for (login, permission, role) in
        [("alice", "write", "maintain"), ("bob", "write", "write"), ("mallory", "read", "read")]
    {
        let (_, _, answer) =
            lab.send("GET", &format!("/repos/acme/shop/collaborators/{login}/permission"), &token, Value::Null).await;
        assert_eq!((answer["permission"].as_str(), answer["role_name"].as_str()), (Some(permission), Some(role)));
    }
    let narrow = lab.token(json!({ "permissions": { "contents": "read" } })).await;
    let (status, headers, _) = lab.send("POST", "/repos/acme/shop/check-runs", &narrow, json!({})).await;
    assert_eq!((status, headers["x-accepted-github-permissions"].to_str().unwrap()), (403, "checks=write"));
    assert_eq!(lab.playground.forgive(FaultKind::Permission).len(), 1);
    lab.send("GET", "/repos/acme/shop/nothing", &token, Value::Null).await;
    assert_eq!(lab.playground.forgive(FaultKind::UnknownRoute), ["GET /repos/acme/shop/nothing"]);
    let (status, _, answer) = lab
        .send(
            "POST",
            &format!("/app/installations/{}/access_tokens", lab.installation),
            &lab.jwt(),
            json!({ "permissions": { "administration": "write" } }),
        )
        .await;
    assert_eq!(status, 422, "{answer}");
    lab.playground.finish();
}

#[tokio::test]
async fn deliveries_are_dropped_duplicated_turned_round_and_had_again() {
    let lab = lab().await;
    let shop = lab.playground.create("acme/shop", &[("a", "1\n")]);
    shop.push("bob", "feature", "Two", &[("a", Some("2\n"))]);
    let pull = shop.open_pull("bob", "feature", "Two");
    lab.events().await;

    lab.playground.act(|world| world.switches.drop = 1);
    pull.comment("bob", "lost");
    assert!(lab.events().await.is_empty());
    let (_, _, list) = lab.send("GET", "/app/hook/deliveries?per_page=2", &lab.jwt(), Value::Null).await;
    assert_ne!(list[0]["status"], "OK");
    let again = format!("/app/hook/deliveries/{}/attempts", list[0]["id"]);
    assert_eq!(lab.send("POST", &again, &lab.jwt(), Value::Null).await.0, 202);
    lab.playground.delivered().await;
    assert_eq!(lab.inbox.lock().unwrap().pop().unwrap().1, list[0]["guid"].as_str().unwrap(), "the same GUID");

    lab.playground.act(|world| world.switches.duplicate = 1);
    pull.comment("bob", "twice");
    assert_eq!(lab.events().await.len(), 2);

    lab.playground.act(|world| {
        world.switches.reorder = 1;
        let repo = world.repo("acme/shop").unwrap().id;
        world.comment(repo, 1, "bob", "first").unwrap();
        world.comment(repo, 1, "bob", "second").unwrap();
    });
    lab.playground.delivered().await;
    let said: Vec<Value> =
        lab.inbox.lock().unwrap().drain(..).map(|(_, _, body)| body["comment"]["body"].clone()).collect();
    assert_eq!(said, ["second", "first"]);

    lab.playground.silently(|world| {
        let repo = world.repo("acme/shop").unwrap().id;
        world.comment(repo, 1, "bob", "unheard").unwrap()
    });
    assert!(lab.events().await.is_empty());
    lab.playground.finish();
}

#[tokio::test]
async fn the_git_data_api_gives_gits_own_shas_and_keeps_modes() {
    let lab = lab().await;
    let token = lab.token(Value::Null).await;
    let tools = lab.playground.create("acme/tools", &[("README.md", "hi\n")]);
    let main = tools.head("main").unwrap();
    let post = async |what: &str, body: Value| {
        let path = format!("/repos/acme/tools/{what}");
        let (status, _, answer) = lab.send("POST", &path, &token, body).await;
        (status, answer)
    };
    let (_, blob) = post("git/blobs", json!({ "content": "hello\n" })).await;
    assert_eq!(blob["sha"], "ce013625030ba8dba906f756967f9e9ca394464a");
    let entry = json!({ "path": "bin/run", "mode": "100755", "type": "blob", "sha": blob["sha"] });
    let (_, tree) = post("git/trees", json!({ "base_tree": main, "tree": [entry] })).await;
    let commit = json!({ "message": "Add a script", "tree": tree["sha"], "parents": [main] });
    let (_, commit) = post("git/commits", commit).await;
    let made = json!({ "ref": "refs/heads/fairway/onboard", "sha": commit["sha"] });
    assert_eq!(post("git/refs", made.clone()).await.0, 201);
    assert_eq!(post("git/refs", made).await.0, 422, "already exists");

    let path = "/repos/acme/tools/git/trees/fairway/onboard?recursive=1";
    let (_, _, tree) = lab.send("GET", path, &token, Value::Null).await;
    let entry = |at: &Value| format!("{} {}", at["mode"], at["path"]).replace('"', "");
    let modes: Vec<String> = tree["tree"].as_array().unwrap().iter().map(entry).collect();
    assert_eq!(modes, ["100644 README.md", "040000 bin", "100755 bin/run"]);

    let pull = json!({ "title": "Onboard", "head": "fairway/onboard", "base": "main" });
    let (status, pull) = post("pulls", pull).await;
    assert_eq!(status, 201);
    assert_eq!(pull["changed_files"], 1);
    assert_eq!(pull["mergeable"], true);
    let path = "/repos/acme/tools/compare/main...fairway/onboard";
    let (_, _, compared) = lab.send("GET", path, &token, Value::Null).await;
    assert_eq!(compared["status"], "ahead");
    assert_eq!(compared["files"][0]["filename"], "bin/run");
    lab.playground.finish();
}

#[tokio::test]
async fn an_empty_repository_takes_its_first_commit_by_the_contents_api_alone() {
    let lab = lab().await;
    let token = lab.token(Value::Null).await;
    let empty = lab.playground.create("acme/empty", &[]);
    let blob = json!({ "content": "x" });
    let (status, _, answer) = lab.send("POST", "/repos/acme/empty/git/blobs", &token, blob).await;
    assert_eq!(status, 409);
    assert_eq!(answer["message"], "Git Repository is empty.");
    let first = json!({ "message": "Start", "content": "aGkK" });
    let path = "/repos/acme/empty/contents/README.md";
    assert_eq!(lab.send("PUT", path, &token, first).await.0, 201);
    assert!(empty.head("main").is_some());
    lab.playground.finish();
}

#[tokio::test]
async fn trouble_strikes_as_often_as_it_was_told_and_an_etag_saves_an_answer() {
    let lab = lab().await;
    let shop = lab.playground.create("acme/shop", &[("a", "1\n")]);
    let token = lab.token(Value::Null).await;
    let sha = shop.head("main").unwrap();
    let new = json!({ "name": "test", "head_sha": sha });
    lab.playground.act(|world| {
        world.switches.next(1, "POST", "/repos/*/check-runs", Trouble::BadGatewayAfter);
        world.switches.next(1, "POST", "/repos/*/check-runs", Trouble::BadGatewayBefore);
        world.switches.next(1, "GET", "/repos/acme/shop", Trouble::Secondary(7));
    });
    assert_eq!(lab.send("POST", "/repos/acme/shop/check-runs", &token, new.clone()).await.0, 502);
    assert_eq!(shop.checks(&sha).len(), 1, "it was done");
    assert_eq!(lab.send("POST", "/repos/acme/shop/check-runs", &token, new).await.0, 502);
    assert_eq!(shop.checks(&sha).len(), 1, "it was not done");
    let (status, headers, _) = lab.send("GET", "/repos/acme/shop", &token, Value::Null).await;
    assert_eq!((status, headers["retry-after"].to_str().unwrap()), (403, "7"));

    let (_, headers, _) = lab.send("GET", "/api/v3/repos/acme/shop", &token, Value::Null).await;
    let url = format!("{}/repos/acme/shop", lab.playground.url());
    let again = lab.client.get(url).bearer_auth(&token).header("if-none-match", &headers["etag"]).send().await.unwrap();
    assert_eq!(again.status(), 304);

    lab.playground.act(|world| {
        world.switches.next(1, "*", "/repos/acme/shop", Trouble::TokensExpire);
    });
    for _ in 0..2 {
        assert_eq!(lab.send("GET", "/repos/acme/shop", &token, Value::Null).await.0, 401);
    }
    assert_eq!(lab.send("GET", "/app", "e30.e30.e30", Value::Null).await.0, 401);
    assert_eq!(lab.playground.forgive(FaultKind::Token).len(), 1);
    lab.playground.finish();
}

#[tokio::test]
async fn forks_queues_merges_and_deployments() {
    let lab = lab().await;
    let shop = lab.playground.create("acme/shop", &[("a", "1\n"), ("b", "1\n")]);
    let fork = shop.fork("mallory");
    fork.push("mallory", "evil", "Evil", &[("a", Some("evil\n"))]);
    lab.events().await;
    let pull = shop.open_pull("mallory", "mallory:evil", "Evil");
    fork.push("mallory", "evil", "More", &[("a", Some("more\n"))]);
    assert_eq!(lab.events().await, ["pull_request.opened", "pull_request.synchronize"], "no push or suite from a fork");

    let queued = pull.enqueue("alice");
    assert_eq!(
        lab.events().await,
        ["pull_request.enqueued", "push", "check_suite.requested", "merge_group.checks_requested"]
    );
    assert_ne!(shop.head("main").as_deref(), Some(queued.as_str()));
    pull.end_group("alice", "merged");
    assert_eq!(shop.head("main").as_deref(), Some(queued.as_str()));
    assert!(pull.timeline().starts_with("#1 Evil [merged]"));

    let token = lab.token(Value::Null).await;
    let (status, _, deployed) = lab
        .send(
            "POST",
            "/repos/acme/shop/deployments",
            &token,
            json!({ "ref": "main", "auto_merge": false, "required_contexts": [] }),
        )
        .await;
    assert_eq!(
        (status, deployed["sha"].as_str(), deployed["environment"].as_str()),
        (201, Some(queued.as_str()), Some("production"))
    );
    let path = format!("/repos/acme/shop/deployments/{}/statuses", deployed["id"]);
    assert_eq!(lab.send("POST", &path, &token, json!({ "state": "success" })).await.0, 201);
    assert!(pull.timeline().contains("deployed to production: success"));
    lab.playground.finish();
}

const BACK: &str = "http://fairway.test/login/callback";
/// The verifier and its challenge of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn asked(lab: &Lab) -> super::world::Authorization {
    lab.playground.act(|world| world.app.callback_urls = vec![BACK.to_owned()]);
    super::world::Authorization {
        client_id: lab.playground.look(|world| world.app.client_id.clone()),
        redirect_uri: BACK.to_owned(),
        state: "s".to_owned(),
        code_challenge: CHALLENGE.to_owned(),
    }
}

fn authorize(lab: &Lab, login: &str) -> String {
    let asked = asked(lab);
    let to = lab.playground.act(|world| world.authorize(&asked, login)).unwrap();
    let code = to.strip_prefix(&format!("{BACK}?code=")).unwrap().strip_suffix("&state=s").unwrap();
    code.to_owned()
}

/// What the App sends with a code.
fn fields(lab: &Lab, code: &str) -> Value {
    let secret = lab.playground.look(|world| world.app.client_secret.clone());
    json!({ "client_id": asked(lab).client_id, "client_secret": secret, "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER })
}

async fn exchange(lab: &Lab, fields: &Value) -> Value {
    let url = format!("{}/login/oauth/access_token", lab.playground.url());
    let answer = lab.client.post(url).header("accept", "application/json").json(fields).send().await.unwrap();
    assert_eq!(answer.status(), 200, "GitHub refuses with 200, too");
    answer.json().await.unwrap()
}

#[tokio::test]
async fn a_code_becomes_a_token_once_and_a_wrong_exchange_is_refused_in_githubs_words() {
    let lab = lab().await;
    for (field, wrong, error) in [
        ("client_secret", "guessed", "incorrect_client_credentials"),
        ("client_id", "Iv1.other", "incorrect_client_credentials"),
        ("code", "0123456789abcdef0123", "bad_verification_code"),
        ("redirect_uri", "http://evil.test/login/callback", "redirect_uri_mismatch"),
        ("code_verifier", "guessed", "bad_verification_code"),
        ("code_verifier", "", "bad_verification_code"),
    ] {
        let mut sent = fields(&lab, &authorize(&lab, "alice"));
        sent[field] = json!(wrong);
        let answer = exchange(&lab, &sent).await;
        assert_eq!(answer["error"], error, "{field}");
        assert!(answer["error_description"].is_string() && answer["error_uri"].is_string(), "{answer}");
    }
    let sent = fields(&lab, &authorize(&lab, "alice"));
    let answer = exchange(&lab, &sent).await;
    let token = answer["access_token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("ghu_") && answer["expires_in"] == 28_800 && answer["token_type"] == "bearer");
    assert_eq!(exchange(&lab, &sent).await["error"], "bad_verification_code", "a code is taken once");
    let (status, _, user) = lab.send("GET", "/user", &token, Value::Null).await;
    assert_eq!((status, user["login"].as_str()), (200, Some("alice")));
    let installation = lab.token(Value::Null).await;
    assert_eq!(lab.send("GET", "/user", &installation, Value::Null).await.0, 403, "an installation is nobody");

    let id = asked(&lab).client_id;
    let url = format!("{}/applications/{id}/token", lab.playground.url());
    let revoke = lab.client.delete(url).basic_auth(&id, sent["client_secret"].as_str());
    assert_eq!(revoke.json(&json!({ "access_token": token })).send().await.unwrap().status(), 204);
    assert_eq!(lab.send("GET", "/user", &token, Value::Null).await.0, 401, "it was revoked");
    assert_eq!(lab.playground.forgive(FaultKind::Token).len(), 1);
    assert_eq!(lab.playground.forgive(FaultKind::Permission).len(), 1);
    lab.playground.finish();
}

#[tokio::test]
async fn who_comes_without_json_gets_a_form_and_codes_and_tokens_end_by_themselves() {
    let dir = tempfile::tempdir().unwrap();
    let now = Arc::new(std::sync::atomic::AtomicI64::new(1_795_400_000_000));
    let mut options = PlaygroundOptions::in_dir(dir.path());
    let clock = now.clone();
    options.clock = Arc::new(move || clock.load(std::sync::atomic::Ordering::SeqCst));
    let playground = Playground::start(options).await.unwrap();
    playground.cast();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let lab = Lab { playground, _dir: dir, client, inbox: Inbox::default(), installation: 0 };
    let code = authorize(&lab, "bob");
    let body = format!(
        "client_id={}&client_secret=playground-client-secret&code={code}&code_verifier={VERIFIER}",
        asked(&lab).client_id
    );
    let url = format!("{}/login/oauth/access_token", lab.playground.url());
    let request = lab.client.post(url).header("content-type", "application/x-www-form-urlencoded").body(body);
    let answer = request.send().await.unwrap().text().await.unwrap();
    let token = answer.strip_prefix("access_token=").and_then(|rest| rest.split('&').next()).unwrap_or_default();
    let token = token.replace("%5F", "_");
    assert_eq!(lab.send("GET", "/user", &token, Value::Null).await.0, 200, "{answer}");
    let late = fields(&lab, &authorize(&lab, "bob"));
    now.fetch_add(600_001, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(exchange(&lab, &late).await["error"], "bad_verification_code", "a code lives ten minutes");
    now.fetch_add(8 * 3_600_000, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(lab.send("GET", "/user", &token, Value::Null).await.0, 401, "a token lives eight hours");
    lab.playground.finish();
}
