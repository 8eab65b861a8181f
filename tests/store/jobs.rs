//! The queue's rules, one by one.

use crate::{both, claim, finish, insert, job};
use fairway::store::{Claim, Limits, NewJob, Retry, RetryAs, State, Store};

fn failure(at: i64) -> Retry<'static> {
    Retry { r#as: RetryAs::Failure, at, error: "502", max_failures: 2, merge_key: None }
}

#[tokio::test]
async fn a_lane_is_first_in_first_out_and_has_one_lease() {
    for store in both().await {
        insert(&store, &[job("a", "1", 10), job("a", "2", 5), job("b", "3", 20)]).await;
        let first = claim(&store, 30).await.unwrap();
        assert_eq!((first.task.as_str(), first.attempt, first.failures), ("1", 1, 0));
        let other = claim(&store, 30).await.unwrap();
        assert_eq!(other.task, "3");
        assert_eq!(claim(&store, 30).await, None);
        assert_eq!(store.leased().await.unwrap(), 2);
        assert!(finish(&store, &first).await);
        assert_eq!(claim(&store, 30).await.unwrap().task, "2");
        let done = store.job(first.id).await.unwrap().unwrap();
        assert_eq!((done.state, done.task.as_str()), (State::Done, ""));
    }
}

#[tokio::test]
async fn a_zombie_changes_nothing() {
    for store in both().await {
        insert(&store, &[job("a", "1", 0)]).await;
        let zombie = claim(&store, 0).await.unwrap();
        assert_eq!(claim(&store, 99).await, None);
        let owner = claim(&store, 100).await.unwrap();
        assert_eq!((owner.id, owner.attempt, owner.failures), (zombie.id, 2, 1));
        assert!(!store.heartbeat(&zombie, 900).await.unwrap());
        assert!(store.finish(&zombie).await.unwrap().is_none());
        assert_eq!(store.retry(&zombie, &failure(5)).await.unwrap(), None);
        assert!(!store.give_back(&zombie, 5).await.unwrap());
        assert!(!store.bury(&zombie, "gone").await.unwrap());
        assert!(store.heartbeat(&owner, 900).await.unwrap());
        assert_eq!(claim(&store, 899).await, None);
        assert!(store.bury(&owner, "lost its lease too often").await.unwrap());
        assert_eq!(store.dead(10).await.unwrap()[0].error.as_deref(), Some("lost its lease too often"));
    }
}

#[tokio::test]
async fn a_dropped_transaction_leaves_the_lease_and_nothing_else() {
    for store in both().await {
        insert(&store, &[job("a", "1", 0)]).await;
        let mine = claim(&store, 0).await.unwrap();
        let mut tx = store.finish(&mine).await.unwrap().unwrap();
        tx.insert_job(&job("b", "2", 0)).await.unwrap();
        tx.rollback().await.unwrap();
        assert_eq!(claim(&store, 0).await, None);
        assert!(finish(&store, &mine).await);
    }
}

#[tokio::test]
async fn an_unclaimed_job_takes_the_newer_task_the_older_place_and_the_earlier_time() {
    for store in both().await {
        let sync = |task: &str, at| NewJob { merge_key: Some("check:1".into()), ..job("check:1", task, at) };
        let ids =
            insert(&store, &[sync("old", 50), job("check:1", "behind", 0), sync("new", 20), sync("newest", 70)]).await;
        assert!(ids[0] == ids[2] && ids[0] == ids[3] && ids[0] != ids[1]);
        assert_eq!(store.next_due(&[], &["k"]).await.unwrap(), Some(20));
        let mine = claim(&store, 20).await.unwrap();
        assert_eq!(mine.task, "newest");
        // Claimed: a newer request is a job of its own.
        let again = insert(&store, &[sync("after", 20)]).await;
        assert_ne!(again[0], Some(mine.id));
    }
}

#[tokio::test]
async fn what_waits_takes_in_what_comes_for_the_same_thing_and_its_time() {
    for store in both().await {
        let sync = |task: &str, at| NewJob { merge_key: Some("check:1".into()), ..job("check:1", task, at) };
        let wait = Retry { r#as: RetryAs::Wait, at: 60, error: "slot", max_failures: 2, merge_key: Some("check:1") };
        insert(&store, &[sync("progress", 0)]).await;
        let mine = claim(&store, 0).await.unwrap();
        // While it was at work.
        insert(&store, &[sync("end", 5), job("check:1", "behind", 5)]).await;
        assert_eq!(store.retry(&mine, &wait).await.unwrap(), Some(State::Ready));
        let again = claim(&store, 5).await.unwrap();
        assert_eq!((again.id, again.task.as_str(), again.attempt), (mine.id, "end", 2));
        // While it waits.
        assert_eq!(store.retry(&again, &wait).await.unwrap(), Some(State::Ready));
        assert_eq!(claim(&store, 59).await, None);
        assert_eq!(insert(&store, &[sync("more", 20)]).await, [Some(mine.id)]);
        let again = claim(&store, 20).await.unwrap();
        assert_eq!((again.task.as_str(), again.attempt), ("more", 3));
        // A failure's pause is kept.
        insert(&store, &[sync("newest", 21)]).await;
        let fails = Retry { r#as: RetryAs::Failure, ..wait };
        assert_eq!(store.retry(&again, &fails).await.unwrap(), Some(State::Ready));
        assert_eq!(claim(&store, 59).await, None);
        // Whoever lost the lease writes nothing.
        assert_eq!(store.retry(&mine, &wait).await.unwrap(), None);
        let tasks = [claim(&store, 60).await.unwrap().task, "more".to_owned()];
        assert_eq!(tasks[0], tasks[1]);
    }
}

#[tokio::test]
async fn what_waits_for_more_of_the_same_is_done_at_once_when_that_is_urgent() {
    for store in both().await {
        let calm =
            |task: &str, calm, now| NewJob { merge_key: Some("check:1".into()), calm, ..job("check:1", task, now) };
        let ids = insert(&store, &[calm("queued", 90, 0), calm("running", 250, 10)]).await;
        assert_eq!(ids[0], ids[1]);
        assert_eq!(store.next_due(&[], &["k"]).await.unwrap(), Some(90));
        insert(&store, &[calm("over", 0, 30)]).await;
        assert_eq!(claim(&store, 30).await.unwrap().task, "over");
    }
}

#[tokio::test]
async fn failures_lead_to_dead_and_waiting_does_not() {
    for store in both().await {
        insert(&store, &[job("a", "1", 0), job("a", "2", 0)]).await;
        let wait = Retry { r#as: RetryAs::Wait, at: 10, error: "rate limit", max_failures: 2, merge_key: None };
        for at in [0, 10, 20] {
            let mine = claim(&store, at).await.unwrap();
            let wait = Retry { at: at + 10, ..wait };
            assert_eq!(store.retry(&mine, &wait).await.unwrap(), Some(State::Ready));
        }
        let mine = claim(&store, 30).await.unwrap();
        assert_eq!((mine.attempt, mine.failures), (4, 0));
        assert_eq!(store.retry(&mine, &failure(40)).await.unwrap(), Some(State::Ready));
        // The follower waits with the head.
        assert_eq!(claim(&store, 39).await, None);
        assert_eq!(store.next_due(&[], &["k"]).await.unwrap(), Some(40));
        let mine = claim(&store, 40).await.unwrap();
        assert_eq!(mine.failures, 1);
        assert_eq!(store.retry(&mine, &failure(50)).await.unwrap(), Some(State::Dead));
        let dead = store.dead(10).await.unwrap().remove(0);
        assert_eq!((dead.task.as_str(), dead.failures, dead.error.as_deref()), ("1", 2, Some("502")));
        assert_eq!(claim(&store, 40).await.unwrap().task, "2");
    }
}

#[tokio::test]
async fn a_retried_dead_job_goes_to_its_lanes_tail() {
    for store in both().await {
        insert(&store, &[job("a", "1", 0), job("a", "2", 0)]).await;
        let mine = claim(&store, 0).await.unwrap();
        store.bury(&mine, "why").await.unwrap();
        let counts = store.job_counts().await.unwrap();
        let counts: Vec<_> = counts.iter().map(|c| (c.kind.as_str(), c.state, c.jobs)).collect();
        assert_eq!(counts, [("k", State::Dead, 1), ("k", State::Ready, 1)]);
        let new = store.retry_dead(mine.id, 7).await.unwrap().unwrap();
        assert_eq!(store.retry_dead(mine.id, 7).await.unwrap(), None);
        assert_eq!(store.job(mine.id).await.unwrap(), None);
        let second = claim(&store, 7).await.unwrap();
        assert_eq!(second.task, "2");
        assert!(finish(&store, &second).await);
        let again = claim(&store, 7).await.unwrap();
        assert_eq!((again.id, again.task.as_str(), again.failures), (new, "1", 0));
    }
}

#[tokio::test]
async fn pools_and_unknown_kinds_are_left_alone() {
    for store in both().await {
        let pooled = NewJob { pool: Some("host:n_1".into()), ..job("a", "mine", 0) };
        let newer = NewJob { kind: "from-the-future".into(), ..job("b", "newer", 0) };
        insert(&store, &[pooled, newer]).await;
        assert_eq!(claim(&store, 0).await, None);
        assert_eq!(store.next_due(&[], &["k"]).await.unwrap(), None);
        let (near, here) = (["host:nx1".to_owned()], ["host:n_1".to_owned(), "host:other".to_owned()]);
        let ask = Claim { now: 0, until: 100, pools: &near, kinds: &["k", "other"] };
        assert_eq!(store.claim(&ask).await.unwrap(), None);
        assert_eq!(store.claim(&Claim { pools: &here, ..ask }).await.unwrap().unwrap().task, "mine");
        assert_eq!(store.claim(&Claim { kinds: &[], ..ask }).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_head_start_counts_for_what_is_due_and_never_rings_a_timer_early() {
    for store in both().await {
        let urgent = NewJob { priority: 500, ..job("b", "urgent", 1_000) };
        let timer = NewJob { priority: 500, run_at: 5_000, ..job("c", "timer", 1_000) };
        insert(&store, &[job("a", "bulk", 900), urgent, timer]).await;
        for expected in ["urgent", "bulk"] {
            let mine = claim(&store, 1_000).await.unwrap();
            assert_eq!(mine.task, expected);
            finish(&store, &mine).await;
        }
        assert_eq!(claim(&store, 4_999).await, None);
        assert_eq!(store.next_due(&[], &["k"]).await.unwrap(), Some(5_000));
    }
}

#[tokio::test]
async fn a_given_back_job_is_claimable_at_once_and_nothing_is_counted() {
    for store in both().await {
        insert(&store, &[job("a", "1", 0)]).await;
        let mine = claim(&store, 0).await.unwrap();
        assert!(store.give_back(&mine, 1).await.unwrap());
        let again = claim(&store, 1).await.unwrap();
        assert_eq!((again.attempt, again.failures), (2, 0));
    }
}

#[tokio::test]
async fn a_full_lane_refuses_and_still_merges() {
    let limits = Limits { lane: 2, ..Limits::default() };
    let stores = [
        Store::open_with("sqlite::memory:", limits).await.unwrap(),
        Store::open_with(&crate::postgres::database().await, limits).await.unwrap(),
    ];
    for store in stores {
        store.migrate().await.unwrap();
        let ids = insert(&store, &[job("a", "1", 0), job("a", "2", 0), job("a", "3", 0), job("b", "4", 0)]).await;
        assert_eq!(ids.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false, true]);
        let merging = NewJob { merge_key: Some("m".into()), ..job("a", "5", 0) };
        assert!(insert(&store, &[merging]).await[0].is_some());
    }
}

#[tokio::test]
async fn a_commit_that_inserted_wakes_the_dispatcher() {
    for store in both().await {
        // Who registers before the commit hears it; the loops do so before they look.
        let mut woken = std::pin::pin!(store.wake().notified());
        woken.as_mut().enable();
        insert(&store, &[job("a", "1", 0)]).await;
        woken.await;
    }
}
