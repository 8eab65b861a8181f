//! What GitHub's documentation does not promise and Fairway leans on, asked of the real GitHub.
//!
//! `FAIRWAY_TEST_GITHUB=TOKEN@ORGANISATION` switches it on; `CONTRIBUTING.md` says which token. `FAIRWAY_TEST_GITHUB_URL`
//! names another API, such as an Enterprise server's. What needs the App's private key is not asked here: whether `iss`
//! may be the client's id, and what of a delivery is kept without a hook. The order of deliveries proves itself never.

#[path = "common/caller.rs"]
#[allow(dead_code, reason = "only its token is wanted")]
mod caller;

use std::io::Write as _;
use std::time::{Duration, Instant};

use fairway::playground::world::FaultKind;
use fairway::playground::{Playground, PlaygroundOptions};
use http_body_util::BodyExt as _;
use octocrab::{OctoBody, Octocrab};
use serde_json::{Value, json};

/// The repository that the organisation lends: a commit on its default branch is all that it needs.
const REPO: &str = "fairway-live-check";
/// More content than GitHub lets anybody create in a minute (80), and far fewer points than a minute has (900).
const PATCHES: usize = 90;
const MINIMISE: &str = "mutation($input: MinimizeCommentInput!) {
  minimizeComment(input: $input) { minimizedComment { isMinimized minimizedReason } }
}";

/// A fact, and what was found: `Err` says how GitHub differs, or why it could not be asked.
type Found = (&'static str, Result<(), String>);

/// A GitHub, a repository there, and the right to write to it.
struct Live {
    crab: Octocrab,
    base: String,
    repo: String,
    token: String,
}

/// A pull request that was made to be looked at.
struct Trial {
    branch: String,
    sha: String,
    number: u64,
}

impl Live {
    /// `given` is `TOKEN@ORGANISATION`.
    fn new(given: &str, base: &str) -> Live {
        let (token, org) = given.rsplit_once('@').expect("FAIRWAY_TEST_GITHUB is TOKEN@ORGANISATION");
        Live {
            crab: Octocrab::builder().build().expect("a client"),
            base: base.trim_end_matches('/').to_owned(),
            repo: format!("/repos/{org}/{REPO}"),
            token: token.to_owned(),
        }
    }

    /// Below the repository.
    async fn shop(&self, method: &str, path: &str, body: Value) -> Result<Value, String> {
        self.ask((method, &format!("{}{}{path}", self.base, self.repo)), body).await
    }

    async fn graphql(&self, query: &str, variables: Value) -> Result<Value, String> {
        let api = self.base.strip_suffix("/v3").filter(|api| api.ends_with("/api")).unwrap_or(&self.base);
        let url = format!("{api}/graphql");
        let answer = self.ask(("POST", &url), json!({ "query": query, "variables": variables })).await?;
        if answer["errors"].is_null() { Ok(answer) } else { Err(answer["errors"].to_string()) }
    }

    async fn ask(&self, (method, url): (&str, &str), body: Value) -> Result<Value, String> {
        let request = http::Request::builder()
            .method(method)
            .uri(url)
            .header("user-agent", "fairway-live-check")
            .header("accept", "application/vnd.github+json")
            .header("authorization", format!("Bearer {}", self.token));
        let body = if body.is_null() { OctoBody::empty() } else { OctoBody::from(body.to_string().into_bytes()) };
        let request = request.body(body).map_err(|error| error.to_string())?;
        let response = self.crab.send(request).await.map_err(|error| format!("{method} {url}: {error}"))?;
        let status = response.status();
        let bytes = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
        if !status.is_success() {
            return Err(format!("{method} {url}: {status} {}", String::from_utf8_lossy(&bytes)));
        }
        Ok(serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }
}

/// Asks everything, and leaves nothing open behind.
async fn facts(live: &Live) -> Result<Vec<Found>, String> {
    let trial = open(live).await?;
    let found = vec![
        ("the App may fold its own comment away", folds(live, &trial).await),
        ("a deployment adds a line to the pull request's timeline", deploys(live, &trial).await),
        ("an update of a check run creates no content", updates(live, &trial).await),
    ];
    live.shop("PATCH", &format!("/pulls/{}", trial.number), json!({ "state": "closed" })).await?;
    live.shop("DELETE", &format!("/git/refs/heads/{}", trial.branch), Value::Null).await?;
    Ok(found)
}

async fn open(live: &Live) -> Result<Trial, String> {
    let base = live.shop("GET", "", Value::Null).await?["default_branch"].as_str().unwrap_or("main").to_owned();
    let start = live.shop("GET", &format!("/git/ref/heads/{base}"), Value::Null).await?["object"]["sha"].clone();
    // A branch of an earlier check that was cut off must not be in the way.
    let now = std::time::UNIX_EPOCH.elapsed().map_err(|error| error.to_string())?.as_millis();
    let branch = format!("live-{now}");
    live.shop("POST", "/git/refs", json!({ "ref": format!("refs/heads/{branch}"), "sha": start })).await?;
    let file = json!({ "message": "Look", "content": "bG9vawo=", "branch": branch });
    let made = live.shop("PUT", &format!("/contents/{branch}.txt"), file).await?;
    let new = json!({ "title": "Live check", "head": branch, "base": base });
    let number = live.shop("POST", "/pulls", new).await?["number"].as_u64().ok_or("a pull request has a number")?;
    Ok(Trial { branch, sha: made["commit"]["sha"].as_str().unwrap_or_default().to_owned(), number })
}

async fn folds(live: &Live, trial: &Trial) -> Result<(), String> {
    let path = format!("/issues/{}/comments", trial.number);
    let node = live.shop("POST", &path, json!({ "body": "Folded away by a check." })).await?["node_id"].take();
    let input = json!({ "input": { "subjectId": node, "classifier": "RESOLVED" } });
    // Twice: the effect counts on the second time being harmless.
    live.graphql(MINIMISE, input.clone()).await?;
    let again = live.graphql(MINIMISE, input).await?;
    let comment = &again["data"]["minimizeComment"]["minimizedComment"];
    let expected = json!({ "isMinimized": true, "minimizedReason": "resolved" });
    if *comment == expected { Ok(()) } else { Err(format!("it is {comment} now")) }
}

async fn deploys(live: &Live, trial: &Trial) -> Result<(), String> {
    let new = json!({
        "ref": trial.sha, "environment": "live-check", "transient_environment": true, "production_environment": false,
        "auto_merge": false, "required_contexts": [],
    });
    let path = format!("/deployments/{}", live.shop("POST", "/deployments", new).await?["id"]);
    live.shop("POST", &format!("{path}/statuses"), json!({ "state": "inactive" })).await?;
    let lines = live.shop("GET", &format!("/issues/{}/timeline?per_page=100", trial.number), Value::Null).await;
    live.shop("DELETE", &path, Value::Null).await?;
    let lines = lines?;
    let events: Vec<&str> = lines.as_array().into_iter().flatten().filter_map(|line| line["event"].as_str()).collect();
    if events.contains(&"deployed") { Ok(()) } else { Err(format!("its events are {events:?}")) }
}

async fn updates(live: &Live, trial: &Trial) -> Result<(), String> {
    let new = json!({ "name": "live check", "head_sha": trial.sha, "status": "in_progress" });
    let path = format!("/check-runs/{}", live.shop("POST", "/check-runs", new).await?["id"]);
    let start = Instant::now();
    for count in 0..PATCHES {
        let output = json!({ "title": format!("{count}"), "summary": "" });
        live.shop("PATCH", &path, json!({ "output": output })).await.map_err(|why| format!("after {count}: {why}"))?;
    }
    let took = start.elapsed();
    live.shop("PATCH", &path, json!({ "conclusion": "neutral" })).await?;
    if took < Duration::from_secs(60) { Ok(()) } else { Err(format!("{PATCHES} took {took:?}, which proves nothing")) }
}

/// One line a fact. Unlike what `println!` writes, the test harness does not keep it back.
fn say(line: &str) {
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}

#[tokio::test]
async fn what_github_does_not_promise_holds() {
    let Ok(given) = std::env::var("FAIRWAY_TEST_GITHUB") else {
        say(
            "FAIRWAY_TEST_GITHUB is not set: what GitHub's documentation does not promise was not asked of the real GitHub",
        );
        return;
    };
    let url = std::env::var("FAIRWAY_TEST_GITHUB_URL").unwrap_or(fairway::github::Config::default().api_url);
    let found = facts(&Live::new(&given, &url)).await.expect("the trial pull request opens and closes");
    for (fact, answer) in &found {
        say(&format!("{fact}: {}", answer.as_ref().map_or_else(String::as_str, |()| "holds")));
    }
    assert!(found.iter().all(|(_, answer)| answer.is_ok()), "Fairway leans on something that is not so: {found:#?}");
}

#[tokio::test]
async fn the_check_asks_what_a_github_can_answer() {
    let dir = tempfile::tempdir().expect("a directory");
    let hub = Playground::start(PlaygroundOptions::in_dir(dir.path().join("hub"))).await.expect("a playground");
    hub.cast();
    let repo = hub.create(&format!("acme/{REPO}"), &[("README.md", "# Look\n")]);
    let caller = caller::Caller::new(&hub).await;
    let given = format!("{}@acme", caller.token());
    let found = facts(&Live::new(&given, &format!("{}/api/v3", hub.url()))).await.expect("a trial");
    let told: Vec<String> = found.iter().map(|(fact, answer)| format!("{fact}: {}", answer.is_ok())).collect();
    // The playground has no timeline to read; that it was asked for is what is known.
    insta::assert_snapshot!(told.join("\n"), @r"
    the App may fold its own comment away: true
    a deployment adds a line to the pull request's timeline: false
    an update of a check run creates no content: true
    ");
    assert_eq!(hub.forgive(FaultKind::UnknownRoute), ["GET /repos/acme/fairway-live-check/issues/1/timeline"]);
    let left = repo.pull(1).timeline();
    assert!(left.contains("[closed]") && left.contains("(This comment was marked as resolved.)"), "{left}");
    assert!(hub.look(|world| world.repos[&repo.id()].deployments.is_empty()), "the deployment is gone");
    let bad = Live::new("ghs_wrong@acme", &hub.url());
    let refused = facts(&bad).await.expect_err("a wrong token opens nothing");
    assert!(refused.contains("401"), "{refused}");
    assert_eq!(hub.forgive(FaultKind::Token).len(), 1);
    hub.finish();
}
