//! 2: how long people wait. The whole of Fairway in this process with the scripted engine, the playground beside it,
//! and webhooks at a steady pace over many installations.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fairway::clock::Clock;
use fairway::context::Context;
use fairway::engine::scripted::Scripted;
use fairway::playground::Playground;
use fairway::settings::Orgs;
use fairway::store::Store;
use fairway::worker::{self, Pools};
use tokio_util::sync::CancellationToken;

use crate::load::{self, Parcel, percentile};
use crate::report::{Goal, Report};
use crate::{handles, hub};

const INSTALLATIONS: usize = 20;
const PER_SECOND: u32 = 20;
const SECONDS: usize = 10;
const GOAL_MS: f64 = 150.0;

/// When each thing was first seen at GitHub's side.
type Seen = Arc<Mutex<BTreeMap<String, Instant>>>;

/// Measures both.
pub async fn measure(report: &mut Report) {
    let dir = tempfile::tempdir().expect("a folder");
    let hub = hub::start(dir.path()).await;
    hub::organisations(&hub, INSTALLATIONS, &[("fairway.toml", hub::PIPELINE)]);
    let store = Store::open(&format!("sqlite:{}", dir.path().join("fairway.db").display())).await.expect("a store");
    store.migrate().await.expect("its tables");
    let ctx = handles::context(&hub, store, (Arc::new(Scripted::default()), Clock::system()), Orgs::Any);
    let stop = CancellationToken::new();
    let door = handles::serve(&ctx, &hub, &stop).await;
    let working = tokio::spawn(worker::run(ctx.clone(), Pools { short: 8, long: 4 }, stop.clone()));
    let seen = watch(&hub, &stop);

    // The first look at every repository ends before there is anything to find: only webhooks tell of what comes now.
    settled(&ctx).await;
    let total = PER_SECOND as usize * SECONDS;
    let pulls: Vec<_> = (0..total).map(|n| hub::pull(&hub, n % INSTALLATIONS, n)).collect();
    let parcels = hub::recorded(&hub, "pull_request", "opened");
    let keys: Vec<String> = pulls.iter().map(fairway::playground::PullDesk::head).collect();
    let sent = pace(door, parcels).await;
    settled(&ctx).await;
    let waits = |prefix: &str| waits(&seen, &sent, keys.iter().map(|key| format!("{prefix}:{key}")));
    rows(report, "webhook to its check run at GitHub", waits("check"), total);
    rows(report, "webhook to the end of its check run at GitHub", waits("completed"), total);

    let keys: Vec<String> = pulls.iter().map(|pull| format!("eyes:{}", pull.comment("bob", "/status"))).collect();
    let parcels = hub::recorded(&hub, "issue_comment", "created");
    // The App's own comments are recorded, too; a command is a person's.
    let parcels = parcels.into_iter().filter(|p| String::from_utf8_lossy(&p.body).contains("\"/status\"")).collect();
    let sent = pace(door, parcels).await;
    settled(&ctx).await;
    rows(report, "comment to `eyes`", self::waits(&seen, &sent, keys.into_iter()), total);

    let dead = ctx.store.dead(10).await.expect("the store answers");
    report.row("dead jobs after it", (dead.len() as f64, ""), Goal::Below(1.0));
    stop.cancel();
    working.await.expect("the workers end");
    hub.finish();
}

fn rows(report: &mut Report, what: &str, millis: Vec<f64>, total: usize) {
    report.row(format!("{what}: p50"), (percentile(&millis, 0.5), "ms"), Goal::Told);
    report.row(format!("{what}: p99"), (percentile(&millis, 0.99), "ms"), Goal::Below(GOAL_MS));
    report.row(format!("{what}: never seen, of {total}"), ((total - millis.len()) as f64, ""), Goal::Below(1.0));
}

/// Milliseconds from each webhook to what it led to, sorted; what was never seen, or seen before, is left out.
fn waits(seen: &Seen, sent: &[Instant], keys: impl Iterator<Item = String>) -> Vec<f64> {
    let seen = seen.lock().expect("nobody panicked");
    let waits = keys
        .zip(sent)
        .filter_map(|(key, at)| Some(seen.get(&key)?.checked_duration_since(*at)?.as_secs_f64() * 1_000.0));
    let mut millis: Vec<f64> = waits.collect();
    millis.sort_by(f64::total_cmp);
    millis
}

/// Sends the parcels one after another at a steady pace, each when its time has come. When each was sent.
async fn pace(door: SocketAddr, parcels: Vec<Parcel>) -> Vec<Instant> {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / PER_SECOND);
    let mut sent = Vec::with_capacity(parcels.len());
    for parcel in parcels {
        ticks.tick().await;
        sent.push(Instant::now());
        tokio::spawn(async move { assert_eq!(load::send(door, &parcel).await, 202, "a webhook is taken") });
    }
    sent
}

/// Until nothing is due, for at most half a minute.
async fn settled(ctx: &Context) {
    let pools = worker::pools(ctx);
    let kinds: Vec<&str> = [worker::SHORT, worker::LONG].concat();
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let due = ctx.store.next_due(&pools, &kinds).await.expect("the store answers");
        if due.is_none_or(|at| at > ctx.clock.now() + 60_000) {
            return;
        }
    }
}

/// Notes the first sight of every check run, of its end, and of every `eyes`.
fn watch(hub: &Playground, stop: &CancellationToken) -> Seen {
    let seen = Seen::default();
    let (hub, noted, stop) = (hub.clone(), seen.clone(), stop.clone());
    tokio::spawn(async move {
        let mut changes = hub.changes();
        while tokio::select! { () = stop.cancelled() => false, changed = changes.changed() => changed.is_ok() } {
            let now = Instant::now();
            let mut noted = noted.lock().expect("nobody panicked");
            hub.look(|world| {
                for repo in world.repos.values() {
                    for check in repo.checks.values() {
                        noted.entry(format!("check:{}", check.head_sha)).or_insert(now);
                        if check.status == "completed" {
                            noted.entry(format!("completed:{}", check.head_sha)).or_insert(now);
                        }
                    }
                    for comment in repo.comments.values().filter(|c| c.reactions.iter().any(|r| r.content == "eyes")) {
                        noted.entry(format!("eyes:{}", comment.id)).or_insert(now);
                    }
                }
            });
        }
    });
    seen
}
