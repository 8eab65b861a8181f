//! What `fairway metrics` says of stories that the workers really lived through: two deploys, one that is taken back by
//! itself, one rollback; and people who review, push and come.

#[path = "common/fairway.rs"]
mod fairway_world;

use std::sync::Arc;
use std::time::Duration;

use fairway::cli::metrics::measured;
use fairway::domain::metrics::{Metrics, Span};
use fairway::domain::rollout::Counts;
use fairway::domain::speech::metrics::{Goals, show};
use fairway::engine::scripted::Scripted;
use fairway::playground::PullDesk;
use fairway::playground::faults::Trouble;
use fairway::playground::world::Role;
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
                world.target.traffic(&service, &held.version, Counts { requests: share, bad, slow: 0 });
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
    assert_eq!((shop.pulls.to_open.n, shop.pulls.to_open.p50), (3, Some(20.0)), "pushes tell it, deployed or not");
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
      first commit to pull request             20 s  20 s       3
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

const MINUTE: Duration = Duration::from_secs(60);

/// A world whose Fairway has asked GitHub which events it sends.
async fn listening() -> World {
    let world = world().await;
    world.hub.act(|hub| hub.add_user("lint[bot]", true));
    fairway::worker::ensure_timers(&world.ctx).await.expect("the store answers");
    world.settle().await;
    world
}

/// Waits so many minutes in one step, and then does something.
async fn after<T>(world: &World, minutes: u32, act: impl FnOnce() -> T) -> T {
    world.hand.advance(MINUTE * minutes);
    world.settle().await;
    let done = act();
    world.settle().await;
    done
}

#[tokio::test]
async fn people_review_push_and_come() {
    let world = listening().await;
    let shop = world.hub.repo("acme/shop");
    let change = |content: &str| {
        shop.push("bob", "change", "A change", &[("src/lib.rs", Some(content))]);
    };
    // A draft, of which alice says something at once; what she is asked for begins when it is ready.
    after(&world, 0, || change("1")).await;
    let pull = after(&world, 10, || shop.open_draft("bob", "change", "A change")).await;
    after(&world, 1, || pull.comment("alice", "Early!")).await;
    after(&world, 20, || pull.set_draft("bob", false)).await;
    // Neither a program nor the author nor a command is a review.
    after(&world, 1, || pull.review("lint[bot]", "COMMENTED")).await;
    after(&world, 1, || pull.comment("bob", "Anybody?")).await;
    after(&world, 1, || pull.review("bob", "COMMENTED")).await;
    after(&world, 1, || pull.comment("alice", "/status")).await;
    after(&world, 26, || pull.remark("alice", ("src/lib.rs", 1), "Why 1?")).await;
    after(&world, 30, || change("2")).await;
    after(&world, 60, || pull.review("alice", "APPROVED")).await;
    // The next day, and two days later.
    after(&world, 24 * 60, || change("3")).await;
    after(&world, 48 * 60, || change("4")).await;

    // Asked for again after a review: what counts is the answer to that.
    shop.push("alice", "more", "More", &[("b", Some("1"))]);
    let asked = after(&world, 5, || shop.open_pull("alice", "more", "More")).await;
    after(&world, 1, || asked.review("bob", "CHANGES_REQUESTED")).await;
    after(&world, 60, || asked.request_review("alice", "bob")).await;
    after(&world, 10, || asked.comment("bob", "Fine now")).await;

    // Nobody but a program looks at this one; a draft waits for nobody.
    shop.push("bob", "lonely", "Lonely", &[("c", Some("1"))]);
    let lonely = after(&world, 1, || shop.open_pull("bob", "lonely", "Lonely")).await;
    after(&world, 1, || lonely.review("lint[bot]", "APPROVED")).await;
    shop.push("bob", "unready", "Unready", &[("d", Some("1"))]);
    after(&world, 1, || shop.open_draft("bob", "unready", "Unready")).await;

    // Carol is made a member, dave a collaborator, and mallory comes with a fork.
    world.hub.add_member("acme", "carol", Role::Write);
    shop.add_collaborator("dave", Role::Write);
    world.settle().await;
    after(&world, 60, || shop.push("carol", "hello", "Hello", &[("e", Some("1"))])).await;
    let hello = after(&world, 30, || shop.open_pull("carol", "hello", "Hello")).await;
    after(&world, 30, || hello.merge("alice")).await;
    shop.fork("mallory").push("mallory", "trust", "Trust me", &[("f", Some("1"))]);
    let trust = after(&world, 1, || shop.open_pull("mallory", "mallory:trust", "Trust me")).await;
    after(&world, 240, || trust.merge("alice")).await;

    let metrics = figures(&world).await;
    let [of] = metrics.repositories.as_slice() else { panic!("one repository: {metrics:#?}") };
    assert_eq!((of.pulls.never_reviewed.part, of.pulls.never_reviewed.whole), (3, 5), "the draft is in neither");
    assert_snapshot!(show(&metrics, &Goals::default()), @"
    acme/shop, 2026-01-05 11:59 UTC to 2026-01-08 21:51 UTC (3.4 days)
                                                p50        p90       n  goal  industry mean
      CI time                                   0 s        0 s       8
        queue                                   0 s        0 s       8
        run                                     0 s        0 s       8
        run again                               0 %             0 of 8
        flaky                                   0 %             0 of 8
      review turnaround                     1,200 s    1,680 s       2
        to approval                         7,200 s    7,200 s       1
        never reviewed                         60 %             3 of 5
      first commit to pull request            300 s    1,320 s       5
      newcomer to first merge              10,800 s   13,680 s       2
      pushes                        3 an active day                  9
        gap between pushes                 90,000 s  156,240 s       3

    – means that nothing was measured. (+2) means that two more could not be: a time is missing, or it ends before it begins.
    Industry means: DORA Quick Check 2025.
    ");
    world.finish().await;
}

#[tokio::test]
async fn what_nobody_listened_to_is_no_number() {
    let world = world().await;
    world.hub.act(|hub| hub.app.events.retain(|event| event != "pull_request_review"));
    fairway::worker::ensure_timers(&world.ctx).await.expect("the store answers");
    world.settle().await;
    let shop = world.hub.repo("acme/shop");
    shop.push("bob", "deaf", "Deaf", &[("a", Some("1"))]);
    let deaf = after(&world, 1, || shop.open_pull("bob", "deaf", "Deaf")).await;
    after(&world, 1, || deaf.review("alice", "APPROVED")).await;
    after(&world, 1, || deaf.comment("alice", "Good")).await;
    let counts = async |world: &World| {
        let pulls = figures(world).await.repositories[0].pulls;
        (pulls.to_review.n, pulls.to_approval.n, pulls.never_reviewed.whole, pulls.to_open.n)
    };
    assert_eq!(counts(&world).await, (0, 0, 0, 1), "an approval may have been missed");

    // The operator ticks the event; after the next look at GitHub, what is opened then is known from its beginning.
    world.hub.act(|hub| hub.app.events.push("pull_request_review".to_owned()));
    world.pass(MINUTE * 70).await;
    after(&world, 1, || deaf.review("alice", "APPROVED")).await;
    assert_eq!(counts(&world).await, (0, 0, 0, 1), "it was opened before");
    shop.push("bob", "heard", "Heard", &[("b", Some("1"))]);
    let heard = after(&world, 1, || shop.open_pull("bob", "heard", "Heard")).await;
    after(&world, 1, || heard.review("alice", "APPROVED")).await;
    assert_eq!(counts(&world).await, (1, 1, 1, 2));
    world.finish().await;
}

#[tokio::test]
async fn ci_time_of_a_fork_begins_when_somebody_lets_it_run() {
    let world = world().await;
    let shop = world.hub.repo("acme/shop");
    shop.fork("mallory").push("mallory", "trust", "Trust me", &[("f", Some("1"))]);
    let trust = after(&world, 1, || shop.open_pull("mallory", "mallory:trust", "Trust me")).await;
    let ci = async |world: &World| {
        figures(world).await.repositories.first().map_or((0, 0), |of| (of.ci.whole.n, of.ci.rerun.part))
    };
    assert_eq!(ci(&world).await, (0, 0), "a check that asks for a person checked nothing");
    after(&world, 60, || trust.comment("bob", "/run")).await;
    assert_eq!(ci(&world).await, (1, 0), "and the one after it is the first");
    after(&world, 1, || trust.comment("bob", "/retry image")).await;
    assert_eq!(ci(&world).await, (1, 1));
    world.finish().await;
}
