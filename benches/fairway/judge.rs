//! 7: the judge, in simulated time: how often it takes a good version back, how soon a bad one, and what a look costs.

use std::time::Instant;

use fairway::domain::rollout::{
    Counts, Health, Observation, Outcome, Phase, Plan, Probed, Rollout, Undecided, Weight, default_stages, step,
};
use fairway::domain::simulate::{Drawn, Played, Setup, Traffic, play};

use crate::load::percentile;
use crate::report::{Goal, Report};

const ROLLOUTS: u64 = 10_000;
/// Of each kind that is to be found.
const BAD: u64 = 1_000;
const LOOKS: u32 = 1_000_000;

/// Measures all of it.
pub fn measure(report: &mut Report) {
    healthy(report);
    bad(report);
    late(report);
    for (what, bad) in [("no failed request", 0), ("100 of 10,000 failed", 100), ("5,000 of 1,000,000 failed", 5_000)] {
        cost(report, what, bad);
    }
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

/// Plays so many, each with a seed of its own, one a core.
fn played(count: u64, drawn: &Drawn, plan: &Plan) -> Vec<Played> {
    let play = |seed| {
        let setup = Setup { plan: plan.clone(), every_ms: 100, until_ms: 900_000, seed };
        let mut played = play(&setup, &Traffic::Drawn(drawn.clone()));
        // Ten thousand times the looks of ten minutes would not fit into memory.
        played.points.clear();
        played.points.shrink_to_fit();
        played
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|half| scope.spawn(move || (0..count).filter(|s| s % 2 == half).map(play).collect::<Vec<_>>()))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("it plays")).collect()
    })
}

fn aborted(played: &Played) -> bool {
    matches!(played.rollout.phase, Phase::Ending(Outcome::AbortedAuto) | Phase::Done(Outcome::AbortedAuto))
}

/// Candidates exactly as good as stable, at several rates of traffic and of failures.
fn healthy(report: &mut Report) {
    let (mut all, mut wrong) = (0, 0);
    for per_second in [1.0, 10.0, 100.0, 200.0] {
        for bad in [0.001, 0.01] {
            let drawn = Drawn { per_second, stable_bad: bad, candidate_bad: bad, from_ms: 0 };
            let some = played(ROLLOUTS / 8, &drawn, &plan());
            let here = some.iter().filter(|played| aborted(played)).count();
            println!("  {per_second} requests/s, {} % fail: {here} of {} taken back", bad * 100.0, some.len());
            all += some.len();
            wrong += here;
        }
    }
    let percent = wrong as f64 * 100.0 / all as f64;
    report.row(format!("{all} healthy rollouts, judged every 100 ms: taken back"), (percent, "%"), Goal::Below(1.0));
}

/// The case: one of ten fails beside one of a thousand, at 10 requests a second and 10 %, held there.
fn bad(report: &mut Report) {
    let drawn = Drawn { per_second: 10.0, stable_bad: 0.001, candidate_bad: 0.1, from_ms: 0 };
    let held = Plan { hold_at: Some(Weight::of(1_000)), ..plan() };
    for (what, plan) in [("held at 10 %", held), ("through the default stages", plan())] {
        let played = played(BAD, &drawn, &plan);
        let what = format!("10 % failing beside 0.1 %, 10 requests/s, {what}");
        times(report, &what, (&played, 0), Goal::Below(45.0));
    }
}

/// As good as stable until it has had everything for half a minute; then one of ten fails.
fn late(report: &mut Report) {
    let stay: i64 = default_stages().iter().map(|stage| stage.stay_ms).sum();
    let from_ms = stay + 30_000;
    let drawn = Drawn { per_second: 10.0, stable_bad: 0.001, candidate_bad: 0.1, from_ms };
    let played = played(BAD, &drawn, &plan());
    times(report, "10 % failing from half a minute after 100 % on", (&played, from_ms), Goal::Told);
}

fn times(report: &mut Report, what: &str, (played, from_ms): (&[Played], i64), goal: Goal) {
    let taken: Vec<&Played> = played.iter().filter(|played| aborted(played)).collect();
    let mut seconds: Vec<f64> =
        taken.iter().filter_map(|played| Some((played.rollout.failed_at? - from_ms) as f64 / 1_000.0)).collect();
    seconds.sort_by(f64::total_cmp);
    let share = taken.len() as f64 * 100.0 / played.len() as f64;
    report.row(format!("{what}: taken back, of {}", played.len()), (share, "%"), Goal::Least(99.0));
    report.row(format!("{what}: p50, simulated"), (percentile(&seconds, 0.5), "s"), goal);
    report.row(format!("{what}: p90, simulated"), (percentile(&seconds, 0.9), "s"), Goal::Told);
}

/// One whole look, with everything that is decided at it, where a stage could be left and is not.
fn cost(report: &mut Report, what: &str, bad: u64) {
    let requests = if bad > 1_000 { 1_000_000 } else { 10_000 };
    let counts = Counts { requests, bad, slow: 0 };
    let mut rollout = Rollout::new(plan());
    let mut seen = Observation {
        now: 0,
        weight: Some(Weight::ZERO),
        boot: "1".into(),
        health: Health::Ready,
        candidate: Counts::default(),
        stable: Counts::default(),
        probed: Probed::default(),
        slow_ms: None,
    };
    rollout = step(rollout, &[], &seen).0;
    seen.weight = Some(Weight::of(1_000));
    seen.now = 100;
    rollout = step(rollout, &[], &seen).0;
    (seen.candidate, seen.stable, seen.now) = (counts, Counts { requests: requests * 9, bad: bad * 9, slow: 0 }, 200);
    rollout = step(rollout, &[], &seen).0;
    assert_eq!((rollout.phase.clone(), rollout.here), (Phase::Baking, counts), "it is being judged");
    seen.now = 300;
    let begin = Instant::now();
    for _ in 0..LOOKS {
        let (after, actions) = step(std::hint::black_box(rollout.clone()), &[], std::hint::black_box(&seen));
        std::hint::black_box((after, actions));
    }
    let micros = begin.elapsed().as_secs_f64() * 1e6 / f64::from(LOOKS);
    report.row(format!("one look, {what}"), (micros, "us"), Goal::Below(10.0));
}
