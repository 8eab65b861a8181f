//! Deploys and rollouts as chats: the real router, store, workers and octocrab against the playground, with a target
//! that does what it is told and whose traffic is set by hand.

#[path = "common/fairway.rs"]
mod fairway_world;
#[path = "rollout/mishaps.rs"]
mod mishaps;
#[path = "rollout/policy.rs"]
mod policy;
#[path = "rollout/slow.rs"]
mod slow;

use std::sync::Arc;
use std::time::Duration;

use fairway::domain::rollout::{Counts, Health};
use fairway::engine::Engine as _;
use fairway::engine::scripted::Scripted;
use fairway::host::Slot;
use fairway::playground::PullDesk;
use fairway::playground::world::Role;
use fairway_world::World;
use insta::assert_snapshot;

const FILE: &str = r#"
[pipeline.test]
run = ["ok"]
[pipeline.image]
needs = ["test"]
run = ["ok"]
export = "dist/"
[environment.staging]
release = "image"
start = "./shop"
port = 8081
[environment.production]
release = "image"
start = "./shop"
domain = "shop.example"
needs = { approvals = 1 }
"#;

/// A repository with this file, and bob's pull request in it.
async fn world(file: &str) -> (World, PullDesk) {
    let files = [("fairway.toml", file), ("src/lib.rs", "one\n")];
    let world = World::start(Arc::new(Scripted::default()), &files).await;
    let pull = open(&world, "change", "two\n").await;
    (world, pull)
}

async fn open(world: &World, branch: &str, text: &str) -> PullDesk {
    let shop = world.hub.repo("acme/shop");
    shop.push("bob", branch, "A change", &[("src/lib.rs", Some(text))]);
    let pull = shop.open_pull("bob", branch, "A change");
    world.settle().await;
    pull
}

async fn said(world: &World, pull: &PullDesk, (who, line): (&str, &str)) {
    pull.comment(who, line);
    world.settle().await;
}

/// The pull request is live in staging, and has a newer commit.
async fn live_and_pushed(world: &World, pull: &PullDesk) {
    said(world, pull, ("bob", "/deploy staging")).await;
    world.pass(Duration::from_secs(2)).await;
    world.hub.repo("acme/shop").push("bob", "change", "three", &[("src/lib.rs", Some("three\n"))]);
    world.settle().await;
}

/// Lets time pass while every version of a service answers a hundred requests a second, so many of a hundred badly.
async fn serve(world: &World, service: &str, seconds: u64, bad_of: impl Fn(&str) -> u64) {
    let some = |version: &str, requests| Counts { requests, bad: requests * bad_of(version) / 100, slow: 0 };
    answer(world, service, seconds, some).await;
}

/// The same, with what comes of so many requests of a version.
async fn answer(world: &World, service: &str, seconds: u64, of: impl Fn(&str, u64) -> Counts) {
    for _ in 0..seconds {
        if let Some(seen) = world.target.look(service) {
            let all = 100u64;
            let weight = u64::from(seen.split.weight);
            for (slot, held) in &seen.slots {
                let share = match seen.split {
                    _ if seen.split.stable == Some(*slot) => all * (10_000 - weight) / 10_000,
                    _ if seen.split.candidate == Some(*slot) => all * weight / 10_000,
                    _ => 0,
                };
                world.target.traffic(service, &held.version, of(&held.version, share));
            }
        }
        world.pass(Duration::from_secs(1)).await;
    }
}

fn service(world: &World, environment: &str) -> String {
    format!("{}-{environment}", world.hub.repo("acme/shop").id())
}

#[tokio::test]
async fn the_first_deploy_goes_live_at_once() {
    let (world, pull) = world(FILE).await;
    said(&world, &pull, ("bob", "/deploy staging")).await;
    world.pass(Duration::from_secs(2)).await;
    assert_snapshot!(pull.timeline(), @r###"
    #1 A change [open]
    * bob opened
    bob: /deploy staging
        :eyes: fairway[bot]
        :rocket: fairway[bot]
    fairway[bot] (edited): **Both checks passed at `99b86b4`.**

        | Check | Result |
        |---|---|
        | `test` | passed |
        | `image` | passed |

        | Environment | Now | |
        |---|---|---|
        | `staging` | `99b86b4` |  |

        Last command: `/deploy staging` by bob

        `99b86b4` is live in `staging`.

        <!-- fairway:status v1 1006/1 -->
    * fairway[bot] deployed to staging: success
    [fairway / image] success: Passed in 1.0 s
    [fairway / rollout staging] success: Live; it has had no request yet
    [fairway / test] success: Passed in 1.0 s
    "###);
    let seen = world.target.look(&service(&world, "staging")).expect("the service");
    assert_eq!((seen.split.stable, seen.split.weight), (Some(Slot::A), 0));
    world.finish().await;
}

#[tokio::test]
async fn a_second_version_goes_through_its_stages() {
    let (world, pull) = world(FILE).await;
    live_and_pushed(&world, &pull).await;
    said(&world, &pull, ("bob", "/deploy staging")).await;
    serve(&world, &service(&world, "staging"), 20, |_| 0).await;
    assert_snapshot!(sticky(&pull), @r"
    fairway[bot] (edited): **Both checks passed at `d625836`.**

        | Check | Result |
        |---|---|
        | `test` | passed |
        | `image` | passed |

        | Environment | Now | |
        |---|---|---|
        | `staging` | `d625836` · 10 % · 10 s · 0 bad; the rest: `99b86b4` | 0 of 100 requests failed vs 0 of 1,000 on stable. |

        Last command: `/deploy staging` by bob

        Rolling out `d625836` to `staging`.
    ");
    serve(&world, &service(&world, "staging"), 50, |_| 0).await;
    assert_snapshot!(sticky(&pull), @r"
    fairway[bot] (edited): **Both checks passed at `d625836`.**

        | Check | Result |
        |---|---|
        | `test` | passed |
        | `image` | passed |

        | Environment | Now | |
        |---|---|---|
        | `staging` | `d625836` · 100 % · 1 min 1 s · 0 bad | The old version stays warm for another 5 min; `/rollback staging` takes it back. |

        Last command: `/deploy staging` by bob

        `d625836` is live in `staging`.
    ");
    serve(&world, &service(&world, "staging"), 310, |_| 0).await;
    assert_snapshot!(pull.timeline(), @r###"
    #1 A change [open]
    * bob opened
    bob: /deploy staging
        :eyes: fairway[bot]
        :rocket: fairway[bot]
    fairway[bot] (edited): **Both checks passed at `d625836`.**

        | Check | Result |
        |---|---|
        | `test` | passed |
        | `image` | passed |

        | Environment | Now | |
        |---|---|---|
        | `staging` | `d625836` |  |

        Last command: `/deploy staging` by bob

        `d625836` is live in `staging`.

        <!-- fairway:status v1 1006/1 -->
    * fairway[bot] deployed to staging: inactive
    * bob pushed d625836: three
    bob: /deploy staging
        :eyes: fairway[bot]
        :rocket: fairway[bot]
    * fairway[bot] deployed to staging: success
    [fairway / image] success: Passed in 1.0 s
    [fairway / rollout staging] success: Live; 0 of 31,800 requests failed
    [fairway / test] success: Passed in 1.0 s
    "###);
    world.finish().await;
}

/// The comment that Fairway keeps, without its marker.
fn sticky(pull: &PullDesk) -> String {
    let text = pull.timeline();
    let Some(at) = text.find("fairway[bot] (edited): **").or_else(|| text.find("fairway[bot]: **")) else {
        return format!("no sticky comment:\n{text}");
    };
    text[at..].split("<!--").next().unwrap_or_default().trim().to_owned()
}

#[tokio::test]
async fn one_that_is_worse_is_taken_back_and_reverted() {
    let (world, pull) = world(FILE).await;
    let first = pull.merge("alice");
    world.settle().await;
    said(&world, &pull, ("bob", "/deploy staging")).await;
    world.pass(Duration::from_secs(2)).await;
    assert!(!first.is_empty());
    let bad = open(&world, "bad", "bad\n").await;
    let sha = bad.merge("alice");
    world.settle().await;
    said(&world, &bad, ("bob", "/deploy staging")).await;
    serve(&world, &service(&world, "staging"), 20, |version| if sha.starts_with(version) { 20 } else { 0 }).await;
    assert_snapshot!(bad.timeline(), @r###"
    #2 A change [merged]
    * bob opened
    * alice merged as 07f3104
    bob: /deploy staging
        :eyes: fairway[bot]
        :confused: fairway[bot]
    fairway[bot] (edited): **Both checks passed at `c3ddf67`.**

        | Check | Result |
        |---|---|
        | `test` | passed |
        | `image` | passed |

        | Environment | Now | |
        |---|---|---|
        | `staging` | `1aa727d` | `07f3104`: aborted at 10 % after 2 s: 4 of 20 requests failed vs 0 of 280 on stable (evidence 1,200x, limit 100x). Merge #3, its revert, or type `/deploy staging --fixes #2` in the pull request that mends it. |

        Last command: `/deploy staging` by bob

        It came to nothing; the reply to it says why.

        <!-- fairway:status v1 1006/2 -->
    * fairway[bot] deployed to staging: failure
    fairway[bot]: > `/deploy staging` (bob)

        Not live in `staging`: aborted at 10 % after 2 s: 4 of 20 requests failed vs 0 of 280 on stable (evidence 1,200x, limit 100x). A pull request that reverts it follows: merge that, or type `/deploy staging --fixes #2` in the pull request that mends it.
        <!-- fairway:reply 1081 -->
    [fairway / image] success: Passed in 1.0 s
    [fairway / test] success: Passed in 1.0 s
    "###);
    let revert = world.hub.repo("acme/shop").pull(3);
    assert_snapshot!(revert.timeline(), @r###"
    #3 Revert "A change" [open]
    * fairway[bot] opened
    [fairway / image] success: Passed already in 99b86b4
    [fairway / test] success: Passed already in 99b86b4
    "###);
    // What has it in it does not come back by itself.
    said(&world, &bad, ("bob", "/deploy staging")).await;
    assert_snapshot!(sticky(&bad), @r###"
    fairway[bot] (edited): **Both checks passed at `c3ddf67`.**

        | Check | Result |
        |---|---|
        | `test` | passed |
        | `image` | passed |

        | Environment | Now | |
        |---|---|---|
        | `staging` | `1aa727d` | `07f3104`: aborted at 10 % after 2 s: 4 of 20 requests failed vs 0 of 280 on stable (evidence 1,200x, limit 100x). Merge #3, its revert, or type `/deploy staging --fixes #2` in the pull request that mends it. |

        Last command: `/deploy staging` by bob

        It came to nothing; the reply to it says why.
    "###);
    world.finish().await;
}

#[tokio::test]
async fn a_share_by_hand_promote_and_rollback() {
    let (world, pull) = world(FILE).await;
    live_and_pushed(&world, &pull).await;
    said(&world, &pull, ("bob", "/rollout staging 25%")).await;
    serve(&world, &service(&world, "staging"), 5, |_| 0).await;
    assert_eq!(world.target.look(&service(&world, "staging")).expect("there").split.weight, 2_500);
    assert_snapshot!(sticky(&pull), @r"
    fairway[bot] (edited): **Both checks passed at `d625836`.**

        | Check | Result |
        |---|---|
        | `test` | passed |
        | `image` | passed |

        | Environment | Now | |
        |---|---|---|
        | `staging` | `d625836` · 25 % · 0 s · 0 bad; the rest: `99b86b4` | Held there. `/rollout staging resume` goes on by the stages, `/rollout staging promote` to the next one, `/rollout staging abort` takes it back. |

        Last command: `/rollout staging 25%` by bob

        Rolling out `d625836` to `staging`, to 25 % and no further.
    ");
    said(&world, &pull, ("alice", "/rollout staging 100%")).await;
    serve(&world, &service(&world, "staging"), 5, |_| 0).await;
    assert_snapshot!(sticky(&pull), @r"
    fairway[bot] (edited): **Both checks passed at `d625836`.**

        | Check | Result |
        |---|---|
        | `test` | passed |
        | `image` | passed |

        | Environment | Now | |
        |---|---|---|
        | `staging` | `d625836` · 100 % · 5 s · 0 bad | The old version stays warm for another 5 min; `/rollback staging` takes it back. |

        Last command: `/rollout staging 100%` by alice

        `staging` shifts all its traffic. `/rollback staging` takes it back.
    ");
    said(&world, &pull, ("alice", "/rollback staging")).await;
    serve(&world, &service(&world, "staging"), 2, |_| 0).await;
    assert_snapshot!(sticky(&pull), @r###"
    fairway[bot] (edited): **Both checks passed at `d625836`.**

        | Check | Result |
        |---|---|
        | `test` | passed |
        | `image` | passed |

        | Environment | Now | |
        |---|---|---|
        | `staging` | `99b86b4` | `d625836`: alice took it back at 100 % after 10 s. Type `/deploy staging --fixes #1` in the pull request that mends it. |

        Last command: `/rollback staging` by alice

        `staging` runs `99b86b4` again: alice took it back at 100 % after 10 s
    "###);
    world.finish().await;
}

#[tokio::test]
async fn who_may_not_and_what_is_missing_is_told_with_the_next_line() {
    let (world, pull) = world(FILE).await;
    for (who, line) in [
        ("mallory", "/deploy staging"),
        ("bob", "/deploy"),
        ("bob", "/deploy stagng"),
        ("bob", "/deploy production"),
        ("bob", "/rollout staging 25"),
        ("bob", "/rollout staging -1%"),
        ("bob", "/rollout staging promote"),
        ("bob", "/rollback staging"),
        ("bob", "/promote"),
    ] {
        said(&world, &pull, (who, line)).await;
    }
    let replies: Vec<String> = pull
        .timeline()
        .lines()
        .filter(|line| line.trim_start().starts_with("Not ") || line.trim_start().starts_with("Nothing "))
        .map(|line| line.trim().to_owned())
        .collect();
    assert_snapshot!(replies.join("\n"), @r"
    Not done: `/deploy` needs write permission in this repository and mallory has read. Ask somebody who has it to type `/deploy staging`; `/help` lists what you may do.
    Not done: there are several environments. Type one of: `/deploy staging`, `/deploy production`.
    Not done: `stagng` is no environment. Did you mean `staging`? Type `/deploy staging`.
    Not deployed: `production` needs 1 approval of `99b86b4` by somebody other than its author (0 now). Ask for a review, then type `/deploy production`. Rule: `fairway.toml:12` on the default branch.
    Not done: `25` could be anything. Type `25%` if you mean that share of the traffic.
    Not done: `-1%` is no share of the traffic. Type one from `0.01%` to `100%` with the digits 0 to 9, for example `/rollout 25%`.
    Not done: nothing is being rolled out to `staging`. `/deploy staging` starts one, `/rollout staging 25%` one that stays at 25 %.
    Not done: nothing was ever deployed to `staging`.
    Nothing was done: there is no `/promote`. Did you mean `/rollout promote`? Type it as the first line of a new comment.
    ");
    world.finish().await;
}

#[tokio::test]
async fn an_apps_and_a_bots_commands_deploy_nothing_and_get_no_answer() {
    let (world, pull) = world(FILE).await;
    world.hub.act(|hub| {
        hub.add_user("renovate[bot]", true);
        hub.add_user("build-robot", true);
        let repo = hub.repo("acme/shop").map(|repo| repo.id).expect("it is there");
        // Even one that may write is no person who decided something.
        hub.repos.get_mut(&repo).expect("it is there").roles.insert("build-robot".into(), Role::Admin);
    });
    let before = pull.timeline();
    for bot in ["renovate[bot]", "build-robot"] {
        said(&world, &pull, (bot, "/deploy staging")).await;
        world.pass(Duration::from_secs(2)).await;
    }
    assert!(world.target.look(&service(&world, "staging")).is_none(), "nothing was released");
    let after = pull.timeline();
    let new: Vec<&str> = after.lines().filter(|line| !before.contains(line)).collect();
    assert_eq!(new, ["renovate[bot]: /deploy staging", "build-robot: /deploy staging"]);
    world.finish().await;
}

#[tokio::test]
async fn who_comes_second_waits_and_goes_on_by_itself() {
    let (world, pull) = world(FILE).await;
    let other = open(&world, "other", "four\n").await;
    said(&world, &pull, ("alice", "/lock staging database moves 2h")).await;
    said(&world, &pull, ("bob", "/deploy staging")).await;
    said(&world, &other, ("alice", "/deploy staging")).await;
    assert_snapshot!(sticky(&pull), @r"
    fairway[bot]: **Both checks passed at `99b86b4`.**

        | Check | Result |
        |---|---|
        | `test` | passed |
        | `image` | passed |

        | Environment | Now | |
        |---|---|---|
        | `staging` | nothing |  Locked by alice (database moves). |

        Last command: `/deploy staging` by bob

        Waits: alice locked `staging` (database moves) for another 2 h. It goes on by itself once that is over; `/unlock staging` ends it now, `/cancel` takes this back.
    ");
    assert_snapshot!(sticky(&other), @r###"
    fairway[bot]: **Both checks passed at `6b76147`.**

        | Check | Result |
        |---|---|
        | `test` | passed |
        | `image` | passed |

        | Environment | Now | |
        |---|---|---|
        | `staging` | nothing |  Locked by alice (database moves). |

        Last command: `/deploy staging` by alice

        Waits: #1 is before it. This one is 2nd for `staging` and goes on by itself; `/cancel` takes it back.
    "###);
    said(&world, &pull, ("alice", "/unlock staging")).await;
    world.pass(Duration::from_secs(3)).await;
    assert_snapshot!(sticky(&other), @r"
    fairway[bot] (edited): **Both checks passed at `6b76147`.**

        | Check | Result |
        |---|---|
        | `test` | passed |
        | `image` | passed |

        | Environment | Now | |
        |---|---|---|
        | `staging` | `99b86b4` |  |

        Last command: `/deploy staging` by alice

        It came to nothing; the reply to it says why.
    ");
    assert!(pull.timeline().contains(":rocket:"));
    world.finish().await;
}

#[tokio::test]
async fn who_types_it_again_keeps_the_place_and_no_more() {
    let (world, pull) = world(FILE).await;
    let second = open(&world, "second", "four\n").await;
    let third = open(&world, "third", "five\n").await;
    said(&world, &pull, ("alice", "/lock staging")).await;
    for pull in [&pull, &second, &third, &third, &second] {
        said(&world, pull, ("bob", "/deploy staging")).await;
    }
    assert!(sticky(&second).contains("This one is 2nd for `staging`"), "{}", sticky(&second));
    assert!(sticky(&third).contains("This one is 3rd for `staging`"), "{}", sticky(&third));
    assert!(sticky(&pull).contains("Waits: alice locked `staging`"), "{}", sticky(&pull));
    world.finish().await;
}

#[tokio::test]
async fn a_release_that_never_starts_gets_no_traffic() {
    let (world, pull) = world(&FILE.replace("./shop\"\nport", "never\"\nport")).await;
    said(&world, &pull, ("bob", "/deploy staging")).await;
    world.pass(Duration::from_secs(130)).await;
    assert_snapshot!(sticky(&pull), @r"
    fairway[bot] (edited): **Both checks passed at `54a6e7c`.**

        | Check | Result |
        |---|---|
        | `test` | passed |
        | `image` | passed |

        | Environment | Now | |
        |---|---|---|
        | `staging` | nothing | `54a6e7c`: it never got traffic: it was not ready after 120 s. |

        Last command: `/deploy staging` by bob

        It came to nothing; the reply to it says why.
    ");
    world.finish().await;
}

#[tokio::test]
async fn one_that_dies_on_the_way_is_taken_back() {
    let (world, pull) = world(FILE).await;
    live_and_pushed(&world, &pull).await;
    said(&world, &pull, ("bob", "/deploy staging")).await;
    serve(&world, &service(&world, "staging"), 40, |_| 0).await;
    world.target.act(&service(&world, "staging"), |service| {
        let candidate = service.split.candidate.expect("a candidate");
        service.slots.get_mut(&candidate).expect("held").health = Health::Failing(3);
    });
    serve(&world, &service(&world, "staging"), 2, |_| 0).await;
    assert_snapshot!(sticky(&pull), @r"
    fairway[bot] (edited): **Both checks passed at `d625836`.**

        | Check | Result |
        |---|---|
        | `test` | passed |
        | `image` | passed |

        | Environment | Now | |
        |---|---|---|
        | `staging` | `99b86b4` | `d625836`: aborted at 50 % after 40 s: 3 health probes in a row failed. Mend it, push, and type `/deploy staging`. |

        Last command: `/deploy staging` by bob

        It came to nothing; the reply to it says why.
    ");
    world.finish().await;
}

#[tokio::test]
async fn what_is_one_too_many_is_forgotten_and_what_serves_or_could_is_not() {
    let engine = Scripted::that_keeps(fairway_world::START - 2 * 3_600_000);
    let file = FILE.replace("port = 8081", "port = 8081\nkeep = 2");
    let files = [("fairway.toml", file.as_str()), ("src/lib.rs", "one\n")];
    let world = World::start(Arc::new(engine.clone()), &files).await;
    let pull = open(&world, "change", "two\n").await;
    let name = service(&world, "staging");
    let mut shas = Vec::new();
    for n in 0..6 {
        let text = format!("{n}\n");
        shas.push(world.hub.repo("acme/shop").push("bob", "change", "more", &[("src/lib.rs", Some(&text))]));
        world.settle().await;
        said(&world, &pull, ("bob", "/deploy staging")).await;
        // The third is worse, and is taken back.
        let bad = shas.get(2).cloned().unwrap_or_default();
        serve(
            &world,
            &name,
            if n == 2 { 30 } else { 400 },
            |version| if n >= 2 && bad.starts_with(version) { 20 } else { 0 },
        )
        .await;
    }
    let begins: Vec<String> = world.target.kept(&name).iter().map(|id| id[..40].to_owned()).collect();
    for (n, sha) in shas.iter().enumerate() {
        assert_eq!(begins.contains(sha), n >= 3, "{n}: {begins:?}");
    }
    assert_eq!(engine.exports().len(), 4, "what is live, two more, and one that was never released");
    said(&world, &pull, ("alice", "/rollback staging")).await;
    serve(&world, &name, 5, |_| 0).await;
    assert!(sticky(&pull).contains(&format!("`staging` is back on `{}`", &shas[4][..7])), "{}", sticky(&pull));
    world.finish().await;
}

#[tokio::test]
async fn status_tells_who_holds_an_environment_also_to_who_never_asked_for_it() {
    let (world, pull) = world(FILE).await;
    said(&world, &pull, ("bob", "/deploy staging")).await;
    world.pass(Duration::from_secs(2)).await;
    said(&world, &pull, ("alice", "/lock staging database moves 2h")).await;
    let other = open(&world, "other", "four\n").await;
    said(&world, &other, ("bob", "/status")).await;
    assert_snapshot!(sticky(&other), @"
    fairway[bot]: **Both checks passed at `25d5c37`.**

        | Check | Result |
        |---|---|
        | `test` | passed |
        | `image` | passed |

        Last command: `/status` by bob

        Both checks passed at `25d5c37`.

        - `staging` runs `99b86b4` of #1; alice locked it (database moves) for another 2 h.
    ");
    world.finish().await;
}
