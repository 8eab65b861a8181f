//! A throw-away PostgreSQL: its own cluster in a temporary folder, on a unix socket. A shell holds it and ends it when
//! this process is gone, however it went.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What a test that dies with its machine need not keep.
#[allow(dead_code, reason = "what is measured keeps what it commits")]
pub const FORGETFUL: &str = "-c fsync=off -c full_page_writes=off -c max_connections=300";

/// A running server; it ends when this is dropped.
pub struct Cluster {
    /// Of the database `postgres`.
    pub url: String,
    holder: Child,
}

const SCRIPT: &str = r#"
    set -e
    cd "$FOLDER"
    as=""
    if [ "$(id -u)" = 0 ]; then chown postgres "$FOLDER"; as="setpriv --reuid=postgres --regid=postgres --clear-groups"; fi
    $as "$BIN/initdb" -A trust -U postgres -D "$FOLDER/data" --no-sync -E UTF8 --locale=C >initdb.log 2>&1
    $as "$BIN/postgres" -D "$FOLDER/data" -k "$FOLDER" -c listen_addresses='' $OPTIONS </dev/null >server.log 2>&1 &
    server=$!
    set +e
    read -r _
    kill -INT $server
    wait $server
    cd /
    rm -rf "$FOLDER"
"#;

impl Cluster {
    /// Starts one with these further options of the server. `None`: this machine has no PostgreSQL.
    pub fn start(options: &str) -> Option<Cluster> {
        let bin = newest_bin()?;
        let folder = tempfile::Builder::new().prefix("fairway-pg").tempdir().expect("a temporary folder").keep();
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT]).env("FOLDER", &folder).env("BIN", bin).env("OPTIONS", options);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let holder = command.spawn().expect("sh starts");
        wait_for(&folder);
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
    bins.sort_by_key(|bin| std::cmp::Reverse(bin.iter().nth(4).and_then(|v| v.to_str()?.parse::<u32>().ok())));
    bins.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    bins.into_iter().find(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file())
}
