//! A Fairway whose pages people sign in to, beside a playground; and their browsers, which keep cookies and follow nothing by
//! themselves, so that a test sees every step.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fairway::context::Policy;
use fairway::engine::scripted::Scripted;
use fairway::playground::people::NewRepo;
use fairway::playground::world::Role;
use fairway::settings::{Secret, SignIn};
use fairway::web::login::{self, Gate, cookie::CookieKey};
use fairway::web::session::Site;
use fairway::web::{self, hook::Door};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::fairway_world::{SECRET, World};

const FILE: &str = "[pipeline.test]\nrun = [\"ok\"]\n";

/// What signs the cookies.
pub const KEY: [u8; 32] = [9; 32];

/// alice is named by the operator, olivia owns acme, bob writes there and mallory is a stranger. `acme/shop` is public and
/// `acme/vault` is not; each has a pull request whose check has run.
pub struct Lab {
    pub world: World,
    /// Where the pages are.
    pub url: String,
    /// The page of the shop's run, without the host.
    pub shop: String,
    /// The page of the vault's run.
    pub vault: String,
}

impl Lab {
    pub async fn start() -> Lab {
        let mut world = World::start(Arc::new(Scripted::default()), &[("fairway.toml", FILE)]).await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let (client_id, client_secret) = world.hub.act(|hub| {
            hub.app.callback_urls = vec![format!("{url}/login/callback")];
            hub.add_user("olivia", false);
            hub.orgs.get_mut("acme").expect("it is there").members.insert("olivia".into(), Role::Admin);
            (hub.app.client_id.clone(), hub.app.client_secret.clone())
        });
        let admins = ["alice".to_owned()].into();
        let policy = Policy { admins, pages_url: Some(url.clone()), ..(*world.ctx.policy).clone() };
        world.ctx.policy = Arc::new(policy);
        let sign_in = SignIn { client_id, client_secret: Secret::new(client_secret), url: url.clone() };
        let gate = Gate::new(Site::new(world.ctx.clone()), &sign_in, CookieKey::new(&KEY));
        let ctx = &world.ctx;
        let door = Door { secret: SECRET.as_bytes().into(), intake: ctx.store.intake(), clock: ctx.clock.clone() };
        let router = web::public(door).merge(login::router(gate));
        tokio::spawn(async move { axum::serve(listener, router).await });

        let files = [("fairway.toml", FILE)];
        let vault = NewRepo { full_name: "acme/vault", private: true, files: &files, by: "olivia" };
        world.hub.create_as(&vault);
        let mut runs = Vec::new();
        for name in ["acme/shop", "acme/vault"] {
            let repo = world.hub.repo(name);
            repo.push("bob", "change", "Change", &[("a", Some("1\n"))]);
            let pull = repo.open_pull("bob", "change", "Change");
            world.settle().await;
            let details = pull.checks()[0].details_url.clone();
            runs.push(details.strip_prefix(&url).expect("checks lead to the pages").to_owned());
        }
        let [shop, vault] = runs.try_into().expect("both have run");
        Lab { world, url, shop, vault }
    }

    /// A browser without cookies.
    pub fn browser(&self) -> Browser {
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
        Browser { client: client.expect("a client"), url: self.url.clone(), jar: BTreeMap::new() }
    }

    /// A browser in which somebody is signed in.
    pub async fn signed_in(&self, login: &str) -> Browser {
        let mut browser = self.browser();
        let answer = browser.sign_in(self, login, "/").await;
        assert_eq!((answer.status, answer.to.as_str()), (303, "/"), "{}", answer.body);
        browser
    }

    /// Somebody says yes on GitHub's page. Gives back where it sends their browser.
    pub fn says_yes(&self, authorize: &str, login: &str) -> String {
        let asked = query_of(authorize);
        self.world.hub.act(|hub| {
            let asked = hub.authorization(&asked).expect("GitHub has a page for it");
            hub.authorize(&asked, login).expect("they are there")
        })
    }

    /// Time goes on.
    pub fn later(&self, seconds: u64) {
        self.world.hand.advance(Duration::from_secs(seconds));
    }

    /// What stands in the audit, the oldest first: who, what, on what, what came of it.
    pub async fn audit(&self) -> Vec<String> {
        let rows = self.world.ctx.store.acts(i64::MAX, 100).await.expect("the store answers");
        let line = |row: fairway::store::ActRow| {
            format!("{} | {} | {} | {}", row.act.who, row.act.what, row.act.subject, row.outcome.unwrap_or_default())
        };
        rows.into_iter().rev().map(line).collect()
    }

    /// A job that gave up: a delivery that is signed and makes no sense. Its id.
    pub async fn dead_job(&self) -> i64 {
        use hmac::{KeyInit, Mac};
        let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).expect("any key will do");
        mac.update(b"null");
        let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
        let request = self.browser().client.post(&self.world.hook).header("x-hub-signature-256", signature);
        let request = request.header("x-github-delivery", "garbage").header("x-github-event", "pull_request");
        assert_eq!(request.body("null").send().await.expect("the door answers").status(), 202);
        self.world.settle().await;
        self.world.dead().await[0].id
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Where it leads, if it leads on.
    pub to: String,
    pub body: String,
}

pub struct Browser {
    client: reqwest::Client,
    url: String,
    /// Its cookies.
    pub jar: BTreeMap<String, String>,
}

impl Browser {
    pub async fn get(&mut self, path: &str) -> Answer {
        let whole = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        let request = self.client.get(whole).header("accept", "text/html");
        self.send(request).await
    }

    /// Posts a form as a browser does from one of our own pages.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let origin = self.url.clone();
        self.post_from(path, fields, &[("origin", &origin), ("sec-fetch-site", "same-origin")]).await
    }

    /// Posts a form with these headers.
    pub async fn post_from(&mut self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let mut request = self.client.post(format!("{}{path}", self.url)).header("accept", "text/html");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body.join("&"));
        self.send(request).await
    }

    /// From the button to where one wanted to go. Gives back the answer to GitHub's.
    pub async fn sign_in(&mut self, lab: &Lab, login: &str, to: &str) -> Answer {
        let back = self.begin(lab, login, to).await;
        self.get(&back).await
    }

    /// From the button to GitHub's yes. Gives back the address that GitHub sends the browser to.
    pub async fn begin(&mut self, lab: &Lab, login: &str, to: &str) -> String {
        let to = utf8_percent_encode(to, NON_ALPHANUMERIC);
        let off = self.get(&format!("/login/github?to={to}")).await;
        assert_eq!(off.status, 303, "{}", off.body);
        lab.says_yes(&off.to, login)
    }

    /// What the forms of a page carry.
    pub async fn csrf(&mut self, path: &str) -> String {
        let page = self.get(path).await;
        let value = page.body.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        value.unwrap_or_else(|| panic!("no form on {path}: {}", page.body)).to_owned()
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Answer {
        let cookies: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) };
        let answer = request.send().await.expect("the pages answer");
        for line in answer.headers().get_all("set-cookie") {
            let line = line.to_str().expect("text");
            let (name, rest) = line.split_once('=').expect("a cookie");
            let value = rest.split(';').next().unwrap_or_default();
            if line.contains("Max-Age=0") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
        let to = answer.headers().get("location").map(|to| to.to_str().expect("text").to_owned()).unwrap_or_default();
        Answer { status: answer.status().as_u16(), to, body: answer.text().await.expect("text") }
    }
}

/// The fields of an address's query, decoded.
pub fn query_of(url: &str) -> BTreeMap<String, String> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decode(name), decode(value))).collect()
}
