//! The door's way in. Webhooks that wait at the same time share one transaction, so that one fsync serves many; each
//! is answered only after the commit that holds it.

use super::{Store, pack};
use anyhow::{Context, Result, anyhow};
use sqlx::{AnyConnection, AssertSqlSafe};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc, oneshot};

/// A webhook whose signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// `X-GitHub-Delivery`.
    pub guid: String,
    /// `X-GitHub-Event`.
    pub event: String,
    /// `repository.id`, when there is one; names the lane.
    pub repository_id: Option<i64>,
    /// The raw body; `None` for an event that nobody handles: its GUID is remembered, and no job is made.
    pub body: Option<Vec<u8>>,
    /// Unix ms.
    pub now: i64,
}

/// What became of a delivery. Either way it is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// Stored now, with its job.
    New,
    /// This GUID was here before; nothing was added.
    Duplicate,
}

/// The handle that the door holds; cheap to clone. The committers end when the last handle is dropped.
#[derive(Clone, Debug)]
pub struct Intake {
    queue: mpsc::Sender<Waiting>,
    store: Store,
}

#[derive(Debug)]
struct Waiting {
    guid: String,
    event: String,
    repository_id: Option<i64>,
    packed: Option<Vec<u8>>,
    now: i64,
    answer: oneshot::Sender<Result<Accepted>>,
}

impl Intake {
    /// Stores a delivery and a job of kind `delivery` in lane `in:REPO_ID` (`in:0` without repository), whose task is
    /// `{"guid","event","repository_id"}` and whose body is the webhook's. Returns after the commit. Errors when the
    /// queue is full or the store fails: the door says 503 and GitHub's delivery is found again later.
    pub async fn accept(&self, delivery: NewDelivery) -> Result<Accepted> {
        let NewDelivery { guid, event, repository_id, body, now } = delivery;
        let place = self.queue.try_reserve().map_err(|_| anyhow!("too many webhooks wait for the database"))?;
        let (answer, answered) = oneshot::channel();
        place.send(Waiting { guid, event, repository_id, packed: body.as_deref().map(pack).transpose()?, now, answer });
        let _at_door = AtDoor::enter(&self.store);
        answered.await.context("the database went away before the commit")?
    }
}

/// One delivery that waits for its commit, counted also when its sender hangs up.
struct AtDoor<'a>(&'a Store);

impl AtDoor<'_> {
    fn enter(store: &Store) -> AtDoor<'_> {
        store.inner.at_door.fetch_add(1, Ordering::Relaxed);
        AtDoor(store)
    }
}

impl Drop for AtDoor<'_> {
    fn drop(&mut self) {
        self.0.inner.at_door.fetch_sub(1, Ordering::Relaxed);
    }
}

/// So many deliveries at the door are a crowd, for which work steps aside.
const CROWD: usize = 8;
/// Work steps aside for at most this long, and then takes its turn all the same.
const ASIDE: Duration = Duration::from_millis(250);

impl Store {
    /// Steps aside while deliveries crowd at the door. There is one writer, GitHub waits ten seconds for an answer and
    /// never asks again by itself; a job that is a little later loses nothing.
    pub(super) async fn door_first(&self) {
        let crowd = || self.inner.at_door.load(Ordering::Relaxed) >= CROWD;
        let tick = Duration::from_millis(5);
        let mut stood = Duration::ZERO;
        while stood < ASIDE && crowd() {
            tokio::time::sleep(tick).await;
            stood += tick;
        }
    }

    /// Starts the group committers: one on SQLite, which has one writer, and four on PostgreSQL. Call it once per
    /// process, inside a Tokio runtime.
    pub fn intake(&self) -> Intake {
        let (queue, waiting) = mpsc::channel(self.limits().intake_queue);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..if self.is_postgres() { 4 } else { 1 } {
            tokio::spawn(commit_groups(self.clone(), waiting.clone()));
        }
        Intake { queue, store: self.clone() }
    }

    /// Stores deliveries as [`Intake::accept`] does, all in one transaction, for who reads them in GitHub's list.
    pub async fn take(&self, deliveries: Vec<NewDelivery>) -> Result<()> {
        if deliveries.is_empty() {
            return Ok(());
        }
        let mut group = Vec::with_capacity(deliveries.len());
        for NewDelivery { guid, event, repository_id, body, now } in deliveries {
            // Nobody waits for an answer.
            let (answer, _) = oneshot::channel();
            let packed = body.as_deref().map(pack).transpose()?;
            group.push(Waiting { guid, event, repository_id, packed, now, answer });
        }
        commit(self, &group).await?;
        self.wake().notify_waiters();
        Ok(())
    }

    /// Those GUIDs that were never accepted, in the given order. At most 1,000 are looked up at a time.
    pub async fn deliveries_missing(&self, guids: &[String]) -> Result<Vec<String>> {
        let mut known: HashSet<String> = HashSet::new();
        for some in guids.chunks(1_000) {
            let sql = format!("SELECT guid FROM deliveries WHERE guid IN ({})", places(1, some.len()));
            let mut query = sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false);
            for guid in some {
                query = query.bind(guid.as_str());
            }
            known.extend(query.fetch_all(self.read()).await?);
        }
        Ok(guids.iter().filter(|guid| !known.contains(*guid)).cloned().collect())
    }
}

async fn commit_groups(store: Store, waiting: Arc<Mutex<mpsc::Receiver<Waiting>>>) {
    let most = store.limits().intake_batch.max(1);
    loop {
        let mut group = Vec::with_capacity(most);
        if waiting.lock().await.recv_many(&mut group, most).await == 0 {
            return;
        }
        match commit(&store, &group).await {
            Ok(new) => {
                for (place, waiting) in group.into_iter().enumerate() {
                    let accepted = if new.contains(&place) { Accepted::New } else { Accepted::Duplicate };
                    // Who hung up meanwhile needs no answer: the row is there.
                    waiting.answer.send(Ok(accepted)).ok();
                }
                store.wake().notify_waiters();
            }
            Err(error) => {
                for waiting in group {
                    waiting.answer.send(Err(anyhow!("the webhook could not be stored: {error:#}"))).ok();
                }
            }
        }
    }
}

/// Stores a group. Returns the places of the new ones.
async fn commit(store: &Store, group: &[Waiting]) -> Result<HashSet<usize>> {
    // By GUID, so that two committers lock in one order and never wait for each other in a circle.
    let mut by_guid: Vec<usize> = (0..group.len()).collect();
    by_guid.sort_by(|a, b| group[*a].guid.cmp(&group[*b].guid));
    by_guid.dedup_by(|later, earlier| group[*later].guid == group[*earlier].guid);

    let mut tx = store.begin().await?;
    let mut inserted: HashSet<String> = HashSet::new();
    for some in powers_of_two(&by_guid) {
        inserted.extend(insert_deliveries(tx.connection(), some.iter().map(|place| &group[*place])).await?);
    }
    let mut new: Vec<usize> = by_guid.into_iter().filter(|place| inserted.contains(&group[*place].guid)).collect();
    // In order of arrival, because a lane is first in, first out.
    new.sort_unstable();
    let handled: Vec<usize> = new.iter().copied().filter(|place| group[*place].packed.is_some()).collect();
    for some in powers_of_two(&handled) {
        insert_jobs(tx.connection(), some.iter().map(|place| &group[*place])).await?;
    }
    tx.commit().await?;
    Ok(new.into_iter().collect())
}

async fn insert_deliveries<'a>(
    connection: &mut AnyConnection,
    some: impl ExactSizeIterator<Item = &'a Waiting>,
) -> Result<Vec<String>> {
    let sql = format!(
        "INSERT INTO deliveries (guid, event, repository_id, received_at) VALUES {} ON CONFLICT (guid) DO NOTHING RETURNING guid",
        rows(some.len(), 4)
    );
    let mut query = sqlx::query_scalar(AssertSqlSafe(sql));
    for waiting in some {
        query = query
            .bind(waiting.guid.as_str())
            .bind(waiting.event.as_str())
            .bind(waiting.repository_id)
            .bind(waiting.now);
    }
    Ok(query.fetch_all(connection).await?)
}

async fn insert_jobs<'a>(
    connection: &mut AnyConnection,
    some: impl ExactSizeIterator<Item = &'a Waiting>,
) -> Result<()> {
    let sql =
        format!("INSERT INTO jobs (lane, kind, task, body, state, run_at, created_at) VALUES {}", rows(some.len(), 7));
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for Waiting { guid, event, repository_id, packed, now, .. } in some {
        let task = serde_json::json!({ "guid": guid, "event": event, "repository_id": repository_id });
        query = query
            .bind(format!("in:{}", repository_id.unwrap_or(0)))
            .bind("delivery")
            .bind(task.to_string())
            .bind(packed.as_deref())
            .bind("ready")
            .bind(now)
            .bind(now);
    }
    query.execute(connection).await?;
    Ok(())
}

/// Cuts a group into lengths of 64, 32, 16 ... 1, so that few texts of statements are ever prepared.
fn powers_of_two<T>(mut group: &[T]) -> Vec<&[T]> {
    let mut parts = Vec::new();
    while !group.is_empty() {
        let length = (1 << group.len().ilog2()).min(64);
        let (part, rest) = group.split_at(length);
        parts.push(part);
        group = rest;
    }
    parts
}

/// `($1, $2), ($3, $4)` for two rows of two columns.
fn rows(rows: usize, columns: usize) -> String {
    let row = |row: usize| format!("({})", places(row * columns + 1, columns));
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

fn places(from: usize, count: usize) -> String {
    (from..from + count).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ")
}
