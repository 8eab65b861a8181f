//! `fairway plan` and `fairway new`: every plan of Fairway's own holds what it says, and what is begun from one runs.

#[path = "common/served.rs"]
#[allow(dead_code, reason = "this test uses a part of what others use")]
mod served;

use std::path::Path;
use std::process::{Command, Output};

use fairway::playground::{Playground, PlaygroundOptions};
use insta::assert_snapshot;

fn fairway(place: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fairway"))
        .args(args)
        .current_dir(place)
        .env("NO_COLOR", "1")
        .output()
        .expect("it starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Runs the plan's pipelines for real where its tool is, and says what would run where it is not.
#[track_caller]
fn tried(plan: &str, tool: &str, pipelines: &[&str]) {
    let dir = tempfile::tempdir().expect("a directory");
    let here = Command::new(tool).arg("--help").output().is_ok();
    let how: &[&str] = if here { &["--engine", "local"] } else { &["--explain"] };
    let output = fairway(dir.path(), &[&["plan", "test", plan], how].concat());
    let text = said(&output);
    assert!(output.status.success(), "{plan}: {text}");
    for name in pipelines {
        let line = |line: &str| match here {
            true => line.starts_with(name) && line.contains("passed in") && !line.contains('|'),
            false => line.starts_with(name) && line.ends_with(':'),
        };
        assert!(text.lines().any(line), "{plan}: nothing about {name}: {text}");
    }
}

#[test]
fn rust_service() {
    tried("rust-service", "cargo", &["lint", "test", "image"]);
}

#[test]
fn rust_library() {
    tried("rust-library", "cargo", &["lint", "test", "doc"]);
}

#[test]
fn node_service() {
    tried("node-service", "node", &["test", "image"]);
}

#[test]
fn python_service() {
    tried("python-service", "python3", &["test", "image"]);
}

#[test]
fn go_service() {
    tried("go-service", "go", &["lint", "test", "image"]);
}

#[test]
fn static_site() {
    tried("static-site", "sh", &["test", "image"]);
}

#[test]
fn a_repository_that_is_begun_here_has_a_commit_and_runs() {
    let dir = tempfile::tempdir().expect("a directory");
    let output = fairway(dir.path(), &["new", "static-site", "My.Pages", "--set", "port=9000"]);
    assert!(output.status.success(), "{}", said(&output));
    let place = dir.path().join("My.Pages");
    let lock = std::fs::read_to_string(place.join("fairway.lock")).expect("a lock");
    assert!(lock.contains("plan = \"static-site@1\"") && lock.contains("port = \"9000\""), "{lock}");
    let run = fairway(&place, &["run", "--engine", "local"]);
    assert!(run.status.success(), "{}", said(&run));
    let check = fairway(&place, &["check"]);
    assert!(check.status.success(), "{}", said(&check));
    let again = fairway(dir.path(), &["new", "static-site", "My.Pages"]);
    assert!(!again.status.success());
    assert_snapshot!(said(&again), @"fairway: there is already something called My.Pages here; take another name or another directory");
}

#[test]
fn what_cannot_be_begun_is_said_in_words() {
    let dir = tempfile::tempdir().expect("a directory");
    let told = |args: &[&str]| {
        let output = fairway(dir.path(), &[&["new"], args].concat());
        assert!(!output.status.success(), "{args:?}");
        said(&output)
    };
    assert_snapshot!(told(&["rust-servise", "shop"]), @"
    fairway: `rust-servise` is neither a plan of Fairway's own nor a folder with plan.toml. Did you mean `rust-service`? Its own are:
      go-service
      node-service
      python-service
      rust-library
      rust-service
      static-site
    ");
    assert_snapshot!(told(&["rust-service", "../shop"]), @"fairway: `../shop` is no name for a repository: letters, digits, `-`, `_` and `.`, at most 100, no `.` first");
    assert_snapshot!(told(&["rust-service", "shop", "--set", "port=80", "--set", "prot=1"]), @"
    fairway: rust-service cannot be rendered:
      `port` must be a number from 1024 to 65535, not `80`.
      This plan asks for no `prot`. Did you mean `port`?
    `fairway plan show rust-service` lists what it asks.
    ");
    assert_snapshot!(told(&["rust-service", "shop", "--set", "port"]), @"fairway: `--set port` has no `=`; write it as `--set port=8081`");
    assert_snapshot!(told(&["rust-service"]), @"
    fairway: name a plan and a repository, as in `fairway new rust-service shop`. The plans are:
    go-service@1      A service in Go: answers HTTP, has a health endpoint, goes to staging when it is merged.
    node-service@1    A service in Node: answers HTTP, has a health endpoint, goes to staging when it is merged.
    python-service@1  A service in Python: answers HTTP, has a health endpoint, goes to staging when it is merged.
    rust-library@1    A library in Rust: formatted, linted, tested, its documentation built without a warning.
    rust-service@1    A service in Rust: answers HTTP, has a health endpoint, goes to staging when it is merged.
    static-site@1     A site of plain files: every link inside it is checked, and it goes to staging when it is merged.
    ");
    assert_eq!(std::fs::read_dir(dir.path()).expect("it is there").count(), 0, "nothing was left behind");
}

#[test]
fn a_plan_in_a_folder_is_tried_in_its_samples_and_its_mistakes_have_a_line() {
    let dir = tempfile::tempdir().expect("a directory");
    let put = |path: &str, text: &str| {
        let to = dir.path().join(path);
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        std::fs::write(to, text).expect("a file");
    };
    put("plan.toml", "version = \"1.0.0\"\nabout = \"Greets.\"\n[input.word]\ndoc = \"The greeting.\"\n");
    put("files/fairway.toml", "[pipeline.test]\nrun = [\"grep -q {{ word }} greeting\"]\n");
    put("files/greeting", "{{ word }} {{ name }}\n");
    put("samples/fine/inputs.toml", "word = \"hello\"\n");
    put("samples/changed/inputs.toml", "word = \"hello\"\nname = \"other\"\n");
    put("samples/changed/greeting", "the owner wrote something else\n");
    let output = fairway(dir.path(), &["plan", "test", "--engine", "local"]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("--- sample changed") && text.contains("--- sample fine"), "{text}");
    assert!(text.contains("failed in") && text.contains("passed in"), "{text}");
    put("files/greeting", "{{ wrod }}\n");
    let output = fairway(dir.path(), &["plan", "test"]);
    assert!(said(&output).contains("files/greeting:1: There is no input `wrod`."), "{}", said(&output));
    put("files/greeting", "x\n");
    std::os::unix::fs::symlink("..", dir.path().join("files/loop")).expect("a link");
    let output = fairway(dir.path(), &["plan", "test"]);
    assert!(said(&output).contains("files/loop: It is a symbolic link."), "{}", said(&output));
}

const NEW: &[&str] = &["new", "static-site", "pages", "--org"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_github_it_is_one_commit_whose_checks_run() {
    let dir = tempfile::tempdir().expect("a directory");
    let hub =
        Playground::start(PlaygroundOptions::in_dir(dir.path().join("hub"))).await.expect("the playground starts");
    hub.cast();
    let denied = served::verb(&served::settings(&hub, &dir.path().join("data")), &[NEW, &["acme"]].concat(), "").await;
    assert_snapshot!(denied, @"fairway: the App may not make repositories in acme: it lacks the permission `administration: write`. Grant it, or leave --org out and push the folder yourself");
    hub.act(|hub| {
        let acme = hub.installations.values().find(|at| at.account == "acme").map_or(0, |at| at.id);
        hub.grant(acme, "alice", "administration", Some("write"));
    });
    let served = served::Served::start(served::settings(&hub, &dir.path().join("data"))).await;
    hub.set_webhook_url(&served.hook);
    let said = served.verb(&[NEW, &["acme"]].concat()).await;
    assert!(said.starts_with("acme/pages is there, with 7 files: "), "{said}");
    let green = || {
        hub.look(|hub| {
            let repo = hub.repo("acme/pages")?;
            let head = repo.branch("main")?;
            let mut checks = repo.checks.values().filter(|check| check.head_sha == head);
            checks.find(|check| check.name == "fairway / test").and_then(|check| check.conclusion.clone())
        })
    };
    let mut tries = 0;
    while green().is_none() {
        tries += 1;
        assert!(tries < 600, "no check after a minute: {said}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(green().as_deref(), Some("success"));
    let commits = hub.look(|hub| hub.repo("acme/pages").map(|repo| repo.pulls.len()));
    assert_eq!(commits, Some(0), "a repository that has a plan needs no pull request");
    hub.create("acme/void", &[]);
    let filled = served.verb(&["new", "static-site", "void", "--org", "acme"]).await;
    assert!(filled.starts_with("acme/void is there, with 7 files: "), "{filled}");
    let again = served.verb(&[NEW, &["acme"]].concat()).await;
    let other = served.verb(&[NEW, &["nobody"]].concat()).await;
    assert_snapshot!(again + &other, @"
    fairway: acme/pages was not made: Repository creation failed.: name already exists on this account. Take another name.
    fairway: the App is not installed in nobody; install it there first: `fairway doctor` says where
    ");
    served.stop().await;
    hub.finish();
}
