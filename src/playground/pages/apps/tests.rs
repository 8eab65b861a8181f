//! The manifest flow by hand: GitHub's rules, in GitHub's words.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};

use crate::playground::{Playground, PlaygroundOptions};

struct Site {
    hub: Playground,
    time: Arc<AtomicI64>,
    client: reqwest::Client,
    _dir: tempfile::TempDir,
}

impl Site {
    async fn new() -> Site {
        let dir = tempfile::tempdir().unwrap();
        let time = Arc::new(AtomicI64::new(1_795_400_000_000));
        let (clock, mut options) = (time.clone(), PlaygroundOptions::in_dir(dir.path()));
        options.clock = Arc::new(move || clock.load(Ordering::Relaxed));
        options.pages = Some(crate::playground::pages::router);
        let hub = Playground::start(options).await.unwrap();
        hub.cast();
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Site { hub, time, client: client.build().unwrap(), _dir: dir }
    }

    /// Status, and where it leads or else the text.
    async fn post(&self, path: &str, form: &[(&str, &str)]) -> (u16, String) {
        let encode = |text: &str| super::super::words::encoded(text);
        let body: Vec<String> = form.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let request = self.client.post(format!("{}{path}", self.hub.url())).body(body.join("&"));
        // As a browser says of a page on another port of this machine.
        let request = request.header("sec-fetch-site", "same-site").header("cookie", "speaker=alice");
        self.said(request.header("content-type", "application/x-www-form-urlencoded")).await
    }

    async fn said(&self, request: reqwest::RequestBuilder) -> (u16, String) {
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let to = answer.headers().get("location").map(|v| v.to_str().unwrap().to_owned());
        (status, to.unwrap_or(answer.text().await.unwrap()))
    }

    /// What the manifest page says to this manifest, without what is around it.
    async fn refusal(&self, manifest: &Value) -> String {
        let path = "/organizations/acme/settings/apps/new?state=s";
        let (status, html) = self.post(path, &[("manifest", &manifest.to_string())]).await;
        let words = html.split("<p>").nth(1).and_then(|rest| rest.split("</p>").next()).unwrap_or_default();
        format!("{status} {}", words.replace("&#34;", "\"").replace("&#39;", "'"))
    }

    /// Presses the button; the code, or the page.
    async fn create(&self, who: &str, manifest: &Value, name: &str) -> Result<String, String> {
        let form = [("manifest", manifest.to_string()), ("name", name.to_owned()), ("state", "s 1".to_owned())];
        let encode = |text: &str| super::super::words::encoded(text);
        let body: Vec<String> = form.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let request = self.client.post(format!("{}/organizations/acme/settings/apps", self.hub.url()));
        let request = request.body(body.join("&")).header("cookie", format!("speaker={who}"));
        let (_, to) = self.said(request.header("content-type", "application/x-www-form-urlencoded")).await;
        let code =
            to.strip_prefix("http://127.0.0.1:9/callback?code=").and_then(|rest| rest.strip_suffix("&state=s%201"));
        code.map(str::to_owned).ok_or(to)
    }

    async fn convert(&self, code: &str) -> (u16, Value) {
        let request = self.client.post(format!("{}/app-manifests/{code}/conversions", self.hub.url()));
        let (status, text) = self.said(request).await;
        (status, serde_json::from_str(&text).unwrap())
    }
}

fn good() -> Value {
    json!({
        "name": "Fairway acme",
        "url": "https://fairway.example",
        "hook_attributes": { "url": "https://fairway.example/hook", "active": true },
        "redirect_url": "http://127.0.0.1:9/callback",
        "default_permissions": { "issues": "read", "checks": "write" },
        "default_events": ["issue_comment", "repository"],
    })
}

fn bent(by: &[(&str, Value)]) -> Value {
    let mut manifest = good();
    for (pointer, value) in by {
        *manifest.pointer_mut(pointer).unwrap() = value.clone();
    }
    manifest
}

#[tokio::test]
async fn a_manifest_is_refused_in_githubs_words() {
    let site = Site::new().await;
    let cases = [
        bent(&[("/hook_attributes", json!({ "active": false }))]),
        bent(&[("/hook_attributes/url", json!("http://127.0.0.1:8080/hook"))]),
        bent(&[("/default_permissions", json!({ "pull_requests": "write" }))]),
        bent(&[("/url", Value::Null)]),
        bent(&[("/redirect_url", Value::Null)]),
        json!([]),
    ];
    let mut said = Vec::new();
    for manifest in cases {
        said.push(site.refusal(&manifest).await);
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
    422 Invalid GitHub App configuration. Error: "url" wasn't supplied
    422 Webhook URL is not supported because it isn't reachable over the public Internet (127.0.0.1)
    422 Default events are not supported by permissions: issue_comment
    422 Invalid GitHub App configuration. Error: "url" wasn't supplied
    422 There is no redirect_url to bring the code to.
    422 Invalid GitHub App configuration. Error: the manifest is no JSON object
    "#);
    let mut without = good();
    without.as_object_mut().unwrap().remove("hook_attributes");
    assert!(site.refusal(&without).await.starts_with("200"), "no webhook at all is well");
}

#[tokio::test]
async fn a_code_is_good_once_and_for_an_hour_and_makes_an_app_that_is_installed_nowhere() {
    let site = Site::new().await;
    let taken = site.create("alice", &good(), "fairway").await.unwrap_err();
    assert!(taken.contains("Name is already taken"), "{taken}");
    let long = site.create("alice", &good(), &"x".repeat(35)).await.unwrap_err();
    assert!(long.contains("Name is too long (maximum is 34 characters)"), "{long}");
    let bob = site.create("bob", &good(), "Fairway acme").await.unwrap_err();
    assert!(bob.contains("bob may not register Apps for acme"), "{bob}");

    let late = site.create("alice", &good(), "Fairway acme").await.unwrap();
    site.time.fetch_add(3_600_000, Ordering::Relaxed);
    assert_eq!(site.convert(&late).await.0, 404);

    let code = site.create("alice", &good(), "Fairway acme").await.unwrap();
    let (status, app) = site.convert(&code).await;
    let told: BTreeMap<_, _> = ["slug", "name", "webhook_secret"].map(|key| (key, app[key].clone())).into();
    assert_eq!((status, &told["slug"], &told["name"]), (201, &json!("fairway-acme"), &json!("Fairway acme")));
    assert!(told["webhook_secret"].is_string());
    assert_eq!(site.convert(&code).await.0, 404, "a code is good once");
    assert!(site.hub.look(|world| world.installations.is_empty()));
    assert_eq!(site.hub.look(|world| world.deliveries.last().map(|d| d.event.clone())), Some("ping".to_owned()));

    let (status, to) = site.post("/apps/fairway-acme/installations", &[("account", "acme")]).await;
    assert_eq!(status, 403, "its own forms it takes from nobody else: {to}");
    site.hub.shutdown();
}

#[tokio::test]
async fn somebody_who_manages_the_account_installs_it_and_accepts_more_later() {
    let site = Site::new().await;
    site.hub.create("acme/shop", &[("a", "1")]);
    let code = site.create("alice", &good(), "Fairway acme").await.unwrap();
    site.convert(&code).await;
    let get = |path: &str| {
        let request = site.client.get(format!("{}{path}", site.hub.url())).header("cookie", "speaker=alice");
        site.said(request)
    };
    assert!(get("/apps/fairway-acme").await.1.contains("/apps/fairway-acme/installations/new"));
    let (_, html) = get("/apps/fairway-acme/installations/new").await;
    assert!(
        html.contains("<option>acme</option>") && !html.contains("<option>alice</option>"),
        "it is private: {html}"
    );
    let post = |who: &'static str, path: String, body: &'static str| {
        let request = site.client.post(format!("{}{path}", site.hub.url())).header("cookie", format!("speaker={who}"));
        site.said(request.header("content-type", "application/x-www-form-urlencoded").body(body))
    };
    let at = "/apps/fairway-acme/installations".to_owned();
    assert!(post("bob", at.clone(), "account=acme").await.1.contains("bob may not install the App on acme"));
    let (_, to) = post("alice", at, "account=acme&repositories=shop").await;
    assert!(to.starts_with("/organizations/acme/settings/installations/"), "{to}");
    let told = site.hub.look(|world| world.deliveries.last().map(|d| (d.event.clone(), d.action.clone())));
    assert_eq!(told, Some(("installation".to_owned(), Some("created".to_owned()))));
    assert!(get(&to).await.1.contains("Repositories: shop."));

    site.hub.act(|world| world.app.permissions.insert("members".to_owned(), "read".to_owned()));
    assert!(get(&to).await.1.contains("The App asks for more"));
    post("alice", format!("{to}/accept"), "").await;
    assert!(!get(&to).await.1.contains("The App asks for more"));
    site.hub.shutdown();
}

#[test]
fn only_an_origin_gets_into_the_policy() {
    assert_eq!(super::origin("http://127.0.0.1:4000/callback?x=1"), "http://127.0.0.1:4000");
    assert_eq!(super::origin("https://fairway.example"), "https://fairway.example");
    assert_eq!(super::origin("https://a.example; script-src *"), "");
}
