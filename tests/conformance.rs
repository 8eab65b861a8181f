//! What every engine must do alike: one table of runs, tried on the local engine, on the Dagger engine with a session that
//! is played by this test, and, where `FAIRWAY_TEST_DAGGER` names one, on a real Dagger engine.

#[path = "conformance/case.rs"]
mod case;
#[path = "conformance/exec.rs"]
mod exec;
#[path = "conformance/export.rs"]
mod export;
#[path = "conformance/faults.rs"]
mod faults;
#[path = "conformance/graphql.rs"]
mod graphql;
#[path = "conformance/lab.rs"]
mod lab;
#[path = "conformance/objects.rs"]
mod objects;
#[path = "conformance/samples.rs"]
mod samples;
#[path = "conformance/session.rs"]
mod session;
#[path = "conformance/source.rs"]
mod source;
#[path = "conformance/table/mod.rs"]
mod table;
#[path = "conformance/wire.rs"]
mod wire;

use std::sync::Arc;
use std::time::Duration;

use case::{Case, On};
use lab::Lab;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// So many runs at once, over all engines: each has processes of its own.
static AT_ONCE: Semaphore = Semaphore::const_new(4);

/// A case that has not ended by then never will.
const TOO_LONG: Duration = Duration::from_secs(120);

/// Nothing ever connects to it; it only says whose a session is, also where two of these tests run on one machine.
fn address(of: &str) -> String {
    format!("kube-pod://{of}-{}", std::process::id())
}

/// Runs all cases that this engine holds, and tells of every one that did not go as the table says.
async fn hold(on: On, address: &str) {
    let lab = Arc::new(Lab::new(on, address).await);
    let chosen = std::env::var("FAIRWAY_TEST_CASE").unwrap_or_default();
    let cases: Vec<Case> = table::all().into_iter().filter(|c| c.is_for(on) && c.name.contains(&chosen)).collect();
    let (cases, out): (Vec<Case>, Vec<Case>) =
        cases.into_iter().partition(|case| lab.keeps_caches() || !case.keeps_something());
    if !out.is_empty() {
        println!("left out: {} cases with caches, which the local engine has in bubblewrap only", out.len());
    }
    let count = cases.len();
    let mut running = JoinSet::new();
    for case in cases {
        let lab = lab.clone();
        running.spawn(async move {
            let _turn = if case.waits() { None } else { Some(AT_ONCE.acquire().await.expect("never closed")) };
            // A panic is one more way to fail a case, and the others go on.
            let name = case.name.clone();
            let checked = tokio::spawn(async move { lab.check(&case).await });
            let why = match tokio::time::timeout(TOO_LONG, checked).await {
                Ok(checked) => checked.unwrap_or_else(|error| vec![format!("it panicked: {error}")]),
                Err(_) => vec!["it did not end".to_owned()],
            };
            (name, why)
        });
    }
    let mut wrong = Vec::new();
    while let Some(done) = running.join_next().await {
        let (name, why) = done.expect("the check itself does not panic");
        wrong.extend(why.into_iter().map(|why| format!("{name}: {why}")));
    }
    wrong.extend(lab.left().await.into_iter().map(|what| format!("left behind: {what}")));
    wrong.sort();
    println!("{count} cases on {:?}", lab.on());
    assert!(wrong.is_empty(), "{:?}, {} complaints:\n{}", lab.on(), wrong.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_local_engine_holds_every_case() {
    hold(On::Local, "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dagger_engine_holds_every_case_on_a_session_of_ours() {
    hold(On::Fake, &address("the-table")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dagger_engine_holds_every_case_on_a_real_engine() {
    match std::env::var("FAIRWAY_TEST_DAGGER") {
        Ok(address) => hold(On::Real, &address).await,
        Err(_) => println!("left out: the cases on a real Dagger engine; name one with FAIRWAY_TEST_DAGGER"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_run_leaves_nothing_behind() {
    let address = address("a-dropped-run");
    for on in [On::Local, On::Fake] {
        let lab = Lab::new(on, &address).await;
        let steps = ["trap '' TERM INT HUP; echo begun; sleep 300 & sleep 300; sleep 300"];
        lab.drop_on_its_way(&case::case("dropped", &steps).env("WHOSE", &address)).await;
        assert_eq!(lab.left().await, Vec::<String>::new(), "{on:?}");
    }
}
