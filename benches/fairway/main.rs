//! `make bench`: every figure of `docs/benchmarks.md` in one table and in `target/bench.json`. It judges and never
//! fails: a slow machine is no broken one.
//!
//! `cargo bench --bench fairway -- intake` runs one part: `intake`, `latency`, `growth`, `recovery`,
//! `dagger`, `judge`, `release`, `host` or `updates`.

#[path = "../../tests/common/cluster.rs"]
mod cluster;
mod dagger;
mod door;
mod growth;
#[path = "../../tests/common/handles.rs"]
mod handles;
mod host;
mod hub;
mod intake;
mod judge;
mod latency;
mod load;
mod process;
mod recovery;
mod release;
mod report;
mod updates;
mod visitors;

use report::Report;

/// Deliveries in one load.
const DELIVERIES: usize = 40_000;

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|first| first == process::DOOR) {
        return door::serve(&args[1..]).await;
    }
    if let [first, port, ..] = args.as_slice()
        && first == visitors::RELEASE
    {
        return visitors::release(port).await;
    }
    let wanted: Vec<String> = args.into_iter().filter(|arg| !arg.starts_with('-')).collect();
    let asked = |part: &str| wanted.is_empty() || wanted.iter().any(|name| name == part);
    let machine = report::machine();
    println!("{machine:#}\n");
    let mut report = Report::default();
    if asked("intake") {
        intake::measure(&mut report, DELIVERIES).await;
    }
    if asked("latency") {
        latency::measure(&mut report).await;
    }
    if asked("growth") {
        growth::measure(&mut report).await;
    }
    if asked("recovery") {
        recovery::measure(&mut report).await;
    }
    if asked("dagger") {
        dagger::measure(&mut report).await;
    }
    if asked("judge") {
        judge::measure(&mut report);
    }
    if asked("release") {
        release::measure(&mut report).await;
    }
    if asked("host") {
        host::measure(&mut report).await;
    }
    if asked("updates") {
        updates::measure(&mut report).await;
    }
    match report.write(&machine) {
        Ok(path) => println!("\nas JSON: {}", path.display()),
        Err(error) => eprintln!("target/bench.json could not be written: {error}"),
    }
}
