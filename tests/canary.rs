//! Secrets are put where Fairway keeps secrets, everything is made to go wrong around them while it logs all that it can, and then
//! everything that Fairway said is searched for them.

#[path = "common/served.rs"]
mod served;

use std::time::Duration;

use base64::Engine as _;
use fairway::playground::faults::Trouble;
use fairway::playground::{Playground, PlaygroundOptions, PullDesk};
use served::{Served, verb};

const WEBHOOK: &str = "canary-webhook-secret-0123456789";
const TOKEN: &str = "canary-private-token-0123456789";
const CLIENT: &str = "canary-client-secret-0123456789";
const STORED: &str = "canary-stored-value-0123456789";
const KEY: &str = "Y2FuYXJ5LXNlY3JldHMta2V5LTAxMjM0NTY3ODkwMTI=";

const FILE: &str = r#"
[pipeline.test]
secrets = ["API_KEY"]
report = ["junit:out.xml"]
run = [
    "echo clear $API_KEY",
    "printf %s \"$API_KEY\" | base64",
    "printf '<testsuite><testcase name=\"%s\" file=\"src/lib.rs\" line=\"1\"><failure message=\"want %s\">got %s</failure></testcase></testsuite>' \"$API_KEY\" \"$API_KEY\" \"$API_KEY\" > out.xml",
    "exit 1",
]
"#;

/// Waits until the world is as asked for.
async fn until(hub: &Playground, what: &str, is_so: impl Fn(&fairway::playground::world::World) -> bool) {
    let mut changes = hub.changes();
    let wait = async {
        while !hub.look(&is_so) {
            changes.changed().await.expect("the playground is there");
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), wait).await;
    assert!(waited.is_ok(), "after a minute still not: {what}");
}

async fn ended(hub: &Playground, pull: &PullDesk) {
    let head = pull.head();
    until(hub, "the check has ended", |world| {
        world.repo("acme/shop").is_some_and(|repo| repo.checks_of(&head).any(|check| check.conclusion.is_some()))
    })
    .await;
}

/// All pages, as somebody with the token sees them and as somebody without.
async fn pages(served: &Served) -> String {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mut all = String::new();
    for path in
        ["/", "/jobs", "/runs/1", "/runs/1/log", "/runs/2", "/metrics", "/readyz", "/login", "/none", "/?token=wrong"]
    {
        for bearer in [TOKEN, "wrong"] {
            let request = client.get(format!("{}{path}", served.pages)).bearer_auth(bearer);
            let answer = request.send().await.expect("the pages answer");
            let (status, headers) = (answer.status(), format!("{:?}", answer.headers()));
            if bearer == TOKEN && matches!(path, "/" | "/jobs" | "/runs/1" | "/metrics") {
                assert!(status.is_success(), "{path}: {status}");
            }
            all += &format!("{path} {status} {headers} {}\n", answer.text().await.expect("text"));
        }
    }
    all
}

/// Somebody signs in, and GitHub fails when their token is to be ended. Gives back what the pages said, and what nobody else is to
/// read: their cookies and the code.
async fn signs_in(hub: &Playground, url: &str) -> (String, Vec<(String, String)>) {
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
    let client = client.expect("a client");
    hub.act(|world| {
        world.switches.next(1, "DELETE", "/applications/*", Trouble::BadGatewayBefore);
    });
    let header = |answer: &reqwest::Response, name: &str| {
        let last = answer.headers().get_all(name).iter().next_back();
        last.expect("the header").to_str().expect("text").to_owned()
    };
    let off = client.get(format!("{url}/login/github")).send().await.expect("the pages answer");
    let begun = header(&off, "set-cookie").split(';').next().expect("a cookie").to_owned();
    let to = header(&off, "location");
    let query = to.split_once('?').expect("a query").1;
    let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let fields = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(n, v)| (decode(n), decode(v)));
    let fields = fields.collect();
    let back = hub.act(|world| {
        let asked = world.authorization(&fields).expect("a page");
        world.authorize(&asked, "bob").expect("he is there")
    });
    let answer = client.get(&back).header("cookie", &begun).send().await.expect("the pages answer");
    assert_eq!(answer.status(), 303, "he is signed in");
    let session = header(&answer, "set-cookie").split(';').next().expect("a cookie").to_owned();
    let mut all = String::new();
    for path in ["/", "/account", "/jobs", "/runs/1", "/login"] {
        let answer = client.get(format!("{url}{path}")).header("cookie", &session).send().await.expect("an answer");
        all += &answer.text().await.expect("text");
    }
    let again = client.get(&back).header("cookie", &begun).send().await.expect("the pages answer");
    assert_eq!(again.status(), 400);
    all += &again.text().await.expect("text");
    let code = back.split("code=").nth(1).and_then(|rest| rest.split('&').next()).expect("a code").to_owned();
    let value = |cookie: &str| cookie.split_once('=').expect("a value").1.to_owned();
    let verifier = begun.split('~').nth(2).expect("a verifier").to_owned();
    let (begun, session) = (value(&begun), value(&session));
    let id = session.split('.').next().expect("an id").to_owned();
    let hidden = [("cookie", begun), ("cookie", session), ("session", id), ("code", code), ("verifier", verifier)];
    (all, hidden.map(|(name, value)| (name.to_owned(), value)).into())
}

/// Posts what the door turns away, and what it keeps as a dead job.
async fn knock(served: &Served) -> String {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let garbage = format!("{{\"{STORED}\":");
    let good = sign(garbage.as_bytes());
    let mut all = String::new();
    for signature in ["sha256=00", &format!("sha256={}", "0".repeat(64)), &good] {
        let request = client.post(&served.hook).body(garbage.clone()).header("x-hub-signature-256", signature);
        let request = request.header("x-github-delivery", "canary").header("x-github-event", "pull_request");
        let answer = request.send().await.expect("the door answers");
        all += &format!("{} {}\n", answer.status(), answer.text().await.expect("text"));
    }
    all
}

fn sign(body: &[u8]) -> String {
    use hmac::{KeyInit, Mac};
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(WEBHOOK.as_bytes()).expect("any key will do");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// All that Fairway wrote to GitHub: the requests it sent, and what stands there now.
fn at_github(hub: &Playground) -> String {
    hub.look(|world| {
        let requests = world.exchanges.iter().map(|e| format!("{} {} {}\n", e.method, e.path, e.request));
        let answers = world.deliveries.iter().map(|d| d.response_body.clone() + "\n");
        requests.chain(answers).collect()
    })
}

/// Every text that must be nowhere, with a name for it.
fn secrets(hub: &Playground) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> =
        [("webhook secret", WEBHOOK), ("token", TOKEN), ("client secret", CLIENT), ("stored", STORED), ("key", KEY)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
    let encoded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(STORED);
    all.push(("stored, as base64".to_owned(), encoded));
    let lines = hub.private_key_pem().lines().filter(|line| !line.contains("-----"));
    all.extend(lines.filter(|line| line.len() > 16).map(|line| ("private key".to_owned(), line.to_owned())));
    all.extend(hub.look(|w| w.tokens.keys().map(|t| ("installation token".to_owned(), t.clone())).collect::<Vec<_>>()));
    let people = hub.look(|w| w.logins.tokens.keys().cloned().collect::<Vec<_>>());
    assert_eq!(people.len(), 1, "the token of who signed in was not ended");
    all.extend(people.into_iter().map(|token| ("person's token".to_owned(), token)));
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_in_nothing_that_fairway_says() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut options = PlaygroundOptions::in_dir(dir.path().join("hub"));
    options.webhook_secret = WEBHOOK.to_owned();
    let hub = Playground::start(options).await.expect("the playground starts");
    hub.cast();
    let shop = hub.create("acme/shop", &[("fairway.toml", FILE), ("src/lib.rs", "1\n")]);
    let mut settings = served::settings(&hub, &dir.path().join("data"));
    settings.extend([("FAIRWAY_PRIVATE_TOKEN", TOKEN.to_owned()), ("FAIRWAY_SECRETS_KEY", KEY.to_owned())]);
    settings.push(("FAIRWAY_LOG", "trace".to_owned()));
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    let url = format!("http://{free}");
    settings.extend([("FAIRWAY_LISTEN", free.to_string()), ("FAIRWAY_PUBLIC_URL", url.clone())]);
    let id = hub.act(|world| {
        world.app.client_secret = CLIENT.to_owned();
        world.app.callback_urls = vec![format!("{url}/login/callback")];
        world.app.client_id.clone()
    });
    settings.extend([("FAIRWAY_CLIENT_ID", id), ("FAIRWAY_CLIENT_SECRET", CLIENT.to_owned())]);

    let set = ["secrets", "set", "API_KEY", "--repo", "acme/shop", "--trust", "pr"];
    let mut said = vec![("secrets set", verb(&settings, &set, STORED).await)];
    said.push(("secrets list", verb(&settings, &["secrets", "list"], "").await));
    let mut wrong = settings.clone();
    wrong.push(("FAIRWAY_LISTEN", "nowhere".to_owned()));
    said.push(("serve with a wrong setting", verb(&wrong, &["serve"], "").await));

    let served = Served::start(settings).await;
    hub.set_webhook_url(&served.hook);
    hub.act(|world| {
        world.switches.next(1, "POST", "/repos/*/check-runs", Trouble::BadGatewayAfter);
        world.switches.next(1, "GET", "/repos/*", Trouble::TokensExpire);
        world.switches.next(1, "PATCH", "/repos/*/check-runs/*", Trouble::Html);
    });
    shop.push("bob", "change", "Change", &[("src/lib.rs", Some("2\n"))]);
    let pull = shop.open_pull("bob", "change", "Change");
    ended(&hub, &pull).await;
    pull.comment("mallory", &format!("/retry {WEBHOOK:.3}"));
    pull.comment("bob", "/status");
    said.push(("the door", knock(&served).await));
    until(&hub, "the comments are answered", |w| w.repo("acme/shop").is_some_and(|r| r.comments.len() >= 4)).await;

    let check = pull.checks().remove(0);
    assert_eq!(check.annotations.len(), 1, "the report was read: {check:#?}");
    assert!(check.annotations[0].message.contains("***"), "{:?}", check.annotations[0]);
    said.push(("the pages", pages(&served).await));
    let (signed_in, hidden) = signs_in(&hub, &url).await;
    said.push(("the pages of who signs in", signed_in));
    for args in [vec!["jobs"], vec!["jobs", "--json"], vec!["jobs", "--state", "dead"]] {
        said.push(("fairway jobs", served.verb(&args).await));
    }
    said.push(("GitHub", at_github(&hub)));
    said.push(("the log", served.stop().await));
    for (place, text) in &said {
        assert!(text.len() > 10, "{place} says nothing: {text:?}");
        for (name, secret) in secrets(&hub).into_iter().chain(hidden.clone()) {
            let at = text.find(&secret);
            let around = at.map(|at| text.get(text.floor_char_boundary(at.saturating_sub(200))..at));
            assert!(at.is_none(), "{place} tells the {name}, after: {around:?}");
        }
    }
    hub.shutdown();
}
