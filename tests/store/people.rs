//! Sessions, states of sign-ins and the audit.

use crate::both;
use fairway::store::{Keep, NewAct, SessionRow};

fn session(id: &str, user_id: i64, at: i64) -> SessionRow {
    let expires_at = at + 1_000;
    SessionRow { id: id.into(), user_id, login: "alice".into(), created_at: at, seen_at: at, expires_at }
}

#[tokio::test]
async fn a_session_ends_by_its_date_by_idleness_by_hand_and_all_at_once() {
    for store in both().await {
        store.begin_session(&session("a", 1, 100), None).await.unwrap();
        store.begin_session(&session("b", 1, 110), None).await.unwrap();
        store.begin_session(&session("c", 2, 120), None).await.unwrap();
        assert_eq!(store.session("a", (500, 99)).await.unwrap(), Some(session("a", 1, 100)));
        assert_eq!(store.session("a", (1_100, 99)).await.unwrap(), None, "its time is over");
        assert_eq!(store.session("a", (500, 100)).await.unwrap(), None, "it was idle");
        store.see_session("a", 400).await.unwrap();
        store.see_session("a", 300).await.unwrap();
        assert_eq!(store.session("a", (500, 100)).await.unwrap().unwrap().seen_at, 400, "never back");
        let ids = |rows: Vec<SessionRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
        assert_eq!(ids(store.sessions_of(1, (500, 0)).await.unwrap()), ["b", "a"]);
        store.begin_session(&session("d", 1, 130), Some("b")).await.unwrap();
        assert_eq!(ids(store.sessions_of(1, (500, 0)).await.unwrap()), ["d", "a"], "in place of the older one");
        assert!(store.end_session("a").await.unwrap() && !store.end_session("a").await.unwrap());
        store.begin_session(&session("e", 1, 140), None).await.unwrap();
        assert_eq!(store.end_sessions(1).await.unwrap(), 2);
        assert_eq!(ids(store.sessions_of(2, (500, 0)).await.unwrap()), ["c"], "nobody else's");
    }
}

#[tokio::test]
async fn the_oldest_of_too_many_sessions_goes() {
    for store in both().await {
        for at in 0..25 {
            store.begin_session(&session(&format!("s{at}"), 1, at), None).await.unwrap();
        }
        let rows = store.sessions_of(1, (500, -1)).await.unwrap();
        assert_eq!((rows.len(), rows[0].id.as_str(), rows[19].id.as_str()), (20, "s24", "s5"));
    }
}

#[tokio::test]
async fn a_state_is_taken_once_by_whoever_comes_first() {
    for store in both().await {
        let mut takers = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let store = store.clone();
            takers.spawn(async move { store.use_state("s", 5).await.unwrap() });
        }
        let taken = takers.join_all().await.into_iter().filter(|taken| *taken).count();
        assert_eq!(taken, 1);
        assert!(store.use_state("t", 5).await.unwrap());
    }
}

#[tokio::test]
async fn an_act_is_there_before_it_is_done_and_the_newest_comes_first() {
    for store in both().await {
        let act = |who: &str, at| NewAct {
            at,
            who: who.into(),
            user_id: Some(7),
            what: "retry".into(),
            subject: "job 4".into(),
        };
        let first = store.begin_act(&act("alice", 10)).await.unwrap();
        let second = store.begin_act(&NewAct { user_id: None, ..act("bob", 20) }).await.unwrap();
        assert_eq!(store.acts(i64::MAX, 10).await.unwrap()[1].outcome, None);
        store.end_act(first, "done").await.unwrap();
        let rows = store.acts(i64::MAX, 10).await.unwrap();
        let seen: Vec<_> = rows.iter().map(|row| (row.act.who.as_str(), row.outcome.as_deref())).collect();
        assert_eq!(seen, [("bob", None), ("alice", Some("done"))]);
        let older: Vec<_> = store.acts(second, 10).await.unwrap().into_iter().map(|row| row.id).collect();
        assert_eq!(older, [first]);
        assert_eq!(store.acts(i64::MAX, 1).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn what_is_over_is_purged() {
    for store in both().await {
        store.begin_session(&session("a", 1, 100), None).await.unwrap();
        store.use_state("s", 100).await.unwrap();
        let act = NewAct { at: 100, who: "a".into(), user_id: None, what: "b".into(), subject: String::new() };
        store.begin_act(&act).await.unwrap();
        let keep = Keep { audit: 5_000, ..Keep::default() };
        let purged = store.purge(1_000, &keep).await.unwrap();
        assert_eq!((purged.sessions, purged.acts), (0, 0));
        let purged = store.purge(3_700_000, &keep).await.unwrap();
        assert_eq!((purged.sessions, purged.acts), (1, 1));
        assert!(store.use_state("s", 100).await.unwrap(), "its row is gone, and by its own date it is refused");
    }
}
