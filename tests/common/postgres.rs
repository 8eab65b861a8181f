//! A throw-away PostgreSQL for one test binary: its own cluster in a temporary folder, on a unix socket. A shell holds
//! it and ends it when this process is gone, however it went.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

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
    static SERVER: OnceLock<String> = OnceLock::new();
    SERVER.get_or_init(|| std::env::var("FAIRWAY_TEST_POSTGRES").unwrap_or_else(|_| start()))
}

fn start() -> String {
    // The child is kept, because its standard input is what the shell waits for.
    static HELD: Mutex<Option<Child>> = Mutex::new(None);
    let bin = newest_bin().expect(MISSING);
    let folder = tempfile::Builder::new().prefix("fairway-pg").tempdir().expect("a temporary folder").keep();
    let script = r#"
        set -e
        cd "$FOLDER"
        as=""
        if [ "$(id -u)" = 0 ]; then chown postgres "$FOLDER"; as="setpriv --reuid=postgres --regid=postgres --clear-groups"; fi
        $as "$BIN/initdb" -A trust -U postgres -D "$FOLDER/data" --no-sync -E UTF8 --locale=C >initdb.log 2>&1
        $as "$BIN/postgres" -D "$FOLDER/data" -k "$FOLDER" -c listen_addresses='' -c fsync=off -c full_page_writes=off \
            -c max_connections=300 </dev/null >server.log 2>&1 &
        server=$!
        set +e
        read -r _
        kill -INT $server
        wait $server
        cd /
        rm -rf "$FOLDER"
    "#;
    let child = Command::new("sh")
        .args(["-c", script])
        .env("FOLDER", &folder)
        .env("BIN", bin)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh starts");
    *HELD.lock().expect("nobody panicked here") = Some(child);
    wait_for(&folder);
    format!("postgres://postgres@localhost/postgres?host={}", folder.display())
}

/// Until the server takes connections; its socket is there a little earlier.
fn wait_for(folder: &Path) {
    let end = Instant::now() + Duration::from_secs(120);
    loop {
        let log = std::fs::read_to_string(folder.join("server.log")).unwrap_or_default();
        if log.contains("ready to accept connections") {
            return;
        }
        let initdb = || std::fs::read_to_string(folder.join("initdb.log")).unwrap_or_default();
        assert!(Instant::now() < end, "PostgreSQL did not start:\n{}\n{log}", initdb());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Debian keeps the server's programs by version, out of PATH.
fn newest_bin() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut bins: Vec<PathBuf> = debian.map(|version| version.path().join("bin")).collect();
    bins.sort_by_key(|bin| bin.iter().nth(4).and_then(|v| v.to_str()?.parse::<u32>().ok()));
    bins.reverse();
    bins.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    bins.into_iter().find(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file())
}
