//! The second signal: versions that answer well, and late.

use fairway::domain::rollout::Counts;
use insta::assert_snapshot;

use super::{FILE, answer, live_and_pushed, open, said, serve, service, sticky, world};

/// Staging looks at how long answers take.
fn file() -> String {
    FILE.replace("port = 8081", "port = 8081\nslow = \"800ms\"")
}

#[tokio::test]
async fn a_candidate_that_answers_slowly_is_taken_back() {
    let (world, pull) = world(&file()).await;
    pull.merge("alice");
    world.settle().await;
    said(&world, &pull, ("bob", "/deploy staging")).await;
    // Until its watch is over: only then does the next one begin beside it.
    serve(&world, &service(&world, "staging"), 320, |_| 0).await;
    let late = open(&world, "late", "late\n").await;
    let sha = late.merge("alice");
    world.settle().await;
    said(&world, &late, ("bob", "/deploy staging")).await;
    let slow = |version: &str, requests: u64| Counts {
        requests,
        bad: 0,
        slow: if sha.starts_with(version) { requests / 5 } else { requests / 100 },
    };
    answer(&world, &service(&world, "staging"), 20, slow).await;
    assert_snapshot!(late.timeline(), @"
    #2 A change [merged]
    * bob opened
    * alice merged as 59702a8
    bob: /deploy staging
        :eyes: fairway[bot]
        :confused: fairway[bot]
    fairway[bot] (edited): **Both checks passed at `233edce`.**

        | Check | Result |
        |---|---|
        | `test` | passed |
        | `image` | passed |

        | Environment | Now | |
        |---|---|---|
        | `staging` | `0100aa6` | `59702a8`: aborted at 10 % after 2 s: 4 of 20 requests were slower than 800 ms vs 1 of 280 on stable (evidence 1,200x, limit 200x). Merge #3, its revert, or type `/deploy staging --fixes #2` in the pull request that mends it. |

        Last command: `/deploy staging` by bob

        It came to nothing; the reply to it says why.

        <!-- fairway:status v1 1006/2 -->
    * fairway[bot] deployed to staging: failure
    fairway[bot]: > `/deploy staging` (bob)

        Not live in `staging`: aborted at 10 % after 2 s: 4 of 20 requests were slower than 800 ms vs 1 of 280 on stable (evidence 1,200x, limit 200x). A pull request that reverts it follows: merge that, or type `/deploy staging --fixes #2` in the pull request that mends it.
        <!-- fairway:reply 1081 -->
    [fairway / image] success: Passed in 1.0 s
    [fairway / test] success: Passed in 1.0 s
    ");
    let split = world.target.look(&service(&world, "staging")).expect("there").split;
    assert_eq!((split.weight, split.slow_ms), (0, Some(800)));
    // The evidence is where whoever merges the revert reads it.
    let body = world.hub.look(|hub| hub.repo("acme/shop").expect("there").pulls[&3].body.clone());
    assert!(body.contains("were slower than 800 ms"), "{body}");
    world.finish().await;
}

#[tokio::test]
async fn one_that_is_as_slow_as_stable_goes_on_and_says_what_it_saw() {
    let (world, pull) = world(&file()).await;
    live_and_pushed(&world, &pull).await;
    said(&world, &pull, ("bob", "/deploy staging")).await;
    let slow = |_: &str, requests| Counts { requests, bad: 0, slow: requests / 50 };
    answer(&world, &service(&world, "staging"), 20, slow).await;
    assert_snapshot!(sticky(&pull), @"
    fairway[bot] (edited): **Both checks passed at `2ebf991`.**

        | Check | Result |
        |---|---|
        | `test` | passed |
        | `image` | passed |

        | Environment | Now | |
        |---|---|---|
        | `staging` | `2ebf991` · 10 % · 10 s · 0 bad · 0 slow; the rest: `5a20b67` | 0 of 100 requests failed vs 0 of 1,000 on stable; 0 of 100 were slower than 800 ms vs 12 of 1,000. |

        Last command: `/deploy staging` by bob

        Rolling out `2ebf991` to `staging`.
    ");
    answer(&world, &service(&world, "staging"), 380, slow).await;
    let timeline = pull.timeline();
    let checks: Vec<&str> = timeline.lines().filter(|line| line.contains("fairway / rollout")).collect();
    assert_snapshot!(checks.join("\n"), @"[fairway / rollout staging] success: Live; 0 of 31,800 requests failed; 630 of 31,800 were slower than 800 ms");
    world.finish().await;
}

#[tokio::test]
async fn where_nobody_asked_for_it_slow_answers_are_nobodys_reason() {
    let (world, pull) = world(FILE).await;
    live_and_pushed(&world, &pull).await;
    said(&world, &pull, ("bob", "/deploy staging")).await;
    let slow = |_: &str, requests| Counts { requests, bad: 0, slow: requests };
    answer(&world, &service(&world, "staging"), 400, slow).await;
    assert!(sticky(&pull).contains("is live in `staging`"), "{}", sticky(&pull));
    assert!(!pull.timeline().contains("slow"), "{}", pull.timeline());
    world.finish().await;
}
