//! 4: what a claim costs as the table grows. Rows are made by SQL, claims go through the store as the workers' do.

use std::time::Instant;

use fairway::clock::Clock;
use fairway::store::{Claim, NewJob, Store};
use fairway::worker::SHORT;
use sqlx::Connection;

use crate::load::percentile;
use crate::report::{Goal, Report};

const CLAIMS: usize = 1_000;

/// Finished rows, as the workers leave them.
const FINISHED: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
 INSERT INTO jobs (lane, kind, task, state, run_at, created_at, attempt)
 SELECT 'in:' || (i % 1000), 'event', '', 'done', i, i, 1 FROM n";
/// Lanes whose head is dated later, each with one that waits behind it.
const LATER: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
 INSERT INTO jobs (lane, kind, task, state, run_at, created_at)
 SELECT 'later:' || (i % 50000), 'event', '{}', 'ready', 9000000000000, i FROM n";
/// Lanes that are due, behind those that are claimed here.
const DUE: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
 INSERT INTO jobs (lane, kind, task, state, run_at, created_at)
 SELECT 'due:' || i, 'event', '{}', 'ready', 1000000000000, i FROM n";

/// Measures all of it.
pub async fn measure(report: &mut Report) {
    let dir = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", dir.path().join("growth.db").display());
    let store = Store::open(&url).await.expect("a store");
    store.migrate().await.expect("its tables");
    claims(&store).await;
    let empty = claims(&store).await;
    report.row("claim, empty table: p50", (empty * 1_000.0, "us"), Goal::Told);
    for (what, sql) in [
        ("1,000,000 finished rows", FINISHED),
        ("and 50,000 lanes that wait for their time", LATER),
        ("and 50,000 lanes that are due", DUE),
    ] {
        fill(&url, sql).await;
        claims(&store).await;
        let cost = claims(&store).await;
        report.row(format!("claim, {what}: p50"), (cost * 1_000.0, "us"), Goal::Told);
        report.row(format!("claim, {what}: times the cost without"), (cost / empty, "x"), Goal::Below(1.5));
    }
    store.close().await;
}

/// Milliseconds of the middle claim. The jobs are due before all others.
async fn claims(store: &Store) -> f64 {
    let mut tx = store.begin().await.expect("a transaction");
    for n in 0..CLAIMS {
        let job = NewJob {
            lane: format!("bench:{}", n % 100),
            kind: "event".into(),
            task: "{}".into(),
            run_at: 1,
            now: 1,
            ..NewJob::default()
        };
        tx.insert_job(&job).await.expect("a row").expect("room in the lane");
    }
    tx.commit().await.expect("a commit");
    let now = Clock::system().now();
    let pools = ["host:bench".to_owned()];
    let claim = Claim { now, until: now + 60_000, pools: &pools, kinds: SHORT };
    let mut millis = Vec::with_capacity(CLAIMS);
    for _ in 0..CLAIMS {
        let begin = Instant::now();
        let job = store.claim(&claim).await.expect("the store answers").expect("a job is due");
        millis.push(begin.elapsed().as_secs_f64() * 1_000.0);
        store.finish(&job).await.expect("the store answers").expect("our lease").commit().await.expect("a commit");
    }
    millis.sort_by(f64::total_cmp);
    percentile(&millis, 0.5)
}

async fn fill(url: &str, sql: &'static str) {
    let mut connection = sqlx::SqliteConnection::connect(url).await.expect("the same database");
    sqlx::query(sql).execute(&mut connection).await.expect("rows");
    connection.close().await.expect("it closes");
}
