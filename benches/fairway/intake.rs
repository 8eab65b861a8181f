//! 1 and 3: the door under load, and what the process weighs meanwhile.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::cluster::Cluster;
use crate::hub;
use crate::load::{self, Load, Parcel};
use crate::process::{SECRET, Served};
use crate::report::{Goal, Report};

const CONNECTIONS: usize = 64;
/// Repositories in turn, and so lanes.
const REPOSITORIES: i64 = 100;
const BODY: usize = 20_000;
/// 1.5 times what Probot 14 answered on two such cores, a second.
const RATE: f64 = 5_340.0;

/// What the cases are called, behind the database's name.
const NOBODY: &str = "events that nobody handles";
const STORED: &str = "pull_request deliveries: body and job stored, workers idle";
const DRAINING: &str = "pull requests, workers draining";

/// One load and what it is called.
struct Case<'a> {
    name: (&'a str, &'a str),
    parcels: &'a Arc<Vec<Parcel>>,
    total: usize,
    /// Probot's rate in this run.
    beside: Option<f64>,
}

/// Measures all of it.
pub async fn measure(report: &mut Report, total: usize) {
    let dir = tempfile::tempdir().expect("a folder");
    let hub = hub::start(dir.path()).await;
    hub::organisations(&hub, 1, &[("a.txt", "a\n")]);
    hub::pull(&hub, 0, 0);
    let payload = hub.look(|world| {
        let found = world.deliveries.iter().find(|d| d.event == "pull_request");
        found.map(|d| d.payload.to_string()).expect("its webhook was recorded")
    });
    let unhandled = parcels(&payload, "star");
    let handled = parcels(&payload, "pull_request");
    start_times(report, &hub.url(), dir.path());

    let beside = probot(report, dir.path(), &handled, total).await;
    let served = serve(dir.path(), "idle", (&hub.url(), ""));
    std::thread::sleep(std::time::Duration::from_secs(2));
    report.row("memory, idle", (served.memory().0, "MB"), Goal::Below(40.0));
    load(report, &served, Case { name: ("SQLite", NOBODY), parcels: &unhandled, total, beside }).await;
    report.row("memory, most under that load", (served.memory().1, "MB"), Goal::Below(120.0));
    served.kill();

    let served = Served::door(&format!("sqlite:{}", dir.path().join("door.db").display()));
    load(report, &served, Case { name: ("SQLite", STORED), parcels: &handled, total, beside }).await;
    report.row("memory, most under that load", (served.memory().1, "MB"), Goal::Below(120.0));
    served.kill();

    let served = serve(dir.path(), "drain", (&hub.url(), ""));
    load(report, &served, Case { name: ("SQLite", DRAINING), parcels: &handled, total, beside }).await;
    report.row("memory, most under that load", (served.memory().1, "MB"), Goal::Below(120.0));
    served.kill();

    postgres(report, (dir.path(), &hub.url()), (&unhandled, &handled), (total, beside)).await;
    hub.shutdown();
}

/// The same three on PostgreSQL. Each process gets a server of its own, so that none inherits the other's rows.
async fn postgres(
    report: &mut Report,
    (dir, github): (&Path, &str),
    (unhandled, handled): (&Arc<Vec<Parcel>>, &Arc<Vec<Parcel>>),
    (total, beside): (usize, Option<f64>),
) {
    let Some(cluster) = Cluster::start("") else {
        println!("PostgreSQL is not here: `apt-get install postgresql` for its figures");
        return;
    };
    let served = Served::door(&cluster.url);
    load(report, &served, Case { name: ("PostgreSQL", STORED), parcels: handled, total, beside }).await;
    served.kill();
    drop(cluster);

    let cluster = Cluster::start("").expect("it was here a moment ago");
    let served = serve(dir, "postgres", (github, &cluster.url));
    load(report, &served, Case { name: ("PostgreSQL", NOBODY), parcels: unhandled, total, beside }).await;
    load(report, &served, Case { name: ("PostgreSQL", DRAINING), parcels: handled, total: total / 2, beside }).await;
    report.row("memory, most under these loads", (served.memory().1, "MB"), Goal::Below(120.0));
    served.kill();
}

/// From the start of the process to its first `ready`: on a new database, and on one that is there.
fn start_times(report: &mut Report, github: &str, dir: &Path) {
    for what in ["start to ready, new database", "start to ready, again"] {
        let served = serve(dir, "start", (github, ""));
        report.row(what, (served.started_in.as_secs_f64() * 1_000.0, "ms"), Goal::Below(300.0));
        served.kill();
    }
}

/// Serves an organisation that none of the payloads is of: they are stored, claimed, parsed and dropped.
fn serve(dir: &Path, name: &str, (github, database): (&str, &str)) -> Served {
    let data = dir.join(name);
    std::fs::create_dir_all(&data).expect("a folder");
    let mut more = vec![("FAIRWAY_ORGS", "served")];
    if !database.is_empty() {
        more.push(("FAIRWAY_DATABASE_URL", database));
    }
    Served::start(&data, github, &more)
}

/// Probot under the same load, when it is here. It answers and stores nothing. Gives its rate.
async fn probot(report: &mut Report, dir: &Path, parcels: &Arc<Vec<Parcel>>, total: usize) -> Option<f64> {
    let Some(served) = Served::probot(dir) else {
        println!("Probot is not here: `npm install` in bench/probot for its figures");
        return None;
    };
    load::run(served.public, parcels, (CONNECTIONS, 2_000)).await;
    let load = load::run(served.public, parcels, (CONNECTIONS, total)).await;
    report.row(format!("Probot, pull requests, nothing stored: {total} deliveries"), (load.rate(), "/s"), Goal::Told);
    report.row("Probot: p50", (load.percentile(0.5), "ms"), Goal::Told);
    report.row("Probot: p99", (load.percentile(0.99), "ms"), Goal::Told);
    report.row("Probot: not answered with 200", (load.refused as f64, ""), Goal::Below(1.0));
    report.row("Probot: memory, most under that load", (served.memory().1, "MB"), Goal::Told);
    served.kill();
    Some(load.rate())
}

async fn load(report: &mut Report, served: &Served, case: Case<'_>) {
    // Connections and statements are made before the clock starts.
    load::run(served.public, case.parcels, (CONNECTIONS, 2_000)).await;
    let load: Load = load::run(served.public, case.parcels, (CONNECTIONS, case.total)).await;
    let name = format!("{}, {}", case.name.0, case.name.1);
    report.row(format!("intake, {name}: {} deliveries", case.total), (load.rate(), "/s"), Goal::Least(RATE));
    if let Some(beside) = case.beside {
        report.row(format!("intake, {name}: times Probot's rate"), (load.rate() / beside, ""), Goal::Least(1.5));
    }
    report.row(format!("intake, {name}: p50"), (load.percentile(0.5), "ms"), Goal::Told);
    report.row(format!("intake, {name}: p99"), (load.percentile(0.99), "ms"), Goal::Below(30.0));
    report.row(format!("intake, {name}: not answered with 202"), (load.refused as f64, ""), Goal::Below(1.0));
}

/// The payload of a pull request as the playground writes it, made up to 20 kB with more of the same, from as many
/// repositories as there are lanes.
fn parcels(payload: &str, event: &str) -> Arc<Vec<Parcel>> {
    let mut value: Value = serde_json::from_str(payload).expect("it is JSON");
    let sample = value["pull_request"].clone();
    let mut more = Vec::new();
    while value.to_string().len() < BODY {
        let mut again = sample.clone();
        again["id"] = Value::from(7_919 * more.len());
        more.push(again);
        value["more"] = Value::from(more.clone());
    }
    let bodies = (1..=REPOSITORIES).map(|id| {
        value["repository"]["id"] = Value::from(id);
        value["repository"]["full_name"] = Value::from(format!("org0/shop{id}"));
        value.to_string().into_bytes()
    });
    Arc::new(bodies.map(|body| Parcel::new(event, None, body, SECRET)).collect())
}
