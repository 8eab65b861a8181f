//! GitHub's own list of advisories: asked once for everybody, quietly without where it is not to be had.

use fairway::domain::update::advisory::Reach;
use fairway::playground::NewAdvisory;
use fairway::playground::faults::Trouble;
use fairway::playground::world::FaultKind;

use super::*;

/// About everything before 1.1.0.
fn about<'a>(id: &'a str, name: &'a str) -> NewAdvisory<'a> {
    NewAdvisory { id, cve: None, package: ("rust", name), range: "< 1.1.0", patched: Some("1.1.0"), functions: &[] }
}

impl Play {
    /// A shop that asks for no routine, looked at, with the timers running.
    async fn watching() -> Play {
        let play = Play::start(&[], "").await;
        fairway::worker::ensure_timers(&play.world.ctx).await.expect("the store answers");
        play.minutes(1).await;
        play
    }

    async fn minutes(&self, minutes: u64) {
        self.world.pass(Duration::from_secs(60 * minutes)).await;
    }

    fn publish(&self, new: &NewAdvisory<'_>) {
        self.world.hub.act(|hub| hub.publish_advisory(new));
    }

    /// Requests for the list so far: what was asked, and the answer's status.
    fn asked(&self) -> Vec<(String, u16)> {
        self.world.hub.look(|hub| {
            let list = hub.exchanges.iter().filter(|one| one.path.starts_with("/advisories"));
            list.map(|one| (one.path.clone(), one.status)).collect()
        })
    }

    async fn push(&self, message: &str) {
        let text = format!("{message}\n[pipeline.test]\nrun = [\"ok\"]\n");
        let text = text.replacen(message, &format!("# {message}"), 1);
        self.world.hub.repo("acme/shop").push("bob", "main", message, &[("fairway.toml", Some(&text))]);
        self.minutes(1).await;
    }

    fn open(&self, number: u64) -> bool {
        self.world.hub.look(|hub| hub.repo("acme/shop").expect("it is there").pulls[&number].open)
    }
}

#[tokio::test]
async fn what_is_published_is_fixed_in_minutes_and_one_question_serves_all_repositories() {
    let play = Play::watching().await;
    let (manifest, lock) = (manifest(), lock());
    let files =
        [("fairway.toml", "[pipeline.test]\nrun = [\"ok\"]\n"), ("Cargo.toml", &manifest), ("Cargo.lock", &lock)];
    let some: Vec<(&str, Option<&str>)> = files.iter().map(|(path, text)| (*path, Some(*text))).collect();
    play.world.hub.create("acme/store", &[("README.md", "A store.\n")]).push("alice", "main", "Begin", &some);
    play.minutes(1).await;
    assert_eq!(play.asked().len(), 1, "the second has no package that was not asked about: {:?}", play.asked());
    assert!(play.asked()[0].0.contains("affects=ant%2Cbee%2Ccat%2Cdog%2Celk%2Cshop"), "{:?}", play.asked());
    play.publish(&about("GHSA-aaaa-bbbb-cccc", "ant"));
    play.minutes(4).await;
    assert_eq!(play.shown().await, "security-high Open");
    let (title, body, _) = play.pull(1);
    assert!(body.contains("GHSA-aaaa-bbbb-cccc") && title.contains("ant"), "{title}\n{body}");
    let other = play.world.hub.look(|hub| hub.repo("acme/store").expect("it is there").pulls.len());
    assert_eq!(other, 1, "the other one has it too");
    // What did not change is not sent again.
    play.minutes(12).await;
    let asked = play.asked();
    let since = asked.iter().filter(|(path, _)| path.contains("modified=%3E%3D2026-01-04"));
    let statuses: Vec<u16> = since.map(|(_, status)| *status).collect();
    assert!(statuses.len() >= 4 && statuses.iter().filter(|status| **status == 200).count() <= 2, "{asked:?}");
    play.world.finish().await;
}

#[tokio::test]
async fn a_long_answer_comes_in_pages() {
    let play = Play::start(&[], "").await;
    for n in 0..150 {
        let id = format!("GHSA-{n:04}-aaaa-bbbb");
        play.publish(&about(&id, ["ant", "bee"][n % 2]));
    }
    // Another process knows nothing yet.
    let before = play.asked().len();
    let mut ctx = play.world.ctx.clone();
    ctx.github = another(&play);
    let mut play = play;
    play.world.ctx = ctx;
    play.push("Again").await;
    assert_eq!(play.asked().len() - before, 2, "{:?}", play.asked());
    let state = play.state().await;
    assert_eq!(state.look.exposed.len(), 150);
    play.world.finish().await;
}

/// GitHub as a process that has just begun sees it.
fn another(play: &Play) -> fairway::github::GitHub {
    let clock = play.world.ctx.clock.clone();
    fairway::github::GitHub::new(fairway::github::Config {
        api_url: play.world.hub.url(),
        app_id: play.world.hub.app_id() as i64,
        private_key: play.world.hub.private_key_pem().to_owned(),
        user_agent: "fairway-test".to_owned(),
        now: Arc::new(move || clock.now()),
        ..fairway::github::Config::default()
    })
    .expect("a GitHub client")
}

#[tokio::test]
async fn where_github_does_not_let_us_read_them_everything_else_goes_on_and_the_page_says_it() {
    let play = Play::start(&[], "[updates]\n").await;
    play.world.hub.act(|hub| hub.advisories = None);
    let mut play = play;
    play.world.ctx.github = another(&play);
    play.push("Without a list").await;
    let state = play.state().await;
    assert_eq!(state.look.sources.len(), 1, "{:?}", state.look.sources);
    assert!(state.look.sources[0].contains("this GitHub has no `GET /advisories`"), "{:?}", state.look.sources);
    assert!(!state.look.unsure, "it was never there to rely on");
    assert_eq!(state.look.exposed, []);
    let asked = play.asked().len();
    play.push("Again").await;
    assert_eq!(play.asked().len(), asked, "not asked at every look");
    // Refused in words.
    play.world.hub.act(|hub| {
        hub.advisories = Some(Vec::new());
        hub.switches.next(1, "GET", "/advisories", Trouble::Forbidden);
    });
    play.world.ctx.github = another(&play);
    play.push("Refused").await;
    let state = play.state().await;
    assert!(state.look.sources[0].contains("Resource not accessible by integration"), "{:?}", state.look.sources);
    assert!(state.trouble.is_empty() && play.world.dead().await.is_empty());
    // An hour later it is asked again, and there it is.
    play.publish(&about("GHSA-aaaa-bbbb-cccc", "ant"));
    play.minutes(61).await;
    play.push("Let in").await;
    let state = play.state().await;
    assert_eq!((state.look.sources.len(), state.look.exposed.len()), (0, 1));
    play.world.hub.forgive(FaultKind::Permission);
    play.world.finish().await;
}

#[tokio::test]
async fn while_github_gives_no_answer_nothing_is_closed_and_what_was_missed_comes_later() {
    let play = Play::watching().await;
    play.publish(&about("GHSA-aaaa-bbbb-cccc", "ant"));
    play.minutes(4).await;
    assert_eq!(play.shown().await, "security-high Open");
    play.publish(&about("GHSA-dddd-eeee-ffff", "bee"));
    let mut play = play;
    play.world.ctx.github = another(&play);
    *play.shelves.book.lock().expect("a book") = Arc::default();
    play.world.hub.act(|hub| {
        hub.switches.next(2, "GET", "/advisories", Trouble::BadGatewayBefore);
    });
    play.push("In an outage").await;
    let state = play.state().await;
    assert!(state.look.unsure && state.look.sources[0].contains("not read this time"), "{:?}", state.look);
    assert_eq!(state.look.exposed.len(), 1, "it is locked as it was");
    assert_eq!(play.shown().await, "security-high Open");
    play.minutes(10).await;
    let state = play.state().await;
    let ids: Vec<&str> = state.look.exposed.iter().map(|exposed| exposed.id.as_str()).collect();
    assert_eq!((ids, state.look.unsure), (vec!["GHSA-aaaa-bbbb-cccc", "GHSA-dddd-eeee-ffff"], false));
    assert!(play.pull(1).1.contains("GHSA-dddd-eeee-ffff"), "{}", play.pull(1).1);
    play.world.finish().await;
}

#[tokio::test]
async fn what_was_withdrawn_is_closed_with_a_word_and_a_persons_branch_is_told() {
    let play = Play::watching().await;
    play.publish(&about("GHSA-aaaa-bbbb-cccc", "ant"));
    play.minutes(4).await;
    assert!(play.open(1));
    play.world.hub.act(|hub| hub.withdraw_advisory("GHSA-aaaa-bbbb-cccc"));
    play.minutes(4).await;
    let body = play.pull(1).1;
    assert!(!play.open(1) && body.contains("GHSA-aaaa-bbbb-cccc was withdrawn by its publishers"), "{body}");
    assert_eq!(play.state().await.look.exposed, []);
    // Somebody worked on the next one.
    play.publish(&about("GHSA-dddd-eeee-ffff", "bee"));
    play.minutes(4).await;
    let branch = "fairway/update-security-high";
    play.world.hub.repo("acme/shop").push("alice", branch, "Mine", &[("README.md", Some("Mine.\n"))]);
    play.minutes(1).await;
    play.world.hub.act(|hub| hub.withdraw_advisory("GHSA-dddd-eeee-ffff"));
    play.minutes(4).await;
    let body = play.pull(2).1;
    assert!(play.open(2) && body.contains("GHSA-dddd-eeee-ffff was withdrawn by its publishers"), "{body}");
    play.world.finish().await;
}

#[tokio::test]
async fn one_without_a_fix_is_listed_and_one_that_nobody_can_read_is_named() {
    let play = Play::watching().await;
    play.publish(&NewAdvisory { range: "<= 9.9.9", patched: None, ..about("GHSA-aaaa-bbbb-cccc", "ant") });
    play.publish(&NewAdvisory { range: "before last summer", ..about("GHSA-dddd-eeee-ffff", "bee") });
    play.minutes(4).await;
    let state = play.state().await;
    assert_eq!((play.shown().await.as_str(), state.look.exposed.len()), ("", 1));
    let exposed = &state.look.exposed[0];
    assert!(exposed.id == "GHSA-aaaa-bbbb-cccc" && !exposed.stays.is_empty(), "{exposed:?}");
    let note = &state.look.notes[0];
    assert!(note.contains("GHSA-dddd-eeee-ffff") && note.contains("`before last summer` is malformed"), "{note}");
    play.world.finish().await;
}

#[tokio::test]
async fn who_went_without_is_told_by_whoever_asks_next() {
    let play = Play::start(&[], "").await;
    let (manifest, lock) = (manifest(), lock());
    let files =
        [("fairway.toml", "[pipeline.test]\nrun = [\"ok\"]\n"), ("Cargo.toml", &manifest), ("Cargo.lock", &lock)];
    let some: Vec<(&str, Option<&str>)> = files.iter().map(|(path, text)| (*path, Some(*text))).collect();
    play.world.hub.create("acme/store", &[("README.md", "A store.\n")]).push("alice", "main", "Begin", &some);
    play.publish(&about("GHSA-aaaa-bbbb-cccc", "ant"));
    let mut play = play;
    play.world.ctx.github = another(&play);
    play.world.hub.act(|hub| {
        hub.switches.next(1, "GET", "/advisories", Trouble::BadGatewayBefore);
    });
    play.minutes(1).await;
    let pulls = || play.world.hub.look(|hub| hub.repo("acme/store").expect("it is there").pulls.len());
    assert_eq!(pulls(), 0, "nobody knows");
    play.minutes(3).await;
    play.push("After the outage").await;
    assert_eq!((play.state().await.look.exposed.len(), pulls()), (1, 1), "the other one is told as well");
    play.world.finish().await;
}

#[tokio::test]
async fn whether_the_repositorys_own_code_names_what_is_vulnerable_is_said() {
    let play = Play::watching().await;
    let ant = "use ant::walk;\n\nfn main() {\n    walk::home(3);\n}\n";
    let files = [("src/main.rs", Some(ant)), ("src/wasm.bin", Some("home")), ("web/home.ts", Some("home()\n"))];
    play.world.hub.repo("acme/shop").push("alice", "main", "Walk", &files);
    let texts =
        |play: &Play| play.world.hub.look(|hub| hub.exchanges.iter().filter(|one| one.path == "/graphql").count());
    play.publish(&about("GHSA-1111-aaaa-bbbb", "cat"));
    play.minutes(4).await;
    let before = texts(&play);
    play.publish(&NewAdvisory { functions: &["ant::walk::home"], ..about("GHSA-aaaa-bbbb-cccc", "ant") });
    play.publish(&NewAdvisory { functions: &["bee::sting"], ..about("GHSA-dddd-eeee-ffff", "bee") });
    play.minutes(4).await;
    assert!(texts(&play) > before, "the code is read once an advisory names functions");
    let body = (1..=2).map(|number| play.pull(number).1).find(|body| body.contains("GHSA-aaaa")).expect("a fix");
    assert!(body.contains("**Used here**: `src/main.rs:4`."), "{body}");
    assert!(body.contains("Not used here by name: no file names `bee::sting`."), "{body}");
    let state = play.state().await;
    let of = |id: &str| state.look.exposed.iter().find(|one| one.id == id).expect("it is open").reach.clone();
    assert_eq!(of("GHSA-1111-aaaa-bbbb"), Reach::Unknown);
    assert_eq!(of("GHSA-dddd-eeee-ffff"), Reach::NotUsed);
    play.world.finish().await;
}
