//! A server in a process of its own, and what the system says of it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What both sides know.
pub const SECRET: &str = "bench";

/// The first argument of a bench that is to be such a door.
pub const DOOR: &str = "door";

/// A running server.
pub struct Served {
    /// Its door.
    pub public: SocketAddr,
    /// From the start of the process to the first `ready`.
    pub started_in: Duration,
    child: Child,
}

impl Served {
    /// Starts one on `data`, against the API at `github`.
    pub fn start(data: &Path, github: &str, more: &[(&str, &str)]) -> Served {
        let (public, private) = (free_port(), free_port());
        let key = data.join("app.pem");
        std::fs::write(&key, fairway::playground::keys::PRIVATE).expect("the key is written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_fairway"));
        command.args(["serve", "--playground"]).env_clear().stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(if std::env::var_os("BENCH_LOUD").is_some() { Stdio::inherit() } else { Stdio::null() });
        for (name, value) in [
            ("PATH", std::env::var("PATH").unwrap_or_default().as_str()),
            ("FAIRWAY_APP_ID", "1"),
            ("FAIRWAY_PRIVATE_KEY_FILE", &key.display().to_string()),
            ("FAIRWAY_WEBHOOK_SECRET", SECRET),
            ("FAIRWAY_ORGS", "*"),
            ("FAIRWAY_GITHUB_URL", github),
            ("FAIRWAY_DATA_DIR", &data.display().to_string()),
            ("FAIRWAY_LISTEN", &public.to_string()),
            ("FAIRWAY_PRIVATE_LISTEN", &private.to_string()),
            ("FAIRWAY_ENGINE", "local"),
            ("FAIRWAY_LOG", "error"),
        ] {
            command.env(name, value);
        }
        command.envs(more.iter().copied());
        Served::spawn(command, public, (private, "/readyz"))
    }

    /// Starts this bench once more as a door without workers, on a database of its own.
    pub fn door(database: &str) -> Served {
        let public = free_port();
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args([DOOR, database, &public.to_string()]).stdin(Stdio::null());
        Served::spawn(command, public, (public, "/healthz"))
    }

    /// Starts the Probot app of `bench/probot`; `None` where `npm install` was not done there.
    pub fn probot(data: &Path) -> Option<Served> {
        let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/probot");
        let program = home.join("node_modules/probot/bin/probot.js");
        if !program.exists() {
            return None;
        }
        let public = free_port();
        let key = data.join("probot.pem");
        std::fs::write(&key, fairway::playground::keys::PRIVATE).expect("the key is written");
        let mut command = Command::new("node");
        command.arg(program).args(["run", "./app.js"]).current_dir(home).env_clear();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        for (name, value) in [
            ("PATH", std::env::var("PATH").unwrap_or_default().as_str()),
            ("NODE_ENV", "production"),
            ("APP_ID", "1"),
            ("PRIVATE_KEY_PATH", &key.display().to_string()),
            ("WEBHOOK_SECRET", SECRET),
            ("WEBHOOK_PATH", "/hook"),
            ("HOST", "127.0.0.1"),
            ("PORT", &public.port().to_string()),
            ("LOG_LEVEL", "error"),
        ] {
            command.env(name, value);
        }
        Some(Served::spawn(command, public, (public, "/ping")))
    }

    fn spawn(mut command: Command, public: SocketAddr, (asked, path): (SocketAddr, &str)) -> Served {
        let begin = Instant::now();
        let child = command.spawn().expect("it starts");
        let mut served = Served { public, started_in: Duration::ZERO, child };
        while !ready(asked, path) {
            assert!(begin.elapsed() < Duration::from_secs(20), "it did not get ready");
            std::thread::sleep(Duration::from_millis(2));
        }
        served.started_in = begin.elapsed();
        served
    }

    /// Resident memory, in megabytes: now, and the most it ever was.
    pub fn memory(&self) -> (f64, f64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let of = |key: &str| {
            let line = status.lines().find(|l| l.starts_with(key)).unwrap_or("");
            line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
        };
        (of("VmRSS:"), of("VmHWM:"))
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ready(address: SocketAddr, path: &str) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = std::net::TcpStream::connect(address) else { return false };
    let request = format!("GET {path} HTTP/1.1\r\nhost: fairway\r\nconnection: close\r\n\r\n");
    let asked = stream.write_all(request.as_bytes());
    let mut answer = String::new();
    asked.is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.starts_with("HTTP/1.1 200")
}

/// An address that nobody listened on just now.
pub fn free_port() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}
