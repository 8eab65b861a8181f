//! Slowness, the second signal.

use super::*;

fn timed() -> Plan {
    Plan { slow_ms: Some(800), ..plan() }
}

/// So many requests a second, of which so many of a thousand are slow: stable's, the candidate's.
fn world(rate: u64, slow: (u64, u64)) -> World {
    World { slow, ..World::new(timed(), (rate, 0, 0)) }
}

#[test]
fn one_that_answers_slowly_is_taken_back_with_its_numbers() {
    let mut world = world(1_000, (10, 60));
    assert_snapshot!(world.run(60), @"
    0 s: 10 %
    3 s: 0 %
    4 s: Retire
    aborted at 10 % after 3 s: 12 of 200 requests were slower than 800 ms vs 28 of 2,800 on stable (evidence 2,426x, limit 200x)
    ");
    assert_eq!((world.rollout.bad_since, world.rollout.timed.since), (None, Some(2_000)));
}

#[test]
fn one_that_is_as_slow_as_stable_goes_through_its_stages() {
    let mut world = world(1_000, (50, 50));
    world.run(20);
    assert_snapshot!(speech::rollout::waits(&world.rollout, "production"), @"0 of 1,900 requests failed vs 0 of 17,100 on stable; 90 of 1,800 were slower than 800 ms vs 810 of 16,200.");
    assert_snapshot!(speech::rollout::progress(&world.rollout), @"10 % · 18 s · 0 bad · 90 slow");
    assert_snapshot!(world.run(400), @"
    0 s: 10 %
    31 s: 50 %
    62 s: 100 %
    364 s: Adopt
    live; 0 of 320,600 requests failed; 16,025 of 320,500 were slower than 800 ms
    ");
}

#[test]
fn with_two_signals_each_limit_doubles() {
    // Three failures at 10 % are evidence of 164: enough for one signal, not for one of two.
    let fails = |slow_ms| {
        let mut world = World::new(Plan { slow_ms, ..plan() }, (100, 0, 50));
        (0..60).find(|_| {
            world.tick();
            world.rollout.over()
        });
        (world.rollout.judged(Signal::Bad).1, world.rollout.candidate.bad)
    };
    assert_eq!((fails(None), fails(Some(800))), ((100.0, 3), (200.0, 4)));
    assert_eq!(so_many(200.0), [2, 3, 4, 5, 10, 23, 60]);
    let mut world = world(1_000, (10, 10));
    world.run(70);
    let limits = [Signal::Bad, Signal::Slow].map(|signal| world.rollout.judged(signal).1);
    assert_eq!((world.rollout.phase.clone(), limits), (Phase::Warm, [2_000.0, 2_000.0]));
}

#[test]
fn one_that_turns_slow_after_the_last_stage_is_taken_back_too() {
    let mut world = world(1_000, (10, 10));
    world.run(90);
    world.slow.1 = 100;
    assert_snapshot!(world.run(60), @"
    0 s: 10 %
    31 s: 50 %
    62 s: 100 %
    92 s: 0 %
    93 s: Retire
    aborted at 100 % after 1 min 32 s: 470 of 29,000 requests were slower than 800 ms vs 425 of 42,500 on stable (evidence over 1,000,000x, limit 2000x)
    ");
}

#[test]
fn less_than_half_a_point_is_nobodys_reason_to_go_back() {
    // Evidence without end, of a difference that nobody feels.
    let mut world = world(100_000, (1, 5));
    world.run(120);
    assert!(world.rollout.judged(Signal::Slow).0 > 2_000.0, "{:?}", world.rollout.judged(Signal::Slow));
    assert_eq!(world.rollout.phase, Phase::Warm);
}

#[test]
fn a_stage_is_left_when_both_signals_are_known_well_enough() {
    // Of what the candidate gets in the first half minute a tenth is slow, as with stable: that takes more requests.
    let mut world = World { slow: (100, 100), ..World::new(timed(), (30, 0, 0)) };
    world.run(34);
    assert!(world.rollout.here.requests > 59, "{:?}", world.rollout.here);
    assert_eq!(world.rollout.target, Weight::of(1_000), "59 clean answers are not enough where answers are slow");
    assert_snapshot!(speech::rollout::waits(&world.rollout, "production"), @"0 of 99 requests failed vs 0 of 891 on stable; 9 of 96 were slower than 800 ms vs 87 of 864. 5 more that neither fail nor are slow and it goes on.");
    world.run(20);
    assert_eq!(world.rollout.target, Weight::of(5_000), "{:?}", world.rollout.here);
}

#[test]
fn where_nobody_times_answers_it_holds_and_says_why() {
    let mut world = World { times: false, ..world(1_000, (0, 0)) };
    world.run(40);
    assert_snapshot!(speech::rollout::waits(&world.rollout, "production"), @"0 of 3,900 requests failed vs 0 of 35,100 on stable. How fast they are is not known, because the host is older than Fairway and does not time answers: start this version of `fairway host` with `--take-over`.");
    world.run(700);
    assert!(world.rollout.asks());
    assert_snapshot!(speech::rollout::waits(&world.rollout, "production"), @"Undecided after 12 min: 0 of 73,800 requests failed vs 0 of 664,200 on stable. How fast they are is not known, because the host is older than Fairway and does not time answers: start this version of `fairway host` with `--take-over`. `/rollout production promote` goes on, `/rollout production abort` takes it back.");
    // What fails is taken back all the same.
    world.traffic.2 = 200;
    assert!(world.run(20).contains("requests failed"), "{:?}", world.lines);
}

#[test]
fn what_nobody_timed_is_not_taken_for_fast() {
    // Half a minute until the candidate is ready: nobody times stable meanwhile.
    let mut world = world(1_000, (50, 50));
    world.seen.health = Health::Starting;
    world.run(30);
    world.seen.health = Health::Ready;
    world.run(70);
    let (_, stable) = world.rollout.compared(Signal::Slow);
    assert!((stable.rate(Signal::Slow) - 0.05).abs() < 0.002, "{stable:?}");
    assert_eq!(world.rollout.phase, Phase::Warm);
    world.run(200);
    assert_eq!(world.rollout.phase, Phase::Warm, "{:?}", world.rollout.why);
}

#[test]
fn probes_are_timed_too() {
    let mut world = World::new(Plan { undecided: Undecided::Probe, ..timed() }, (0, 0, 0));
    world.run(620);
    world.seen.probed.candidate.slow = 9;
    world.run(1);
    assert_eq!(world.rollout.judged(Signal::Bad), (1.0, 200.0));
    assert_snapshot!(speech::rollout::waits(&world.rollout, "production"), @"Too little traffic to tell after 10 min, so Fairway asks both versions itself: 0 of 19 requests failed vs 0 of 19 on stable; 9 of 19 were slower than 800 ms vs 0 of 19; 19 of them were Fairway's own. `/rollout production promote` goes on, `/rollout production abort` takes it back.");
    world.seen.probed.candidate.slow = 12;
    assert_snapshot!(world.run(2), @"
    0 s: 10 %
    621 s: 0 %
    622 s: Retire
    aborted at 10 % after 10 min: 12 of 20 requests were slower than 800 ms vs 0 of 20 on stable (evidence 1,063x, limit 200x)
    ");
}

#[test]
fn what_an_older_fairway_wrote_is_read_and_judged_by_one_signal() {
    let mut world = World::new(plan(), (1_000, 1, 1));
    world.run(20);
    let mut old = serde_json::to_value(&world.rollout).expect("JSON");
    let without = |value: &mut serde_json::Value, key: &str| {
        value.as_object_mut().expect("an object").remove(key).unwrap_or_else(|| panic!("no {key}"));
    };
    without(&mut old, "timed");
    without(&mut old["plan"], "slow_ms");
    without(&mut old["looked"], "slow_ms");
    for counts in ["candidate", "stable", "here", "here_stable"] {
        without(&mut old[counts], "slow");
        if counts.len() > 5 && !counts.contains('_') {
            without(&mut old["looked"][counts], "slow");
        }
    }
    let read: Rollout = serde_json::from_value(old).expect("an older row");
    assert_eq!(read, world.rollout);
    assert_eq!(read.signals().collect::<Vec<_>>(), [Signal::Bad]);
    let why: Why = serde_json::from_str(r#"{"Worse":{"evidence":150.0,"limit":100.0,"at":1000}}"#).expect("older");
    assert_eq!(why, Why::Worse { signal: Signal::Bad, evidence: 150.0, limit: 100.0, at: Weight::of(1_000) });
}
