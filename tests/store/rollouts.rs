//! Rollouts: one at a time in an environment, and an end that stays as it is.

use crate::both;
use fairway::store::{Claim, Marks, NewRollout, Store};

fn rollout(environment: &str, number: i64) -> NewRollout {
    NewRollout {
        repo_id: 1,
        environment: environment.to_owned(),
        number,
        kind: "planned".to_owned(),
        sha: format!("sha{number}"),
        base_sha: None,
        release: "digest".to_owned(),
        pull: Some(7),
        spec: "{}".to_owned(),
        accepted_at: 10,
        build_done_at: 5,
        fixes: Some(3),
        excused: false,
        now: 20,
    }
}

async fn begin(store: &Store, new: &NewRollout) -> Option<i64> {
    let mut tx = store.begin().await.unwrap();
    let id = tx.insert_rollout(new).await.unwrap();
    tx.commit().await.unwrap();
    id
}

#[tokio::test]
async fn an_environment_has_one_rollout_at_a_time_and_an_end_stays() {
    for store in both().await {
        let id = begin(&store, &rollout("staging", 1)).await.expect("the first");
        assert_eq!(begin(&store, &rollout("staging", 1)).await, None, "told twice");
        assert_eq!(begin(&store, &rollout("staging", 2)).await, None, "another one is on its way");
        assert!(begin(&store, &rollout("production", 1)).await.is_some());

        let row = store.rollout(id).await.unwrap().expect("its row");
        assert_eq!((row.sha.as_str(), row.pull, row.state, row.orders.as_str()), ("sha1", Some(7), None, "[]"));
        assert_eq!(row.marks, Marks::default());
        let mut tx = store.begin().await.unwrap();
        assert_eq!(tx.rollout_of(1, "staging", 1).await.unwrap().map(|row| row.id), Some(id));
        assert!(tx.set_orders(id, "[1]").await.unwrap());
        let marks = Marks {
            first_traffic_at: Some(30),
            full_at: Some(40),
            ended_at: Some(50),
            outcome: Some("live".to_owned()),
            decision: Some("live".to_owned()),
            max_weight: 10_000,
            exposure: 7,
            bad_requests: 2,
            detected_at: Some(43),
            decided_at: Some(44),
            excused: true,
            failed_at: Some(45),
            failed_by: Some("rollback".to_owned()),
            restored_at: Some(46),
        };
        assert!(tx.save_rollout(id, ("{}", &marks), 60).await.unwrap());
        assert!(!tx.save_rollout(id, ("[]", &Marks::default()), 70).await.unwrap(), "it had ended");
        assert!(!tx.set_orders(id, "[2]").await.unwrap(), "it hears nothing any more");
        tx.commit().await.unwrap();

        let row = store.rollout(id).await.unwrap().expect("its row");
        assert_eq!((row.marks, row.state.as_deref(), row.orders.as_str()), (marks, Some("{}"), "[1]"));
        let next = begin(&store, &rollout("staging", 2)).await;
        assert!(next.is_some(), "the one before is over");
        assert_eq!(store.newest_rollout(1, "staging").await.unwrap().map(|row| row.id), next);
    }
}

#[tokio::test]
async fn the_history_has_what_is_measured_and_nothing_long() {
    for store in both().await {
        let first = begin(&store, &rollout("staging", 1)).await.expect("the first");
        let excused = NewRollout { excused: true, fixes: None, ..rollout("production", 1) };
        let second = begin(&store, &excused).await.expect("the second");
        let mut tx = store.begin().await.unwrap();
        assert!(tx.save_rollout(second, ("{\"long\":1}", &Marks::default()), 30).await.unwrap());
        tx.save_brought(first, "one", 40).await.unwrap();
        tx.save_brought(first, "more", 50).await.unwrap();
        tx.commit().await.unwrap();

        let all = store.rollout_history(None).await.unwrap();
        assert_eq!(all.iter().map(|row| row.id).collect::<Vec<_>>(), [first, second]);
        assert_eq!(
            (all[0].fixes, all[0].marks.excused, all[1].fixes, all[1].marks.excused),
            (Some(3), false, None, true)
        );
        assert_eq!((all[1].spec.as_str(), all[1].state.as_deref()), ("", None), "what is long is left out");
        let one = store.rollout_history(Some("production")).await.unwrap();
        assert_eq!(one.iter().map(|row| row.id).collect::<Vec<_>>(), [second]);
        assert_eq!(store.released().await.unwrap(), ["digest"]);
        assert_eq!(store.brought(first).await.unwrap().as_deref(), Some("more"));
        assert_eq!(store.brought(second).await.unwrap(), None);
        assert_eq!(store.brought_all().await.unwrap(), [(first, "more".to_owned())]);
    }
}

#[tokio::test]
async fn a_transaction_of_a_job_that_goes_on_is_had_by_its_holder_alone() {
    for store in both().await {
        crate::insert(&store, &[crate::job("watch:1", "t", 0)]).await;
        let claim = Claim { now: 1, until: 10, pools: &[], kinds: &["k"] };
        let job = store.claim(&claim).await.unwrap().expect("it is due");
        store.fenced(&job).await.unwrap().expect("ours").commit().await.unwrap();
        let later = Claim { now: 20, until: 30, ..claim };
        assert!(store.claim(&later).await.unwrap().is_some(), "the lease ran out");
        assert!(store.fenced(&job).await.unwrap().is_none(), "somebody else has it");
    }
}
