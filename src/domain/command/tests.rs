use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;

fn check(body: &str) -> String {
    match parse(body) {
        Parsed::NotForUs => "-".to_owned(),
        Parsed::Command(typed) => format!("{:?} {:?}", typed.command, typed.args.0),
        Parsed::Unknown { word, did_you_mean } => format!("unknown {word}, near {did_you_mean:?}"),
        Parsed::Usage { command, problem } => problem.sentence(command.command()),
    }
}

#[test]
fn commands_are_read_from_the_first_line() {
    let table = [
        ("/help", "Help []"),
        ("  /Retry Test  ", "Retry [\"test\"]"),
        ("\n\n/run test\r\nand some prose below", "Run [\"test\"]"),
        ("`/status`", "Status []"),
        ("/retry `test`", "Retry [\"test\"]"),
        ("/retry fairway / test", "Retry [\"test\"]"),
        ("/retry Fairway/test", "Retry [\"test\"]"),
        ("/retry \"test\"", "Retry [\"test\"]"),
        ("/rerun", "Retry []"),
        ("/retry\n/cancel", "Retry []"),
        ("/ca\u{202e}ncel", "Cancel []"),
    ];
    for (body, want) in table {
        assert_eq!(check(body), want, "{body:?}");
    }
}

#[test]
fn quotes_code_and_prose_are_left_alone() {
    let silent = [
        "",
        "looks good",
        "please /retry",
        "> /retry",
        "```\n/retry\n```",
        "    /retry",
        "<!-- /retry -->",
        "<!--\n/retry\n-->",
        "- /retry",
        "# /retry",
        "/usr/lib/x is missing",
        "/retry/this",
        "/",
        "//",
        "/1",
        "/lgtm",
        "/assign @bob",
        "/test all",
        "some words\n/retry",
        "<b>/retry</b>",
        "/`retry`",
        "@fairway retry",
    ];
    for body in silent {
        assert_eq!(check(body), "-", "{body:?}");
    }
}

#[test]
fn a_near_miss_names_the_command() {
    assert_snapshot!(check("/retyr"), @r#"unknown retyr, near Some("retry")"#);
    assert_snapshot!(check("/hepl"), @r#"unknown hepl, near Some("help")"#);
    assert_snapshot!(check("/statsu now"), @r#"unknown statsu, near Some("status")"#);
    assert_snapshot!(check("/frobnicate"), @"unknown frobnicate, near None");
}

#[test]
fn a_wrong_argument_is_told_with_the_line_to_type() {
    assert_snapshot!(check("/retry --all"), @"`/retry` does not know `--all`. Type `/retry [check]`, for example `/retry test`.");
    assert_snapshot!(check("/cancel test"), @"`/cancel` takes nothing after it, but got `test`. Type `/cancel`, for example `/cancel`.");
    assert_snapshot!(check("/run a b"), @"`/run` got a word too many: `b`. Type `/run [pipeline]`, for example `/run test`.");
    assert_snapshot!(check("/run \"a"), @r#"A `"` in `/run` is not closed. Type `/run [pipeline]`, for example `/run test`."#);
    assert_snapshot!(check("/run <b>@team"), @"`<b>@team` is not the name of a check. Names have `a-z`, `0-9` and `-`. Type `/run [pipeline]`, for example `/run test`.");
}

#[test]
fn roles_follow_githubs_words() {
    assert_eq!(access("maintain", "write"), Role::Maintain);
    assert_eq!(access("triage", "read"), Role::Anyone);
    assert_eq!(access("release-captain", "write"), Role::Write);
    assert_eq!(access("anything", "none"), Role::Anyone);
    assert!(allowed(Role::Write, Verb::Retry.command()));
    assert!(!allowed(Role::Anyone, Verb::Retry.command()));
}

#[test]
fn help_shows_what_this_person_may_do() {
    assert_snapshot!(help_for(Role::Anyone), @r"
    What you may do here:

    | command | does | example |
    |---|---|---|
    | `/help` | Shows what you may do here. | `/help` |
    | `/status` | Shows where this pull request stands. | `/status` |

    Type a command as the first line of a new comment. Edited comments are not read.
    People with write access to this repository can do more.
    ");
    assert!(help_for(Role::Write).contains("`/run [pipeline]`"));
    assert!(help_for(Role::Write).contains("do more") && !help_for(Role::Maintain).contains("do more"));
}

#[test]
fn the_table_is_whole() {
    let mut seen = std::collections::BTreeSet::new();
    for command in COMMANDS {
        assert_eq!(command.verb.command().name, command.name);
        for word in std::iter::once(&command.name).chain(command.aliases) {
            assert!(seen.insert(word), "{word} stands twice");
        }
        let Parsed::Command(typed) = parse(command.example) else { panic!("{} does not parse", command.example) };
        assert_eq!(typed.command, command.verb);
    }
    for verb in [Verb::Help, Verb::Status, Verb::Retry, Verb::Cancel, Verb::Run] {
        assert_eq!(verb.command().verb, verb);
    }
}

#[test]
fn huge_comments_act_once() {
    assert_eq!(check(&"/retry\n".repeat(10_000)), "Retry []");
    assert_eq!(check(&format!("/retry {}", "x".repeat(64 * 1024))), "-");
    assert_eq!(check(&"`".repeat(64 * 1024)), "-");
}

proptest! {
    #[test]
    fn nothing_hidden_is_echoed(body in "/?(run|retry|retyr)? ?\\PC{0,40}[\u{0}-\u{2f}\u{202e}\u{200b}]{0,5}\\PC{0,9}") {
        let said = check(&body);
        prop_assert!(!matches!(parse(&body), Parsed::Usage { .. }) || !said.chars().any(line::hidden), "{said:?}");
    }
}
