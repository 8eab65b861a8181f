//! Many workers at once: nothing twice, nothing lost, every lane in order.

use crate::{both, claim, finish, insert, job, postgres};
use fairway::store::{Accepted, Claim, Limits, NewDelivery, Retry, RetryAs, State, Store};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::task::JoinSet;

const JOBS: i64 = 2_000;
const LANES: i64 = 200;

/// What the workers of all processes share: a clock that only they move, and who finished what in which order.
#[derive(Default)]
struct World {
    clock: AtomicI64,
    finished: Mutex<Vec<(String, i64)>>,
    zombies: AtomicI64,
}

/// Works until every lane is empty. By the job's number one in 20 "dies" in the middle of its first attempt and comes
/// back as a zombie that tries to finish; one in 50 fails once.
async fn work(store: Store, world: Arc<World>) {
    loop {
        let now = world.clock.fetch_add(1, Ordering::SeqCst);
        let lease = Claim { now, until: now + 400, pools: &[], kinds: &["k"] };
        let Some(job) = store.claim(&lease).await.unwrap() else {
            match store.next_due(&[], &["k"]).await.unwrap() {
                None => return,
                Some(due) => {
                    world.clock.fetch_max(due, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    continue;
                }
            }
        };
        let number: i64 = job.task.parse().unwrap();
        if number % 20 == 0 && job.attempt == 1 {
            // Others' time goes on until the lease is over.
            world.clock.fetch_max(job_end(now), Ordering::SeqCst);
            if let Some(other) =
                store.claim(&Claim { now: job_end(now), until: job_end(now) + 400, ..lease }).await.unwrap()
            {
                end(&store, &world, &other).await;
            }
            world.zombies.fetch_add(1, Ordering::SeqCst);
        }
        if number % 50 == 0 && job.failures == 0 {
            let retry = Retry { r#as: RetryAs::Failure, at: now + 5, error: "once", max_failures: 50, merge_key: None };
            store.retry(&job, &retry).await.unwrap();
            continue;
        }
        end(&store, &world, &job).await;
    }
}

fn job_end(now: i64) -> i64 {
    now + 400
}

/// Finishes under the fence. The list is written while the transaction is open, so its order is the order of ends.
async fn end(store: &Store, world: &World, job: &fairway::store::Job) {
    let Some(tx) = store.finish(job).await.unwrap() else {
        return;
    };
    world.finished.lock().unwrap().push((job.lane.clone(), job.task.parse().unwrap()));
    tx.commit().await.unwrap();
}

async fn storm(processes: Vec<Store>) {
    let store = processes[0].clone();
    let world = Arc::new(World::default());
    for chunk in (0..JOBS).collect::<Vec<_>>().chunks(500) {
        let jobs: Vec<_> = chunk.iter().map(|n| job(&format!("lane:{}", n % LANES), &n.to_string(), 0)).collect();
        insert(&store, &jobs).await;
    }
    let mut workers = JoinSet::new();
    for worker in 0..16 {
        workers.spawn(work(processes[worker % processes.len()].clone(), world.clone()));
    }
    while let Some(done) = workers.join_next().await {
        done.unwrap();
    }
    let finished = world.finished.lock().unwrap().clone();
    assert_eq!(finished.len() as i64, JOBS, "each is finished once");
    assert_eq!(finished.iter().map(|(_, n)| n).collect::<HashSet<_>>().len() as i64, JOBS);
    let mut lanes: HashMap<&str, i64> = HashMap::new();
    for (lane, number) in &finished {
        let before = lanes.insert(lane, *number);
        assert!(before.is_none_or(|before| before < *number), "{lane}: {number} came after {before:?}");
    }
    assert!(world.zombies.load(Ordering::SeqCst) > 0);
    assert_eq!(store.jobs(State::Dead, 10).await.unwrap(), []);
    assert_eq!(store.leased().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_workers_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite:{}", folder.path().join("storm.db").display())).await.unwrap();
    store.migrate().await.unwrap();
    storm(vec![store]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_workers_of_two_processes_on_postgresql() {
    let url = postgres::database().await;
    let processes = vec![Store::open(&url).await.unwrap(), Store::open(&url).await.unwrap()];
    processes[0].migrate().await.unwrap();
    storm(processes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_acknowledged_delivery_is_there_once() {
    for store in both().await {
        // Two doors, and every GUID comes twice: in one group, in two groups, or at two doors.
        let doors = [store.intake(), store.intake()];
        let mut senders = JoinSet::new();
        for n in 0..1_000u32 {
            let door = doors[(n % 2) as usize].clone();
            senders.spawn(async move {
                let guid = format!("guid-{}", n % 500);
                let body = format!("{{\"guid\":\"{guid}\"}}").into_bytes();
                let new = NewDelivery {
                    guid,
                    event: "push".into(),
                    repository_id: Some(i64::from(n % 500)),
                    body: Some(body),
                    now: 1,
                };
                (n % 500, door.accept(new).await.unwrap())
            });
        }
        let mut new = Vec::new();
        while let Some(answer) = senders.join_next().await {
            let (guid, accepted) = answer.unwrap();
            if accepted == Accepted::New {
                new.push(guid);
            }
        }
        new.sort_unstable();
        assert_eq!(new, (0..500).collect::<Vec<_>>(), "one of two is new");
        for _ in 0..500 {
            let hook = claim(&store, 1).await.unwrap();
            let body: serde_json::Value = serde_json::from_slice(&hook.body().unwrap().unwrap()).unwrap();
            let task: serde_json::Value = serde_json::from_str(&hook.task).unwrap();
            assert_eq!(body["guid"], task["guid"]);
            assert!(finish(&store, &hook).await);
        }
        assert_eq!(claim(&store, 1).await, None);
    }
}

#[tokio::test]
async fn a_failing_store_is_an_error_at_the_door() {
    for store in both().await {
        let intake = store.intake();
        store.close().await;
        let new =
            NewDelivery { guid: "g".into(), event: "push".into(), repository_id: None, body: Some(vec![1]), now: 1 };
        assert!(intake.accept(new).await.is_err());
    }
}

#[tokio::test]
async fn a_full_queue_is_an_error_at_the_door() {
    let limits = Limits { intake_queue: 1, ..Limits::default() };
    let store = Store::open_with("sqlite::memory:", limits).await.unwrap();
    store.migrate().await.unwrap();
    let intake = store.intake();
    let new = |guid: &str| NewDelivery {
        guid: guid.into(),
        event: "push".into(),
        repository_id: None,
        body: Some(vec![]),
        now: 1,
    };
    // On one thread both ask before the committer runs.
    let (first, second) = tokio::join!(intake.accept(new("1")), intake.accept(new("2")));
    assert_eq!(first.unwrap(), Accepted::New);
    assert!(second.unwrap_err().to_string().contains("too many webhooks"));
}
