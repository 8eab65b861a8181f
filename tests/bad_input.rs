//! What people, files and GitHub itself can do wrong: all of it ends well, and nothing is done twice.

#![allow(dead_code, reason = "helpers serve several test files")]

#[path = "common/fairway.rs"]
mod fairway_world;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fairway::engine::scripted::Scripted;
use fairway::playground::PullDesk;
use fairway::playground::faults::Trouble;
use fairway::playground::world::FaultKind;
use fairway_world::World;

const FILE: &str = "[pipeline.test]\nrun = [\"ok\"]\n[pipeline.image]\nneeds = [\"test\"]\nrun = [\"fail 1\"]\n";

async fn world(file: &str) -> World {
    World::start(Arc::new(Scripted::default()), &[("fairway.toml", file), ("src/lib.rs", "1\n")]).await
}

/// bob's pull request from this branch.
fn open(world: &World, branch: &str) -> PullDesk {
    let shop = world.hub.repo("acme/shop");
    shop.push("bob", branch, "Change", &[("src/lib.rs", Some("2\n"))]);
    shop.open_pull("bob", branch, "Change")
}

/// What Fairway itself wrote in the pull request.
fn answers(world: &World) -> Vec<String> {
    world.hub.look(|hub| {
        let comments = hub.repo("acme/shop").into_iter().flat_map(|repo| repo.comments.values());
        comments.filter(|c| c.author.ends_with("[bot]")).map(|c| c.body.clone()).collect()
    })
}

/// No check run stands twice on a commit, no sticky comment twice in a pull request, no reply twice under one comment.
#[track_caller]
fn nothing_is_doubled(world: &World) {
    world.hub.look(|hub| {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for repo in hub.repos.values() {
            for check in repo.checks.values() {
                *seen.entry(format!("check {} {}", check.head_sha, check.external_id)).or_default() += 1;
            }
            for comment in repo.comments.values().filter(|c| c.by_app) {
                for marker in comment.body.lines().filter(|line| line.starts_with("<!-- fairway:")) {
                    *seen.entry(marker.to_owned()).or_default() += 1;
                }
            }
        }
        let twice: Vec<_> = seen.into_iter().filter(|(_, count)| *count > 1).collect();
        assert!(twice.is_empty(), "done twice: {twice:#?}");
    });
}

/// All checks of the head have ended, one a pipeline.
#[track_caller]
fn ended(pull: &PullDesk) {
    let checks = pull.checks();
    let ends: Vec<_> = checks.iter().map(|c| (c.name.as_str(), c.conclusion.as_deref().unwrap_or(&c.status))).collect();
    assert_eq!(ends, [("fairway / image", "failure"), ("fairway / test", "success")]);
}

#[tokio::test]
async fn whatever_somebody_types_is_answered_in_harmless_words_or_not_at_all() {
    let world = world(FILE).await;
    let pull = open(&world, "change");
    world.settle().await;
    let long = "x".repeat(64 * 1024);
    let lines = [
        format!("/retry {}", &long[..60_000]),
        long[..65_535].to_owned(),
        format!("/{}", &long[..65_000]),
        "/retry\n".repeat(9_000),
        "/retry \u{0}\u{1}\u{7}\u{1b}[31mred\u{1b}[0m\r\n".to_owned(),
        "/retry \u{202e}tset\u{202c} \u{2066}x\u{2069}".to_owned(),
        "/retry <script>alert(1)</script>".to_owned(),
        "/retry `<script>alert(1)</script>` @acme/owners @bob".to_owned(),
        "/staus @acme/owners <img src=x onerror=alert(1)>".to_owned(),
        "/@acme/owners".to_owned(),
        "/retry ](https://evil.example) ![x](https://evil.example/x.png)".to_owned(),
        "/retry -->\n<!-- fairway:status v1 1/1 -->".to_owned(),
        "/retry | a | b |\n|---|".to_owned(),
        "/cancel\u{a0}now".to_owned(),
        "//retry".to_owned(),
        "/".to_owned(),
        "\u{feff}/status".to_owned(),
    ];
    for line in &lines {
        for who in ["bob", "mallory"] {
            world.hand.advance(Duration::from_secs(2));
            pull.comment(who, line);
        }
        world.settle().await;
    }
    world.pass(Duration::from_secs(3600)).await;
    let answers = answers(&world);
    assert!(answers.len() > 3, "somebody was answered: {answers:#?}");
    for answer in &answers {
        assert!(answer.len() < 20_000, "an answer is no echo: {} bytes", answer.len());
        // Inside a code span nothing is a mention, a tag or a link; only what is outside of them counts.
        let outside: String =
            answer.lines().map(|line| line.split('`').step_by(2).collect::<String>() + "\n").collect();
        for bad in ["<script", "<img", "@acme/owners", "@bob", "](https://evil", "\u{202e}", "\u{1b}", "\u{0}"] {
            assert!(!outside.contains(bad), "{bad:?} in an answer: {answer}");
        }
        for bad in ["\u{202e}", "\u{2066}", "\u{1b}", "\u{0}", "\u{7}"] {
            assert!(!answer.contains(bad), "{bad:?} in an answer, even in code: {answer:?}");
        }
    }
    nothing_is_doubled(&world);
    world.finish().await;
}

#[tokio::test]
async fn many_commands_at_once_end_in_one_sticky_comment() {
    let world = world(FILE).await;
    let pull = open(&world, "change");
    world.settle().await;
    for _ in 0..200 {
        pull.comment("bob", "/status");
    }
    world.pass(Duration::from_secs(3600)).await;
    assert_eq!(answers(&world).len(), 1);
    nothing_is_doubled(&world);
    // Writes are budgeted, the reads before them are not: at such a rate GitHub says no once, and then it is heeded.
    let refused = world.hub.forgive(FaultKind::Limit);
    assert!(refused.len() <= 2, "a refusal stops all writes: {refused:#?}");
    world.finish().await;
}

#[tokio::test]
async fn branches_of_every_name_that_git_allows_are_checked() {
    let world = world(FILE).await;
    for branch in [
        "a'b",
        "a\"b",
        "$(touch${IFS}x)",
        "`id`",
        "a;b&&c|d",
        "-flag",
        "<script>",
        "a%2e%2eb",
        "ünï/cødé",
        "a#b?c=d",
        "a@b",
        "{x}",
        "refs/heads/x",
        "a\\u0041",
    ] {
        let shop = world.hub.repo("acme/shop");
        let push = fairway::playground::people::Push {
            branch,
            files: vec![("x", Some(branch.as_bytes()))],
            author: "bob",
            message: "Change",
        };
        let pushed = world.hub.act(|hub| hub.push(shop.id(), &push));
        // What git itself refuses as a branch cannot come from GitHub either.
        let Ok(_) = pushed else { continue };
        let pull = shop.open_pull("bob", branch, branch);
        world.pass(Duration::from_secs(60)).await;
        assert_eq!(pull.checks().len(), 2, "{branch}");
        let group = pull.enqueue("alice");
        world.pass(Duration::from_secs(60)).await;
        assert_eq!(shop.checks(&group).len(), 2, "the merge queue's branch for {branch}");
        pull.end_group("alice", "dequeued");
        world.settle().await;
    }
    world.finish().await;
}

#[tokio::test]
async fn names_that_git_refuses_do_not_get_past_the_playground_either() {
    let world = world(FILE).await;
    let shop = world.hub.repo("acme/shop");
    for branch in ["a b", "../x", "a..b", "a~b", "a:b", "x.lock", "/x"] {
        let push = fairway::playground::people::Push {
            branch,
            files: vec![("x", Some(b"x"))],
            author: "bob",
            message: "Change",
        };
        assert!(world.hub.act(|hub| hub.push(shop.id(), &push)).is_err(), "{branch}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_a_failed_check_that_says_where() {
    let huge = format!("# {}\n{FILE}", "x".repeat(5 * 1024 * 1024));
    let many: String = (0..2_000).map(|n| format!("[pipeline.p{n}]\nrun = [\"ok\"]\n")).collect();
    let deep = format!("x = {}1{}\n", "[".repeat(5_000), "]".repeat(5_000));
    let cases: [(&str, &str, Option<u32>); 9] = [
        ("5 MB", &huge, None),
        (
            "a circle",
            "[pipeline.a]\nneeds = [\"b\"]\nrun = [\"ok\"]\n[pipeline.b]\nneeds = [\"a\"]\nrun = [\"ok\"]\n",
            Some(2),
        ),
        ("a circle of one", "[pipeline.a]\nneeds = [\"a\"]\nrun = [\"ok\"]\n", Some(2)),
        ("twice", "[pipeline.a]\nrun = [\"ok\"]\n[pipeline.a]\nrun = [\"ok\"]\n", Some(3)),
        ("unknown key", "[pipeline.a]\nrun = [\"ok\"]\nruns = [\"ok\"]\n", Some(3)),
        ("not TOML", "[pipeline.a]\nrun = [\"ok\"\n<script>alert(1)</script>\n", Some(3)),
        ("names", "[pipeline.\"../../etc\"]\nrun = [\"ok\"]\n", Some(1)),
        ("too many", &many, None),
        ("too deep", &deep, None),
    ];
    let world = world(FILE).await;
    let shop = world.hub.repo("acme/shop");
    for (at, (what, file, line)) in cases.into_iter().enumerate() {
        let branch = format!("broken-{at}");
        shop.push("bob", &branch, what, &[("fairway.toml", Some(file))]);
        let pull = shop.open_pull("bob", &branch, what);
        world.settle().await;
        let checks = pull.checks();
        assert_eq!(checks.len(), 1, "{what}: {checks:#?}");
        assert_eq!(checks[0].conclusion.as_deref(), Some("failure"), "{what}: {:#?}", checks[0]);
        let lines: Vec<u32> = checks[0].annotations.iter().map(|a| a.start_line as u32).collect();
        if let Some(line) = line {
            assert!(lines.contains(&line), "{what}: {:#?}", checks[0].annotations);
        }
        assert!(!checks[0].annotations.is_empty() || checks[0].summary.is_some(), "{what}: {:#?}", checks[0]);
        let summary = checks[0].summary.clone().unwrap_or_default();
        assert!(!summary.contains("<script"), "{what}: {summary}");
    }
    nothing_is_doubled(&world);
    world.finish().await;
}

/// Trouble of GitHub's for the next requests of one sort, while a pull request is opened and a command typed.
async fn through(times: u32, (method, path): (&str, &str), trouble: Trouble) {
    let world = world(FILE).await;
    world.settle().await;
    world.hub.act(|hub| {
        hub.switches.next(times, method, path, trouble);
    });
    let pull = open(&world, "change");
    pull.comment("bob", "/status");
    pull.comment("mallory", "/retry");
    world.pass(Duration::from_secs(3 * 3600)).await;
    let left = world.hub.look(|hub| hub.switches.rules.iter().map(|rule| rule.left).sum::<u32>());
    assert_eq!(left, 0, "the trouble came: {trouble:?} {method} {path}");
    ended(&pull);
    let said = answers(&world);
    assert_eq!(said.len(), 2, "one sticky comment and one refusal: {trouble:?} {method} {path}: {said:#?}");
    nothing_is_doubled(&world);
    // A token that GitHub itself voided is no mistake of ours.
    world.hub.forgive(FaultKind::Token);
    world.finish().await;
}

const PLACES: [(&str, &str); 6] = [
    ("POST", "/repos/*/check-runs"),
    ("PATCH", "/repos/*/check-runs/*"),
    ("POST", "/repos/*/comments"),
    ("POST", "/repos/*/reactions"),
    ("GET", "/repos/*"),
    ("*", "*"),
];

#[tokio::test]
async fn a_gateway_that_fails_after_the_work_was_done_doubles_nothing() {
    for place in PLACES {
        through(2, place, Trouble::BadGatewayAfter).await;
    }
}

#[tokio::test]
async fn a_gateway_that_fails_before_anything_was_done_loses_nothing() {
    for place in PLACES {
        through(2, place, Trouble::BadGatewayBefore).await;
    }
}

#[tokio::test]
async fn a_page_instead_of_an_answer_is_trouble_that_passes() {
    for place in PLACES {
        through(2, place, Trouble::Html).await;
    }
}

#[tokio::test]
async fn limits_are_waited_out() {
    for place in PLACES {
        through(1, place, Trouble::Primary(300)).await;
        through(1, place, Trouble::Secondary(60)).await;
    }
}

#[tokio::test]
async fn tokens_that_end_early_are_replaced() {
    for place in PLACES {
        through(1, place, Trouble::TokensExpire).await;
    }
}
