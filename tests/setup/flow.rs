//! The whole way with real processes: `fairway setup` in one terminal, `fairway serve` in another, GitHub beside them.

use std::path::Path;
use std::time::Duration;

use fairway::playground::world::CheckRun;
use fairway::playground::{Playground, PlaygroundOptions, PullDesk};
use rustix::process::Signal;

use super::browser::{Browser, form};
use super::process::{Running, settings, verb};

/// A GitHub with acme and its shop, where the App is installed nowhere.
async fn hub(dir: &Path) -> Playground {
    let mut options = PlaygroundOptions::in_dir(dir.join("hub"));
    options.pages = Some(fairway::playground::pages::router);
    let hub = Playground::start(options).await.expect("a playground");
    hub.cast();
    hub.create("acme/shop", &[("fairway.toml", "[pipeline.test]\nrun = [\"true\"]\n")]);
    hub.act(|world| {
        world.installations.clear();
        world.deliveries.clear();
        // The public address leads nowhere, and nobody looks it up.
        world.switches.drop = u32::MAX;
    });
    hub
}

/// The link that `setup` printed.
fn link(said: &str) -> String {
    let line = said.lines().find(|line| line.trim().starts_with("http://127.0.0.1")).expect("a link");
    line.trim().to_owned()
}

/// Opens the App's page at GitHub and installs it on acme.
async fn install(browser: &Browser, hub: &Playground) {
    let slug = hub.look(|world| world.app.slug.clone());
    let (_, page) = browser.get(&format!("{}/apps/{slug}/installations/new", hub.url())).await;
    let mut form = form(&page, &hub.url());
    form.fields.push(("account".to_owned(), "acme".to_owned()));
    assert_eq!(browser.post(&form).await.0, 303);
}

/// What differs from one run of the test to the next, with a word for it.
fn plain(text: &str, hub: &Playground, data: &Path) -> String {
    let (app, installation) = hub.look(|world| (world.app.id, world.installations.keys().next().copied().unwrap_or(0)));
    let ticks = text.lines().filter(|line| !is_of_engines(line)).collect::<Vec<_>>().join("\n");
    ticks
        .replace(&data.display().to_string(), "DATA")
        .replace(&hub.url(), "https://github.example")
        .replace(&format!("App {app}"), "App 7")
        .replace(&format!("installations/{installation}"), "installations/8")
}

/// Those depend on the machine, and have tests of their own.
fn is_of_engines(line: &str) -> bool {
    ["git: ", "Dagger CLI", "socket ", "engine ", "bubblewrap", "\"git\"", "\"socket", "\"engine"]
        .iter()
        .any(|name| line.contains(name))
}

/// Without the tick of the webhook and its fix: how often it changes depends on when `setup` looks.
fn without_webhook(text: &str) -> String {
    let mut lines = text.lines().peekable();
    let mut kept = Vec::new();
    while let Some(line) = lines.next() {
        if !line.contains(" webhook: ") {
            kept.push(line);
        } else if lines.peek().is_some_and(|next| next.starts_with(' ')) {
            lines.next();
        }
    }
    kept.join("\n")
}

/// Waits until the pull request's one check has passed.
async fn passed(hub: &Playground, pull: &PullDesk) -> Vec<CheckRun> {
    let mut changes = hub.changes();
    let seen = async {
        while pull.checks().first().is_none_or(|check| check.conclusion.as_deref() != Some("success")) {
            changes.changed().await.expect("the playground lives");
        }
    };
    let patience = Duration::from_secs(60);
    tokio::time::timeout(patience, seen).await.unwrap_or_else(|_| panic!("not seen: {:#?}", pull.checks()));
    hub.repo("acme/shop").checks(&pull.head())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_is_registered_installed_and_at_work_without_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let (hub, data) = (hub(dir.path()).await, dir.path().join("data"));
    let settings = settings(&hub, &data, &[("FAIRWAY_PUBLIC_URL", "https://fairway.example")]);
    let browser = Browser::new();

    // One terminal: it waits, and says for what.
    let mut serve = Running::start(&settings, &["serve", "--playground"]);
    serve.says("Type `fairway setup`").await;
    let (hook, pages) = (serve.address("takes webhooks at").await, serve.address("its pages").await);
    let mut seen = vec![plain(&serve.said(), &hub, &data)];
    seen.push(browser.sees(&hook.replace("/hook", "/healthz")).await);
    seen.push(browser.sees(&hook).await);
    seen.push(browser.sees(&format!("{pages}/readyz")).await);
    seen.push(browser.sees(&pages).await);
    insta::assert_snapshot!(seen.join("\n---\n"), @"
    Fairway is not set up yet. Type `fairway setup` on this machine; it makes DATA/github-app.json, and Fairway begins by itself.
    ---
    200 ok

    ---
    503 Fairway is not set up yet: type `fairway setup` where it runs

    ---
    503 Fairway is not set up yet: type `fairway setup` where it runs

    ---
    503 Fairway is not set up yet
    ");

    // Another terminal, and a browser.
    let mut setup = Running::start(&settings, &["setup", "--org", "acme"]);
    let link = link(&setup.says("Ctrl-C is harmless").await);
    let answer = browser.to_the_answer(&link, None).await;
    assert_eq!(browser.sees(&answer).await, "200 The App is registered");
    setup.says("FAIL  webhook: GitHub could not deliver `ping` to https://fairway.example/hook").await;
    // What leads from outside to this machine.
    hub.act(|world| world.switches.drop = 0);
    hub.set_webhook_url(&hook);
    assert_eq!(browser.sees(&link).await, "410 This page is closed");
    // It has begun by itself.
    serve.says("Fairway is set up").await;
    serve.mutters("people sign in with GitHub at https://fairway.example").await;
    let callbacks = hub.look(|world| world.app.callback_urls.clone());
    assert_eq!(callbacks, ["https://fairway.example/login/callback"]);
    install(&browser, &hub).await;
    let status = setup.ends().await;
    let said = setup.said();
    assert!(said.contains(&format!("ok    webhook: GitHub reaches {hook};")), "{said}");
    let (_, after) = said.split_once("to go on.\n\n").expect("the link");
    insta::assert_snapshot!(without_webhook(&plain(after, &hub, &data)), @"
    App 7, Fairway acme, is registered. Its credentials are in DATA/github-app.json, for you alone; `fairway serve` takes them within a second.

    ok    credentials: App 7, from DATA/github-app.json
    ok    app: GitHub knows it as Fairway acme, owned by acme
    FAIL  installation: installed nowhere yet
          Open https://github.example/apps/fairway-acme/installations/new, choose the account and its repositories, and press Install.
    skip  permissions: not looked at, because the App is installed nowhere
    ok    events: all that Fairway listens for are subscribed
    skip  repository: not looked at, because the App is installed nowhere
    ok    installation: installed on acme
    ok    permissions: all that Fairway needs is granted
    ok    repository: acme/shop is seen

    All is well.
    ");
    assert_eq!(status.code(), Some(0), "{said}");

    let shop = hub.repo("acme/shop");
    shop.push("bob", "change", "Change", &[("a", Some("1\n"))]);
    let pull = shop.open_pull("bob", "change", "Make it two");
    assert_eq!(passed(&hub, &pull).await.len(), 1);
    assert_eq!(browser.get(&format!("{pages}/readyz")).await, (200, "ready\n".to_owned()));
    assert_ne!(browser.sees(&pages).await, "503 Fairway is not set up yet", "the real pages");

    // Typed again, it asks nobody.
    let (status, said) = verb(&settings, &["setup", "--org", "acme"]).await;
    insta::assert_snapshot!(plain(said.lines().next().unwrap_or_default(), &hub, &data), @"App 7: its credentials are in DATA/github-app.json. To begin anew, delete the App at GitHub and type: rm DATA/github-app.json && fairway setup");
    assert_eq!(status, 0, "{said}");
    serve.signal(Signal::TERM);
    assert!(serve.ends().await.success());
    hub.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_names_what_is_missing_with_its_fix() {
    let dir = tempfile::tempdir().expect("a directory");
    let (hub, data) = (hub(dir.path()).await, dir.path().join("data"));
    let settings = settings(&hub, &data, &[("FAIRWAY_PUBLIC_URL", "https://fairway.example")]);
    let (status, said) = verb(&settings, &["doctor"]).await;
    insta::assert_snapshot!(format!("{}\nexit {status}", plain(&said, &hub, &data)), @"
    FAIL  credentials: there is no App yet: neither in the environment nor in DATA/github-app.json
          Type: fairway setup
    skip  installation: not looked at, because there is no App yet
    skip  permissions: not looked at, because there is no App yet
    skip  events: not looked at, because there is no App yet
    skip  webhook: not looked at, because there is no App yet
    skip  repository: not looked at, because there is no App yet

    1 thing to mend; `fairway doctor` looks again.
    exit 1
    ");

    let browser = Browser::new();
    let mut setup = Running::start(&settings, &["setup", "--org", "acme"]);
    let link = link(&setup.says("Ctrl-C is harmless").await);
    browser.get(&browser.to_the_answer(&link, None).await).await;
    setup.says("installed nowhere yet").await;
    // Ctrl-C; what is there stays there.
    setup.signal(Signal::INT);
    assert_eq!(setup.ends().await.code(), Some(130));
    assert!(
        setup.said().ends_with("\nStopped. Nothing is lost: `fairway setup` goes on from here.\n"),
        "{}",
        setup.said()
    );

    install(&browser, &hub).await;
    let installation = hub.look(|world| world.installations.keys().next().copied()).expect("it is installed");
    hub.act(|world| {
        world.grant(installation, "alice", "issues", None);
        world.app.events.retain(|event| event != "merge_group");
    });
    hub.delivered().await;
    let (status, said) = verb(&settings, &["doctor", "--json"]).await;
    insta::assert_snapshot!(format!("{}\nexit {status}", plain(&said, &hub, &data)), @r#"
    {"name":"credentials","state":"ok","said":"App 7, from DATA/github-app.json","fix":""}
    {"name":"app","state":"ok","said":"GitHub knows it as Fairway acme, owned by acme","fix":""}
    {"name":"installation","state":"ok","said":"installed on acme","fix":""}
    {"name":"permission issues: read, acme","state":"fail","said":"not granted, so Fairway cannot hear and answer commands","fix":"An owner of acme accepts it at https://github.example/organizations/acme/settings/installations/8"}
    {"name":"event merge_group","state":"fail","said":"not subscribed, so Fairway cannot check entries of the merge queue","fix":"Tick it at https://github.example/organizations/acme/settings/apps/fairway-acme/permissions, under \"Subscribe to events\"."}
    {"name":"webhook","state":"fail","said":"GitHub could not deliver `installation` to https://fairway.example/hook: failed to connect to host","fix":"Start `fairway serve` where that address leads, or change it at https://github.example/organizations/acme/settings/apps/fairway-acme"}
    {"name":"repository","state":"ok","said":"acme/shop is seen","fix":""}
    exit 1
    "#);
    for line in said.lines() {
        let tick: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let keys: Vec<&str> = tick.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(keys.len(), 4, "{keys:?}");
        let fixed = tick["fix"] != "";
        assert_eq!(fixed, tick["state"] == "fail" || tick["state"] == "warn", "{line}");
    }
    hub.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_are_printed_where_that_is_wanted_and_serve_takes_them() {
    let dir = tempfile::tempdir().expect("a directory");
    let (hub, data) = (hub(dir.path()).await, dir.path().join("data"));
    let mut settings = settings(&hub, &data, &[]);
    let browser = Browser::new();
    let mut setup = Running::start(&settings, &["setup", "--org", "acme", "--print-env"]);
    let link = link(&setup.mutters("Ctrl-C is harmless").await);
    browser.get(&browser.to_the_answer(&link, None).await).await;
    let lines = setup.says("FAIRWAY_ORGS=").await;
    let names: Vec<&str> = lines.lines().map(|line| line.split('=').next().unwrap_or_default()).collect();
    insta::assert_snapshot!(names.join(" "), @"FAIRWAY_APP_ID FAIRWAY_PRIVATE_KEY FAIRWAY_WEBHOOK_SECRET FAIRWAY_CLIENT_ID FAIRWAY_CLIENT_SECRET FAIRWAY_ORGS");
    // No webhook, so the ticks do not come to an end.
    setup.mutters("the App has none, so Fairway hears of nothing").await;
    setup.signal(Signal::INT);
    assert_eq!(setup.ends().await.code(), Some(130));
    assert!(!data.join("github-app.json").exists());

    let (known, _) = names.split_at(6);
    for (name, line) in known.iter().zip(lines.lines()) {
        let value = line.split_once('=').map(|(_, value)| value.to_owned()).unwrap_or_default();
        let name: &'static str = Box::leak((*name).to_owned().into_boxed_str());
        settings.push((name, value));
    }
    let mut serve = Running::start(&settings, &["serve", "--playground"]);
    serve.address("its pages").await;
    assert_eq!(serve.said(), "", "it has all it needs");
    let (_, said) = verb(&settings, &["doctor"]).await;
    assert!(
        said.contains("from the environment") && said.contains("ok    app: GitHub knows it as Fairway acme"),
        "{said}"
    );
    hub.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_firewall_deliveries_are_read_from_githubs_list() {
    let dir = tempfile::tempdir().expect("a directory");
    let (hub, data) = (hub(dir.path()).await, dir.path().join("data"));
    let more = [("FAIRWAY_PUBLIC_URL", "https://fairway.example"), ("FAIRWAY_INTAKE", "poll")];
    let settings = settings(&hub, &data, &more);
    let browser = Browser::new();
    let mut setup = Running::start(&settings, &["setup", "--org", "acme"]);
    let link = link(&setup.says("Ctrl-C is harmless").await);
    browser.get(&browser.to_the_answer(&link, None).await).await;
    setup.says("installed nowhere yet").await;
    install(&browser, &hub).await;
    assert_eq!(setup.ends().await.code(), Some(0), "{}", setup.said());
    assert!(setup.said().contains("ok    webhook: not needed: FAIRWAY_INTAKE=poll reads"), "{}", setup.said());

    let mut serve = Running::start(&settings, &["serve", "--playground"]);
    let hook = serve.address("takes webhooks at").await;
    serve.says("Fairway is set up").await;
    let shop = hub.repo("acme/shop");
    shop.push("bob", "change", "Change", &[("a", Some("1\n"))]);
    let pull = shop.open_pull("bob", "change", "Make it two");
    assert_eq!(passed(&hub, &pull).await.len(), 1);
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let closed = client.post(&hook).body("{}").send().await.expect("an answer");
    assert_eq!(closed.status(), 404);
    assert!(closed.text().await.expect("words").contains("takes no webhooks"));
    serve.signal(Signal::TERM);
    assert!(serve.ends().await.success());
    assert!(hub.look(|world| world.deliveries.iter().all(|delivery| delivery.status != "OK")), "nothing reached it");
    hub.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_not_whole_is_named_and_waited_out() {
    let dir = tempfile::tempdir().expect("a directory");
    let (hub, data) = (hub(dir.path()).await, dir.path().join("data"));
    let settings = settings(&hub, &data, &[]);
    std::fs::create_dir_all(&data).expect("a directory");
    let file = data.join("github-app.json");
    std::fs::write(&file, "{ \"app_id\": 1, \"name\": \"Fair").expect("half a file");
    let mut serve = Running::start(&settings, &["serve", "--playground"]);
    let said = serve.says("for a new App, type:").await;
    insta::assert_snapshot!(plain(&said, &hub, &data), @"
    Fairway is not set up yet. Type `fairway setup` on this machine; it makes DATA/github-app.json, and Fairway begins by itself.
    DATA/github-app.json cannot be used: line 1 is not what was written there. Put a good copy back; or, for a new App, type: rm DATA/github-app.json && fairway setup
    ");
    let (status, _) = verb(&settings, &["setup"]).await;
    assert_eq!((status, file.exists()), (1, true), "setup does not write over it");

    // The good copy.
    let whole = serde_json::json!({
        "app_id": hub.app_id(), "name": "Fairway", "owner": "acme", "html_url": "", "client_id": "", "client_secret": "",
        "webhook_secret": hub.webhook_secret(), "private_key": hub.private_key_pem(),
    });
    std::fs::write(dir.path().join("copy"), whole.to_string()).expect("a file");
    std::fs::rename(dir.path().join("copy"), &file).expect("put back");
    serve.says("Fairway is set up").await;
    serve.signal(Signal::TERM);
    assert!(serve.ends().await.success());
    hub.finish();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_that_waits_ends_well_at_sigterm() {
    let dir = tempfile::tempdir().expect("a directory");
    let (hub, data) = (hub(dir.path()).await, dir.path().join("data"));
    let mut serve = Running::start(&settings(&hub, &data, &[]), &["serve", "--playground"]);
    serve.says("Type `fairway setup`").await;
    serve.signal(Signal::TERM);
    assert!(serve.ends().await.success());
    hub.finish();
}
