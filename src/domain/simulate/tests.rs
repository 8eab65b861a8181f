use super::rivals::{fisher, worse};
use super::*;
use crate::domain::rollout::{Counts, Outcome, Plan, Undecided, Weight, default_stages};
use crate::domain::speech::simulate as speech;

fn counts(bad: u64, requests: u64) -> Counts {
    Counts { requests, bad, slow: 0 }
}

fn setup(seed: u64) -> Setup {
    let plan = Plan {
        stages: default_stages(),
        stage_max_ms: 600_000,
        undecided: Undecided::Hold,
        watch_ms: 300_000,
        irreversible: false,
        hold_at: None,
        base: true,
        back: false,
        slow_ms: None,
    };
    Setup { plan, every_ms: 100, until_ms: 3_600_000, seed }
}

fn drawn(per_second: f64, stable_bad: f64, candidate_bad: f64) -> Drawn {
    Drawn { per_second, stable_bad, candidate_bad, from_ms: 0 }
}

fn told(played: &Played) -> String {
    let lines = played.marks.iter().map(|(at, mark)| {
        let (share, words) = speech::happened(mark);
        format!("{} s: {share}: {words}\n", at / 1_000)
    });
    lines.collect()
}

#[test]
fn a_healthy_one_is_played_to_its_end() {
    let played = play(&setup(1), &Traffic::Drawn(drawn(20.0, 0.0, 0.0)));
    insta::assert_snapshot!(told(&played), @r"
    0 s: 10 %: starts
    34 s: 50 %: goes on: 0 of 59 requests failed vs 0 of 579 on stable
    64 s: 100 %: goes on: 0 of 311 requests failed vs 0 of 298 on stable
    364 s: 100 %: live; 0 of 6,185 requests failed
    ");
    assert_eq!(played.rollout.ended(), Some(Outcome::Live));
    // A look every 100 ms, from the first to the last.
    let last = played.points.last().expect("it was looked at");
    assert_eq!(played.points.len() as i64, last.at_ms / 100 + 1);
}

#[test]
fn a_bad_one_is_taken_back_and_one_that_turns_bad_too() {
    let played = play(&setup(1), &Traffic::Drawn(drawn(20.0, 0.001, 0.2)));
    insta::assert_snapshot!(told(&played), @r"
    0 s: 10 %: starts
    6 s: 0 %: aborted at 10 % after 7 s: 3 of 9 requests failed vs 0 of 99 on stable (evidence 164x, limit 100x)
    ");
    let late = Drawn { from_ms: 120_000, ..drawn(20.0, 0.001, 0.2) };
    insta::assert_snapshot!(told(&play(&setup(1), &Traffic::Drawn(late))), @r"
    0 s: 10 %: starts
    30 s: 50 %: goes on: 0 of 64 requests failed vs 0 of 494 on stable
    60 s: 100 %: goes on: 0 of 284 requests failed vs 0 of 260 on stable
    124 s: 0 %: aborted at 100 % after 2 min 5 s: 17 of 1,212 requests failed vs 0 of 759 on stable (evidence 1,080x, limit 1000x)
    ");
}

#[test]
fn without_traffic_it_asks() {
    let setup = Setup { until_ms: 700_000, ..setup(1) };
    let played = play(&setup, &Traffic::Drawn(drawn(0.0, 0.0, 0.0)));
    insta::assert_snapshot!(told(&played), @r"
    0 s: 10 %: starts
    600 s: 10 %: holds and asks: undecided after 10 min, it has had no request yet
    ");
    insta::assert_snapshot!(speech::unfinished(&played.rollout), @"not over yet when the traffic ends: 10 % · 11 min · 0 bad");
}

#[test]
fn a_record_is_read_in_both_shapes() {
    let json = "{\"time\": 10, \"version\": \"stable\", \"total\": 900, \"bad\": 1}\n\n{\"time\": 10.5, \"version\": \"new\", \"total\": 100, \"bad\": 7}\n";
    let csv = "version, time, bad, total\r\nstable,10,1,900\nnew,10.5,7,100\n";
    let line = |at_ms, version: &str, total, bad| Line { at_ms, version: version.to_owned(), total, bad };
    let lines = vec![line(10_000, "stable", 900, 1), line(10_500, "new", 100, 7)];
    assert_eq!(parse(json), Ok(lines.clone()));
    assert_eq!(parse(csv), Ok(lines));
    for (text, wrong) in [
        ("", Trouble::Empty),
        ("\n \n", Trouble::Empty),
        ("time,version,total,bad\n", Trouble::Empty),
        ("time,version,total\n1,a,2\n", Trouble::Shape(1)),
        ("time,version,total,bad\n1,a,2,0\n1,a,-2,0", Trouble::Shape(3)),
        ("time,version,total,bad\n1,a,2", Trouble::Shape(2)),
        ("time,version,total,bad\nNaN,a,2,0", Trouble::Shape(2)),
        ("time,version,total,bad\n1e300,a,2,0", Trouble::Shape(2)),
        ("time,version,total,bad\n1,a,2,3", Trouble::TooBad(2)),
        ("{\"time\": 1}", Trouble::Shape(1)),
        ("{\"time\": 1, \"version\": \"a\", \"total\": 1, \"bad\": 1}\nnonsense", Trouble::Shape(2)),
    ] {
        assert_eq!(parse(text), Err(wrong), "{text:?}");
    }
}

#[test]
fn a_record_says_how_many_come_and_how_often_each_version_fails() {
    let text = "time,version,total,bad\n1700000010,stable,900,9\n1700000020,stable,990,0\n1700000020,new,10,5\n1700000030,stable,800,8\n";
    let traffic = Traffic::Recorded(Recorded::new(&parse(text).expect("a record"), "new"));
    assert_eq!(traffic.ends(), Some(30_000));
    let mut dice = crate::domain::dice::Dice::new(1);
    let mut between = |from, to, weight| traffic.between((from, to), Weight::of(weight), &mut dice);
    let ten: u64 = (0..100).map(|i| between(10_000 + i * 100, 10_100 + i * 100, 0).0.requests).sum();
    assert_eq!(ten, 1_000, "no request is lost between two looks");
    let (stable, candidate) = between(10_000, 20_000, 10_000);
    assert_eq!((stable, candidate.requests), (Counts::default(), 1_000));
    assert!((400..600).contains(&candidate.bad), "half of them: {candidate:?}");
    // Where the new version is not counted, it fails as it did before; until then, as stable.
    let (_, candidate) = between(20_000, 30_000, 10_000);
    assert!(candidate.requests == 800 && candidate.bad > 300, "{candidate:?}");
    let (_, candidate) = between(0, 10_000, 10_000);
    assert!(candidate.requests == 900 && candidate.bad < 40, "{candidate:?}");
    assert_eq!(between(30_000, 40_000, 5_000), (Counts::default(), Counts::default()));
}

#[test]
fn the_other_judges_compute_what_textbooks_do() {
    // Fisher's tea: three of four and one of four.
    assert!((fisher(counts(3, 4), counts(1, 4)) - 17.0 / 70.0).abs() < 1e-9);
    assert!((fisher(counts(0, 10), counts(5, 10)) - 1.0).abs() < 1e-9);
    assert!((fisher(counts(2, 2), counts(0, 98)) - 1.0 / 4950.0).abs() < 1e-9);
    // Two even priors are as likely either way; one failure in one against nothing known: 2/3.
    assert!((worse(counts(0, 0), counts(0, 0)) - 0.5).abs() < 1e-9);
    assert!((worse(counts(1, 1), counts(0, 0)) - 2.0 / 3.0).abs() < 1e-9);
    assert!((worse(counts(30, 100), counts(30, 100)) - 0.5).abs() < 1e-6);
    assert!(worse(counts(40, 100), counts(10, 100)) > 0.999);
}

/// The orders of the table, on few runs: who cries wolf, and who finds what.
#[test]
fn the_judges_stand_as_the_table_says() {
    let row = |per_second: f64, name: &str| {
        let case = cases().into_iter().find(|case| case.per_second == per_second && case.name == name);
        compare(case.expect("a case of the table"), 200, 5).cells
    };
    let (quiet, busy) = (row(0.1, "healthy .5 %"), row(1.0, "healthy 2 %"));
    for cells in [&quiet, &busy, &row(10.0, "healthy 2 %")] {
        assert!(cells[7].ended <= 0.01, "E >= 100 ends healthy ones: {cells:?}");
        assert!(cells[6].ended <= 0.05, "E >= 20 ends healthy ones: {cells:?}");
    }
    assert!(quiet[0].ended > 0.95, "Flagger ends what has no data: {quiet:?}");
    assert!(busy[5].ended > busy[4].ended && busy[4].ended > 0.05, "peeking ends healthy ones: {busy:?}");
    let (little, much) = (row(0.1, "x20 (10 %)"), row(1.0, "x20 (10 %)"));
    assert!(little[7].ended < little[6].ended && little[6].ended < little[4].ended, "the price: {little:?}");
    assert!(much[7].ended > 0.98 && much[7].minute <= Some(8), "{much:?}");
    let missed = row(10.0, "x5 (2.5 %)");
    assert!(missed[3].ended < 0.05 && missed[7].ended > 0.95, "Argo misses what ours finds: {missed:?}");
    for cells in [row(0.1, "outage"), row(10.0, "outage")] {
        assert!(cells.iter().all(|cell| cell.ended > 0.95), "an outage is found by all: {cells:?}");
    }
}
