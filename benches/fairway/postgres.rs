//! A throw-away PostgreSQL that keeps what it commits: unlike the one of the tests, it has `fsync` on.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A cluster of its own on a unix socket; gone when dropped.
pub struct Cluster {
    /// For `FAIRWAY_DATABASE_URL`.
    pub url: String,
    holder: Child,
}

/// A shell holds the server and ends it when its standard input closes, so that a bench that dies leaves none behind.
const SCRIPT: &str = r#"
    set -e
    cd "$FOLDER"
    as=""
    if [ "$(id -u)" = 0 ]; then chown postgres "$FOLDER"; as="setpriv --reuid=postgres --regid=postgres --clear-groups"; fi
    $as "$BIN/initdb" -A trust -U postgres -D "$FOLDER/data" --no-sync -E UTF8 --locale=C >initdb.log 2>&1
    $as "$BIN/postgres" -D "$FOLDER/data" -k "$FOLDER" -c listen_addresses='' </dev/null >server.log 2>&1 &
    server=$!
    set +e
    read -r _
    kill -INT $server
    wait $server
    cd /
    rm -rf "$FOLDER"
"#;

impl Cluster {
    /// `None`: this machine has no PostgreSQL.
    pub fn start() -> Option<Cluster> {
        let bin = newest_bin()?;
        let folder = tempfile::Builder::new().prefix("fairway-bench-pg").tempdir().expect("a folder").keep();
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT]).env("FOLDER", &folder).env("BIN", bin);
        let holder = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        let end = Instant::now() + Duration::from_secs(60);
        let log = folder.join("server.log");
        while !std::fs::read_to_string(&log).unwrap_or_default().contains("ready to accept connections") {
            assert!(Instant::now() < end, "PostgreSQL did not start; see {}", folder.display());
            std::thread::sleep(Duration::from_millis(50));
        }
        let url = format!("postgres://postgres@localhost/postgres?host={}", folder.display());
        Some(Cluster { url, holder })
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

/// Debian keeps the server's programs by version, out of PATH.
fn newest_bin() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut bins: Vec<PathBuf> = debian.map(|version| version.path().join("bin")).collect();
    bins.sort_by_key(|bin| std::cmp::Reverse(bin.iter().nth(4).and_then(|v| v.to_str()?.parse::<u32>().ok())));
    bins.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    bins.into_iter().find(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file())
}
