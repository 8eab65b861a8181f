//! Of every kind of expectation, that it fails when it is wrong: a table that nothing can break proves nothing.

use std::collections::BTreeSet;

use fairway::engine::StepExit;
use serde_json::Value;

use crate::case::{Case, End, Log, On, case, compare};
use crate::lab::{Lab, TOKEN};
use crate::wire::{self, Problem};

/// A run that goes well, and says what the next cases get wrong.
fn good(name: &str) -> Case {
    let case = case(name, &["echo hello; echo '<a/>' > a.xml; mkdir d; echo x > d/f", "echo next"]);
    case.says("hello\n").reports(&["a.xml"], &[("a.xml", "<a/>\n")]).export("d").exported(&[("f", "x\n")])
}

fn bad() -> Vec<(Case, &'static str)> {
    let log = |log: Log| good("a log").with(|case| case.want.logs = vec![(0, log)]);
    vec![
        (good("an end").with(|case| case.want.end = End::Failed), "it must end as"),
        (good("words of an end").with(|case| case.want.end = End::Impossible("")), "it must end as"),
        (good("an exit").with(|case| case.want.exits = vec![StepExit::Code(0), StepExit::Code(1)]), "exits"),
        (good("too few exits").with(|case| case.want.exits = vec![StepExit::Code(0)]), "exits"),
        (good("a step's log").log(1, Log::Is("hello\n".to_owned())), "log of step 1"),
        (good("a log of a step that is not there").log(2, Log::Has("x")), "log of step 2"),
        (log(Log::Is("hello".to_owned())), "log of step 0"),
        (log(Log::Has("next")), "log of step 0"),
        (log(Log::Lacks("ell")), "log of step 0"),
        (log(Log::Lines(vec!["hello", "hello"])), "log of step 0"),
        (log(Log::Bytes(5)), "log of step 0"),
        (good("a note").note("anything"), "no note says"),
        (good("a report").with(|case| case.want.reports = Vec::new()), "reports"),
        (good("a report's content").with(|case| case.want.reports = vec![("a.xml", "<b/>\n")]), "reports"),
        (good("no export").with(|case| case.want.export = None), "export"),
        (good("a file too many").exported(&[("f", "x\n"), ("g", "")]), "export"),
        (good("a file's mode").exported(&[("f", "#!x\n")]), "export"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_expects_something_wrong_fails() {
    let lab = Lab::new(On::Fake, "kube-pod://the-samples").await;
    let said = lab.said(&good("all is well")).await;
    assert_eq!(compare(&good("all is well"), &said), Vec::<String>::new());
    for (case, why) in bad() {
        let wrong = compare(&case, &said);
        assert!(wrong.iter().any(|words| words.starts_with(why)), "{}: {wrong:?}", case.name);
    }
    let out = case("a note that nobody asked for", &["ln -s /etc/passwd a.xml"]).reports(&["a.xml"], &[]);
    let noted = lab.check(&out).await;
    assert!(noted.iter().any(|words| words.starts_with("nobody asked for these notes")), "{noted:?}");
    let ended = lab.check(&case("an image", &["true"]).with(|case| case.image = Some("nothing:1"))).await;
    assert!(ended.iter().any(|words| words.contains("Impossible")), "{ended:?}");
}

/// The fake engine does not mask, so what it shows was masked by Fairway or by nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_shown_is_found() {
    let lab = Lab::new(On::Fake, "kube-pod://the-samples").await;
    // The run does not know that these are secrets; only the comparison does.
    let case = case("a secret", &["printf 'abcd'; printf ' efgh'"]);
    let mut said = lab.said(&case).await;
    said.logs.insert(1, format!("here: {TOKEN}").into_bytes());
    let case = case.with(|case| case.secrets = vec![("KEY", "cd efgh"), ("OTHER", TOKEN)]);
    let wrong = compare(&case, &said);
    assert_eq!(wrong, ["KEY can be read in what the run says", "OTHER can be read in what the run says"]);
}

/// The names of all fields in it, without what stands in them.
fn shape(value: &Value, at: &str, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| shape(value, &format!("{at}/{name}"), into)),
        Value::Array(items) => items.iter().for_each(|item| shape(item, &format!("{at}[]"), into)),
        _ => drop(into.insert(at.to_owned())),
    }
}

fn fields(values: &[Value]) -> BTreeSet<String> {
    let mut into = BTreeSet::new();
    values.iter().for_each(|value| shape(value, "", &mut into));
    into
}

#[test]
fn the_played_session_says_nothing_that_was_not_recorded() {
    let recorded = |file: &str| -> Vec<Value> {
        let text = std::fs::read_to_string(wire::place(file)).expect("it lies in the repository");
        text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).collect()
    };
    let logs = [wire::log(1, 1, Some("a")), wire::log(1, 2, None)];
    assert!(fields(&logs).is_subset(&fields(&recorded("sse_v1_logs.txt"))), "{:?}", fields(&logs));
    let spans = [wire::span(1, "resume withExec", true)];
    assert!(fields(&spans).is_subset(&fields(&recorded("sse_v1_traces.txt"))), "{:?}", fields(&spans));
    let killed = Problem::Exec {
        message: "exit code: 137".to_owned(),
        cmd: vec!["sh".to_owned()],
        exit: 137,
        stdout: Vec::new(),
        stderr: Vec::new(),
    };
    let (status, error) = wire::error(&killed, &["container".to_owned()], 1);
    let (recorded, body) = wire::recording("exec_killed_by_signal.json");
    assert_eq!((status, fields(&[error])), (recorded, fields(&[body])));
}
