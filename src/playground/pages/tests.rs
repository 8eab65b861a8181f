//! The pages over real HTTP, on a world with a story in it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tempfile::TempDir;

use crate::playground::Playground;
use crate::playground::people::{NewPull, NewRepo, Push};
use crate::playground::world::{Action, Annotation, App, CheckRun, Role, World};

const NOW: i64 = 1_795_400_000_000;

struct Site {
    url: String,
    playground: Playground,
    _dir: TempDir,
}

impl Site {
    async fn get(&self, path: &str) -> (u16, String) {
        self.get_as("alice", path).await
    }

    async fn get_as(&self, who: &str, path: &str) -> (u16, String) {
        let request =
            reqwest::Client::new().get(format!("{}{path}", self.url)).header("cookie", format!("speaker={who}"));
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn post(&self, who: &str, path: &str, body: &str) -> (u16, String) {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let request = client.post(format!("{}{path}", self.url)).header("cookie", format!("speaker={who}"));
        let answer = request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.to_owned())
            .send()
            .await
            .unwrap();
        let to = answer.headers().get("location").map(|v| v.to_str().unwrap().to_owned());
        (
            answer.status().as_u16(),
            match to {
                Some(to) => to,
                None => answer.text().await.unwrap(),
            },
        )
    }
}

async fn site() -> Site {
    let dir = tempfile::tempdir().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut world = empty(dir.path(), &url);
    story(&mut world);
    let playground = Playground::new(world);
    let router = super::router(playground.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    Site { url, playground, _dir: dir }
}

fn empty(dir: &std::path::Path, url: &str) -> World {
    World {
        url: url.to_owned(),
        dir: dir.to_owned(),
        clock: Arc::new(|| NOW),
        users: BTreeMap::new(),
        orgs: BTreeMap::new(),
        app: App {
            id: 1,
            slug: "fairway".into(),
            name: "Fairway".into(),
            client_id: "Iv1".into(),
            client_secret: "secret".into(),
            callback_urls: vec!["http://fairway.test/login/callback".into()],
            permissions: BTreeMap::new(),
            events: Vec::new(),
            webhook_url: None,
            webhook_secret: String::new(),
            public_key: String::new(),
            owner: None,
            public: true,
            created_at: NOW,
        },
        installations: BTreeMap::new(),
        tokens: BTreeMap::new(),
        repos: BTreeMap::new(),
        deliveries: Vec::new(),
        outbox: VecDeque::new(),
        sending: 0,
        muted: false,
        faults: Vec::new(),
        switches: Default::default(),
        limits: Default::default(),
        meters: BTreeMap::new(),
        exchanges: VecDeque::new(),
        manifest_codes: BTreeMap::new(),
        logins: Default::default(),
        crates: Vec::new(),
        advisories: Some(Vec::new()),
        last_id: 100,
    }
}

const BEFORE: &str = "/// The price of `count` pieces, in cents.\npub fn price(count: u32) -> u32 {\n    count * 250\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn a_dozen() {\n        assert_eq!(super::price(12), 3000);\n    }\n}\n";
const AFTER: &str = "/// The price of `count` pieces, in cents. From ten pieces on each is 10 % cheaper.\npub fn price(count: u32) -> u32 {\n    let each = if count >= 10 { 225 } else { 250 };\n    count * each\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn a_dozen() {\n        assert_eq!(super::price(12), 3000);\n    }\n}\n";

fn story(world: &mut World) {
    for login in ["alice", "bob", "mallory"] {
        world.add_user(login, false);
    }
    world.add_user("fairway[bot]", true);
    world.add_org("acme", &[("alice", Role::Maintain), ("bob", Role::Write)]);
    let files = [
        ("README.md", "# shop\n\nSells **pieces**.\n"),
        ("src/lib.rs", BEFORE),
        ("fairway.toml", "[pipeline.test]\nrun = [\"cargo test\"]\n"),
    ];
    let repo =
        world.create_repo(&NewRepo { full_name: "acme/shop", private: false, files: &files, by: "alice" }).unwrap();
    world.create_repo(&NewRepo { full_name: "acme/secret", private: true, files: &files, by: "alice" }).unwrap();
    let push = |branch, text: &'static str, message| Push {
        branch,
        files: vec![("src/lib.rs", Some(text.as_bytes()))],
        author: "bob",
        message,
    };
    world.push(repo, &push("discount", AFTER, "Ten pieces are cheaper")).unwrap();
    let body = "Ten pieces or more cost **10 %** less each.\n\n- [x] price\n- [ ] sign in the shop\n";
    let pull = NewPull {
        author: "bob",
        head: "discount",
        base: "main",
        title: "A discount from ten pieces on",
        body,
        draft: false,
    };
    let number = world.open_pull(repo, &pull).unwrap();
    let more = AFTER.replace("From ten", "From ten (10)");
    world.push(repo, &push("discount", Box::leak(more.into_boxed_str()), "Say it in the docs")).unwrap();
    checks(world, repo, number);
    talk(world, repo, number);
}

fn talk(world: &mut World, repo: u64, number: u64) {
    let asked = world.comment(repo, number, "bob", "/retry").unwrap();
    world.react(repo, asked, "fairway[bot]", "eyes").unwrap();
    world.react(repo, asked, "fairway[bot]", "rocket").unwrap();
    let status = "**Failing**: `fairway / test` at `Say it in the docs`\n\n| Check | Result | Time |\n|---|---|---|\n| [fairway / test](/acme/shop) | failure | 4s |\n| fairway / lint | success | 2s |\n\n<details><summary>Last command</summary>\n\n`/retry` by @bob: started again.\n\n</details>\n\n<!-- fairway:status v1 {} -->";
    world.comment(repo, number, "fairway[bot]", status).unwrap();
    let refusal = world.comment(repo, number, "fairway[bot]", "Nothing was done.").unwrap();
    world.minimise_comment(repo, refusal, "resolved");
    world.comment(repo, number, "mallory", "Looks good <script>alert(1)</script> to me.\n\n> /deploy").unwrap();
}

fn checks(world: &mut World, repo: u64, number: u64) {
    let sha = world.repos[&repo].pulls[&number].head_sha.clone();
    let suite = world.suite_for(repo, &sha, Some("discount"), None).unwrap();
    let mut add = |name: &str, status: &str, conclusion: Option<&str>, title: &str| {
        let id = world.id();
        let check = CheckRun {
            id,
            suite,
            name: name.into(),
            head_sha: sha.clone(),
            external_id: format!("run-{id}"),
            details_url: String::new(),
            status: status.into(),
            conclusion: conclusion.map(str::to_owned),
            started_at: Some(NOW - 9000),
            completed_at: conclusion.map(|_| NOW - 5000),
            title: Some(title.into()),
            summary: Some("**`cargo test` failed** with exit code 101 after 4 s.\n\n| Step | Result | Time |\n|---|---|---|\n| `cargo test --locked` | failed | 4s |\n\nRun it here: `fairway run test`".into()),
            text: Some("```\nrunning 1 test\ntest tests::a_dozen ... FAILED\n\nassertion `left == right` failed\n  left: 2700\n right: 3000\n```".into()),
            annotations: Vec::new(),
            actions: Vec::new(),
            updates: 0,
        };
        world.repos.get_mut(&repo).unwrap().checks.insert(id, check);
        id
    };
    add("fairway / lint", "completed", Some("success"), "2 steps passed");
    add("fairway / image", "completed", Some("skipped"), "Nothing it builds was touched");
    add("fairway / docs", "in_progress", None, "Step 1 of 2: cargo doc");
    let test = add("fairway / test", "completed", Some("failure"), "1 of 1 tests failed");
    failed(world, repo, test);
}

fn failed(world: &mut World, repo: u64, test: u64) {
    let check = world.repos.get_mut(&repo).unwrap().checks.get_mut(&test).unwrap();
    check.actions.push(Action {
        label: "Retry failed".into(),
        description: "Run the failed step again".into(),
        identifier: "retry-failed".into(),
    });
    check.annotations.push(Annotation {
        path: "src/lib.rs".into(),
        start_line: 3,
        end_line: 3,
        columns: None,
        level: "failure".into(),
        title: Some("tests::a_dozen".into()),
        message: "assertion `left == right` failed\n  left: 2700\n right: 3000".into(),
        raw_details: None,
    });
}

#[tokio::test]
async fn every_page_answers_and_no_markup_of_a_stranger_survives() {
    let site = site().await;
    let sha = site.playground.look(|world| world.repo("acme/shop").unwrap().branch("discount").unwrap().to_owned());
    let paths = [
        "/".to_owned(),
        "/-/deliveries".to_owned(),
        "/acme/shop".to_owned(),
        "/acme/shop/tree/discount/src/lib.rs".to_owned(),
        "/acme/shop/tree/main/src".to_owned(),
        "/acme/shop/commits".to_owned(),
        "/acme/shop/pulls".to_owned(),
        "/acme/shop/compare/discount".to_owned(),
        format!("/acme/shop/commit/{sha}"),
        format!("/acme/shop/commit/{sha}/checks"),
        "/acme/shop/pull/1".to_owned(),
        "/acme/shop/pull/1/commits".to_owned(),
        "/acme/shop/pull/1/checks".to_owned(),
        "/acme/shop/pull/1/files".to_owned(),
    ];
    for path in paths {
        let (status, html) = site.get(&path).await;
        assert_eq!(status, 200, "{path}: {html}");
        assert!(!html.contains("<script>"), "{path}");
    }
}

#[tokio::test]
async fn the_conversation_shows_what_was_said_and_how_the_checks_stand() {
    let site = site().await;
    let (_, html) = site.get("/acme/shop/pull/1").await;
    for part in [
        "A discount from ten pieces on",
        "Ten pieces are cheaper",
        "pushed 1 commit",
        "&lt;script&gt;",
        "Some checks haven\u{2019}t completed yet",
        "1 failing, 1 in progress, 1 skipped, 1 successful",
        "bob reacted with eyes",
        "fairway[bot] reacted with rocket",
        "<summary class=\"pad dim\">This comment was marked as resolved.</summary>",
    ] {
        let part = part.replace("bob reacted with eyes", "fairway[bot] reacted with eyes");
        assert!(html.contains(&part), "{part} is missing in {html}");
    }
    assert!(!html.contains("fairway:status"), "the hidden marker shows");
}

#[tokio::test]
async fn the_checks_tab_opens_the_failed_run_with_its_line_and_buttons() {
    let site = site().await;
    let (_, html) = site.get("/acme/shop/pull/1/checks").await;
    for part in ["1 of 1 tests failed", "src/lib.rs:3", "let each = if count", "Retry failed", "Re-run all"] {
        assert!(html.contains(part), "{part} is missing in {html}");
    }
    let (_, files) = site.get("/acme/shop/pull/1/files").await;
    let line = files.find("let each = if count").unwrap();
    let remark = files.find("left: 2700").unwrap();
    assert!(files[line..remark].matches("</tr>").count() == 1, "the annotation stands under its line");
}

#[tokio::test]
async fn forms_do_what_the_speaker_may() {
    let site = site().await;
    let (status, to) = site.post("alice", "/acme/shop/pull/1/comment", "body=%2Fhelp%0D%0Aplease&as=bob").await;
    assert_eq!(status, 303);
    assert!(to.starts_with("/acme/shop/pull/1#issuecomment-"), "{to}");
    let said =
        site.playground.look(|world| world.repo("acme/shop").unwrap().comments.values().next_back().unwrap().clone());
    assert_eq!((said.author.as_str(), said.body.as_str()), ("bob", "/help\nplease"));
    let (status, html) = site.post("mallory", "/acme/shop/pull/1/merge", "").await;
    assert_eq!(status, 422);
    assert!(html.contains("needs write access"), "{html}");
    let (status, _) = site.post("bob", "/acme/shop/pull/1/merge", "").await;
    assert_eq!(status, 303);
    assert!(site.get("/acme/shop/pull/1").await.1.contains("merged this as"));
    let (status, to) = site.post("alice", "/-/repositories", "owner=acme&name=new").await;
    assert_eq!((status, to.as_str()), (303, "/acme/new"));
    assert_eq!(site.get("/acme/new").await.0, 200);
}

#[tokio::test]
async fn a_private_repository_is_not_there_for_strangers() {
    let site = site().await;
    assert_eq!(site.get_as("bob", "/acme/secret").await.0, 200);
    let (status, html) = site.get_as("mallory", "/acme/secret").await;
    assert_eq!(status, 404);
    assert!(html.contains("mallory may not see it"), "{html}");
    assert!(!site.get_as("mallory", "/").await.1.contains("acme/secret"));
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let site = site().await;
    let request = reqwest::Client::new()
        .post(format!("{}/acme/shop/pull/1/comment", site.url))
        .header("sec-fetch-site", "cross-site");
    assert_eq!(request.body("body=x").send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn a_change_is_told_to_open_pages() {
    let site = site().await;
    let mut feed = reqwest::get(format!("{}/-/changes", site.url)).await.unwrap();
    let first = feed.chunk().await.unwrap().unwrap();
    site.playground.act(|_| ());
    let second = feed.chunk().await.unwrap().unwrap();
    assert_ne!(first, second);
}

const AUTHORIZE: &str = "/login/oauth/authorize?client_id=Iv1&state=s&code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

#[tokio::test]
async fn somebody_says_yes_or_no_to_the_app_and_is_sent_back_to_its_own_address_only() {
    let site = site().await;
    let (status, html) = site.get(AUTHORIZE).await;
    assert_eq!(status, 200);
    for part in ["Authorize Fairway", "http://fairway.test", "maintain in acme", "a stranger", "value=\"S256\""] {
        assert!(html.contains(part), "{part} is missing in {html}");
    }
    let form = "client_id=Iv1&redirect_uri=http://fairway.test/login/callback&state=s&login=bob&act=";
    let (status, to) = site.post("alice", "/login/oauth/authorize", &format!("{form}authorize")).await;
    assert_eq!(status, 303);
    assert!(to.starts_with("http://fairway.test/login/callback?code=") && to.ends_with("&state=s"), "{to}");
    let login = site.playground.look(|world| world.logins.grants.values().map(|grant| grant.login.clone()).next());
    assert_eq!(login.as_deref(), Some("bob"), "whoever was chosen on the page");
    let (_, to) = site.post("alice", "/login/oauth/authorize", &format!("{form}cancel")).await;
    assert!(to.contains("error=access%5Fdenied") && to.contains("state=s"), "{to}");

    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let elsewhere = format!("{}{AUTHORIZE}&redirect_uri=http://evil.test/", site.url);
    let answer = client.get(elsewhere).send().await.unwrap();
    let to = answer.headers()["location"].to_str().unwrap();
    assert!(to.starts_with("http://fairway.test/login/callback?error=redirect%5Furi%5Fmismatch"), "{to}");
    assert_eq!(site.get(&AUTHORIZE.replace("Iv1", "Iv2")).await.0, 404, "no such App");
    assert_eq!(site.get(&AUTHORIZE.replace("S256", "plain")).await.0, 400);
    site.playground.act(|world| world.app.callback_urls.clear());
    assert_eq!(site.get(AUTHORIZE).await.0, 422, "an App without an address");
}
