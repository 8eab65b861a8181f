//! What `fairway metrics` says of a story that the workers really lived through: two deploys, one that is taken back by
//! itself, one rollback.

#[path = "common/fairway.rs"]
mod fairway_world;

use std::sync::Arc;
use std::time::Duration;

use fairway::cli::metrics::measured;
use fairway::domain::metrics::{Metrics, Span};
use fairway::domain::speech::metrics::{Goals, show};
use fairway::engine::scripted::Scripted;
use fairway::playground::PullDesk;
use fairway::playground::faults::Trouble;
use fairway_world::{START, World};
use insta::assert_snapshot;

const FILE: &str = r#"
[pipeline.image]
run = ["ok"]
export = "dist/"
[environment.staging]
release = "image"
start = "./shop"
port = 8081
"#;

async fn world() -> World {
    let files = [("fairway.toml", FILE), ("src/lib.rs", "one\n")];
    World::start(Arc::new(Scripted::default()), &files).await
}

/// Bob changes something, alice merges it a minute later. Gives the pull request and the merge.
async fn merged(world: &World, branch: &str) -> (PullDesk, String) {
    let shop = world.hub.repo("acme/shop");
    shop.push("bob", branch, "A change", &[("src/lib.rs", Some(branch))]);
    world.pass(Duration::from_secs(20)).await;
    let pull = shop.open_pull("bob", branch, "A change");
    world.pass(Duration::from_secs(40)).await;
    let sha = pull.merge("alice");
    world.settle().await;
    (pull, sha)
}

/// Types a line, and lets time pass while every version answers 100 requests a second, the bad one every fifth badly.
async fn typed(world: &World, pull: &PullDesk, (who, line): (&str, &str), (seconds, bad): (u64, &str)) {
    pull.comment(who, line);
    world.settle().await;
    let service = format!("{}-staging", world.hub.repo("acme/shop").id());
    for _ in 0..seconds {
        if let Some(seen) = world.target.look(&service) {
            let weight = u64::from(seen.split.weight);
            for (slot, held) in &seen.slots {
                let share = match seen.split {
                    _ if seen.split.stable == Some(*slot) => 100 - weight / 100,
                    _ if seen.split.candidate == Some(*slot) => weight / 100,
                    _ => 0,
                };
                let bad = if bad.starts_with(&held.version) { share / 5 } else { 0 };
                world.target.traffic(&service, &held.version, (share, bad));
            }
        }
        world.pass(Duration::from_secs(1)).await;
    }
}

async fn figures(world: &World) -> Metrics {
    let span = Span { since_ms: START - 1, until_ms: world.ctx.clock.now() + 1 };
    measured(&world.ctx.store, span, (Some("staging"), None)).await.expect("the store answers")
}

#[tokio::test]
async fn two_deploys_an_abort_and_a_rollback() {
    let world = world().await;
    let (first, _) = merged(&world, "first").await;
    typed(&world, &first, ("bob", "/deploy staging"), (5, "-")).await;
    let (second, _) = merged(&world, "second").await;
    typed(&world, &second, ("bob", "/deploy staging"), (400, "-")).await;
    let (third, bad) = merged(&world, "third").await;
    typed(&world, &third, ("bob", "/deploy staging"), (30, &bad)).await;
    typed(&world, &second, ("alice", "/rollback staging too slow"), (10, "-")).await;

    let metrics = figures(&world).await;
    let [of] = metrics.services.as_slice() else { panic!("one service: {:#?}", metrics.services) };
    assert_eq!(
        (of.repository.as_str(), of.service.as_str(), of.environment.as_str()),
        ("acme/shop", "shop", "staging")
    );
    assert_eq!(of.deployments, 2, "the aborted one and the rollback are none");
    assert_eq!((of.change_fail.part, of.change_fail.whole), (2, 3), "one was aborted, one rolled back");
    assert_eq!((of.recovery.whole.n, of.recovery.open.len()), (2, 0));
    assert_eq!((of.rework.part, of.rework.whole), (0, 2));
    assert_eq!(of.lead_time.commit_to_live.n, 1, "the second's; the first had nothing before it");
    assert_eq!((of.lead_time.base_unknown, of.lead_time.merge_to_live.n), (1, 1));
    assert!(of.exposure_bad > 0 && of.exposure_weight_minutes > 0.0, "{of:#?}");
    let [shop] = metrics.repositories.as_slice() else { panic!("one repository") };
    assert_eq!((shop.pulls.to_open.n, shop.pulls.to_open.p50), (1, Some(20.0)));
    assert_eq!((shop.pulls.to_review.n, shop.pulls.never_reviewed.share), (0, None), "nobody knows");
    let text = show(&metrics, &Goals::default());
    assert_snapshot!(text, @"
    shop in staging, acme/shop, 2026-01-05 11:59 UTC to 2026-01-05 12:10 UTC (0.01 days)
                                         p50     p90       n  goal        industry mean
      deployments                276.5 a day               2
      pull requests shipped     967.7 a week               1  100 a week
      change lead time                 120 s   120 s       1  120 s
        merge to live                 60.4 s  60.4 s       1
        command to live               30.3 s  54.4 s       2
      recovery                         1.1 s  1.82 s       2  300 s
        detect                         1.9 s   1.9 s  1 (+1)
        decide                           0 s     0 s  1 (+1)
        restore                       0.15 s  0.19 s       2
      change fail rate                66.7 %          2 of 3  5 %         19 %
      rework rate                        0 %          0 of 2              22 %
      failed before traffic              0 %          0 of 3
      build                              0 s     0 s       2  60 s
      deploy after build              30.3 s  54.4 s       2  120 s
      command to first traffic         0.2 s   0.2 s       2
      command to 100 %                30.3 s  54.4 s       2
      The failures had as much traffic as there is in 5.3 minutes, and answered 4 requests badly.
      1 rollout has no commits to measure: nothing was live before, or git lost it.

    acme/shop, 2026-01-05 11:59 UTC to 2026-01-05 12:10 UTC (0.01 days)
                                                p50   p90       n  goal  industry mean
      CI time                                   0 s   0 s       5
        queue                                   0 s   0 s  3 (+2)
        run                                     0 s   0 s  3 (+2)
        run again                               0 %        0 of 5
        flaky                                   0 %        0 of 5
      review turnaround                           –     –       0
        to approval                               –     –       0
        never reviewed                            –             0
      first commit to pull request             20 s  20 s       1
      newcomer to first merge                     –     –       0
      pushes                        3 an active day             3
        gap between pushes                        –     –       0

    – means that nothing was measured. (+2) means that two more could not be: a time is missing, or it ends before it begins.
    Industry means: DORA Quick Check 2025.
    ");
    world.finish().await;
}

#[tokio::test]
async fn a_github_that_is_away_delays_what_is_known_and_no_more() {
    let world = world().await;
    let (first, _) = merged(&world, "first").await;
    typed(&world, &first, ("bob", "/deploy staging"), (5, "-")).await;
    let (second, _) = merged(&world, "second").await;
    // Everything that the lead time needs is asked for again until it answers.
    for path in ["/repos/*/compare/*", "/repos/*/commits/*/pulls", "/repos/*/pulls/*/commits"] {
        world.hub.act(|hub| {
            hub.switches.next(1, "GET", path, Trouble::BadGatewayBefore);
        });
    }
    typed(&world, &second, ("bob", "/deploy staging"), (500, "-")).await;
    world.pass(Duration::from_secs(600)).await;
    let lead = figures(&world).await.services[0].lead_time;
    assert_eq!((lead.commit_to_live.n, lead.merge_to_live.n, lead.base_unknown), (1, 1, 1));
    world.finish().await;
}

#[tokio::test]
async fn who_says_that_it_was_no_failure_is_believed() {
    let world = world().await;
    let (first, _) = merged(&world, "first").await;
    typed(&world, &first, ("bob", "/deploy staging"), (5, "-")).await;
    let (second, _) = merged(&world, "second").await;
    typed(&world, &second, ("bob", "/deploy staging"), (20, "-")).await;
    typed(&world, &second, ("bob", "/rollout staging abort not a failure: it was too early"), (5, "-")).await;
    let of = figures(&world).await.services.remove(0);
    assert_eq!((of.change_fail.part, of.change_fail.whole, of.deployments), (0, 2, 1));
    world.finish().await;
}
