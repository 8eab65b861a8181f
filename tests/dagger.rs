//! The Dagger engine: what it says when there is none, and, where `FAIRWAY_TEST_DAGGER` names one, real runs on it.

#[path = "dagger/edit.rs"]
mod edit;
#[path = "dagger/killed.rs"]
mod killed;
#[path = "dagger/names.rs"]
mod names;
#[path = "dagger/outside.rs"]
mod outside;
#[path = "common/served.rs"]
#[allow(dead_code, reason = "this test uses a part of what others use")]
mod served;
#[path = "dagger/soak.rs"]
mod soak;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use fairway::domain::project::{Call, Report, ReportKind};
use fairway::engine::dagger::{Config, Dagger};
use fairway::engine::{Engine, Outcome, RunEvent, RunSpec, StationState, StepExit};
use fairway::playground::{Playground, PlaygroundOptions};
use fairway::settings::Secret;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The address of a real engine, if there is one to test against.
fn real() -> Option<String> {
    let address = std::env::var("FAIRWAY_TEST_DAGGER").ok();
    if address.is_none() {
        println!("left out: runs on a real Dagger engine; set FAIRWAY_TEST_DAGGER=unix:///run/dagger/engine.sock");
    }
    address
}

struct Lab {
    engine: Dagger,
    config: Config,
    hub: Playground,
    sha: String,
    dir: tempfile::TempDir,
}

impl Lab {
    async fn new(cli: &str, runner: &str, files: &[(&str, &str)]) -> Lab {
        let dir = tempfile::tempdir().expect("a directory");
        let hub = Playground::start(PlaygroundOptions::in_dir(dir.path().join("hub"))).await.expect("a playground");
        hub.cast();
        hub.create("acme/shop", files);
        let sha = hub.repo("acme/shop").head("main").expect("main is there");
        let config = Config {
            cli: PathBuf::from(cli),
            runners: vec![runner.to_owned()],
            modules: vec![("acme/*".to_owned(), runner.to_owned())],
            limit: 4,
            data: dir.path().join("data"),
            owner: fairway::engine::dagger::session_owner(&[runner.to_owned()]),
            path: "/usr/local/bin:/usr/bin:/bin".to_owned(),
            env: Vec::new(),
            image: "debian:bookworm-slim".to_owned(),
            seal: [7; 32],
        };
        Lab { engine: Dagger::new(config.clone()), config, hub, sha, dir }
    }

    fn spec(&self, steps: &[&str]) -> RunSpec {
        RunSpec {
            clone_url: format!("{}/acme/shop.git", self.hub.url()),
            sha: self.sha.clone(),
            steps: steps.iter().map(|s| (*s).to_owned()).collect(),
            cache_scope: "1/pr-1".to_owned(),
            timeout: Duration::from_secs(60),
            // Each test run is new to the engine.
            fresh: Some((0, uuid::Uuid::new_v4().to_string())),
            ..RunSpec::new(1, "acme/shop")
        }
    }

    async fn run(&self, spec: RunSpec) -> (Outcome, Said) {
        let (tx, mut rx) = mpsc::channel(1_000);
        let mut said = Said::default();
        let listen = async {
            while let Some(event) = rx.recv().await {
                match event {
                    RunEvent::Log { step, bytes } => {
                        said.log.entry(step).or_default().push_str(&String::from_utf8_lossy(&bytes));
                    }
                    RunEvent::StepFinished { exit, cached, .. } => {
                        said.exits.push(exit);
                        said.cached.push(cached);
                    }
                    RunEvent::Report { path, .. } => said.reports.push(path),
                    RunEvent::Exported { digest } => said.export = Some(digest),
                    RunEvent::Published { reference } => said.published = Some(reference),
                    RunEvent::Answer(text) => said.answer = Some(text),
                    RunEvent::Found(names) => said.found = names,
                    RunEvent::Note(note) => said.notes.push(note),
                    RunEvent::Begun | RunEvent::StepStarted { .. } => {}
                }
            }
        };
        let (outcome, ()) = tokio::join!(self.engine.run(spec, tx, CancellationToken::new()), listen);
        (outcome, said)
    }
}

#[derive(Debug, Default)]
struct Said {
    log: BTreeMap<usize, String>,
    exits: Vec<StepExit>,
    cached: Vec<bool>,
    reports: Vec<String>,
    export: Option<String>,
    published: Option<String>,
    answer: Option<String>,
    found: Vec<String>,
    notes: Vec<String>,
}

/// A module whose functions run inside the engine and need no image to be built.
const MODULE: &[(&str, &str)] = &[
    ("dagger.json", r#"{"name":"shop-ci","engineVersion":"v0.21.8","sdk":{"source":"dang"}}"#),
    ("price.txt", "12\n"),
    (
        "main.dang",
        r#"type ShopCi {
  pub greet(name: String! = "world", times: Int! = 1, loud: Boolean! = false): String! {
    name + " " + toJSON(times) + " " + toJSON(loud)
  }
  pub join(words: [String!]!): [String!]! { words }
  pub price(source: Directory!): String! {
    container.from("debian:bookworm").withMountedDirectory("/src", source)
      .withWorkdir("/src").withExec(["sh", "-c", "cat price.txt"]).stdout
  }
  pub length(token: Secret!): String! {
    container.from("debian:bookworm").withSecretVariable("T", token)
      .withExec(["sh", "-c", "printf '%s' \"$T\" | wc -c; echo \"$T\""]).stdout
  }
  pub build(source: Directory!): Directory! { directory.withDirectory("out", source) }
  pub image: Container! { container.from("debian:bookworm").withNewFile("/hello", "hello") }
  pub fails: Void {
    container.from("debian:bookworm").withExec(["sh", "-c", "echo so long; exit 7"]).sync
    null
  }
  pub lint: Void @check {
    container.from("debian:bookworm").withExec(["sh", "-c", "echo lint-ok"]).sync
    null
  }
  pub unit: Void @check {
    container.from("debian:bookworm").withExec(["sh", "-c", "echo unit-err >&2; exit 2"]).sync
    null
  }
}
"#,
    ),
];

#[tokio::test]
async fn a_module_is_called_with_typed_arguments_and_what_it_returns_is_taken() {
    let Some(runner) = real() else { return };
    let lab = Lab::new("dagger", &runner, MODULE).await;
    let call = |text: &str| {
        let call = Some(Call::parse(text).expect("a call"));
        RunSpec { call, fresh: None, ..lab.spec(&[]) }
    };
    let answer = async |text: &str| {
        let (outcome, said) = lab.run(call(text)).await;
        assert_eq!((&outcome, &said.exits[..]), (&Outcome::Success, &[StepExit::Code(0)][..]), "{text}: {said:?}");
        said.answer.expect("an answer")
    };
    assert_eq!(answer("greet").await, "world 1 false");
    assert_eq!(answer("greet --name='two words' --times=3 --loud").await, "two words 3 true");
    assert_eq!(answer("join --words=a,b --words=c").await, "a\nb\nc");
    assert_eq!(answer("price --source=.").await.trim(), "12");

    let mut secret = call("length --token=TOKEN");
    secret.secrets.insert("TOKEN".to_owned(), Secret::new("hunter2hunter2"));
    let (outcome, said) = lab.run(secret).await;
    assert_eq!(outcome, Outcome::Success, "{said:?}");
    assert!(!format!("{:?}", said.log).contains("hunter2"), "{said:?}");
    let (outcome, _) = lab.run(call("length --token=TOKEN")).await;
    assert!(matches!(&outcome, Outcome::Impossible(why) if why.contains("fairway secrets set acme/shop TOKEN")));

    let built = RunSpec { export: Some("dist/".to_owned()), ..call("build --source=.") };
    let (outcome, said) = lab.run(built).await;
    assert_eq!(outcome, Outcome::Success, "{said:?}");
    let kept = lab.dir.path().join("data/exports").join(said.export.expect("an export"));
    assert_eq!(std::fs::read_to_string(kept.join("out/price.txt")).expect("kept"), "12\n");

    let (outcome, said) = lab.run(call("fails")).await;
    assert_eq!((outcome, &said.exits[..]), (Outcome::Failed, &[StepExit::Code(7)][..]));
    assert!(said.log[&0].contains("so long"), "{said:?}");
    for (text, word) in [("nothing", "it has: "), ("price", "needs `--source`"), ("price --source=../x", "leads out")] {
        let (outcome, _) = lab.run(call(text)).await;
        assert!(matches!(&outcome, Outcome::Impossible(why) if why.contains(word)), "{outcome:?}");
    }
}

#[tokio::test]
async fn an_image_is_published_and_known_by_its_digest() {
    let Some(runner) = real() else { return };
    let Ok(registry) = std::env::var("FAIRWAY_TEST_REGISTRY") else {
        println!("left out: publishing; set FAIRWAY_TEST_REGISTRY=HOST:PORT of a registry that takes plain HTTP");
        return;
    };
    let lab = Lab::new("dagger", &runner, MODULE).await;
    let publish = Some(format!("{registry}/fairway/test:{}", lab.sha));
    let steps = RunSpec { publish: publish.clone(), ..lab.spec(&["echo built > built.txt"]) };
    let call = Some(Call::parse("image").expect("a call"));
    let module = RunSpec { publish: publish.clone(), call, fresh: None, ..lab.spec(&[]) };
    for spec in [steps, module] {
        let (outcome, said) = lab.run(spec).await;
        assert_eq!(outcome, Outcome::Success, "{said:?}");
        let reference = said.published.expect("published");
        let (_, digest) = reference.split_once('@').expect("a digest");
        let url = format!("http://{registry}/v2/fairway/test/manifests/{digest}");
        let types = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json";
        let reply = reqwest::Client::new().get(url).header("Accept", types).send().await.expect("an answer");
        assert_eq!(reply.status(), 200, "{reference}");
    }
    let fork = RunSpec { publish, fork: true, ..lab.spec(&["true"]) };
    let (outcome, said) = lab.run(fork).await;
    assert_eq!((outcome, said.published), (Outcome::Success, None));
    assert!(said.notes.iter().any(|note| note.contains("fork")), "{:?}", said.notes);
    let nowhere = RunSpec { publish: Some("127.0.0.1:1/x:y".to_owned()), ..lab.spec(&["true"]) };
    let (outcome, _) = lab.run(nowhere).await;
    assert!(matches!(&outcome, Outcome::Broken(why) if why.contains("could not be pushed")), "{outcome:?}");
}

/// A word that nothing in a container may ever see.
const CANARY: &str = "canary-of-this-machine-0123456789";

#[tokio::test]
async fn a_step_sees_neither_this_machine_nor_its_engine() {
    let Some(runner) = real() else { return };
    let lab = Lab::new("dagger", &runner, &[("a", "1")]).await;
    let key = lab.dir.path().join("app.pem");
    std::fs::write(&key, CANARY).expect("a key");
    let look = format!(
        "env | sort; id; cat {} 2>&1 || true; ls /run/dagger /var/run/docker.sock 2>&1 || true; \
         find / -xdev -name '*.sock' 2>/dev/null; tr '\\0' '\\n' < /proc/1/environ 2>&1 || true; ls /proc | grep -c '^[0-9]'",
        key.display()
    );
    let (outcome, said) = lab.run(lab.spec(&[&look])).await;
    assert_eq!(outcome, Outcome::Success, "{said:?}");
    let log = &said.log[&0];
    for word in [CANARY, "engine.sock", "docker.sock\n", "DAGGER_SESSION", "FAIRWAY_TEST"] {
        assert!(!log.contains(word), "a step can see {word}: {log}");
    }
    assert!(log.contains("FAIRWAY=true"), "the look itself went wrong: {log}");
}

#[tokio::test]
async fn what_a_commit_smuggles_in_reads_nothing_of_this_machine() {
    let Some(runner) = real() else { return };
    let lab = Lab::new("dagger", &runner, MODULE).await;
    let key = lab.dir.path().join("app.pem");
    std::fs::write(&key, CANARY).expect("a key");
    // Where Dagger reads a module from a directory, a `.env` in it runs commands as whoever called.
    let dotenv = format!(
        "SHOP_CI_GREET_NAME=cmd://cat {0}\nNAME=file://{0}\nTOKEN=env://HOME\nname=cmd://cat {0}\n",
        key.display()
    );
    let shop = lab.hub.repo("acme/shop");
    let sha = shop.push("bob", "smuggle", "Smuggle", &[(".env", Some(&dotenv))]);
    for text in ["greet", "greet --name='cmd://cat app.pem'", "price --source=."] {
        let call = Some(Call::parse(text).expect("a call"));
        let (outcome, said) = lab.run(RunSpec { call, sha: sha.clone(), fresh: None, ..lab.spec(&[]) }).await;
        assert_eq!(outcome, Outcome::Success, "{said:?}");
        assert!(!format!("{said:?}").contains(CANARY), "{text}: {said:?}");
    }
    // Links in an export lead nowhere outside it.
    let link =
        format!("mkdir out; ln -s {} out/key; ln -s /etc/passwd out/passwd; echo fine > out/file", key.display());
    let (outcome, said) = lab.run(RunSpec { export: Some("out".to_owned()), ..lab.spec(&[&link]) }).await;
    if let Some(digest) = said.export.as_ref() {
        let kept = lab.dir.path().join("data/exports").join(digest);
        for entry in std::fs::read_dir(kept).expect("kept").flatten() {
            let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
            assert!(!text.contains(CANARY) && !text.contains("root:"), "{:?} leads out", entry.path());
        }
    }
    assert!(matches!(outcome, Outcome::Success | Outcome::Impossible(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_secret_of_one_repository_is_never_had_from_the_cache_by_another() {
    let Some(runner) = real() else { return };
    let lab = Lab::new("dagger", &runner, &[("a", "1")]).await;
    let line = format!("echo {} $(printf %s \"$TOKEN\" | rev)", uuid::Uuid::new_v4());
    let with = |repo: &str, value: &str| {
        let mut spec = RunSpec { fresh: None, ..lab.spec(&[&line]) };
        spec.repo = repo.to_owned();
        spec.secrets.insert("TOKEN".to_owned(), Secret::new(value));
        spec
    };
    let (_, first) = lab.run(with("acme/shop", "first-secret")).await;
    let (_, second) = lab.run(with("acme/other", "second-secret")).await;
    let (_, third) = lab.run(with("acme/shop", "third-secret")).await;
    assert!(first.log[&0].contains("terces-tsrif"), "{first:?}");
    assert!(second.log[&0].contains("terces-dnoces"), "{second:?}");
    assert!(third.log[&0].contains("terces-driht"), "a new value counts as new: {third:?}");
}

#[tokio::test]
async fn a_modules_checks_are_found_without_running_them_and_run_one_by_one() {
    let Some(runner) = real() else { return };
    let lab = Lab::new("dagger", &runner, MODULE).await;
    let call = |call| RunSpec { call: Some(call), fresh: None, ..lab.spec(&[]) };
    let (outcome, said) = lab.run(call(Call::Checks)).await;
    assert_eq!((outcome, said.found), (Outcome::Success, vec!["lint".to_owned(), "unit".to_owned()]));
    assert_eq!(said.log, BTreeMap::new());
    let (outcome, said) = lab.run(call(Call::Check("lint".to_owned()))).await;
    assert_eq!(outcome, Outcome::Success, "{said:?}");
    let (outcome, said) = lab.run(call(Call::Check("unit".to_owned()))).await;
    assert_eq!((outcome, &said.exits[..]), (Outcome::Failed, &[StepExit::Code(2)][..]), "{said:?}");
    assert!(said.log[&0].contains("unit-err"), "{said:?}");
    // What nobody marked an engine for is not loaded at all.
    let stranger = RunSpec { repo: "other/shop".to_owned(), ..call(Call::Checks) };
    let (outcome, _) = lab.run(stranger).await;
    assert!(matches!(&outcome, Outcome::Refused(why) if why.contains("FAIRWAY_MODULE_ENGINES=\"other/shop=")));
}

#[tokio::test]
async fn without_an_engine_or_a_cli_the_run_waits_and_says_for_what() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("engine.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    let (here, gone) = (format!("unix://{}", path.display()), "unix:///nonexistent.sock");
    let cases = [
        ("dagger", gone, "is not there"),
        ("/nonexistent/dagger", &here, "FAIRWAY_DAGGER_CLI"),
        ("/bin/echo", &here, "no session address"),
        ("/bin/false", &here, "ended before"),
    ];
    for (cli, runner, word) in cases {
        let lab = Lab::new(cli, runner, &[("a", "1")]).await;
        let (outcome, _) = lab.run(lab.spec(&["true"])).await;
        assert!(matches!(&outcome, Outcome::NotNow(why) if why.contains(word)), "{outcome:?}");
        let station = lab.engine.stations().remove(0);
        assert!(matches!(&station.state, StationState::Down { why, .. } if why.contains(word)), "{station:?}");
        assert_eq!((station.live, station.sessions, station.failures), (0, 1, 1));
    }
}

#[tokio::test]
async fn a_real_engine_runs_steps_with_their_logs_exit_codes_secrets_reports_and_exports() {
    let Some(runner) = real() else { return };
    let files = [("junit.xml", "<testsuite/>"), ("src.txt", "hello\n")];
    let lab = Lab::new("dagger", &runner, &files).await;
    assert!(lab.engine.preflight().await.is_ok());
    let mut spec = lab.spec(&["cat src.txt; echo $TOKEN; echo $PLAIN >&2", "mkdir -p dist && cp src.txt dist/ && pwd"]);
    spec.secrets.insert("TOKEN".to_owned(), Secret::new("hunter2hunter2"));
    spec.env.insert("PLAIN".to_owned(), "plain".to_owned());
    spec.reports = vec![Report { kind: ReportKind::Junit, path: "*.xml".to_owned() }];
    spec.export = Some("dist/".to_owned());
    let (outcome, said) = lab.run(spec).await;
    assert_eq!(outcome, Outcome::Success, "{said:?}");
    let first = &said.log[&0];
    assert!(first.contains("hello\n") && first.contains("***") && first.contains("plain\n"), "{said:?}");
    assert!(!first.contains("hunter2"), "{said:?}");
    assert_eq!(said.log[&1], "/src\n");
    assert_eq!(said.reports, ["junit.xml"]);
    let export = lab.dir.path().join("data/exports").join(said.export.expect("an export")).join("src.txt");
    assert_eq!(std::fs::read_to_string(export).expect("kept"), "hello\n");
    for code in [1, 3, 126, 127, 137, 255] {
        let (outcome, said) = lab.run(lab.spec(&["echo before", &format!("exit {code}"), "echo never"])).await;
        assert_eq!((outcome, said.exits), (Outcome::Failed, vec![StepExit::Code(0), StepExit::Code(code)]));
        assert_eq!(said.log.get(&2), None);
    }
}

#[tokio::test]
async fn a_real_engine_stops_in_time_and_says_what_it_cannot_have() {
    let Some(runner) = real() else { return };
    let lab = Lab::new("dagger", &runner, &[("a", "1")]).await;
    let mut slow = lab.spec(&["sleep 30"]);
    slow.timeout = Duration::from_secs(4);
    assert_eq!(lab.run(slow).await.0, Outcome::TimedOut);
    let mut unknown = lab.spec(&["true"]);
    unknown.image = Some("nothing/like-this:1".to_owned());
    let outcome = lab.run(unknown).await.0;
    assert!(matches!(&outcome, Outcome::Impossible(why) if why.contains("mend `image`")), "{outcome:?}");
    let mut lost = lab.spec(&["true"]);
    lost.sha = "0123456789012345678901234567890123456789".to_owned();
    let outcome = lab.run(lost).await.0;
    assert!(matches!(&outcome, Outcome::Impossible(why) if why.contains("not in the repository")), "{outcome:?}");
    lab.hub.finish();
}

#[tokio::test]
async fn a_real_engine_keeps_caches_by_scope_and_names_a_service_that_ends() {
    let Some(runner) = real() else { return };
    let lab = Lab::new("dagger", &runner, &[("a", "1")]).await;
    let name = uuid::Uuid::new_v4().simple().to_string();
    let cached = |scope: &str, line: &str| {
        let mut spec = lab.spec(&[line]);
        spec.caches = vec!["kept".to_owned()];
        spec.cache_scope = format!("{name}/{scope}");
        spec
    };
    assert_eq!(lab.run(cached("pr-1", "echo one > kept/file")).await.0, Outcome::Success);
    let (outcome, said) = lab.run(cached("pr-1", "cat kept/file")).await;
    assert_eq!((outcome, said.log.get(&0).map(String::as_str)), (Outcome::Success, Some("one\n")));
    let (outcome, _) = lab.run(cached("trusted", "cat kept/file")).await;
    assert_eq!(outcome, Outcome::Failed, "another scope sees nothing of it");
    let mut spec = lab.spec(&["true"]);
    // Its shell has nothing to read, so it ends at once.
    let image = "debian:bookworm-slim".to_owned();
    let service = fairway::domain::project::Service { image, port: Some(5432), env: BTreeMap::new() };
    spec.services.insert("db".to_owned(), service);
    let outcome = lab.run(spec).await.0;
    assert!(matches!(&outcome, Outcome::Impossible(why) if why.contains("the service `db`")), "{outcome:?}");
}

#[tokio::test]
async fn a_real_engine_stops_a_step_when_told_and_tells_all_that_was_printed() {
    let Some(runner) = real() else { return };
    let lab = Lab::new("dagger", &runner, &[("a", "1")]).await;
    let cancel = CancellationToken::new();
    let (tx, mut rx) = mpsc::channel(1_000);
    let listen = async {
        let mut exits = Vec::new();
        while let Some(event) = rx.recv().await {
            match event {
                RunEvent::Log { .. } => cancel.cancel(),
                RunEvent::StepFinished { exit, .. } => exits.push(exit),
                _ => {}
            }
        }
        exits
    };
    let run = lab.engine.run(lab.spec(&["echo begun; sleep 50"]), tx, cancel.clone());
    assert_eq!(tokio::join!(run, listen), (Outcome::Cancelled, vec![StepExit::Cancelled]));
    let (outcome, said) = lab.run(lab.spec(&["seq 1 20000"])).await;
    let expected: String = (1..=20_000).map(|n| format!("{n}\n")).collect();
    assert_eq!(outcome, Outcome::Success);
    assert!(said.log[&0] == expected, "{} of {} bytes", said.log[&0].len(), expected.len());
}

#[tokio::test]
async fn a_real_engine_runs_equal_steps_once_unless_told_otherwise() {
    let Some(runner) = real() else { return };
    let file = uuid::Uuid::new_v4().to_string();
    let lab = Lab::new("dagger", &runner, &[("a", &file)]).await;
    let again = || RunSpec { fresh: None, ..lab.spec(&["date +%N > when; cat when", "echo ran; exit 3"]) };
    let (_, first) = lab.run(again()).await;
    assert_eq!(first.log.keys().copied().collect::<Vec<_>>(), [0, 1], "{first:?}");
    let (outcome, second) = lab.run(again()).await;
    assert_eq!((outcome, &first.exits), (Outcome::Failed, &second.exits));
    assert_eq!(second.log.keys().copied().collect::<Vec<_>>(), [1], "what passed is not run twice, what failed is");
    let retried = RunSpec { fresh: Some((1, file)), ..again() };
    let (_, third) = lab.run(retried).await;
    assert_eq!(third.log.keys().copied().collect::<Vec<_>>(), [1], "what failed runs again, what passed does not");
    assert!(!first.cached[0] && !third.cached[1], "what ran is never called cached");
}
