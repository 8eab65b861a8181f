//! The pages in a real browser: somebody types a command and the answer appears without a reload.

#![allow(dead_code, reason = "helpers serve several test files")]

#[path = "setup/process.rs"]
mod process;
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

/// A `fairway serve` whose pages people sign in to, at an address that is known before it starts.
async fn with_sign_in(hub: &Playground, data: &std::path::Path) -> (Served, String) {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("its address");
    drop(free);
    let url = format!("http://{address}");
    let (id, secret) = hub.act(|world| {
        world.app.callback_urls = vec![format!("{url}/login/callback")];
        (world.app.client_id.clone(), world.app.client_secret.clone())
    });
    let mut settings = served::settings(hub, data);
    settings.extend([
        ("FAIRWAY_LISTEN", address.to_string()),
        ("FAIRWAY_PUBLIC_URL", url.clone()),
        ("FAIRWAY_CLIENT_ID", id),
        ("FAIRWAY_CLIENT_SECRET", secret),
        ("FAIRWAY_ADMINS", "alice".to_owned()),
    ]);
    (Served::start(settings).await, url)
}

/// Presses what is there, or will be.
async fn press(browser: &Client, css: &str) {
    let found = browser.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
    found.unwrap_or_else(|error| panic!("{css}: {error}")).click().await.expect("a click");
}

/// What an element says, once it is there.
async fn said(browser: &Client, css: &str) -> String {
    let found = browser.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
    found.unwrap_or_else(|error| panic!("{css}: {error}")).text().await.expect("its text")
}

/// From the sign-in page through GitHub's.
async fn sign_in_as(browser: &Client, login: &str) {
    press(browser, "#sign-in").await;
    press(browser, &format!("#be-{login}")).await;
    press(browser, "#authorize").await;
    assert_eq!(said(browser, "#me").await, login);
}

/// Something that is signed and makes no sense: a job that gives up.
async fn dead_job(hub: &Playground, served: &Served) {
    use hmac::{KeyInit, Mac};
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(hub.webhook_secret().as_bytes()).expect("any key will do");
    mac.update(b"null");
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = client.post(&served.hook).body("null").header("x-hub-signature-256", signature);
    let request = request.header("x-github-delivery", "garbage").header("x-github-event", "pull_request");
    assert_eq!(request.send().await.expect("the door answers").status(), 202);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_a_check_through_sign_in_to_its_page_and_an_act_to_the_audit() {
    let (_driver, address) = driver().await;
    let dir = tempfile::tempdir().expect("a directory");
    let mut options = PlaygroundOptions::in_dir(dir.path().join("hub"));
    options.pages = Some(fairway::playground::pages::router);
    let hub = Playground::start(options).await.expect("the playground starts");
    hub.cast();
    let shop = hub.create("acme/shop", &[("fairway.toml", "[pipeline.test]\nrun = [\"echo it works\"]\n")]);
    let (served, url) = with_sign_in(&hub, &dir.path().join("data")).await;
    hub.set_webhook_url(&served.hook);
    shop.push("bob", "change", "Change", &[("a", Some("1\n"))]);
    let pull = shop.open_pull("bob", "change", "Make it two");
    let mut changes = hub.changes();
    let ended = async {
        while pull.checks().first().is_none_or(|check| check.conclusion.is_none()) {
            changes.changed().await.expect("the playground is there");
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("the check ends");

    // From the check on GitHub to its page here, and through GitHub back to that page.
    let browser = browser(&address, &dir.path().join("profile")).await;
    let check = pull.checks().remove(0);
    browser.goto(&format!("{}/acme/shop/runs/{}", hub.url(), check.id)).await.expect("the check's page");
    press(&browser, "#details").await;
    assert!(said(&browser, "main").await.contains("You see here what you may read on GitHub"));
    let path = check.details_url.strip_prefix(&url).expect("it leads to the pages");
    sign_in_as(&browser, "bob").await;
    assert_eq!(browser.current_url().await.expect("an address").as_str(), check.details_url);
    let page = said(&browser, "main").await;
    assert!(page.contains("acme/shop") && page.contains("it works"), "{page}");
    assert!(!said(&browser, "header").await.contains("Audit"), "bob is no admin");

    // A form that is not of this session does nothing; the page's own button signs out.
    let forge = "document.querySelector('form[action=\"/logout\"] input[name=csrf]').value = 'guessed'";
    browser.execute(forge, Vec::new()).await.expect("the script runs");
    press(&browser, "#sign-out").await;
    browser.wait().at_most(PATIENCE).for_element(Locator::XPath("//h1[. = 'This form is too old']")).await.expect("no");
    assert_eq!(said(&browser, "#me").await, "bob", "he is still here");
    press(&browser, "#sign-out").await;
    assert!(said(&browser, "[role=status]").await.contains("You are signed out of Fairway"));
    browser.goto(&check.details_url).await.expect("the page");
    assert!(said(&browser, "main").await.contains(path), "it says where one comes to afterwards");

    // An admin does something, and it stands in the audit.
    sign_in_as(&browser, "alice").await;
    dead_job(&hub, &served).await;
    browser.goto(&format!("{url}/jobs")).await.expect("the page");
    press(&browser, "[id^=retry]").await;
    browser.wait().at_most(PATIENCE).for_element(Locator::XPath("//h1[contains(., 'Dead jobs')]")).await.expect("back");
    browser.goto(&format!("{url}/audit")).await.expect("the page");
    let audit = said(&browser, "#audit").await;
    for part in ["it goes on as job", "sign out", "refused: the form is not of this session", "bob", "alice"] {
        assert!(audit.contains(part), "{part} is missing in {audit}");
    }
    browser.close().await.expect("chromium ends");
    let lines = served.stop().await;
    assert!(lines.contains(&format!("people sign in with GitHub at {url}")), "{lines}");
    hub.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_is_registered_and_installed_by_clicking_on() {
    let (_driver, address) = driver().await;
    let dir = tempfile::tempdir().expect("a directory");
    let mut options = PlaygroundOptions::in_dir(dir.path().join("hub"));
    options.pages = Some(fairway::playground::pages::router);
    let hub = Playground::start(options).await.expect("the playground starts");
    hub.cast();
    hub.create("acme/shop", &[("fairway.toml", "[pipeline.test]\nrun = [\"true\"]\n")]);
    hub.act(|world| {
        world.installations.clear();
        world.switches.drop = u32::MAX;
    });
    let more = [("FAIRWAY_PUBLIC_URL", "https://fairway.example"), ("FAIRWAY_INTAKE", "poll")];
    let settings = process::settings(&hub, &dir.path().join("data"), &more);
    let mut setup = process::Running::start(&settings, &["setup", "--org", "acme"]);
    let told = setup.says("Ctrl-C is harmless").await;
    let link = told.lines().map(str::trim).find(|line| line.starts_with("http://")).expect("a link");

    let browser = browser(&address, &dir.path().join("profile")).await;
    browser.goto(link).await.expect("the page");
    // The first page goes on by itself. GitHub's leads back here, across sites.
    let name = browser.wait().at_most(PATIENCE).for_element(Locator::Css("#name")).await.expect("GitHub asks");
    assert_eq!(name.prop("value").await.expect("a value").as_deref(), Some("Fairway acme"));
    assert!(browser.current_url().await.expect("an address").as_str().starts_with(&hub.url()));
    press(&browser, "button.go").await;
    let done = Locator::XPath("//h1[contains(., 'The App is registered')]");
    browser.wait().at_most(PATIENCE).for_element(done).await.expect("GitHub's answer was taken");
    press(&browser, "a.button").await;
    press(&browser, "button.go").await;
    assert_eq!(setup.ends().await.code(), Some(0), "{}", setup.said());
    assert!(setup.said().contains("acme/shop is seen"), "{}", setup.said());
    browser.close().await.expect("chromium ends");
    hub.finish();
}
