//! Every query of the store, on SQLite in memory and on PostgreSQL.

#[path = "common/postgres.rs"]
mod postgres;

#[path = "store/jobs.rs"]
mod jobs;
#[path = "store/migrations.rs"]
mod migrations;
#[path = "store/people.rs"]
mod people;
#[path = "store/rollouts.rs"]
mod rollouts;
#[path = "store/rows.rs"]
mod rows;
#[path = "store/storm.rs"]
mod storm;

use fairway::store::{Claim, Job, NewJob, Store};

/// One migrated store of each engine.
async fn both() -> [Store; 2] {
    let stores = [
        Store::open("sqlite::memory:").await.expect("SQLite opens"),
        Store::open(&postgres::database().await).await.expect("PostgreSQL opens"),
    ];
    for store in &stores {
        store.migrate().await.expect("the schema is made");
    }
    stores
}

fn job(lane: &str, task: &str, run_at: i64) -> NewJob {
    NewJob { lane: lane.into(), kind: "k".into(), task: task.into(), run_at, now: run_at, ..NewJob::default() }
}

async fn insert(store: &Store, jobs: &[NewJob]) -> Vec<Option<i64>> {
    let mut tx = store.begin().await.unwrap();
    let mut ids = Vec::new();
    for job in jobs {
        ids.push(tx.insert_job(job).await.unwrap());
    }
    tx.commit().await.unwrap();
    ids
}

/// Claims as a process of no pool that knows the kinds `k` and `delivery`, for 100 ms.
async fn claim(store: &Store, now: i64) -> Option<Job> {
    let claim = Claim { now, until: now + 100, pools: &[], kinds: &["k", "delivery"] };
    store.claim(&claim).await.unwrap()
}

async fn finish(store: &Store, job: &Job) -> bool {
    match store.finish(job).await.unwrap() {
        Some(tx) => tx.commit().await.is_ok(),
        None => false,
    }
}
