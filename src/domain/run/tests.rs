use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::domain::project;

fn step(name: &str, state: StepState, millis: i64) -> StepResult {
    StepResult { name: name.to_owned(), state, millis, cached: false }
}

/// Joints without width, made visible.
fn joints(text: &str) -> String {
    text.replace('\u{2060}', "<joint>")
}

fn page(shown: Shown<'_>) -> String {
    let view = CheckView {
        pipeline: "test",
        sha: "abc1234def5678",
        shown,
        log_url: Some("https://fairway.example/runs/7"),
        engine_note: None,
    };
    let CheckText { title, summary, text } = check_output(&view);
    joints(&format!("{title}\n---\n{summary}---\n{}", text.unwrap_or_default()))
}

fn list(report: &Report) -> String {
    let line = |a: &Annotation| {
        let columns = a.start_column.map(|start| format!(":{start}-{:?}", a.end_column)).unwrap_or_default();
        format!("{}:{}-{}{columns} {:?} {} | {}\n", a.path, a.start_line, a.end_line, a.level, a.title, a.message)
    };
    let lines: String = report.annotations.iter().map(line).collect();
    format!("{lines}{}", report.note.as_deref().unwrap_or(""))
}

#[test]
fn a_failed_run_says_what_where_and_how_to_see_it() {
    let steps = vec![
        step("cargo fmt --check", StepState::Passed, 850),
        step("cargo test | tee `log`", StepState::Failed { exit: 101 }, 64_200),
        step("cargo doc", StepState::NotRun, 0),
    ];
    let result = RunResult {
        steps,
        annotations: Vec::new(),
        notes: vec!["The JUnit report is <gone>, @team.".into()],
        answer: None,
    };
    let log = b"\x1b[31mtest failed\x1b[0m\n10%\r50%\r100%\n```\npanicked at src/lib.rs:3";
    let finished =
        Finished { result: &result, conclusion: conclusion(&result.steps), log, left_out: 3, found: 0, reused: None };
    assert_snapshot!(page(Shown::Finished(finished)), @r"
    Failed: cargo test | tee `log`
    ---
    Failed in 1 m 05 s: `` cargo test | tee `log` `` with exit code 101.

    | step | result | time |
    |---|---|---|
    | `cargo fmt --check` | passed | 850 ms |
    | `` cargo test \| tee `log` `` | **failed**, exit code 101 | 1 m 04 s |
    | `cargo doc` | not run |  |

    The JUnit report is &lt;gone&gt;, @<joint>team.

    3 more remarks on lines that this change does not touch are left out.

    To see the same on your machine:

    ```text
    fairway run test --sha abc1234
    ```

    [Full log](https://fairway.example/runs/7)
    ---
    The step:

    ```text
    cargo test | tee `log`
    ```

    The last 4 lines:

    ````text
    test failed
    100%
    ```
    panicked at src/lib.rs:3
    ````
    ");
}

#[test]
fn a_green_run_is_short() {
    let result = RunResult { steps: vec![step("make", StepState::Passed, 4_250)], ..RunResult::default() };
    let finished = Finished {
        result: &result,
        conclusion: conclusion(&result.steps),
        log: b"ok",
        left_out: 0,
        found: 0,
        reused: None,
    };
    assert_snapshot!(page(Shown::Finished(finished)), @r"
    Passed in 4.2 s
    ---
    Passed in 4.2 s.

    | step | result | time |
    |---|---|---|
    | `make` | passed | 4.2 s |

    [Full log](https://fairway.example/runs/7)
    ---
    ");
}

#[test]
fn a_running_check_shows_its_steps_and_its_log() {
    let steps = [
        step("make", StepState::Passed, 1_000),
        step("make test", StepState::Running, 65_000),
        step("x", StepState::Waiting, 0),
    ];
    assert_snapshot!(page(Shown::Running { steps: &steps, log: b"compiling" }), @r"
    Running step 2 of 3: make test
    ---
    Running. 1 of 3 steps done. Type `/cancel` to stop it.

    | step | result | time |
    |---|---|---|
    | `make` | passed | 1.0 s |
    | `make test` | running | 1 m 05 s |
    | `x` | waiting |  |

    [Full log](https://fairway.example/runs/7)
    ---
    The last line:

    ```text
    compiling
    ```
    ");
}

#[test]
fn every_other_state_is_told_in_words() {
    let problems = project::parse("[pipeline.test]\nrnu = ['x']\n").expect_err("a typing error");
    let paths = ["src/**".to_owned()];
    let all = [
        Shown::Queued,
        Shown::Superseded("fedcba9876"),
        Shown::CancelledBy("bob"),
        Shown::NotRun("lint"),
        Shown::SkippedByPaths(&paths),
        Shown::NotForTrigger("push"),
        Shown::AwaitingApproval,
        Shown::ForkRefused,
        Shown::NoFile,
        Shown::BrokenFile(&problems),
        Shown::Broken("The engine is <gone>."),
    ];
    let told: String = all.iter().map(|shown| format!("{:?}: {}\n", shown.conclusion(), page(*shown))).collect();
    assert_snapshot!(told, @r#"
    None: Queued
    ---
    `test` waits for its turn. Type `/cancel` to stop it.
    ---

    Some(Cancelled): Superseded by fedcba9
    ---
    A newer commit, fedcba9, took the place of this one. Only its checks count now.
    ---

    Some(Cancelled): Cancelled
    ---
    Cancelled by `bob`. Type `/retry test` to run it again.
    ---

    Some(Failure): Not run: lint did not pass
    ---
    `test` needs `lint`, which did not pass. Mend that one first; `test` then runs by itself.
    ---

    Some(Skipped): Skipped: no matching file changed
    ---
    No changed file matches the `paths` of `test`: `src/**`.
    ---

    Some(Skipped): Skipped: not for push
    ---
    The `on` of `test` does not name `push`.
    ---

    Some(ActionRequired): Waiting for approval
    ---
    This commit comes from a fork, so nothing of it runs by itself. After reading the change, someone with write access types `/run`. That counts for abc1234 alone; a new push needs a new `/run`.
    ---

    Some(Failure): Not run: this engine runs no forks
    ---
    This commit comes from a fork, and the local engine isolates too little to run a stranger's code. Push the branch to this repository, or ask the operator for the Dagger engine (`FAIRWAY_ENGINE=dagger`).
    ---

    Some(Neutral): No fairway.toml
    ---
    This repository has no `fairway.toml`, so there is nothing to check. Add one at the root:

    ```text
    [pipeline.test]
    run = ["make test"]
    ```

    ---

    Some(Failure): fairway.toml has 1 problem
    ---
    fairway.toml has 1 problem. Nothing runs until they are mended; deploys keep to the last good file.

    - `fairway.toml:2` Unknown key `rnu` in `pipeline.test`. Did you mean `run`?
    ---

    Some(Failure): Could not run
    ---
    The engine is &lt;gone&gt;.

    Type `/retry test` to try again.
    ---
    "#);
    let annotations = problem_annotations(&problems);
    assert_eq!((annotations[0].start_line, annotations[0].path.as_str()), (2, "fairway.toml"));
}

#[test]
fn only_all_passed_is_success() {
    use StepState::{Cancelled, Failed, NotRun, Passed, TimedOut, Waiting};
    let of =
        |states: &[StepState]| conclusion(&states.iter().map(|state| step("x", state.clone(), 1)).collect::<Vec<_>>());
    assert_eq!(of(&[]), Conclusion::Failure);
    assert_eq!(of(&[Passed, Waiting]), Conclusion::Failure);
    assert_eq!(of(&[Passed, Passed]), Conclusion::Success);
    assert_eq!(of(&[Failed { exit: 1 }, NotRun]), Conclusion::Failure);
    assert_eq!(of(&[Passed, TimedOut, NotRun]), Conclusion::TimedOut);
    assert_eq!(of(&[Cancelled, NotRun]), Conclusion::Cancelled);
}

#[test]
fn junit_failures_find_their_line() {
    let xml = br#"<?xml version="1.0"?><testsuites><testsuite><testcase name="ok"/>
        <testcase name="adds" classname="shop"><failure message="assertion failed">thread 'adds' panicked at /src/src/lib.rs:12:5:
        left: 1</failure></testcase>
        <testcase name="py" file="tests/test_a.py" line="4"><error message="boom"/></testcase>
        <testcase name="lost"><failure message="no place at 12:30"/></testcase></testsuite></testsuites>"#;
    assert_snapshot!(list(&junit(xml, &["/src"])), @r"
    src/lib.rs:12-12 Failure shop: adds | assertion failed
    tests/test_a.py:4-4 Failure py | boom
    1 failed tests of the JUnit report name no file of this repository.
    ");
    assert_snapshot!(list(&junit(b"<a><b></a>", &[])), @"The JUnit report could not be read: expected 'b' tag, not 'a' at 1:7.");
    assert!(junit("<a>".repeat(100_000).as_bytes(), &[]).note.is_some());
    assert!(junit(&[0xff, 0, b'<'], &[]).note.is_some());
}

#[test]
fn sarif_results_become_annotations() {
    let json = br#"{"version":"2.1.0","runs":[{"results":[
        {"ruleId":"R1","level":"error","message":{"text":"bad"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"file:///src/a%20b.rs"},"region":{"startLine":3,"startColumn":2,"endColumn":9}}}]},
        {"message":{"text":"soft"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"x.rs"},"region":{"startLine":3,"endLine":5,"startColumn":2}}}]},
        {"message":{"text":"outside"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"/etc/passwd"}}}]},
        {"kind":"pass","message":{"text":"fine"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"x.rs"}}}]}]},{}]}"#;
    assert_snapshot!(list(&sarif(json, &["/src/"])), @r"
    a b.rs:3-3:2-Some(9) Failure R1 | bad
    x.rs:3-5 Warning  | soft
    ");
    assert!(sarif(b"<html>", &[]).note.is_some());
}

#[test]
fn cargo_messages_count_once() {
    let line = r#"{"reason":"compiler-message","message":{"message":"unused","level":"warning","code":{"code":"unused_variables"},"rendered":"warning: unused","spans":[{"file_name":"src/a.rs","is_primary":true,"line_start":2,"line_end":2,"column_start":5,"column_end":6}]}}"#;
    let text = format!("   Compiling\n{line}\n{line}\n{{\"reason\":\"build-finished\",\"success\":true}}\n{{broken");
    assert_snapshot!(list(&cargo_json(text.as_bytes(), &[])), @"src/a.rs:2-2:5-Some(6) Warning unused_variables | unused");
    assert_eq!(cargo_json(b"", &[]), Report::default());
    assert!(cargo_json(b"garbage", &[]).note.is_some());
}

#[test]
fn paths_stay_inside() {
    assert_eq!(relative("/w/src/a.rs", &["/tmp", "/w/"]).as_deref(), Some("src/a.rs"));
    assert_eq!(relative("./a/../b.rs", &[]).as_deref(), Some("b.rs"));
    for outside in ["/etc/passwd", "../x", "a/../../x", "C:\\x", "", "."] {
        assert_eq!(relative(outside, &["/w"]), None, "{outside}");
    }
    assert_eq!(relative("/word/x", &["/w"]), None);
}

#[test]
fn only_changed_lines_are_annotated() {
    let patch = "@@ -1,3 +1,4 @@\n a\n+b\n+c\n-d\n e\n@@ -10 +12,2 @@ fn x\n-old\n+new\n\\ No newline at end of file";
    assert_eq!(changed_lines(patch), [2..=3, 12..=12]);
    assert_eq!(changed_lines("@@ nonsense\n+x"), []);
    let at = |path: &str, line| {
        let span = annotation::Span { lines: (line, line), ..Default::default() };
        Annotation::new(path.to_owned(), span, Level::Failure, "t", "m")
    };
    let changes =
        [FileChange { path: "a".into(), patch: Some(patch.into()) }, FileChange { path: "big".into(), patch: None }];
    let (kept, dropped) = on_changed_lines(vec![at("a", 3), at("a", 4), at("b", 1), at("big", 9)], &changes);
    assert_eq!((kept, dropped), (vec![at("a", 3), at("big", 9)], 2));
    assert_eq!(batches(&vec![at("a", 1); 101]).map(<[_]>::len).collect::<Vec<_>>(), [50, 50, 1]);
}

#[test]
fn logs_end_readably() {
    assert_eq!(
        tail(b"a\r\nb\x00c\r\n\x1b[1mbold\x1b[0m\x1b]8;;http://x\x07link\xff", 30, 100),
        "a\nbc\nboldlink\u{fffd}"
    );
    assert_eq!(tail(b" 1%\r 50%\r100%\r\ndone", 30, 100), "100%\ndone");
    assert_eq!(tail(b"1\n2\n3\n4\n\n", 2, 100), "3\n4");
    assert_eq!(tail(&vec![b'x'; 10_000_000], 30, 10), "xxxxxxxxxx");
}

#[test]
fn times_read_as_people_say_them() {
    let table = [(-5, "0 ms"), (850, "850 ms"), (4_250, "4.2 s"), (65_000, "1 m 05 s"), (7_380_000, "2 h 03 m")];
    for (ms, want) in table {
        assert_eq!(human_time(ms), want);
    }
}

#[test]
fn other_peoples_text_does_nothing() {
    assert_snapshot!(joints(&escape_md("<img src=x> [a](http://b) @team #1 *b* | `c`\n- d")), @r"&lt;img src=x&gt; \[a\](http\://b) @<joint>team #<joint>1 \*b\* \| \`c\` - d");
    assert!(!escape_md("@team").contains("@team"));
    assert_eq!(escape_md("1. x"), "1\\. x");
    assert_eq!(code("a ``b"), "```a ``b```");
    assert_eq!(code("`"), "`` ` ``");
    assert_eq!(fence("a\n````\nb\u{202e}"), "`````text\na\n````\nb\n`````\n");
}

#[test]
fn a_cut_closes_what_is_open() {
    let text = format!("<details>\n\n````text\n{}", "line of a log\n".repeat(100));
    let cut = cut_markdown(&text, 300);
    assert!(cut.len() <= 300 && cut.contains("line of a log\n\n````\n\n</details>"), "{cut}");
    assert_eq!(cut_markdown("short", 300), "short");
}

proptest! {
    #[test]
    fn a_cut_always_fits(text in "(```|~~~~|<details>|</details>|é|\n|[a-z ]{0,20}){0,60}", max in 0usize..400) {
        prop_assert!(cut_markdown(&text, max).len() <= max);
    }

    #[test]
    fn no_bytes_break_a_parser(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let shown = tail(&bytes, 5, 50);
        prop_assert!(shown.lines().count() <= 5 && shown.chars().count() <= 50);
        prop_assert!(!shown.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
        let text = String::from_utf8_lossy(&bytes);
        changed_lines(&text);
        relative(&text, &["/"]);
        for report in [junit(&bytes, &[]), sarif(&bytes, &[]), cargo_json(&bytes, &[])] {
            prop_assert!(report.annotations.is_empty());
        }
    }
}
