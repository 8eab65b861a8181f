//! The github room against a small server on a local port that answers from a list and writes down what it was asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use fairway::domain::event::Incoming;
use fairway::domain::ids::Repo;
use fairway::domain::metrics::Signal;
use fairway::github::{Config, ConfigError, GitHub, GitHubError, webhook};
use serde_json::{Value, json};

const PKCS1: &str = include_str!("github/test-only.pkcs1.pem");
const PKCS8: &str = include_str!("github/test-only.pkcs8.pem");
const PUBLIC: &str = include_str!("github/test-only.pub.pem");
const NOW: i64 = 1_795_412_457_000;

struct Seen {
    line: String,
    headers: HeaderMap,
    body: Value,
}

type Answer = Box<dyn Fn(&Seen, usize) -> Option<Response> + Send + Sync>;

struct Server {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

struct Inner {
    answer: Answer,
    seen: Arc<Mutex<Vec<Seen>>>,
}

async fn handle(
    State(inner): State<Arc<Inner>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let seen = Seen { line: format!("{method} {uri}"), headers, body };
    let answer = {
        let mut all = inner.seen.lock().unwrap();
        let before = all.iter().filter(|s| s.line == seen.line).count();
        let answer = match seen.line.ends_with("/access_tokens") {
            true => {
                let token = format!("ghs_{before}");
                Some(
                    (StatusCode::CREATED, json!({ "token": token, "expires_at": "2026-11-23T06:40:57Z" }).to_string())
                        .into_response(),
                )
            }
            false => (inner.answer)(&seen, before),
        };
        all.push(seen);
        answer
    };
    match answer {
        Some(answer) => answer,
        // No answer at all: the connection stays open.
        None => std::future::pending().await,
    }
}

impl Server {
    async fn start(answer: impl Fn(&Seen, usize) -> Option<Response> + Send + Sync + 'static) -> Server {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let inner = Arc::new(Inner { answer: Box::new(answer), seen: seen.clone() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = axum::Router::new().fallback(handle).with_state(inner);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Server { url, seen }
    }

    fn config(&self) -> Config {
        Config {
            api_url: format!("{}/api/v3", self.url),
            app_id: 42,
            private_key: PKCS1.to_owned(),
            now: Arc::new(|| NOW),
            ..Config::default()
        }
    }

    fn github(&self) -> GitHub {
        GitHub::new(self.config()).unwrap()
    }

    fn lines(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|s| s.line.clone()).collect()
    }
}

fn repo() -> Repo {
    Repo { installation: 7, id: 99, owner: "acme".into(), name: "shop".into(), default_branch: "main".into() }
}

fn ok(value: Value) -> Option<Response> {
    Some((StatusCode::OK, value.to_string()).into_response())
}

fn says(status: u16, body: &'static str) -> Option<Response> {
    Some((StatusCode::from_u16(status).unwrap(), body).into_response())
}

#[tokio::test]
async fn the_jwt_is_what_github_asks_for_with_both_kinds_of_key() {
    for key in [PKCS1, PKCS8] {
        let server = Server::start(|_, _| ok(json!([]))).await;
        let github = GitHub::new(Config { private_key: key.to_owned(), ..server.config() }).unwrap();
        assert_eq!(github.installations().await.unwrap(), []);
        let seen = server.seen.lock().unwrap();
        let jwt = seen[0].headers["authorization"].to_str().unwrap().strip_prefix("Bearer ").unwrap();
        let public = jsonwebtoken::DecodingKey::from_rsa_pem(PUBLIC.as_bytes()).unwrap();
        let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
        rules.validate_exp = false;
        let claims = jsonwebtoken::decode::<Value>(jwt, &public, &rules).unwrap().claims;
        assert_eq!(claims, json!({ "iat": NOW / 1000 - 60, "exp": NOW / 1000 + 540, "iss": "42" }));
        assert_eq!(seen[0].headers["user-agent"], "fairway");
    }
}

#[tokio::test]
async fn a_bad_key_is_refused_at_once_with_a_hint() {
    let error = GitHub::new(Config { private_key: "secret".into(), ..Config::default() }).err().unwrap();
    assert!(matches!(&error, ConfigError::Key(_)), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn tokens_are_narrowed_shared_and_renewed_when_refused() {
    let server = Server::start(|seen, _| match seen.headers["authorization"] == "Bearer ghs_0" {
        true => says(401, r#"{"message":"Bad credentials"}"#),
        false => ok(json!({ "permission": "write", "role_name": "maintain" })),
    })
    .await;
    let (github, repo) = (server.github(), repo());
    let access = github.permission(&repo, "bob").await.unwrap();
    assert_eq!((access.permission.as_str(), access.role_name.as_str()), ("write", "maintain"));
    let (a, b) = tokio::join!(github.permission(&repo, "alice"), github.permission(&repo, "eve"));
    a.unwrap();
    b.unwrap();
    let tokens = server.lines().iter().filter(|l| l.ends_with("/access_tokens")).count();
    assert_eq!(tokens, 2, "the refused one and its successor");
    let seen = server.seen.lock().unwrap();
    assert_eq!(seen[0].line, "POST /api/v3/app/installations/7/access_tokens");
    assert_eq!(seen[0].body, json!({ "repository_ids": [99], "permissions": { "metadata": "read" } }));
}

#[tokio::test]
async fn concurrent_callers_make_one_token() {
    let server = Server::start(|_, _| ok(json!({}))).await;
    let (github, repo) = (server.github(), repo());
    let calls = (0..8).map(|_| github.clone_token(&repo));
    let tokens = futures_util::future::join_all(calls).await;
    assert!(tokens.into_iter().all(|t| t.unwrap() == "ghs_0"));
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn an_unchanged_answer_is_taken_from_the_cache() {
    let server = Server::start(|seen, _| match seen.headers.get("if-none-match") {
        Some(etag) if etag == "\"v1\"" => Some(StatusCode::NOT_MODIFIED.into_response()),
        _ => Some(([("etag", "\"v1\"")], "hello").into_response()),
    })
    .await;
    let (github, repo) = (server.github(), repo());
    for _ in 0..2 {
        assert_eq!(github.file(&repo, "a b.toml", "main").await.unwrap().as_deref(), Some("hello"));
    }
    let seen = server.seen.lock().unwrap();
    assert_eq!(seen[2].line, "GET /api/v3/repos/acme/shop/contents/a%20b.toml?ref=main");
    assert_eq!(seen[2].headers["if-none-match"], "\"v1\"");
}

#[tokio::test]
async fn pages_are_followed_at_this_host_and_nowhere_else() {
    let server = Server::start(|seen, _| {
        let host = seen.headers["host"].to_str().unwrap();
        let next = match seen.line.contains("page=2") && !seen.line.contains("per_page=100&") {
            true => format!("<http://{host}/api/v3.evil.example/more>; rel=\"next\""),
            false => format!("<http://{host}/api/v3/repos/acme/shop/pulls/5/files?page=2>; rel=\"next\""),
        };
        let file = json!([{ "filename": seen.line, "status": "modified" }]);
        Some(([("link", next)], file.to_string()).into_response())
    })
    .await;
    let files = server.github().pull_files(&repo(), 5).await.unwrap();
    assert_eq!(files.files.len(), 2);
    assert!(!files.truncated);
}

#[tokio::test]
async fn doubt_on_a_write_is_ambiguous_and_on_a_read_is_not() {
    let server = Server::start(|_, _| says(502, "<html>Unicorn!</html>")).await;
    let (github, repo) = (server.github(), repo());
    let write = github.create_comment(&repo, 5, "hi").await.unwrap_err();
    assert!(matches!(write, GitHubError::Ambiguous { .. }), "{write}");
    let read = github.pull(&repo, 5).await.unwrap_err();
    assert!(matches!(read, GitHubError::Unavailable { .. }), "{read}");
    let writes = server.lines().iter().filter(|l| l.starts_with("POST /api/v3/repos")).count();
    assert_eq!(writes, 1, "nothing repeats a write by itself");
}

#[tokio::test]
async fn no_answer_ends_by_the_time_limit() {
    let server = Server::start(|_, _| None).await;
    let brief = Duration::from_millis(50);
    let github = GitHub::new(Config { read_timeout: brief, write_timeout: brief, ..server.config() }).unwrap();
    let write = github.installations().await.unwrap_err();
    assert!(matches!(write, GitHubError::Unavailable { .. }), "{write}");
    let write = github.redeliver(1).await.unwrap_err();
    assert!(matches!(write, GitHubError::Ambiguous { .. }), "{write}");
}

#[tokio::test]
async fn a_page_instead_of_json_is_not_mistaken_for_githubs_answer() {
    let server = Server::start(|_, _| says(200, "<html>Log in</html>")).await;
    let (github, repo) = (server.github(), repo());
    let read = github.pull(&repo, 5).await.unwrap_err();
    assert!(matches!(read, GitHubError::NotJson { .. }), "{read}");
    let write = github.create_comment(&repo, 5, "hi").await.unwrap_err();
    assert!(matches!(write, GitHubError::Ambiguous { .. }), "{write}");
}

#[tokio::test]
async fn the_secondary_limit_says_until_when() {
    let server = Server::start(|_, _| {
        let words = r#"{"message":"You have exceeded a secondary rate limit. Please wait a few minutes."}"#;
        Some((StatusCode::FORBIDDEN, [("retry-after", "30")], words).into_response())
    })
    .await;
    let error = server.github().create_comment(&repo(), 5, "hi").await.unwrap_err();
    assert_eq!(error, GitHubError::RateLimited { until_ms: NOW + 30_000, secondary: true });
}

#[tokio::test]
async fn a_copied_marker_is_not_ours() {
    let comment = |id: i64, kind: &str, app: Value| json!({ "id": id, "user": { "login": "x", "type": kind }, "body": "<!-- m -->", "created_at": "2026-11-23T05:40:57Z", "performed_via_github_app": app });
    let list = json!([
        comment(1, "User", Value::Null),
        comment(2, "Bot", json!({ "id": 43 })),
        comment(3, "Bot", json!({ "id": 42 }))
    ]);
    let server = Server::start(move |_, _| ok(list.clone())).await;
    let found = server.github().find_comment(&repo(), 5, "<!-- m -->").await.unwrap();
    assert_eq!(found.map(|posted| posted.id), Some(3));
}

#[tokio::test]
async fn graphql_refuses_with_status_200() {
    let refused = |extra: Value| {
        let mut error = json!({ "message": "No." });
        error.as_object_mut().unwrap().extend(extra.as_object().cloned().unwrap());
        json!({ "data": { "minimizeComment": null }, "errors": [error] })
    };
    let answers = [
        json!({ "data": { "minimizeComment": { "minimizedComment": { "isMinimized": true } } } }),
        refused(json!({ "type": "NOT_FOUND" })),
        refused(json!({ "type": "FORBIDDEN" })),
        refused(json!({ "type": "RATE_LIMITED" })),
        refused(json!({ "type": "UNPROCESSABLE" })),
        refused(json!({ "extensions": { "code": "undefinedField" } })),
        refused(json!({})),
    ];
    let server = Server::start(move |_, before| ok(answers[before].clone())).await;
    let github = server.github();
    let mut told = Vec::new();
    for _ in 0..7 {
        told.push(format!("{:?}", github.minimise_comment(&repo(), "IC_x").await));
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
    Ok(())
    Err(NotFound { what: "minimizeComment" })
    Err(Forbidden { what: "minimizeComment", message: "No.", needs: None })
    Err(RateLimited { until_ms: 1795412517000, secondary: true })
    Err(Invalid { what: "minimizeComment", message: "No." })
    Err(Invalid { what: "minimizeComment", message: "No." })
    Err(Ambiguous { what: "minimizeComment", why: "No." })
    "#);
    let seen = server.seen.lock().unwrap();
    let asked = seen
        .iter()
        .find(|s| s.line == "POST /api/graphql")
        .unwrap_or_else(|| panic!("{:?}", seen.iter().map(|s| &s.line).collect::<Vec<_>>()));
    assert_eq!(asked.body["variables"], json!({ "input": { "subjectId": "IC_x", "classifier": "RESOLVED" } }));
}

#[test]
fn every_real_payload_is_read_or_dropped_and_the_handled_ones_are_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contract/webhooks");
    let mut handled = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(stem) = name.strip_suffix(".json") else { continue };
        let body = std::fs::read(&path).unwrap();
        let event = stem.split('.').next().unwrap();
        webhook::parse(event, &body).unwrap_or_else(|e| panic!("{name}: {e}"));
        count += 1;
        // Examples from a repository's own webhook lack the installation that an App's delivery has.
        let mut value: Value = serde_json::from_slice(&body).unwrap();
        if value.get("installation").is_none() {
            value["installation"] = json!({ "id": 1 });
        }
        let body = value.to_string();
        if webhook::parse(event, body.as_bytes()).unwrap_or_else(|e| panic!("{name}: {e}")).is_some() {
            handled.push(stem.to_owned());
        }
        assert_eq!(webhook::repository_id(body.as_bytes()), value["repository"]["id"].as_i64(), "{name}");
    }
    handled.sort();
    assert_eq!(count, 63);
    assert_eq!(
        handled.join(" "),
        "check_run.requested_action check_run.rerequested check_suite.rerequested installation.created \
         installation.deleted installation.new_permissions_accepted installation.suspend installation.unsuspend \
         installation_repositories.added installation_repositories.removed \
         merge_group.checks_requested pull_request.closed pull_request.converted_to_draft pull_request.opened \
         pull_request.ready_for_review pull_request.reopened pull_request.synchronize repository.created \
         repository.edited repository.privatized repository.publicized repository.renamed repository.transferred"
    );
}

#[test]
fn pushes_to_branches_are_read_and_tags_and_queue_branches_dropped() {
    let push = |name: &str| {
        let body = json!({ "ref": name, "before": "0", "after": "1", "installation": { "id": 1 }, "sender": { "login": "bob" },
            "repository": { "id": 9, "name": "shop", "owner": { "login": "acme" }, "default_branch": "main" } });
        webhook::parse("push", body.to_string().as_bytes()).unwrap()
    };
    assert!(matches!(push("refs/heads/fe/a b"), Some(Incoming::Push { branch, .. }) if branch == "fe/a b"));
    assert_eq!(push("refs/tags/v1"), None);
    assert_eq!(push("refs/heads/gh-readonly-queue/main/pr-1-abc"), None);
}

#[test]
fn a_comment_is_heard_on_a_pull_request_and_not_on_an_issue() {
    let mut body: Value = serde_json::from_str(include_str!("contract/webhooks/issue_comment.created.json")).unwrap();
    body["installation"] = json!({ "id": 1 });
    assert_eq!(webhook::parse("issue_comment", body.to_string().as_bytes()).unwrap(), None);
    body["issue"]["pull_request"] = json!({ "url": "x" });
    let heard = webhook::parse("issue_comment", body.to_string().as_bytes()).unwrap();
    let Some(Incoming::Comment { repo, number, comment }) = heard else { panic!("{heard:?}") };
    assert_eq!((repo.installation, number, comment.author.as_str(), comment.bot), (1, 1, "Codertocat", false));
    assert_eq!(comment.created_at, 1_557_933_621_000);
}

/// GitHub's example of a delivery as an App gets it, changed by `bend`; what it tells, one line a signal.
fn told(name: &str, bend: impl Fn(&mut Value)) -> String {
    let path = format!("{}/tests/contract/webhooks/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let mut body: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    body["installation"] = json!({ "id": 1 });
    bend(&mut body);
    let event = name.split('.').next().unwrap();
    let told = webhook::told(event, body.to_string().as_bytes(), NOW).unwrap_or_else(|e| panic!("{name}: {e}"));
    let Some(told) = told else { return "nothing".to_owned() };
    let time = |at: &i64| match *at {
        NOW => "now".to_owned(),
        at => jiff::Timestamp::from_millisecond(at).unwrap().to_string(),
    };
    let line = |Signal { kind, pull, at, who, branch, sha, authored_at }: &Signal| {
        let mut line = format!("{} #{pull} {}", kind.as_str(), time(at));
        let parts =
            [("by", who.to_string()), ("on", branch.clone()), ("to", sha.get(..7).unwrap_or_default().to_owned())];
        for (word, part) in parts.iter().filter(|(_, part)| !part.is_empty() && part != "0") {
            line.push_str(&format!(" {word} {part}"));
        }
        line + &authored_at.as_ref().map_or(String::new(), |at| format!(" made {}", time(at)))
    };
    let place = told.repo.map_or(told.owner, |repo| repo.full_name());
    format!("{place}: {}", told.signals.iter().map(line).collect::<Vec<_>>().join(", "))
}

#[test]
fn what_githubs_own_examples_tell() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contract/webhooks");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter_map(|name| Some(name.strip_suffix(".json")?.to_owned())).collect();
    names.sort();
    let lines = names.iter().map(|name| (name, told(name, |_| ()))).filter(|(_, told)| told != "nothing");
    let text: String = lines.map(|(name, told)| format!("{name}: {told}\n")).collect();
    insta::assert_snapshot!(text, @"
    member.added: Codertocat/Hello-World: joined #0 now by 39652351
    organization.member_added: Octocoders: joined #0 now by 39652351
    pull_request.closed: Codertocat/Hello-World: closed #2 2019-05-15T15:21:18Z on changes
    pull_request.converted_to_draft: Codertocat/Hello-World: drafted #2 now
    pull_request.opened: Codertocat/Hello-World: opened #2 2019-05-15T15:20:33Z on changes to ec26c3e
    pull_request.ready_for_review: Codertocat/Hello-World: ready #2 now
    pull_request.review_requested: Codertocat/Hello-World: requested #2 now
    pull_request.synchronize: Codertocat/Hello-World: head #2 now to ec26c3e
    ");
}

#[test]
fn only_words_of_people_to_other_people_are_told() {
    let bob = json!({ "login": "bob", "id": 5, "type": "User" });
    let bot = json!({ "login": "fairway[bot]", "id": 6, "type": "Bot" });
    let review = |by: &Value, author: &Value, state: &str| {
        told("pull_request_review.submitted", |body| {
            body["review"]["user"] = by.clone();
            body["review"]["state"] = json!(state);
            body["pull_request"]["user"] = author.clone();
        })
    };
    let alice = json!({ "login": "alice", "id": 4, "type": "User" });
    let kind = |told: String| told.split(' ').nth(1).unwrap_or("nothing").to_owned();
    let table = [
        (&bob, &alice, "approved", "approval"),
        (&bob, &alice, "APPROVED", "approval"),
        (&bob, &alice, "changes_requested", "word"),
        (&bob, &alice, "commented", "word"),
        (&alice, &alice, "commented", "nothing"),
        (&bot, &alice, "approved", "nothing"),
        (&bob, &bot, "approved", "nothing"),
        (&Value::Null, &alice, "approved", "nothing"),
        (&bob, &Value::Null, "approved", "approval"),
    ];
    for (by, author, state, want) in table {
        assert_eq!(kind(review(by, author, state)), want, "{by} {author} {state}");
    }
    let comment = |by: &Value, text: &str, on_pull: bool| {
        told("issue_comment.created", |body| {
            body["comment"]["user"] = by.clone();
            body["comment"]["body"] = json!(text);
            body["issue"]["user"] = alice.clone();
            if on_pull {
                body["issue"]["pull_request"] = json!({ "url": "x" });
            }
        })
    };
    assert_eq!(kind(comment(&bob, "Nice!", true)), "word");
    assert_eq!(kind(comment(&bob, "Nice!", false)), "nothing", "an issue");
    assert_eq!(kind(comment(&alice, "Nice!", true)), "nothing", "her own");
    assert_eq!(kind(comment(&bot, "Nice!", true)), "nothing");
    assert_eq!(kind(comment(&bob, "/deploy staging", true)), "nothing", "said to Fairway");
    assert_eq!(kind(comment(&bob, "/statsu", true)), "nothing", "said to Fairway, with a slip");
    let remark = |by: &Value| {
        told("pull_request_review_comment.created", |body| {
            body["comment"]["user"] = by.clone();
            body["pull_request"]["user"] = alice.clone();
        })
    };
    assert_eq!([kind(remark(&bob)), kind(remark(&alice)), kind(remark(&bot))], ["word", "nothing", "nothing"]);
}

#[test]
fn pull_requests_pushes_and_newcomers_as_they_are_told() {
    let bot = json!({ "login": "renovate[bot]", "id": 6, "type": "Bot" });
    let pull = |name: &str, at: &str, value: Value| {
        told(&format!("pull_request.{name}"), |body| *body.pointer_mut(at).unwrap_or(&mut Value::Null) = value.clone())
    };
    for name in ["opened", "ready_for_review", "review_requested", "synchronize", "closed"] {
        assert_eq!(pull(name, "/pull_request/user", bot.clone()), "nothing", "{name} of what a program opened");
    }
    assert_eq!(pull("review_requested", "/requested_reviewer", bot.clone()), "nothing", "a program was asked");
    assert_eq!(pull("synchronize", "/sender", bot.clone()), "nothing", "a program pushed");
    insta::assert_snapshot!(pull("opened", "/pull_request/author_association", json!("NONE")), @"Codertocat/Hello-World: opened #2 2019-05-15T15:20:33Z on changes to ec26c3e, joined #2 2019-05-15T15:20:33Z by 21031067");
    insta::assert_snapshot!(pull("opened", "/pull_request/draft", json!(true)), @"Codertocat/Hello-World: opened #2 2019-05-15T15:20:33Z on changes to ec26c3e, drafted #2 2019-05-15T15:20:33Z");
    insta::assert_snapshot!(pull("opened", "/pull_request/head/repo", Value::Null), @"Codertocat/Hello-World: opened #2 2019-05-15T15:20:33Z to ec26c3e");
    insta::assert_snapshot!(pull("closed", "/pull_request/merged_at", json!("2019-05-15T15:21:18Z")), @"Codertocat/Hello-World: merged #2 2019-05-15T15:21:18Z by 21031067 on changes");

    let push = |bend: &dyn Fn(&mut Value)| {
        told("push", |body| {
            let commit = |at: &str, distinct: bool| json!({ "distinct": distinct, "timestamp": at, "author": {} });
            let commits = [
                commit("2019-05-15T15:10:00+02:00", true),
                commit("2019-05-01T00:00:00Z", false),
                commit("2019-05-15T15:11:00Z", true),
            ];
            body["ref"] = json!("refs/heads/fe/change");
            body["commits"] = json!(commits);
            bend(body);
        })
    };
    insta::assert_snapshot!(push(&|_| ()), @"Codertocat/Hello-World: made #0 2019-05-15T15:20:57Z on fe/change to 6113728 made 2019-05-15T13:10:00Z");
    insta::assert_snapshot!(push(&|body| body["created"] = json!(false)), @"Codertocat/Hello-World: push #0 2019-05-15T15:20:57Z on fe/change to 6113728 made 2019-05-15T13:10:00Z");
    insta::assert_snapshot!(push(&|body| body["repository"]["pushed_at"] = json!("2019-05-15T15:20:00Z")), @"Codertocat/Hello-World: made #0 2019-05-15T15:20:00Z on fe/change to 6113728 made 2019-05-15T13:10:00Z");
    insta::assert_snapshot!(push(&|body| body["commits"][0]["author"]["date"] = json!("2019-05-14T00:00:00Z")), @"Codertocat/Hello-World: made #0 2019-05-15T15:20:57Z on fe/change to 6113728 made 2019-05-14T00:00:00Z");
    for (at, value) in [
        ("ref", json!("refs/heads/master")),
        ("ref", json!("refs/heads/gh-readonly-queue/master/pr-1-abc")),
        ("deleted", json!(true)),
        ("sender", bot.clone()),
    ] {
        assert_eq!(push(&|body| body[at] = value.clone()), "nothing", "{at} {value}");
    }
    assert_eq!(told("member.added", |body| body["member"] = bot.clone()), "nothing");
    assert_eq!(told("organization.member_added", |body| body["membership"]["user"] = bot.clone()), "nothing");
}
