use insta::assert_snapshot;
use proptest::prelude::*;

use super::spread::Times;
use super::*;
use crate::domain::speech::metrics::{Goals, show};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const SPAN: Span = Span { since_ms: 0, until_ms: 10 * DAY };

/// A rollout that went well: built a minute after its command, with traffic then, at 100 % after three.
fn live(id: i64, at: i64) -> RolloutRow {
    RolloutRow {
        id,
        repository: "acme/shop".to_owned(),
        service: "shop".to_owned(),
        environment: "production".to_owned(),
        sha: format!("{id:040x}"),
        base_sha: Some(format!("{:040x}", id - 1)),
        commits_known: true,
        accepted_at: at,
        build_done_at: Some(at + MINUTE),
        first_traffic_at: Some(at + MINUTE),
        full_at: Some(at + 3 * MINUTE),
        ended_at: Some(at + 3 * MINUTE),
        outcome: Some(Outcome::Live),
        max_weight: 10_000,
        ..RolloutRow::default()
    }
}

/// One that was taken back two minutes after its command, at 10 %.
fn aborted(id: i64, at: i64) -> RolloutRow {
    RolloutRow {
        full_at: None,
        ended_at: Some(at + 2 * MINUTE),
        outcome: Some(Outcome::AbortedAuto),
        max_weight: 1_000,
        detected_at: Some(at + MINUTE + 40_000),
        decided_at: Some(at + MINUTE + 41_000),
        restored_at: Some(at + 2 * MINUTE),
        exposure_weight_minutes: 0.1,
        exposure_bad: 4,
        decision: Some("aborted at 10 % after 41 s".to_owned()),
        ..live(id, at)
    }
}

fn commit(rollout: i64, sha: &str, at: i64, pull: Option<i64>) -> CommitRow {
    CommitRow { rollout, sha: sha.to_owned(), committed_at: at, parents: 1, pull, message: String::new() }
}

fn own(sha: &str, at: i64) -> OwnCommit {
    OwnCommit { sha: sha.to_owned(), authored_at: at, committed_at: at, parents: 1 }
}

fn pull(number: i64, opened_at: i64, merged_at: Option<i64>) -> PullRow {
    let head = format!("work-{number}");
    PullRow { repository: "acme/shop".to_owned(), number, head, opened_at, merged_at, ..PullRow::default() }
}

fn service(input: &Input) -> Service {
    let mut metrics = measure(input, SPAN);
    assert_eq!(metrics.services.len(), 1);
    metrics.services.remove(0)
}

fn rollouts(rollouts: Vec<RolloutRow>) -> Input {
    Input { rollouts, ..Input::default() }
}

/// The five, each in a few characters.
fn five(input: &Input) -> String {
    let of = service(input);
    let spread = |spread: &Spread| match spread.p50 {
        Some(p50) => format!("{} s (n {}, excluded {})", p50, spread.n, spread.excluded),
        None => format!("- (excluded {})", spread.excluded),
    };
    let rate = |rate: &Rate| format!("{}/{}", rate.part, rate.whole);
    format!(
        "deployments {}, lead {}, failed {}, recovery {}, open {}, rework {}",
        of.deployments,
        spread(&of.lead_time.commit_to_live),
        rate(&of.change_fail),
        spread(&of.recovery.whole),
        of.recovery.open.len(),
        rate(&of.rework)
    )
}

#[test]
fn percentiles_are_interpolated_and_negative_times_excluded() {
    let spread = |times: &[i64]| {
        let mut all = Times::default();
        times.iter().for_each(|ms| all.add(0, *ms));
        all.spread()
    };
    assert_eq!(spread(&[]), Spread { n: 0, p50: None, p90: None, excluded: 0 });
    assert_eq!(spread(&[7_000]), Spread { n: 1, p50: Some(7.0), p90: Some(7.0), excluded: 0 });
    assert_eq!(spread(&[4_000, 1_000, -1, 2_000, 3_000]), Spread { n: 4, p50: Some(2.5), p90: Some(3.7), excluded: 1 });
    assert_eq!(spread(&[0, 1_000_000]), Spread { n: 2, p50: Some(500.0), p90: Some(900.0), excluded: 0 });
}

#[test]
fn a_change_that_goes_well() {
    let input = Input {
        rollouts: vec![live(1, HOUR)],
        commits: vec![commit(1, "a1", HOUR - 7 * MINUTE, Some(5)), commit(1, "a2", HOUR - MINUTE, Some(5))],
        pulls: vec![pull(5, HOUR - 6 * MINUTE, Some(HOUR - 30_000))],
        ..Input::default()
    };
    assert_snapshot!(five(&input), @"deployments 1, lead 420 s (n 2, excluded 0), failed 0/1, recovery - (excluded 0), open 0, rework 0/1");
    let of = service(&input);
    assert_eq!((of.lead_time.merge_to_live.p50, of.lead_time.command_to_live.p50), (Some(210.0), Some(180.0)));
    assert_eq!((of.deployments_per_day, of.pulls_per_week), (Some(0.1), Some(0.7)));
    let deploy = of.deploy_time;
    let p50 = [deploy.build, deploy.after_build, deploy.to_traffic, deploy.to_full].map(|spread| spread.p50);
    assert_eq!(p50, [Some(60.0), Some(120.0), Some(60.0), Some(180.0)]);
}

#[test]
fn no_deployments_are_no_number() {
    let flight = RolloutRow { full_at: None, ended_at: None, outcome: None, ..live(1, HOUR) };
    let input = rollouts(vec![flight, live(2, 20 * DAY)]);
    assert_snapshot!(five(&input), @"deployments 0, lead - (excluded 0), failed 0/0, recovery - (excluded 0), open 0, rework 0/0");
    let of = service(&input);
    assert_eq!((of.change_fail.share, of.rework.share, of.deployments_per_day), (None, None, None));
    assert_eq!((of.deploy_fail.share, of.pulls_per_week), (None, None));
}

#[test]
fn a_canary_that_is_taken_back_is_a_failure_and_its_commits_wait() {
    let input = Input {
        rollouts: vec![aborted(1, HOUR), live(2, 3 * HOUR)],
        commits: vec![
            commit(1, "bad", HOUR - MINUTE, None),
            commit(2, "bad", HOUR - MINUTE, None),
            commit(2, "fix", 3 * HOUR - MINUTE, None),
        ],
        ..Input::default()
    };
    assert_snapshot!(five(&input), @"deployments 1, lead 3840 s (n 2, excluded 0), failed 1/2, recovery 60 s (n 1, excluded 0), open 0, rework 0/1");
    let of = service(&input);
    let p50 = [of.recovery.detect, of.recovery.decide, of.recovery.restore].map(|spread| spread.p50);
    assert_eq!(p50, [Some(40.0), Some(1.0), Some(19.0)]);
    assert_eq!((of.exposure_weight_minutes, of.exposure_bad), (0.1, 4));
}

#[test]
fn two_services_in_one_repository_are_two() {
    let worker = RolloutRow { service: "worker".to_owned(), ..aborted(2, HOUR) };
    let staging = RolloutRow { environment: "staging".to_owned(), ..live(3, HOUR) };
    let metrics = measure(&rollouts(vec![worker, live(1, HOUR), staging]), SPAN);
    let rows = metrics
        .services
        .iter()
        .map(|of| format!("{} {}: {} of {}", of.service, of.environment, of.change_fail.part, of.change_fail.whole));
    assert_eq!(
        rows.collect::<Vec<_>>(),
        ["shop production: 0 of 1", "shop staging: 0 of 1", "worker production: 1 of 1"]
    );
}

#[test]
fn superseded_midway_is_neither_live_nor_failed() {
    let superseded =
        RolloutRow { full_at: None, outcome: Some(Outcome::Superseded), max_weight: 1_000, ..live(1, HOUR) };
    let input = Input {
        rollouts: vec![superseded, live(2, 2 * HOUR)],
        commits: vec![commit(1, "a", HOUR, None), commit(2, "a", HOUR, None)],
        ..Input::default()
    };
    assert_snapshot!(five(&input), @"deployments 1, lead 3780 s (n 1, excluded 0), failed 0/2, recovery - (excluded 0), open 0, rework 0/1");
}

#[test]
fn a_rollback_takes_back_once_and_is_no_deployment() {
    let back = RolloutRow { kind: Kind::Rollback, rollback_of: Some(2), ..live(3, 5 * HOUR) };
    let input = rollouts(vec![live(1, HOUR), live(2, 4 * HOUR), back]);
    // Failed when it was told to go back, restored when the old version was at 100 %.
    assert_snapshot!(five(&input), @"deployments 2, lead - (excluded 0), failed 1/2, recovery 180 s (n 1, excluded 0), open 0, rework 0/2");
}

#[test]
fn a_rollback_of_a_rollback_is_the_same_one_failure() {
    let back = RolloutRow { kind: Kind::Rollback, rollback_of: Some(2), ..live(3, 5 * HOUR) };
    let forth = RolloutRow { kind: Kind::Rollback, rollback_of: Some(3), ..live(4, 6 * HOUR) };
    let input = rollouts(vec![live(1, HOUR), live(2, 4 * HOUR), back, forth]);
    assert_snapshot!(five(&input), @"deployments 2, lead - (excluded 0), failed 1/2, recovery 180 s (n 1, excluded 0), open 0, rework 0/2");
}

#[test]
fn a_redeploy_of_the_same_commit_is_no_deployment() {
    let marked = RolloutRow { kind: Kind::Redeploy, ..live(2, 2 * HOUR) };
    let same = live(1, HOUR);
    let unmarked = RolloutRow { id: 3, base_sha: Some(same.sha.clone()), accepted_at: 3 * HOUR, ..same.clone() };
    let config = RolloutRow { id: 4, kind: Kind::Config, ..unmarked.clone() };
    let input = Input {
        rollouts: vec![same, marked, unmarked, config],
        commits: vec![commit(1, "a", HOUR, None), commit(2, "a", HOUR, None)],
        ..Input::default()
    };
    // The first and the change of configuration; all four had traffic.
    assert_snapshot!(five(&input), @"deployments 2, lead 180 s (n 1, excluded 0), failed 0/4, recovery - (excluded 0), open 0, rework 0/4");
}

#[test]
fn a_hotfix_that_fails_too_leaves_the_failure_open_until_one_works() {
    let bad = RolloutRow { pull: Some(7), ..live(1, HOUR) };
    let told = Later { failed_at: 2 * HOUR, by: By::Incident };
    let failed = RolloutRow { later: Some(told), ..bad.clone() };
    let first_fix = RolloutRow { kind: Kind::Hotfix, fixes: Some(7), ..aborted(2, 3 * HOUR) };
    let second_fix = RolloutRow { kind: Kind::Hotfix, fixes: Some(7), ..live(3, 4 * HOUR) };
    let open = rollouts(vec![failed.clone(), first_fix.clone()]);
    assert_snapshot!(five(&open), @"deployments 1, lead - (excluded 0), failed 2/2, recovery 60 s (n 1, excluded 0), open 1, rework 0/1");
    let closed = rollouts(vec![failed, first_fix, second_fix.clone()]);
    assert_eq!(service(&closed).recovery.whole.p90, Some(0.9 * (2.0 * 3600.0 + 180.0 - 60.0) + 60.0));
    assert_snapshot!(five(&closed), @"deployments 2, lead - (excluded 0), failed 2/3, recovery 3720 s (n 2, excluded 0), open 0, rework 1/2");
    // Without an incident the fix itself tells which one failed.
    let untold = rollouts(vec![bad, second_fix]);
    assert_snapshot!(five(&untold), @"deployments 2, lead - (excluded 0), failed 1/2, recovery 180 s (n 1, excluded 0), open 0, rework 1/2");
}

#[test]
fn an_incident_after_the_next_deploy_blames_the_one_that_it_names() {
    let failed_at = 6 * HOUR;
    let first = RolloutRow {
        later: Some(Later { failed_at, by: By::Incident }),
        detected_at: Some(failed_at + MINUTE),
        restored_at: Some(failed_at + 10 * MINUTE),
        ..live(1, HOUR)
    };
    let input = rollouts(vec![first, live(2, 5 * HOUR)]);
    assert_snapshot!(five(&input), @"deployments 2, lead - (excluded 0), failed 1/2, recovery 600 s (n 1, excluded 0), open 0, rework 0/2");
    let late = RolloutRow {
        later: Some(Later { failed_at: 3 * MINUTE + FAILURE_WINDOW_MS + 1, by: By::Incident }),
        ..live(1, 0)
    };
    assert_eq!(service(&rollouts(vec![late])).change_fail.part, 0, "more than 72 hours later nobody is blamed");
}

#[test]
fn each_rollout_fails_once_however_much_speaks_against_it() {
    let bad =
        RolloutRow { pull: Some(7), later: Some(Later { failed_at: 2 * HOUR, by: By::Incident }), ..live(1, HOUR) };
    let fix = RolloutRow { kind: Kind::Hotfix, fixes: Some(7), pull: Some(8), ..live(2, 3 * HOUR) };
    let back = RolloutRow { kind: Kind::Rollback, rollback_of: Some(1), ..live(3, 4 * HOUR) };
    let revert = PullRow { title: "Reverts #7".to_owned(), ..pull(8, 3 * HOUR, Some(3 * HOUR)) };
    let input = Input { pulls: vec![revert], ..rollouts(vec![bad, fix, back]) };
    assert_snapshot!(five(&input), @"deployments 2, lead - (excluded 0), failed 1/2, recovery 3780 s (n 1, excluded 0), open 0, rework 1/2");
}

#[test]
fn a_revert_counts_when_it_is_live_and_not_before() {
    let bad = RolloutRow { pull: Some(7), ..live(1, HOUR) };
    let revert = PullRow { body: "Reverts acme/shop#7.".to_owned(), ..pull(8, 90 * MINUTE, Some(2 * HOUR)) };
    let merged = Input { pulls: vec![pull(7, 0, Some(HOUR)), revert], ..rollouts(vec![bad]) };
    assert_snapshot!(five(&merged), @"deployments 1, lead - (excluded 0), failed 0/1, recovery - (excluded 0), open 0, rework 0/1");
    let mut aborted_too = merged.clone();
    aborted_too.rollouts.push(RolloutRow { pull: Some(8), ..aborted(2, 3 * HOUR) });
    assert_snapshot!(five(&aborted_too), @"deployments 1, lead - (excluded 0), failed 1/2, recovery 60 s (n 1, excluded 0), open 0, rework 0/1");
    let mut deployed = merged;
    deployed.rollouts.push(RolloutRow { pull: Some(8), ..live(2, 3 * HOUR) });
    // From the opening of the revert to its 100 %.
    assert_snapshot!(five(&deployed), @"deployments 2, lead - (excluded 0), failed 1/2, recovery 5580 s (n 1, excluded 0), open 0, rework 1/2");
}

#[test]
fn how_a_revert_or_a_hotfix_is_known() {
    let bad = "00000000000000000000000000000000000000aa";
    let rework = |mending: PullRow| {
        let first = RolloutRow { pull: Some(7), sha: bad.to_owned(), ..live(1, HOUR) };
        let second = RolloutRow { pull: Some(mending.number), ..live(2, 3 * HOUR) };
        let of = service(&Input { pulls: vec![mending], ..rollouts(vec![first, second]) });
        (of.change_fail.part, of.rework.part)
    };
    let with = |title: &str, body: &str, head: &str, label: &str| {
        let labels = vec![label.to_owned()];
        rework(PullRow {
            title: title.to_owned(),
            body: body.to_owned(),
            head: head.to_owned(),
            labels,
            ..pull(8, 2 * HOUR, None)
        })
    };
    assert_eq!(with("Mend it", "", "work", ""), (0, 0));
    assert_eq!(with("Revert \"x\"", "Reverts #7", "work", ""), (1, 1));
    assert_eq!(with("", &format!("This reverts commit {bad}."), "work", ""), (1, 1));
    assert_eq!(with("", "This reverts commit 00000000000000000000000000000000000000ab.", "work", ""), (0, 0));
    assert_eq!(with("", "", "revert-7-work", ""), (1, 1));
    assert_eq!(with("", "Reverts other/shop#7, reverts #70, Reverts", "revert-x", ""), (0, 0));
    // A hotfix says that there was something to mend, and not what.
    assert_eq!(with("", "", "hotfix/door", ""), (0, 1));
    assert_eq!(with("", "", "work", "Hotfix"), (0, 1));
    assert_eq!(with("", "", "hotfixes-in-general", ""), (0, 0));
}

#[test]
fn the_revert_of_a_canary_that_was_taken_back_is_rework_and_blames_nobody_else() {
    let innocent = RolloutRow { pull: Some(6), ..live(1, HOUR) };
    let bad = RolloutRow { pull: Some(7), ..aborted(2, 2 * HOUR) };
    let revert = PullRow { head: "fairway/revert-7-abc1234".to_owned(), ..pull(8, 3 * HOUR, Some(3 * HOUR)) };
    let input = Input {
        pulls: vec![revert],
        ..rollouts(vec![innocent, bad, RolloutRow { pull: Some(8), ..live(3, 4 * HOUR) }])
    };
    assert_snapshot!(five(&input), @"deployments 2, lead - (excluded 0), failed 1/3, recovery 60 s (n 1, excluded 0), open 0, rework 1/2");
}

#[test]
fn a_revert_that_was_pushed_without_a_pull_request_is_one_too() {
    let bad = live(1, HOUR);
    let message = says_revert(&format!("Revert it\n\nThis reverts commit {}.\nSigned-off-by: bob", bad.sha));
    assert_eq!(message, format!("This reverts commit {}.", bad.sha));
    let input = Input {
        commits: vec![CommitRow { message, ..commit(2, "r", 2 * HOUR, None) }],
        ..rollouts(vec![bad, live(2, 3 * HOUR)])
    };
    assert_snapshot!(five(&input), @"deployments 2, lead 3780 s (n 1, excluded 0), failed 1/2, recovery 180 s (n 1, excluded 0), open 0, rework 1/2");
}

#[test]
fn a_rollback_that_says_that_nothing_failed_blames_nobody() {
    let back = RolloutRow { kind: Kind::Rollback, rollback_of: Some(1), not_a_failure: true, ..live(2, 5 * HOUR) };
    let warm = RolloutRow {
        not_a_failure: true,
        later: Some(Later { failed_at: 7 * HOUR, by: By::Rollback }),
        ..live(3, 6 * HOUR)
    };
    let input = rollouts(vec![live(1, HOUR), back, warm]);
    assert_snapshot!(five(&input), @"deployments 2, lead - (excluded 0), failed 0/2, recovery - (excluded 0), open 0, rework 0/2");
}

#[test]
fn who_queued_behind_a_canary_could_not_know_that_it_fails() {
    // Typed while the canary had traffic, before anybody had decided anything.
    let input = rollouts(vec![aborted(1, HOUR), live(2, HOUR + MINUTE + 20_000)]);
    assert_snapshot!(five(&input), @"deployments 1, lead - (excluded 0), failed 1/2, recovery 60 s (n 1, excluded 0), open 0, rework 0/1");
}

#[test]
fn what_begins_while_a_failure_is_open_is_rework() {
    let bad = RolloutRow {
        later: Some(Later { failed_at: 2 * HOUR, by: By::Incident }),
        restored_at: Some(4 * HOUR),
        ..live(1, HOUR)
    };
    let input = rollouts(vec![bad, live(2, 3 * HOUR), live(3, 5 * HOUR)]);
    assert_snapshot!(five(&input), @"deployments 3, lead - (excluded 0), failed 1/3, recovery 7200 s (n 1, excluded 0), open 0, rework 1/3");
}

#[test]
fn an_unknown_base_leaves_lead_time_out_and_is_counted() {
    let forced = RolloutRow { commits_known: false, ..live(2, 2 * HOUR) };
    let first = RolloutRow { base_sha: None, ..live(1, HOUR) };
    let input = Input {
        rollouts: vec![first, forced],
        commits: vec![commit(1, "a", 0, None), commit(2, "b", 0, None)],
        ..Input::default()
    };
    let lead = service(&input).lead_time;
    assert_eq!((lead.commit_to_live.n, lead.base_unknown, lead.command_to_live.n), (0, 2, 2));
}

#[test]
fn an_unmerged_branch_is_out_of_merge_to_live_only() {
    let unmerged = RolloutRow { pull: Some(5), ..live(1, HOUR) };
    let input = Input {
        rollouts: vec![unmerged, RolloutRow { pull: Some(6), ..live(2, 2 * HOUR) }],
        commits: vec![commit(1, "a", 0, Some(5)), commit(2, "b", 0, Some(6))],
        // The second was merged after it was live, which is no time that it took.
        pulls: vec![pull(5, 0, None), pull(6, 0, Some(4 * HOUR))],
        ..Input::default()
    };
    let lead = service(&input).lead_time;
    assert_eq!((lead.commit_to_live.n, lead.merge_to_live.n, lead.merge_to_live.excluded), (2, 0, 1));
}

#[test]
fn a_branch_that_was_live_before_its_squash_is_counted_once_by_each_clock() {
    let squashed = PullRow { commits: vec![own("p1", 0), own("p2", 0)], ..pull(5, 0, Some(90 * MINUTE)) };
    let input = Input {
        rollouts: vec![RolloutRow { pull: None, ..live(1, HOUR) }, RolloutRow { pull: Some(5), ..live(2, 2 * HOUR) }],
        commits: vec![
            commit(1, "p1", 0, None),
            commit(1, "p2", 0, None),
            commit(2, "squash", 90 * MINUTE, Some(5)),
            commit(2, "new", 90 * MINUTE, None),
        ],
        pulls: vec![squashed],
        ..Input::default()
    };
    let lead = service(&input).lead_time;
    assert_eq!((lead.commit_to_live.n, lead.commit_to_live.p50), (3, Some(63.0 * 60.0)));
    assert_eq!((lead.merge_to_live.n, lead.merge_to_live.p50), (1, Some(33.0 * 60.0)));
}

#[test]
fn a_squash_counts_by_its_own_commits_and_a_merge_not_at_all() {
    let squashed = PullRow { commits: vec![own("p1", 0), own("p2", HOUR)], ..pull(5, 0, Some(90 * MINUTE)) };
    let kept = PullRow { commits: vec![own("q1", HOUR)], ..pull(6, 0, Some(90 * MINUTE)) };
    let merge = CommitRow { parents: 2, ..commit(1, "m", 90 * MINUTE, Some(6)) };
    let input = Input {
        rollouts: vec![live(1, 2 * HOUR)],
        commits: vec![commit(1, "squash", 90 * MINUTE, Some(5)), commit(1, "q1", HOUR, Some(6)), merge],
        pulls: vec![squashed, kept],
        ..Input::default()
    };
    let lead = service(&input).lead_time.commit_to_live;
    assert_eq!((lead.n, lead.p50), (3, Some(63.0 * 60.0)));
}

#[test]
fn a_commit_counts_for_its_first_time_only_and_when_clocks_lie_not_at_all() {
    let back = RolloutRow { kind: Kind::Rollback, rollback_of: Some(1), ..live(2, 2 * HOUR) };
    let commits = vec![
        commit(1, "a", 0, None),
        commit(2, "old", 0, None),
        commit(3, "a", 0, None),
        commit(3, "from the future", 9 * DAY, None),
    ];
    let input = Input { rollouts: vec![live(3, 3 * HOUR), back, live(1, HOUR)], commits, ..Input::default() };
    let lead = service(&input).lead_time.commit_to_live;
    assert_eq!((lead.n, lead.p50, lead.excluded), (1, Some(63.0 * 60.0), 1));
    // Before the span it was live already, so within the span it is nothing new.
    let later = Span { since_ms: 2 * HOUR, until_ms: DAY };
    assert_eq!(measure(&input, later).services[0].lead_time.commit_to_live.n, 0);
}

#[test]
fn before_traffic_by_hand_and_by_mistake() {
    let never = RolloutRow {
        first_traffic_at: None,
        full_at: None,
        outcome: Some(Outcome::FailedBeforeTraffic),
        ..live(1, HOUR)
    };
    let by_hand = RolloutRow { outcome: Some(Outcome::AbortedManual), ..aborted(2, 2 * HOUR) };
    let excused = RolloutRow { not_a_failure: true, id: 3, ..by_hand.clone() };
    let cancelled = RolloutRow { first_traffic_at: None, outcome: Some(Outcome::Cancelled), ..aborted(4, HOUR) };
    let of = service(&rollouts(vec![never, by_hand, excused, cancelled]));
    assert_eq!((of.change_fail.part, of.change_fail.whole), (1, 2));
    assert_eq!((of.deploy_fail.part, of.deploy_fail.whole), (1, 3));
}

fn run(sha: &str, check: &str, attempt: u32, [created, started, completed]: [i64; 3], passed: bool) -> RunRow {
    RunRow {
        repository: "acme/shop".to_owned(),
        sha: sha.to_owned(),
        check: check.to_owned(),
        attempt,
        required: true,
        created_at: created,
        started_at: Some(started),
        completed_at: Some(completed),
        passed,
        stopped: false,
    }
}

#[test]
fn ci_time_is_from_the_first_to_the_last_of_what_is_required() {
    let extra = RunRow { required: false, ..run("a", "docs", 1, [0, 0, DAY], true) };
    let unfinished = RunRow { completed_at: None, ..run("b", "test", 1, [0, 0, 0], false) };
    let runs = vec![
        run("a", "lint", 1, [1_000, 10_000, 40_000], true),
        run("a", "test", 1, [1_000, 12_000, 100_000], false),
        run("a", "test", 2, [300_000, 300_000, 400_000], true),
        extra,
        unfinished,
        RunRow { stopped: true, ..run("c", "test", 1, [0, 1_000, 2_000], false) },
    ];
    let ci = measure(&Input { runs, ..Input::default() }, SPAN).repositories[0].ci;
    assert_eq!((ci.whole.p50, ci.whole.n, ci.whole.excluded), (Some(100.0), 1, 2));
    assert_eq!((ci.queue.p50, ci.queue.n, ci.run.p50), (Some(1.0), 3, Some(90.0)));
    assert_eq!((ci.rerun, ci.flaky), (Rate::of(1, 5), Rate::of(1, 5)));
}

#[test]
fn reviews_are_by_others_and_after_they_were_asked_for() {
    let review = |at, by_another_human, approved| ReviewRow { at, by_another_human, approved };
    let reviewed = PullRow {
        ready_at: Some(HOUR),
        review_requested_at: Some(2 * HOUR),
        reviews: Some(vec![
            review(HOUR, true, false),
            review(3 * HOUR, false, true),
            review(4 * HOUR, true, false),
            review(5 * HOUR, true, true),
        ]),
        commits: vec![OwnCommit { authored_at: -30 * MINUTE, ..own("a", 0) }, own("b", MINUTE)],
        ..pull(1, 0, None)
    };
    let too_early =
        PullRow { ready_at: Some(HOUR), reviews: Some(vec![review(MINUTE, true, false)]), ..pull(2, 0, None) };
    let alone = PullRow { reviews: Some(vec![review(MINUTE, false, false)]), ..pull(3, 0, None) };
    let unknown = pull(4, 0, None);
    let draft = PullRow { draft: true, reviews: Some(vec![review(MINUTE, true, false)]), ..pull(5, 0, None) };
    let asked_again = PullRow {
        review_requested_at: Some(6 * HOUR),
        reviews: Some(vec![review(HOUR, true, true)]),
        ..pull(6, 0, None)
    };
    let outside = PullRow { ready_at: Some(20 * DAY), reviews: Some(Vec::new()), ..pull(7, 0, None) };
    let pushed = PullRow { first_authored_at: Some(-90 * MINUTE), ..pull(8, 0, None) };
    let pulls = vec![reviewed, too_early, alone, unknown, draft, asked_again, outside, pushed];
    let input = Input { pulls, ..Input::default() };
    let pulls = measure(&input, SPAN).repositories[0].pulls;
    assert_eq!((pulls.to_review.p50, pulls.to_review.n, pulls.to_review.excluded), (Some(7200.0), 1, 2));
    assert_eq!((pulls.to_approval.p50, pulls.to_approval.excluded), (Some(10_800.0), 1));
    assert_eq!(pulls.never_reviewed, Rate::of(1, 4), "a draft waits for nobody yet, and #7 waits after the span");
    assert_eq!((pulls.to_open.p50, pulls.to_open.n), (Some(3600.0), 2));
}

#[test]
fn pushes_newcomers_and_repositories() {
    let push = |repository: &str, pull, at| PushRow { repository: repository.to_owned(), pull, at };
    let newcomer =
        |joined_at, first_merged_at| NewcomerRow { repository: "acme/shop".to_owned(), joined_at, first_merged_at };
    let input = Input {
        pushes: vec![
            push("acme/shop", 1, 0),
            push("acme/shop", 2, HOUR),
            push("acme/shop", 1, 2 * HOUR),
            push("acme/shop", 1, 4 * DAY),
            push("acme/api", 1, 0),
        ],
        newcomers: vec![newcomer(0, Some(DAY)), newcomer(0, None), newcomer(0, Some(11 * DAY))],
        ..Input::default()
    };
    let metrics = measure(&input, SPAN);
    let [api, shop] = metrics.repositories.as_slice() else { panic!("two repositories") };
    assert_eq!((api.repository.as_str(), api.pushes_per_active_day, api.push_gap.n), ("acme/api", Some(1.0), 0));
    assert_eq!(
        (shop.pushes, shop.pushes_per_active_day, shop.push_gap.n, shop.pulls.newcomer.p50),
        (4, Some(2.0), 2, Some(86_400.0))
    );
    assert_eq!(shop.push_gap.p50, Some((4.0 * 86_400.0) / 2.0));
}

#[test]
fn since_when() {
    let now = 20_000 * DAY + HOUR;
    let from = |text: &str| Span::since(text, now).map(|span| (span.until_ms - span.since_ms) / HOUR).ok();
    let table = [
        ("30d", Some(720)),
        ("12h", Some(12)),
        ("4w", Some(672)),
        ("2024-10-04", Some(1)),
        ("2024-10-03", Some(25)),
        ("2024-10-05", None),
        ("2024-13-01", None),
        ("0d", None),
        ("-1d", None),
        ("d", None),
        ("", None),
        ("1é", None),
        ("99999999999999999d", None),
    ];
    for (text, want) in table {
        assert_eq!(from(text), want, "{text}");
    }
}

/// A week with a bit of everything.
fn week() -> Input {
    let bad = RolloutRow { pull: Some(7), ..live(3, 2 * DAY) };
    let open = RolloutRow {
        later: Some(Later { failed_at: 6 * DAY, by: By::Incident }),
        decision: Some("an incident says that carts are empty".to_owned()),
        ..live(6, 5 * DAY)
    };
    let rollouts = vec![
        RolloutRow { base_sha: None, ..live(1, DAY) },
        aborted(2, DAY + HOUR),
        bad,
        RolloutRow { pull: Some(8), ..live(4, 2 * DAY + HOUR) },
        live(5, 3 * DAY),
        open,
    ];
    Input {
        rollouts,
        commits: vec![commit(3, "c7", 2 * DAY - 125_000, Some(7)), commit(4, "c8", 2 * DAY + 40 * MINUTE, Some(8))],
        pulls: vec![
            PullRow {
                reviews: Some(vec![ReviewRow { at: 2 * DAY - HOUR, by_another_human: true, approved: true }]),
                commits: vec![own("c7", 2 * DAY - 3 * HOUR)],
                ..pull(7, 2 * DAY - 2 * HOUR, Some(2 * DAY - MINUTE))
            },
            PullRow {
                head: "revert-7-work-7".to_owned(),
                ..pull(8, 2 * DAY + 30 * MINUTE, Some(2 * DAY + 50 * MINUTE))
            },
        ],
        runs: vec![run("c7", "test", 1, [2 * DAY, 2 * DAY + 1_000, 2 * DAY + 61_000], true)],
        ..Input::default()
    }
}

#[test]
fn the_table_that_people_read() {
    let metrics = measure(&week(), Span { since_ms: 0, until_ms: 7 * DAY });
    assert_snapshot!(show(&metrics, &Goals::default()), @"
    shop in production, acme/shop, 1970-01-01 00:00 UTC to 1970-01-08 00:00 UTC (7 days)
                                      p50      p90       n  goal        industry mean
      deployments               0.7 a day                5
      pull requests shipped      2 a week                2  100 a week
      change lead time              843 s  1,273 s       2  120 s
        merge to live               510 s    726 s       2
        command to live             180 s    180 s       5
      recovery                    1,020 s  1,788 s       2  300 s
        detect                       40 s     40 s  1 (+2)
        decide                        1 s      1 s  1 (+2)
        restore                    99.5 s    164 s  2 (+1)
      change fail rate               50 %           3 of 6  5 %         19 %
      rework rate                    20 %           1 of 5              22 %
      failed before traffic           0 %           0 of 6
      build                          60 s     60 s       5  60 s
      deploy after build            120 s    120 s       5  120 s
      command to first traffic       60 s     60 s       5
      command to 100 %              180 s    180 s       5
      The failures had as much traffic as there is in 0.1 minutes, and answered 4 requests badly.
      1 rollout has no commits to measure: nothing was live before, or git lost it.
      Still open since 1970-01-07 00:00 UTC: rollout 6 of 0000000: an incident says that carts are empty.

    acme/shop, 1970-01-01 00:00 UTC to 1970-01-08 00:00 UTC (7 days)
                                        p50      p90       n  goal  industry mean
      CI time                          61 s     61 s       1
        queue                           1 s      1 s       1
        run                            60 s     60 s       1
        run again                       0 %           0 of 1
        flaky                           0 %           0 of 1
      review turnaround             3,600 s  3,600 s       1
        to approval                 3,600 s  3,600 s       1
        never reviewed                  0 %           0 of 1
      first commit to pull request  3,600 s  3,600 s       1
      newcomer to first merge             –        –       0
      pushes                              –                0
        gap between pushes                –        –       0

    – means that nothing was measured. (+2) means that two more could not be: a time is missing, or it ends before it begins.
    Industry means: DORA Quick Check 2025.
    ");
    let nothing = measure(&rollouts(vec![RolloutRow { outcome: None, ended_at: None, ..live(1, 0) }]), SPAN);
    assert_snapshot!(show(&nothing, &Goals::default()), @"
    shop in production, acme/shop, 1970-01-01 00:00 UTC to 1970-01-11 00:00 UTC (10 days)
                                p50  p90  n  goal        industry mean
      deployments                 –       0
      pull requests shipped       –       0  100 a week
      change lead time            –    –  0  120 s
        merge to live             –    –  0
        command to live           –    –  0
      recovery                    –    –  0  300 s
        detect                    –    –  0
        decide                    –    –  0
        restore                   –    –  0
      change fail rate            –       0  5 %         19 %
      rework rate                 –       0              22 %
      failed before traffic       –       0
      build                       –    –  0  60 s
      deploy after build          –    –  0  120 s
      command to first traffic    –    –  0
      command to 100 %            –    –  0

    – means that nothing was measured. (+2) means that two more could not be: a time is missing, or it ends before it begins.
    Industry means: DORA Quick Check 2025.
    ");
    assert_snapshot!(show(&measure(&Input::default(), SPAN), &Goals::default()), @"Nothing was measured 1970-01-01 00:00 UTC to 1970-01-11 00:00 UTC (10 days).");
}

#[test]
fn the_json_that_machines_read() {
    let metrics = measure(&week(), Span { since_ms: 0, until_ms: 7 * DAY });
    let json = serde_json::to_value(&metrics).expect("serializes");
    assert_snapshot!(serde_json::to_string(&json["services"][0]["change_fail"]).expect("text"), @r#"{"part":3,"share":0.5,"whole":6}"#);
    assert_snapshot!(serde_json::to_string(&json["services"][0]["lead_time"]).expect("text"), @r#"{"base_unknown":1,"command_to_live":{"excluded":0,"n":5,"p50":180.0,"p90":180.0},"commit_to_live":{"excluded":0,"n":2,"p50":842.5,"p90":1272.5},"merge_to_live":{"excluded":0,"n":2,"p50":510.0,"p90":726.0}}"#);
    assert_snapshot!(serde_json::to_string(&json["services"][0]["recovery"]["open"]).expect("text"), @r#"[{"decision":"an incident says that carts are empty","rollout":6,"sha":"0000000000000000000000000000000000000006","since_ms":518400000}]"#);
    assert_snapshot!(serde_json::to_string(&json["repositories"][0]["ci"]["whole"]).expect("text"), @r#"{"excluded":0,"n":1,"p50":61.0,"p90":61.0}"#);
}

fn any_rollout() -> impl Strategy<Value = RolloutRow> {
    let kind = prop::sample::select(vec![Kind::Planned, Kind::Hotfix, Kind::Rollback, Kind::Redeploy, Kind::Config]);
    let outcome = prop::sample::select(vec![
        None,
        Some(Outcome::Live),
        Some(Outcome::AbortedAuto),
        Some(Outcome::AbortedManual),
        Some(Outcome::FailedBeforeTraffic),
        Some(Outcome::Superseded),
    ]);
    let at = || prop::option::of(prop_oneof![0..20 * DAY, any::<i64>()]);
    let times = (at(), at(), at(), at(), at());
    let links = (prop::option::of(1..6i64), prop::option::of(1..6i64), prop::option::of(1..6i64), at());
    (kind, outcome, 0..20 * DAY, times, links).prop_map(|(kind, outcome, accepted_at, times, links)| RolloutRow {
        kind,
        outcome,
        accepted_at,
        build_done_at: times.0,
        first_traffic_at: times.1,
        full_at: times.2,
        ended_at: times.3,
        restored_at: times.4,
        rollback_of: links.0,
        fixes: links.1,
        pull: links.2,
        later: links.3.map(|failed_at| Later { failed_at, by: By::Incident }),
        ..live(1, 0)
    })
}

proptest! {
    /// Whatever the rows are: no panic, shares between 0 and 1, and the order of the rows is nothing.
    #[test]
    fn any_rows_give_numbers_that_can_be(mut rows in prop::collection::vec(any_rollout(), 1..12), title in "(Reverts|reverts commit| |#[0-9]|[0-9a-f]{7}|é){0,6}") {
        for (id, row) in (1i64..).zip(rows.iter_mut()) {
            row.id = id;
        }
        let pulls = (1..6).map(|number| PullRow { title: title.clone(), ..pull(number, 0, Some(DAY)) }).collect();
        let mut input = Input { pulls, ..rollouts(rows) };
        let of = service(&input);
        for rate in [of.change_fail, of.deploy_fail, of.rework] {
            prop_assert!(rate.part <= rate.whole);
            prop_assert_eq!(rate.share.is_none(), rate.whole == 0);
        }
        for spread in [of.recovery.whole, of.lead_time.command_to_live, of.lead_time.merge_to_live] {
            prop_assert_eq!(spread.p50.is_none(), spread.n == 0);
            prop_assert!(spread.p50 <= spread.p90);
        }
        prop_assert_eq!(of.recovery.whole.n + of.recovery.whole.excluded + of.recovery.open.len(), of.change_fail.part);
        show(&measure(&input, SPAN), &Goals::default());
        input.rollouts.reverse();
        prop_assert_eq!(service(&input), of);
    }
}
