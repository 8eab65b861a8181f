//! The other tables, each query once.

use crate::{both, claim, finish, insert, job};
use fairway::settings::Secret;
use fairway::store::seal::Place;
use fairway::store::{
    Accepted, Budget, Class, Keep, Load, Mirror, NewCommand, NewDelivery, NewRun, NewSecret, RepoRow, RunState,
    SaveAggregate, Saved, Seal, SignalRow, Slot, State,
};
use proptest::prelude::*;

fn run(sha: &str, try_no: i64) -> NewRun {
    NewRun {
        repo_id: 1,
        sha: sha.into(),
        pipeline: "test".into(),
        digest: "d".into(),
        trust: "pr".into(),
        try_no,
        spec: "{}".into(),
        now: 5,
    }
}

#[tokio::test]
async fn an_aggregate_is_saved_only_by_who_read_its_last_rev() {
    for store in both().await {
        let save = SaveAggregate { key: "pr:1/7", repo_id: 1, kind: "pr", open: true, rev_seen: 0, state: "a", now: 1 };
        let steps = [(0, "a", Saved::Yes), (0, "b", Saved::Stale), (1, "c", Saved::Yes), (1, "d", Saved::Stale)];
        for (rev_seen, state, expected) in steps {
            let mut tx = store.begin().await.unwrap();
            assert_eq!(tx.save_aggregate(&SaveAggregate { rev_seen, state, ..save }).await.unwrap(), expected);
            tx.commit().await.unwrap();
        }
        let row = store.aggregate("pr:1/7").await.unwrap().unwrap();
        assert_eq!((row.rev, row.state.as_str(), row.open), (2, "c", true));
        assert_eq!(store.aggregates_open(1, "pr").await.unwrap(), std::slice::from_ref(&row));
        assert_eq!(store.aggregates_of(1, "pr").await.unwrap(), std::slice::from_ref(&row));
        assert_eq!(store.aggregates_since("pr", 1).await.unwrap(), [row]);
        assert_eq!(
            (store.aggregates_of(1, "env").await.unwrap(), store.aggregates_since("pr", 2).await.unwrap()),
            (vec![], vec![])
        );
        let mut tx = store.begin().await.unwrap();
        let closed = SaveAggregate { rev_seen: 2, open: false, ..save };
        assert_eq!(tx.save_aggregate(&closed).await.unwrap(), Saved::Yes);
        tx.commit().await.unwrap();
        assert_eq!(store.aggregates_open(1, "pr").await.unwrap(), []);
        assert_eq!(store.aggregate("pr:1/8").await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_run_is_one_and_its_end_is_final() {
    for store in both().await {
        let mut tx = store.begin().await.unwrap();
        let (id, created) = tx.insert_run(&run("abc", 1)).await.unwrap();
        assert!(created);
        assert_eq!(tx.insert_run(&run("abc", 1)).await.unwrap(), (id, false));
        let (second, _) = tx.insert_run(&run("abc", 2)).await.unwrap();
        for subject in ["pr:1/7", "push:1", "pr:1/7"] {
            tx.attach_subject(id, subject).await.unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(store.subjects_of(id).await.unwrap(), ["pr:1/7", "push:1"]);
        store.set_reuse_key(id, Some("tree")).await.unwrap();
        assert!(store.start_run(id, 10, "local", "n1").await.unwrap());
        assert!(store.start_run(id, 20, "local", "n2").await.unwrap());
        assert!(store.progress_run(id, "half").await.unwrap());
        let mut tx = store.begin().await.unwrap();
        assert!(tx.cancel_run(second, "superseded by abc1234").await.unwrap());
        assert!(!tx.cancel_run(second, "later").await.unwrap());
        assert!(tx.end_run(id, "success", "all", 30).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(store.cancel_flags(&[id, second]).await.unwrap(), [(second, "superseded by abc1234".to_owned())]);
        assert_eq!(store.cancel_flags(&[id]).await.unwrap(), []);
        assert!(!store.end_run(id, "failure", "no", 40).await.unwrap());
        assert!(!store.start_run(id, 40, "x", "y").await.unwrap());
        assert!(!store.progress_run(id, "x").await.unwrap());
        let row = store.run(id).await.unwrap().unwrap();
        assert_eq!(
            (row.state, row.conclusion.as_deref(), row.result.as_deref()),
            (RunState::Done, Some("success"), Some("all"))
        );
        assert_eq!((row.started_at, row.finished_at, row.node.as_deref()), (Some(10), Some(30), Some("n2")));
        assert!(store.end_run(second, "cancelled", "{}", 50).await.unwrap());
        assert_eq!(store.cancel_flags(&[second]).await.unwrap(), []);
        let ids = |rows: Vec<fairway::store::RunRow>| rows.iter().map(|row| row.id).collect::<Vec<_>>();
        assert_eq!(ids(store.runs_of(1, "abc").await.unwrap()), [id, second]);
        assert_eq!(ids(store.recent_runs(1).await.unwrap()), [second]);
        assert_eq!(ids(store.runs_of_subject("pr:1/7").await.unwrap()), [id]);
        assert_eq!(store.reusable(1, "tree").await.unwrap().unwrap().id, id);
        assert_eq!(store.reusable(1, "other").await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_log_is_read_on_and_from_its_tail() {
    for store in both().await {
        for (step, text) in [(0, "one\n"), (1, "two\nthree\n"), (0, "four\n")] {
            store.append_log(9, step, 1, text.as_bytes()).await.unwrap();
        }
        let chunks = store.log(9, 0).await.unwrap();
        let seen: Vec<_> = chunks.iter().map(|c| (c.seq, c.step, c.lines, c.bytes.as_slice())).collect();
        assert_eq!(seen, [(1, 0, 1, &b"one\n"[..]), (2, 1, 2, b"two\nthree\n"), (3, 0, 1, b"four\n")]);
        assert_eq!(store.log(9, 2).await.unwrap().len(), 1);
        assert_eq!(store.log(8, 0).await.unwrap(), []);
        assert_eq!(store.log_tail(9, 0, 7).await.unwrap(), b"e\nfour\n");
        assert_eq!(store.log_tail(9, 0, 700).await.unwrap(), b"one\nfour\n");
        for line in 0..20 {
            store.append_log(10, 0, 1, format!("{line}\n").as_bytes()).await.unwrap();
        }
        let all: String = (0..20).map(|line| format!("{line}\n")).collect();
        assert_eq!(store.log_tail(10, 0, 1_000).await.unwrap(), all.as_bytes());
    }
}

#[tokio::test]
async fn a_repository_keeps_its_cursor_when_it_is_renamed() {
    for store in both().await {
        let shop = RepoRow {
            id: 1,
            installation_id: 2,
            owner: "Acme".into(),
            name: "Shop".into(),
            default_branch: "main".into(),
            comments_cursor: None,
            updated_at: 1,
        };
        store.upsert_repo(&shop).await.unwrap();
        assert!(store.set_comments_cursor(1, "c1").await.unwrap());
        assert!(!store.set_comments_cursor(3, "c1").await.unwrap());
        store.upsert_repo(&RepoRow { name: "Store".into(), ..shop.clone() }).await.unwrap();
        let stored = RepoRow { name: "Store".into(), comments_cursor: Some("c1".into()), ..shop };
        assert_eq!(store.repo(1).await.unwrap(), Some(stored.clone()));
        assert_eq!(store.repo_by_name("acme", "store").await.unwrap(), Some(stored.clone()));
        assert_eq!(store.repo_by_name("acme", "shop").await.unwrap(), None);
        assert_eq!(store.repos().await.unwrap(), [stored]);
    }
}

#[tokio::test]
async fn a_mirror_has_one_row_and_a_comment_one_command() {
    for store in both().await {
        let mirror =
            Mirror { key: "check:1".into(), remote_id: None, hash: "h".into(), note: "n".into(), updated_at: 1 };
        store.save_mirror(&mirror).await.unwrap();
        let made = Mirror { remote_id: Some(77), hash: "i".into(), ..mirror };
        let mut tx = store.begin().await.unwrap();
        tx.save_mirror(&made).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store.mirror("check:1").await.unwrap(), Some(made));

        let help = NewCommand {
            comment_id: 55,
            subject: "pr:1/7".into(),
            author: "alice".into(),
            text: "/help".into(),
            sha: None,
            state: "new".into(),
            answer: None,
            now: 1,
        };
        let mut tx = store.begin().await.unwrap();
        assert!(tx.insert_command(&help).await.unwrap());
        assert!(!tx.insert_command(&help).await.unwrap());
        assert!(tx.update_command(55, "running", Some("hello"), 2).await.unwrap());
        tx.commit().await.unwrap();
        assert!(store.update_command(55, "done", None, 3).await.unwrap());
        assert!(!store.update_command(56, "done", None, 3).await.unwrap());
        let row = store.command(55).await.unwrap().unwrap();
        assert_eq!((row.state.as_str(), row.answer.as_deref(), row.updated_at), ("done", Some("hello"), 3));
        assert_eq!(store.commands_of("pr:1/7", 10).await.unwrap(), [row]);
    }
}

#[tokio::test]
async fn secrets_reach_their_repository_and_environment_only() {
    let seal = Seal::new(&[7; 32]);
    for store in both().await {
        let put = async |repo: &str, env: Option<&str>, value: &str| {
            let place = Place { name: "TOKEN", repo, env, trust: "pr" };
            let sealed = seal.seal(&place, &Secret::new(value)).unwrap();
            let (name, repo, env) = (place.name.to_owned(), repo.to_owned(), env.map(str::to_owned));
            let new = NewSecret { name, repo, env, trust: "pr".into(), sealed, created_by: "alice".into(), now: 1 };
            store.put_secret(&new).await.unwrap()
        };
        put("*", None, "all").await;
        put("acme", None, "owner").await;
        let old = put("Acme/Shop", None, "old").await;
        let new = put("acme/shop", None, "repo").await;
        put("acme/shop", Some("staging"), "staging").await;
        put("acme/other", None, "other").await;
        assert_ne!(old, new, "a new value is a new version");
        let open = async |env: Option<&str>| -> Vec<String> {
            let rows = store.secrets_for("ACME/shop", env).await.unwrap();
            let clear = |row: &fairway::store::SecretRow| {
                let place = Place { name: &row.name, repo: &row.repo, env: row.env.as_deref(), trust: &row.trust };
                seal.open(&place, &row.sealed).unwrap().reveal().to_owned()
            };
            rows.iter().map(clear).collect()
        };
        assert_eq!(open(None).await, ["repo", "owner", "all"]);
        assert_eq!(open(Some("staging")).await, ["staging", "repo", "owner", "all"]);
        assert_eq!(store.secrets().await.unwrap().len(), 5);
        assert_eq!(store.remove_secret("TOKEN", "acme/shop", None).await.unwrap(), 1);
        assert_eq!(open(None).await, ["owner", "all"]);
    }
}

#[test]
fn a_sealed_secret_opens_only_at_its_place_with_its_key() {
    let seal = Seal::new(&[1; 32]);
    let place = Place { name: "T", repo: "acme/shop", env: None, trust: "protected" };
    let secret = Secret::new("canary");
    let sealed = seal.seal(&place, &secret).unwrap();
    assert_eq!(seal.open(&place, &sealed), Ok(secret.clone()));
    assert_ne!(seal.seal(&place, &secret).unwrap(), sealed, "a fresh nonce each time");
    assert!(!String::from_utf8_lossy(&sealed).contains("canary"));
    let elsewhere = [
        Place { name: "U", ..place },
        Place { repo: "acme/other", ..place },
        Place { env: Some("staging"), ..place },
        Place { trust: "pr", ..place },
        Place { name: "Tacme/", repo: "shop", ..place },
    ];
    for other in elsewhere {
        assert!(seal.open(&other, &sealed).is_err(), "{other:?}");
    }
    assert!(Seal::new(&[2; 32]).open(&place, &sealed).is_err());
    for cut in 0..sealed.len() {
        assert!(seal.open(&place, &sealed[..cut]).is_err());
    }
    assert_eq!(format!("{secret:?} {seal:?}"), "*** Seal(***)");
}

#[tokio::test]
async fn a_budget_is_shared_and_keeps_a_part_for_answers() {
    for store in both().await {
        let mut taken = 0;
        while store.reserve(1, Class::Bulk, Load::one(false), 1_000).await.unwrap() == Slot::Now {
            taken += 1;
        }
        assert_eq!(taken, 17, "six tenths of what ten seconds of 850 points a minute have");
        let Slot::At(at) = store.reserve(1, Class::Progress, Load::one(false), 1_000).await.unwrap() else {
            panic!("no slot is left")
        };
        assert_eq!(store.reserve(1, Class::Answer, Load::one(false), 1_000).await.unwrap(), Slot::Now);
        assert_eq!(at, 15_000, "when the ten seconds after the five are over");
        assert_eq!(store.reserve(1, Class::Progress, Load::one(false), at).await.unwrap(), Slot::Now);
        assert_eq!(store.reserve(2, Class::Bulk, Load::one(false), 1_000).await.unwrap(), Slot::Now);
        // Three that belong together are taken whole or not at all: nothing is eaten while they wait.
        let three = Load { writes: 3, content: 1, reads: 0 };
        while store.reserve(2, Class::Completion, Load::one(false), 1_000).await.unwrap() == Slot::Now {}
        let Slot::At(at) = store.reserve(2, Class::Completion, three, 7_000).await.unwrap() else {
            panic!("answers alone still have room")
        };
        assert_eq!(store.reserve(2, Class::Completion, three, 64_999).await.unwrap(), Slot::At(at));
        assert_eq!(store.reserve(2, Class::Completion, three, at).await.unwrap(), Slot::Now);
        store.block_until(1, 90_000, 2_000).await.unwrap();
        store.block_until(1, 80_000, 2_000).await.unwrap();
        assert_eq!(store.reserve(1, Class::Answer, Load::one(false), 3_000).await.unwrap(), Slot::At(90_000));
        assert_eq!(store.reserve(1, Class::Answer, Load::one(true), 90_000).await.unwrap(), Slot::Now);
    }
}

#[test]
fn a_clock_that_went_back_holds_nothing_up_for_longer_than_a_minute() {
    let (ahead, back) = (3_600_000, 10_000);
    let ten = Load { writes: 10, content: 0, reads: 0 };
    let mut budget = Budget::full(0);
    while let (left, Slot::Now) = budget.take(Class::Answer, ten, ahead) {
        budget = left;
    }
    assert_eq!(budget.take(Class::Answer, ten, back).1, Slot::At(75_000), "what was used is used");
}

proptest! {
    /// Whatever is asked when: no write passes GitHub's figures for any window that ends with it, and a slot's time is true.
    #[test]
    fn no_window_passes_githubs_limits(asks in prop::collection::vec((0i64..4_000, 0u8..4, 1i64..4, 0i64..2), 1..1_500)) {
        let classes = [Class::Answer, Class::Completion, Class::Progress, Class::Bulk];
        let (mut budget, mut now) = (Budget::full(0), 0);
        let (mut points, mut content) = (Vec::new(), Vec::new());
        for (pause, class, some, made) in asks {
            now += if pause > 400 { 0 } else { pause };
            let class = classes[usize::from(class)];
            // Reads are counted with the next write that is asked for; nothing holds them back but their own number.
            let reads = i64::from((100..=400).contains(&pause));
            points.extend((0..reads).map(|_| (now, 1)));
            let asked = Load { writes: some, content: made, reads };
            let (left, slot) = budget.take(class, asked, now);
            match slot {
                Slot::Now => {
                    budget = left;
                    points.extend((0..some).map(|_| (now, 5)));
                    content.extend((0..made).map(|_| (now, 1)));
                    for (costs, window, most) in [(&points, 60_000, 850), (&content, 60_000, 80), (&content, 3_600_000, 500)] {
                        let inside = costs.iter().rev().take_while(|(at, _)| *at > now - window);
                        let sum: i64 = inside.map(|(_, cost)| cost).sum();
                        prop_assert!(sum <= most, "{} in {} ms", sum, window);
                    }
                }
                Slot::At(at) => {
                    budget = left;
                    let again = Load { reads: 0, ..asked };
                    prop_assert!(at > now);
                    prop_assert_eq!(budget.take(class, again, at).1, Slot::Now);
                    prop_assert_ne!(budget.take(class, again, at - 1).1, Slot::Now);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_webhook_becomes_a_delivery_and_a_job() {
    for store in both().await {
        let intake = store.intake();
        let delivery = |guid: &str| NewDelivery {
            guid: guid.into(),
            event: "push".into(),
            repository_id: Some(1),
            body: Some(b"{\"a\":1}".to_vec()),
            now: 10,
        };
        assert_eq!(intake.accept(delivery("g1")).await.unwrap(), Accepted::New);
        assert_eq!(intake.accept(delivery("g1")).await.unwrap(), Accepted::Duplicate);
        let hook = claim(&store, 10).await.unwrap();
        assert_eq!((hook.lane.as_str(), hook.kind.as_str()), ("in:1", "delivery"));
        let task: serde_json::Value = serde_json::from_str(&hook.task).unwrap();
        assert_eq!(task, serde_json::json!({ "guid": "g1", "event": "push", "repository_id": 1 }));
        assert_eq!(hook.body().unwrap().as_deref(), Some(&b"{\"a\":1}"[..]));
        assert!(finish(&store, &hook).await);
        assert_eq!(store.deliveries_missing(&["g1".into(), "g2".into()]).await.unwrap(), ["g2"]);
    }
}

#[tokio::test]
async fn old_rows_go() {
    for store in both().await {
        insert(&store, &(0..250).map(|n| job(&format!("l{n}"), "t", 20)).collect::<Vec<_>>()).await;
        for _ in 0..249 {
            finish(&store, &claim(&store, 20).await.unwrap()).await;
        }
        let mut tx = store.begin().await.unwrap();
        let (old, _) = tx.insert_run(&run("old", 1)).await.unwrap();
        let (live, _) = tx.insert_run(&run("live", 1)).await.unwrap();
        tx.attach_subject(old, "pr:1/7").await.unwrap();
        tx.attach_subject(live, "pr:1/7").await.unwrap();
        tx.end_run(old, "success", "{}", 30).await.unwrap();
        tx.commit().await.unwrap();
        store.append_log(old, 0, 25, b"x").await.unwrap();
        store.append_log(live, 0, 25, b"x").await.unwrap();

        let keep = Keep {
            done_jobs: 100,
            dead_jobs: 100,
            runs: 1_000,
            logs: 1_000,
            log_runs: 100,
            signals: 1_000,
            audit: 1_000,
        };
        let purged = store.purge(100, &keep).await.unwrap();
        assert_eq!((purged.jobs, purged.runs, purged.log_chunks), (0, 0, 0));
        let purged = store.purge(121, &Keep { log_runs: 1, ..keep }).await.unwrap();
        assert_eq!((purged.jobs, purged.runs, purged.log_chunks), (249, 0, 1));
        let purged = store.purge(1_500, &keep).await.unwrap();
        assert_eq!((purged.jobs, purged.runs, purged.log_chunks), (0, 1, 1));
        assert_eq!(store.subjects_of(old).await.unwrap(), [] as [String; 0]);
        assert_eq!(store.subjects_of(live).await.unwrap(), ["pr:1/7"]);
        assert_eq!(store.jobs(State::Ready, 10).await.unwrap().len(), 1);
    }
}

fn told(kind: &str, at: i64) -> SignalRow {
    SignalRow { repo_id: 1, kind: kind.into(), pull: 7, at, ..SignalRow::default() }
}

#[tokio::test]
async fn what_was_told_is_kept_in_order_and_goes_when_it_is_old() {
    for store in both().await {
        let pushed =
            SignalRow { pull: 0, branch: "change".into(), sha: "abc".into(), authored_at: Some(5), ..told("push", 10) };
        let joined = SignalRow { repo_id: 0, account: "acme".into(), who: 4, pull: 0, ..told("joined", 2_000) };
        let rows: Vec<SignalRow> = (0..250).map(|_| told("word", 20)).chain([pushed.clone(), joined.clone()]).collect();
        let mut tx = store.begin().await.unwrap();
        for row in &rows {
            tx.add_signal(row).await.unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(store.signals().await.unwrap(), rows);
        let keep = Keep { signals: 1_000, ..Keep::default() };
        assert_eq!(store.purge(1_010, &keep).await.unwrap().signals, 0, "the oldest rows are 990 ms old");
        assert_eq!(store.purge(1_021, &keep).await.unwrap().signals, 251);
        assert_eq!(store.signals().await.unwrap(), [joined]);
        assert_eq!(Keep::default().signals, 400 * 24 * 3_600_000);
    }
}

#[tokio::test]
async fn since_when_reviews_are_told_is_remembered_until_they_are_not() {
    for store in both().await {
        let mut since = Vec::new();
        for (told, now) in [(false, 10), (true, 20), (true, 30), (false, 40), (true, 50)] {
            store.note_reviews_told(7, told, now).await.unwrap();
            since.push(store.reviews_since(7).await.unwrap());
        }
        assert_eq!(since, [None, Some(20), Some(20), None, Some(50)]);
        assert_eq!(store.reviews_since(8).await.unwrap(), None);
    }
}
