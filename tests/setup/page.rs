//! The page of `fairway setup` in this process, with a clock that only we move.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fairway::clock::{Clock, ManualClock};
use fairway::domain::manifest::{Manifest, Place};
use fairway::github::{self, Registered};
use fairway::playground::faults::Trouble;
use fairway::playground::{Playground, PlaygroundOptions};
use fairway::settings::{Credentials, Secret};
use fairway::web::setup::{CALLBACK, Desk, Plan};

use super::browser::{Browser, form, heading, manifest};

/// 2026-01-05, a Monday, noon.
const START: i64 = 1_767_614_400_000;

struct World {
    hub: Playground,
    desk: Desk,
    here: String,
    hand: ManualClock,
    file: PathBuf,
    browser: Browser,
    _dir: tempfile::TempDir,
}

fn credentials(new: &Registered) -> Credentials {
    Credentials {
        app_id: new.id,
        name: new.name.clone(),
        owner: new.owner.clone(),
        html_url: new.html_url.clone(),
        private_key: Secret::new(&*new.pem),
        webhook_secret: Secret::new(&*new.webhook_secret),
        client_id: new.client_id.clone(),
        client_secret: Secret::new(&*new.client_secret),
    }
}

impl World {
    /// A GitHub with acme, where the App is installed nowhere, and the page.
    async fn start(hook: Option<&str>) -> World {
        let dir = tempfile::tempdir().expect("a directory");
        let (clock, hand) = Clock::manual(START);
        let mut options = PlaygroundOptions::in_dir(dir.path().join("hub"));
        let of_hub = clock.clone();
        options.clock = Arc::new(move || of_hub.now());
        options.pages = Some(fairway::playground::pages::router);
        let hub = Playground::start(options).await.expect("a playground");
        hub.cast();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let here = format!("http://{}", listener.local_addr().expect("its address"));
        let file = dir.path().join("data").join("github-app.json");
        let kept = file.clone();
        let desk = Desk::new(Plan {
            manifest: Manifest::whole().without(&["administration"], &["branch_protection_rule"]),
            place: Place {
                name: "Fairway acme".to_owned(),
                home: "https://fairway.example".to_owned(),
                hook: hook.map(str::to_owned),
                redirect: format!("{here}{CALLBACK}"),
                callback: Some("https://fairway.example/login/callback".to_owned()),
                public: false,
            },
            org: Some("acme".to_owned()),
            github: github::Config { api_url: hub.url(), ..github::Config::default() },
            here: here.clone(),
            clock,
            keep: Box::new(move |new| credentials(new).keep(&kept)),
        });
        let router = desk.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        World { hub, desk, here, hand, file, browser: Browser::new(), _dir: dir }
    }

    /// Goes to GitHub and back; gives the address of the answer, which nobody has opened yet.
    async fn answer(&self) -> String {
        self.browser.to_the_answer(&self.desk.link(), None).await
    }

    async fn sees(&self, url: &str) -> String {
        self.browser.sees(url).await
    }

    /// The same answer with another value of one of its two fields.
    fn bent(&self, answer: &str, field: &str, value: &str) -> String {
        let (code, state) = answer.split_once("?code=").and_then(|(_, rest)| rest.split_once("&state=")).expect("both");
        let (code, state) = if field == "code" { (value, state) } else { (code, value) };
        format!("{}{CALLBACK}?code={code}&state={state}", self.here)
    }

    fn finish(self, kept: bool) {
        assert_eq!(self.file.exists(), kept);
        self.hub.finish();
    }
}

#[tokio::test]
async fn github_answers_and_the_page_closes_for_good() {
    let world = World::start(Some("https://fairway.example/hook")).await;
    let answer = world.answer().await;
    let (waiting, opened) = tokio::join!(world.desk.registered(), world.browser.get(&answer));
    assert_eq!((opened.0, heading(&opened.1).as_str()), (200, "The App is registered"));
    let install = format!("href=\"{}/apps/fairway-acme/installations/new\"", world.hub.url());
    assert!(opened.1.contains(&install), "{}", opened.1);
    let kept = Credentials::read(&world.file).expect("it is whole").expect("it is there");
    assert_eq!((kept.app_id, kept.name.as_str(), kept.owner.as_str()), (waiting.id, "Fairway acme", "acme"));
    assert_eq!(kept.webhook_secret.reveal(), world.hub.webhook_secret());
    assert_eq!(std::fs::metadata(&world.file).expect("a file").permissions().mode() & 0o777, 0o600);
    let afterwards = [
        world.sees(&world.desk.link()).await,
        world.sees(&answer).await,
        world.sees(&world.bent(&answer, "state", "0")).await,
        world.sees(&format!("{}/elsewhere", world.here)).await,
    ];
    insta::assert_snapshot!(afterwards.join("\n"), @"
    410 This page is closed
    410 This page is closed
    410 This page is closed
    410 This page is closed
    ");
    let words = world.browser.get(&world.here).await.1;
    assert!(words.contains("typed again, it says how to begin anew"), "{words}");
    world.finish(true);
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_not_taken() {
    let world = World::start(None).await;
    let answer = world.answer().await;
    let forged = [
        world.sees(&world.bent(&answer, "state", "0123456789abcdef0123456789abcdef")).await,
        world.sees(&world.bent(&answer, "state", "")).await,
        world.sees(&format!("{}{CALLBACK}", world.here)).await,
        world.sees(&format!("{}{CALLBACK}?state=x&state=y", world.here)).await,
    ];
    insta::assert_snapshot!(forged.join("\n"), @"
    403 Nobody asked for this answer
    403 Nobody asked for this answer
    403 Nobody asked for this answer
    403 Nobody asked for this answer
    ");
    let codes = world.hub.look(|hub| hub.manifest_codes.len());
    assert_eq!(codes, 1, "GitHub was not even asked");
    world.finish(false);
}

#[tokio::test]
async fn each_answer_and_each_code_is_good_once_and_for_an_hour() {
    let world = World::start(None).await;
    let first = world.answer().await;
    let said = [
        // Somebody took the code away on the way here: this page's `state` is used up, and nothing is kept.
        world.sees(&world.bent(&first, "code", "0")).await,
        world.sees(&first).await,
    ];
    insta::assert_snapshot!(said.join("\n"), @"
    502 GitHub gave no credentials
    403 This answer was used already
    ");

    let late = world.answer().await;
    world.hand.advance(Duration::from_secs(3_600));
    assert_eq!(world.sees(&late).await, "403 This answer comes too late");

    // The code of an answer that was taken, with a `state` of its own.
    let (one, other) = (world.answer().await, world.answer().await);
    let code = one.split_once("?code=").and_then(|(_, rest)| rest.split('&').next()).expect("a code");
    let url = format!("{}/app-manifests/{code}/conversions", world.hub.url());
    let taken = reqwest::Client::builder().no_proxy().build().expect("a client").post(url).send().await;
    assert_eq!(taken.expect("an answer").status(), 201);
    let (status, page) = world.browser.get(&world.bent(&other, "code", code)).await;
    assert_eq!(status, 502);
    assert!(page.contains("it was used already, or is older than an hour"), "{page}");
    assert_eq!(
        world.sees(&world.bent(&world.answer_as("Fairway again").await, "code", "")).await,
        "400 GitHub sent no code"
    );
    world.finish(false);
}

impl World {
    /// GitHub has an App of the usual name by now.
    async fn answer_as(&self, name: &str) -> String {
        self.browser.to_the_answer(&self.desk.link(), Some(name)).await
    }
}

#[tokio::test]
async fn who_has_not_seen_the_terminal_gets_nothing() {
    let world = World::start(None).await;
    let said = [
        world.sees(&world.here).await,
        world.sees(&format!("{}/", world.here)).await,
        world.sees(&format!("{}/0123456789abcdef0123456789abcdef", world.here)).await,
    ];
    assert!(said.iter().all(|said| said == "404 Nothing is here"), "{said:?}");
    let (_, page) = world.browser.get(&world.desk.link()).await;
    assert!(manifest(&page).get("hook_attributes").is_none(), "no public address, no webhook");
    world.finish(false);
}

#[tokio::test]
async fn a_webhook_on_this_machine_is_refused_by_github_in_words() {
    let world = World::start(Some("http://127.0.0.1:8080/hook")).await;
    let (_, page) = world.browser.get(&world.desk.link()).await;
    let (status, page) = world.browser.post(&form(&page, "")).await;
    assert_eq!(status, 422);
    assert!(page.contains("reachable over the public Internet"), "{page}");
    world.finish(false);
}

#[tokio::test]
async fn github_is_asked_again_when_it_stumbles_and_a_code_that_it_took_all_the_same_is_told() {
    for (trouble, wanted) in [
        (Trouble::BadGatewayBefore, "200 The App is registered"),
        (Trouble::BadGatewayAfter, "502 GitHub gave no credentials"),
    ] {
        let world = World::start(None).await;
        let answer = world.answer().await;
        world.hub.act(|hub| {
            hub.switches.next(1, "POST", "/app-manifests/*", trouble);
        });
        let hand = world.hand.clone();
        let time = async move {
            loop {
                hand.advance(Duration::from_millis(100));
                tokio::task::yield_now().await;
            }
        };
        let seen = tokio::select! { seen = world.sees(&answer) => seen, () = time => unreachable!() };
        assert_eq!(seen, wanted);
        world.finish(wanted.starts_with("200"));
    }
}

#[tokio::test]
async fn credentials_that_cannot_be_kept_are_told_and_the_page_stays_open() {
    let world = World::start(None).await;
    std::fs::create_dir_all(&world.file).expect("a directory where the file should be");
    let answer = world.answer().await;
    assert_eq!(world.sees(&answer).await, "500 The credentials could not be kept");
    assert_eq!(world.sees(&world.desk.link()).await, "200 On to GitHub");
    world.finish(true);
}
