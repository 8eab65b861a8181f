//! Decisions as tables: a little world, an event, and what comes of it in words.

use insta::assert_snapshot;

use super::*;
use crate::domain::command::Role;
use crate::domain::event::{Comment, Pull};
use crate::domain::facts::{Facts, ProjectAt};
use crate::domain::ids::Repo;
use crate::domain::project;
use crate::domain::task::{Event, Key};

const FILE: &str = "[pipeline.test]\nrun = [\"t\"]\n[pipeline.lint]\nrun = [\"l\"]\npaths = [\"*.rs\"]\n[pipeline.image]\nneeds = [\"test\"]\nrun = [\"i\"]\n";

fn repo() -> Repo {
    Repo { installation: 1, id: 5, owner: "acme".into(), name: "shop".into(), default_branch: "main".into() }
}

fn head(sha: &str) -> Pull {
    Pull {
        number: 7,
        author: "bob".into(),
        head_sha: sha.into(),
        base_ref: "main".into(),
        open: true,
        ..Pull::default()
    }
}

fn facts(pull: &Pull) -> Facts {
    let project = project::parse(FILE).map_or_else(ProjectAt::Broken, ProjectAt::Found);
    Facts { now: 1_000, pull: Some(pull.clone()), project: Some(project), role: Some(Role::Write), ..Facts::default() }
}

fn seen(pull: &Pull) -> Event {
    Event::Pull { repo: repo(), pull: pull.clone(), seen: 500 }
}

fn opened(sha: &str) -> PullState {
    let live = head(sha);
    pull(None, &seen(&live), &facts(&live)).0.expect("a pull request is remembered")
}

fn ends(state: PullState, name: &str, conclusion: Conclusion) -> (PullState, Vec<Change>) {
    let checks = state.checks.as_ref().expect("it has checks");
    let item = checks.items.iter().find(|i| i.pipeline == name).expect("that check");
    let event = Event::RunFinished { run: checks.key(item), conclusion, found: Vec::new() };
    let (state, changes) = pull(Some(state), &event, &Facts::default());
    (state.expect("it stays"), changes)
}

fn types(state: PullState, line: &str, facts: &Facts) -> (PullState, String) {
    let comment = Comment { id: 99, author: "bob".into(), bot: false, body: line.into(), created_at: 900 };
    let (state, changes) = pull(Some(state), &Event::Comment { repo: repo(), comment }, facts);
    (state.expect("it stays"), words(&changes))
}

/// One line a change, in words that a failing test shows well.
fn words(changes: &[Change]) -> String {
    let line = |change: &Change| match change {
        Change::Plan { run, first: First::Start, .. } => format!("start {} #{}", run.pipeline, run.attempt),
        Change::Plan { run, first: First::Wait(needs), .. } => {
            format!("plan {} #{} after {needs:?}", run.pipeline, run.attempt)
        }
        Change::Plan { run, first: First::Conclude(c, why), .. } => {
            format!("show {} {}: {why:?}", run.pipeline, c.as_str())
        }
        Change::Start(run) => format!("start {} #{}", run.pipeline, run.attempt),
        Change::Conclude(run, c, why) => format!("end {} {}: {why:?}", run.pipeline, c.as_str()),
        Change::Cancel(run, why) => format!("cancel {}: {why:?}", run.pipeline),
        Change::Command(row) => format!("{}: {}", row.state.as_str(), row.answer),
        Change::Answer { words, .. } => format!("answer: {words}"),
        Change::At(at, task) => format!("at {at}: {}", task.lane()),
        Change::Roll { number, .. } => format!("roll out #{number}"),
        Change::Steer { number, steer, .. } => format!("steer #{number}: {steer:?}"),
        Change::Revert { number } => format!("revert #{number}"),
        Change::Do(task) => format!("{} {}", task.kind(), task.lane()),
    };
    changes.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_new_pull_request_starts_what_it_can_and_is_silent() {
    let live = head("aaaaaaaaa");
    let mut facts = facts(&live);
    facts.changed = Some(vec!["README.md".into()]);
    assert_snapshot!(words(&pull(None, &seen(&live), &facts).1), @r#"
    start test #1
    show lint skipped: Paths
    plan image #1 after ["test"]
    "#);
}

#[test]
fn the_same_news_twice_changes_nothing() {
    let state = opened("aaaaaaaaa");
    let live = head("aaaaaaaaa");
    let (again, changes) = pull(Some(state.clone()), &seen(&live), &facts(&live));
    assert_eq!((again, words(&changes)), (Some(state), String::new()));
}

#[test]
fn a_need_that_passes_lets_the_next_one_start_and_one_that_fails_ends_it() {
    assert_snapshot!(words(&ends(opened("aaaaaaaaa"), "test", Conclusion::Success).1), @"start image #1");
    assert_snapshot!(words(&ends(opened("aaaaaaaaa"), "test", Conclusion::Failure).1), @r#"end image failure: NotRun { need: "test" }"#);
}

#[test]
fn a_newer_head_takes_the_place_of_the_older_one() {
    let live = head("bbbbbbbbb");
    let (state, changes) = pull(Some(opened("aaaaaaaaa")), &seen(&live), &facts(&live));
    assert_snapshot!(words(&changes), @r#"
    cancel test: Superseded { by: "bbbbbbbbb" }
    cancel lint: Superseded { by: "bbbbbbbbb" }
    cancel image: Superseded { by: "bbbbbbbbb" }
    start test #1
    start lint #1
    plan image #1 after ["test"]
    "#);
    // Back to the first head: what was cancelled there is a new try, not the old corpse.
    let live = head("aaaaaaaaa");
    let (_, changes) = pull(state, &seen(&live), &facts(&live));
    assert!(words(&changes).contains("start test #2"), "{}", words(&changes));
}

#[test]
fn an_old_payload_does_not_bring_an_old_head_back() {
    let live = head("bbbbbbbbb");
    let (state, _) = pull(Some(opened("aaaaaaaaa")), &seen(&live), &facts(&live));
    let (_, changes) = pull(state, &seen(&head("aaaaaaaaa")), &facts(&live));
    assert_eq!(words(&changes), "");
}

#[test]
fn closing_stops_what_runs_and_reopening_starts_it_again() {
    let closed = Pull { open: false, ..head("aaaaaaaaa") };
    let (state, changes) = pull(Some(opened("aaaaaaaaa")), &seen(&closed), &facts(&closed));
    assert_snapshot!(words(&changes), @r"
    cancel test: Closed
    cancel lint: Closed
    cancel image: Closed
    ");
    let live = head("aaaaaaaaa");
    let (_, changes) = pull(state, &seen(&live), &facts(&live));
    assert_snapshot!(words(&changes), @r#"
    start test #2
    start lint #2
    plan image #2 after ["test"]
    "#);
}

#[test]
fn a_missing_a_broken_and_an_empty_file_say_so() {
    let live = head("aaaaaaaaa");
    let with = |project| words(&pull(None, &seen(&live), &Facts { project: Some(project), ..facts(&live) }).1);
    assert_snapshot!(with(ProjectAt::Missing), @"show fairway.toml neutral: NoFile");
    assert_snapshot!(with(ProjectAt::Found(project::Project::default())), @"show fairway.toml neutral: NothingSelected");
    assert!(with(ProjectAt::Broken(Vec::new())).starts_with("show fairway.toml failure: Broken"));
}

#[test]
fn a_fork_waits_for_a_word_about_this_very_commit() {
    let live = Pull { fork: true, ..head("aaaaaaaaa") };
    let facts = facts(&live);
    let (state, changes) = pull(None, &seen(&live), &facts);
    assert_snapshot!(words(&changes), @r"
    show test action_required: Approval
    show lint action_required: Approval
    show image action_required: Approval
    ");
    let state = state.expect("it is remembered");
    let (_, told) = types(state.clone(), "/retry", &facts);
    assert!(told.starts_with("refused: Not done: this pull request comes from a fork"), "{told}");
    let (approved, told) = types(state.clone(), "/run", &facts);
    assert!(told.starts_with("start test #2"), "{told}");
    assert_eq!(approved.approved.as_deref(), Some("aaaaaaaaa"));
    // Pushed after the comment was written: what was seen is not what would run.
    let pushed = Pull { fork: true, ..head("bbbbbbbbb") };
    let (moved, told) = types(state, "/run", &Facts { pull: Some(pushed.clone()), ..facts });
    assert!(told.contains("refused: Not run: the head is now `bbbbbbb`"), "{told}");
    assert_eq!(moved.approved, None);
}

#[test]
fn an_engine_that_refuses_forks_says_so() {
    let live = Pull { fork: true, ..head("aaaaaaaaa") };
    let facts = Facts { forks_refused: Some("Not here.".into()), ..facts(&live) };
    let (state, changes) = pull(None, &seen(&live), &facts);
    assert!(words(&changes).contains("show test action_required: Refused"), "{}", words(&changes));
    let (_, told) = types(state.expect("it is remembered"), "/run", &facts);
    assert!(told.starts_with("refused: Not here."), "{told}");
}

#[test]
fn retry_cancel_and_run() {
    let state = ends(opened("aaaaaaaaa"), "test", Conclusion::Failure).0;
    let facts = facts(&head("aaaaaaaaa"));
    assert_snapshot!(types(state.clone(), "/retry", &facts).1, @r#"
    plan test #2 after []
    plan image #2 after ["test"]
    start test #2
    done: Running `test`, `image` at `aaaaaaa`.
    reaction reaction:99
    sticky sticky:pr:5/7
    "#);
    assert_snapshot!(types(state.clone(), "/retry nope", &facts).1.lines().next().unwrap_or(""), @"refused: Not done: there is no check `nope` on this commit. Type one of: `/retry test`, `/retry lint`, `/retry image`.");
    assert_snapshot!(types(state.clone(), "/cancel", &facts).1, @r#"
    cancel lint: Cancelled { by: "bob" }
    done: Cancelled 1 check. `/retry` runs it again.
    reaction reaction:99
    sticky sticky:pr:5/7
    "#);
    assert!(
        types(state, "/run", &facts).1.starts_with("refused: Not done: the checks of this commit are running already")
    );
}

#[test]
fn who_may_not_is_told_who_may() {
    let facts = Facts { role: Some(Role::Anyone), ..facts(&head("aaaaaaaaa")) };
    assert_snapshot!(types(opened("aaaaaaaaa"), "/retry", &facts).1, @r"
    refused: Not done: `/retry` needs write permission in this repository and bob has read. Ask somebody who has it to type `/retry`; `/help` lists what you may do.
    reaction reaction:99
    reply reply:99
    ");
    let line = |typed: &str| {
        let refused = types(opened("aaaaaaaaa"), typed, &facts).1;
        refused.split(" to type ").nth(1).and_then(|rest| rest.split(';').next()).unwrap_or_default().to_owned()
    };
    assert_eq!(line("/retry test"), "`/retry test`");
    assert_eq!(line("/run `x`"), "`/run`", "what a stranger typed is repeated only where it is a check's name");
}

#[test]
fn the_next_try_that_succeeds_folds_the_refusals_before_it() {
    let mut facts = facts(&head("aaaaaaaaa"));
    let mut state = opened("aaaaaaaaa");
    let mut told = Vec::new();
    for (id, who, line, role) in [
        (1, "bob", "/staus", Role::Write),
        (2, "bob", "/retry nope", Role::Write),
        (3, "bob", "/status now", Role::Write),
        (4, "mallory", "/cancel", Role::Anyone),
        (5, "bob", "/deploy", Role::Write),
        (6, "alice", "/status", Role::Write),
        (7, "bob", "/cancel", Role::Write),
        (8, "bob", "/status", Role::Write),
        (9, "bob", "/status", Role::Write),
        (10, "bob", "/retry", Role::Write),
        (11, "mallory", "/cancel", Role::Write),
    ] {
        facts.role = Some(role);
        let comment = Comment { id, author: who.into(), bot: false, body: line.into(), created_at: 900 };
        let (next, changes) = pull(Some(state), &Event::Comment { repo: repo(), comment }, &facts);
        state = next.expect("it stays");
        let done =
            changes.iter().any(|c| matches!(c, Change::Command(row) if row.state == crate::domain::ask::Said::Done));
        let folds: Vec<String> =
            words(&changes).lines().filter(|l| l.starts_with("minimise")).map(str::to_owned).collect();
        told.push(
            format!("{who} {line}: {} {}", if done { "done" } else { "refused" }, folds.join(", ")).trim().to_owned(),
        );
    }
    assert_snapshot!(told.join("\n"), @r"
    bob /staus: refused
    bob /retry nope: refused
    bob /status now: refused
    mallory /cancel: refused
    bob /deploy: refused
    alice /status: done
    bob /cancel: done
    bob /status: done minimise reply:1, minimise reply:3
    bob /status: done
    bob /retry: done minimise reply:2
    mallory /cancel: done minimise reply:4
    ");
    // bob never got his deploy through.
    assert_eq!(state.refused.iter().map(|old| old.comment).collect::<Vec<_>>(), [5]);
}

#[test]
fn a_row_does_not_grow_with_what_is_refused() {
    let facts = facts(&head("aaaaaaaaa"));
    let mut state = opened("aaaaaaaaa");
    for _ in 0..50 {
        state = types(state, "/staus", &facts).0;
    }
    assert_eq!(state.refused.len(), 20);
}

#[test]
fn a_command_that_comes_late_is_not_executed() {
    let facts = Facts { now: 900 + 11 * 60_000, ..facts(&head("aaaaaaaaa")) };
    let (state, told) = types(opened("aaaaaaaaa"), "/cancel", &facts);
    assert!(told.starts_with("refused: Not executed"), "{told}");
    assert!(state.checks.is_some_and(|c| c.items.iter().any(Item::live)));
}

#[test]
fn a_rerun_button_is_authorised_like_a_comment() {
    let state = ends(opened("aaaaaaaaa"), "test", Conclusion::Failure).0;
    let event =
        Event::Rerun { repo: repo(), sha: "aaaaaaaaa".into(), pipeline: Some("test".into()), sender: "mallory".into() };
    let facts = facts(&head("aaaaaaaaa"));
    let stranger = Facts { role: Some(Role::Anyone), ..facts.clone() };
    assert_eq!(words(&pull(Some(state.clone()), &event, &stranger).1), "");
    assert!(words(&pull(Some(state), &event, &facts).1).contains("start test #2"));
}

#[test]
fn a_merge_queue_entry_skips_what_is_not_for_it() {
    let file = FILE.replace("[pipeline.lint]\n", "[pipeline.lint]\non = [\"pull_request\"]\n");
    let project = project::parse(&file).map_or_else(ProjectAt::Broken, ProjectAt::Found);
    let key = Key::Queue(5, "refs/heads/gh-readonly-queue/main/pr-7-a".into());
    let event = Event::Head { repo: repo(), sha: "ccc".into(), base: "aaa".into() };
    let (state, _, changes) = branch(&key, None, &event, &Facts { project: Some(project), ..Facts::default() });
    assert_snapshot!(words(&changes), @r#"
    start test #1
    show lint skipped: NotForQueue
    plan image #1 after ["test"]
    "#);
    let (_, open, changes) = branch(&key, state, &Event::Gone, &Facts::default());
    assert!(!open && words(&changes).contains("cancel test: Closed"));
}
