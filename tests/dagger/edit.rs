//! A lock that its own client changes on a real engine, as an update has it done.

use std::collections::BTreeMap;

use fairway::domain::update::course::Item;
use fairway::domain::update::edit::{failure, plan};
use fairway::domain::update::{Ecosystem, Files};
use fairway::engine::{Engine, Outcome, RunSpec};
use fairway::registry::Clients;
use fairway::worker::update::script::{OUT, steps};

use super::{Lab, Said, real};

const MANIFEST: &str = "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\ninner = { version = \"1\", registry = \"own\" }\n";
const ADDRESS: &str = "sparse+http://registry.example/";

/// Three versions of one crate on the container's own disk: a test does not know how a container would reach it.
fn clients() -> Clients {
    let sum = "0".repeat(64);
    let line = |version: &str| {
        format!(
            "{{\"name\":\"inner\",\"vers\":\"{version}\",\"deps\":[],\"cksum\":\"{sum}\",\"features\":{{}},\"yanked\":false}}\n"
        )
    };
    let config = format!(
        "[registries.own]\nindex = \"{ADDRESS}\"\n[source.own]\nregistry = \"{ADDRESS}\"\nreplace-with = \"shelf\"\n[source.shelf]\nlocal-registry = \"shelf\"\n"
    );
    let index = ["1.0.0", "1.1.0", "1.2.0"].map(line).concat();
    let files = [(".cargo/config.toml", config), ("shelf/index/in/ne/inner", index)];
    Clients { files: files.map(|(path, text)| (path.to_owned(), text)).into(), env: BTreeMap::new() }
}

/// Runs the plan as an update does, in an image.
async fn edited(runner: &str, image: &str) -> (Lab, Outcome, Said) {
    let lock = format!(
        "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n \"inner\",\n]\n\n[[package]]\nname = \"inner\"\nversion = \"1.0.0\"\nsource = \"{ADDRESS}\"\nchecksum = \"{}\"\n",
        "0".repeat(64)
    );
    let evil = "[registries.own]\nindex = \"sparse+http://127.0.0.1:9/\"\n[alias]\nupdate = \"run\"\n";
    let files = [
        ("Cargo.toml", MANIFEST),
        ("Cargo.lock", lock.as_str()),
        ("src/lib.rs", ""),
        ("build.rs", "fn main() { panic!(\"EVIL\") }\n"),
        (".cargo/config.toml", evil),
    ];
    let lab = Lab::new("dagger", runner, &files).await;
    let item = Item {
        ecosystem: Ecosystem::Cargo,
        name: "inner".to_owned(),
        file: "Cargo.lock".to_owned(),
        line: 0,
        from: "1.0.0".to_owned(),
        to: "1.1.0".to_owned(),
        lock_only: true,
        published: None,
        pin: None,
    };
    let texts: Files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    let clients = clients();
    let spec = RunSpec {
        steps: steps(&plan(&texts, &[item]).expect("a plan"), &clients),
        env: clients.env,
        export: Some(OUT.to_owned()),
        fork: true,
        image: Some(image.to_owned()),
        ..lab.spec(&[])
    };
    let (outcome, said) = lab.run(spec).await;
    (lab, outcome, said)
}

#[tokio::test]
async fn a_lock_is_changed_by_its_own_client_as_a_forks_code_and_nothing_else_comes_back() {
    let Some(runner) = real() else { return };
    let (lab, outcome, said) = edited(&runner, "rust:1-slim").await;
    assert_eq!(outcome, Outcome::Success, "{said:?}");
    assert!(!format!("{said:?}").contains("EVIL"), "the repository's code ran: {said:?}");
    let digest = said.export.expect("what it left");
    let kept = lab.engine.kept(&digest).expect("it is kept");
    // An export of one folder may be kept as that folder or with it.
    let root = [kept.join(OUT), kept.clone()].into_iter().find(|root| root.join("Cargo.lock").is_file());
    let root = root.expect("the lock");
    let text = std::fs::read_to_string(root.join("Cargo.lock")).expect("a lock");
    assert!(text.contains("name = \"inner\"\nversion = \"1.1.0\"\n"), "{text}");
    let names: Vec<_> = std::fs::read_dir(&root).expect("a folder").map(|one| one.expect("one").file_name()).collect();
    assert_eq!(names, ["Cargo.lock"], "only what the plan names is laid aside");
    lab.engine.forget(&digest);
    assert_eq!(lab.engine.kept(&digest), None);
}

#[tokio::test]
async fn a_client_that_an_image_lacks_is_said_with_what_to_do() {
    let Some(runner) = real() else { return };
    let (_lab, outcome, said) = edited(&runner, "debian:bookworm").await;
    assert_eq!((outcome, said.export.is_none()), (Outcome::Failed, true));
    let log: String = said.log.values().map(String::as_str).collect();
    let why = failure(&log);
    assert!(why.starts_with("there is no cargo where pipelines run: name an `image` with it"), "{why}\n{log}");
}
