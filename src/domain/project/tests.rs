use std::collections::BTreeMap;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;

const FULL: &str = r#"
plan = "rust-service@1"
[pipeline.test]
on    = ["pull_request", "push", "merge_group"]
image = "rust:1.95-bookworm"
run   = ["cargo fmt --check", "cargo test --locked"]
cache = ["/usr/local/cargo/registry", "target"]
env   = { RUST_BACKTRACE = "1", JOBS = 2 }
secrets = ["CODECOV_TOKEN"]
services.postgres = { image = "postgres:17", port = 5432, env = { POSTGRES_PASSWORD = "x" } }
paths = ["src/**", "Cargo.*"]
report = ["junit:target/junit.xml", "cargo-json:target/clippy.json"]
timeout = "10m"
[pipeline.image]
needs  = ["test"]
run    = ["install -D target/release/shop dist/shop"]
export = "dist/"
[environment.staging]
target = "host"
release = "image"
start = "./shop"
health = "/healthz"
domain = "staging.shop.example"
after_merge = true
[environment.production]
release = "image"
start = "./shop"
port = 8081
who = ["@acme/payments"]
needs = { checks = ["test", "build (ubuntu)"], approvals = 1, environment = "staging" }
stages = ["5% 1m", "100%"]
stage_max = "20m"
undecided = "advance"
watch = "10m"
freeze = ["Fri 16:00 - Mon 07:00 Europe/Copenhagen"]
memory = "512MB"
cpu = "1.5"
slow = "800ms"
processes = 2
irreversible = true
[updates]
cooldown = "3d"
"#;

/// All problems of a text, a line each.
fn problems(text: &str) -> String {
    match parse(text) {
        Ok(_) => "fine".to_owned(),
        Err(problems) => problems.iter().map(|problem| problem.to_string()).collect::<Vec<_>>().join("\n"),
    }
}

#[test]
fn the_whole_language_is_read() {
    let project = parse(FULL).expect("the example of the design");
    let test = project.pipeline("test").expect("named");
    assert_eq!(project.plan.as_deref(), Some("rust-service@1"));
    assert_eq!(project.raw.keys().collect::<Vec<_>>(), ["updates"]);
    let production = project.environment("production").expect("named");
    assert_eq!(
        production.stages.iter().map(|s| (s.weight.basis_points(), s.stay_ms)).collect::<Vec<_>>(),
        [(500, 60_000), (10_000, 0)]
    );
    assert_eq!(
        (production.stage_max_ms, production.watch_ms, production.memory, production.cpu, production.slow_ms),
        (1_200_000, 600_000, Some(512_000_000), Some(1_500), Some(800))
    );
    assert_eq!(production.who.to_string(), "members of acme/payments");
    assert_eq!(needed(&project, production), ["test", "image"]);
    assert_ne!(production.digest(), project.environment("staging").expect("named").digest());
    // A release that may use more is another one; how it is judged is not part of it.
    let with = |cpu, slow_ms| Environment { cpu, slow_ms, ..production.clone() }.digest();
    assert_eq!(with(Some(1_500), None), production.digest());
    assert!(with(None, Some(800)) != production.digest() && with(Some(2_000), Some(800)) != production.digest());
    assert_eq!(
        project.pipelines.iter().map(|p| (p.name.as_str(), p.line)).collect::<Vec<_>>(),
        [("test", 3), ("image", 14)]
    );
    assert_eq!(test.env["JOBS"], "2");
    assert_eq!(test.services["postgres"].port, Some(5432));
    assert_eq!(test.timeout_ms, 600_000);
    assert_eq!(test.report[1], Report { kind: ReportKind::CargoJson, path: "target/clippy.json".into() });
    assert_eq!(project.pipelines[1].timeout_ms, DEFAULT_TIMEOUT_MS);
    assert_eq!(project.pipelines[1].on, Trigger::ALL);
    let stored = serde_json::to_string(&project).expect("stores");
    assert_eq!(serde_json::from_str::<Project>(&stored).expect("reads back"), project);
}

#[test]
fn all_problems_are_told_at_once_with_their_lines() {
    let text = r#"
pipelin = 1
[pipeline.test]
runs = ["x"]
image = "two words"
timeout = "7h"
on = ["pul_request"]
[pipeline.Bad]
run = ["x"]
[pipeline.two]
run = []
needs = ["tset"]
secrets = ["1X"]
export = "../out"
report = [
  "junit:/abs.xml",
  "xml:a",
]
paths = ["!docs"]
env = { A = ["b"] }
"#;
    assert_snapshot!(problems(text), @r"
    fairway.toml:2:1: Unknown key `pipelin` at the top level. Did you mean `pipeline`?
    fairway.toml:4:1: Unknown key `runs` in `pipeline.test`. Did you mean `run`?
    fairway.toml:5:9: `two words` is not the name of a container image. Write `rust:1.95-bookworm`.
    fairway.toml:6:11: `timeout` must be between `1s` and `6h`.
    fairway.toml:7:7: `pul_request` starts no pipeline. Known are `pull_request`, `push`, `merge_group`. Did you mean `pull_request`?
    fairway.toml:8:11: `Bad` cannot be the name of a pipeline. Use 1 to 40 of `a-z`, `0-9` and `-`, not `-` first.
    fairway.toml:11:1: Pipeline `two` has nothing to run: `run` is empty.
    fairway.toml:12:1: `needs` names `tset`, but there is no such pipeline. Did you mean `test`?
    fairway.toml:13:12: `1X` cannot be the name of a variable. Use letters, digits and `_`, not a digit first.
    fairway.toml:14:10: `../out` leaves the repository. A path cannot hold `..`.
    fairway.toml:16:3: `/abs.xml` must be relative to the repository's root, with `/` between names.
    fairway.toml:17:3: `xml` is not a report format. Known are `junit`, `sarif` and `cargo-json`.
    fairway.toml:19:10: `!docs` begins with `!`. `paths` only names what counts, it cannot exclude.
    fairway.toml:20:9: `A` must be a string, not a list.
    ");
}

#[test]
fn needs_must_name_pipelines_and_not_go_round() {
    let circle = "[pipeline.a]\nrun=['x']\nneeds=['b']\n[pipeline.b]\nrun=['x']\nneeds=['c']\n[pipeline.c]\nrun=['x']\nneeds=['a']\n";
    assert_snapshot!(problems(circle), @"fairway.toml:3:1: `needs` goes in a circle: `a` needs `b` needs `c` needs `a`.");
    let own = "[pipeline.a]\nrun=['x']\nneeds=['a']\n";
    assert_snapshot!(problems(own), @"fairway.toml:3:1: `needs` goes in a circle: `a` needs `a`.");
    let never = "[pipeline.a]\nrun=['x']\non=['push']\n[pipeline.b]\nrun=['x']\nneeds=['a']\n";
    assert_snapshot!(problems(never), @"fairway.toml:6:1: `b` runs on `pull_request` but needs `a`, which does not. Add `pull_request` to the `on` of `a`.");
}

#[test]
fn files_that_are_no_toml_are_one_problem() {
    assert_snapshot!(problems("[pipeline.a]\nrun = ['x']\n[pipeline.a]\nrun = ['y']\n"), @"fairway.toml:3:11: Not valid TOML: duplicate key `a`.");
    assert_snapshot!(problems("[pipeline.a]\nrun = ['x'"), @"fairway.toml:2:11: Not valid TOML: unclosed array, expected `]`.");
    assert_snapshot!(problems(&"# five megabytes\n".repeat(310_000)), @"fairway.toml:1:1: The file has 5147 kB; at most 256 kB are read. Move long commands to scripts.");
    let many: String = (0..101).map(|n| format!("[pipeline.p{n}]\nrun=['x']\n")).collect();
    assert_snapshot!(problems(&many), @"fairway.toml:1:2: There are 101 pipelines; at most 100 fit one file.");
    assert!(parse(&format!("a = {}", "[".repeat(100_000))).is_err());
    assert_eq!(parse(&"x = 1\n".repeat(9).replace('x', "k")).map_err(|all| all.len()), Err(1));
    assert_eq!(parse("").expect("an empty file asks for nothing").pipelines, []);
}

#[test]
fn one_of_run_and_dagger() {
    assert_eq!(problems("[pipeline.a]\ndagger = 'check'\n"), "fine");
    assert_snapshot!(problems("[pipeline.a]\ndagger = 'check'\nrun = ['x']"), @"fairway.toml:2:1: Pipeline `a` has both `run` and `dagger`. Keep one of them.");
}

#[test]
fn times_are_read_as_written() {
    let table = [
        ("10m", Some(600_000)),
        ("90s", Some(90_000)),
        ("1h30m", Some(5_400_000)),
        ("3d", None),
        ("", None),
        ("10", None),
        ("m", None),
        ("1m1h", None),
        ("1m1m", None),
        ("-1m", None),
        ("99999999999999999999s", None),
        ("1é", None),
    ];
    for (text, want) in table {
        assert_eq!(duration(text), want, "{text}");
    }
}

#[test]
fn the_digest_follows_meaning_and_not_layout() {
    let of = |text: &str| digest(&parse(text).expect("valid").pipelines[0]);
    let plain = of("[pipeline.a]\nrun = ['x', 'y']\nenv = { A = '1', B = '2' }\n");
    assert_eq!(
        plain,
        of(
            "# why\n[pipeline.other]\nenv.B = '2'\nenv.A = '1'\n\nrun = [\n 'x', # one\n \"y\",\n]\npaths = ['src/**']\n"
        )
    );
    assert_ne!(plain, of("[pipeline.a]\nrun = ['y', 'x']\nenv = { A = '1', B = '2' }\n"));
    assert_eq!(of("[pipeline.a]\nrun = ['x']"), "2912cafd2968358fa7c3e0f0994690d548ba1e85ea0bbaee7a3ae881f0bda9ed");
}

#[test]
fn paths_select_and_needs_pull_in() {
    let project = parse(
        "[pipeline.lib]\nrun=['x']\npaths=['src/**']\n[pipeline.docs]\nrun=['x']\npaths=['docs/','*.md']\n\
         [pipeline.site]\nrun=['x']\nneeds=['docs']\npaths=['site/**']\n[pipeline.ship]\nrun=['x']\non=['push']\n",
    )
    .expect("valid");
    let check = |files: Option<&[&str]>| {
        let files: Option<Vec<String>> = files.map(|files| files.iter().map(|file| (*file).to_owned()).collect());
        let answers = select(&project, Trigger::PullRequest, files.as_deref());
        answers.iter().map(|one| format!("{} {:?}", one.pipeline.name, one.applies)).collect::<Vec<_>>().join(", ")
    };
    assert_snapshot!(check(Some(&["src/a/b.rs"])), @"lib Run, docs SkippedByPaths, site SkippedByPaths, ship NotForTrigger");
    assert_snapshot!(check(Some(&["sub/x.md"])), @"lib SkippedByPaths, docs SkippedByPaths, site SkippedByPaths, ship NotForTrigger");
    assert_snapshot!(check(Some(&["docs/a/b.txt"])), @"lib SkippedByPaths, docs Run, site SkippedByPaths, ship NotForTrigger");
    assert_snapshot!(check(Some(&["site/x"])), @"lib SkippedByPaths, docs Run, site Run, ship NotForTrigger");
    assert_snapshot!(check(None), @"lib Run, docs Run, site Run, ship NotForTrigger");
}

#[test]
fn what_is_ready_and_what_never_will_be() {
    let project = parse("[pipeline.c]\nrun=['x']\nneeds=['b']\n[pipeline.b]\nrun=['x']\nneeds=['a']\n[pipeline.a]\nrun=['x']\n[pipeline.d]\nrun=['x']\n").expect("valid");
    let check = |finished: &[(&str, bool)]| {
        let finished: BTreeMap<String, bool> = finished.iter().map(|(name, met)| ((*name).to_owned(), *met)).collect();
        let now = ready(&project.pipelines, &finished);
        let ready: Vec<&str> = now.ready.iter().map(|pipeline| pipeline.name.as_str()).collect();
        let unmet: Vec<String> =
            now.unmet.iter().map(|(pipeline, need)| format!("{} for {need}", pipeline.name)).collect();
        format!("ready {ready:?}, unmet {unmet:?}")
    };
    assert_snapshot!(check(&[]), @r#"ready ["a", "d"], unmet []"#);
    assert_snapshot!(check(&[("a", true)]), @r#"ready ["b", "d"], unmet []"#);
    assert_snapshot!(check(&[("a", false), ("d", true)]), @r#"ready [], unmet ["b for a", "c for b"]"#);
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in "(\\[?pipeline|\\]|\\.|=|\"|'|\n|run|needs|env|on|é|\\[|\\{|\\}|,|[a-z0-9 ]){0,60}") {
        if let Err(problems) = parse(&text) {
            prop_assert!(!problems.is_empty());
            let lines = text.split('\n').count();
            prop_assert!(problems.iter().all(|problem| problem.line >= 1 && problem.line as usize <= lines && problem.column >= 1));
        }
    }

    #[test]
    fn order_puts_needs_first(edges in proptest::collection::vec((0usize..8, 0usize..8), 0..20)) {
        let mut pipelines: Vec<Pipeline> = (0..8).map(|n| Pipeline { name: format!("p{n}"), ..Pipeline::default() }).collect();
        for (from, to) in edges {
            let need = format!("p{to}");
            pipelines[from].needs.push(need);
        }
        match order(&pipelines) {
            Ok(ordered) => {
                prop_assert_eq!(ordered.len(), 8);
                let at = |name: &str| ordered.iter().position(|pipeline| pipeline.name == name);
                for pipeline in &ordered {
                    prop_assert!(pipeline.needs.iter().all(|need| at(need) < at(&pipeline.name)));
                }
            }
            Err(Cycle(names)) => {
                prop_assert!(!names.is_empty());
                for (n, name) in names.iter().enumerate() {
                    let own = pipelines.iter().find(|pipeline| pipeline.name == *name).expect("a name of ours");
                    prop_assert!(own.needs.contains(&names[(n + 1) % names.len()]));
                }
            }
        }
    }
}

#[test]
fn a_policy_is_a_floor_and_never_a_ceiling() {
    let text = "[pipeline.image]\nrun = [\"i\"]\nexport = \"dist/\"\n[environment.production]\nrelease = \"image\"\nstart = \"./x\"\nport = 1\nneeds = { approvals = 2, checks = [\"a\"] }\nafter_merge = true\n[policy.environment.\"prod*\"]\nwho = [\"@acme/sre\"]\nneeds = { approvals = 1, checks = [\"a\", \"b\"] }\nafter_merge = false\n[policy.environment.staging]\nneeds = { approvals = 9 }\n";
    let project = parse(text).expect("the file is right");
    let mut production = project.environments[0].clone();
    let digest = production.digest();
    assert_eq!((production.approvals().0, production.follows_merges()), (2, true));
    production.over(&project.policy, &Source::Operator);
    assert_eq!(production.floors.len(), 1, "the rule for staging is not for it");
    assert_eq!((production.approvals(), production.follows_merges()), ((2, None), false));
    assert_eq!(production.checks(), ["a", "b"]);
    let whos: Vec<String> = production.whos().map(|(who, _)| who.to_string()).collect();
    assert_eq!(whos, ["people with write permission", "members of acme/sre"]);
    // What runs is the same release with and without it.
    assert_eq!(production.digest(), digest);
    let stricter = Policy { rules: vec![Rule { approvals: 3, ..project.policy.rules[0].clone() }] };
    production.over(&stricter, &Source::Organisation("acme".to_owned()));
    let (wanted, floor) = production.approvals();
    assert_eq!((wanted, floor.map(|floor| floor.rule.line)), (3, Some(10)));
}

#[test]
fn a_policy_says_all_that_is_wrong_with_it() {
    let text = "[policy]\nwho = \"admin\"\n[policy.environment.\"Prod/1\"]\n[policy.environment.a]\nwho = \"root\"\nneeds = { approvals = -1, environment = \"b\" }\nfreeze = [\"weekends\"]\nafter_merge = 1\n";
    assert_snapshot!(problems(text), @r###"
    fairway.toml:2:1: Unknown key `who` in `policy`. Known are `environment`.
    fairway.toml:3:21: `Prod/1` names no environment. Write a name or `*`: `[policy.environment."prod*"]`.
    fairway.toml:5:7: `root` is no role. Write `write`, `maintain` or `admin`, or a list of teams: `["@acme/payments"]`.
    fairway.toml:6:11: `approvals` must be a number from 0 to 20.
    fairway.toml:6:27: Unknown key `environment` in `policy.environment.a.needs`. Known are `checks`, `approvals`.
    fairway.toml:7:11: `weekends` is no window. Write `Fri 16:00 - Mon 07:00 Europe/Copenhagen`, `22:00 - 06:00 UTC` or `2026-12-20 - 2027-01-03 UTC`.
    fairway.toml:8:1: `after_merge` must be `true` or `false`, not a number.
    "###);
}

#[test]
fn an_environment_says_all_that_is_wrong_with_it() {
    let text = "[pipeline.test]\nrun = [\"true\"]\n[environment.prod]\nrelease = \"tset\"\nstart = \"./x\"\nport = 1\ndomain = \"a b\"\nwho = \"everybody\"\nneeds = { aprovals = 1, environment = \"stage\" }\nstages = [\"50% 1m\"]\nfreeze = [\"weekends\"]\nmemory = \"1 TB\"\ncpu = \"all\"\nslow = \"1m\"\nundecided = \"prob\"\ntarget = \"fly\"\n[environment.a]\nrelease = \"test\"\nstart = \"./x\"\nport = 2\ncpu = \"0.001\"\nslow = \"31s\"\nneeds = { environment = \"b\" }\n[environment.b]\nrelease = \"test\"\nstart = \"./x\"\nport = 3\ncpu = \"1024.01\"\nneeds = { environment = \"a\" }\n";
    assert_snapshot!(problems(text), @r#"
    fairway.toml:3:14: `environment.prod` needs only one of `domain` and `port`.
    fairway.toml:4:1: There is no pipeline `tset`. Did you mean `test`?
    fairway.toml:7:10: `a b` is no host name. Write one such as `shop.example`, without scheme and port.
    fairway.toml:8:7: `everybody` is no role. Write `write`, `maintain` or `admin`, or a list of teams: `["@acme/payments"]`.
    fairway.toml:9:1: There is no environment `stage` that could come before it. Known are `prod`, `a`, `b`.
    fairway.toml:9:11: Unknown key `aprovals` in `environment.prod.needs`. Did you mean `approvals`?
    fairway.toml:10:11: The last stage must be `100%`.
    fairway.toml:11:11: `weekends` is no window. Write `Fri 16:00 - Mon 07:00 Europe/Copenhagen`, `22:00 - 06:00 UTC` or `2026-12-20 - 2027-01-03 UTC`.
    fairway.toml:12:10: `1 TB` is no size. Write `512MB` or `2GB`.
    fairway.toml:13:7: `all` is no number of processors. Write `0.5`, `1` or `1.25`.
    fairway.toml:14:8: `1m` is no time to answer in. Write `800ms` or `2s`.
    fairway.toml:15:13: `prob` is unknown. Write `hold`, `advance` or `probe`.
    fairway.toml:16:10: This version does not have the target `fly` yet. It has `host`.
    fairway.toml:17:14: `a` needs itself by way of `b`.
    fairway.toml:18:1: `test` exports nothing. Give `[pipeline.test]` an `export`.
    fairway.toml:21:7: `0.001` is no number of processors. Write `0.5`, `1` or `1.25`.
    fairway.toml:22:8: `slow` must be between `1ms` and `30s`.
    fairway.toml:25:1: `test` exports nothing. Give `[pipeline.test]` an `export`.
    fairway.toml:28:7: `cpu` must be between `0.01` and `1024`.
    "#);
}

#[test]
fn updates_are_checked_where_they_are_written() {
    let said = problems(
        "[updates]\ncooldown = \"soon\"\nschedule = \"hourly\"\nautomerge = [\"all\"]\nminutes = 5\nsecurity = \"no\"\nautomerg = \"none\"\ngroups = { aws = \"aws-*\" }\n",
    );
    assert_snapshot!(said, @r#"
    fairway.toml:2:12: `soon` is not a time. Write `3d` or `12h`, or `0` for none.
    fairway.toml:3:12: `hourly` is none of `daily`, `weekdays`, `weekly`, `monthly` and `off`.
    fairway.toml:4:14: `all` is none of `security`, `patch`, `group:NAME` and `none`.
    fairway.toml:5:1: `minutes` must be a string, not a number.
    fairway.toml:6:1: `security` must be `true` or `false`, not a string.
    fairway.toml:7:1: Unknown key `automerg` in `updates`. Did you mean `automerge`?
    fairway.toml:8:12: `aws` must be a list of strings, not a string. Put it in brackets: `["..."]`.
    "#);
    let fine =
        "[updates]\ncooldown = \"7d\"\nsecurity = false\nautomerge = \"patch\"\ngroups = { aws = [\"aws-*\"] }\n";
    assert_eq!(problems(&format!("{fine}ignore = [\"tokio@2\"]\nminutes = \"1h30m\"\nschedule = \"off\"\n")), "fine");
}
