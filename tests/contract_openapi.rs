//! The judge is judged: samples that GitHub takes pass, and each of them bent on purpose
//! is refused with the place where it was bent.

#[path = "common/openapi.rs"]
mod openapi;

use openapi::Contract;
use serde_json::{Value, json};

const CHECK_RUNS: &str = "/repos/acme/shop/check-runs";

fn check_run() -> Value {
    json!({
        "name": "fairway / test",
        "head_sha": "ce587453ced02b1526dfb4cb910479d431683101",
        "status": "completed",
        "conclusion": "failure",
        "completed_at": "2026-11-23T05:00:00Z",
        "external_id": "run:42",
        "output": {
            "title": "1 of 3 steps failed",
            "summary": "cargo test",
            "annotations": [{
                "path": "src/lib.rs", "start_line": 3, "end_line": 3,
                "annotation_level": "failure", "message": "assertion failed",
            }],
        },
        "actions": [{"label": "Retry failed", "description": "Runs it again", "identifier": "retry"}],
    })
}

/// `value` with what stands at `pointer` replaced.
fn bent(mut value: Value, pointer: &str, by: Value) -> Value {
    *value.pointer_mut(pointer).expect("the sample has this place") = by;
    value
}

#[test]
fn a_request_that_github_takes_passes_by_path_and_by_template() {
    let contract = Contract::load();
    for path in [
        CHECK_RUNS,
        "/repos/{owner}/{repo}/check-runs",
        "http://127.0.0.1:4000/api/v3/repos/acme/shop/check-runs?per_page=1",
    ] {
        assert_eq!(contract.check_request("POST", path, &check_run()), Ok(()));
    }
}

#[test]
fn each_bent_request_is_refused_at_its_place() {
    let contract = Contract::load();
    let annotation = check_run()["output"]["annotations"][0].clone();
    for (pointer, by) in [
        ("/name", json!(7)),
        ("/conclusion", json!("failed")),
        ("/completed_at", json!("yesterday")),
        ("/output/summary", json!("x".repeat(65_536))),
        ("/output/annotations", json!(vec![annotation; 51])),
        ("/output/annotations/0/start_line", json!("3")),
        ("/actions/0/label", json!("a label of more than twenty letters")),
    ] {
        let refused = contract.check_request("POST", CHECK_RUNS, &bent(check_run(), pointer, by));
        let text = refused.expect_err(pointer);
        assert!(text.contains(&format!("\n  {pointer}: ")), "{pointer}: {text}");
        assert!(text.len() < 600, "too long to read: {text}");
    }
}

#[test]
fn a_key_left_out_or_misspelt_is_refused() {
    let contract = Contract::load();
    let mut short = check_run();
    short.as_object_mut().expect("an object").remove("head_sha");
    let text = contract.check_request("POST", CHECK_RUNS, &short).expect_err("no head_sha");
    assert!(text.contains("head_sha"), "{text}");

    let mut misspelt = check_run();
    misspelt["output"]["sumary"] = json!("x");
    misspelt["output"]["annotations"][0]["line"] = json!(3);
    let text = contract.check_request("POST", CHECK_RUNS, &misspelt).expect_err("unknown keys");
    insta::assert_snapshot!(text, @r"
    POST /repos/{owner}/{repo}/check-runs request:
      /output/annotations/0/line: GitHub does not know this key and would drop it
      /output/sumary: GitHub does not know this key and would drop it
    ");
}

#[test]
fn a_body_stands_only_where_there_is_one() {
    let contract = Contract::load();
    let attempts = "/app/hook/deliveries/12/attempts";
    assert_eq!(contract.check_request("POST", attempts, &Value::Null), Ok(()));
    assert!(contract.check_request("POST", attempts, &json!({"a": 1})).is_err());
    assert!(contract.check_request("POST", CHECK_RUNS, &Value::Null).is_err());
    let comment = "/repos/acme/shop/issues/comments/5";
    assert_eq!(contract.check_response("DELETE", comment, 204, &Value::Null), Ok(()));
    assert!(contract.check_response("DELETE", comment, 204, &json!({})).is_err());
}

fn user() -> Value {
    let urls = [
        "url",
        "html_url",
        "followers_url",
        "following_url",
        "gists_url",
        "starred_url",
        "subscriptions_url",
        "organizations_url",
        "repos_url",
        "events_url",
        "received_events_url",
        "avatar_url",
    ];
    let mut user = json!({
        "login": "alice", "id": 1, "node_id": "U_1", "gravatar_id": "",
        "type": "User", "site_admin": false,
    });
    for url in urls {
        user[url] = json!("http://127.0.0.1/users/alice{/other}");
    }
    user
}

fn comment() -> Value {
    json!({
        "id": 5, "node_id": "IC_5", "url": "http://h/5", "html_url": "http://h/5",
        "body": "/help", "user": user(), "created_at": "2026-11-23T05:00:00Z",
        "updated_at": "2026-11-23T05:00:00Z", "issue_url": "http://h/1",
        "author_association": "MEMBER", "performed_via_github_app": null,
    })
}

#[test]
fn answers_are_judged_with_null_where_github_allows_it_and_nowhere_else() {
    let contract = Contract::load();
    let path = "/repos/acme/shop/issues/comments/5";
    assert_eq!(contract.check_response("GET", path, 200, &comment()), Ok(()));
    assert_eq!(contract.check_response("GET", path, 200, &bent(comment(), "/user", Value::Null)), Ok(()));
    for (pointer, by) in [
        ("/id", json!("5")),
        ("/html_url", Value::Null),
        ("/created_at", json!("23 Nov")),
        ("/author_association", json!("FRIEND")),
    ] {
        let text = contract.check_response("GET", path, 200, &bent(comment(), pointer, by)).expect_err(pointer);
        assert!(text.contains(pointer), "{pointer}: {text}");
    }
    let nested = contract.check_response("GET", path, 200, &bent(comment(), "/user/login", json!(1)));
    assert!(nested.is_err());
}

#[test]
fn refusals_need_githubs_error_body_and_gateways_do_not() {
    let contract = Contract::load();
    let refusal = json!({"message": "Bad credentials", "documentation_url": "http://h", "status": "401"});
    assert_eq!(contract.check_response("POST", CHECK_RUNS, 401, &refusal), Ok(()));
    assert!(contract.check_response("POST", CHECK_RUNS, 401, &json!({"error": "no"})).is_err());
    assert_eq!(contract.check_response("POST", CHECK_RUNS, 502, &json!("<html>")), Ok(()));
    assert!(contract.check_response("POST", CHECK_RUNS, 202, &json!({})).is_err());
    assert_eq!(contract.check_response("GET", "/rate_limit", 304, &Value::Null), Ok(()));
}

#[test]
fn paths_find_their_operation_also_with_slashes_in_a_parameter() {
    let contract = Contract::load();
    for path in [
        "/repos/acme/shop/contents/.github/fairway.toml",
        "/repos/acme/shop/git/ref/heads/feature/a",
        "/repos/acme/shop/compare/main...feature",
        "/repos/acme/shop/commits/abc/check-runs",
        "/repos/acme/shop/commits/feature/a/check-runs",
    ] {
        assert!(contract.knows("GET", path), "{path}");
    }
    let lists = contract.check_response(
        "GET",
        "/repos/acme/shop/commits/abc/check-runs",
        200,
        &json!({"total_count": 0, "check_runs": []}),
    );
    assert_eq!(lists, Ok(()));
    for (method, path) in [("GET", "/repos/acme/shop/check-run"), ("DELETE", CHECK_RUNS), ("GET", "/")] {
        assert!(!contract.knows(method, path), "{method} {path}");
    }
}

#[test]
fn every_schema_of_the_description_compiles() {
    let contract = Contract::load();
    let text = include_str!("contract/openapi.json");
    let description: Value = serde_json::from_str(text).expect("JSON");
    let mut checked = 0;
    for (path, operations) in description["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            for status in operation["responses"].as_object().into_iter().flat_map(|r| r.keys()) {
                if let Ok(status) = status.parse() {
                    // The verdict does not matter here: a schema that is refused panics.
                    let _ = contract.check_response(method, path, status, &json!([]));
                    checked += 1;
                }
            }
            let _ = contract.check_request(method, path, &json!([]));
        }
    }
    assert!(checked > 300, "only {checked} answers were found");
}
