//! What people type and see, as chats: the real router, store, workers and octocrab against the playground.

#[path = "common/fairway.rs"]
mod fairway_world;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fairway::domain::project::Pipeline;
use fairway::engine::scripted::Scripted;
use fairway::engine::{Engine, Outcome, RunEvent, RunSpec};
use fairway::playground::PullDesk;
use fairway::playground::faults::Trouble;
use fairway_world::World;
use futures_util::future::BoxFuture;
use insta::assert_snapshot;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const TWO: &str = r#"
[pipeline.test]
run = ["ok", "ok"]
[pipeline.image]
needs = ["test"]
run = ["ok"]
"#;

/// A repository with this `fairway.toml`, and bob's pull request in it.
async fn world(file: &str) -> (World, PullDesk) {
    let files = [("fairway.toml", file), ("src/lib.rs", "pub fn one() -> i32 { 1 }\n")];
    let world = World::start(Arc::new(Scripted::default()), &files).await;
    let shop = world.hub.repo("acme/shop");
    shop.push("bob", "change", "Make it two", &[("src/lib.rs", Some("pub fn one() -> i32 { 2 }\n"))]);
    let pull = shop.open_pull("bob", "change", "Make it two");
    world.settle().await;
    (world, pull)
}

/// What stands there after somebody typed this line.
async fn said(world: &World, pull: &PullDesk, (who, line): (&str, &str)) -> String {
    pull.comment(who, line);
    world.settle().await;
    pull.timeline()
}

/// One line a check of the head: name, conclusion, title.
fn checks(pull: &PullDesk) -> String {
    let line = |c: &fairway::playground::world::CheckRun| {
        format!("{}: {} ({})", c.name, c.conclusion.as_deref().unwrap_or(&c.status), c.title.as_deref().unwrap_or(""))
    };
    pull.checks().iter().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn green_is_a_check_run_and_nothing_else() {
    let (world, pull) = world(TWO).await;
    assert_snapshot!(pull.timeline(), @r###"
    #1 Make it two [open]
    * bob opened
    [fairway / image] success: Passed in 1.0 s
    [fairway / test] success: Passed in 2.0 s
    "###);
    world.finish().await;
}

#[tokio::test]
async fn a_stranger_is_refused_in_words() {
    let (world, pull) = world(TWO).await;
    assert_snapshot!(said(&world, &pull, ("mallory", "/retry")).await, @r###"
    #1 Make it two [open]
    * bob opened
    mallory: /retry
        :eyes: fairway[bot]
        :confused: fairway[bot]
    fairway[bot]: > `/retry` (mallory)

        Not done: `/retry` needs write permission in this repository and mallory has read. Ask somebody who has it to type `/retry`; `/help` lists what you may do.
        <!-- fairway:reply 1023 -->
    [fairway / image] success: Passed in 1.0 s
    [fairway / test] success: Passed in 2.0 s
    "###);
    world.finish().await;
}

#[tokio::test]
async fn a_slip_of_the_finger_gets_a_suggestion() {
    let (world, pull) = world(TWO).await;
    assert_snapshot!(said(&world, &pull, ("bob", "/staus")).await, @r###"
    #1 Make it two [open]
    * bob opened
    bob: /staus
        :eyes: fairway[bot]
        :confused: fairway[bot]
    fairway[bot]: > `/staus` (bob)

        Nothing was done: there is no `/staus`. Did you mean `/status`? Type it as the first line of a new comment.
        <!-- fairway:reply 1023 -->
    [fairway / image] success: Passed in 1.0 s
    [fairway / test] success: Passed in 2.0 s
    "###);
    world.finish().await;
}

#[tokio::test]
async fn another_bots_command_gets_neither_eyes_nor_an_answer() {
    let (world, pull) = world(TWO).await;
    assert_snapshot!(said(&world, &pull, ("bob", "/xyzzy")).await, @r###"
    #1 Make it two [open]
    * bob opened
    bob: /xyzzy
    [fairway / image] success: Passed in 1.0 s
    [fairway / test] success: Passed in 2.0 s
    "###);
    world.finish().await;
}

#[tokio::test]
async fn a_refusal_is_folded_away_once_the_next_try_succeeds() {
    let (world, pull) = world(TWO).await;
    said(&world, &pull, ("bob", "/staus")).await;
    said(&world, &pull, ("mallory", "/retry")).await;
    assert_snapshot!(said(&world, &pull, ("bob", "/status")).await, @r###"
    #1 Make it two [open]
    * bob opened
    bob: /staus
        :eyes: fairway[bot]
        :confused: fairway[bot]
    fairway[bot]: (This comment was marked as resolved.)
    mallory: /retry
        :eyes: fairway[bot]
        :confused: fairway[bot]
    fairway[bot]: > `/retry` (mallory)

        Not done: `/retry` needs write permission in this repository and mallory has read. Ask somebody who has it to type `/retry`; `/help` lists what you may do.
        <!-- fairway:reply 1029 -->
    bob: /status
        :eyes: fairway[bot]
        :rocket: fairway[bot]
    fairway[bot]: **Both checks passed at `8c1ace8`.**

        | Check | Result |
        |---|---|
        | `test` | passed |
        | `image` | passed |

        Last command: `/status` by bob

        Both checks passed at `8c1ace8`.

        <!-- fairway:status v1 1006/1 -->
    [fairway / image] success: Passed in 1.0 s
    [fairway / test] success: Passed in 2.0 s
    "###);
    world.finish().await;
}

#[tokio::test]
async fn a_reply_that_may_not_be_folded_stays_and_holds_nothing_up() {
    let (world, pull) = world(TWO).await;
    said(&world, &pull, ("bob", "/staus")).await;
    world.hub.act(|hub| {
        hub.switches.next(1, "POST", "/graphql", Trouble::Forbidden);
    });
    let timeline = said(&world, &pull, ("bob", "/status")).await;
    assert!(timeline.contains("> `/staus` (bob)"), "{timeline}");
    world.finish().await;
}

#[tokio::test]
async fn folding_outlives_a_gateway_and_a_comment_that_is_gone() {
    let (world, pull) = world(TWO).await;
    said(&world, &pull, ("bob", "/staus")).await;
    world.hub.act(|hub| {
        hub.switches.next(1, "POST", "/graphql", Trouble::BadGatewayBefore);
        hub.switches.next(1, "POST", "/graphql", Trouble::BadGatewayAfter);
    });
    said(&world, &pull, ("bob", "/status")).await;
    world.pass(Duration::from_secs(60)).await;
    assert!(pull.timeline().contains("(This comment was marked as resolved.)"), "{}", pull.timeline());
    said(&world, &pull, ("bob", "/statu")).await;
    world.hub.act(|hub| {
        let repo = hub.repo("acme/shop").map(|r| r.id).unwrap_or_default();
        let newest = hub.repos[&repo].comments.keys().max().copied().unwrap_or_default();
        hub.delete_comment(repo, newest, "alice").expect("the reply is there");
    });
    said(&world, &pull, ("bob", "/status")).await;
    world.finish().await;
}

#[tokio::test]
async fn answers_stand_in_the_one_sticky_comment() {
    let (world, pull) = world(TWO).await;
    said(&world, &pull, ("bob", "/status")).await;
    assert_snapshot!(said(&world, &pull, ("mallory", "/help")).await, @r###"
    #1 Make it two [open]
    * bob opened
    bob: /status
        :eyes: fairway[bot]
        :rocket: fairway[bot]
    fairway[bot]: **Both checks passed at `8c1ace8`.**

        | Check | Result |
        |---|---|
        | `test` | passed |
        | `image` | passed |

        Last command: `/help` by mallory

        What you may do here:

        | command | does | example |
        |---|---|---|
        | `/help` | Shows what you may do here. | `/help` |
        | `/status` | Shows where this pull request stands. | `/status` |

        Type a command as the first line of a new comment. Edited comments are not read.
        People with write access to this repository can do more.


        <!-- fairway:status v1 1006/1 -->
    mallory: /help
        :eyes: fairway[bot]
        :rocket: fairway[bot]
    [fairway / image] success: Passed in 1.0 s
    [fairway / test] success: Passed in 2.0 s
    "###);
    world.finish().await;
}

#[tokio::test]
async fn retry_runs_what_failed_and_what_waited_for_it() {
    let (world, pull) = world(&TWO.replace("\"ok\", \"ok\"", "\"ok\", \"fail 3\"")).await;
    assert_snapshot!(checks(&pull), @r###"
    fairway / image: failure (Not run: test did not pass)
    fairway / test: failure (Failed: fail 3)
    "###);
    assert_snapshot!(said(&world, &pull, ("bob", "/retry")).await, @r###"
    #1 Make it two [open]
    * bob opened
    bob: /retry
        :eyes: fairway[bot]
        :rocket: fairway[bot]
    fairway[bot]: **2 of 2 checks did not pass at `e9c2964`: `test`, `image`.**

        | Check | Result |
        |---|---|
        | `test` | failed (try 2) |
        | `image` | not run (try 2) |

        Last command: `/retry` by bob

        Running `test`, `image` at `e9c2964`.

        <!-- fairway:status v1 1006/1 -->
    [fairway / image] failure: Not run: test did not pass
        (Retry failed)
    [fairway / test] failure: Failed: fail 3
        (Retry failed)
    "###);
    world.finish().await;
}

#[tokio::test]
async fn a_newer_head_supersedes_the_older_one() {
    let (world, pull) = world(TWO).await;
    let old = pull.head();
    let shop = world.hub.repo("acme/shop");
    shop.push("bob", "change", "one", &[("a", Some("1\n"))]);
    world.hub.delivered().await;
    let middle = pull.head();
    shop.push("bob", "change", "two", &[("a", Some("2\n"))]);
    world.settle().await;
    assert_ne!(old, middle);
    assert_snapshot!(checks(&pull), @r###"
    fairway / image: success (Passed in 1.0 s)
    fairway / test: success (Passed in 2.0 s)
    "###);
    world.finish().await;
}

#[tokio::test]
async fn a_fork_waits_for_a_word_and_gets_no_more_than_that_commit() {
    let (world, _) = world(TWO).await;
    let fork = world.hub.repo("acme/shop").fork("mallory");
    fork.push("mallory", "theirs", "Trust me", &[("x", Some("x\n"))]);
    let pull = world.hub.repo("acme/shop").open_pull("mallory", "mallory:theirs", "Trust me");
    world.settle().await;
    assert_snapshot!(checks(&pull), @r###"
    fairway / image: action_required (Waiting for approval)
    fairway / test: action_required (Waiting for approval)
    "###);
    world.hand.advance(Duration::from_secs(2));
    said(&world, &pull, ("mallory", "/run")).await;
    assert!(checks(&pull).contains("action_required"), "a stranger cannot allow their own code: {}", checks(&pull));
    said(&world, &pull, ("bob", "/run")).await;
    assert_snapshot!(checks(&pull), @r###"
    fairway / image: success (Passed in 1.0 s)
    fairway / test: success (Passed in 2.0 s)
    "###);
    fork.push("mallory", "theirs", "And now this", &[("x", Some("y\n"))]);
    world.settle().await;
    assert!(checks(&pull).contains("action_required"), "a push ends the permission: {}", checks(&pull));
    world.finish().await;
}

#[tokio::test]
async fn a_broken_file_fails_on_its_line_and_a_missing_one_says_what_to_do() {
    let (world, pull) = world("[pipeline.test]\nrun = [\"ok\"]\ntimeoot = \"5m\"\n").await;
    assert_snapshot!(checks(&pull), @"fairway / fairway.toml: failure (fairway.toml has 1 problem)");
    let check = pull.checks().remove(0);
    let marks: Vec<String> =
        check.annotations.iter().map(|a| format!("{}:{} {}", a.path, a.start_line, a.message)).collect();
    assert_snapshot!(marks.join("\n"), @"fairway.toml:3 Unknown key `timeoot` in `pipeline.test`. Did you mean `timeout`?");
    world.hub.repo("acme/shop").push("bob", "change", "None", &[("fairway.toml", None)]);
    world.settle().await;
    assert_snapshot!(checks(&pull), @"fairway / fairway.toml: neutral (No fairway.toml)");
    world.finish().await;
}

#[tokio::test]
async fn buttons_are_obeyed_from_those_who_may() {
    let (world, pull) = world(&TWO.replace("\"ok\", \"ok\"", "\"fail 1\"")).await;
    let shop = world.hub.repo("acme/shop");
    let test = pull.checks().into_iter().find(|c| c.name == "fairway / test").expect("the check");
    shop.rerequest(test.id, "mallory");
    world.settle().await;
    assert_eq!(shop.checks(&pull.head()).len(), 2, "a stranger's button does nothing");
    shop.rerequest(test.id, "bob");
    world.settle().await;
    assert_eq!(shop.checks(&pull.head()).len(), 4, "the run and what waits for it are new check runs");
    let newest = pull.checks().into_iter().find(|c| c.name == "fairway / test").expect("the check");
    shop.press(newest.id, "retry-failed", "alice");
    world.settle().await;
    assert_eq!(shop.checks(&pull.head()).len(), 6);
    shop.rerequest_suite(&pull.head(), "bob");
    world.settle().await;
    assert_eq!(shop.checks(&pull.head()).len(), 8);
    world.finish().await;
}

#[tokio::test]
async fn the_merge_queue_gets_the_same_names_and_main_is_checked_after_the_merge() {
    let (world, pull) = world(TWO).await;
    let group = pull.enqueue("alice");
    world.settle().await;
    let shop = world.hub.repo("acme/shop");
    let names: Vec<String> =
        shop.checks(&group).into_iter().map(|c| format!("{} {:?}", c.name, c.conclusion)).collect();
    assert_snapshot!(names.join("\n"), @r###"
    fairway / test Some("success")
    fairway / image Some("success")
    "###);
    pull.end_group("alice", "merged");
    world.settle().await;
    let main = shop.head("main").expect("main is there");
    assert!(shop.checks(&main).iter().all(|c| c.conclusion.as_deref() == Some("success")));
    world.finish().await;
}

#[tokio::test]
async fn a_day_of_silence_heals_itself() {
    let (world, pull) = world(TWO).await;
    let shop = world.hub.repo("acme/shop");
    world.hub.act(|hub| hub.switches.drop = 100);
    shop.push("bob", "change", "Unheard", &[("a", Some("1\n"))]);
    let asked = pull.comment("alice", "/status");
    world.settle().await;
    world.hub.act(|hub| hub.switches.drop = 0);
    assert_eq!(shop.checks(&pull.head()).len(), 0, "nobody told us");
    fairway::worker::ensure_timers(&world.ctx).await.expect("the store answers");
    world.pass(Duration::from_secs(60)).await;
    assert_snapshot!(checks(&pull), @r###"
    fairway / image: success (Passed in 1.0 s)
    fairway / test: success (Passed in 2.0 s)
    "###);
    let reactions = world.hub.look(|hub| hub.repo("acme/shop").map(|r| r.comments[&asked].reactions.len()));
    assert_eq!(reactions, Some(2), "eyes and rocket");
    world.finish().await;
}

#[tokio::test]
async fn a_command_that_nobody_heard_for_long_is_not_executed() {
    let (world, pull) = world(TWO).await;
    world.hub.silently(|hub| {
        let repo = hub.repo("acme/shop").map(|r| r.id).unwrap_or_default();
        hub.comment(repo, pull.number(), "bob", "/cancel").map(drop).unwrap_or_default();
    });
    world.hand.advance(Duration::from_secs(20 * 60));
    fairway::worker::ensure_timers(&world.ctx).await.expect("the store answers");
    world.pass(Duration::from_secs(60)).await;
    assert!(pull.timeline().contains("Not executed"), "{}", pull.timeline());
    world.finish().await;
}

#[tokio::test]
async fn a_pipeline_without_steps_has_not_passed() {
    let (world, pull) = world("[pipeline.build]\ndagger = \"build --source=.\"\n").await;
    assert_snapshot!(checks(&pull), @"fairway / build: success (Passed in 1.0 s)");
    world.finish().await;
}

#[tokio::test]
async fn equal_files_that_passed_pass_without_a_run() {
    let (world, pull) = world(TWO).await;
    let shop = world.hub.repo("acme/shop");
    let first = pull.head();
    shop.push("bob", "change", "The same, said better", &[]);
    world.settle().await;
    let already = format!("Passed already in {}", &first[..7]);
    let expected = format!("fairway / image: success ({already})\nfairway / test: success ({already})");
    assert_eq!(checks(&pull), expected);
    let runs = world.ctx.store.recent_runs(100).await.expect("the store answers");
    let ran = runs.iter().filter(|run| run.started_at.is_some()).count();
    assert_eq!((ran, runs.len()), (2, 4), "of two commits' runs those of one ran");
    said(&world, &pull, ("bob", "/retry test")).await;
    assert!(checks(&pull).contains("fairway / test: success (Passed in 2.0 s)"), "{}", checks(&pull));
    // A third commit with those files leans on a run that really ran.
    shop.push("bob", "change", "Once more", &[]);
    world.settle().await;
    let newest = world.ctx.store.recent_runs(1).await.expect("the store answers").remove(0);
    let body: fairway::domain::record::Body =
        serde_json::from_str(newest.result.as_deref().expect("a result")).expect("its JSON");
    let old = world.ctx.store.run(body.reused.expect("reused").run).await.expect("the store answers").expect("kept");
    assert!(old.started_at.is_some());
    // Back to where it came from: the commit's own runs are over, and stand.
    pull.close("bob");
    world.settle().await;
    pull.reopen("bob");
    world.settle().await;
    assert!(checks(&pull).contains("fairway / test: success (Passed already in "), "{}", checks(&pull));
    world.finish().await;
}

#[tokio::test]
async fn nothing_is_reused_that_failed_or_had_other_secrets_or_another_trust() {
    const FILE: &str = "[pipeline.flaky]\nrun = [\"fail 3\"]\n[pipeline.safe]\nsecrets = [\"TOKEN\"]\nrun = [\"ok\"]\n";
    let (world, pull) = world(FILE).await;
    let shop = world.hub.repo("acme/shop");
    let place = fairway::store::seal::Place { name: "TOKEN", repo: "acme/shop", env: None, trust: "pr" };
    let sealed = world.ctx.seal.seal(&place, &fairway::settings::Secret::new("hunter2")).expect("sealed");
    let secret = fairway::store::NewSecret {
        name: "TOKEN".to_owned(),
        repo: "acme/shop".to_owned(),
        env: None,
        trust: "pr".to_owned(),
        sealed,
        created_by: "alice".to_owned(),
        now: world.ctx.clock.now(),
    };
    world.ctx.store.put_secret(&secret).await.expect("stored");
    shop.push("bob", "change", "The same files", &[]);
    world.settle().await;
    let again = "fairway / flaky: failure (Failed: fail 3)\nfairway / safe: success (Passed in 1.0 s)";
    assert_eq!(checks(&pull), again, "the secret has a value now, and a failure is never reused");
    shop.push("bob", "change", "And once more", &[]);
    world.settle().await;
    assert!(checks(&pull).contains("fairway / safe: success (Passed already in "), "{}", checks(&pull));
    pull.merge("alice");
    world.settle().await;
    let main = shop.head("main").expect("main is there");
    let trusted = shop.checks(&main).into_iter().find(|c| c.name == "fairway / safe").and_then(|c| c.title);
    assert_eq!(trusted.as_deref(), Some("Passed in 1.0 s"), "what a pull request proved is not what main trusts");
    world.finish().await;
}

/// A repository that only has a Dagger module, and bob's pull request in it.
async fn module_world(files: &[(&str, &str)]) -> (World, PullDesk) {
    let world = World::start(Arc::new(Scripted::default()), files).await;
    let shop = world.hub.repo("acme/shop");
    shop.push("bob", "change", "Make it two", &[("a.txt", Some("two\n"))]);
    let pull = shop.open_pull("bob", "change", "Make it two");
    world.settle().await;
    (world, pull)
}

#[tokio::test]
async fn a_repository_with_a_dagger_module_gets_a_check_run_for_each_of_its_checks() {
    let (world, pull) = module_world(&[("dagger.json", "{}"), ("a.txt", "one\n")]).await;
    assert_snapshot!(checks(&pull), @r"
    fairway / module: success (Found 2 checks)
    fairway / module/bad: failure (Failed: check bad)
    fairway / module/good: success (Passed in 1.0 s)
    ");
    assert_snapshot!(said(&world, &pull, ("bob", "/retry")).await, @r###"
    #1 Make it two [open]
    * bob opened
    bob: /retry
        :eyes: fairway[bot]
        :rocket: fairway[bot]
    fairway[bot]: **1 of 3 checks did not pass at `e16c828`: `module/bad`.**

        | Check | Result |
        |---|---|
        | `module` | passed |
        | `module/good` | passed |
        | `module/bad` | failed (try 2) |

        Last command: `/retry` by bob

        Running `module/bad` at `e16c828`.

        <!-- fairway:status v1 1006/1 -->
    [fairway / module] success: Found 2 checks
    [fairway / module/bad] failure: Failed: check bad
        (Retry failed)
    [fairway / module/good] success: Passed in 1.0 s
    "###);
    world.finish().await;
}

#[tokio::test]
async fn what_needs_a_module_waits_for_all_that_it_found() {
    let file = "[pipeline.ci]\ndagger = \"check\"\n[pipeline.image]\nneeds = [\"ci\"]\nrun = [\"ok\"]\n";
    let (world, pull) = module_world(&[("fairway.toml", file), ("a.txt", "one\n")]).await;
    assert_snapshot!(checks(&pull), @r"
    fairway / ci: success (Found 2 checks)
    fairway / ci/bad: failure (Failed: check bad)
    fairway / ci/good: success (Passed in 1.0 s)
    fairway / image: failure (Not run: ci/bad did not pass)
    ");
    assert_snapshot!(said(&world, &pull, ("bob", "/retry ci/bad")).await, @r###"
    #1 Make it two [open]
    * bob opened
    bob: /retry ci/bad
        :eyes: fairway[bot]
        :rocket: fairway[bot]
    fairway[bot]: **2 of 4 checks did not pass at `e7c0f0f`: `image`, `ci/bad`.**

        | Check | Result |
        |---|---|
        | `ci` | passed |
        | `image` | not run (try 2) |
        | `ci/good` | passed |
        | `ci/bad` | failed (try 2) |

        Last command: `/retry ci/bad` by bob

        Running `image`, `ci/bad` at `e7c0f0f`.

        <!-- fairway:status v1 1006/1 -->
    [fairway / ci] success: Found 2 checks
    [fairway / ci/bad] failure: Failed: check bad
        (Retry failed)
    [fairway / ci/good] success: Passed in 1.0 s
    [fairway / image] failure: Not run: ci/bad did not pass
        (Retry failed)
    "###);
    world.finish().await;
}

/// No engine answers until somebody says so.
struct Away(Scripted, AtomicBool);

impl Engine for Away {
    fn name(&self) -> &'static str {
        "away"
    }

    fn isolation(&self) -> String {
        String::new()
    }

    fn refuses_forks(&self) -> Option<String> {
        None
    }

    fn fingerprint<'a>(&'a self, _: &'a Pipeline) -> BoxFuture<'a, Option<String>> {
        Box::pin(std::future::ready(None))
    }

    fn kept(&self, _: &str) -> Option<std::path::PathBuf> {
        None
    }

    fn run(&self, spec: RunSpec, events: mpsc::Sender<RunEvent>, cancel: CancellationToken) -> BoxFuture<'_, Outcome> {
        if self.1.load(Ordering::SeqCst) {
            return self.0.run(spec, events, cancel);
        }
        Box::pin(std::future::ready(Outcome::NotNow("the engine tcp://10.0.0.1:8080 does not answer".to_owned())))
    }
}

#[tokio::test]
async fn while_no_engine_answers_a_check_waits_and_after_a_minute_says_so() {
    let engine = Arc::new(Away(Scripted::default(), AtomicBool::new(false)));
    let world = World::start(engine.clone(), &[("fairway.toml", "[pipeline.test]\nrun = [\"ok\"]\n")]).await;
    let shop = world.hub.repo("acme/shop");
    shop.push("bob", "change", "Make it two", &[("a.txt", Some("two\n"))]);
    let pull = shop.open_pull("bob", "change", "Make it two");
    world.pass(Duration::from_secs(30)).await;
    assert_snapshot!(checks(&pull), @"fairway / test: queued (Queued)");
    world.pass(Duration::from_secs(40)).await;
    assert_snapshot!(checks(&pull), @"fairway / test: queued (Waiting for an engine)");
    assert_snapshot!(pull.checks()[0].summary.clone().unwrap_or_default(), @r"No engine can run `test` now: the engine tcp\://10.0.0.1:8080 does not answer. It starts by itself as soon as one answers. Type `/cancel` to stop it.");
    engine.1.store(true, Ordering::SeqCst);
    world.pass(Duration::from_secs(5)).await;
    assert_snapshot!(checks(&pull), @"fairway / test: success (Passed in 1.0 s)");
    world.finish().await;
}

#[tokio::test]
async fn a_run_that_waits_for_an_engine_can_be_cancelled() {
    let engine = Arc::new(Away(Scripted::default(), AtomicBool::new(false)));
    let world = World::start(engine, &[("fairway.toml", "[pipeline.test]\nrun = [\"ok\"]\n")]).await;
    let shop = world.hub.repo("acme/shop");
    shop.push("bob", "change", "Make it two", &[("a.txt", Some("two\n"))]);
    let pull = shop.open_pull("bob", "change", "Make it two");
    world.pass(Duration::from_secs(90)).await;
    pull.comment("bob", "/cancel");
    world.pass(Duration::from_secs(5)).await;
    assert_snapshot!(checks(&pull), @"fairway / test: cancelled (Cancelled)");
    world.finish().await;
}
