//! A Fairway of its own process, started as anybody would: the binary, settings, ports. What it says is kept.

use std::process::Stdio;
use std::sync::{Arc, Mutex};

use fairway::playground::Playground;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

/// A running `fairway serve`.
pub struct Served {
    child: Child,
    settings: Vec<(&'static str, String)>,
    lines: Arc<Mutex<String>>,
    reading: tokio::task::JoinHandle<()>,
    /// Where its pages are, without a slash at the end.
    pub pages: String,
    /// Where webhooks go.
    pub hook: String,
}

/// The settings of a Fairway that serves this playground from `data`.
pub fn settings(hub: &Playground, data: &std::path::Path) -> Vec<(&'static str, String)> {
    let key = data.join("app.pem");
    std::fs::create_dir_all(data).expect("a directory");
    std::fs::write(&key, hub.private_key_pem()).expect("the App's key");
    vec![
        ("FAIRWAY_APP_ID", hub.app_id().to_string()),
        ("FAIRWAY_PRIVATE_KEY_FILE", key.display().to_string()),
        ("FAIRWAY_WEBHOOK_SECRET", hub.webhook_secret()),
        ("FAIRWAY_ORGS", "acme".to_owned()),
        ("FAIRWAY_GITHUB_URL", hub.url()),
        ("FAIRWAY_DATA_DIR", data.display().to_string()),
        ("FAIRWAY_LISTEN", "127.0.0.1:0".to_owned()),
        ("FAIRWAY_PRIVATE_LISTEN", "127.0.0.1:0".to_owned()),
        ("FAIRWAY_ENGINE", "local".to_owned()),
    ]
}

fn command(settings: &[(&'static str, String)], args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fairway"));
    command.args(args).kill_on_drop(true);
    for (name, value) in settings {
        command.env(name, value);
    }
    command
}

/// Runs another verb with the same settings; gives back all that it printed.
pub async fn verb(settings: &[(&'static str, String)], args: &[&str], input: &str) -> String {
    let mut command = command(settings, args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).await.expect("the verb reads");
    drop(stdin);
    let output = child.wait_with_output().await.expect("the verb ends");
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).into_owned()
}

impl Served {
    /// Starts it and waits until it has told both its addresses.
    pub async fn start(settings: Vec<(&'static str, String)>) -> Served {
        let mut command = command(&settings, &["serve", "--playground"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let mut source = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let lines = Arc::new(Mutex::new(String::new()));
        let (mut hook, mut pages) = (String::new(), String::new());
        while pages.is_empty() {
            let line = source.next_line().await.expect("a line");
            let line = line.unwrap_or_else(|| panic!("it ended at once: {}", lines.lock().expect("a lock")));
            let address = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap_or_default();
            if line.contains("takes webhooks at") {
                address.clone_into(&mut hook);
            } else if line.contains("its pages") {
                pages = address.split("/?").next().unwrap_or_default().trim_end_matches('/').to_owned();
            }
            keep(&lines, &line);
        }
        let kept = Arc::clone(&lines);
        let reading = tokio::spawn(async move {
            while let Ok(Some(line)) = source.next_line().await {
                keep(&kept, &line);
            }
        });
        Served { child, settings, lines, reading, pages, hook }
    }

    /// Runs another verb beside it.
    pub async fn verb(&self, args: &[&str]) -> String {
        verb(&self.settings, args, "").await
    }

    /// The id of its process.
    #[allow(dead_code, reason = "for tests that look at what it leaves behind")]
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// SIGKILL: it does nothing more.
    #[allow(dead_code, reason = "for tests that look at what it leaves behind")]
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it can be killed");
    }

    /// SIGTERM, as a supervisor sends it. It must end well and by itself. Gives back all that it said.
    pub async fn stop(mut self) -> String {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(id.expect("it runs"), rustix::process::Signal::TERM).expect("it can be told");
        let status = self.child.wait().await.expect("it ends");
        assert!(status.success(), "it ended badly: {status}");
        self.reading.await.expect("its lines were read");
        self.lines.lock().expect("a lock").clone()
    }
}

fn keep(lines: &Mutex<String>, line: &str) {
    let mut lines = lines.lock().expect("nobody panics while writing");
    lines.push_str(line);
    lines.push('\n');
}
