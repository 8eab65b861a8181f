//! A plan's next version on its way through the repositories that follow it, as GitHub's people see it.

#[path = "common/fairway.rs"]
mod fairway_world;

use std::sync::Arc;
use std::time::Duration;

use fairway::context::Policy;
use fairway::domain::onboard::Opens;
use fairway::domain::plan::{LOCK, Lock, PlanState, Stage, Version};
use fairway::domain::speech::plan::{stage, standing};
use fairway::engine::scripted::Scripted;
use fairway_world::World;
use insta::assert_snapshot;

const PLAN: &str = "acme/plans/web@1";
const FIRST: &str = "plan = \"acme/plans/web@1\"\n\n[pipeline.test]\nrun = [\"ok\"]\n";
const MANIFEST: &str = "about = \"A site.\"\n[input.mood]\ndefault = \"ok\"\ndoc = \"What the test does.\"\n";

fn manifest(version: &str) -> String {
    format!("version = \"{version}\"\n{MANIFEST}")
}

fn changes(versions: &[&str]) -> String {
    versions.iter().map(|version| format!("## {version}\n\n- What {version} brings.\n\n")).collect()
}

/// A Fairway with a plan, and what has its first version.
async fn world(followers: &[(&str, &str)]) -> World {
    let world = World::start(Arc::new(Scripted::default()), &[("fairway.toml", "")]).await;
    let plans = world.hub.create(
        "acme/plans",
        &[
            ("README.md", "Plans.\n"),
            ("fairway.toml", ""),
            ("web/plan.toml", &manifest("1.0.0")),
            ("web/CHANGELOG.md", &changes(&["1.0.0"])),
            ("web/files/fairway.toml", FIRST),
            ("web/files/Makefile", "all:\n\ttrue\n\nclean:\n\ttrue\n"),
        ],
    );
    let commit = plans.head("main").expect("it has a commit");
    for (name, mood) in followers {
        let lock = lock(&commit, mood);
        let files = [("fairway.toml", FIRST), (LOCK, lock.as_str()), ("Makefile", "all:\n\ttrue\n\nclean:\n\ttrue\n")];
        world.hub.create(name, &files);
    }
    world.pass(Duration::from_secs(5)).await;
    world
}

fn lock(commit: &str, mood: &str) -> String {
    let inputs = [("name".to_owned(), "x".to_owned()), ("mood".to_owned(), mood.to_owned())].into();
    let version = Version { major: 1, minor: 0, patch: 0 }.into();
    Lock { plan: PLAN.into(), version, commit: commit.into(), digest: "d".into(), pinned: false, inputs }.text()
}

/// alice releases the next version: its test does what each repository's mood says.
async fn release(world: &World, version: &str, versions: &[&str]) {
    let next = FIRST.replace("\"ok\"", "\"{{ mood }}\"");
    world.hub.repo("acme/plans").push(
        "alice",
        "main",
        "Release",
        &[
            ("web/plan.toml", Some(manifest(version).as_str())),
            ("web/CHANGELOG.md", Some(changes(versions).as_str())),
            ("web/files/fairway.toml", Some(next.as_str())),
            ("web/files/Makefile", Some("all:\n\tfalse\n\nclean:\n\ttrue\n")),
        ],
    );
    world.pass(Duration::from_secs(600)).await;
}

async fn state(world: &World) -> PlanState {
    let row = world.ctx.store.aggregate(&format!("plan:{PLAN}")).await.expect("the store answers");
    serde_json::from_str(&row.expect("it is followed").state).expect("a row")
}

/// The plan in a line, then each member in one.
async fn shown(world: &World) -> String {
    let state = state(world).await;
    let mut out = format!("{}\n", standing(&state));
    let mut members = state.members.clone();
    members.sort_by_key(|member| (member.cohort, member.repo.name.clone()));
    for member in &members {
        let cohort = member.cohort.map_or_else(|| "-".to_owned(), |cohort| (cohort + 1).to_string());
        out.push_str(&format!("{cohort} {}: {}\n", member.version, stage(member)));
    }
    out
}

fn pulls(world: &World, name: &str) -> usize {
    world.hub.look(|hub| hub.repo(name).map_or(0, |repo| repo.pulls.len()))
}

fn body(world: &World, name: &str, number: u64) -> String {
    world.hub.look(|hub| hub.repo(name).expect("it is there").pulls[&number].body.clone())
}

fn file(world: &World, name: &str, rev: &str, path: &str) -> Option<String> {
    world.hub.look(|hub| {
        let git = hub.git_of(hub.repo(name)?.id).ok()?;
        let entry = git.entry(&git.resolve(rev)?, path)?;
        String::from_utf8(git.read_blob(&entry.sha).ok()?).ok()
    })
}

const TEN: [&str; 10] =
    ["acme/a", "acme/b", "acme/c", "acme/d", "acme/e", "acme/f", "acme/g", "acme/h", "acme/i", "acme/j"];

fn all(mood: &str) -> Vec<(&'static str, &str)> {
    TEN.iter().map(|name| (*name, mood)).collect()
}

#[tokio::test]
async fn a_version_goes_through_ten_repositories_in_cohorts_of_one_two_and_seven() {
    let world = world(&all("ok")).await;
    assert_eq!(shown(&world).await.lines().next(), Some("1.0.0: everybody has it"));
    world.hub.repo("acme/a").push("bob", "main", "Clean up", &[("Makefile", Some("all:\n\ttrue\n\nclean:\n\trm x\n"))]);
    release(&world, "1.1.0", &["1.1.0", "1.0.0"]).await;
    assert_snapshot!(shown(&world).await, @"
    1.1.0: 10 of 10 tried
    1 1.0.0: green, to be merged
    2 1.0.0: green, to be merged
    2 1.0.0: green, to be merged
    3 1.0.0: green, to be merged
    3 1.0.0: green, to be merged
    3 1.0.0: green, to be merged
    3 1.0.0: green, to be merged
    3 1.0.0: green, to be merged
    3 1.0.0: green, to be merged
    3 1.0.0: green, to be merged
    ");
    assert_eq!(TEN.iter().map(|name| pulls(&world, name)).sum::<usize>(), 10);
    let pull = world.hub.repo("acme/a").pull(1);
    assert_snapshot!(body(&world, "acme/a", 1), @"
    This repository follows the plan `acme/plans/web@1`, which has a new version.

    ### 1.1.0

    - What 1.1.0 brings.

    ### What changes here

    - `Makefile`

    What somebody here changed since stays: it was merged with what the plan changed.

    ### What the checks did on this branch

    | Check | Result |
    |---|---|
    | `fairway / test` | Passed in 1.0 s |

    ### What happens next

    - **Merge** when the checks are green. Push to this branch as you like.
    - **Close**: this version is left out.
    - `/plan pin` in a comment: this repository stays where it is. `/plan retry`: made and tried anew.
    ");
    assert_snapshot!(pull.timeline(), @"
    #1 Move from 1.0.0 to 1.1.0 of acme/plans/web [open]
    * fairway[bot] opened
    [fairway / test] success: Passed in 1.0 s
    ");
    let merged = pull.merge("alice");
    world.pass(Duration::from_secs(60)).await;
    let text = |path: &str| file(&world, "acme/a", &merged, path);
    assert_eq!(text("Makefile").as_deref(), Some("all:\n\tfalse\n\nclean:\n\trm x\n"), "both changes are there");
    let lock = Lock::parse(&text(LOCK).expect("a lock")).expect("it can be read");
    assert_eq!(lock.version.0, Version { major: 1, minor: 1, patch: 0 });
    assert_eq!(Some(lock.commit), world.hub.repo("acme/plans").head("main"));
    let state = state(&world).await;
    let a = state.members.iter().find(|member| member.repo.name == "a").expect("it is there");
    assert_eq!((a.stage, a.version), (Stage::Merged, lock.version.0));
    assert!(body(&world, "acme/a", 1).starts_with("**Merged.**"));
    world.finish().await;
}

#[tokio::test]
async fn a_cohort_that_fails_is_the_last_until_somebody_mends_it() {
    let world = world(&all("fail 1")).await;
    release(&world, "1.1.0", &["1.1.0", "1.0.0"]).await;
    assert_snapshot!(shown(&world).await, @"
    1.1.0: stopped: 1 of 1 failed in cohort 1, more than 10 %
    1 1.0.0: its checks failed
    2 1.0.0: waits for cohort 2
    2 1.0.0: waits for cohort 2
    3 1.0.0: waits for cohort 3
    3 1.0.0: waits for cohort 3
    3 1.0.0: waits for cohort 3
    3 1.0.0: waits for cohort 3
    3 1.0.0: waits for cohort 3
    3 1.0.0: waits for cohort 3
    3 1.0.0: waits for cohort 3
    ");
    assert_eq!(TEN.iter().map(|name| pulls(&world, name)).sum::<usize>(), 1, "nobody else was bothered");
    let state = state(&world).await;
    let first = state.members.iter().find(|member| member.stage == Stage::Failed).expect("one failed");
    let name = first.repo.full_name();
    let repo = world.hub.repo(&name);
    // Whoever has no write permission changes nothing.
    repo.pull(1).comment("mallory", "/plan retry");
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(pulls(&world, &name), 1);
    let before = Lock::parse(&file(&world, &name, "main", LOCK).expect("a lock")).expect("it can be read");
    repo.push("bob", "main", "A better mood", &[(LOCK, Some(lock(&before.commit, "ok").as_str()))]);
    repo.pull(1).comment("bob", "/plan retry");
    world.pass(Duration::from_secs(600)).await;
    assert_snapshot!(repo.pull(1).timeline(), @"
    #1 Move from 1.0.0 to 1.1.0 of acme/plans/web [closed]
    * fairway[bot] opened
    mallory: /plan retry
        :eyes: fairway[bot]
        :confused: fairway[bot]
    fairway[bot]: > `/plan retry` (mallory)

        Not done: `/plan` needs write permission in this repository and mallory has read. Ask somebody who has it to type `/plan`; `/help` lists what you may do.
        <!-- fairway:reply 1119 -->
    bob: /plan retry
        :eyes: fairway[bot]
        :rocket: fairway[bot]
    fairway[bot]: **1 of 1 checks did not pass at `1febcc5`: `test`.**

        | Check | Result |
        |---|---|
        | `test` | failed |

        Last command: `/plan retry` by bob

        The newest version of `acme/plans/web@1` is tried here again.

        <!-- fairway:status v1 1051/1 -->
    * fairway[bot] closed
    [fairway / test] failure: Failed: fail 1
        (Retry failed)
    ");
    assert_snapshot!(repo.pull(2).timeline(), @"
    #2 Move from 1.0.0 to 1.1.0 of acme/plans/web [open]
    * fairway[bot] opened
    [fairway / test] success: Passed in 1.0 s
    ");
    assert_snapshot!(shown(&world).await, @"
    1.1.0: stopped: 1 of 2 failed in cohort 2, more than 10 %
    1 1.0.0: green, to be merged
    2 1.0.0: its checks failed
    2 1.0.0: its checks failed
    3 1.0.0: waits for cohort 3
    3 1.0.0: waits for cohort 3
    3 1.0.0: waits for cohort 3
    3 1.0.0: waits for cohort 3
    3 1.0.0: waits for cohort 3
    3 1.0.0: waits for cohort 3
    3 1.0.0: waits for cohort 3
    ");
    world.finish().await;
}

#[tokio::test]
async fn a_pinned_repository_is_asked_no_more_until_it_says_retry() {
    let world = world(&[("acme/a", "ok")]).await;
    release(&world, "1.1.0", &["1.1.0", "1.0.0"]).await;
    let repo = world.hub.repo("acme/a");
    repo.pull(1).comment("bob", "/plan pin");
    world.pass(Duration::from_secs(60)).await;
    release(&world, "1.2.0", &["1.2.0", "1.1.0", "1.0.0"]).await;
    assert_eq!(pulls(&world, "acme/a"), 1);
    assert_snapshot!(shown(&world).await, @"
    1.2.0: everybody has it
    - 1.0.0: pinned
    ");
    assert_snapshot!(repo.pull(1).timeline(), @"
    #1 Move from 1.0.0 to 1.1.0 of acme/plans/web [closed]
    * fairway[bot] opened
    bob: /plan pin
        :eyes: fairway[bot]
        :rocket: fairway[bot]
    fairway[bot]: **The check passed at `4bd4510`.**

        | Check | Result |
        |---|---|
        | `test` | passed |

        Last command: `/plan pin` by bob

        This repository stays at its version of `acme/plans/web@1`. `/plan retry` takes that back.

        <!-- fairway:status v1 1016/1 -->
    * fairway[bot] closed
    [fairway / test] success: Passed in 1.0 s
    ");
    repo.pull(1).comment("bob", "/plan retry");
    world.pass(Duration::from_secs(60)).await;
    assert_snapshot!(repo.pull(2).timeline(), @"
    #2 Move from 1.0.0 to 1.2.0 of acme/plans/web [open]
    * fairway[bot] opened
    [fairway / test] success: Passed in 1.0 s
    ");
    repo.pull(2).close("bob");
    world.pass(Duration::from_secs(60)).await;
    assert_snapshot!(shown(&world).await, @"
    1.2.0: 1 of 1 tried
    3 1.0.0: closed: not wanted
    ");
    assert!(body(&world, "acme/a", 2).starts_with("**Closed"), "{}", body(&world, "acme/a", 2));
    world.finish().await;
}

#[tokio::test]
async fn a_newer_version_takes_the_place_of_one_that_is_still_open() {
    let world = world(&[("acme/a", "ok")]).await;
    release(&world, "1.1.0", &["1.1.0", "1.0.0"]).await;
    release(&world, "1.2.0", &["1.2.0", "1.1.0", "1.0.0"]).await;
    let open: Vec<(u64, String, bool)> = world.hub.look(|hub| {
        let repo = hub.repo("acme/a").expect("it is there");
        repo.pulls.values().map(|pull| (pull.number, pull.title.clone(), pull.closed_at.is_none())).collect()
    });
    assert_eq!(
        open,
        [
            (1, "Move from 1.0.0 to 1.1.0 of acme/plans/web".to_owned(), false),
            (2, "Move from 1.0.0 to 1.2.0 of acme/plans/web".to_owned(), true)
        ]
    );
    assert!(body(&world, "acme/a", 2).contains("What 1.1.0 brings."), "the versions between are told too");
    world.finish().await;
}

#[tokio::test]
async fn a_plan_that_is_wrong_or_gone_changes_nothing_and_says_why() {
    let world = world(&[("acme/a", "ok"), ("acme/b", "ok")]).await;
    let plans = world.hub.repo("acme/plans");
    let push = |path: &'static str, text: &'static str| {
        plans.push("alice", "main", "Change", &[(path, Some(text))]);
    };
    push("web/plan.toml", "version = \"1.1.0\"\nabot = 1\n");
    world.pass(Duration::from_secs(60)).await;
    assert_snapshot!(state(&world).await.trouble, @"plan.toml:1: `about` is missing.; plan.toml:2: Unknown key `abot` at the top level. Did you mean `about`?");
    assert_eq!(pulls(&world, "acme/a"), 0);
    // What one was rendered from is gone, as after a forced push; the other goes on.
    let gone = lock(&"0123456789".repeat(4), "ok");
    world.hub.repo("acme/a").push("bob", "main", "Lock", &[(LOCK, Some(gone.as_str()))]);
    release(&world, "1.1.0", &["1.1.0", "1.0.0"]).await;
    assert_eq!(state(&world).await.trouble, "");
    assert_snapshot!(shown(&world).await, @"
    1.1.0: stopped: 1 of 1 failed in cohort 1, more than 10 %
    1 1.0.0: acme/plans/web has no commit 0123456 any more, which this repository was rendered from, so nothing can be merged; put its commit into fairway.lock again or pin it
    3 1.0.0: waits for cohort 3
    ");
    // A plan that nobody can read.
    let elsewhere = lock("x", "ok").replace("acme/plans/web@1", "acme/nothing/web@1");
    world.hub.repo("acme/a").push("bob", "main", "Elsewhere", &[(LOCK, Some(elsewhere.as_str()))]);
    world.pass(Duration::from_secs(60)).await;
    let row = world.ctx.store.aggregate("plan:acme/nothing/web@1").await.expect("the store answers");
    let other: PlanState = serde_json::from_str(&row.expect("it is followed").state).expect("a row");
    assert_snapshot!(other.trouble, @"acme/nothing/web is not there, or the App cannot read it");
    assert_eq!(state(&world).await.members.len(), 1, "it left the first one");
    world.finish().await;
}

#[tokio::test]
async fn a_repository_that_has_nothing_yet_begins_from_a_plan_by_a_comment() {
    let mut world = World::start(Arc::new(Scripted::default()), &[("fairway.toml", "")]).await;
    world.ctx.policy = Arc::new(Policy { onboarding: Opens::All, ..(*world.ctx.policy).clone() });
    let repo = world.hub.create("acme/fresh", &[("README.md", "# fresh\n")]);
    world.pass(Duration::from_secs(5)).await;
    let first = repo.pull(1);
    assert!(body(&world, "acme/fresh", 1).contains("/new rust-service"), "{}", body(&world, "acme/fresh", 1));
    first.comment("bob", "/new rust-servis");
    first.comment("bob", "/new rust-service port=1");
    first.comment("bob", "/new rust-service port=9000");
    world.pass(Duration::from_secs(60)).await;
    assert_snapshot!(first.timeline(), @"
    #1 Add fairway.toml [closed]
    * fairway[bot] opened
    bob: /new rust-servis
        :eyes: fairway[bot]
        :confused: fairway[bot]
    bob: /new rust-service port=1
        :eyes: fairway[bot]
        :confused: fairway[bot]
    bob: /new rust-service port=9000
        :eyes: fairway[bot]
        :rocket: fairway[bot]
    fairway[bot]: (This comment was marked as resolved.)
    fairway[bot]: (This comment was marked as resolved.)
    fairway[bot]: **Nothing ran at `1005ab9`: see the check `fairway / fairway.toml`.**

        | Check | Result |
        |---|---|
        | `fairway.toml` | nothing to run |

        Last command: `/new rust-service port=9000` by bob

        A pull request with the files of `rust-service` follows. What is here already stays as it is.

        <!-- fairway:status v1 1011/1 -->
    * fairway[bot] closed
    [fairway / fairway.toml] neutral: No pipeline for pull requests
    ");
    assert_snapshot!(body(&world, "acme/fresh", 2).split("### What happens next").next().unwrap_or_default(), @"
    This adds `.gitignore`, `Cargo.lock`, `Cargo.toml`, `fairway.toml`, `src/main.rs`, `fairway.lock`.

    ### From a plan

    This repository begins from `rust-service`; `fairway.lock` says so, and brings its next versions.

    Here already, and left as it is: `README.md`.

    ### Checks

    | Check | Commands |
    |---|---|
    | `fairway / lint` | `cargo fmt --check`<br>`cargo clippy --locked --all-targets -- -D warnings` |
    | `fairway / test` | `cargo test --locked` |
    | `fairway / image` | `cargo build --release --locked --target-dir target`<br>`install -D target/release/fresh dist/fresh` |

    ### What they did on this branch

    | Check | Result |
    |---|---|
    | `fairway / lint` | Passed in 2.0 s |
    | `fairway / test` | Passed in 1.0 s |
    | `fairway / image` | Passed in 2.0 s |
    ");
    let merged = repo.pull(2).merge("alice");
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(file(&world, "acme/fresh", &merged, "README.md").as_deref(), Some("# fresh\n"));
    let row = world.ctx.store.aggregate("plan:rust-service@1").await.expect("the store answers");
    let plan: PlanState = serde_json::from_str(&row.expect("it is followed").state).expect("a row");
    assert_eq!(standing(&plan), "1.0.0: everybody has it");
    world.finish().await;
}
