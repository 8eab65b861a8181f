//! Migrations on data, one by one, and many processes at once.

use crate::postgres;
use fairway::store::Store;
use fairway::store::schema::MIGRATIONS;
use sqlx::{Connection, Executor};

/// Rows that are there before the next migration comes: one text for each migration.
const SEED: &[&str] = &[
    "INSERT INTO deliveries (guid, event, repository_id, received_at) VALUES ('g', 'push', 1, 2);
     INSERT INTO jobs (lane, kind, task, state, run_at, created_at) VALUES ('in:1', 'k', '{}', 'ready', 1, 1)",
    "INSERT INTO aggregates (key, repo_id, kind, open, rev, state, updated_at) VALUES ('pr:1/7', 1, 'pr', 1, 3, '{}', 1);
     INSERT INTO runs (repo_id, sha, pipeline, digest, trust, try_no, state, spec, created_at)
       VALUES (1, 'abc', 'test', 'd', 'pr', 1, 'queued', '{}', 1);
     INSERT INTO run_subjects (run_id, subject) VALUES (1, 'pr:1/7');
     INSERT INTO log_chunks (run_id, seq, step, at, raw_bytes, lines, body) VALUES (1, 1, 0, 1, 0, 0, '')",
    "INSERT INTO repos (id, installation_id, owner, name, default_branch, updated_at) VALUES (1, 2, 'acme', 'shop', 'main', 3);
     INSERT INTO mirrors (key, remote_id, hash, note, updated_at) VALUES ('check:1', 5, 'h', '', 1);
     INSERT INTO commands (comment_id, subject, author, text, state, created_at, updated_at)
       VALUES (55, 'pr:1/7', 'alice', '/help', 'done', 1, 1);
     INSERT INTO budgets (installation_id, writes, content_minute, content_hour, refilled_at) VALUES (2, 1, 1, 1, 1)",
    "INSERT INTO secrets (name, repo, trust, sealed, created_at, created_by) VALUES ('T', 'acme/shop', 'pr', '', 1, 'alice');
     INSERT INTO meta (key, value) VALUES ('cursor', '7')",
    "INSERT INTO runs (repo_id, sha, pipeline, digest, trust, try_no, state, spec, created_at)
       VALUES (1, 'def', 'test', 'd', 'pr', 1, 'done', '{}', 1)",
    "INSERT INTO rollouts (repo_id, environment, number, kind, sha, release, spec, accepted_at, build_done_at, updated_at)
       VALUES (1, 'staging', 1, 'planned', 'abc', 'd', '{}', 1, 1, 1);
     INSERT INTO rollouts (repo_id, environment, number, kind, sha, release, spec, accepted_at, build_done_at, updated_at,
                           ended_at, outcome, failed_at)
       VALUES (1, 'production', 1, 'planned', 'abc', 'd', '{}', 1, 1, 1, 9, 'aborted_auto', 7);
     INSERT INTO rollouts (repo_id, environment, number, kind, sha, release, spec, accepted_at, build_done_at, updated_at,
                           ended_at, outcome, failed_at, failed_by)
       VALUES (1, 'production', 2, 'planned', 'abc', 'd', '{}', 1, 1, 1, 9, 'live', 8, 'rollback')",
    "INSERT INTO brought (rollout, body, read_at) VALUES (1, '{}', 1)",
    "INSERT INTO aggregates (key, repo_id, kind, open, rev, state, updated_at) VALUES ('env:1/x', 1, 'env', 0, 1, '{}', 1)",
    "INSERT INTO budgets (installation_id, recent, content_hour, refilled_at) VALUES (3, '1 5 1', 1, 1)",
    "INSERT INTO signals (repo_id, kind, pull, at, who, branch, sha) VALUES (1, 'opened', 7, 1, 0, 'change', 'abc')",
    "INSERT INTO sessions (id, user_id, login, created_at, seen_at, expires_at) VALUES ('d', 7, 'alice', 1, 1, 9);
     INSERT INTO used_states (state, at) VALUES ('s', 1);
     INSERT INTO audit (at, who, user_id, what, subject) VALUES (1, 'alice', 7, 'retry', 'job 4')",
];

#[tokio::test]
async fn each_migration_applies_to_the_data_of_the_one_before() {
    assert_eq!(SEED.len(), MIGRATIONS.len(), "every migration has sample rows");
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:{}", folder.path().join("seed.db").display());
    for url in [sqlite, postgres::database().await] {
        let store = Store::open(&url).await.unwrap();
        for (step, rows) in MIGRATIONS.iter().zip(SEED) {
            store.migrate_to(step.number).await.unwrap();
            let mut raw = sqlx::AnyConnection::connect(&url).await.unwrap();
            raw.execute(sqlx::raw_sql(*rows)).await.unwrap();
            raw.close().await.unwrap();
        }
        store.migrate().await.unwrap();
        assert_eq!(store.aggregate("pr:1/7").await.unwrap().unwrap().rev, 3);
        assert_eq!(store.runs_of_subject("pr:1/7").await.unwrap()[0].sha, "abc");
        assert_eq!(store.meta("cursor").await.unwrap().as_deref(), Some("7"));
        let marks: Vec<_> = store.rollout_history(Some("production")).await.unwrap();
        let marks: Vec<_> = marks.iter().map(|row| (row.marks.decided_at, row.marks.failed_at)).collect();
        assert_eq!(marks, [(Some(7), None), (Some(8), Some(8))], "what was only aborted never failed while live");
        assert_eq!(store.signals().await.unwrap()[0].account, "");
        assert_eq!(store.command(55).await.unwrap().unwrap().answer, None);
        assert_eq!(store.deliveries_missing(&["g".into(), "h".into()]).await.unwrap(), ["h"]);
    }
}

#[test]
fn migrations_are_numbered_without_gaps() {
    let numbers: Vec<i64> = MIGRATIONS.iter().map(|step| step.number).collect();
    assert_eq!(numbers, (1..=MIGRATIONS.len() as i64).collect::<Vec<_>>());
    for step in MIGRATIONS {
        let file = format!("{}/migrations/{:04}_{}.sql", env!("CARGO_MANIFEST_DIR"), step.number, step.name);
        assert!(std::path::Path::new(&file).is_file(), "{file}");
    }
}

#[tokio::test]
async fn several_processes_migrate_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:{}", folder.path().join("many.db").display());
    for url in [sqlite, postgres::database().await] {
        let mut starts = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let url = url.clone();
            starts.spawn(async move { Store::open(&url).await?.migrate().await });
        }
        while let Some(start) = starts.join_next().await {
            start.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("newer.db").display());
    let store = Store::open(&url).await.unwrap();
    store.migrate().await.unwrap();
    let mut raw = sqlx::AnyConnection::connect(&url).await.unwrap();
    raw.execute("INSERT INTO schema_version (number, name) VALUES (999, 'later')").await.unwrap();
    let error = store.migrate().await.unwrap_err().to_string();
    assert!(error.contains("the database is at schema 999"), "{error}");
}

#[tokio::test]
async fn a_sqlite_file_survives_and_strange_urls_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("fairway.db").display());
    let store = Store::open(&url).await.unwrap();
    store.migrate().await.unwrap();
    store.set_meta("a", "1").await.unwrap();
    store.set_meta("a", "2").await.unwrap();
    assert_eq!(store.meta("a").await.unwrap().as_deref(), Some("2"));
    store.close().await;
    assert!(store.ping().await.is_err());
    let again = Store::open(&url).await.unwrap();
    again.migrate().await.unwrap();
    assert_eq!(again.meta("a").await.unwrap().as_deref(), Some("2"));
    again.ping().await.unwrap();
    assert!(!again.is_postgres());
    assert!(Store::open("mysql://x").await.is_err());
    assert!(Store::open("sqlite:/no/such/folder/x.db").await.is_err());
}
