use insta::assert_snapshot;

use super::*;
use crate::domain::speech;

mod slow;

#[derive(serde::Deserialize)]
struct Golden {
    vectors: Vec<Vector>,
}

#[derive(serde::Deserialize)]
struct Vector {
    intervals: Vec<GoldenInterval>,
    evidence: f64,
}

#[derive(serde::Deserialize)]
struct GoldenInterval {
    bad_candidate: u64,
    bad_stable: u64,
    candidate_share: f64,
}

#[test]
fn the_golden_vectors_agree_to_six_digits() {
    let text = include_str!("../../../tests/data/judge/golden.json");
    let Golden { vectors } = serde_json::from_str(text).expect("the vectors");
    assert_eq!(vectors.len(), 12);
    for vector in vectors {
        let intervals: Vec<Interval> = vector
            .intervals
            .iter()
            .map(|i| Interval { candidate: i.bad_candidate, stable: i.bad_stable, share: i.candidate_share })
            .collect();
        let found = evidence(&intervals);
        assert!((found / vector.evidence - 1.0).abs() < 5e-6, "{found} is not {}", vector.evidence);
    }
}

#[test]
fn so_many_bad_requests_convict_while_stable_is_clean() {
    assert_eq!(so_many(100.0), [2, 3, 3, 5, 9, 20, 53]);
    assert_eq!(so_many(1000.0), [3, 4, 4, 7, 12, 29, 77]);
}

/// How many bad requests of the candidate are enough at seven shares, while stable is clean.
fn so_many(limit: f64) -> [u64; 7] {
    [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9].map(|share| {
        let enough = |x: &u64| evidence(&[Interval { candidate: *x, stable: 0, share }]) >= limit;
        (1..1_000).find(enough).unwrap_or(0)
    })
}

#[test]
fn huge_counts_are_no_trouble() {
    let much = evidence(&[Interval { candidate: u64::MAX, stable: 0, share: 0.1 }]);
    assert!(much > 1e300 || much.is_infinite());
    let none = evidence(&[Interval { candidate: 0, stable: u64::MAX, share: 0.1 }]);
    assert!((0.0..1.0).contains(&none));
    for share in [0.0, 1.0, f64::NAN, -1.0, 2.0] {
        assert_eq!(evidence(&[Interval { candidate: 5, stable: 5, share }]), 1.0);
    }
}

#[test]
fn a_share_is_typed_with_a_percent_sign() {
    let read = |text: &str| match Weight::parse(text) {
        Ok(weight) => weight.to_string(),
        Err(words) => words,
    };
    assert_eq!(["25%", "100%", "2.5%", "0.01%"].map(read), ["25 %", "100 %", "2.5 %", "0.01 %"]);
    assert_snapshot!(read("25"), @"Not done: `25` could be anything. Type `25%` if you mean that share of the traffic.");
    assert_snapshot!(read("0%"), @"Not done: 0 % is no rollout. To take it out of the traffic, type `/rollout abort`.");
    assert_snapshot!(read("101%"), @"Not done: `101%` is no share of the traffic. Type one from `0.01%` to `100%` with the digits 0 to 9, for example `/rollout 25%`.");
    for text in ["-1%", "1e9%", "٢٥٪", "%", "", "2.555%", "1000%", "0.001%", " 5%", "+5%"] {
        assert!(read(text).contains("no share"), "{text:?}: {}", read(text));
    }
}

#[test]
fn stages_rise_to_everything() {
    assert_eq!(parse_stages(&["10% 30s", "50% 30s", "100%"]), Ok(default_stages()));
    let words = |entries: &[&str]| parse_stages(entries).map(|_| ()).unwrap_err().1;
    assert_eq!(
        words(&["10%", "100%"]),
        "`10%` is no stage. Write a share and its shortest stay, such as `10% 30s`; the last is `100%`."
    );
    assert_eq!(words(&["50% 30s", "50% 30s", "100%"]), "Every stage must be larger than the one before it.");
    assert_eq!(words(&["50% 30s"]), "The last stage must be `100%`.");
    assert_eq!(words(&[]), "There must be at least one stage, the last of them `100%`.");
}

fn plan() -> Plan {
    Plan {
        stages: default_stages(),
        stage_max_ms: 600_000,
        undecided: Undecided::Hold,
        watch_ms: 300_000,
        irreversible: false,
        hold_at: None,
        base: true,
        back: false,
        slow_ms: None,
    }
}

/// A little world: the proxy does what it is told at once, and so many requests a second come in.
struct World {
    rollout: Rollout,
    orders: Vec<Steer>,
    seen: Observation,
    /// Requests a second of all, and how many of a thousand fail on either side.
    traffic: (u64, u64, u64),
    /// How many of a thousand are slow: stable's, the candidate's.
    slow: (u64, u64),
    /// Whether the proxy times answers when it is told to.
    times: bool,
    lines: Vec<String>,
}

impl World {
    fn new(plan: Plan, traffic: (u64, u64, u64)) -> World {
        let seen = Observation {
            now: 0,
            weight: Some(Weight::ZERO),
            boot: "1".into(),
            health: Health::Ready,
            candidate: Counts::default(),
            stable: Counts::default(),
            probed: Probed::default(),
            slow_ms: None,
        };
        let (orders, lines) = (Vec::new(), Vec::new());
        World { rollout: Rollout::new(plan), orders, seen, traffic, slow: (0, 0), times: true, lines }
    }

    fn tick(&mut self) {
        let (rollout, actions) = step(self.rollout.clone(), &self.orders, &self.seen);
        self.rollout = rollout;
        for action in actions {
            match action {
                Action::Write(weight) => {
                    self.lines.push(format!("{} s: {weight}", self.seen.now / 1_000));
                    self.seen.weight = Some(weight);
                    self.seen.slow_ms = self.rollout.plan.slow_ms.filter(|_| self.times);
                }
                Action::Prepare => {}
                Action::Probe => self.probes(),
                Action::Adopt | Action::Retire => self.lines.push(format!("{} s: {action:?}", self.seen.now / 1_000)),
            }
        }
        let (rate, stable_bad, candidate_bad) = self.traffic;
        let weight = u64::from(self.seen.weight.unwrap_or_default().basis_points());
        let timed = self.seen.slow_ms.is_some();
        let add = |counts: &mut Counts, requests: u64, (bad, slow): (u64, u64)| {
            counts.requests += requests;
            counts.bad = counts.requests * bad / 1_000;
            // Of each look's own, because what nobody times is not made up for.
            let until = |requests: u64| requests * slow / 1_000;
            counts.slow += if timed { until(counts.requests) - until(counts.requests - requests) } else { 0 };
        };
        add(&mut self.seen.candidate, rate * weight / 10_000, (candidate_bad, self.slow.1));
        add(&mut self.seen.stable, rate * (10_000 - weight) / 10_000, (stable_bad, self.slow.0));
        self.seen.now += 1_000;
    }

    /// Both answer a probe as badly as they answer everybody, counted from the first.
    fn probes(&mut self) {
        let Probed { candidate, stable } = &mut self.seen.probed;
        for (counts, bad) in [(candidate, self.traffic.2), (stable, self.traffic.1)] {
            counts.requests += 1;
            counts.bad = counts.requests * bad / 1_000;
        }
    }

    fn run(&mut self, seconds: usize) -> String {
        for _ in 0..seconds {
            self.tick();
        }
        format!("{}\n{}", self.lines.join("\n"), speech::rollout::ended(&self.rollout))
    }
}

#[test]
fn a_healthy_one_goes_through_its_stages_and_stays() {
    assert_snapshot!(World::new(plan(), (100, 1, 1)).run(400), @r"
    0 s: 10 %
    31 s: 50 %
    62 s: 100 %
    364 s: Adopt
    live; 32 of 32,060 requests failed
    ");
}

#[test]
fn a_worse_one_is_taken_back_with_its_numbers() {
    assert_snapshot!(World::new(plan(), (100, 1, 50)).run(60), @r"
    0 s: 10 %
    6 s: 0 %
    7 s: Retire
    aborted at 10 % after 6 s: 3 of 60 requests failed vs 0 of 640 on stable (evidence 164x, limit 100x)
    ");
}

#[test]
fn one_that_turns_bad_after_the_last_stage_is_taken_back_too() {
    let mut world = World::new(plan(), (100, 1, 1));
    world.run(90);
    world.traffic.2 = 100;
    assert_snapshot!(world.run(60), @r"
    0 s: 10 %
    31 s: 50 %
    62 s: 100 %
    91 s: 0 %
    92 s: Retire
    aborted at 100 % after 1 min 31 s: 475 of 2,800 requests failed vs 4 of 4,340 on stable (evidence over 1,000,000x, limit 1000x)
    ");
}

#[test]
fn without_traffic_it_holds_and_asks() {
    let mut world = World::new(plan(), (0, 0, 0));
    world.run(700);
    assert!(world.rollout.asks());
    assert_snapshot!(speech::rollout::waits(&world.rollout, "production"), @"Undecided after 11 min: it has had no request yet. `/rollout production promote` goes on, `/rollout production abort` takes it back.");
    world.orders.push(Steer::Promote);
    assert_snapshot!(world.run(2), @r"
    0 s: 10 %
    700 s: 50 %
    50 % · 11 min · 0 bad
    ");
}

#[test]
fn a_share_by_hand_stays_until_somebody_says_more() {
    let mut world = World::new(Plan { hold_at: Some(Weight::of(2_500)), ..plan() }, (100, 0, 0));
    world.run(300);
    assert_snapshot!(speech::rollout::waits(&world.rollout, "production"), @"Held there. `/rollout production resume` goes on by the stages, `/rollout production promote` to the next one, `/rollout production abort` takes it back.");
    world.orders.push(Steer::Resume);
    world.run(100);
    world.orders.push(Steer::Abort { reason: "too slow".into(), by: "alice".into() });
    assert_snapshot!(world.run(10), @r"
    0 s: 25 %
    300 s: 50 %
    331 s: 100 %
    400 s: 0 %
    401 s: Retire
    alice took it back at 100 % after 6 min 40 s (too slow)
    ");
}

#[test]
fn a_candidate_that_never_gets_ready_gets_no_traffic() {
    let mut world = World::new(plan(), (100, 0, 0));
    world.seen.health = Health::Starting;
    assert_snapshot!(world.run(200), @r"
    120 s: Retire
    it never got traffic: it was not ready after 120 s
    ");
    let mut world = World::new(plan(), (100, 0, 0));
    world.seen.health = Health::Crashing("it ended 3 times, last with exit status 1".into());
    assert_snapshot!(world.run(5), @r"
    0 s: Retire
    it never got traffic: it ended 3 times, last with exit status 1
    ");
}

#[test]
fn one_that_dies_on_the_way_is_taken_back_also_while_it_is_held() {
    let mut world = World::new(plan(), (100, 0, 0));
    world.orders.push(Steer::Pause);
    world.run(3);
    world.orders.push(Steer::Resume);
    world.run(20);
    world.orders.push(Steer::Pause);
    world.run(20);
    world.seen.health = Health::Failing(3);
    assert_snapshot!(world.run(5), @r"
    3 s: 10 %
    43 s: 0 %
    44 s: Retire
    aborted at 10 % after 40 s: 3 health probes in a row failed
    ");
}

#[test]
fn clocks_that_jump_neither_skip_a_stage_nor_hold_one_for_ever() {
    let mut world = World::new(plan(), (100, 0, 0));
    world.run(5);
    world.seen.now += 24 * 3_600_000;
    world.tick();
    assert_eq!(world.rollout.target, Weight::of(1_000));
    world.seen.now -= 48 * 3_600_000;
    assert!(world.run(400).ends_with("requests failed"), "{}", world.lines.join("\n"));
}

#[test]
fn a_proxy_that_starts_anew_counts_from_nothing() {
    let mut world = World::new(plan(), (100, 0, 0));
    world.run(20);
    let before = world.rollout.candidate;
    (world.seen.boot, world.seen.candidate, world.seen.stable) = ("2".into(), Counts::default(), Counts::default());
    world.tick();
    assert_eq!(world.rollout.candidate, before);
    world.tick();
    assert_eq!(world.rollout.candidate.requests, before.requests + 10);
}

#[test]
fn less_is_done_before_it_is_written_down_and_more_after() {
    assert!(
        done_first(&[Action::Write(Weight::ZERO)]) && done_first(&[Action::Retire]) && done_first(&[Action::Adopt])
    );
    assert!(!done_first(&[Action::Write(Weight::of(1))]));
}

#[test]
fn a_clock_that_went_back_does_not_keep_a_look_from_being_written_down() {
    let mut rollout = Rollout::new(plan());
    assert!(due(&rollout, 0), "nothing was written yet");
    let looked = |at| Looked {
        at,
        boot: String::new(),
        candidate: Counts::default(),
        stable: Counts::default(),
        weight: Weight::ZERO,
        probed: Probed::default(),
        slow_ms: None,
    };
    rollout.looked = Some(looked(10_000));
    let times = [9_999, 10_000, 11_999, 12_000, -3_590_000].map(|now| due(&rollout, now));
    assert_eq!(times, [true, false, false, true, true]);
}

#[test]
fn without_traffic_it_asks_both_itself_where_the_file_says_so() {
    let probes = Plan { undecided: Undecided::Probe, ..plan() };
    let mut world = World::new(probes.clone(), (0, 0, 0));
    world.run(620);
    assert_snapshot!(speech::rollout::waits(&world.rollout, "production"), @"Too little traffic to tell after 10 min, so Fairway asks both versions itself: 0 of 18 requests failed vs 0 of 18 on stable; 18 of them were Fairway's own. `/rollout production promote` goes on, `/rollout production abort` takes it back.");
    // 59 answers without a failure are enough, at each stage.
    assert_snapshot!(world.run(1_500), @r"
    0 s: 10 %
    660 s: 50 %
    1320 s: 100 %
    1622 s: Adopt
    live; 0 of 118 requests failed; 118 of them were Fairway's own
    ");
    // One that fails half of them is taken back, though nobody ever asked it.
    let mut world = World::new(probes, (0, 0, 500));
    assert_snapshot!(world.run(700), @r"
    0 s: 10 %
    619 s: 0 %
    620 s: Retire
    aborted at 10 % after 10 min: 9 of 18 requests failed vs 0 of 18 on stable; 18 of them were Fairway's own (evidence 161x, limit 100x)
    ");
}

#[test]
fn two_promotes_at_once_are_one_stage() {
    let mut world = World::new(plan(), (100, 0, 0));
    world.run(3);
    world.orders.extend([Steer::Promote, Steer::Promote]);
    assert_snapshot!(world.run(2), @r"
    0 s: 10 %
    3 s: 50 %
    50 % · 3 s · 0 bad
    ");
    // The next one is another stage, once the share is there.
    world.orders.push(Steer::Promote);
    assert!(world.run(1).contains("5 s: 100 %"), "{:?}", world.lines);
}

#[test]
fn the_first_version_has_all_or_nothing() {
    let whole = vec![Stage { weight: Weight::ALL, stay_ms: 0 }];
    let mut world = World::new(Plan { base: false, stages: whole, watch_ms: 0, ..plan() }, (100, 0, 0));
    world.orders.push(Steer::Weight(Weight::of(2_500)));
    world.tick();
    world.orders.push(Steer::Weight(Weight::of(5_000)));
    assert_snapshot!(world.run(9), @r"
    0 s: 100 %
    3 s: Adopt
    live; 0 of 300 requests failed
    ");
}

#[test]
fn once_it_is_written_down_that_it_stays_nobody_takes_it_back() {
    let mut world = World::new(plan(), (100, 0, 0));
    while world.rollout.phase != Phase::Ending(Outcome::Live) {
        world.tick();
    }
    assert!(!world.lines.iter().any(|line| line.contains("Adopt")), "first the row, then the deed: {:?}", world.lines);
    world.orders.push(Steer::Abort { reason: String::new(), by: "alice".into() });
    world.seen.health = Health::Failing(3);
    assert!(world.run(1).contains("Adopt"), "{:?}", world.lines);
    assert_eq!(world.rollout.ended(), Some(Outcome::Live));
}

#[test]
fn beside_a_stable_that_always_fails_nothing_goes_on_unasked() {
    // Nine requests a second are less than one of the candidate's.
    let mut world = World::new(plan(), (9, 1_000, 0));
    world.run(100);
    assert_eq!((world.rollout.here.requests, world.rollout.target), (0, Weight::of(1_000)));
}

#[test]
fn time_and_requests_on_the_way_to_a_share_do_not_count_for_it() {
    let mut world = World::new(plan(), (100, 0, 0));
    world.run(31);
    assert_eq!(world.rollout.target, Weight::of(1_000));
    // The share rises at this look; whoever should have done it is cut off, and nobody looks for a while.
    let (rollout, actions) = step(world.rollout.clone(), &[], &world.seen);
    assert_eq!(actions, [Action::Write(Weight::of(5_000))]);
    world.rollout = rollout;
    world.seen.now += 9_000;
    world.seen.candidate.requests += 90;
    world.tick();
    world.tick();
    assert_eq!((world.rollout.stayed_ms, world.rollout.here.requests), (0, 0));
}
