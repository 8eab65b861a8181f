//! Databases of a PostgreSQL that lives as long as one test binary.

#[path = "cluster.rs"]
mod cluster;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use cluster::{Cluster, FORGETFUL};

const MISSING: &str = "PostgreSQL is needed for the store tests: type `apt-get install postgresql`, or set FAIRWAY_TEST_POSTGRES to the URL of a server";

/// The URL of a new, empty database.
pub async fn database() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("fairway_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let server = tokio::task::spawn_blocking(server).await.expect("the cluster starts");
    let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(server).await.expect(MISSING);
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::query(create).execute(&mut connection).await.expect("a database is made");
    let (base, options) = server.split_once('?').unwrap_or((server, ""));
    let (base, _) = base.rsplit_once('/').expect("the URL names a database");
    format!("{base}/{name}?{options}")
}

fn server() -> &'static str {
    static GIVEN: OnceLock<Option<String>> = OnceLock::new();
    // Kept to the end of the process, whose death the holding shell waits for.
    static OWN: OnceLock<Cluster> = OnceLock::new();
    let given = GIVEN.get_or_init(|| std::env::var("FAIRWAY_TEST_POSTGRES").ok());
    given.as_deref().unwrap_or_else(|| &OWN.get_or_init(|| Cluster::start(FORGETFUL).expect(MISSING)).url)
}
