//! `fairway simulate` as a person types it.

use std::process::{Command, Output};

fn simulate(args: &[&str], dir: &std::path::Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fairway"));
    command.arg("simulate").args(args).current_dir(dir).output().expect("fairway starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_record_is_played_and_plotted() {
    let dir = tempfile::tempdir().expect("a folder");
    let spans = (1..=30).map(|i| format!("{0},v1,900,0\n{0},v2,100,20\n", i * 10));
    let record: String = std::iter::once("time,version,total,bad\n".to_owned()).chain(spans).collect();
    std::fs::write(dir.path().join("traffic.csv"), record).expect("a record");
    let out = simulate(&["traffic.csv", "--candidate", "v2", "--svg", "plot.svg"], dir.path());
    let said = text(&out.stdout);
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert!(said.contains("10 %  starts") && said.contains("aborted at 10 % after"), "{said}");
    let svg = std::fs::read_to_string(dir.path().join("plot.svg")).expect("a plot");
    assert!(svg.contains("aborted at 10 %") && svg.trim_end().ends_with("</svg>"));
    let again = simulate(&["traffic.csv", "--candidate", "v2"], dir.path());
    assert!(said.starts_with(&text(&again.stdout)), "the same seed, the same story");
}

#[test]
fn what_cannot_be_played_is_said_with_what_to_type() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("traffic.csv"), "time,version,total,bad\n1,v1,10,11\n").expect("a record");
    let refused = |args: &[&str], words: &str| {
        let out = simulate(args, dir.path());
        assert!(!out.status.success() && text(&out.stderr).contains(words), "{args:?}: {}", text(&out.stderr));
    };
    refused(&["traffic.csv"], "line 2 has more bad requests than requests");
    refused(&["nowhere.csv"], "nowhere.csv cannot be read");
    refused(&["--stages", "10%, 100%"], "Write a share and its shortest stay");
    refused(&["--candidate-bad", "0.1"], "write 0.1% or 10%");
    refused(&["--requests", "0"], "a rate above 0");
    std::fs::write(dir.path().join("traffic.csv"), "time,version,total,bad\n1,v1,10,1\n").expect("a record");
    refused(&["traffic.csv"], "--candidate says which one is new; there is v1");
}

#[test]
fn the_table_is_printed_whole() {
    let dir = tempfile::tempdir().expect("a folder");
    let out = simulate(&["--compare", "--runs", "3"], dir.path());
    let rows = text(&out.stdout).lines().filter(|line| line.starts_with("| ")).count();
    assert_eq!((out.status.success(), rows), (true, 12), "{}", text(&out.stdout));
}
