//! The pages in a real browser: somebody types a command and the answer appears without a reload.

#![allow(dead_code, reason = "helpers serve several test files")]

#[path = "common/served.rs"]
mod served;

use std::process::Stdio;
use std::time::Duration;

use fairway::playground::{Playground, PlaygroundOptions};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use served::Served;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

const CHROMIUM: &str = "/usr/bin/chromium";
const CHROMEDRIVER: &str = "/usr/bin/chromedriver";
const FLAGS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];
const PATIENCE: Duration = Duration::from_secs(30);

/// The driver, on a port of its own choice.
async fn driver() -> (Child, String) {
    for program in [CHROMIUM, CHROMEDRIVER] {
        assert!(
            std::path::Path::new(program).exists(),
            "{program} is missing: sudo apt-get install chromium chromium-driver"
        );
    }
    let mut command = Command::new(CHROMEDRIVER);
    command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().expect("chromedriver starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    while let Some(line) = lines.next_line().await.expect("a line") {
        let port = line.split("on port ").nth(1).map(|rest| rest.trim_end_matches('.').trim().to_owned());
        if let Some(port) = port.filter(|port| line.contains("successfully") && port.parse::<u16>().is_ok()) {
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return (child, format!("http://127.0.0.1:{port}"));
        }
    }
    panic!("chromedriver ended without a port");
}

async fn browser(driver: &str, profile: &std::path::Path) -> Client {
    let mut flags: Vec<String> = FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
    flags.push(format!("--user-data-dir={}", profile.display()));
    let options = serde_json::json!({ "binary": CHROMIUM, "args": flags });
    let mut capabilities = serde_json::Map::new();
    capabilities.insert("goog:chromeOptions".to_owned(), options);
    let mut builder = ClientBuilder::new(HttpConnector::new());
    builder.capabilities(capabilities);
    builder.connect(driver).await.expect("chromium starts")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_is_answered_on_the_page_without_a_reload() {
    let (_driver, address) = driver().await;
    let dir = tempfile::tempdir().expect("a directory");
    let mut options = PlaygroundOptions::in_dir(dir.path().join("hub"));
    options.pages = Some(fairway::playground::pages::router);
    let hub = Playground::start(options).await.expect("the playground starts");
    hub.cast();
    let shop = hub.create("acme/shop", &[("fairway.toml", "[pipeline.test]\nrun = [\"true\"]\n")]);
    let served = Served::start(served::settings(&hub, &dir.path().join("data"))).await;
    hub.set_webhook_url(&served.hook);
    shop.push("bob", "change", "Change", &[("a", Some("1\n"))]);
    let pull = shop.open_pull("bob", "change", "Make it two");

    let browser = browser(&address, &dir.path().join("profile")).await;
    browser.goto(&format!("{}/acme/shop/pull/{}", hub.url(), pull.number())).await.expect("the page");
    let title = browser.title().await.expect("a title");
    assert!(title.contains("Make it two"), "{title}");
    // The form itself loads the page anew. Until it has, GitHub tells Fairway nothing, so that the answer cannot come before.
    hub.delivered().await;
    hub.set_webhook_url("http://127.0.0.1:1/nobody");
    let who = browser.find(Locator::Css("form.say select[name=as]")).await.expect("who speaks");
    who.select_by_value("bob").await.expect("bob is among them");
    let text = browser.find(Locator::Css("form.say textarea")).await.expect("the form");
    text.send_keys("/status").await.expect("typing");
    browser
        .find(Locator::Css("form.say button:not([name])"))
        .await
        .expect("the button")
        .click()
        .await
        .expect("a click");
    let said = Locator::XPath("//article[contains(., '/status')] | //*[starts-with(@id, 'issuecomment-')]");
    browser.wait().at_most(PATIENCE).for_element(said).await.expect("what was typed stands there");
    // A reload would forget this.
    browser.execute("window.stayed = true", Vec::new()).await.expect("the script runs");
    hub.delivered().await;
    hub.set_webhook_url(&served.hook);
    hub.act(|world| {
        let lost: Vec<u64> = world.deliveries.iter().filter(|d| d.status != "OK").map(|d| d.id).collect();
        assert!(!lost.is_empty(), "the comment's delivery failed");
        for id in lost {
            world.redeliver(id).expect("it is there");
        }
    });
    let answer = Locator::XPath("//*[contains(., 'Last command:') and contains(., '/status')]");
    browser.wait().at_most(PATIENCE).for_element(answer).await.expect("the answer appears by itself");
    let passed = Locator::XPath("//*[contains(., 'fairway / test')]");
    browser.wait().at_most(PATIENCE).for_element(passed).await.expect("the check appears");
    let stayed = browser.execute("return window.stayed === true", Vec::new()).await.expect("the script runs");
    assert_eq!(stayed, serde_json::json!(true), "the page was loaded again");
    assert!(pull.timeline().contains("bob: /status"), "{}", pull.timeline());
    browser.close().await.expect("chromium ends");
    served.stop().await;
    hub.finish();
}
