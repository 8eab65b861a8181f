use std::collections::BTreeMap;

use insta::assert_snapshot;

use super::*;
use crate::domain::onboard::File;

fn source(path: &str, text: &str) -> Source {
    Source { path: path.into(), executable: false, link: false, text: text.into() }
}

const MANIFEST_TEXT: &str = r#"
version = "1.1.0"
about = "A service."
[input.port]
type = "number"
default = "8080"
least = 1024
most = 65535
doc = "The port it listens at."
[input.docker]
type = "flag"
default = "false"
doc = "Whether it has a Dockerfile."
[file.Dockerfile]
when = "docker"
"#;

fn plan() -> Vec<Source> {
    vec![
        source("plan.toml", MANIFEST_TEXT),
        source("files/fairway.toml", "[pipeline.test]\nrun = [\"make test NAME={{ name }}\"]\n"),
        source("files/Dockerfile", "EXPOSE {{ port }}\n"),
        source("files/{{ name }}.md", "# {{name}} ${{ secrets.X }} {{ Other }}\n"),
        source("CHANGELOG.md", "# Changes\n\n## 1.1.0\n\n- A port.\n\n## 1.0.0\n\n- First.\n"),
    ]
}

fn values(pairs: &[(&str, &str)]) -> Values {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn told(sources: &[Source]) -> String {
    read(sources).expect_err("something is wrong").iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn files_are_filled_in_and_a_flag_leaves_some_out() {
    let plan = read(&plan()).expect("a plan");
    let shown = |given: &[(&str, &str)]| {
        let files = render(&plan, &values(given)).expect("files");
        files.iter().map(|file| format!("{}: {}", file.path, file.text)).collect::<String>()
    };
    assert_snapshot!(shown(&[("name", "shop")]), @r#"
    fairway.toml: [pipeline.test]
    run = ["make test NAME=shop"]
    shop.md: # shop ${{ secrets.X }} {{ Other }}
    "#);
    assert!(shown(&[("name", "shop"), ("docker", "true"), ("port", "9000")]).contains("EXPOSE 9000"));
    assert_eq!(plan.changes[0].1, "- A port.");
    let out = render(&plan, &values(&[("name", "../../etc/x")])).expect_err("a path that leads out");
    assert_snapshot!(out.join("\n"), @"files/{{ name }}.md would be written to `../../etc/x.md`, out of the repository.");
    let wrong = render(&plan, &values(&[("port", "80"), ("prot", "1"), ("docker", "yes")])).expect_err("wrong");
    assert_snapshot!(wrong.join("\n"), @"
    `name` has no value: What the repository is called.
    `port` must be a number from 1024 to 65535, not `80`.
    `docker` must be `true` or `false`, not `yes`.
    This plan asks for no `prot`. Did you mean `port`?
    ");
}

#[test]
fn what_is_wrong_in_a_plan_is_told_with_file_and_line() {
    assert_snapshot!(told(&[source("x", "")]), @"plan.toml: It is not there, so this folder is no plan.");
    let with = |path: &str, text: &str| {
        let mut sources = plan();
        sources.retain(|source| source.path != path);
        sources.push(source(path, text));
        told(&sources)
    };
    let manifest = "version = \"1\"\nabot = 1\n[input.port]\ntype = \"numbr\"\n[input.lang]\ntype = \"choice\"\ndoc = \"\"\n[input.n]\ntype = \"number\"\nmost = 3\ndefault = \"4\"\ndoc = \"\"\n[file.x]\nwhen = \"port\"\n";
    assert_snapshot!(with("plan.toml", manifest), @r#"
    plan.toml:1: `about` is missing.
    plan.toml:1: `1` is no version such as `1.0.0`.
    plan.toml:2: Unknown key `abot` at the top level. Did you mean `about`?
    plan.toml:3: Input `port` has no `doc`: what is asked?
    plan.toml:4: `numbr` is no type. Known are `text`, `number`, `flag` and `choice`.
    plan.toml:5: Input `lang` is a choice and has no `choices`.
    plan.toml:11: `n` must be a number from 0 to 3, not `4`.
    plan.toml:14: `port` is no input of type `flag`.
    plan.toml: `[file."x"]` names a file that is not below `files/`.
    "#);
    assert_snapshot!(with("files/fairway.toml", "[pipeline.test]\nrum = [\"x\"]\n"), @"files/fairway.toml:2: Unknown key `rum` in `pipeline.test`. Did you mean `run`?");
    assert_snapshot!(with("files/a/../../../etc/passwd", "x"), @"files/a/../../../etc/passwd: Its path leads out of the repository, or into `.git`.");
    assert_snapshot!(with("files/.git/hooks/post-checkout", "x"), @"files/.git/hooks/post-checkout: Its path leads out of the repository, or into `.git`.");
    assert_snapshot!(with("files/x", "one\ntwo {{ nothing }}\n"), @"files/x:2: There is no input `nothing`.");
    let huge = "x".repeat(600 * 1024);
    assert_snapshot!(with("files/huge", &huge), @"files/huge: It has 600 kB; at most 512 kB are taken.");
    let mut linked = plan();
    linked.push(Source { link: true, ..source("files/link", "/etc/passwd") });
    assert_snapshot!(told(&linked), @"files/link: It is a symbolic link. Put the file itself there.");
}

#[test]
fn a_lock_survives_its_text_form_and_a_plans_name_too() {
    let lock = Lock {
        plan: "acme/plans/web@1".into(),
        version: lock::Version3(Version { major: 1, minor: 2, patch: 0 }),
        commit: "abc".into(),
        digest: digest(&plan()),
        pinned: false,
        inputs: values(&[("name", "shop")]),
    };
    assert_eq!(Lock::parse(&lock.text()), Ok(lock));
    assert!(Lock::parse("plan = 1").is_err());
    for name in ["rust-service@1", "acme/plans/web@2", "acme/.github/plans/web@2"] {
        let read = Name::parse(name);
        assert!(read.is_ok_and(|read| read.to_string() == name), "{name}");
    }
    for name in ["rust-service", "a/b@1", "../x@1", "x@", "x@one", "a/../b@1", ""] {
        assert!(Name::parse(name).is_err(), "{name}");
    }
    let mut turned = plan();
    turned.reverse();
    assert_eq!(digest(&turned), digest(&plan()), "the order of reading does not matter");
    turned[0].text.push(' ');
    assert_ne!(digest(&turned), digest(&plan()));
}

fn file(path: &str, text: &str) -> File {
    File { path: path.into(), executable: false, text: text.into() }
}

#[test]
fn what_the_owner_changed_stays() {
    let old = [
        file("same", "1\n"),
        file("moved", "a\nb\nc\nd\ne\n"),
        file("mine", "a\nb\nc\nd\ne\n"),
        file("both", "a\nb\n"),
        file("gone", "x\n"),
        file("left", "x\n"),
        file("edited", "x\n"),
        file("deleted", "x\n"),
    ];
    let new = [
        file("same", "1\n"),
        file("moved", "A\nb\nc\nd\ne\n"),
        file("mine", "A\nb\nc\nd\ne\n"),
        file("both", "A\nb\n"),
        file("deleted", "y\n"),
        file("fresh", "n\n"),
        file("there", "n\n"),
    ];
    let ours: BTreeMap<String, String> = [
        ("same", "2\n"),
        ("moved", "a\nb\nc\nd\ne\n"),
        ("mine", "a\nb\nc\nd\nE\n"),
        ("both", "a!\nb\n"),
        ("gone", "x\n"),
        ("left", "x\n"),
        ("edited", "y\n"),
        ("there", "m\n"),
    ]
    .into_iter()
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .collect();
    let merged = merge(&old, &new, &ours);
    let changes: Vec<String> = merged
        .changes
        .iter()
        .map(|change| match change {
            Change::Write(file) => format!("write {} {:?}", file.path, file.text),
            Change::Remove(path) => format!("remove {path}"),
        })
        .collect();
    assert_snapshot!(changes.join("\n"), @r#"
    write fresh "n\n"
    remove gone
    remove left
    write mine "A\nb\nc\nd\nE\n"
    write moved "A\nb\nc\nd\ne\n"
    "#);
    let conflicts: Vec<&str> = merged.conflicts.iter().map(|conflict| conflict.path.as_str()).collect();
    assert_eq!(conflicts, ["both", "edited", "there"]);
    assert_eq!(merged.deleted, ["deleted"]);
}
